"""Folds: training rows in, pairs of (rows to fit on, rows to score) for cross-validation out."""

from collections.abc import Iterable

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, StratifiedKFold, TimeSeriesSplit

from golive.errors import DataError
from golive.inference.values import text_of
from golive.ports import Column
from golive.training.recipe import Recipe
from golive.training.split import Rows, group_keys, time_keys

_MOST_LEFT_OUT = 5000

Fold = tuple[Rows, Rows]


def folds_of(recipe: Recipe, target: Column, order: Column | None) -> tuple[Fold, ...]:
    """Give the folds; ``order`` is the split's column for the same rows.

    ``time``: every fold is fitted on earlier rows than it is scored on (by the split's time column where the split is
    by time, else in the order of the rows). ``leave_one_out``: one fold a row, at most 5,000.

    Raises:
        DataError: there are too few rows, groups or members of a class, or the recipe lacks what the method needs.
    """
    rows, folds = len(target), recipe.validation.folds
    method = recipe.validation.method
    if method == "leave_one_out":
        _check_left_out(rows)
        return _pairs(LeaveOneOut().split(np.zeros(rows)))
    if rows <= folds:
        message = f"{rows} training rows are too few for {folds} folds; set validation.folds lower or bring more rows"
        raise DataError(message)
    match method:
        case "time":
            return _by_time(recipe, order, rows)
        case "group":
            return _by_group(recipe, order)
        case "stratified":
            return _stratified(recipe, target)
        case "kfold":
            return _pairs(KFold(folds, shuffle=True, random_state=recipe.seed).split(np.zeros(rows)))


def _by_time(recipe: Recipe, order: Column | None, rows: int) -> tuple[Fold, ...]:
    ordered = np.arange(rows)
    if recipe.split.method == "time" and order is not None:
        ordered = np.argsort(time_keys(order, recipe.split.column), kind="stable")
    folds = TimeSeriesSplit(recipe.validation.folds).split(np.zeros(rows))
    return tuple((ordered[fit], ordered[score]) for fit, score in folds)


def _by_group(recipe: Recipe, order: Column | None) -> tuple[Fold, ...]:
    if order is None or recipe.split.method != "group":
        message = "validation.method group needs the groups of the split; set split.method: group and split.column"
        raise DataError(message)
    groups = group_keys(order, recipe.split.column)
    found = len(set(groups))
    if found < recipe.validation.folds:
        message = (
            f"the training part has {found} groups, too few for {recipe.validation.folds} folds; "
            "set validation.folds lower"
        )
        raise DataError(message)
    return _pairs(GroupKFold(recipe.validation.folds).split(np.zeros(len(groups)), groups=groups))


def _stratified(recipe: Recipe, target: Column) -> tuple[Fold, ...]:
    if recipe.task == "regression":
        message = "validation.method stratified needs classes, but the task is regression; use kfold"
        raise DataError(message)
    labels = np.array([text_of(value) for value in target.tolist()], dtype=object)
    names, counts = np.unique(labels, return_counts=True)
    rare = int(counts.argmin())
    if counts[rare] < recipe.validation.folds:
        message = (
            f"the class {names[rare]!r} of {recipe.target!r} has {int(counts[rare])} training rows, too few for "
            f"{recipe.validation.folds} stratified folds; set validation.folds lower, merge the class, or use kfold"
        )
        raise DataError(message)
    splitter = StratifiedKFold(recipe.validation.folds, shuffle=True, random_state=recipe.seed)
    return _pairs(splitter.split(np.zeros(len(labels)), labels))


def _check_left_out(rows: int) -> None:
    if rows < 3:  # noqa: PLR2004 two to fit on
        message = f"{rows} training rows are too few to leave one out; bring more rows"
        raise DataError(message)
    if rows > _MOST_LEFT_OUT:
        message = (
            f"leave_one_out would fit {rows:,} models for every setting; above {_MOST_LEFT_OUT:,} rows use kfold, "
            "whose answer is then as good"
        )
        raise DataError(message)


def _pairs(folds: Iterable[Fold]) -> tuple[Fold, ...]:
    return tuple((fit, score) for fit, score in folds)
