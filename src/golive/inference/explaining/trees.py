"""Trees: exact interventional Shapley values of sums of decision trees, leaf by leaf.

For one row ``x``, one background row ``z`` and one leaf, let ``a`` of the leaf's columns be satisfied by ``x`` alone
and ``b`` by ``z`` alone, and none by neither. The leaf's value then contributes ``(a - 1)! b! / (a + b)!`` of itself to
each of the former, and takes ``a! (b - 1)! / (a + b)!`` of itself from each of the latter (Lundberg et al. 2020, "From
local explanations to global understanding with explainable AI for trees", the independent form). Background rows that
miss the same columns of a leaf are counted once, when the trees are loaded; rows that do, are worked out once.
"""

import math

import msgspec
import numpy as np

from golive.inference.explaining.container import Held, refuse
from golive.inference.explaining.leaves import MOST_SLOTS, Bools, Leaves, Masks, leaves_of, nodes_of
from golive.ports import Float64, Int64

MOST_PATTERNS = 1_000_000
"""Pairs of a leaf and a background row that are looked at for a row; with more leaves, fewer background rows are."""
FEWEST_ROWS = 10
"""Background rows below which trees are not explained in this way."""
_TOGETHER = 2_000_000
"""Cells of a working array."""


class Patterns(msgspec.Struct, frozen=True, eq=False):
    """What background rows miss, leaf by leaf."""

    missed: Masks
    """``[patterns]``."""
    share: Float64
    """``[patterns]``: which part of the background rows misses just that."""
    starts: Int64
    """``[leaves + 1]``: the first pattern of each leaf."""


