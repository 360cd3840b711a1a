"""Tails: quantiles and tail probabilities of the usual distributions, and midranks.

``scipy.stats`` has them all, and takes most of a second to import; ``scipy.special`` has the functions beneath.
"""

import numpy as np
from scipy import special

from golive.ports import Float64


def t_above(tail: float | Float64, freedom: float | Float64) -> Float64:
    """Give the value that Student's t exceeds with probability ``tail``."""
    # The lower tail is the one that does not lose digits.
    return np.asarray(-special.stdtrit(freedom, tail), dtype=np.float64)


def t_tail(value: float, freedom: float) -> float:
    """Give the probability that Student's t exceeds a value."""
    return float(special.stdtr(freedom, -value))


def normal_above(tail: float) -> float:
    """Give the value that a normal deviate exceeds with probability ``tail``."""
    return float(-special.ndtri(tail))


def normal_tail(value: float) -> float:
    """Give the probability that a normal deviate exceeds a value."""
    return float(special.ndtr(-value))


def chi2_tail(value: float, freedom: float) -> float:
    """Give the probability that chi-squared exceeds a value."""
    return float(special.chdtrc(freedom, value))


def binomial_tail(count: int, trials: int, rate: float) -> float:
    """Give the probability of ``count`` or more successes."""
    return 1.0 if count <= 0 else 0.0 if count > trials else float(special.betainc(count, trials - count + 1, rate))


def binomial_below(share: float, trials: int, rate: float) -> int:
    """Give the least count that successes do not exceed with probability ``share`` or more."""
    found = float(np.ceil(special.bdtrik(share, trials, rate)))
    # The inverse is good to some digits, so the count before it is tried too.
    before = max(found - 1.0, 0.0)
    return int(before if special.bdtr(before, trials, rate) >= share else found)


def poisson_shares(most: int, mean: float) -> Float64:
    """Give the probabilities ``[most]`` that a Poisson count is at most 0, 1, and so on."""
    return np.asarray(special.pdtr(np.arange(most), mean), dtype=np.float64)


def midranks(values: Float64) -> Float64:
    """Rank values ``[n]`` from 1; equal ones share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places], dtype=np.float64)
