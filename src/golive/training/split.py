"""Split: which rows are set apart for the test, before anything is fitted."""

from collections import Counter

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from golive.errors import DataError
from golive.inference.scalars import date_parts
from golive.inference.values import text_of
from golive.ports import Column
from golive.training.frame import is_missing
from golive.training.recipe import Recipe
from golive.training.target import as_numbers

Rows = npt.NDArray[np.int64]


def split_rows(recipe: Recipe, target: Column, order: Column | None) -> tuple[Rows, Rows]:
    """Give (training rows, test rows) as positions; with ``time``, training rows are in the order of time.

    ``order`` is the split's column. Rows of one group, or of one moment, are never on both sides.

    Raises:
        DataError: the rows cannot be split so; the message says why.
    """
    split, rows = recipe.split, len(target)
    if rows < 2:  # noqa: PLR2004 one for each side
        message = f"{rows} row is left after cleaning; a training and a test part need more"
        raise DataError(message)
    if split.method in {"time", "group"}:
        if order is None:
            message = f"split.method {split.method} needs split.column; name the {split.method} column"
            raise DataError(message)
        train, test = _by_time(order, recipe) if split.method == "time" else _by_group(order, recipe)
    else:
        train, test = _shuffled(target, recipe)
    _check_classes(target, train, test, recipe)
    return train, test


def time_keys(order: Column, name: str) -> npt.NDArray[np.float64]:
    """Read a time column of numbers, or of ISO 8601 dates (days since 1970), as float64.

    Raises:
        DataError: a value is missing or is neither.
    """
    keys = as_numbers(order)
    if order.dtype == object and np.isnan(keys).all():
        days = {text: date_parts(("days",), text_of(text)) for text in set(order.tolist())}
        keys = np.array([(days[text] or (np.nan,))[0] for text in order.tolist()], dtype=np.float64)
    unreadable = int(np.isnan(keys).sum())
    if unreadable:
        found = order[np.isnan(keys)][0]
        message = (
            f"the time column {name!r} cannot be read in {unreadable:,} rows (such as {found!r}); "
            "numbers or ISO 8601 dates (2011-07-25) are needed"
        )
        raise DataError(message)
    return keys


def group_keys(order: Column, name: str) -> Column:
    """Read a group column as texts.

    Raises:
        DataError: a row has no group.
    """
    missing = int(is_missing(order).sum())
    if missing:
        message = f"the group column {name!r} is missing in {missing:,} rows; fill it, or split another way"
        raise DataError(message)
    return np.array([text_of(value) for value in order.tolist()], dtype=object)


def _shuffled(target: Column, recipe: Recipe) -> tuple[Rows, Rows]:
    split, rows = recipe.split, len(target)
    held = min(max(1, round(rows * split.test)), rows - 1)
    labels = None
    if split.method == "stratified":
        _check_stratified(target, held, recipe)
        labels = [text_of(value) for value in target.tolist()]
    train, test = train_test_split(np.arange(rows), test_size=held, random_state=split.seed, stratify=labels)
    return np.sort(train), np.sort(test)


def _check_stratified(target: Column, held: int, recipe: Recipe) -> None:
    if recipe.task == "regression":
        message = "split.method stratified needs classes, but the task is regression; use random"
        raise DataError(message)
    counts = Counter(map(text_of, target.tolist()))
    rare = [str(name) for name, count in counts.items() if count < 2]  # noqa: PLR2004 one for each side
    if rare:
        message = (
            f"the classes {', '.join(map(repr, rare[:10]))} of {recipe.target!r} have one row each, "
            "which cannot be on both sides of a stratified split; merge or remove them, or use split.method: random"
        )
        raise DataError(message)
    if held < len(counts) or len(target) - held < len(counts):
        message = (
            f"{held} test rows of {len(target)} cannot hold all {len(counts)} classes on both sides; "
            "change split.test, or use split.method: random"
        )
        raise DataError(message)


def _by_time(order: Column, recipe: Recipe) -> tuple[Rows, Rows]:
    keys = time_keys(order, recipe.split.column)
    ordered = np.argsort(keys, kind="stable")
    held = min(max(1, round(len(keys) * recipe.split.test)), len(keys) - 1)
    border = keys[ordered[len(keys) - held]]
    early = keys[ordered] < border
    if not early.any():
        message = (
            f"the time column {recipe.split.column!r} has too few different values: no row is before the latest "
            f"{recipe.split.test:.0%} of the rows; use another column or split.method: random"
        )
        raise DataError(message)
    return ordered[early], ordered[~early]


def _by_group(order: Column, recipe: Recipe) -> tuple[Rows, Rows]:
    groups = group_keys(order, recipe.split.column)
    if len(set(groups)) < 2:  # noqa: PLR2004 one for each side
        message = f"the group column {recipe.split.column!r} has one group only; at least two are needed to split by it"
        raise DataError(message)
    share = min(max(recipe.split.test, 1 / len(set(groups))), 1 - 1 / len(set(groups)))
    splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=recipe.split.seed)
    train, test = next(splitter.split(np.zeros(len(groups)), groups=groups))
    return np.sort(train), np.sort(test)


def _check_classes(target: Column, train: Rows, test: Rows, recipe: Recipe) -> None:
    if recipe.task == "regression":
        return
    known = {text_of(value) for value in target[train].tolist()}
    unknown = sorted(str(text_of(value)) for value in target[test].tolist() if text_of(value) not in known)
    if unknown:
        message = (
            f"the classes {', '.join(map(repr, dict.fromkeys(unknown)))} of {recipe.target!r} are in test rows "
            "only, so no model can know them; use split.method: stratified, or merge rare classes"
        )
        raise DataError(message)
    if len(known) == 1:
        message = f"every training row has the class {known.pop()!r}; split another way (split.method: stratified)"
        raise DataError(message)
