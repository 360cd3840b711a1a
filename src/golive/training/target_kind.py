"""The values of a target in; which task it is and what to know about it out."""

from collections import Counter

import msgspec
import numpy as np
import pandas as pd

from golive.domain.signature import Task
from golive.errors import DataError
from golive.inference.values import text_of
from golive.ports import Column, Float64
from golive.training.kinds import as_texts
from golive.training.target import MOST_CLASSES, as_numbers

_FEW_VALUES = 10
_ROWS_A_VALUE = 5
_FEWEST_A_CLASS = 3
_SMALL_SHARE = 0.1
_MOST_TEXTS = 5
_SKEWED = 1.0


class TargetKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a target is, over the rows where it is known."""

    task: Task
    rows: int
    log: bool = False
    """Whether the logarithm is nearer to symmetric than the values, all of them positive."""
    spread: float = 0.0
    """Standard deviation, of a regression's target."""
    smallest: int = 0
    """Rows of the smallest class that is kept."""
    classes: int = 0
    missing_codes: tuple[float | str, ...] = ()
    """Values to be read as missing: words among numbers, and classes of one or two rows."""
    notices: tuple[str, ...] = ()


def target_kind(name: str, values: Column) -> TargetKind:
    """Decide the task from the values of the target (none missing): few different values are classes.

    Raises:
        DataError: it is the same in every row, or it is a text that differs almost everywhere.
    """
    if pd.unique(as_texts(values)).size < 2:  # noqa: PLR2004
        message = f"the target {name!r} is {values[:1].tolist()[0]!r} in every row; there is nothing to learn"
        raise DataError(message)
    words = _words_among_numbers(values)
    if values.dtype == object and words is None:
        return _classes(name, values, ())
    numbers = as_numbers(values)
    known = numbers[np.isfinite(numbers)]
    distinct = pd.unique(known).size
    whole = bool((known == np.round(known)).all())
    if values.dtype.kind == "b" or (whole and distinct <= _FEW_VALUES and len(known) >= _ROWS_A_VALUE * distinct):
        hint = f"{name!r} has {distinct} whole values, taken as classes; to predict a number, set task: regression"
        return _classes(name, values, (hint,) if distinct > 2 else ())  # noqa: PLR2004
    return _regression(name, known, words or ())


def _words_among_numbers(values: Column) -> tuple[str, ...] | None:
    """Give the few words among the numbers of a text column, or None when it is no column of numbers."""
    if values.dtype != object:
        return ()
    others = sorted({str(value) for value in values[np.isnan(as_numbers(values))]})
    numbers = int(np.isfinite(as_numbers(values)).sum())
    return tuple(others) if len(others) <= _MOST_TEXTS and numbers >= 0.9 * len(values) else None


def _regression(name: str, known: Float64, words: tuple[str, ...]) -> TargetKind:
    notices = []
    if words:
        notices.append(f"the target {name!r} is a number but for {', '.join(map(repr, words))}, read as missing")
    log = False
    if known.min() > 0:
        skew, log_skew = _skewness(known), _skewness(np.log1p(known))
        log = skew > _SKEWED and abs(log_skew) < 0.5 * skew
    if log:
        notices.append(f"the target {name!r} has a long tail of high values: its logarithm is fitted (log_target)")
    return TargetKind(
        task="regression",
        rows=len(known),
        log=log,
        spread=float(np.std(known)),
        missing_codes=words,
        notices=tuple(notices),
    )


def _skewness(values: Float64) -> float:
    spread = float(np.std(values))
    return float(np.mean((values - np.mean(values)) ** 3)) / spread**3 if spread > 0 else 0.0


def _classes(name: str, values: Column, hints: tuple[str, ...]) -> TargetKind:
    counts = Counter(text_of(value) or "" for value in values.tolist())
    if len(counts) > min(MOST_CLASSES, len(values) // 2):
        message = (
            f"the target {name!r} has {len(counts):,} different texts in {len(values):,} rows, too many to tell apart; "
            "name a column with repeated classes, or one with numbers"
        )
        raise DataError(message)
    rare = tuple(sorted(label for label, count in counts.items() if count < _FEWEST_A_CLASS))
    kept = {label: count for label, count in counts.items() if label not in rare}
    if len(kept) < 2:  # noqa: PLR2004
        message = (
            f"the target {name!r} has fewer than two classes with {_FEWEST_A_CLASS} rows or more; "
            "bring more rows of the other classes"
        )
        raise DataError(message)
    smallest = min(kept, key=lambda label: kept[label])
    share = kept[smallest] / sum(kept.values())
    told = list(hints)
    if rare:
        shown = ", ".join(map(repr, rare[:5]))
        told.append(f"classes with fewer than {_FEWEST_A_CLASS} rows cannot be learned and are left out: {shown}")
    if share < _SMALL_SHARE:
        told.append(
            f"class {smallest!r} is {share:.1%} of the rows; accuracy says little then: judge by log_loss, auc or f1"
        )
    return TargetKind(
        task="classification",
        rows=sum(kept.values()),
        smallest=kept[smallest],
        classes=len(kept),
        missing_codes=rare,
        notices=tuple(told),
    )
