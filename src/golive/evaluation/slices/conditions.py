"""Conditions: columns in, statements about rows out, such as ``sex = female`` or ``age > 60``."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import msgspec
import numpy as np

from golive.ports import Column, Float64
from golive.statistics.excess import Bool

MOST_VALUES = 20
"""Values of a category column that are looked at, the most frequent first."""
STEPS = 8
"""Parts of equal count that a number column is cut into."""

_MISSING: Mapping[str, str] = {"en": "{column} is missing", "zh": "{column} 缺失"}
_AND: Mapping[str, str] = {"en": " and ", "zh": " 且 "}
_DIGITS = 3
_FEWEST = 2


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A statement about one column."""

    column: str
    kind: Literal["is", "range", "missing"]
    value: str | float | None = None
    """Of ``is``."""
    low: float | None = None
    """Of ``range``: values above it; None: any."""
    high: float | None = None
    """Of ``range``: values up to it; None: any."""


Conditions = tuple[Condition, ...]


def text(conditions: Sequence[Condition], language: Literal["en", "zh"] = "en") -> str:
    """Write conditions for people, such as ``sex = female and 60 < age <= 70``."""
    return _AND[language].join(_one(condition, language) for condition in conditions)


def holds(condition: Condition, column: Column) -> Bool:
    """Say for each row of a canonical column whether a condition holds."""
    if condition.kind == "missing":
        return missing(column)
    if condition.kind == "is":
        return np.asarray(column == condition.value, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        above = column > (-math.inf if condition.low is None else condition.low)
        return np.asarray(above & (column <= (math.inf if condition.high is None else condition.high)), dtype=np.bool_)


def missing(column: Column) -> Bool:
    """Say for each row of a canonical column whether its value is missing."""
    if column.dtype == object:
        return np.fromiter((value is None for value in column), dtype=np.bool_, count=len(column))
    return np.asarray(np.isnan(column), dtype=np.bool_)


def conditions_of(name: str, column: Column, *, fewest: int) -> list[Condition]:
    """Give the conditions on a column that at least ``fewest`` rows fulfil."""
    absent = int(missing(column).sum())
    found = [Condition(column=name, kind="missing")] if absent >= max(fewest, _FEWEST) else []
    if column.dtype == object:
        return [*found, *_values(name, [value for value in column if value is not None], fewest)]
    present = column[np.isfinite(column)]
    distinct = np.unique(present)
    if len(distinct) <= STEPS:
        return [*found, *_values(name, present.tolist(), fewest)]
    edges = readable_edges(present, STEPS)
    ranges = [
        *(Condition(column=name, kind="range", high=edge) for edge in edges),
        *(Condition(column=name, kind="range", low=edge) for edge in edges),
        *(Condition(column=name, kind="range", low=low, high=high) for low, high in pairwise(edges)),
    ]
    return [*found, *ranges]


def parts_of(name: str, column: Column, *, steps: int) -> list[Condition]:
    """Cut a declared column into parts that do not overlap: its values, or ranges of equal count, and missing ones."""
    absent = [Condition(column=name, kind="missing")] if missing(column).any() else []
    if column.dtype == object:
        return [*_values(name, [value for value in column if value is not None], 1), *absent]
    present = column[np.isfinite(column)]
    if len(np.unique(present)) <= STEPS:
        return [*sorted(_values(name, present.tolist(), 1), key=lambda one: float(one.value or 0.0)), *absent]
    bounds = [None, *readable_edges(present, steps), None]
    return [*(Condition(column=name, kind="range", low=low, high=high) for low, high in pairwise(bounds)), *absent]


def readable_edges(present: Float64, steps: int) -> list[float]:
    """Give inner edges near equally spaced quantiles, with few digits where that keeps them apart."""
    exact = np.quantile(present, np.arange(1, steps) / steps, method="inverted_cdf")
    rounded = np.array([_rounded(float(edge)) for edge in exact])
    keep = len(np.unique(rounded)) == len(np.unique(exact)) and rounded[-1] < present.max()
    edges = np.unique(rounded if keep else exact)
    return [float(edge) for edge in edges if edge < present.max()]


def _values(name: str, values: Sequence[Any], fewest: int) -> list[Condition]:
    tally: dict[Any, int] = {}
    for value in values:
        tally[value] = tally.get(value, 0) + 1
    ranked = sorted(tally.items(), key=lambda entry: (-entry[1], str(entry[0])))[:MOST_VALUES]
    return [Condition(column=name, kind="is", value=value) for value, count in ranked if count >= fewest]


def _rounded(value: float) -> float:
    if value == 0.0 or not math.isfinite(value):
        return value
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))


def _one(condition: Condition, language: Literal["en", "zh"]) -> str:
    column, low, high = condition.column, condition.low, condition.high
    if condition.kind == "missing":
        return _MISSING[language].format(column=column)
    if condition.kind == "is":
        value = condition.value
        return f"{column} = {_exact(value) if isinstance(value, float) else value}"
    if low is None:
        return f"{column} ≤ {_exact(high)}"
    if high is None:
        return f"{column} > {_exact(low)}"
    return f"{_exact(low)} < {column} ≤ {_exact(high)}"


def _exact(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}".replace("-", "−")
