"""Curves: what a report draws about probabilities. Arrays in, arrays of points out."""

from typing import NamedTuple

import numpy as np

from golive.ports import Float64
from golive.statistics.intervals import wilson
from golive.statistics.metrics import CALIBRATION_BINS, Bool, calibration_bin


class Curve(NamedTuple):
    """Points of a line, float64 ``[points]`` each."""

    x: Float64
    y: Float64


class CalibrationBin(NamedTuple):
    """One bin of a calibration curve with Wilson's 95 % interval of the observed share."""

    rows: int
    stated: float
    observed: float
    lower: float
    upper: float


def roc(positive: Bool, score: Float64, *, points: int = 200) -> Curve:
    """False-positive rate and true-positive rate from (0, 0) to (1, 1), thinned to about ``points``."""
    found, passed = _found(positive, score)
    hits = max(int(positive.sum()), 1)
    others = max(len(positive) - int(positive.sum()), 1)
    return _thin(np.append(0.0, (passed - found) / others), np.append(0.0, found / hits), points)


def precision_recall(positive: Bool, score: Float64, *, points: int = 200) -> Curve:
    """Recall (x) and precision (y) as the threshold falls, thinned to about ``points``."""
    found, passed = _found(positive, score)
    return _thin(found / max(int(positive.sum()), 1), found / passed, points)


def calibration(stated: Float64, came_true: Bool) -> list[CalibrationBin]:
    """Compare stated probabilities with what happened, over bins of equal width that hold rows."""
    bins = calibration_bin(stated)
    rows = np.bincount(bins, minlength=CALIBRATION_BINS)
    stated_sum = np.bincount(bins, stated, CALIBRATION_BINS)
    true_sum = np.bincount(bins, came_true, CALIBRATION_BINS)
    return [
        CalibrationBin(int(count), float(total / count), float(true / count), *wilson(float(true), int(count)))
        for count, total, true in zip(rows, stated_sum, true_sum, strict=True)
        if count
    ]


def _found(positive: Bool, score: Float64) -> tuple[Float64, Float64]:
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    return np.cumsum(positive[order])[last_of_tie].astype(np.float64), (last_of_tie + 1).astype(np.float64)


def _thin(x: Float64, y: Float64, points: int) -> Curve:
    if len(x) <= points:
        return Curve(x, y)
    # Evenly along the curve's own length, so that steep parts keep their shape.
    length = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    kept = np.unique(np.append(np.searchsorted(length, np.linspace(0.0, length[-1], points)), [0, len(x) - 1]))
    kept = kept[kept < len(x)]
    return Curve(x[kept], y[kept])
