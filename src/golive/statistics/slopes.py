"""Slopes: how much a row in each cell of the confusion matrix moves the numbers that are read off it.

Each score of ``metrics.scores_of_counts`` is a smooth function of right, true and decided rows by class, and stays the
same where all of these are multiplied. So the influence of a row (``influence``) is the sum of the derivatives of the
counts that it is part of, times the number of rows, and the mean of the influences is 0 (delta method; Agresti 2013,
section 16.1).
"""

from collections.abc import Mapping

import numpy as np

from golive.ports import Float64, Int64

Slopes = Float64
"""Derivatives ``[3, classes]`` with regard to right, true and decided rows of each class."""

_TWO = 2


def score_slopes(counts: Float64) -> Mapping[str, Slopes]:
    """Give the slopes of every score by its name, of right, true and decided rows ``[3, classes]``.

    A ratio with nothing below the line is 0 by convention, and no row moves it.
    """
    by_class = {
        "precision": _precision(counts),
        "recall": _recall(counts),
        "f1": _f1(counts),
        "specificity": _specificity(counts),
    }
    actual, decided = counts[1], counts[2]
    return {
        "accuracy": _accuracy(counts),
        "balanced_accuracy": _mean(by_class["recall"], actual > 0),
        **{name: _summary(slopes, actual + decided > 0) for name, slopes in by_class.items()},
        "mcc": _mcc(counts),
    }


def row_influence(slopes: Slopes, truth: Int64, decided: Int64) -> Float64:
    """Give the influence ``[n]`` of each row, by the indices of its true and its decided class."""
    moved = slopes[1][truth] + slopes[2][decided] + slopes[0][truth] * (truth == decided)
    return np.asarray(moved * len(truth), dtype=np.float64)


def _summary(by_class: Float64, occurs: Float64) -> Slopes:
    """As the scores are summed up: of two classes the second's, of more the mean over those that occur."""
    return by_class[1] if len(by_class) == _TWO else _mean(by_class, occurs)


def _mean(by_class: Float64, known: Float64) -> Slopes:
    return np.asarray(by_class[known > 0].sum(axis=0) / max(int((known > 0).sum()), 1), dtype=np.float64)


def _own(right: Float64, true: Float64, decided: Float64) -> Float64:
    """Slopes ``[classes, 3, classes]`` of numbers that only the rows of their own class move."""
    out = np.zeros((len(right), 3, len(right)))
    place = np.arange(len(right))
    for row, slope in enumerate((right, true, decided)):
        out[place, row, place] = slope
    return out


def _over(above: Float64, below: Float64) -> Float64:
    return np.divide(above, below, out=np.zeros(len(below)), where=below > 0)


def _recall(counts: Float64) -> Float64:
    hit, actual, _ = counts
    return _own(_over(np.ones_like(hit), actual), -_over(hit, actual**2), np.zeros_like(hit))


def _precision(counts: Float64) -> Float64:
    hit, _, decided = counts
    return _own(_over(np.ones_like(hit), decided), np.zeros_like(hit), -_over(hit, decided**2))


def _f1(counts: Float64) -> Float64:
    hit, actual, decided = counts
    both = actual + decided
    shared = -_over(2 * hit, both**2)
    return _own(_over(np.full_like(hit, 2.0), both), shared, shared)


def _specificity(counts: Float64) -> Float64:
    hit, actual, decided = counts
    others = actual.sum() - actual
    each = _over(np.ones_like(hit), others)
    out = _own(each, np.zeros_like(hit), -each)
    # A row of any other class is one more that could have been decided for this one.
    out[:, 1, :] += _over(decided - hit, others**2)[:, None] * (1.0 - np.eye(len(hit)))
    return out


def _accuracy(counts: Float64) -> Slopes:
    hit, actual, _ = counts
    rows, size = float(actual.sum()), len(hit)
    return np.stack([np.full(size, 1 / rows), np.full(size, -float(hit.sum()) / rows**2), np.zeros(size)])


def _mcc(counts: Float64) -> Slopes:
    hit, actual, decided = counts
    rows, right = float(actual.sum()), float(hit.sum())
    of_truth, of_decision = rows**2 - float(actual @ actual), rows**2 - float(decided @ decided)
    scale = float(np.sqrt(of_truth * of_decision))
    if scale == 0.0:
        return np.zeros((3, len(hit)))
    half = (right * rows - float(actual @ decided)) / scale / 2
    # The number of rows is counted among the true ones.
    true = (right - decided) / scale - half * (2 * (rows - actual) / of_truth + 2 * rows / of_decision)
    found = -actual / scale + half * 2 * decided / of_decision
    return np.stack([np.full(len(hit), rows / scale), true, found])
