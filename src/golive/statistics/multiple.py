"""Multiple: p-values of many tests in, p-values that hold for all of them together out."""

import numpy as np

from golive.ports import Float64


def holm(p: Float64) -> Float64:
    """Adjust p-values ``[tests]`` so that the chance of any false rejection is held (Holm 1979).

    A test is rejected at level alpha when its adjusted value is at most alpha; no independence is needed.
    """
    if len(p) == 0:
        return p
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
