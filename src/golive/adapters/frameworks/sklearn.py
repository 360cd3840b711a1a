"""scikit-learn: fitted pipelines (LightGBM's and XGBoost's estimators among them) become exact double-precision graphs.

Written exactly, by rules in this folder: ``columns`` (ColumnTransformer, Pipeline, FeatureUnion), ``categories``
(one-hot, ordinal and target encoding, and whatever stands before them), ``numbers`` (imputing, scaling, power and
quantile transforms, bins, polynomials, numpy functions, components; selection by ``get_support``), ``estimators``
(linear, kernel, network, naive Bayes, discriminants, dummy), ``forests`` (trees, forests, both gradient boostings),
``compounds`` (voting, stacking, calibration, transformed targets, one against the rest), ``ensembles`` (isolation
forest, bagging, AdaBoost), ``neighbors`` (the nearest of some centers), ``projections`` (projections and kernels),
``chosen`` (classifiers without probabilities), ``splines``, ``text`` (vectorizers), ``lightgbm`` and ``xgboost``.
A short list of others goes through skl2onnx (``splice``). Everything else is refused with the name of the part.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, is_classifier, is_clusterer, is_outlier_detector

from golive.adapters.frameworks import (
    chosen,
    columns,
    compounds,
    ensembles,
    estimators,
    forests,
    lightgbm,
    neighbors,
    numbers,
    projections,
    splice,
    text,
    xgboost,
)
from golive.adapters.frameworks.asking import as_trained, missing_markers
from golive.adapters.frameworks.emitter import Emitter, on_blocks
from golive.adapters.frameworks.inputs import Columns, Inputs, frame_of
from golive.adapters.frameworks.terms import TermGraph
from golive.domain.bundle import Decision
from golive.domain.signature import DType, Signature
from golive.errors import NotConvertibleError
from golive.packaging.labels_only import NOTE
from golive.ports import Converted, Float64

COMPOUND_TOLERANCE = 1e-6
"""What a stack, a vote or a transformed target over float32 answers may differ: they go on in float32 themselves."""


class SklearnFramework:
    """Converts fitted scikit-learn models, and asks the originals."""

    name = "sklearn"

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a scikit-learn estimator, or follows its interface."""
        return isinstance(model, BaseEstimator)

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a fitted model to a graph with the same answers.

        Args:
            model: a fitted estimator or Pipeline.
            sample: rows as the model saw them in training: a DataFrame, or an array of numbers (columns are then
                named ``x0`` to ``xn``). It decides which columns are text, their ranges, and which may be missing.
            target: the name of what is predicted.

        Raises:
            NotConvertibleError: a part has no exact form; the message names the part, its step and a way out.
        """
        frame = frame_of(sample)
        labels_only = chosen.has_labels_only(model)
        if labels_only and not _chooses(_plain(model)):
            message = (
                f"{_named(model)} gives no probabilities; {estimators.WRAP}, or choose a classifier that gives them"
            )
            raise NotConvertibleError(message)
        inputs = Inputs(frame, missing_markers(model))
        emitter = Emitter(
            inputs,
            transformers={**on_blocks({**numbers.RULES, **projections.RULES}), **text.RULES, **columns.RULES},
            answers={
                **on_blocks(
                    {
                        **splice.ANSWERS,
                        **estimators.ANSWERS,
                        **ensembles.ANSWERS,
                        **neighbors.ANSWERS,
                        **projections.ANSWERS,
                        **xgboost.ANSWERS,
                    }
                ),
                **forests.ANSWERS,
                **compounds.ANSWERS,
                **chosen.ANSWERS,
                **lightgbm.ANSWERS,
            },
            decisions={**on_blocks({**estimators.DECISIONS, **ensembles.DECISIONS}), **forests.DECISIONS},
        )
        names = [str(name) for name in getattr(model, "feature_names_in_", inputs.names)]
        emitter.graph = TermGraph(inputs.numbers, partial(emitter.refusal, "a part after the texts"))
        answer = emitter.answer(model, Columns(tuple(names) if set(names) <= set(inputs.names) else inputs.names))
        preparation = inputs.preparation()
        return Converted(
            graph=emitter.graph.finish(
                answer, numbers=len(preparation.numbers), categories=len(preparation.categories)
            ),
            preparation=preparation,
            signature=_signature(model, inputs, target),
            thresholds=emitter.graph.thresholds(),
            decision=_decision(_plain(model)),
            **_precision(model, emitter, labels_only=labels_only),
        )

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities.

        A classifier without probabilities gives 1 for the class that it chooses and 0 for the others, a clusterer
        the same for the cluster. A detector of outliers gives its decision function (an outlier is below zero).

        Numbers are handed over as float64 and "missing" in text columns as the model saw it in training.
        """
        reached = as_trained(model, frame_of(rows))
        if chosen.has_labels_only(model):
            answer = np.asarray(model.predict(reached))[:, None] == np.asarray(model.classes_)[None, :]
        elif is_classifier(model):
            answer = model.predict_proba(reached)
        elif is_outlier_detector(model):
            answer = model.decision_function(reached)
        elif is_clusterer(model):
            answer = np.eye(_clusters(model))[model.predict(reached)]
        else:
            answer = model.predict(reached)
        values = np.asarray(answer, np.float64)
        return values.reshape(len(values), -1)


