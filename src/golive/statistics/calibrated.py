"""Calibrated: whether stated probabilities are what happens, by tests whose null knows how many rows there are."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from golive.ports import Float64, Int64
from golive.statistics.metrics import CALIBRATION_BINS, Bool, calibration_bin
from golive.statistics.tails import chi2_tail, normal_tail

_LEAST_EXPECTED = 5.0
_STEPS = 50
_EDGE = 1e-6
_NEAR = 1e-10
_DRAWS = 4000


class Recalibration(NamedTuple):
    """The line that would mend stated probabilities on the logit scale: ``intercept + slope * logit(p)``."""

    intercept: float
    intercept_error: float
    """Standard error."""
    slope: float
    """NaN where all the stated probabilities are the same."""
    slope_error: float
    p: float
    """How likely chance alone is this far from intercept 0 and slope 1 (likelihood ratio; Cox 1958)."""


class Binned(NamedTuple):
    """Stated and observed shares over bins of equal count."""

    rows: Int64
    stated: Float64
    observed: Float64
    p: float
    """Hosmer and Lemeshow's test; the probabilities were not fitted to these rows, so no degree is lost."""
    debiased_error: float
    """Root mean square distance of the bins less what chance alone gives (Kumar, Liang and Ma 2019)."""


def recalibration(stated: Float64, came_true: Bool) -> Recalibration:
    """Fit a logistic line to the logits of stated probabilities ``[n]``; by Newton's method."""
    x = logit(np.clip(stated, _EDGE, 1.0 - _EDGE))
    columns = np.stack([np.ones_like(x), x], axis=1)
    nothing = float("nan")
    if np.ptp(x) < _EDGE:
        columns = columns[:, :1]
    offset = x if columns.shape[1] == 1 else np.zeros_like(x)
    found = _newton(columns, offset, came_true)
    if found is None:
        return Recalibration(nothing, nothing, nothing, nothing, nothing)
    solution, errors = found
    gain = 2 * (_likelihood(columns @ solution + offset, came_true) - _likelihood(x, came_true))
    p = chi2_tail(max(gain, 0.0), columns.shape[1])
    several = len(solution) > 1
    return Recalibration(
        float(solution[0]),
        float(errors[0]),
        float(solution[1]) if several else nothing,
        float(errors[1]) if several else nothing,
        p,
    )


def binned(stated: Float64, came_true: Bool, bins: int = 10) -> Binned:
    """Compare over bins of equal count.

    For the test, neighbors are merged until each expects five rows of either outcome; the error is of the bins as
    they are.
    """
    order = np.argsort(stated, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    rows, expected, happened, variance = _summed(parts, stated, came_true)
    error = float(np.sum(((happened - expected) ** 2 - variance) / rows) / rows.sum())
    merged = _merged(parts, stated)
    _, stated_rows, true_rows, spread = _summed(merged, stated, came_true)
    gap = true_rows - stated_rows
    with np.errstate(divide="ignore", invalid="ignore"):
        square = float(np.sum(np.where(gap == 0.0, 0.0, gap**2 / spread)))
    p = chi2_tail(square, len(merged))
    return Binned(rows.astype(np.int64), expected / rows, happened / rows, p, max(error, 0.0) ** 0.5)


def _summed(parts: list[Int64], stated: Float64, came_true: Bool) -> tuple[Float64, Float64, Float64, Float64]:
    """Count rows, stated and true ones, and the variance of the true ones where the stated shares are right."""
    variance = stated * (1.0 - stated)
    sums = [[float(len(part)), *(values[part].sum() for values in (stated, came_true, variance))] for part in parts]
    rows, expected, happened, spread = np.asarray(sums, dtype=np.float64).T
    return rows, expected, happened, spread


def chance_error(stated: Float64, came_true: Bool, groups: Int64 | None, seed: int) -> float:
    """Give the calibration error that probabilities which are right exceed once in forty times, on rows like these.

    The error is that of ``metrics.ece``; the noise of its bins is normal, with the variance that the rows, or
    ``groups`` of rows, show.
    """
    cells, miss = calibration_bin(stated), came_true - stated
    if groups is None:
        noise = np.sqrt(np.bincount(cells, miss**2, CALIBRATION_BINS))
    else:
        sums = np.bincount(groups * CALIBRATION_BINS + cells, miss, (int(groups.max()) + 1) * CALIBRATION_BINS)
        noise = np.sqrt((sums.reshape(-1, CALIBRATION_BINS) ** 2).sum(axis=0))
    drawn = np.random.default_rng(seed).normal(size=(_DRAWS, CALIBRATION_BINS)) * noise
    return float(np.quantile(np.abs(drawn).sum(axis=1), 0.975) / len(stated))


def spiegelhalter(stated: Float64, came_true: Bool) -> tuple[float, float]:
    """Give Spiegelhalter's z (1986) and its two-sided p: whether the Brier score is the one that was stated."""
    leaning = 1.0 - 2.0 * stated
    variance = float(np.sum(leaning**2 * stated * (1.0 - stated)))
    if variance <= 0.0:
        return float("nan"), float("nan")
    z = float(np.sum((came_true - stated) * leaning) / np.sqrt(variance))
    return z, 2 * normal_tail(abs(z))


def _newton(columns: Float64, offset: Float64, came_true: Bool) -> tuple[Float64, Float64] | None:
    """Solve; None where no finite line is the best, as with one outcome only or a perfect order."""
    # From a flat line, where no row's weight vanishes.
    at = np.zeros(columns.shape[1])
    best = _likelihood(offset, came_true)
    for _ in range(_STEPS):
        shares = expit(columns @ at + offset)
        weights = shares * (1.0 - shares)
        information = (columns * weights[:, None]).T @ columns
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1.0 / _NEAR:
            return None
        step = np.linalg.solve(information, columns.T @ (came_true - shares))
        while _likelihood(columns @ (at + step) + offset, came_true) < best - _NEAR and np.abs(step).max() > _NEAR:
            step = step / 2
        at = at + step
        best = _likelihood(columns @ at + offset, came_true)
        if np.abs(step).max() < _EDGE:
            return at, np.sqrt(np.diag(np.linalg.inv(information)))
    return None


def _likelihood(logits: Float64, came_true: Bool) -> float:
    return float(np.sum(np.where(came_true, -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits))))


def _merged(parts: list[Int64], stated: Float64) -> list[Int64]:
    merged: list[Int64] = []
    for part in parts:
        if merged and _least(merged[-1], stated) < _LEAST_EXPECTED:
            merged[-1] = np.concatenate([merged[-1], part])
        else:
            merged.append(part)
    while len(merged) > 1 and _least(merged[-1], stated) < _LEAST_EXPECTED:
        last = merged.pop()
        merged[-1] = np.concatenate([merged[-1], last])
    return merged


def _least(part: Int64, stated: Float64) -> float:
    expected = float(stated[part].sum())
    return min(expected, len(part) - expected)
