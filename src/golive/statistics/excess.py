"""Excess: how much more some rows lose than rows of the same prediction, and whether chance shows as much.

What is hard by nature is no fault: rows near an even probability are wrong more often, large values have large errors.
So the loss of each row is compared with what the loss is, on average, at the same prediction: a line with knots.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from golive.ports import Float64, Int64
from golive.statistics.clusters import units_of, within_correlation
from golive.statistics.tails import binomial_tail, t_above, t_tail

Bool = npt.NDArray[np.bool_]

_MOST_KNOTS = 21
_ROWS_A_KNOT = 40
_FINE = (0.95, 0.98, 0.99)
_ROWS_FOR_FINE = 1000


class Excess(NamedTuple):
    """The mean excess of some rows over that of all others, its 95 % interval and a one-sided p-value."""

    value: float
    lower: float
    upper: float
    p: float


def knots(score: Float64) -> Float64:
    """Choose knots of a line at quantiles of ``score`` ``[n]``, finer at both ends where rows allow it."""
    count = int(np.clip(len(score) // _ROWS_A_KNOT, 2, _MOST_KNOTS))
    levels = np.linspace(0.0, 1.0, count)
    if len(score) >= _ROWS_FOR_FINE:
        levels = np.concatenate([levels, _FINE, 1.0 - np.asarray(_FINE)])
    return np.unique(np.quantile(score, np.unique(levels)))


def hats(score: Float64, at: Float64) -> Float64:
    """Give the basis ``[n, knots]`` of lines that bend at ``at`` only; each row's entries sum to one."""
    basis = np.zeros((len(score), len(at)))
    if len(at) == 1:
        basis[:] = 1.0
        return basis
    left = np.clip(np.searchsorted(at, score, side="right") - 1, 0, len(at) - 2)
    share = np.clip((score - at[left]) / (at[left + 1] - at[left]), 0.0, 1.0)
    rows = np.arange(len(score))
    basis[rows, left] = 1.0 - share
    basis[rows, left + 1] += share
    return basis


def fitted(values: Float64, basis: Float64) -> Float64:
    """Give the least-squares fit ``[n]`` of ``values`` on the columns of ``basis`` ``[n, k]``."""
    gram = basis.T @ basis
    # Some knots have no rows of their own.
    ridge = 1e-9 * np.trace(gram) / max(len(gram), 1) * np.eye(len(gram))
    return np.asarray(basis @ np.linalg.solve(gram + ridge, basis.T @ values))


def excess_of(excess: Float64, inside: Bool, groups: Int64 | None = None) -> Excess:
    """Compare rows with all others.

    Student's t with the spread of the rows themselves or of all rows, whichever is larger: with few rows and losses
    that are skewed to the right the test then errs on the quiet side.

    Args:
        excess: loss above what is usual at the same prediction, float64 ``[n]``.
        inside: the rows that are meant, ``[n]``; two at least, and two others.
        groups: codes from 0 ``[n]`` of what is independent, if not the rows; rows of one group are then taken to be as
            alike inside as in all rows, or as alike as they are, whichever is more.
    """
    if groups is not None:
        return _of_groups(excess, inside, groups)
    one, other = excess[inside], excess[~inside]
    spread = max(float(one.var(ddof=1)), float(excess.var(ddof=1)))
    error = float(np.sqrt(spread / len(one) + other.var(ddof=1) / len(other)))
    return _tested(float(one.mean() - other.mean()), error, len(one) - 1)


def _of_groups(excess: Float64, inside: Bool, groups: Int64) -> Excess:
    one, other, within = excess[inside], excess[~inside], groups[inside]
    value, units = float(one.mean() - other.mean()), units_of(within)
    influence = np.where(inside, (excess - one.mean()) / len(one), (other.mean() - excess) / len(other))
    sums = np.bincount(groups, influence)
    count = len(np.unique(groups))
    together = float((sums**2).sum()) * count / max(count - 1, 1)
    # Few groups know little about how they differ from one another; all groups know more.
    alike = 1.0 + (len(one) / units - 1.0) * within_correlation(excess, groups)
    usual = float(excess.var(ddof=1)) * alike / len(one)
    return _tested(value, float(np.sqrt(max(together, usual))), max(units - 1.0, 1.0))


def _tested(value: float, error: float, freedom: float) -> Excess:
    if error == 0.0:
        return Excess(value, value, value, 1.0)
    half = float(t_above(0.025, freedom)) * error
    return Excess(value, value - half, value + half, t_tail(value / error, freedom))


def chance(count: int, trials: int, rate: float) -> float:
    """Give the probability of ``count`` or more successes in ``trials`` independent ones of that ``rate``."""
    return binomial_tail(count, trials, rate)
