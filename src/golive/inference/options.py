"""Options: the values that a column of a row is tried at, and what each costs."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.signature import Field
from golive.ports import Column, Float64

_CANDIDATES = 20
"""Values that a number is tried at."""
_CATEGORIES = 50
_COLUMN_COST = 1.0
"""A further column counts as much as moving a number by its whole spread."""


class Option(msgspec.Struct, frozen=True, eq=False):
    """One column at another value."""

    field: Field
    before: Any
    after: Any
    cost: float
    far: Any = None
    """The last number that occurs in the direction of the change."""

    def at(self, after: Any) -> "Option":
        """Give the same column at a value between."""
        share = abs(after - self.before) / abs(self.after - self.before)
        moved = (self.cost - _COLUMN_COST) * share
        return Option(self.field, self.before, after, _COLUMN_COST + moved, self.far)

    @property
    def moves(self) -> bool:
        """Whether there are values between."""
        return self.field.dtype in {"float64", "int64"} and not math.isnan(self.before)


def options_of(field: Field, seen: Column, before: Any) -> list[Option]:
    """Give the values that a column is tried at."""
    if field.dtype == "string":
        return [Option(field, before, text, _COLUMN_COST + 1.0) for text in _texts(field, seen) if text != before]
    values = np.unique(seen[~np.isnan(seen)])
    if not len(values):
        return []
    spread = _spread(np.asarray(seen, dtype=np.float64), values)
    if len(values) > _CANDIDATES:
        picked = np.linspace(0, len(values) - 1, _CANDIDATES).round().astype(np.int64)
        values = values[picked]
    is_missing = bool(np.isnan(before))
    low, high = float(values[0]), float(values[-1])
    return [
        Option(
            field,
            float(before),
            value,
            _COLUMN_COST + (1.0 if is_missing or field.dtype == "bool" else abs(value - float(before)) / spread),
            high if value > before else low,
        )
        for value in values.tolist()
        if value != before
    ]


def dealt(columns: Sequence[Sequence[Option]], most: int) -> list[list[Option]]:
    """Deal rows out column by column, so that a later column is tried like the first; what one leaves, others get."""
    given: list[list[Option]] = [[] for _ in columns]
    left, waiting = max(0, most), len(columns)
    for at in sorted(range(len(columns)), key=lambda at: len(columns[at])):
        # Where there is not one row for each column, those that are left go without.
        given[at] = _spread_out(columns[at], min(len(columns[at]), max(1, left // waiting), left))
        left, waiting = left - len(given[at]), waiting - 1
    return given


def _spread_out(options: Sequence[Option], count: int) -> list[Option]:
    """Give so many of a column's options, both ends among them; of one, that which goes furthest."""
    if count == 1:
        return [max(options, key=lambda option: option.cost)]
    return [options[at] for at in np.linspace(0, len(options) - 1, count).round().astype(np.int64).tolist()]


def _texts(field: Field, seen: Column) -> list[str]:
    if field.categories:
        return list(field.categories[:_CATEGORIES])
    known = [text for text in seen.tolist() if text is not None]
    distinct = sorted(set(known))
    # Free texts and dates hardly repeat: another row's would be no change that means anything.
    return distinct[:_CATEGORIES] if field.format == "" and len(distinct) * 2 <= len(known) else []


def _spread(seen: Float64, values: Float64) -> float:
    """Give what counts as a change of one: between the quartiles, or a quarter of the range where those are equal."""
    present = seen[~np.isnan(seen)]
    low, high = np.quantile(present, (0.25, 0.75))
    spread = float(high - low) or float(values[-1] - values[0]) / 4
    return spread or max(1.0, abs(float(values[0])))
