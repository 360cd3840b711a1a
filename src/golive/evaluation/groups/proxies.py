"""Proxies: inputs that tell which group a row belongs to, whether or not the model reads the group itself."""

from typing import Any

import numpy as np

from golive.evaluation.groups.membership import Grouping
from golive.evaluation.subject import Subject
from golive.ports import Column, Float64, Int64

_SHOWN = 8
_CELLS = 4_000_000
_FEWEST = 1000
_NUMBER_BINS = 10
_TEXT_BINS = 20
_TWO = 2


def proxies(subject: Subject, grouping: Grouping) -> list[dict[str, Any]]:
    """Give the inputs that tell most about the groups, the strongest first.

    ``strength`` is Cramér's V, corrected for its bias (Bergsma 2013): 0 where a column says nothing, 1 where it says
    all; ``explained`` is the share of the groups' entropy that the column takes away (mutual information, corrected
    after Miller and Madow). Of many columns, fewer rows are looked at.
    """
    names = [name for name in subject.test.columns if name not in grouping.columns]
    rows = _some_rows(subject.rows, len(names), subject.seed)
    codes = grouping.codes[rows]
    known = np.asarray(grouping.people, dtype=bool)[codes]
    found = []
    for name in names:
        counts = _table(_binned(subject.test.columns[name][rows][known]), codes[known])
        if min(counts.shape) >= _TWO:
            found.append({"column": name, "strength": _cramer(counts), "explained": _explained(counts)})
    found.sort(key=lambda one: (-float(str(one["strength"])), str(one["column"])))
    return found[:_SHOWN]


def _some_rows(rows: int, columns: int, seed: int) -> Int64:
    most = max(_CELLS // max(columns, 1), _FEWEST)
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _binned(column: Column) -> Int64:
    if column.dtype.kind != "f":
        texts = np.array(["" if value is None else f"={value}" for value in column.tolist()])
        _, places, counts = np.unique(texts, return_inverse=True, return_counts=True)
        ranks = np.empty(len(counts), dtype=np.int64)
        ranks[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        return np.asarray(np.minimum(ranks, _TEXT_BINS)[places], dtype=np.int64)
    known = np.isfinite(column)
    if not known.any():
        return np.zeros(len(column), dtype=np.int64)
    levels = np.linspace(0.0, 1.0, _NUMBER_BINS + 1)[1:-1]
    edges = np.unique(np.quantile(column[known], levels, method="inverted_cdf"))
    return np.asarray(np.where(known, np.searchsorted(edges, column, side="left"), len(edges) + 1), dtype=np.int64)


def _table(bins: Int64, codes: Int64) -> Float64:
    if not len(bins):
        return np.zeros((0, 0))
    _, rows = np.unique(bins, return_inverse=True)
    _, columns = np.unique(codes, return_inverse=True)
    counts = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(counts, (rows, columns), 1.0)
    return counts


def _cramer(counts: Float64) -> float:
    total, (height, width) = counts.sum(), counts.shape
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    mean_square = float(((counts - expected) ** 2 / expected).sum() / total)
    freedom = (height - 1) * (width - 1) / (total - 1)
    sides = (side - (side - 1) ** 2 / (total - 1) for side in (height, width))
    smallest = min(sides) - 1
    return float(np.sqrt(min(max(mean_square - freedom, 0.0) / smallest, 1.0))) if smallest > 0 else 0.0


def _explained(counts: Float64) -> float:
    total = counts.sum()
    shared = _entropy(counts.sum(axis=1)) + _entropy(counts.sum(axis=0)) - _entropy(counts.ravel())
    cells, rows, columns = (int((side > 0).sum()) for side in (counts, counts.sum(axis=1), counts.sum(axis=0)))
    excess = (cells - rows - columns + 1) / (2 * total)
    return float(min(max(shared - excess, 0.0) / _entropy(counts.sum(axis=0)), 1.0))


def _entropy(counts: Float64) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
