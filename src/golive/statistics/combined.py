"""Combined: intervals of means and differences of numbers, from the interval of each (MOVER, Zou and Donner 2008).

A number's distance to its own bound stands for its standard error, so a class without a single error still counts as
one that may have some.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from golive.ports import Float64, Int64
from golive.statistics.intervals import Bool, Interval, f1_of_share, share_interval

_ANYTHING = (0.0, 1.0)


class Part(NamedTuple):
    """One share, or one F1, of several that are averaged."""

    value: float
    bounds: Interval
    variance: float
    """As seen on the rows: 0 where all are alike."""


def share_part(hits: Bool, groups: Int64 | None = None) -> Part | None:
    """Measure the share of true rows ``[n]``; None without rows. Rows of one group could be of any share."""
    if not len(hits):
        return None
    values = hits.astype(np.float64)
    return Part(float(values.mean()), share_interval(hits, groups) or _ANYTHING, plain_variance(values, groups))


def f1_part(true: Bool, decided: Bool, groups: Int64 | None = None) -> Part | None:
    """Measure F1 of rows ``[n]`` that are truly of a class and that are decided for it; None without such rows."""
    among = true | decided
    found = share_part((true & decided)[among], None if groups is None else groups[among])
    if found is None:
        return None
    # F1 is 2J / (1 + J) of the share J.
    slope = 2 / (1 + found.value) ** 2
    return Part(2 * found.value / (1 + found.value), f1_of_share(found.bounds), slope**2 * found.variance)


def plain_variance(values: Float64, groups: Int64 | None = None) -> float:
    """Give the variance of a mean of rows ``[n]`` without a correction for few; of ``groups``, codes from 0, whole."""
    away = values - values.mean()
    parts = away if groups is None else np.bincount(groups, away)
    return float(parts @ parts) / len(values) ** 2


def mean_of_parts(value: float, variance: float, parts: Sequence[Part], count: int) -> Interval:
    """Interval of a sum of parts over ``count``, whose ``variance`` on the rows tells how the parts go together.

    Where no part varies on the rows, they are taken as independent.
    """
    lower, upper = _distances(parts)
    scale = _scale(variance, sum(part.variance for part in parts), count)
    return value - float(np.sqrt(scale * lower)), value + float(np.sqrt(scale * upper))


def difference_of_parts(
    value: float, variance: float, parts: Sequence[Part], others: Sequence[Part], count: int
) -> Interval:
    """Interval of a mean of parts less that of others on the same rows, as :func:`mean_of_parts`."""
    lower, upper = _distances(parts)
    other_lower, other_upper = _distances(others)
    scale = _scale(variance, sum(part.variance for part in (*parts, *others)), count)
    return (
        value - float(np.sqrt(scale * (lower + other_upper))),
        value + float(np.sqrt(scale * (upper + other_lower))),
    )


def difference_of_numbers(value: float, bounds: Interval, other: float, other_bounds: Interval) -> Interval:
    """Interval of a number less another from the interval of each, as if they were independent."""
    lower = float(np.hypot(value - bounds[0], other_bounds[1] - other))
    upper = float(np.hypot(bounds[1] - value, other - other_bounds[0]))
    return value - other - lower, value - other + upper


def _distances(parts: Sequence[Part]) -> tuple[float, float]:
    """Sum the squared distances to the lower and to the upper bounds."""
    return (
        sum((part.value - part.bounds[0]) ** 2 for part in parts),
        sum((part.bounds[1] - part.value) ** 2 for part in parts),
    )


def _scale(variance: float, alone: float, count: int) -> float:
    """Give what turns a sum over parts into a square of their mean: the weights, and how the parts go together."""
    return variance / alone if alone > 0.0 else 1.0 / count**2
