"""Bins: a column in, counts over fixed bins out. Counts of windows, workers and hosts merge by addition."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]

_TAIL = 0.001


def number_bins(values: Float64, inner: int = 30) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Choose bins for a number column and count it.

    Edges stand at ``inner + 1`` equally spaced quantiles from 0.1 % to 99.9 %. A value that fills more than one
    quantile step (a spike, such as the zeros of an amount) gets a bin of its own.

    Args:
        values: float64 ``[rows]``; NaN is missing, infinities count as under or over.
        inner: the greatest number of bins between the outer edges.

    Returns:
        The edges in ascending order (empty when all is missing) and the counts
        ``[under, inner..., over, missing]``, ``len(edges) + 2`` of them.
    """
    present = values[np.isfinite(values)]
    if present.size == 0:
        return (), tuple(count_numbers((), values).tolist())
    levels = np.linspace(_TAIL, 1.0 - _TAIL, inner + 1)
    quantiles = np.quantile(present, levels, method="inverted_cdf").tolist()
    spikes = {left for left, right in pairwise(quantiles) if left == right}
    edges = set(quantiles) | {math.nextafter(spike, math.inf) for spike in spikes} - {math.inf}
    if len(edges) == 1:
        # A constant, and the greatest number has none above it.
        above = math.nextafter(quantiles[0], math.inf)
        edges.add(above if math.isfinite(above) else math.nextafter(quantiles[0], 0.0))
    ordered = tuple(sorted(edges))
    return ordered, tuple(count_numbers(ordered, values).tolist())


def count_numbers(edges: Sequence[float], values: Float64) -> Int64:
    """Count a number column over given edges.

    A bin holds its lower edge and not its upper one; the last inner bin holds both.

    Returns:
        int64 ``[len(edges) + 2]``: ``[under, inner..., over, missing]``; without edges ``[any value, missing]``.
    """
    missing = np.isnan(values)
    present = values[~missing]
    bounds = np.asarray(edges, dtype=np.float64)
    places = np.searchsorted(bounds, present, side="right")
    if bounds.size > 0:
        places[present == bounds[-1]] = bounds.size - 1
    counts = np.bincount(places, minlength=bounds.size + 1)
    return np.append(counts, missing.sum()).astype(np.int64)


def category_bins(values: Objects, top: int = 28) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Choose bins for a category column and count it.

    Args:
        values: object ``[rows]``; None and NaN are missing, everything else is read as text.
        top: how many values get a bin of their own, the most frequent first (ties in text order).

    Returns:
        The values that got a bin, and the counts ``[values..., other, unseen, missing]``; nothing is unseen here.
    """
    tally = _tally(values)
    missing = tally.pop(None, 0)
    ranked = sorted(((-count, text) for text, count in tally.items() if text is not None))
    kept, rest = ranked[:top], ranked[top:]
    counts = (*(-count for count, _ in kept), -sum(count for count, _ in rest), 0, missing)
    return tuple(text for _, text in kept), counts


def count_categories(values: Sequence[str], data: Objects, *, others: Collection[str] | None = ()) -> Int64:
    """Count a category column over given values.

    Args:
        values: the values that have a bin.
        data: object ``[rows]``; None and NaN are missing, everything else is read as text.
        others: the known values without a bin; None when they are not known, then nothing counts as unseen.

    Returns:
        int64 ``[len(values) + 3]``: ``[values..., other, unseen, missing]``.
    """
    places = {text: place for place, text in enumerate(values)}
    known = None if others is None else frozenset(others)
    counts = np.zeros(len(values) + 3, dtype=np.int64)
    for text, count in _tally(data).items():
        if text is None:
            place = len(values) + 2
        elif text in places:
            place = places[text]
        else:
            place = len(values) + (0 if known is None or text in known else 1)
        counts[place] += count
    return counts


def _tally(values: Objects) -> dict[str | None, int]:
    tally: dict[str | None, int] = {}
    for value, count in Counter(values.tolist()).items():
        text = category_text(value)
        tally[text] = tally.get(text, 0) + count
    return tally


def category_text(value: Any) -> str | None:
    """Give a value as category text, or None for missing; ``True`` and ``False`` are written as in JSON."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - only NaN differs from itself
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value)
