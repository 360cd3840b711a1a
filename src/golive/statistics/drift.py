"""Drift: reference counts and window counts in, effect sizes and p-values out. Pure, from counts alone.

Counts are laid out as ``bins`` makes them. n is the number of rows of the window, m of the reference.

==============================  =====================================================================
PSI                             Lewis (1994); shares smoothed by Jeffreys' half count
its null mean, (K-1)(1/n+1/m)   Yurdakul and Naranjo (2020); PSI* is PSI less this mean
G                               Wilks (1938); Pearson's X2 (1900) where a group has few rows
location z                      score test of the difference of two means, bin midpoints as values
robust W1                       Vallender (1974), on the range of the edges, in robust standard deviations
rise of a rare share            Przyborowski and Wilenski (1940), conditional, one-sided
many columns                    Benjamini and Hochberg (1995)
==============================  =====================================================================
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import special

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

GROUPS = 10
_LEAST_EXPECTED = 5.0
_LEAST_FOR_G = 20.0
_IQR_OF_NORMAL = 1.349


class Rise(msgspec.Struct, frozen=True, kw_only=True):
    """The share of a rare event now, beside its share in the reference."""

    share: float
    reference: float
    p: float
    """One-sided: how likely at least so many events are if the share did not rise; 1 without events."""

    @property
    def points(self) -> float:
        """The rise, as a difference of shares (0.01 is one percentage point)."""
        return self.share - self.reference


class ColumnDrift(msgspec.Struct, frozen=True, kw_only=True):
    """How far one column of a window is from its reference."""

    rows: int
    """Rows of the window, missing values included."""
    psi: float
    """PSI less what sampling alone gives (PSI*); may be a little below 0."""
    w1: float
    """Robust W1 in standard deviations of the reference; 0 for a category column."""
    p: float
    """Of the change of shape or location."""
    missing: Rise
    outside: Rise | None = None
    """Out of the range of the reference; number columns."""
    unseen: Rise | None = None
    """Values that training did not know; category columns."""


def number_drift(edges: Sequence[float], reference: Sequence[int], window: Sequence[int] | Int64) -> ColumnDrift:
    """Compare a number column: counts ``[under, inner..., over, missing]`` over the same edges."""
    ref, now = _floats(reference), _floats(window)
    r, c = ref[:-1], now[:-1]
    outside = rise(float(c[0] + c[-1]), float(c.sum()), float(r[0] + r[-1]), float(r.sum()), range_is_fitted=True)
    missing = rise(float(now[-1]), float(now.sum()), float(ref[-1]), float(ref.sum()))
    psi = w1 = 0.0
    p = 1.0
    if r.sum() > 0 and c.sum() > 0 and len(edges) > 1:
        bounds = np.asarray(edges, dtype=np.float64)
        bounds = bounds / np.abs(bounds).max()  # no statistic depends on the unit, and squares must not overflow
        gr, gc = merged(grouped(r), grouped(c))
        psi = psi_above_null(gr, gc)
        p = min(1.0, 2.0 * min(shape_p(gr, gc), location_p(bounds, r, c)))
        w1 = robust_w1(bounds, r, c)
    return ColumnDrift(rows=int(now.sum()), psi=psi, w1=w1, p=p, missing=missing, outside=outside)


def category_drift(reference: Sequence[int], window: Sequence[int] | Int64) -> ColumnDrift:
    """Compare a category column: counts ``[values..., other, unseen, missing]`` over the same values."""
    ref, now = _floats(reference), _floats(window)
    r, c = ref[:-1], now[:-1]
    unseen = rise(float(c[-1]), float(c.sum()), float(r[-1]), float(r.sum()))
    missing = rise(float(now[-1]), float(now.sum()), float(ref[-1]), float(ref.sum()))
    psi, p = 0.0, 1.0
    if r.sum() > 0 and c.sum() > 0:
        gr, gc = merged(r, c)
        psi, p = psi_above_null(gr, gc), shape_p(gr, gc)
    return ColumnDrift(rows=int(now.sum()), psi=psi, w1=0.0, p=p, missing=missing, unseen=unseen)


def grouped(counts: Float64, groups: int = GROUPS) -> Float64:
    """Sum ``[under, inner..., over]`` to at most ``groups`` groups; the ends join the first and the last."""
    inner = len(counts) - 2
    places = np.arange(inner) * min(groups, inner) // inner
    return _summed(np.concatenate([[0], places, [places[-1]]]), counts)


def merged(reference: Float64, window: Float64) -> tuple[Float64, Float64]:
    """Join neighbouring groups until each expects at least five rows of the smaller sample."""
    n, m = window.sum(), reference.sum()
    expected = (reference + window) * min(n, m) / (n + m)
    places = np.zeros(len(expected), dtype=np.int64)
    place, held = 0, 0.0
    for index, value in enumerate(expected):
        if held >= _LEAST_EXPECTED:
            place, held = place + 1, 0.0
        places[index] = place
        held += value
    if held < _LEAST_EXPECTED and place > 0:
        places[places == place] = place - 1
    return _summed(places, reference), _summed(places, window)


def psi_above_null(reference: Float64, window: Float64) -> float:
    """PSI* = sum (p-q) ln(p/q) - (K-1)(1/n+1/m), shares p = (c+0.5)/(n+0.5K)."""
    k, n, m = len(window), window.sum(), reference.sum()
    p, q = (window + 0.5) / (n + 0.5 * k), (reference + 0.5) / (m + 0.5 * k)
    return float(((p - q) * np.log(p / q)).sum() - (k - 1) * (1.0 / n + 1.0 / m))


def shape_p(reference: Float64, window: Float64) -> float:
    """Test that two rows of counts share one distribution: G, or X2 where a group expects fewer than 20 rows."""
    if len(window) < 2:  # noqa: PLR2004 - one group has no shape
        return 1.0
    n, m = window.sum(), reference.sum()
    total = reference + window
    expected = np.stack([total * n / (n + m), total * m / (n + m)])
    observed = np.stack([window, reference])
    if expected.min() < _LEAST_FOR_G:
        statistic = ((observed - expected) ** 2 / expected).sum()
    else:
        statistic = 2.0 * special.xlogy(observed, observed / expected).sum()
    return float(special.chdtrc(len(window) - 1, max(float(statistic), 0.0)))


def location_p(edges: Float64, reference: Float64, window: Float64) -> float:
    """Test that two means are equal: z = (mean_c - mean_r)/sqrt(var (1/n+1/m)), two-sided, on bin midpoints."""
    values = np.concatenate([edges[:1], edges[:-1] + 0.5 * np.diff(edges), edges[-1:]])
    values = values - values[len(values) // 2]  # a far offset would cost the variance its digits
    n, m = window.sum(), reference.sum()
    total = reference + window
    mean = (total * values).sum() / (n + m)
    variance = (total * (values - mean) ** 2).sum() / (n + m)
    if not variance > 0.0:
        return 1.0
    difference = (window * values).sum() / n - (reference * values).sum() / m
    z = difference / math.sqrt(variance * (1.0 / n + 1.0 / m))
    return float(2.0 * special.ndtr(-abs(z)))


def robust_w1(edges: Float64, reference: Float64, window: Float64) -> float:
    """Area between the two distribution functions on the range of the edges, in robust standard deviations.

    The unit is IQR/1.349 of the reference (to the nearest edge), or the standard deviation of the midpoints where
    more than half of the rows have one value; 0 for a constant reference. A value far outside counts once, however
    far it is.
    """
    at_reference = np.cumsum(reference)[:-1] / reference.sum()
    at_window = np.cumsum(window)[:-1] / window.sum()
    unit = _spread(edges, reference, at_reference)
    if unit <= 0.0:
        return 0.0
    distance = np.abs(at_window - at_reference)
    return float((0.5 * (distance[1:] + distance[:-1]) * np.diff(edges)).sum() / unit)


def rise(
    events: float, rows: float, reference_events: float, reference_rows: float, *, range_is_fitted: bool = False
) -> Rise:
    """Test whether a rare share rose: c given c + r is Binomial(c + r, n/(n + m)) if it did not.

    Where the event is "outside a range" and the two ends of the range are themselves values of the reference, the ends
    count as one event more (the exceedance distribution of order statistics: Gumbel and von Schelling 1950); without
    it a reference of 120 rows would ring without cause.
    """
    p = 1.0
    if events > 0 and rows > 0 and reference_rows > 0:
        failures = reference_events + (2.0 if range_is_fitted else 1.0)
        p = float(special.betainc(events, failures, rows / (rows + reference_rows)))
    return Rise(
        share=events / rows if rows else 0.0,
        reference=reference_events / reference_rows if reference_rows else 0.0,
        p=p,
    )


def discoveries(p: Sequence[float], level: float) -> tuple[bool, ...]:
    """Say which hypotheses of one family are rejected at a false discovery rate of ``level``."""
    ordered = np.sort(np.asarray(p, dtype=np.float64))
    passing = np.flatnonzero(ordered <= level * np.arange(1, len(ordered) + 1) / max(len(ordered), 1))
    if passing.size == 0:
        return (False,) * len(p)
    cut = float(ordered[passing[-1]])
    return tuple(value <= cut for value in p)


def _spread(edges: Float64, reference: Float64, cumulated: Float64) -> float:
    def quantile(level: float) -> float:
        return float(edges[min(int(np.searchsorted(cumulated, level)), len(edges) - 1)])

    robust = (quantile(0.75) - quantile(0.25)) / _IQR_OF_NORMAL
    if robust > np.finfo(np.float64).eps * max(abs(float(edges[0])), abs(float(edges[-1]))) * 4.0:
        return robust
    values = np.concatenate([edges[:1], edges[:-1] + 0.5 * np.diff(edges), edges[-1:]])
    mean = (reference * values).sum() / reference.sum()
    deviation = math.sqrt(float((reference * (values - mean) ** 2).sum() / reference.sum()))
    return deviation if deviation > float(np.finfo(np.float64).eps) * abs(mean) * 4.0 else 0.0


def _summed(places: Int64, counts: Float64) -> Float64:
    return np.bincount(places, weights=counts).astype(np.float64)


def _floats(counts: Sequence[int] | Int64) -> Float64:
    return np.asarray(counts, dtype=np.float64)
