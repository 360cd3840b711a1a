"""Pull back: where a rising curve reaches a value, told in terms of what goes into the curve.

A curve such as a power of a number is written with logarithms, and rounds in its last bits otherwise than the
original. Bin edges are quantiles of what came out of the curve in training, so rows of training lie on them to the
bit, and there a last bit decides. Compared before the curve, with the value at which the original itself reaches the
edge, it does not.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from golive.adapters.frameworks.graph import Rise
from golive.ports import Float64, Int64

_STEPS = 64
"""There are fewer than 2**64 doubles, and each step halves those that are left."""
_SIGN = np.int64(np.iinfo(np.int64).max)


def pulled_back(rise: Rise, edges: Sequence[Float64]) -> list[Float64]:
    """Find, for each column's edges, the least double at which the original's curve reaches them.

    Args:
        rise: The curve.
        edges: Float64 ``[edges]`` for each column, ascending.

    Returns:
        As many for each column; infinity where no double is enough.
    """
    count = max(map(len, edges), default=0)
    wanted = np.full((count, len(edges)), np.inf)
    for column, values in enumerate(edges):
        wanted[: len(values), column] = values
    low = np.full(wanted.shape, _ordered(np.float64(rise.lowest)))
    high = np.full(wanted.shape, _ordered(np.float64(np.finfo(np.float64).max)))
    least = _reaches(rise, low, wanted)
    reached = _reaches(rise, high, wanted)
    for _ in range(_STEPS):
        # Without overflow: the two are far apart.
        middle = low // 2 + high // 2 + (low % 2 + high % 2) // 2
        is_enough = _reaches(rise, middle, wanted)
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    found = np.where(least, -np.inf, np.where(reached, _double(high), np.inf))
    return [found[: len(values), column] for column, values in enumerate(edges)]


def _reaches(rise: Rise, places: Int64, wanted: Float64) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # the ends overflow on purpose
        warnings.simplefilter("ignore")
        return rise.curve(_double(places)) >= wanted


def _ordered(value: np.float64) -> Int64:
    """Number the doubles so that their order is that of the numbers."""
    bits = np.asarray(value).view(np.int64)
    return np.where(bits < 0, bits ^ _SIGN, bits)


def _double(places: Int64) -> Float64:
    """Give the doubles of their numbers."""
    return np.where(places < 0, places ^ _SIGN, places).view(np.float64)