class TreeGame:
    """The trees of a bundle with its background rows."""

    def __init__(self, held: Held, columns: int, background: Float64) -> None:
        nodes = nodes_of(held)
        owners = held.array("owners", "i4", None).astype(np.int64)
        if len(owners) and (owners.min() < -1 or owners.max() >= columns):
            refuse("it speaks of columns that the model does not have")
        values = held.array("values", "f8", None, None)
        offset = held.array("offset", "f8", values.shape[1])
        if background.shape[1] != len(owners):
            refuse(f"its trees read {len(owners)} numbers a row, and are given {background.shape[1]}")
        leaves = leaves_of(nodes, owners, columns)
        self.columns = columns
        self.rows = background_rows(len(leaves.starts), len(background))
        chosen = background[np.linspace(0, len(background) - 1, self.rows).round().astype(np.int64)]
        self._nodes = nodes
        self._holds = nodes.holds(chosen)
        self._all = leaves
        self._values = values
        self._start = offset + values[leaves.free].sum(axis=0)
        self._outputs: dict[int, _Output] = {}

    @property
    def effort(self) -> int:
        """How many numbers are looked at to explain a row."""
        return len(self._nodes.modes) + 10 * len(self._all.node)

    def explain(self, rows: Float64, output: int) -> tuple[float, Float64, Float64]:
        """Give the base, the answers ``[n]`` and the contributions ``[n, columns]`` of rows ``[n, features]``."""
        mine = self._outputs.get(output)
        if mine is None:
            mine = self._outputs[output] = self._made(output)
        answers, found = np.full(len(rows), mine.start), np.zeros((len(rows), self.columns + 1))
        together = max(1, 10 * _TOGETHER // max(1, len(self._nodes.modes)))
        for start in range(0, len(rows) if len(mine.values) else 0, together):
            some = slice(start, start + together)
            mine.add(self._nodes.holds(rows[some]), answers[some], found[some])
        return mine.base, answers, found[:, : self.columns]

    def answers(self, rows: Float64) -> Float64:
        """Give what the trees add up to, ``[n, outputs]``, and nothing else."""
        found = np.tile(self._start, (len(rows), 1))
        values = self._values[self._all.place]
        holds = self._nodes.holds(rows)
        for some in self._all.pieces(_TOGETHER // max(1, len(rows))):
            found += (self._all.part(some).missed(holds) == 0) @ values[some]
        return found

    def _made(self, output: int) -> "_Output":
        values = self._values[self._all.place, output]
        leaves = self._all.chosen(values != 0.0)
        values = values[values != 0.0]
        patterns = _patterns(leaves, self._holds)
        return _Output(leaves, values, patterns, float(self._start[output]))


def background_rows(leaves: int, rows: int) -> int:
    """Say how many of the background rows trees with so many leaves are explained with."""
    return max(1, min(rows, MOST_PATTERNS // max(1, leaves)))


class _Output:
    """One output of the trees."""

    def __init__(self, leaves: Leaves, values: Float64, patterns: Patterns, start: float) -> None:
        self.leaves = leaves
        self.values = values
        self.start = start
        self._patterns = patterns
        self._lengths = np.diff(patterns.starts)
        self._satisfying = np.bitwise_count(patterns.missed).astype(np.int64)
        # A pattern that misses nothing reaches the leaf.
        owner = np.arange(len(values)).repeat(self._lengths)
        self.base = start + float((values[owner] * patterns.share)[patterns.missed == 0].sum())
        self._gains, self._losses = _weights()

    def add(self, holds: Bools, answers: Float64, found: Float64) -> None:
        """Add the leaves to the answers ``[n]`` and the contributions ``[n, columns + 1]`` of some rows."""
        for some in self.leaves.pieces(_TOGETHER // len(holds)):
            part = self.leaves.part(some)
            missed = part.missed(holds)
            answers += (missed == 0) @ self.values[some]
            if len(holds) == 1:
                worth = self._worth(missed[0], np.arange(some.start, some.stop))
                found[0] += np.bincount(part.slots.ravel(), worth.ravel(), found.shape[1])
            else:
                self._add_each(missed, some.start, part.slots, found)

    def _add_each(self, missed: Masks, first: int, slots: Int64, found: Float64) -> None:
        """Work out every pair of a leaf and what is missed of it once, for all rows that miss just that."""
        order, begins = _runs(missed.T)
        leaf = np.flatnonzero(begins) // len(missed)
        ordered = np.take_along_axis(missed.T, order, axis=1)
        worth = self._worth(ordered[begins], leaf + first)
        pair = np.cumsum(begins.ravel()) - 1
        counts = (worth != 0.0).any(axis=1)[pair]
        row, pair = order.ravel()[counts], pair[counts]
        width = found.shape[1]
        flat = row[:, None] * width + slots[leaf[pair]]
        found += np.bincount(flat.ravel(), worth[pair].ravel(), len(missed) * width).reshape(found.shape)

    def _worth(self, missed: Masks, leaf: Int64) -> Float64:
        """Give what each slot of some leaves contributes to a row that misses so much of them, ``[pairs, slots]``."""
        worth = np.zeros((len(missed), self.leaves.slots.shape[1]))
        ends = np.cumsum(self._lengths[leaf])
        start = 0
        while start < len(leaf):
            stop = int(np.searchsorted(ends, (ends[start - 1] if start else 0) + _TOGETHER, side="right"))
            some = slice(start, max(stop, start + 1))
            worth[some] = self._worth_of(missed[some], leaf[some])
            start = some.stop
        return worth * self.values[leaf, None]

    def _worth_of(self, missed: Masks, leaf: Int64) -> Float64:
        slots = np.arange(self.leaves.slots.shape[1], dtype=np.uint64)
        lengths = self._lengths[leaf]
        pair = np.arange(len(leaf)).repeat(lengths)
        begins = np.cumsum(lengths) - lengths
        pattern = np.arange(len(pair)) + (self._patterns.starts[leaf] - begins).repeat(lengths)
        theirs = self._patterns.missed[pattern]
        met = np.flatnonzero((theirs & missed.repeat(lengths)) == 0)
        pair, pattern, theirs = pair[met], pattern[met], theirs[met]
        gained, lost = self._satisfying[pattern], np.bitwise_count(missed).astype(np.int64)[pair]
        share = self._patterns.share[pattern]
        losses = np.bincount(pair, self._losses[gained, lost] * share, len(leaf))
        worth = losses[:, None] * -((missed[:, None] >> slots) & np.uint64(1)).astype(np.float64)
        gaining = np.flatnonzero(gained)
        if len(gaining):
            gains = (self._gains[gained, lost] * share)[gaining]
            each = gains[:, None] * ((theirs[gaining, None] >> slots) & np.uint64(1))
            owner = pair[gaining]
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            worth[owner[starts]] += np.add.reduceat(each, starts, axis=0)
        return worth


def _patterns(leaves: Leaves, holds: Bools) -> Patterns:
    """Count what rows miss, of whose nodes ``[rows, nodes]`` is known."""
    missed, shares, counts = [np.zeros(0, np.uint64)], [np.zeros(0)], [np.zeros(1, np.int64)]
    for some in leaves.pieces(_TOGETHER // max(1, len(holds))):
        lines = leaves.part(some).missed(holds).T
        order, begins = _runs(lines)
        first = np.flatnonzero(begins)
        missed.append(np.take_along_axis(lines, order, axis=1).ravel()[first])
        shares.append(np.diff(np.append(first, lines.size)) / len(holds))
        counts.append(begins.sum(axis=1))
    return Patterns(np.concatenate(missed), np.concatenate(shares), np.cumsum(np.concatenate(counts)))


def _runs(masks: Masks) -> tuple[Int64, Bools]:
    """Sort each line; gives the order, and where in it another mask begins."""
    order = np.argsort(masks, axis=1, kind="stable")
    ordered = np.take_along_axis(masks, order, axis=1)
    begins = np.ones(masks.shape, np.bool_)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return order, begins


def _weights() -> tuple[Float64, Float64]:
    """Give ``(a - 1)! b! / (a + b)!`` and ``a! (b - 1)! / (a + b)!`` as tables ``[a, b]``; 0 where a or b is."""
    sizes = range(MOST_SLOTS + 1)
    gains = np.array([[1.0 / (a * math.comb(a + b, a)) if a else 0.0 for b in sizes] for a in sizes])
    return gains, np.ascontiguousarray(gains.T)