def _chooses(model: Any) -> bool:
    """Say whether the class that a classifier without probabilities chooses can be written."""
    known = {*chosen.ANSWERS, "SGDClassifier", "SVC", "NuSVC", "VotingClassifier"}
    return any(cls.__name__ in known for cls in type(model).__mro__)


def _decision(model: Any) -> Decision:
    """Give the threshold of a classifier that was tuned or told where to draw the line between two classes."""
    threshold = compounds.threshold_of(model)
    # A probability that is the threshold itself counts as the second class, and golive asks for one above it.
    return Decision() if threshold is None else Decision(threshold=float(np.nextafter(threshold, -np.inf)))


def _precision(model: Any, emitter: Emitter, *, labels_only: bool) -> dict[str, Any]:
    """Say which tolerance the model needs, and why, where a part of it answers in float32."""
    if labels_only:
        return {"notes": (NOTE,)}
    if not emitter.in_float32:
        return {}
    if _plain(model).__module__.startswith("xgboost"):
        note = "the original adds its trees in float32, and the graph adds the same numbers in the same order"
        return {"tolerance": emitter.tolerance, "notes": (note,)}
    note = f"a part of the model answers in float32, and what stands around it rounds to {COMPOUND_TOLERANCE}"
    return {"tolerance": COMPOUND_TOLERANCE, "notes": (note,)}


def _plain(model: Any) -> Any:
    """Give the estimator that answers last, without what only passes its answer on."""
    if hasattr(model, "steps"):
        return _plain(model.steps[-1][1])
    inner = getattr(model, "best_estimator_", None)
    if inner is None and type(model).__name__ == "ClassIndices":
        inner = model.estimator_
    return model if inner is None else _plain(inner)


def _signature(model: Any, inputs: Inputs, target: str) -> Signature:
    if is_clusterer(model):
        names = tuple(str(cluster) for cluster in range(_clusters(model)))
        return Signature(
            inputs=inputs.fields(), task="classification", target=target, classes=names, class_dtype="int64"
        )
    if not is_classifier(model):
        return Signature(inputs=inputs.fields(), task="regression", target=target)
    labels = np.asarray(model.classes_)
    return Signature(
        inputs=inputs.fields(),
        task="classification",
        target=target,
        classes=tuple(str(label) for label in labels.tolist()),
        class_dtype=_label_dtype(labels),
    )


def _clusters(model: Any) -> int:
    return len(_plain(model).cluster_centers_)


def _label_dtype(labels: Any) -> DType:
    if pd.api.types.is_bool_dtype(labels):
        return "bool"
    if pd.api.types.is_integer_dtype(labels):
        return "int64"
    return "float64" if pd.api.types.is_float_dtype(labels) else "string"


def _named(model: Any) -> str:
    last = model.steps[-1] if hasattr(model, "steps") else None
    return type(model).__name__ if last is None else f"{type(last[1]).__name__} (step {last[0]!r})"
