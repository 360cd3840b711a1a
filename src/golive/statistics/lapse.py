"""Lapse: stated odds and what came true in, the share of outcomes that no odds explain out.

A model that is too sure, or not sure enough, is wrong at a rate that still falls as it states higher odds. Labels that
are wrong at random put a floor under that rate. So two curves of what comes true are fitted, with and without a floor
(the lapse rate of psychometrics; Wichmann and Hill 2001), and compared by their likelihoods; the one without bends
freely on both sides of even odds (Kull, Silva Filho and Flach 2017), so miscalibration alone is no lapse.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from golive.ports import Float64
from golive.statistics.excess import Bool
from golive.statistics.tails import chi2_tail

_MOST_LAPSE = 0.45
_STARTS = (0.01, 0.08)


class Lapse(NamedTuple):
    """A curve of what comes true at stated odds, with floors."""

    parameters: tuple[float, float, float]
    """Offset, and slopes above and below even odds."""
    missed: float
    """Share of true outcomes that are noted as untrue."""
    invented: float
    """Share of untrue outcomes that are noted as true."""
    p: float
    """How likely chance shows as much of a floor where there is none."""

    def clean(self, odds: Float64) -> Float64:
        """Give the probability ``[n]`` of coming true at stated log odds, before any lapse."""
        return np.asarray(expit(_design(odds) @ np.asarray(self.parameters)))

    def doubt(self, odds: Float64, came_true: Bool) -> Float64:
        """Give the probability ``[n]`` that an outcome is noted wrongly."""
        clean = self.clean(odds)
        wrong = np.where(came_true, (1.0 - clean) * self.invented, clean * self.missed)
        right = np.where(came_true, clean * (1.0 - self.missed), (1.0 - clean) * (1.0 - self.invented))
        return np.asarray(wrong / np.maximum(wrong + right, 1e-300))


def lapse(odds: Float64, came_true: Bool) -> Lapse:
    """Fit both curves.

    Args:
        odds: stated log odds, float64 ``[n]``, finite.
        came_true: whether it did, ``[n]``; both kinds should be there.
    """
    design = _design(odds)
    start = np.array([0.0, 1.0, 1.0])
    plain = minimize(_loss, start, (design, came_true), jac=True, method="L-BFGS-B", bounds=_bounds(0))
    best = None
    for floor in _STARTS:
        begin = np.concatenate([plain.x, [floor, floor]])
        fit = minimize(_loss, begin, (design, came_true), jac=True, method="L-BFGS-B", bounds=_bounds(2))
        best = fit if best is None or fit.fun < best.fun else best
    found = plain if best is None else best
    gain = max(2.0 * len(odds) * float(plain.fun - found.fun), 0.0)
    offset, above, below, missed, invented = (*found.x, 0.0, 0.0)[:5]
    return Lapse(
        parameters=(float(offset), float(above), float(below)),
        missed=float(missed),
        invented=float(invented),
        p=chi2_tail(gain, 2),
    )


def _design(odds: Float64) -> Float64:
    return np.stack([np.ones_like(odds), np.maximum(odds, 0.0), np.minimum(odds, 0.0)], axis=1)


def _bounds(floors: int) -> list[tuple[float | None, float | None]]:
    return [(None, None), (0.0, None), (0.0, None), *((0.0, _MOST_LAPSE) for _ in range(floors))]


def _loss(parameters: Float64, design: Float64, came_true: Bool) -> tuple[float, Float64]:
    """Give the mean negative log likelihood and its gradient."""
    width = design.shape[1]
    missed, invented = (*parameters[width:], 0.0, 0.0)[:2]
    clean = expit(design @ parameters[:width])
    slope = 1.0 - missed - invented
    noted = np.clip(invented + slope * clean, 1e-12, 1.0 - 1e-12)
    value = -float(np.where(came_true, np.log(noted), np.log1p(-noted)).mean())
    pull = np.where(came_true, -1.0 / noted, 1.0 / (1.0 - noted)) / len(design)
    steps = [design.T @ (pull * slope * clean * (1.0 - clean))]
    if len(parameters) > width:
        steps.append(np.array([-(pull * clean).sum(), (pull * (1.0 - clean)).sum()]))
    return value, np.concatenate(steps)
