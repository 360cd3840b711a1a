"""Spoilt: values of a column that mean something else than they say, as a condition to hold its rows to.

Errors on such values are no fault of a model that has not seen them: they are in another unit than in training, or
stand for missing ones.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from golive.domain.signature import Field
from golive.ports import Column, Float64
from golive.statistics.excess import Bool

_FEWEST = 5
_LEAST_SHARE = 0.005
"""A model that was trained with more than so many rows of a value had them to learn from."""


class Spoilt(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of one column: those equal to ``value``, of a size from ``least`` to ``most``; without these, all."""

    column: str
    value: float | None = None
    least: float = 0.0
    most: float = math.inf

    @property
    def whole(self) -> bool:
        """Whether every row of the column is meant."""
        return self.value is None and self.least == 0.0 and math.isinf(self.most)

    def fits(self, column: Column) -> Bool:
        """Say of each row of a number column ``[rows]`` whether it is meant; bool ``[rows]``."""
        if self.whole:
            return np.ones(len(column), dtype=np.bool_)
        if self.value is not None:
            return np.asarray(column == self.value, dtype=np.bool_)
        sizes = np.abs(column)
        return np.asarray((sizes >= self.least) & (sizes <= self.most) & (sizes > 0.0), dtype=np.bool_)


def unlearned(spoilt: Spoilt, field: Field, training: Float64 | None) -> bool:
    """Say whether a model cannot have learned from such values, for its training rows hold next to none.

    Where these rows are not at hand, the range of the signature must rule the values out.
    """
    if training is not None:
        return int(spoilt.fits(training).sum()) < max(_FEWEST, _LEAST_SHARE * len(training))
    if field.minimum is None or field.maximum is None:
        return False
    if spoilt.value is not None:
        return not field.minimum <= spoilt.value <= field.maximum
    return spoilt.least > max(abs(field.minimum), abs(field.maximum))


def rows_of(spoilt: Iterable[Spoilt], columns: Mapping[str, Column]) -> dict[str, Bool]:
    """Give each column with spoilt values, and which rows ``[rows]`` of a table hold them."""
    rows: dict[str, Bool] = {}
    for one in spoilt:
        held = one.fits(columns[one.column])
        if held.any():
            rows[one.column] = rows[one.column] | held if one.column in rows else held
    return rows
