"""Screen: many columns in, those whose values tell most about a loss out."""

from collections.abc import Mapping, Sequence

import numpy as np

from golive.evaluation.slices.conditions import STEPS, missing
from golive.ports import Column, Float64, Int64

MOST_COLUMNS = 60
_ROWS = 2000
_LEAST = 10


def screened(columns: Mapping[str, Column], losses: Sequence[Float64]) -> tuple[str, ...]:
    """Give the names of at most 60 columns, in their order: all, or those that a loss ``[n]`` differs most by."""
    if len(columns) <= MOST_COLUMNS:
        return tuple(columns)
    few = [loss[:_ROWS] for loss in losses]
    scores = {name: _score(column[:_ROWS], few) for name, column in columns.items()}
    best = set(sorted(scores, key=lambda name: -scores[name])[:MOST_COLUMNS])
    return tuple(name for name in columns if name in best)


def _score(column: Column, losses: Sequence[Float64]) -> float:
    cells = _cells(column)
    counts = np.bincount(cells)
    score = 0.0
    for loss in losses:
        sums = np.bincount(cells, weights=loss - loss.mean())
        score = max(score, float(np.max(sums[counts >= _LEAST] / np.sqrt(counts[counts >= _LEAST]), initial=0.0)))
    return score


def _cells(column: Column) -> Int64:
    if column.dtype == object:
        return np.unique([str(value) for value in column], return_inverse=True)[1].astype(np.int64)
    absent = missing(column)
    present = column[~absent]
    if len(present) == 0:
        return absent.astype(np.int64)
    edges = np.unique(np.quantile(present, np.arange(1, STEPS) / STEPS))
    return np.where(absent, len(edges) + 1, np.searchsorted(edges, column)).astype(np.int64)
