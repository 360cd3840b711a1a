"""Features: from prepared columns to what an estimator reads, as scikit-learn parts that have an exact graph."""

from functools import partial
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from golive.errors import DataError
from golive.training.frame import is_missing
from golive.training.impute import InterpolatingImputer
from golive.training.recipe import Recipe

_SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
_DENSE_BYTES = 512 << 20
_BELOW_ONE = float(np.nextafter(1.0, 0.0))
_SELECTING_TREES = 50


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The prepared columns that an estimator reads."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    wide: bool = False
    """Whether one-hot columns of all rows would take too much memory when dense."""


def useful_columns(
    train: pd.DataFrame, numbers: tuple[str, ...], categories: tuple[str, ...], recipe: Recipe
) -> tuple[Prepared, tuple[str, ...]]:
    """Leave out columns without information in the training rows: (the others, a note for each left out).

    Raises:
        DataError: no column is left.
    """
    notes: list[str] = []
    kept: dict[str, bool] = {}
    for name in (*numbers, *categories):
        known = pd.unique(train[name].dropna())
        missing = len(known) > 0 and bool(is_missing(train[name].to_numpy()).any())
        told_apart = missing and (name in categories or recipe.features.indicate_missing)
        kept[name] = len(known) > 1 or told_apart
        if not len(known):
            notes.append(f"column {name!r} is left out: it has no value in any training row")
        elif not kept[name]:
            notes.append(f"column {name!r} is left out: it is {known[0]!r} in every training row that has a value")
    if not any(kept.values()):
        message = "no feature has more than one value in the training rows; there is nothing to learn from"
        raise DataError(message)
    left = tuple(name for name in categories if kept[name])
    width = sum(int(train[name].nunique()) + 1 for name in left if _encoder_name(name, recipe) == "onehot")
    prepared = Prepared(
        numbers=tuple(name for name in numbers if kept[name]),
        categories=left,
        wide=width * len(train) * 8 > _DENSE_BYTES,
    )
    return prepared, tuple(notes)


def pipeline(prepared: Prepared, recipe: Recipe, estimator: Any, *, takes_sparse: bool) -> Pipeline:
    """Put the parts together: columns, selection if asked for, estimator. Nothing is fitted yet."""
    sparse = prepared.wide and takes_sparse
    columns = ColumnTransformer(
        _branches(prepared, recipe, sparse=sparse),
        sparse_threshold=1.0 if sparse else 0.0,
        verbose_feature_names_out=True,
    )
    selector = _selector(recipe)
    steps = [("columns", columns), *([] if selector is None else [("select", selector)]), ("model", estimator)]
    return Pipeline(steps)


def _branches(prepared: Prepared, recipe: Recipe, *, sparse: bool) -> list[tuple[str, Any, list[str]]]:
    branches: list[tuple[str, Any, list[str]]] = []
    if prepared.numbers:
        branches.append(("numbers", _number_branch(recipe), list(prepared.numbers)))
    for kind in ("onehot", "ordinal", "target"):
        names = [name for name in prepared.categories if _encoder_name(name, recipe) == kind]
        if names:
            branches.append((kind, _encoder(kind, recipe, sparse=sparse), names))
    return branches


def _number_branch(recipe: Recipe) -> Any:
    scaler = _SCALERS.get(recipe.features.scale)
    imputer = _imputer(recipe)
    return imputer if scaler is None else Pipeline([("impute", imputer), ("scale", scaler())])


def _imputer(recipe: Recipe) -> SimpleImputer:
    features = recipe.features
    if features.impute == "interpolate":
        return InterpolatingImputer(add_indicator=features.indicate_missing)
    fill = {"fill_value": 0.0} if features.impute == "constant" else {}
    return SimpleImputer(strategy=features.impute, add_indicator=features.indicate_missing, **fill)


def _encoder_name(name: str, recipe: Recipe) -> str:
    return "target" if name in recipe.features.target_encode else recipe.features.encode


def _encoder(kind: str, recipe: Recipe, *, sparse: bool) -> Any:
    # A missing category is a category of its own (None), so categories need no imputer.
    if kind == "ordinal":
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    if kind == "target":
        target_type = "continuous" if recipe.task == "regression" else "auto"
        return TargetEncoder(target_type=target_type, random_state=recipe.seed)
    if recipe.features.rare > 0:
        share = min(recipe.features.rare, _BELOW_ONE)
        return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=share, sparse_output=sparse)
    return OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)


def _selector(recipe: Recipe) -> Any:
    select = recipe.features.select
    regression = recipe.task == "regression"
    match select.method:
        case "none":
            return None
        case "variance":
            return VarianceThreshold()
        case "k_best":
            return SelectKBest(f_regression if regression else f_classif, k=select.keep)
        case "model":
            forest = RandomForestRegressor if regression else RandomForestClassifier
            judge = forest(
                n_estimators=_SELECTING_TREES, max_leaf_nodes=256, min_samples_leaf=2, random_state=recipe.seed
            )
            return SelectFromModel(judge, threshold=-np.inf, max_features=partial(_at_most, select.keep))


def _at_most(keep: int, columns: Any) -> int:
    return min(keep, int(columns.shape[1]))
