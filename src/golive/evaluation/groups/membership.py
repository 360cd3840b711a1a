"""Membership: a column in, the group of each row out.

Numbers of few distinct values are groups as they are; others are cut at their quartiles, and a group is named by the
smallest and the greatest value in it.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from golive.domain.signature import DType
from golive.evaluation.numbers import number
from golive.ports import Column, Float64, Int64

MOST_GROUPS = 24
"""Groups of one column or pair; the smallest are put together."""
_AS_THEY_ARE = 6
_UNKNOWN = ("unknown", "missing", "(missing)")
_OTHER = ("other", "others", "(other)")


class Grouping(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The groups of one column, or of a pair of columns."""

    columns: tuple[str, ...]
    names: tuple[str, ...]
    codes: Int64
    """Group of each row, ``[n]``."""
    people: tuple[bool, ...]
    """False of the group of rows whose value is missing, and of small groups put together: nothing to compare."""
    whole: Int64 | None = None
    """Codes ``[n]`` of what is independent, such as customers with several rows; None: the rows are."""

    @property
    def label(self) -> str:
        """What it is called."""
        return " × ".join(self.columns)

    def rows(self) -> Int64:
        """Count the rows of each group."""
        return np.bincount(self.codes, minlength=len(self.names)).astype(np.int64)

    def at(self, rows: Int64) -> "Grouping":
        """Give the same groups of some of the rows."""
        whole = None if self.whole is None else self.whole[rows]
        return msgspec.structs.replace(self, codes=self.codes[rows], whole=whole)


def grouped(name: str, column: Column, dtype: DType = "float64") -> Grouping:
    """Give the groups of one column in the canonical form (float64 with NaN, or object of str and None).

    ``dtype`` is what the column is called in a signature: the groups of a ``bool`` are named so.
    """
    if column.dtype.kind == "f":
        names, codes = _of_numbers(column, dtype)
    else:
        names, codes = _of_texts(column)
    missing = codes < 0
    if missing.any():
        names, codes = [*names, _free(_UNKNOWN, names)], np.where(missing, len(names), codes)
    people = [True] * len(names)
    if missing.any():
        people[-1] = False
    return _bounded(Grouping(columns=(name,), names=tuple(names), codes=codes, people=tuple(people)))


def crossed(first: Grouping, second: Grouping) -> Grouping:
    """Give the groups that are both at once; combinations that no row has are left out."""
    width = len(second.names)
    held, codes = np.unique(first.codes * width + second.codes, return_inverse=True)
    pairs = [divmod(int(cell), width) for cell in held]
    return _bounded(
        Grouping(
            columns=(*first.columns, *second.columns),
            names=tuple(f"{first.names[one]} × {second.names[other]}" for one, other in pairs),
            codes=codes.astype(np.int64),
            people=tuple(first.people[one] and second.people[other] for one, other in pairs),
            whole=first.whole,
        )
    )


def _of_numbers(column: Float64, dtype: DType) -> tuple[list[str], Int64]:
    known = np.isfinite(column)
    values = np.unique(column[known])
    codes = np.full(len(column), -1, dtype=np.int64)
    if len(values) <= _AS_THEY_ARE:
        codes[known] = np.searchsorted(values, column[known])
        flags = dtype == "bool" and bool(np.isin(values, (0.0, 1.0)).all())
        return [("true" if value else "false") if flags else _written(value) for value in values.tolist()], codes
    edges = np.unique(np.quantile(column[known], (0.25, 0.5, 0.75), method="inverted_cdf"))
    held, dense = np.unique(np.searchsorted(edges, column[known], side="left"), return_inverse=True)
    codes[known] = dense
    inside = [column[known][dense == place] for place in range(len(held))]
    return _told_apart([_between(float(part.min()), float(part.max())) for part in inside]), codes


def _of_texts(column: Column) -> tuple[list[str], Int64]:
    known = np.array([value is not None for value in column.tolist()], dtype=bool)
    codes = np.full(len(column), -1, dtype=np.int64)
    values, codes[known] = np.unique(column[known].astype(str), return_inverse=True)
    return [str(value) for value in values], codes


def _bounded(grouping: Grouping) -> Grouping:
    """Put the smallest groups together where there are too many; groups of equal size in their order."""
    if len(grouping.names) <= MOST_GROUPS:
        return grouping
    order = np.argsort(-grouping.rows(), kind="stable")
    kept = np.sort(order[: MOST_GROUPS - 1])
    places = np.full(len(grouping.names), len(kept), dtype=np.int64)
    places[kept] = np.arange(len(kept))
    names = [grouping.names[place] for place in kept]
    return msgspec.structs.replace(
        grouping,
        names=(*names, _free(_OTHER, names)),
        codes=places[grouping.codes],
        people=(*(grouping.people[place] for place in kept), False),
    )


def _between(low: float, high: float) -> str:
    if low == high:
        return _written(low)
    # The same in every language; a dash beside a minus sign could not be told apart from it.
    return f"{_written(low)}{'–' if low >= 0 else ' … '}{_written(high)}"


def _written(value: float) -> str:
    # A year is no quantity: whole numbers stand without separators.
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else number(value)  # noqa: PLR2004


def _told_apart(names: list[str]) -> list[str]:
    return [
        name if names.index(name) == place else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def _free(wanted: Sequence[str], taken: Sequence[str]) -> str:
    return next(name for name in (*wanted, *(f"{wanted[-1]} {n}" for n in range(len(taken) + 1))) if name not in taken)
