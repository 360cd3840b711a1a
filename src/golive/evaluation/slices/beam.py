"""Beam: conditions and a loss in, the descriptions of rows that lose most out. A search, not a test."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from golive.evaluation.slices.conditions import Condition, Conditions
from golive.ports import Float64, Int64
from golive.statistics.excess import Bool

_DEPTH = 3
_WIDTH = 40
_LARGEST = 0.6
"""A description of more rows than this says little; what is left is described then."""
_SHORTER = 1.0
"""What a further condition has to add to the score: short descriptions are better ones."""
_CLEAR = 2.5
_SAME = 0.8
_CARRIED = 300

Floats = npt.NDArray[np.float32]


class Found(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A description and the rows of the search that it fits."""

    conditions: Conditions
    rows: Bool
    score: float


class _Level(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Descriptions of the same number of conditions, the best first."""

    members: Int64
    """Places of the conditions, ``[some, depth]``."""
    masks: Bool
    """``[some, rows]``."""
    scores: Float64
    means: Float64


def search(conditions: Sequence[Condition], masks: Bool, loss: Float64, *, fewest: int, matters: float) -> list[Found]:
    """Find the descriptions with the clearest loss, of one condition first, then of two and three.

    Args:
        conditions: what a description is made of.
        masks: where each holds, ``[conditions, n]``.
        loss: of each row, ``[n]``, about zero in the mean.
        fewest: rows that a description has to fit.
        matters: the smallest mean loss, above the other rows', that is worth a look.

    Returns:
        The best first; no two of them fit nearly the same rows.
    """
    if len(conditions) == 0:
        return []
    columns = np.unique([one.column for one in conditions], return_inverse=True)[1].astype(np.int64)
    table, scale = masks.astype(np.float32), _scale(loss)
    pick = _picker(loss, scale, fewest)
    level = pick(np.arange(len(conditions))[:, None], *_first(table, loss), masks)
    found = _worth(level, conditions, matters)
    for _ in range(1, _DEPTH):
        if len(level.members) == 0:
            break
        level = _deeper(level, masks, table, columns, loss, pick)
        found += _worth(level, conditions, matters)
    found.sort(key=lambda one: (-one.score, len(one.conditions)))
    return distinct(found[:_CARRIED], loss, fewest=fewest, matters=matters)


def distinct(found: Sequence[Found], loss: Float64, *, fewest: int, matters: float) -> list[Found]:
    """Leave out descriptions that say nothing more than the better ones before them: what else they fit is usual."""
    kept: list[Found] = []
    explained = np.zeros(len(loss), dtype=np.bool_)
    usual, scale = float(loss.mean()), _scale(loss)
    for one in found:
        rest = one.rows & ~explained
        count = int(rest.sum())
        if count < max(fewest, (1.0 - _SAME) * int(one.rows.sum())):
            continue
        mean = float(loss[rest].mean()) - usual
        if mean >= matters and mean * np.sqrt(count) >= _CLEAR * scale:
            kept.append(one)
            explained |= one.rows
    return kept


_Pick = Callable[[Int64, Float64, Float64, Bool], _Level]


def _scale(loss: Float64) -> float:
    return max(float(loss.std()), 1e-12)


def _first(table: Floats, loss: Float64) -> tuple[Float64, Float64]:
    return table.sum(axis=1, dtype=np.float64), (table @ loss.astype(np.float32)).astype(np.float64)


def _picker(loss: Float64, scale: float, fewest: int) -> _Pick:
    rows, total = len(loss), float(loss.sum())

    def pick(members: Int64, counts: Float64, sums: Float64, masks: Bool) -> _Level:
        others = np.maximum(rows - counts, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums / counts - (total - sums) / others
            scores = means / (scale * np.sqrt(1.0 / counts + 1.0 / others))
        usable = (counts >= fewest) & (counts <= _LARGEST * rows) & (scores > 0.0)
        order = np.argsort(np.where(usable, -scores, np.inf), kind="stable")[: min(4 * _WIDTH, int(usable.sum()))]
        # The same rows described in two ways have the same sums.
        _, once = np.unique(np.round(np.stack([counts[order], sums[order]]), 4), axis=1, return_index=True)
        best = order[np.sort(once)][:_WIDTH]
        return _Level(
            members=members[best],
            masks=np.stack([_all(masks, line) for line in members[best]]) if len(best) else masks[:0],
            scores=scores[best],
            means=means[best],
        )

    return pick


def _all(masks: Bool, line: Int64) -> Bool:
    return np.asarray(masks[line].all(axis=0), dtype=np.bool_)


def _deeper(level: _Level, masks: Bool, table: Floats, columns: Int64, loss: Float64, pick: _Pick) -> _Level:
    chosen = level.masks.astype(np.float32)
    counts = (chosen @ table.T).astype(np.float64)
    sums = ((chosen * loss.astype(np.float32)) @ table.T).astype(np.float64)
    width, depth = level.members.shape
    parents = np.repeat(np.arange(width), len(masks))
    added = np.tile(np.arange(len(masks)), width)
    members = np.column_stack([level.members[parents], added])
    # One order of the same conditions is enough, and a second statement about the same column is another range.
    fresh = np.all([columns[members[:, place]] != columns[added] for place in range(depth)], axis=0)
    fresh &= ~_repeated(members, fresh)
    kept = np.flatnonzero(fresh)
    return pick(members[kept], counts.ravel()[kept], sums.ravel()[kept], masks)


def _repeated(members: Int64, fresh: Bool) -> Bool:
    ordered = np.sort(members, axis=1)
    _, first = np.unique(ordered, axis=0, return_index=True)
    repeated = np.ones(len(members), dtype=np.bool_)
    repeated[first] = False
    return repeated & fresh


def _worth(level: _Level, conditions: Sequence[Condition], matters: float) -> list[Found]:
    return [
        Found(
            conditions=tuple(conditions[place] for place in sorted(line)),
            rows=level.masks[row],
            score=float(level.scores[row]) - _SHORTER * (len(line) - 1),
        )
        for row, line in enumerate(level.members)
        if level.means[row] >= matters and level.scores[row] >= _CLEAR
    ]
