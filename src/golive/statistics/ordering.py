"""Ordering: how well scores order the rows of each group. Codes of groups are int64 ``[n]`` from 0."""

from itertools import pairwise

import numpy as np

from golive.ports import Float64, Int64

_PAIRED_ROWS = 400
"""Rows of a group whose pairs are compared; a larger group is sampled."""


def ndcg(relevance: Float64, score: Float64, groups: Int64, top: int) -> Float64:
    """Normalized discounted cumulative gain of the ``top`` rows of each group ``[groups]``.

    The gain is the relevance itself (Jarvelin and Kekalainen 2002), and rows of equal score share their gains. NaN for
    a group without relevant rows; relevances are 0 or more.
    """
    count = int(groups.max()) + 1
    order, rank = _ranked(groups, -score)
    shared = _tie_means(relevance[order], score[order], groups[order])
    best, _ = _ranked(groups, -relevance)
    discount = np.where(rank < top, 1.0 / np.log2(rank + 2.0), 0.0)
    gained = _summed(groups[order], shared * discount, count)
    possible = _summed(groups[best], relevance[best] * discount, count)
    return _divided(gained, possible)


def average_precision_at(relevant: Float64, score: Float64, groups: Int64, top: int) -> Float64:
    """Average precision among the ``top`` rows of each group ``[groups]``; NaN without relevant rows.

    ``relevant`` is 1 or 0. Among rows of equal score the relevant ones are taken to stand last: ties count against.
    """
    count = int(groups.max()) + 1
    order, rank = _ranked(groups, -score, relevant)
    hits = relevant[order] * (rank < top)
    so_far = _running(hits, groups[order])
    gained = _summed(groups[order], hits * so_far / (rank + 1.0), count)
    return _divided(gained, np.minimum(_summed(groups, relevant, count), top))


def reciprocal_rank(relevant: Float64, score: Float64, groups: Int64) -> Float64:
    """One over the place of the first relevant row of each group ``[groups]``, ties against; NaN without one."""
    count = int(groups.max()) + 1
    order, rank = _ranked(groups, -score, relevant)
    places = np.where(relevant[order] > 0, 1.0 / (rank + 1.0), 0.0)
    best = np.zeros(count)
    np.maximum.at(best, groups[order], places)
    return np.where(np.bincount(groups, relevant, count) > 0, best, np.nan)


def pair_accuracy(relevance: Float64, score: Float64, groups: Int64, seed: int) -> Float64:
    """Share of the pairs of a group whose relevances differ that the score orders rightly, ties half ``[groups]``.

    NaN where no relevances differ. Kendall's tau (over such pairs) is twice this less 1.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(groups, kind="stable")
    bounds = np.append(0, np.cumsum(np.bincount(groups)))
    found = np.full(len(bounds) - 1, np.nan)
    for group, (start, stop) in enumerate(pairwise(bounds.tolist())):
        rows = order[start:stop]
        if len(rows) > _PAIRED_ROWS:
            rows = rng.choice(rows, _PAIRED_ROWS, replace=False)
        truth = np.sign(relevance[rows][:, None] - relevance[rows])
        pairs = np.count_nonzero(truth)
        if pairs:
            found[group] = (1.0 + float((truth * np.sign(score[rows][:, None] - score[rows])).sum()) / pairs) / 2
    return found


def _ranked(groups: Int64, *keys: Float64) -> tuple[Int64, Int64]:
    """Order rows by group and keys, and give each ordered row's place in its group, from 0."""
    order = np.lexsort((*keys[::-1], groups))
    starts = np.append(0, np.cumsum(np.bincount(groups)))[:-1]
    return order.astype(np.int64), (np.arange(len(groups)) - starts[groups[order]]).astype(np.int64)


def _tie_means(values: Float64, score: Float64, groups: Int64) -> Float64:
    fresh = np.append(True, (np.diff(score) != 0) | (np.diff(groups) != 0))
    ties = np.cumsum(fresh) - 1
    return np.asarray((np.bincount(ties, values) / np.bincount(ties))[ties], dtype=np.float64)


def _running(values: Float64, groups: Int64) -> Float64:
    """Sum so far within each group of ordered rows."""
    total = np.cumsum(values)
    starts = np.flatnonzero(np.append(True, np.diff(groups) != 0))
    before = np.append(0.0, total)[starts]
    return np.asarray(total - before[np.cumsum(np.append(True, np.diff(groups) != 0)) - 1], dtype=np.float64)


def _summed(groups: Int64, values: Float64, count: int) -> Float64:
    return np.asarray(np.bincount(groups, values, count), dtype=np.float64)


def _divided(above: Float64, below: Float64) -> Float64:
    out: Float64 = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return out
