"""Schedule: a rate in, the moments at which requests are meant to start out. Pure; equal seeds give equal moments."""

from array import array
from random import Random
from typing import Literal

import msgspec

Arrivals = Literal["poisson", "constant"]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """An open loop: requests start when they are due, whether or not earlier ones were answered."""

    per_s: float
    """Requests a second, over all generator processes."""
    arrivals: Arrivals = "poisson"
    seed: int = 0


def moments_ns(rate: Rate, seconds: float, *, part: int = 0, parts: int = 1) -> "array[int]":
    """Give the starts that fall to one of several generator processes, in order.

    Constant: the k-th of all starts stands at ``k / rate``, and the processes take turns. Poisson: the gaps are
    exponential; independent parts of a rate add up to a Poisson process of the whole rate.

    Args:
        rate: how many, and how they are spread.
        seconds: the length of the schedule.
        part: which process, from 0.
        parts: how many processes there are.

    Returns:
        int64 nanoseconds from the beginning.
    """
    end_ns = seconds * 1e9
    if rate.arrivals == "constant":
        step_ns = 1e9 / rate.per_s
        whole = int(end_ns / step_ns) + 1
        return array("q", (at for at in (int(step * step_ns) for step in range(part, whole, parts)) if at < end_ns))
    chance = Random(rate.seed * parts + part)  # noqa: S311 - a schedule, no secret
    gap, mean = chance.expovariate, rate.per_s / parts / 1e9
    found, at = array("q"), gap(mean)
    while at < end_ns:
        found.append(int(at))
        at += gap(mean)
    return found
