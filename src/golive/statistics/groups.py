"""Groups: counts or means of several groups in, how far the furthest two lie apart and its interval out.

The furthest two of k groups are known only from the same rows, so an interval of that pair alone would hold the truth
too rarely. Here every pair gets an interval, all of them together at the stated confidence (Bonferroni), and the
greatest difference lies between the greatest lower and the greatest upper end (of ratios: the smallest ones). With two
groups that is the pair's own interval.

Intervals of two shares are put together from the Wilson intervals of each (Newcombe 1998, method 10, for differences;
Donner and Zou 2012 for ratios), which hold with few rows and near 0 and 1, where logarithms end.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from golive.ports import Float64
from golive.statistics.clusters import quantiles
from golive.statistics.tails import t_above

Bounds = tuple[Float64, Float64]
"""Lower and upper ends, of the same shape."""
_SMALLEST_LOG10 = -300.0
_HALVINGS = 40


class Extremes(msgspec.Struct, frozen=True, kw_only=True):
    """The furthest two groups."""

    value: float
    lower: float
    upper: float
    least: int
    """Position of the group with the smallest value."""
    most: int


class Means(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Means of groups, each float64 ``[groups]``."""

    values: Float64
    variances: Float64
    """Of the mean, not of a row."""
    rows: Float64
    """At least 2 each; of rows in groups, the groups of equal size that they are worth."""


def pair_tail(groups: int, error: float = 0.05) -> float:
    """Give the tail probability at either end of a pair's interval so that all pairs hold together at ``1 - error``."""
    return error / max(groups * (groups - 1), 2)


def wilson_bounds(hits: Float64, rows: Float64, z: Float64 | float) -> Bounds:
    """Wilson intervals of shares ``[groups]`` at any quantile, also one for each; ``rows`` are at least 1."""
    share = hits / rows
    center = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return np.where(hits == 0, 0.0, center - half), np.where(hits == rows, 1.0, center + half)


def difference_bounds(hits: Float64, rows: Float64, z: Float64 | float) -> Bounds:
    """Intervals ``[groups, groups]`` of the share of the row's group minus that of the column's."""
    share = hits / rows
    lower, upper = wilson_bounds(hits, rows, z)
    below, above = (share - lower) ** 2, (upper - share) ** 2
    gaps = share[:, None] - share[None, :]
    return gaps - np.sqrt(below[:, None] + above[None, :]), gaps + np.sqrt(above[:, None] + below[None, :])


def ratio_bounds(hits: Float64, rows: Float64, z: Float64 | float) -> Bounds:
    """Intervals ``[groups, groups]`` of the share of the row's group over that of the column's; may be infinite."""
    share = hits / rows
    lower, upper = wilson_bounds(hits, rows, z)
    product = share[:, None] * share[None, :]
    low_root = np.sqrt(np.maximum(product**2 - np.outer(lower * (2 * share - lower), upper * (2 * share - upper)), 0.0))
    high_root = np.sqrt(np.maximum(product**2 - np.outer(upper * (2 * share - upper), lower * (2 * share - lower)), 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (product - low_root) / (upper * (2 * share - upper))[None, :]
        high = (product + high_root) / (lower * (2 * share - lower))[None, :]
        # Where 2 p = u the formula is 0 / 0; the ratio of the ends lies outside of the interval, so it is safe.
        low = np.where(np.isfinite(low), low, lower[:, None] / upper[None, :])
    return np.maximum(low, 0.0), np.where(np.isnan(high), np.inf, high)


def share_difference(hits: Float64, rows: Float64, tail: float | None = None, units: Float64 | None = None) -> Extremes:
    """Greatest minus smallest share of two groups or more; ``tail`` is that of one pair, if not the usual one.

    ``units`` ``[groups]`` are what is independent where rows are not (:mod:`golive.statistics.clusters`); hits and rows
    are those that are worth as much.
    """
    lower, upper = difference_bounds(hits, rows, _quantile(len(rows), tail, units))
    return _widest(hits / rows, lower, upper)


def share_ratio(
    hits: Float64, rows: Float64, tail: float | None = None, units: Float64 | None = None
) -> Extremes | None:
    """Smallest share over the greatest one, 1 at most; None where all shares are 0. See :func:`share_difference`."""
    shares = hits / rows
    if not shares.max() > 0.0:
        return None
    lower, upper = ratio_bounds(hits, rows, _quantile(len(rows), tail, units))
    return _smallest(shares, lower, upper)


def mean_difference(means: Means, tail: float | None = None) -> Extremes:
    """Greatest minus smallest mean; Welch's t intervals."""
    variance, gaps = _pair_sums(means.variances), means.values[:, None] - means.values[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / _pair_sums(means.variances**2 / (means.rows - 1))
    freedom = np.where(np.isfinite(freedom), freedom, 1.0)
    half = t_above(pair_tail(len(means.values)) if tail is None else tail, freedom) * np.sqrt(variance)
    return _widest(means.values, gaps - half, gaps + half)


def level_ratio(means: Means) -> Extremes | None:
    """Smallest over greatest of positive levels such as root mean squares; intervals on the logarithmic scale.

    None unless all are above 0.
    """
    if not (means.values > 0.0).all():
        return None
    logs = np.log(means.values)
    gaps = logs[:, None] - logs[None, :]
    half = _quantile(len(logs), None) * np.sqrt(_pair_sums(means.variances / means.values**2))
    return _smallest(means.values, np.exp(gaps - half), np.exp(gaps + half))


def either(first: Extremes, second: Extremes) -> Extremes:
    """The greater of two differences; it lies between the greater lower and the greater upper end."""
    worse = second if second.value > first.value else first
    return msgspec.structs.replace(worse, lower=max(first.lower, second.lower), upper=max(first.upper, second.upper))


def least_tail(holds: Callable[[float], bool], most: float) -> float:
    """Give the smallest tail probability at which intervals still show something; it is shown at ``most``."""
    low, high = _SMALLEST_LOG10, float(np.log10(most))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(10.0**middle) else (middle, high)
    return float(10.0**high)


def _quantile(groups: int, tail: float | None, units: Float64 | None = None) -> Float64 | float:
    return quantiles(pair_tail(groups) if tail is None else tail, units)


def _pair_sums(values: Float64) -> Float64:
    return np.asarray(values[:, None] + values[None, :], dtype=np.float64)


def _widest(values: Float64, lower: Float64, upper: Float64) -> Extremes:
    least, most = int(np.argmin(values)), int(np.argmax(values))
    apart = ~np.eye(len(values), dtype=bool)
    return Extremes(
        value=float(values[most] - values[least]),
        lower=max(float(lower[apart].max()), 0.0),
        upper=float(upper[apart].max()),
        least=least,
        most=most,
    )


def _smallest(values: Float64, lower: Float64, upper: Float64) -> Extremes:
    least, most = int(np.argmin(values)), int(np.argmax(values))
    apart = ~np.eye(len(values), dtype=bool)
    return Extremes(
        value=float(values[least] / values[most]),
        lower=float(lower[apart].min()),
        upper=min(float(upper[apart].min()), 1.0),
        least=least,
        most=most,
    )
