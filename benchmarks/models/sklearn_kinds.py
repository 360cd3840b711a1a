"""scikit-learn: every estimator that it has, each once, and the pipelines that appear in practice."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from benchmarks.models.data import Table
from benchmarks.models.fitting import asked
from benchmarks.models.pipelines import PIPELINES
from benchmarks.models.trial import Kind, Made

FRAMEWORK = "scikit-learn"
SMALL: dict[str, Any] = {"n_estimators": 20, "random_state": 0}
BASES: dict[str, Callable[[], dict[str, Any]]] = {
    "estimator": lambda: {"estimator": LogisticRegression(max_iter=500)},
    "regressor": lambda: {"estimator": Ridge()},
}

# What an estimator needs beyond its defaults. A name that is not here is made with none.
ARGUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    **dict.fromkeys(
        (
            "CalibratedClassifierCV",
            "ClassifierChain",
            "FixedThresholdClassifier",
            "FrozenEstimator",
            "MultiOutputClassifier",
            "OneVsOneClassifier",
            "OneVsRestClassifier",
            "OutputCodeClassifier",
            "RFE",
            "RFECV",
            "SelectFromModel",
            "SelfTrainingClassifier",
            "SequentialFeatureSelector",
            "TunedThresholdClassifierCV",
        ),
        BASES["estimator"],
    ),
    **dict.fromkeys(("MultiOutputRegressor", "RegressorChain"), BASES["regressor"]),
    **dict.fromkeys(
        (
            "ExtraTreesClassifier",
            "ExtraTreesRegressor",
            "GradientBoostingClassifier",
            "GradientBoostingRegressor",
            "IsolationForest",
            "RandomForestClassifier",
            "RandomForestRegressor",
            "RandomTreesEmbedding",
        ),
        lambda: SMALL,
    ),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), lambda: {"max_iter": 20}),
    **dict.fromkeys(("KMeans", "MiniBatchKMeans", "BisectingKMeans"), lambda: {"n_clusters": 4, "random_state": 0}),
    **dict.fromkeys(("GaussianMixture", "BayesianGaussianMixture"), lambda: {"n_components": 3, "random_state": 0}),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV"), lambda: {"max_iter": 500}),
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), lambda: {"max_iter": 200, "random_state": 0}),
    **dict.fromkeys(
        ("GaussianRandomProjection", "SparseRandomProjection"), lambda: {"n_components": 3, "random_state": 0}
    ),
    **dict.fromkeys(("PCA", "KernelPCA", "TruncatedSVD", "NMF", "FactorAnalysis"), lambda: {"n_components": 3}),
    **dict.fromkeys(("FastICA", "MiniBatchNMF"), lambda: {"n_components": 3, "random_state": 0}),
    "SelectKBest": lambda: {"k": 2},
    **dict.fromkeys(
        ("VotingClassifier", "StackingClassifier"),
        lambda: {
            "estimators": [("tree", DecisionTreeClassifier(max_depth=4)), ("linear", LogisticRegression(max_iter=500))],
        },
    ),
    **dict.fromkeys(
        ("VotingRegressor", "StackingRegressor"),
        lambda: {"estimators": [("boosting", HistGradientBoostingRegressor(max_iter=10)), ("linear", Ridge())]},
    ),
    "ColumnTransformer": lambda: {
        "transformers": [("scaled", StandardScaler(), slice(0, 2)), ("bins", KBinsDiscretizer(3), slice(2, 4))]
    },
    "FeatureUnion": lambda: {"transformer_list": [("scaled", StandardScaler()), ("parts", PCA(2))]},
    "FunctionTransformer": lambda: {"func": np.log1p},
    "GridSearchCV": lambda: {"estimator": LogisticRegression(max_iter=500), "param_grid": {"C": [0.1, 1.0]}},
    "Pipeline": lambda: {"steps": [("scale", StandardScaler()), ("model", LogisticRegression(max_iter=500))]},
    "RandomizedSearchCV": lambda: {
        "estimator": LogisticRegression(max_iter=500),
        "param_distributions": {"C": [0.1, 1.0]},
        "n_iter": 2,
    },
    "LocalOutlierFactor": lambda: {"novelty": True},
    "MissingIndicator": lambda: {"features": "all"},
    "OneHotEncoder": lambda: {"handle_unknown": "ignore"},
    "OrdinalEncoder": lambda: {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "SelectPercentile": lambda: {"percentile": 50},
    "SparseCoder": lambda: {"dictionary": np.eye(4)},
    "TransformedTargetRegressor": lambda: {"regressor": Ridge(), "func": np.log1p, "inverse_func": np.expm1},
    "IsotonicRegression": lambda: {"out_of_bounds": "clip"},
    "LatentDirichletAllocation": lambda: {"n_components": 3, "random_state": 0, "max_iter": 5},
    "MiniBatchDictionaryLearning": lambda: {"n_components": 4, "random_state": 0, "max_iter": 50},
    "DictionaryLearning": lambda: {"n_components": 4, "random_state": 0, "max_iter": 50},
    "RadiusNeighborsClassifier": lambda: {"radius": 5.0},
    "RadiusNeighborsRegressor": lambda: {"radius": 5.0},
}
# Which table an estimator reads, where it is not the usual one of its kind.
READS = {
    "CategoricalNB": "credit, coded",
    "IsotonicRegression": "diabetes, one column",
    "FixedThresholdClassifier": "breast cancer",
    "TunedThresholdClassifierCV": "breast cancer",
    "CountVectorizer": "reviews",
    "HashingVectorizer": "reviews",
    "TfidfVectorizer": "reviews",
    "TfidfTransformer": "reviews",
    "OneHotEncoder": "credit, coded",
    "OrdinalEncoder": "credit, coded",
    "TargetEncoder": "credit, coded",
    "IsolationForest": "breast cancer",
}
# Estimators of several targets at once, which are fitted on two.
SEVERAL_TARGETS = {
    "CCA",
    "ClassifierChain",
    "MultiOutputClassifier",
    "MultiOutputRegressor",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "PLSCanonical",
    "RegressorChain",
}
# What stands before a transformer in its pipeline.
BEFORE: dict[str, Callable[[], list[Any]]] = {
    "TfidfTransformer": lambda: [make_column_transformer((CountVectorizer(max_features=500), "review"))],
    "KNNImputer": list,
    "BernoulliRBM": lambda: [MinMaxScaler()],
}
GROUPS = ("pipeline", "classifier", "regressor", "transformer", "cluster", "outliers")
# They transform or describe the rows that they were fitted on, or answers, pictures or dictionaries: there is no
# pipeline that would give them a table's rows.
ALONE = {
    "ClassicalMDS",
    "DictVectorizer",
    "FeatureHasher",
    "KernelCenterer",
    "LabelBinarizer",
    "LabelEncoder",
    "MDS",
    "PLSSVD",
    "MultiLabelBinarizer",
    "PatchExtractor",
    "SpectralEmbedding",
    "TSNE",
}


def kinds() -> list[Kind]:
    """Give every estimator once, then the pipelines."""
    types = {name: kind for kind in ("transformer", "cluster", "regressor", "classifier") for name in _names(kind)}
    every = [_single(name, cls, types.get(name, "other")) for name, cls in all_estimators()]
    order = {group: place for place, group in enumerate(GROUPS)}
    return [*PIPELINES, *sorted(every, key=lambda kind: (order[kind.group], kind.name))]


def _names(kind: str) -> list[str]:
    return [name for name, _ in all_estimators(type_filter=kind)]


def _single(name: str, cls: type[Any], kind: str) -> Kind:
    text = name in {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"}
    group = "transformer" if text or name == "FeatureAgglomeration" else kind if kind in GROUPS else _group_of(name)
    on = READS.get(name) or ("diabetes" if group == "regressor" else "iris")
    make = _transforming if group == "transformer" and name not in ALONE else _answering
    return Kind(
        framework=FRAMEWORK,
        group=group,
        name=name,
        on=on,
        make=lambda given, _: _fitted(make(name, cls), name, given),
        most=1000,
    )


def _group_of(name: str) -> str:
    if name in {"IsolationForest", "OneClassSVM", "SGDOneClassSVM", "EllipticEnvelope", "LocalOutlierFactor"}:
        return "outliers"
    return "classifier" if name in {"Pipeline", "GridSearchCV", "RandomizedSearchCV", "FrozenEstimator"} else "cluster"


def _answering(name: str, cls: type[Any]) -> Any:
    arguments = ARGUMENTS.get(name, dict)()
    if name == "FrozenEstimator":
        return cls(LogisticRegression(max_iter=500))
    return cls(**arguments)


def _transforming(name: str, cls: type[Any]) -> Any:
    part = cls(**ARGUMENTS.get(name, dict)())
    if name in {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"}:
        part = make_column_transformer((part, "review"))
    return make_pipeline(*BEFORE.get(name, list)(), part, LogisticRegression(max_iter=500))


def _fitted(model: Any, name: str, given: Table) -> Made:
    answers: Any = given.answers
    if name in SEVERAL_TARGETS:
        answers = np.column_stack([given.answers, given.answers])
    elif name == "FrozenEstimator":
        model.estimator.fit(given.rows, answers)
    if name not in ALONE:
        model.fit(given.rows, answers)
    # The isolated runtime asks for predict, whatever else there is.
    return Made(model=model, predict=model.predict if name == "LocalOutlierFactor" else asked(model))
