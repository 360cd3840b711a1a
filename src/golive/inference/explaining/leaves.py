"""Leaves: decision trees as one condition a leaf and column, for rows in bulk.

A leaf is reached when the conditions on its path hold. Those on one column of the caller's stand together as one slot
of the leaf; what a row does not satisfy is a bit mask over the slots.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.inference.explaining.container import Held, refuse
from golive.ports import Float64, Int64

MOST_SLOTS = 63
"""Columns on one path; their bits must fit into a mask."""
_MOST_DEPTH = 4_096
_MOST_NODES = 200_000
"""Inner nodes, and leaves, of all trees: twice as many as are ever written."""
_MOST_CELLS = 4_000_000
"""Steps of all paths together, and slots of all leaves: some hundred bytes each while they are sorted."""
_AT_MOST, _BELOW, _AT_LEAST, _ABOVE, _EQUAL, _UNEQUAL, _MEMBER = range(7)

Array = npt.NDArray[Any]
Masks = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


class Nodes(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Inner nodes of all trees, in the numbering of ai.onnx.ml's TreeEnsemble: leaves stand behind the inner nodes."""

    roots: Array
    modes: Array
    features: Array
    splits: Array
    met: Array
    unmet: Array
    missing: Array
    sets: tuple[Float64, ...]
    """The values of each node that tests for membership, in the order of the nodes."""

    def holds(self, rows: Float64) -> Bools:
        """Say which nodes' conditions hold, ``[rows, nodes]``; missing values (NaN) go where the node sends them.

        Semantics: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
        """
        found = np.empty((len(rows), len(self.modes)), np.bool_)
        for mode, compare in _COMPARED:
            nodes = np.flatnonzero(self.modes == mode)
            if len(nodes):
                found[:, nodes] = compare(rows[:, self.features[nodes]], self.splits[nodes])
        for node, values in zip(np.flatnonzero(self.modes == _MEMBER).tolist(), self.sets, strict=True):
            found[:, node] = np.isin(rows[:, self.features[node]], values)
        has_lost: Bools = np.asarray(np.isnan(rows).any(axis=0))
        lost = np.flatnonzero(has_lost[self.features])
        found[:, lost] |= np.isnan(rows[:, self.features[lost]]) & (self.missing[lost] > 0)
        return found


