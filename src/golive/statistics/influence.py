"""Influence: how much each row moves a number that is read off an order of rows.

An influence ``[n]`` has mean 0; the number is about its true value plus the mean of the influences, so the variance of
the number is that of a mean, whether rows or whole groups of them are independent (Hampel 1974).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from golive.ports import Float64
from golive.statistics.metrics import Bool


class Moved(NamedTuple):
    """A number and the influence ``[n]`` of each row on it."""

    value: float
    influence: Float64


def ranking_influence(positive: Bool, score: Float64) -> tuple[Moved, Moved]:
    """Measure the area under the ROC curve and average precision; both classes occur.

    Of the area the influences are DeLong's (1988) placements. Average precision is the mean, over positive rows, of
    H/F: the positive rows and all the rows that score as high; its influence is the derivative of that.
    """
    if score.min() == score.max():
        share = float(positive.mean())
        return Moved(0.5, np.zeros(len(score))), Moved(share, positive.astype(np.float64) - share)
    hits, others = np.sort(score[positive]), np.sort(score[~positive])
    return _area(positive, score, hits, others), _precision(positive, score, hits, others)


def spearman_influence(truth: Float64, predicted: Float64) -> Moved:
    """Measure Spearman's rank correlation, ties by midranks; NaN (and influences of 0) where either is constant."""
    n = len(truth)
    one, two = (2 * (rankdata(values) - 0.5) / n - 1 for values in (truth, predicted))
    spread, other_spread = float(np.mean(one**2)), float(np.mean(two**2))
    if spread == 0.0 or other_spread == 0.0:
        return Moved(float("nan"), np.zeros(n))
    scale = float(np.sqrt(spread * other_spread))
    value = float(np.mean(one * two)) / scale
    # A row adds its own product, and moves by one step the ranks of all the rows above it.
    moved = one * two + _above(truth, two) + _above(predicted, one)
    spreading = _above(truth, one) / spread + _above(predicted, two) / other_spread
    own = one**2 / (2 * spread) + two**2 / (2 * other_spread)
    influence = moved / scale - value * (own + spreading)
    return Moved(value, influence - influence.mean())


def _area(positive: Bool, score: Float64, hits: Float64, others: Float64) -> Moved:
    rows, found, rest = len(score), len(hits), len(others)
    placed = np.empty(rows)
    placed[positive] = _midplace(others, score[positive]) / rest
    placed[~positive] = 1.0 - _midplace(hits, score[~positive]) / found
    value = float(placed[positive].mean())
    # The factor makes the sum of squares that of variances with n - 1 below the line, as DeLong has it.
    of_hits, of_others = ((rows / k) * np.sqrt(k / max(k - 1, 1)) for k in (found, rest))
    return Moved(value, (placed - value) * np.where(positive, of_hits, of_others))


def _precision(positive: Bool, score: Float64, hits: Float64, others: Float64) -> Moved:
    found = len(hits)
    hits_above = found - np.searchsorted(hits, hits, side="left")
    above = hits_above + len(others) - np.searchsorted(others, hits, side="left")
    precision = hits_above / above
    value = float(precision.mean())
    one, two = (np.append(0.0, np.cumsum(part)) for part in (1.0 / above, precision / above))
    place = np.searchsorted(hits, score, side="right")
    moved = -two[place]
    mine = place[positive]
    moved[positive] += one[mine] + precision[mine - 1] - value
    return Moved(value, moved * (len(score) / found))


def _midplace(ordered: Float64, values: Float64) -> Float64:
    """Count those of ``ordered`` below each value, ties half."""
    below, up_to = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((below + up_to) / 2, dtype=np.float64)


def _above(values: Float64, summed: Float64) -> Float64:
    """Give, for each row, twice the mean over all rows of ``summed`` where ``values`` is greater (half where equal)."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    left = np.append(np.cumsum(summed[order][::-1])[::-1], 0.0)
    from_equal, beyond = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((left[from_equal] + left[beyond]) / len(values), dtype=np.float64)
