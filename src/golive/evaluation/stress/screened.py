"""Screened: of many columns, those that move the answers most when their values change places among rows."""

from collections.abc import Sequence

import numpy as np

from golive.evaluation.stress.bench import Bench
from golive.ports import Float64, Int64

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
    order = np.random.default_rng([bench.subject.seed, 6]).permutation(len(rows)).astype(np.int64)
    clean = bench.again.clean[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        changes = np.array([np.abs(_shuffled(bench, group, rows, order) - clean).mean() for group in groups])
    return np.where(np.isfinite(changes), changes, np.inf)


def _shuffled(bench: Bench, group: tuple[str, ...], rows: Int64, order: Int64) -> Float64:
    answers = bench.again.whole({name: bench.table[name][order] for name in group}, rows)
    return np.full_like(bench.again.clean[rows], np.inf) if answers is None else answers