class Leaves(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The leaves that have conditions, by the entries of their paths."""

    node: Int64
    """``[entries]``: the node whose condition is meant."""
    wanted: Bools
    """``[entries]``: whether it must hold."""
    bit: Masks
    """``[entries]``: the bit of its column's slot in its leaf."""
    starts: Int64
    """``[leaves]``: the first entry of each; entries of a leaf stand together."""
    slots: Int64
    """``[leaves, most slots]``: the column of each slot; ``columns`` where there is none."""
    place: Int64
    """``[leaves]``: which leaf of the trees each one is."""
    free: Int64
    """Leaves without conditions: always reached."""

    def chosen(self, stays: Bools) -> "Leaves":
        """Give the leaves that stay, ``[leaves]``; without those that have no conditions."""
        lengths = np.diff(np.append(self.starts, len(self.node)))
        entries = stays.repeat(lengths)
        ends = np.cumsum(lengths[stays])
        return Leaves(
            node=self.node[entries],
            wanted=self.wanted[entries],
            bit=self.bit[entries],
            starts=ends - lengths[stays],
            slots=self.slots[stays],
            place=self.place[stays],
            free=self.free[:0],
        )

    def pieces(self, entries: int) -> Iterator[slice]:
        """Cut the leaves into pieces of about so many entries, or slots where there are more of them."""
        leaves = len(self.starts)
        each = max(len(self.node), self.slots.size) / max(1, leaves)
        together = max(1, int(entries / max(1.0, each)))
        for start in range(0, leaves, together):
            yield slice(start, min(start + together, leaves))

    def part(self, leaves: slice) -> "Leaves":
        """Give some of the leaves."""
        if leaves == slice(0, len(self.starts)):
            return self
        ends = np.append(self.starts, len(self.node))
        start, stop = int(ends[leaves.start]), int(ends[min(leaves.stop, len(self.starts))])
        return Leaves(
            node=self.node[start:stop],
            wanted=self.wanted[start:stop],
            bit=self.bit[start:stop],
            starts=self.starts[leaves] - start,
            slots=self.slots[leaves],
            place=self.place[leaves],
            free=self.free,
        )

    def missed(self, holds: Bools) -> Masks:
        """Give the slots that rows do not satisfy, ``[rows, leaves]``."""
        agrees: Bools = np.equal(holds[:, self.node], self.wanted)
        missed: Masks = np.bitwise_or.reduceat(np.where(agrees, np.uint64(0), self.bit), self.starts, axis=1)
        return missed


def nodes_of(held: Held) -> Nodes:
    """Read the trees of a file.

    Raises:
        VerificationError: they point outside themselves.
    """
    count = len(held.array("modes", "u1", None))
    ends = held.array("set_ends", "i4", None)
    values = held.array("set_values", "f8", None)
    ordered = len(ends) == 0 or bool((np.diff(ends) >= 0).all() and ends[0] >= 0 and ends[-1] == len(values))
    places = count + len(held.array("values", "f8", None, None))
    if max(count, places - count) > _MOST_NODES:
        refuse(f"its trees have {count} nodes and {places - count} leaves, more than {_MOST_NODES}")
    if not ordered or len(ends) > count:
        refuse("its trees point to sets that are not there")
    nodes = Nodes(
        roots=held.array("roots", "i4", None).astype(np.int64),
        modes=held.array("modes", "u1", count),
        features=held.array("features", "i4", count).astype(np.int64),
        splits=held.array("splits", "f8", count),
        met=held.array("met", "i4", count).astype(np.int64),
        unmet=held.array("unmet", "i4", count).astype(np.int64),
        missing=held.array("missing", "u1", count),
        sets=tuple(np.split(values, ends[:-1])) if len(ends) else (),
    )
    features = len(held.array("owners", "i4", None))
    inside = all(_within(array, places) for array in (nodes.roots, nodes.met, nodes.unmet))
    members = int((nodes.modes == _MEMBER).sum())
    if not (inside and _within(nodes.features, features) and len(ends) == members):
        refuse("its trees point to nodes, columns or sets that are not there")
    if count and nodes.modes.max() > _MEMBER:
        refuse("its trees compare in a way that is not known")
    return nodes


def leaves_of(nodes: Nodes, owners: Int64, columns: int) -> Leaves:
    """Follow every path from its leaf to its root.

    Args:
        nodes: The trees.
        owners: ``[features]``: the column of the caller's that each is made of; -1: it is always the same.
        columns: How many columns there are.

    Raises:
        VerificationError: two branches lead to one node, a branch leads to a root, a path has too many columns, or all
            paths together are too long.
    """
    count = len(nodes.modes)
    parent, wanted = _parents(nodes)
    ends = np.flatnonzero(parent[count:] != _NOBODY) + count
    leaf, node, want, is_whole = _climbed(ends, parent, wanted, nodes)
    owner = owners[nodes.features[node]]
    owner = np.where(owner < 0, columns, owner)
    order = np.lexsort((owner, leaf))
    leaf, node, want, owner = leaf[order], node[order], want[order], owner[order]
    is_first = np.ones(len(leaf), np.bool_)
    is_first[1:] = leaf[1:] != leaf[:-1]
    starts = np.flatnonzero(is_first)
    is_slot = is_first.copy()
    is_slot[1:] |= owner[1:] != owner[:-1]
    number = np.cumsum(is_slot) - 1
    dense = np.cumsum(is_first) - 1
    slot = number - number[starts][dense]
    most = int(slot.max(initial=0)) + 1
    if most > MOST_SLOTS:
        refuse(f"a path of its trees reads {most} columns, more than {MOST_SLOTS}")
    if len(starts) * most > _MOST_CELLS:
        refuse(f"{len(starts)} leaves of its trees with up to {most} columns each are too many")
    slots = np.full((len(starts), most), columns, np.int64)
    slots[dense[is_slot], slot[is_slot]] = owner[is_slot]
    reached = np.unique(leaf)
    roots = nodes.roots[nodes.roots >= count]
    return Leaves(
        node=node,
        wanted=want,
        bit=np.uint64(1) << slot.astype(np.uint64),
        starts=starts,
        slots=slots,
        place=ends[reached] - count,
        free=np.concatenate((roots, ends[is_whole & ~np.isin(np.arange(len(ends)), reached)])) - count,
    )


_NOBODY, _ROOT = -2, -1


def _parents(nodes: Nodes) -> tuple[Int64, Bools]:
    """Give every place's parent, and whether it is the child of the met condition."""
    count = len(nodes.modes)
    size = 1 + int(max(nodes.roots.max(initial=-1), nodes.met.max(initial=-1), nodes.unmet.max(initial=-1), count - 1))
    is_fork = nodes.met != nodes.unmet
    children = np.concatenate((nodes.met, nodes.unmet[is_fork]))
    inner_roots = nodes.roots[nodes.roots < count]
    if np.bincount(np.concatenate((children, inner_roots)), minlength=size).max(initial=0) > 1:
        refuse("two branches of its trees lead to one node")
    parent = np.full(size, _NOBODY, np.int64)
    parent[nodes.met] = np.arange(count)
    parent[nodes.unmet] = np.arange(count)
    parent[inner_roots] = _ROOT
    wanted = np.zeros(size, np.bool_)
    wanted[nodes.met] = True
    return parent, wanted


def _climbed(ends: Int64, parent: Int64, wanted: Bools, nodes: Nodes) -> tuple[Int64, Int64, Bools, Bools]:
    """Give an entry for each step up that has a condition: leaf (by its place in ``ends``), node, and what it wants.

    Last, which of the ends come from a root at all; the others have no entries.
    """
    forks = nodes.met != nodes.unmet
    leaves, above_all, wants = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
    leaf, here, top = np.arange(len(ends)), ends, np.full(len(ends), _NOBODY)
    steps = 0
    for _ in range(_MOST_DEPTH):
        above = parent[here]
        top[leaf] = above
        going = above >= 0
        leaf, above, want = leaf[going], above[going], wanted[here[going]]
        if not len(leaf):
            break
        steps += len(leaf)
        if steps > _MOST_CELLS:
            refuse(f"the paths of its trees have more than {_MOST_CELLS} steps together")
        has_condition = forks[above]
        leaves.append(leaf[has_condition])
        above_all.append(above[has_condition])
        wants.append(want[has_condition])
        here = above
    else:
        refuse("a branch of its trees leads back to itself")
    is_whole = top == _ROOT
    leaf, node, want = np.concatenate(leaves), np.concatenate(above_all), np.concatenate(wants)
    stays = is_whole[leaf]
    return leaf[stays], node[stays], want[stays], is_whole


def _within(places: Array, stop: int) -> bool:
    return not len(places) or bool(places.min() >= 0 and places.max() < stop)


_COMPARED = (
    (_AT_MOST, np.less_equal),
    (_BELOW, np.less),
    (_AT_LEAST, np.greater_equal),
    (_ABOVE, np.greater),
    (_EQUAL, np.equal),
    (_UNEQUAL, np.not_equal),
)
