"""Asking: the original model gets rows in the very form that it saw in training."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from golive.adapters.frameworks.booster_categories import as_categories, categories_of
from golive.adapters.frameworks.inputs import is_text, missing_marker

INNER = ("estimator_", "best_estimator_", "regressor_", "estimator")
"""Attributes under which estimators keep the one they wrap."""


def missing_markers(model: Any) -> dict[str, Any]:
    """Say, for each text column, whether the fitted model knows "missing" as None or as NaN, where it tells.

    scikit-learn's encoders hold None and NaN for different categories.
    """
    markers: dict[str, Any] = {}
    for part, names in _branches(model):
        for position, name in enumerate(names):
            found = _marker(part, position, len(names))
            if found:
                markers.setdefault(name, found[0])
    return markers


def as_trained(model: Any, rows: pd.DataFrame) -> Any:
    """Give rows to a fitted model: float64 numbers, objects with the right "missing", an array if it saw arrays.

    A model that reads nothing but texts gets a series of them.
    """
    if reads_series(model) and len(rows.columns) == 1:
        return rows.iloc[:, 0].astype(object)
    markers = missing_markers(model)
    text = [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name].dtype)]
    categories = _booster_categories(model, rows)
    columns: dict[str, pd.Series] = {}
    for place, name in enumerate(rows.columns):
        column = rows[name]
        if place in categories:
            columns[name] = as_categories(column, categories[place])
        elif name not in text:
            columns[name] = column if column.dtype == np.int64 else column.astype(np.float64)
        elif (
            not isinstance(column.dtype, pd.CategoricalDtype)
            or pd.api.types.is_object_dtype(column.dtype.categories.dtype)
            or pd.api.types.is_string_dtype(column.dtype.categories.dtype)
        ):
            columns[name] = _with_marker(column, markers.get(name, missing_marker(column)))
        else:
            columns[name] = column
    frame = pd.DataFrame(columns, index=rows.index)
    return frame if hasattr(model, "feature_names_in_") or text else frame.to_numpy()


def reads_series(model: Any) -> bool:
    """Say whether a model reads a plain series of texts rather than a table."""
    if hasattr(model, "build_analyzer"):
        return True
    return not hasattr(model, "transformers_") and any(map(reads_series, _inner(model)))


def _with_marker(column: pd.Series, marker: Any) -> pd.Series:
    values = [marker if absent else value for value, absent in zip(column, column.isna(), strict=True)]
    return pd.Series(values, index=column.index, dtype=object)


def _booster_categories(model: Any, rows: pd.DataFrame) -> dict[int, list[Any]]:
    """Give the categories of a LightGBM model that was fitted on a frame with category columns, by position."""
    booster = getattr(model, "_Booster", None)
    if not getattr(booster, "pandas_categorical", None):
        return {}
    return categories_of(booster, [is_text(str(name), rows[name]) for name in rows.columns]) or {}


def _branches(model: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield every (part, column names) that a ColumnTransformer inside the model routes."""
    if hasattr(model, "transformers_"):
        fitted = [str(name) for name in getattr(model, "feature_names_in_", [])]
        for _, part, wanted in model.transformers_:
            yield part, _names(wanted, fitted)
    elif hasattr(model, "categories_") and hasattr(model, "feature_names_in_"):
        yield model, [str(name) for name in model.feature_names_in_]
    for inner in _inner(model):
        yield from _branches(inner)


def _inner(model: Any) -> list[Any]:
    found = [getattr(model, name) for name in INNER if hasattr(model, name)]
    found += [part for _, part in getattr(model, "steps", []) if part != "passthrough"][:1]
    found += list(getattr(model, "calibrated_classifiers_", []))
    found += [part for _, part in getattr(model, "transformer_list", [])]
    if hasattr(model, "voting") or type(model).__name__ == "VotingRegressor":
        found += list(model.estimators_)
    return [part for part in found if part is not None and not isinstance(part, str)]


def _names(wanted: Any, fitted: list[str]) -> list[str]:
    if isinstance(wanted, str):
        return [wanted]
    if isinstance(wanted, slice):
        return fitted[wanted] if not isinstance(wanted.start, str) and not isinstance(wanted.stop, str) else []
    items = np.asarray(wanted).tolist()
    if items and isinstance(items[0], bool):
        return [name for name, taken in zip(fitted, items, strict=False) if taken]
    return [item if isinstance(item, str) else fitted[item] for item in items if isinstance(item, str) or fitted]


def _marker(part: Any, position: int, width: int) -> list[Any]:
    """Give the marker of one column in a list, or nothing where the part does not tell."""
    for step in [inner for _, inner in getattr(part, "steps", [("", part)])]:
        if hasattr(step, "missing_values") and hasattr(step, "statistics_"):
            return [step.missing_values] if _is_missing(step.missing_values) else []
        categories = getattr(step, "categories_", None)
        if categories is not None and len(categories) == width:
            return [value for value in categories[position] if _is_missing(value)]
    return []


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN is not itself
