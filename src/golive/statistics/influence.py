"""Influence: how much each row moves a number that is read off an order of rows.

An influence ``[n]`` has mean 0; the number is about its true value plus the mean of the influences, so the variance of
the number is that of a mean, whether rows or whole groups of them are independent (Hampel 1974).
"""

from typing import NamedTuple

import numpy as np

from golive.ports import Float64, Int64
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
    up_to = np.searchsorted(hits, score, side="right")
    return _area(positive, score, hits, others, up_to), _precision(positive, score, hits, others, up_to)


def spearman_influence(truth: Float64, predicted: Float64) -> Moved:
    """Measure Spearman's rank correlation, ties by midranks; NaN (and influences of 0) where either is constant."""
    orders = _order(truth), _order(predicted)
    one, two = (order.rank for order in orders)
    spread, other_spread = float(np.mean(one**2)), float(np.mean(two**2))
    if spread == 0.0 or other_spread == 0.0:
        return Moved(float("nan"), np.zeros(len(truth)))
    scale = float(np.sqrt(spread * other_spread))
    value = float(np.mean(one * two)) / scale
    # A row adds its own product, and moves by one step the ranks of all the rows above it.
    moved = one * two + _above(orders[0], two) + _above(orders[1], one)
    spreading = _above(orders[0], one) / spread + _above(orders[1], two) / other_spread
    own = one**2 / (2 * spread) + two**2 / (2 * other_spread)
    influence = moved / scale - value * (own + spreading)
    return Moved(value, influence - influence.mean())


class _Order(NamedTuple):
    order: Int64
    first: Int64
    """Of each row, how many are below it."""
    last: Int64
    """Of each row, how many are below it or equal."""
    rank: Float64
    """Midranks, from -1 to 1."""


def _order(values: Float64) -> _Order:
    order = np.argsort(values, kind="stable")
    fresh = np.append(True, np.diff(values[order]) != 0)
    starts = np.append(np.flatnonzero(fresh), len(values))
    tie = np.empty(len(values), dtype=np.int64)
    tie[order] = np.cumsum(fresh) - 1
    first, last = starts[tie], starts[tie + 1]
    return _Order(order, first, last, (first + last) / len(values) - 1.0)


def _above(ordered: _Order, summed: Float64) -> Float64:
    """Give, for each row, twice the mean over all rows of ``summed`` where it is greater (half where equal)."""
    left = np.append(np.cumsum(summed[ordered.order][::-1])[::-1], 0.0)
    return np.asarray((left[ordered.first] + left[ordered.last]) / len(summed), dtype=np.float64)


def _area(positive: Bool, score: Float64, hits: Float64, others: Float64, up_to: Int64) -> Moved:
    rows, found, rest = len(score), len(hits), len(others)
    below = up_to.astype(np.float64)
    # Only a row that equals a positive one has fewer strictly below than up to itself.
    equal = hits[np.maximum(up_to - 1, 0)] == score
    below[equal] = (below[equal] + np.searchsorted(hits, score[equal], side="left")) / 2
    placed = 1.0 - below / found
    mine = score[positive]
    placed[positive] = (np.searchsorted(others, mine, side="left") + np.searchsorted(others, mine, side="right")) / (
        2.0 * rest
    )
    value = float(placed[positive].mean())
    # The factor makes the sum of squares that of variances with n - 1 below the line, as DeLong has it.
    of_hits, of_others = ((rows / k) * np.sqrt(k / max(k - 1, 1)) for k in (found, rest))
    return Moved(value, (placed - value) * np.where(positive, of_hits, of_others))


def _precision(positive: Bool, score: Float64, hits: Float64, others: Float64, up_to: Int64) -> Moved:
    found = len(hits)
    hits_above = found - np.searchsorted(hits, hits, side="left")
    above = hits_above + len(others) - np.searchsorted(others, hits, side="left")
    precision = hits_above / above
    value = float(precision.mean())
    one, two = (np.append(0.0, np.cumsum(part)) for part in (1.0 / above, precision / above))
    moved = -two[up_to]
    mine = up_to[positive]
    moved[positive] += one[mine] + precision[mine - 1] - value
    return Moved(value, moved * (len(score) / found))
