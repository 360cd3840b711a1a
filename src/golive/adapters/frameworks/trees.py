"""Trees: decision trees of any origin as arrays, and the one TreeEnsemble node that holds many of them.

Every decision stays what it was: thresholds and leaves are double, a missing value goes where the tree learned to
send it, and a split on categories is a test for membership in a set.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.graphs.tree_ensemble import AT_MOST, BELOW, DOMAIN, MEMBER, OPERATOR, Bools, TreeEnsemble, written
from golive.ports import Float64, Int64

NO_MEMBER = -7.0
"""Stands for an empty set, which the format cannot say; codes are never negative by then."""


class Tree(msgspec.Struct, frozen=True):
    """One binary tree as arrays over its nodes; the root is node 0."""

    leaf: Bools
    feature: Int64
    threshold: Float64
    left: Int64
    """The child for ``x <= threshold`` (``x < threshold`` when ``strict``), or for members of the set."""
    right: Int64
    missing_left: Bools
    value: Float64
    """What a leaf adds to the sum."""
    strict: bool = False
    sets: dict[int, tuple[float, ...]] = {}
    """Node -> the values that go left, for splits on categories; missing and unknown values go right."""


def search_tree(edges: Float64, feature: int, *, right: bool) -> Tree:
    """Build the balanced tree that gives ``numpy.searchsorted(edges, x)``; NaN ends in the last place.

    ``right`` counts the edges ``<= x``, otherwise the edges ``< x`` are counted.
    """
    spans, children, splits = [(0, len(edges))], [], []
    for low, high in spans:
        middle = (low + high) // 2
        if low == high:
            children.append((-1, -1))
            splits.append(0.0)
            continue
        children.append((len(spans), len(spans) + 1))
        splits.append(float(edges[middle]))
        spans += [(low, middle), (middle + 1, high)]
    links = np.asarray(children, np.int64)
    leaf = links[:, 0] < 0
    return Tree(
        leaf=leaf,
        feature=np.full(len(spans), feature, np.int64),
        threshold=np.asarray(splits, np.float64),
        left=links[:, 0],
        right=links[:, 1],
        missing_left=np.zeros(len(spans), np.bool_),
        value=np.asarray([low for low, _ in spans], np.float64),
        strict=right,
    )


def sum_of_trees(graph: Graph, trees: Sequence[Tree], targets: Sequence[int], outputs: int, block: Block) -> Block:
    """Run trees over a block: output ``targets[i]`` receives the sum of the leaves of its trees."""
    node = _Ensemble()
    for tree, target in zip(trees, targets, strict=True):
        node.add(tree, target)
        _note(graph, block, tree)
    tensor = graph.op(OPERATOR, block.tensor, domain=DOMAIN, **written(node.whole(outputs)))
    return Block(tensor, outputs)


def search_sorted(graph: Graph, block: Block, edges: Sequence[Float64], *, right: bool) -> str:
    """Give int64 ``[rows, width]``: each column's place among its own edges, as ``numpy.searchsorted``."""
    trees = [search_tree(values, column, right=right) for column, values in enumerate(edges)]
    return graph.to_integer(sum_of_trees(graph, trees, range(block.width), block.width, block).tensor)


class _Ensemble:
    """The arrays of one TreeEnsemble, filled tree by tree; leaves are numbered below zero until all are known."""

    def __init__(self) -> None:
        self._columns: dict[str, list[npt.NDArray[Any]]] = {
            name: [] for name in ("modes", "splits", "features", "missing", "met", "unmet", "weights", "targets")
        }
        self._roots: list[int] = []
        self._sets: list[Float64] = []
        self._inner = 0
        self._leaves = 0

    def add(self, tree: Tree, target: int) -> None:
        inner = np.flatnonzero(~tree.leaf)
        leaves = np.flatnonzero(tree.leaf)
        self._roots.append(self._inner)
        if not len(inner):
            self._add_stump(float(tree.value[0]), target)
            return
        place = np.empty(len(tree.leaf), np.int64)
        place[inner] = self._inner + np.arange(len(inner))
        # Until the number of all inner nodes is known, leaves are numbered down from -1.
        place[leaves] = -1 - self._leaves - np.arange(len(leaves))
        mode = np.full(len(inner), BELOW if tree.strict else AT_MOST, np.int64)
        split = tree.threshold[inner].astype(np.float64)
        missing = tree.missing_left[inner].astype(np.bool_)
        for position, node in enumerate(inner):
            if int(node) in tree.sets:
                mode[position], split[position], missing[position] = MEMBER, 0.0, False
                self._sets.append(np.asarray(tree.sets[int(node)] or (NO_MEMBER,), np.float64))
        self._extend(
            modes=mode,
            splits=split,
            features=tree.feature[inner],
            missing=missing,
            met=place[tree.left[inner]],
            unmet=place[tree.right[inner]],
            weights=tree.value[leaves],
            targets=np.full(len(leaves), target, np.int64),
        )
        self._inner += len(inner)
        self._leaves += len(leaves)

    def _add_stump(self, value: float, target: int) -> None:
        # The format wants at least one inner node a tree: both branches lead to the only leaf.
        here, first = np.array([-1 - self._leaves]), np.zeros(1, np.int64)
        self._extend(
            modes=first + AT_MOST,
            splits=np.zeros(1),
            features=first,
            missing=np.zeros(1, np.bool_),
            met=here,
            unmet=here,
            weights=np.array([value]),
            targets=np.array([target]),
        )
        self._inner += 1
        self._leaves += 1

    def _extend(self, **columns: npt.NDArray[Any]) -> None:
        for name, values in columns.items():
            self._columns[name].append(values)

    def whole(self, outputs: int) -> TreeEnsemble:
        """Put the trees together."""
        table = {name: np.concatenate(parts) for name, parts in self._columns.items()}
        met, unmet = (
            np.where(table[side] < 0, self._inner - 1 - table[side], table[side]) for side in ("met", "unmet")
        )
        return TreeEnsemble(
            roots=np.asarray(self._roots, np.int64),
            modes=table["modes"],
            features=table["features"].astype(np.int64),
            splits=table["splits"].astype(np.float64),
            met=met,
            unmet=unmet,
            missing=table["missing"],
            sets=tuple(self._sets),
            targets=table["targets"],
            weights=table["weights"].astype(np.float64),
            outputs=outputs,
        )


def _note(graph: Graph, block: Block, tree: Tree) -> None:
    if not block.sources:
        return
    compared = ~tree.leaf
    compared[list(tree.sets)] = False
    for feature in np.unique(tree.feature[compared]):
        graph.note_thresholds(block, int(feature), tree.threshold[compared & (tree.feature == feature)])
