"""Candidates: the name of a model in, an unfitted estimator and the choices to search through out."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from golive import plugins
from golive.domain.signature import Task
from golive.errors import DataError
from golive.training.class_indices import ClassIndices
from golive.training.recipe import Candidate, CandidateName, Recipe

Grid = Mapping[str, tuple[Any, ...]]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the table of candidates."""

    builders: Mapping[Task, Callable[..., Any]]
    """Task -> estimator class; a task that is absent cannot be done."""
    grid: Grid = {}
    """Choices to search through when the recipe gives none."""
    fixed: Mapping[str, Any] = {}
    """Parameters that differ from the library's defaults."""
    sparse: bool = False
    """Whether it is fitted on sparse columns as well."""
    scaled_target: bool = False
    """Whether a regression is fitted on the standardized target."""
    calibrated: bool = False
    """Whether a classification has no probabilities of its own."""
    indices: bool = False
    """Whether a classification is fitted on 0 to k - 1 in place of the labels."""


def _from(library: str, name: str) -> Callable[..., Any]:
    def build(**parameters: Any) -> Any:
        return getattr(plugins.library(library), name)(**parameters)

    return build


KINDS: Mapping[CandidateName, Kind] = {
    "linear": Kind(builders={"regression": LinearRegression}),
    "ridge": Kind(builders={"regression": Ridge}, grid={"alpha": (0.1, 1.0, 10.0, 100.0)}, sparse=True),
    "logistic": Kind(
        builders={"classification": LogisticRegression},
        grid={"C": (0.01, 0.1, 1.0, 10.0)},
        fixed={"max_iter": 2000},
        sparse=True,
    ),
    "decision_tree": Kind(
        builders={"regression": DecisionTreeRegressor, "classification": DecisionTreeClassifier},
        grid={"max_depth": (3, 6, 12), "min_samples_leaf": (5, 20)},
        sparse=True,
    ),
    "random_forest": Kind(
        builders={"regression": RandomForestRegressor, "classification": RandomForestClassifier},
        grid={"max_features": ("sqrt", 0.4), "min_samples_leaf": (1, 5)},
        fixed={"n_estimators": 100},
        sparse=True,
    ),
    "gradient_boosting": Kind(
        builders={"regression": HistGradientBoostingRegressor, "classification": HistGradientBoostingClassifier},
        grid={"learning_rate": (0.05, 0.1), "max_leaf_nodes": (15, 31)},
        fixed={"max_iter": 200},
    ),
    "svm": Kind(
        builders={"regression": SVR, "classification": SVC},
        grid={"C": (0.1, 1.0, 10.0)},
        sparse=True,
        scaled_target=True,
        calibrated=True,
    ),
    "mlp": Kind(
        builders={"regression": MLPRegressor, "classification": MLPClassifier},
        grid={"hidden_layer_sizes": ((32,), (64, 32)), "alpha": (0.0001, 0.01)},
        fixed={"max_iter": 500, "early_stopping": True},
        sparse=True,
        scaled_target=True,
    ),
    "lightgbm": Kind(
        builders={
            "regression": _from("lightgbm", "LGBMRegressor"),
            "classification": _from("lightgbm", "LGBMClassifier"),
        },
        grid={"learning_rate": (0.05, 0.1), "num_leaves": (15, 31)},
        fixed={"n_estimators": 200, "verbose": -1, "deterministic": True, "force_row_wise": True},
        sparse=True,
    ),
    "xgboost": Kind(
        builders={"regression": _from("xgboost", "XGBRegressor"), "classification": _from("xgboost", "XGBClassifier")},
        grid={"learning_rate": (0.05, 0.1), "max_depth": (4, 6)},
        fixed={"n_estimators": 200, "tree_method": "hist"},
        # Of a sparse table XGBoost takes the zeros for missing: the model would depend on how wide the table is.
        sparse=False,
        indices=True,
    ),
}


def space_of(candidate: Candidate) -> dict[str, tuple[Any, ...]]:
    """Give the choices to search through: the candidate's, or the default ones it does not fix."""
    if candidate.grid:
        return {name: tuple(choices) for name, choices in candidate.grid.items()}
    return {name: choices for name, choices in KINDS[candidate.model].grid.items() if name not in candidate.parameters}


def estimator(name: CandidateName, parameters: Mapping[str, Any], recipe: Recipe) -> Any:
    """Build an unfitted estimator; one thread, and the recipe's seed where it takes one.

    ``parameters`` are the plain model's: they reach it through the calibration of ``svm`` and through a target
    that is transformed.

    Raises:
        DataError: the model cannot do this task, or has no such parameter.
        MissingExtraError: its library is not installed.
    """
    kind = KINDS[name]
    builder = kind.builders.get(recipe.task)
    if builder is None:
        able = ", ".join(other for other, entry in KINDS.items() if recipe.task in entry.builders)
        message = f"candidate {name!r} cannot do a {recipe.task}; these can: {able}"
        raise DataError(message)
    plain = builder(**kind.fixed)
    known = plain.get_params()
    given = {parameter: _value(parameter, value) for parameter, value in parameters.items()}
    _check_known(name, given, known)
    always = {"random_state": recipe.seed, "n_jobs": 1}
    plain.set_params(**{key: value for key, value in always.items() if key in known} | given)
    return _wrapped(plain, kind, recipe)


def takes_sparse(name: CandidateName) -> bool:
    """Say whether the model is fitted on sparse columns as well."""
    return KINDS[name].sparse


def with_jobs(model: Any, jobs: int) -> None:
    """Let an estimator that fits in parallel use so many threads; its result does not depend on it."""
    if "n_jobs" in model.get_params(deep=False):
        model.set_params(n_jobs=jobs)


def _wrapped(plain: Any, kind: Kind, recipe: Recipe) -> Any:
    if recipe.task == "classification":
        if kind.indices:
            return ClassIndices(plain)
        return CalibratedClassifierCV(plain, method="sigmoid", ensemble=False) if kind.calibrated else plain
    fitted = TransformedTargetRegressor(plain, transformer=StandardScaler()) if kind.scaled_target else plain
    # The logarithm stands outside: what is standardized is the logarithm, whose spread can be far from 1 too.
    return TransformedTargetRegressor(fitted, func=np.log1p, inverse_func=np.expm1) if recipe.log_target else fitted


def _value(parameter: str, value: Any) -> Any:
    # golive.yaml has lists where scikit-learn wants tuples.
    return tuple(value) if parameter == "hidden_layer_sizes" and isinstance(value, list) else value


def _check_known(name: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for parameter in given:
        if parameter not in known:
            near = get_close_matches(parameter, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known))}"
            message = f"candidate {name!r} has no parameter {parameter!r}; {hint}"
            raise DataError(message)
