"""Intervals: 95 % intervals that have a formula. What has none is resampled (``resample``)."""

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, t

from golive.ports import Float64

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

Interval = tuple[float, float]


def wilson(successes: float, rows: int) -> Interval:
    """Interval of a share (Wilson 1927): good with few rows and near 0 and 1. ``rows`` is at least 1."""
    share = successes / rows
    center = (share + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
    half = Z / (1 + Z * Z / rows) * float(np.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows)))
    # At the ends the formula gives the share itself, but for rounding.
    return 0.0 if successes == 0 else center - half, 1.0 if successes == rows else center + half


def mean_interval(values: Float64) -> Interval | None:
    """Interval of a mean of rows ``[n]`` by Student's t; None with fewer than two rows."""
    if len(values) < 2:  # noqa: PLR2004  one row has no spread
        return None
    center, half = float(values.mean()), _half(values)
    return center - half, center + half


def rmse_interval(errors: Float64) -> Interval | None:
    """Interval of a root mean square: that of the mean square, then the root; None with fewer than two rows."""
    found = mean_interval(errors**2)
    return None if found is None else (float(np.sqrt(max(found[0], 0.0))), float(np.sqrt(found[1])))


def rmse_difference_interval(errors: Float64, others: Float64) -> Interval | None:
    """Interval of RMSE(errors) - RMSE(others) on the same rows (delta method on the rows' influence)."""
    if len(errors) < 2:  # noqa: PLR2004  one row has no spread
        return None
    one, two = float(np.sqrt(np.mean(errors**2))), float(np.sqrt(np.mean(others**2)))
    if one == 0.0 or two == 0.0:
        return None
    half = _half(errors**2 / (2 * one) - others**2 / (2 * two))
    return one - two - half, one - two + half


def delong(positive: npt.NDArray[np.bool_], scores: Float64) -> tuple[Float64, Float64]:
    """Areas under the ROC curve ``[models]`` of ``scores`` ``[models, n]`` and their covariance ``[models, models]``.

    DeLong, DeLong and Clarke-Pearson 1988, by midranks as Sun and Xu 2014. Both classes need two rows or more.
    """
    hits, others = int(positive.sum()), int((~positive).sum())
    of_hits, of_others = np.empty((len(scores), hits)), np.empty((len(scores), others))
    for model, score in enumerate(scores):
        ranks = rankdata(score)
        of_hits[model] = (ranks[positive] - rankdata(score[positive])) / others
        of_others[model] = 1.0 - (ranks[~positive] - rankdata(score[~positive])) / hits
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


def _half(values: Float64) -> float:
    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
