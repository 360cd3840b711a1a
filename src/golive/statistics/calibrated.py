"""Calibrated: whether stated probabilities are what happens, by tests whose null knows how many rows there are."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import chi2, norm

from golive.ports import Float64, Int64
from golive.statistics.metrics import Bool

_LEAST_EXPECTED = 5.0
_STEPS = 50
_EDGE = 1e-6
_NEAR = 1e-10


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
    start = np.array([0.0, 1.0])[: columns.shape[1]]
    offset = x if columns.shape[1] == 1 else np.zeros_like(x)
    found = _newton(columns, offset, came_true, start)
    if found is None:
        return Recalibration(nothing, nothing, nothing, nothing, nothing)
    solution, errors = found
    gain = 2 * (_likelihood(columns @ solution + offset, came_true) - _likelihood(x, came_true))
    p = float(chi2.sf(max(gain, 0.0), columns.shape[1]))
    several = len(solution) > 1
    return Recalibration(
        float(solution[0]),
        float(errors[0]),
        float(solution[1]) if several else nothing,
        float(errors[1]) if several else nothing,
        p,
    )


def binned(stated: Float64, came_true: Bool, bins: int = 10) -> Binned:
    """Compare over bins of equal count; neighbors are merged until each expects five rows of either outcome."""
    order = np.argsort(stated, kind="stable")
    parts = _merged([part for part in np.array_split(order, bins) if len(part)], stated)
    rows = np.array([len(part) for part in parts])
    expected = np.array([stated[part].sum() for part in parts])
    happened = np.array([float(came_true[part].sum()) for part in parts])
    variance = np.array([(stated[part] * (1.0 - stated[part])).sum() for part in parts])
    gap = happened - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        square = float(np.sum(np.where(gap == 0.0, 0.0, gap**2 / variance)))
    error = float(np.sum(rows * ((gap / rows) ** 2 - variance / rows**2)) / rows.sum())
    return Binned(rows, expected / rows, happened / rows, float(chi2.sf(square, len(parts))), max(error, 0.0) ** 0.5)


def spiegelhalter(stated: Float64, came_true: Bool) -> tuple[float, float]:
    """Give Spiegelhalter's z (1986) and its two-sided p: whether the Brier score is the one that was stated."""
    leaning = 1.0 - 2.0 * stated
    variance = float(np.sum(leaning**2 * stated * (1.0 - stated)))
    if variance <= 0.0:
        return float("nan"), float("nan")
    z = float(np.sum((came_true - stated) * leaning) / np.sqrt(variance))
    return z, float(2 * norm.sf(abs(z)))


def _newton(columns: Float64, offset: Float64, came_true: Bool, start: Float64) -> tuple[Float64, Float64] | None:
    """Solve; None where no finite line is the best, as with one outcome only or a perfect order."""
    at, best = start, _likelihood(columns @ start + offset, came_true)
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
