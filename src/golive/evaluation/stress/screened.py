"""Screened: of many columns, those that move the answers most when their values change places among rows."""

from collections.abc import Sequence

import numpy as np

from golive.evaluation.stress.asked import ask_whole, repeated
from golive.evaluation.stress.bench import Bench
from golive.evaluation.subject import taken
from golive.ports import Column, Float64, Int64

_GROUPS = 256
_CELLS = 16_000_000
_ROWS = (24, 150)


def screened(bench: Bench, names: Sequence[str], most: int) -> tuple[str, ...]:
    """Give at most so many of the named columns, in the given order.

    Columns are shuffled one at a time, or, where there are very many, in groups that are split up again where the
    answers moved most; two columns that undo each other can be missed then.
    """
    if len(names) <= most:
        return tuple(names)
    groups = _split([tuple(names)], _GROUPS)
    while True:
        moved = _moved(bench, groups)
        kept = [groups[place] for place in np.argsort(-moved, kind="stable")[:most]]
        if max(map(len, kept)) == 1:
            chosen = {name for group in kept for name in group}
            return tuple(name for name in names if name in chosen)
        groups = _split(kept, _GROUPS)


def _split(groups: Sequence[tuple[str, ...]], most: int) -> list[tuple[str, ...]]:
    pieces = max(most // len(groups), 2)
    return [
        group[start : start + size]
        for group in groups
        for size in [-(-len(group) // pieces)]
        for start in range(0, len(group), size)
    ]


def _moved(bench: Bench, groups: Sequence[tuple[str, ...]]) -> Float64:
    """Give the mean change of the answers when each group of columns is shuffled."""
    width = len(bench.table)
    count = int(np.clip(_CELLS // (width * len(groups)), *_ROWS))
    rows = np.arange(min(bench.rows, count), dtype=np.int64)
    few = taken(bench.table, rows)
    order = np.random.default_rng([bench.subject.seed, 6]).permutation(len(rows)).astype(np.int64)
    clean = bench.subject.predicted[bench.places[rows]]
    at_once = max(_CELLS // (width * len(rows)), 1)
    parts = [_shuffled(bench, few, groups[start : start + at_once], order) for start in range(0, len(groups), at_once)]
    answers = np.concatenate(parts).reshape(len(groups), *clean.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        changes = np.abs(answers - clean).mean(axis=(1, 2))
    return np.where(np.isfinite(changes), changes, np.inf)


def _shuffled(bench: Bench, few: dict[str, Column], groups: Sequence[tuple[str, ...]], order: Int64) -> Float64:
    table = repeated(few, len(groups))
    count = len(order)
    for place, group in enumerate(groups):
        for name in group:
            table[name][place * count : (place + 1) * count] = few[name][order]
    answers = ask_whole(bench.subject, table)
    if answers is None:
        return np.full((len(groups) * count, bench.subject.predicted.shape[1]), np.inf)
    return answers
