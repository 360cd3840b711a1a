"""Logistic: columns and outcomes in, log odds that rows outside the fit are given out."""

import numpy as np
from scipy.special import expit

from golive.ports import Float64, Int64
from golive.statistics.excess import Bool

_STEPS = 25
_STILL = 1e-8


def ridge_logistic(design: Float64, came_true: Bool, strength: Float64) -> Float64:
    """Fit weights ``[k]`` of the columns of ``design`` ``[n, k]``, each held towards zero by ``strength`` ``[k]``.

    Newton's steps; ``strength`` is the inverse variance of a normal prior.
    """
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        stated = expit(design @ weights)
        curvature = np.maximum(stated * (1.0 - stated), 1e-6)
        gradient = design.T @ (stated - came_true) + strength * weights
        step = np.linalg.solve((design * curvature[:, None]).T @ design + np.diag(strength + 1e-9), gradient)
        # Newton's steps overshoot where outcomes are nearly certain.
        weights -= step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < _STILL:
            break
    return weights


def crossed_odds(design: Float64, came_true: Bool, strength: Float64, fold: Int64 | None = None) -> Float64:
    """Give log odds ``[n]``, each from a fit on the rows of other folds ``[n]``; every other row unless given."""
    odds = np.empty(len(design))
    fold = np.arange(len(design)) % 2 if fold is None else fold
    for one in np.unique(fold):
        inside = fold == one
        odds[inside] = design[inside] @ ridge_logistic(design[~inside], came_true[~inside], strength)
    return odds
