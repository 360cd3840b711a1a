"""XGBoost's own ``Booster``: fitted by ``xgboost.train``, or read from a file."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from golive.adapters.frameworks.booster_categories import as_categories
from golive.adapters.frameworks.boosters import emitter_of, finished, in_order, is_of, numbered
from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.emitter import Emitter
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.inputs import is_text
from golive.adapters.frameworks.xgboost import SOFTMAX, Learner, categorical, learner_of, write
from golive.ports import Converted, Float64

BINARY = "binary:logistic"
NOTE = "the original adds its trees in float32, and the graph adds the same numbers in the same order"


class XgboostFramework:
    """Converts boosters of XGBoost, and asks the originals."""

    name = "xgboost"

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a ``xgboost.Booster``."""
        return is_of(model, "xgboost", "Booster")

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a booster; the classes of a classifier are numbered from 0, as it knows them.

        A ``Booster`` answers with all its trees, also after early stopping; take ``booster[:best_iteration + 1]`` of
        it before where only those up to the best are meant.

        Args:
            model: A fitted ``xgboost.Booster``.
            sample: Rows as it saw them, as a DataFrame with its columns, or an array with as many.
            target: The name of what is predicted.

        Raises:
            NotConvertibleError: a column is not there, or a part has no exact form; the message names it.
        """
        json = learner_of(model)
        classes = numbered(_class_count(json))
        rows = in_order(sample, _names(json))
        emitter = emitter_of(rows)
        block = _numbers(emitter, model, json)
        answer = write(emitter, model, Learner(json=json, classes=bool(classes)), block)
        return finished(emitter, answer, target=target, classes=classes, notes=(NOTE,))

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities.

        XGBoost refuses a category that it never saw (and takes the empty text for a known one); it is asked, and
        served, as a missing value.
        """
        import xgboost  # noqa: PLC0415 - its models are recognized without it

        json = learner_of(model)
        data = xgboost.DMatrix(
            _as_trained(json, in_order(rows, _names(json))),
            feature_names=model.feature_names,
            feature_types=model.feature_types,
            enable_categorical=True,
        )
        answer = np.asarray(model.predict(data))
        if str(json["objective"]["name"]) == BINARY:
            answer = np.column_stack([np.float32(1.0) - answer, answer])
        return answer.astype(np.float64).reshape(len(answer), -1)


def _names(json: Any) -> list[str]:
    named = [str(name) for name in json.get("feature_names") or []]
    return named or [f"f{place}" for place in range(int(json["learner_model_param"]["num_feature"]))]


def _class_count(json: Any) -> int:
    objective = str(json["objective"]["name"])
    if objective == BINARY:
        return 2
    return int(json["learner_model_param"]["num_class"]) if objective in SOFTMAX or objective == "multi:softmax" else 0


def _known(json: Any) -> list[list[str]]:
    """Give the categories of each column by name, as far as the model keeps them; versions before 3.1 do not."""
    kept = json["gradient_booster"].get("gbtree", json["gradient_booster"])["model"].get("cats", {}).get("enc", [])
    return [_texts(entry) for entry in kept] or [[] for _ in _names(json)]


def _texts(entry: Any) -> list[str]:
    ends, text = entry.get("offsets") or [0], bytes(byte % 256 for byte in entry["values"] if "offsets" in entry)
    return [text[start:end].decode() for start, end in pairwise(ends)]


def _numbers(emitter: Emitter, model: Any, json: Any) -> Block:
    """Give the numbers the booster reads; text columns become the codes of its categories."""
    names, known = emitter.inputs.names, _known(json)
    texts = [place for place, name in enumerate(names) if emitter.inputs.is_text(name)]
    if not texts:
        return emitter.inputs.numbers(emitter.graph, names)
    for place in texts:
        if place not in categorical(json) or not known[place]:
            raise emitter.refusal(
                model,
                f"reads the text column {names[place]!r}, but keeps no names of categories for it",
                "fit it anew on pandas categories with XGBoost 3.1 or later, or give the codes it was fitted on",
            )
    return emitter.graph.join(
        [
            _coded(emitter, name, known[place]) if place in texts else emitter.inputs.numbers(emitter.graph, [name])
            for place, name in enumerate(names)
        ]
    )


def _coded(emitter: Emitter, name: str, known: list[str]) -> Block:
    emitter.inputs.declare(name, known)
    codes = {value: float(place) for place, value in enumerate(known)}
    table = [codes.get(value, np.nan) for value in emitter.inputs.vocabulary(name)]
    unseen_and_missing = [np.nan, np.nan]
    column = lookup(
        emitter.graph, [np.asarray([*table, *unseen_and_missing])], emitter.inputs.codes(emitter.graph, [name])
    )
    return Block(column, 1)


def _as_trained(json: Any, rows: pd.DataFrame) -> Any:
    if not any(is_text(name, rows[name]) for name in rows.columns):
        return rows.to_numpy(np.float64)
    known = dict(zip(rows.columns, _known(json), strict=True))
    columns = {
        name: as_categories(rows[name], known[name]) if is_text(name, rows[name]) else rows[name].astype(np.float64)
        for name in rows.columns
    }
    return pd.DataFrame(columns, index=rows.index)
