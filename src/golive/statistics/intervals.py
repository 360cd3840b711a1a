"""Intervals: 95 % intervals that have a formula. What has none is resampled (``resample``)."""

import numpy as np
import numpy.typing as npt

from golive.ports import Float64, Int64
from golive.statistics.tails import binomial_below, midranks, t_above

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

Interval = tuple[float, float]

_LEAST_FREEDOM = 4.0
"""Of a mean whose spread is that of one row among many; with fewer, that row alone would settle every comparison."""
Bool = npt.NDArray[np.bool_]


def wilson(successes: float, rows: float, deviations: float = Z) -> Interval:
    """Interval of a share (Wilson 1927): good with few rows and near 0 and 1. ``rows`` is at least 1.

    ``deviations`` is how many standard errors are allowed either way.
    """
    share, square = min(successes / rows, 1.0), deviations * deviations
    center = (share + square / (2 * rows)) / (1 + square / rows)
    spread = float(np.sqrt(share * (1 - share) / rows + square / (4 * rows * rows)))
    half = deviations / (1 + square / rows) * spread
    # At the ends the formula gives the share itself, but for rounding.
    return 0.0 if successes == 0 else center - half, 1.0 if successes == rows else center + half


def mean_interval(values: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of a mean of rows ``[n]`` by Student's t; None with fewer than two rows.

    The degrees of freedom are those of a variance of rows with tails as heavy as these (Satterthwaite 1946), at most
    n - 1. With ``groups`` int64 ``[n]``, codes from 0, whole groups are what is independent (Liang and Zeger 1986).
    """
    spread = _spread(values, groups)
    if spread is None:
        return None
    center, half = float(values.mean()), spread
    return center - half, center + half


def positive_mean_interval(values: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of a mean of values that are never negative, such as losses: on the scale of its logarithm.

    None with fewer than two rows.
    """
    half, center = _spread(values, groups), float(values.mean())
    if half is None:
        return None
    if not 0.0 < center < np.inf:
        return center - half, center + half
    return float(center * np.exp(-half / center)), float(center * np.exp(half / center))


def rmse_interval(errors: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of a root mean square: that of the mean square, then the root; None with fewer than two rows."""
    found = positive_mean_interval(errors**2, groups)
    return None if found is None else (float(np.sqrt(max(found[0], 0.0))), float(np.sqrt(found[1])))


def rmse_difference_interval(errors: Float64, others: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of RMSE(errors) - RMSE(others) on the same rows (delta method on the rows' influence)."""
    one, two = float(np.sqrt(np.mean(errors**2))), float(np.sqrt(np.mean(others**2)))
    if one == 0.0 or two == 0.0:
        return None
    found = mean_interval(errors**2 / (2 * one) - others**2 / (2 * two), groups)
    # The mean of the influences is off (one - two) / 2, which is the delta method's own center.
    return found and (found[0] + (one - two) / 2, found[1] + (one - two) / 2)


def share_interval(hits: Bool, groups: Int64 | None = None) -> Interval | None:
    """Wilson's interval of the share of true rows ``[n]``; None without rows, and where all are of one group.

    Rows in groups, codes from 0, count as the fewer independent ones that would spread as much (Kish 1965), never as
    more; as that is itself estimated between groups, Student's t takes the place of the normal distribution.
    """
    rows, found = len(hits), int(hits.sum())
    if groups is None:
        return wilson(found, rows) if rows else None
    alike = _equal_groups(groups)
    if alike <= 1.0:
        return None
    if found in {0, rows}:
        return wilson(found * alike / rows, alike)
    units, deviations = _independent(hits.astype(np.float64), groups)
    return wilson(found * units / rows, units, deviations)


def f1_interval(true: Bool, decided: Bool, groups: Int64 | None = None) -> Interval | None:
    """Wilson's interval of F1 of rows ``[n]`` that are truly of a class and that are decided for it.

    F1 is 2J / (1 + J) of the Jaccard index J, and J is a share: the right ones among the rows that are one or the
    other. None without such rows.
    """
    among = true | decided
    found = share_interval((true & decided)[among], None if groups is None else groups[among])
    return found and f1_of_share(found)


def f1_of_share(bounds: Interval) -> Interval:
    """Turn an interval of the Jaccard index into that of F1."""
    return 2 * bounds[0] / (1 + bounds[0]), 2 * bounds[1] / (1 + bounds[1])


def r2_interval(errors: Float64, centered: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of R squared from errors ``[n]`` and true values less their mean ``[n]``.

    On the scale of the logarithm of 1 - R squared, a ratio of two mean squares (delta method). None where either is 0
    and with fewer than two rows.
    """
    error, spread = float(np.mean(errors**2)), float(np.mean(centered**2))
    if not (0.0 < error < np.inf and 0.0 < spread < np.inf):
        return None
    half = _spread(errors**2 / error - centered**2 / spread, groups)
    share = error / spread
    return None if half is None else (1.0 - share * float(np.exp(half)), 1.0 - share * float(np.exp(-half)))


def r2_difference_interval(
    errors: Float64, others: Float64, centered: Float64, groups: Int64 | None = None
) -> Interval | None:
    """Interval of the R squared of ``errors`` minus that of ``others`` on the same rows (delta method)."""
    spread = float(np.mean(centered**2))
    if not 0.0 < spread < np.inf:
        return None
    gained = (others**2 - errors**2) / spread
    difference = float(gained.mean())
    half = _spread(gained - difference * centered**2 / spread, groups)
    return None if half is None else (difference - half, difference + half)


def median_interval(values: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of a median of rows ``[n]``: the order statistics as far from the middle as chance takes it.

    By the binomial distribution of the rows below the median (Thompson 1936), so ties make it no narrower. Of
    ``groups``, codes from 0, by Student's t and the rows that would spread as much (Woodruff 1952). None where even
    the least and the greatest value are too near: with fewer than six rows, or with very few groups.
    """
    rank, ordered = _median_rank(values, groups), np.sort(values)
    return (float(ordered[rank - 1]), float(ordered[-rank])) if rank > 0 else None


def moved_interval(value: float, influence: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of a number between 0 and 1 from the influence ``[n]`` of each row, on the logit scale.

    None for 0 or 1, where that scale ends, and with fewer than two rows.
    """
    found = mean_interval(influence, groups)
    if found is None or not 0.0 < value < 1.0:
        return None
    logit, half = np.log(value / (1 - value)), (found[1] - found[0]) / 2 / (value * (1 - value))
    return float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))


def correlation_interval(value: float, influence: Float64, groups: Int64 | None = None) -> Interval | None:
    """Interval of a correlation from the influence ``[n]`` of each row, on Fisher's z scale; None where it is 1."""
    found = mean_interval(influence, groups)
    if found is None or not -1.0 < value < 1.0:
        return None
    center, half = np.arctanh(value), (found[1] - found[0]) / 2 / (1 - value**2)
    return float(np.tanh(center - half)), float(np.tanh(center + half))


def mean_error(values: Float64, groups: Int64 | None = None) -> float:
    """Standard error of a mean of rows ``[n]``, or of rows whose ``groups`` are what is independent; two or more."""
    if groups is None:
        return float(values.std(ddof=1) / np.sqrt(len(values)))
    sums = np.bincount(groups, values - values.mean())
    units = int(np.count_nonzero(np.bincount(groups)))
    return float(np.sqrt(units / max(units - 1, 1) * np.sum(sums**2)) / len(values))


def delong(positive: Bool, scores: Float64) -> tuple[Float64, Float64]:
    """Areas under the ROC curve ``[models]`` of ``scores`` ``[models, n]`` and their covariance ``[models, models]``.

    DeLong, DeLong and Clarke-Pearson 1988, by midranks as Sun and Xu 2014. Both classes need two rows or more.
    """
    hits, others = int(positive.sum()), int((~positive).sum())
    of_hits, of_others = np.empty((len(scores), hits)), np.empty((len(scores), others))
    for model, score in enumerate(scores):
        ranks = midranks(score)
        of_hits[model] = (ranks[positive] - midranks(score[positive])) / others
        of_others[model] = 1.0 - (ranks[~positive] - midranks(score[~positive])) / hits
    covariance = np.atleast_2d(np.cov(of_hits)) / hits + np.atleast_2d(np.cov(of_others)) / others
    return of_hits.mean(axis=1), covariance


def auc_interval(auc: float, variance: float) -> Interval | None:
    """DeLong's interval on the logit scale; None for an area of 0 or 1, where that scale ends."""
    if not 0.0 < auc < 1.0:
        return None
    logit, half = np.log(auc / (1 - auc)), Z * np.sqrt(max(variance, 0.0)) / (auc * (1 - auc))
    return float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))


def auc_difference_interval(areas: Float64, covariance: Float64) -> Interval:
    """Interval of the first area minus the second, from :func:`delong` of two models on the same rows."""
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference, half = float(areas[0] - areas[1]), Z * float(np.sqrt(max(variance, 0.0)))
    return difference - half, difference + half


def _spread(values: Float64, groups: Int64 | None) -> float | None:
    """Half the width of a mean's interval."""
    parts = values - values.mean()
    if groups is not None:
        # Of all groups, some may have none of these rows.
        parts = np.bincount(np.unique(groups, return_inverse=True)[1], parts)
    units = len(parts)
    if units < 2:  # noqa: PLR2004  one row has no spread
        return None
    squares = parts * parts
    square = float(squares.mean())
    if not 0.0 < square < np.inf:
        return square
    tails = float(np.mean(squares * squares)) / square / square
    freedom = min(max(2 * units / (tails - (units - 3) / (units - 1)), _LEAST_FREEDOM), units - 1.0)
    return float(t_above(0.025, freedom)) * mean_error(values, groups)


def _equal_groups(groups: Int64) -> float:
    """Count groups, as how many of equal size would weigh as much; 0 without rows."""
    sizes = np.bincount(groups).astype(np.float64)
    return float(sizes.sum() ** 2 / max(float(sizes @ sizes), 1.0))


def _independent(values: Float64, groups: Int64) -> tuple[float, float]:
    """Say how many independent rows would spread as much, and how many standard errors hold 95 % of them.

    The values differ, and there are two groups or more.
    """
    effect = (mean_error(values, groups) / mean_error(values)) ** 2
    freedom = max(_equal_groups(groups) - 1.0, 1.0)
    return len(values) / max(float(effect), 1.0), float(t_above(0.025, freedom))


def _median_rank(values: Float64, groups: Int64 | None) -> int:
    """Give the place of the lower bound of a median among ordered values, from 1; 0 or less where there is none."""
    rows = len(values)
    if groups is None:
        return binomial_below(0.025, rows, 0.5) if rows else 0
    if _equal_groups(groups) <= 1.0:
        return 0
    sides = np.sign(values - np.median(values))
    units, deviations = _independent(sides, groups) if sides.any() else (float(rows), Z)
    return int(np.floor(rows * (0.5 - deviations / 2 / np.sqrt(units))))
