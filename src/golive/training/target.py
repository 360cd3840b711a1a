"""Target: the column to predict as an array, or a sentence saying why it cannot be predicted."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from golive.errors import DataError
from golive.inference.values import text_of
from golive.ports import Column
from golive.training.frame import is_missing
from golive.training.recipe import Recipe

MOST_CLASSES = 1000
"""More labels than these are taken for an identifier."""


def target_values(values: Column, recipe: Recipe) -> Column:
    """Give the target with missing entries as NaN or None: float64, or for classes int64, bool or object of str.

    ``missing_codes`` and ``ranges`` of the target are applied, both reading as missing, or clipping.

    Raises:
        DataError: a regression's target is not numbers.
    """
    codes = {text_of(code) for code in recipe.cleaning.missing_codes.get(recipe.target, ())}
    values = _recoded(values, codes) if codes else values
    return _numbers(values, recipe) if recipe.task == "regression" else _labels(values, recipe.target)


def check_target(target: Column, recipe: Recipe) -> None:
    """Check the target of the rows that are left.

    Raises:
        DataError: no rows, infinite or (with ``log_target``) negative values, one value only, or too many classes.
    """
    name = recipe.target
    if not len(target):
        message = "no rows are left after cleaning; see the data report's counts and relax the rule that took them"
        raise DataError(message)
    if recipe.task == "regression":
        _check_numbers(target, name, log=recipe.log_target)
        return
    classes = sorted({text_of(value) or "" for value in target.tolist()})
    if len(classes) == 1:
        message = f"the target {name!r} has only the class {classes[0]!r}; at least two classes are needed"
        raise DataError(message)
    if len(classes) > MOST_CLASSES:
        message = (
            f"the target {name!r} has {len(classes):,} classes and at most {MOST_CLASSES:,} can be told apart; "
            "is it an identifier, or a number that needs task: regression?"
        )
        raise DataError(message)


def _numbers(values: Column, recipe: Recipe) -> npt.NDArray[np.float64]:
    numbers = as_numbers(values)
    texts = ~is_missing(values) & np.isnan(numbers)
    if texts.any():
        found = values[texts][0]
        message = (
            f"the target {recipe.target!r} is not a number in {int(texts.sum()):,} rows (such as {found!r}) "
            "and a regression needs numbers; mend them, list them in cleaning.missing_codes, "
            "or set task: classification"
        )
        raise DataError(message)
    limits = recipe.cleaning.ranges.get(recipe.target)
    if limits is None:
        return numbers
    low = -np.inf if limits.minimum is None else limits.minimum
    high = np.inf if limits.maximum is None else limits.maximum
    if limits.outside == "clip":
        return np.clip(numbers, low, high)
    return np.where((numbers < low) | (numbers > high), np.nan, numbers)


def as_numbers(values: Column) -> npt.NDArray[np.float64]:
    """Read values as float64; what is not a number becomes NaN."""
    if values.dtype != object:
        return np.asarray(values, dtype=np.float64)
    return np.asarray(pd.to_numeric(pd.Series(values, dtype=object), errors="coerce"), dtype=np.float64)


def _labels(values: Column, name: str) -> Column:
    missing = is_missing(values)
    if values.dtype.kind in "bi":
        return values
    if values.dtype.kind == "f":
        _check_whole(values[~missing], name)
        return values.astype(np.int64) if not missing.any() else _objects(values, missing, int)
    known = values[~missing].tolist()
    if known and all(isinstance(value, bool) for value in known):
        return _objects(values, missing, bool)
    return _objects(values, missing, text_of)


def _check_whole(values: Column, name: str) -> None:
    broken = ~(np.isfinite(values) & (values == np.round(values)))
    if broken.any():
        message = (
            f"the target {name!r} has values such as {float(values[broken][0])!r}, which name no class; "
            "set task: regression, or give the classes as texts or whole numbers"
        )
        raise DataError(message)


def _objects(values: Column, missing: npt.NDArray[np.bool_], kind: Any) -> Column:
    result = np.empty(len(values), dtype=object)
    result[:] = [None if absent else kind(value) for value, absent in zip(values.tolist(), missing, strict=True)]
    return result


def without_missing(target: Column) -> Column:
    """Give the labels of rows that all have one in their narrowest type: int64, bool, else object of str."""
    kinds = set(map(type, target.tolist())) if target.dtype == object else set()
    if kinds == {int}:
        return target.astype(np.int64)
    return target.astype(np.bool_) if kinds == {bool} else target


def _recoded(values: Column, codes: set[str | None]) -> Column:
    marked = np.array([text_of(value) in codes for value in values.tolist()], dtype=np.bool_)
    if values.dtype == object:
        result = values.copy()
        result[marked] = None
        return result
    return np.where(marked, np.nan, values.astype(np.float64))


def _check_numbers(target: Column, name: str, *, log: bool) -> None:
    infinite = int(np.isinf(target).sum())
    if infinite:
        message = f"the target {name!r} is infinite in {infinite:,} rows; mend them or set cleaning.ranges for it"
        raise DataError(message)
    if log and target.min() < 0:
        message = (
            f"log_target needs values of 0 or more, but the target {name!r} goes down to {float(target.min())!r}; "
            "set log_target: false, or a minimum for it in cleaning.ranges"
        )
        raise DataError(message)
    if target.min() == target.max():
        message = f"the target {name!r} is {float(target[0])!r} in every row; there is nothing to learn"
        raise DataError(message)
