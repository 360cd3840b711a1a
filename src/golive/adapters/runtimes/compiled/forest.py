"""Forest: the attributes of a TreeEnsemble node in, the flat arrays that the C program walks out."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import VerificationError
from golive.ports import Float64, Int64

Array = npt.NDArray[Any]

NODE = np.dtype([("split", np.float64), ("feature", np.int32), ("child", np.int32)])
"""As in the C source."""
_AT_MOST, _BELOW, _AT_LEAST, _ABOVE, _EQUAL, _UNEQUAL, _MEMBER = range(7)
"""Modes of ai.onnx.ml 5."""
_SUM = 1
_NAN_GOES_RIGHT, _IS_SET = np.int32(1 << 30), np.int32(1 << 29)
_MOST_MEMBER = 1 << 16
_WORD = 32


class Forest(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Trees as arrays; the two children of a node lie side by side, and a leaf leads to itself."""

    nodes: Array
    """:data:`NODE`, tree by tree."""
    sets: npt.NDArray[np.uint32]
    """The sets of the nodes that ask for membership, as bits; empty where none does."""
    roots: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    """The output of the leaf at each place."""
    weights: Float64
    """What the leaf at each place adds."""
    outputs: int


def forest_of(told: dict[str, Any]) -> Forest:
    """Lay out the trees of a node.

    Args:
        told: the attributes of an ``ai.onnx.ml.TreeEnsemble``; tensors as arrays.

    Raises:
        VerificationError: its leaves are not just added up, or a set holds other than small whole numbers.
    """
    if told.get("aggregate_function", _SUM) != _SUM or told.get("post_transform", 0) != 0:
        message = "these trees are not just added up, and only such are compiled; run the graph with onnxruntime"
        raise VerificationError(message)
    index, is_leaf, child, roots = _in_order(told)
    nodes = np.zeros(len(index), NODE)
    nodes["child"], nodes["split"] = child, np.inf
    inner = ~is_leaf
    sets = _Sets()
    nodes["feature"][inner], nodes["split"][inner] = _tests(told, index[inner], sets)
    targets, weights = np.zeros(len(index), np.int32), np.zeros(len(index), np.float64)
    targets[is_leaf] = np.asarray(told["leaf_targetids"], np.int32)[index[is_leaf]]
    weights[is_leaf] = np.asarray(told["leaf_weights"], np.float64)[index[is_leaf]]
    return Forest(
        nodes=nodes,
        sets=np.array(sets.words, np.uint32),
        roots=roots,
        targets=targets,
        weights=weights,
        outputs=int(told.get("n_targets", 1)),
    )


def _in_order(told: dict[str, Any]) -> tuple[Int64, Array, Array, npt.NDArray[np.int32]]:
    """Put nodes and leaves in order: tree by tree, level by level, siblings side by side.

    Returns:
        Of each place the node or leaf, whether it is a leaf, and the place of its left child (a leaf's: its own); and
        the places of the roots.
    """
    modes = np.asarray(told["nodes_modes"])
    sides = [
        (np.asarray(told[f"nodes_{side}nodeids"], np.int64), np.asarray(told[f"nodes_{side}leafs"], np.int64) > 0)
        for side in ("true", "false")
    ]
    # The C program goes left for "at most", so what asks the opposite has its children changed over.
    is_turned = np.isin(modes, (_AT_LEAST, _ABOVE, _UNEQUAL))
    left = tuple(np.where(is_turned, second, first) for first, second in zip(*sides, strict=True))
    right = tuple(np.where(is_turned, first, second) for first, second in zip(*sides, strict=True))
    roots = np.asarray(told["tree_roots"], np.int64)
    index, leaf, tree = roots, np.zeros(len(roots), np.bool_), np.arange(len(roots))
    levels, start = [], 0
    while len(index):
        inner = index[~leaf]
        start += len(index)
        child = np.full(len(index), -1, np.int64)
        child[~leaf] = start + 2 * np.arange(len(inner))
        levels.append((index, leaf, tree, child))
        tree = np.repeat(tree[~leaf], 2)
        index, leaf = (
            np.stack([one[inner], other[inner]], axis=1).ravel() for one, other in zip(left, right, strict=True)
        )
    index, leaf, tree, child = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    order = np.argsort(tree, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    child = np.where(leaf, place, place[child])[order]
    return index[order], leaf[order], child, place[: len(roots)].astype(np.int32)


def _tests(told: dict[str, Any], index: Int64, sets: "_Sets") -> tuple[Array, Float64]:
    """Give the feature with its flags and the split of the nodes at each place."""
    modes, splits = np.asarray(told["nodes_modes"])[index], np.asarray(told["nodes_splits"], np.float64)[index].copy()
    missing = told.get("nodes_missing_value_tracks_true")
    is_true = np.zeros(len(index), np.bool_) if missing is None else np.asarray(missing)[index] > 0
    is_turned = np.isin(modes, (_AT_LEAST, _ABOVE, _UNEQUAL))
    # A missing value makes every comparison false but "unequal"; false is to the right, or to the left where turned.
    goes_right = np.where(is_turned, is_true | (modes == _UNEQUAL), ~is_true)
    open_ended = np.isin(modes, (_BELOW, _AT_LEAST))
    splits[open_ended] = np.nextafter(splits[open_ended], -np.inf)
    features = np.asarray(told["nodes_featureids"], np.int32)[index] | np.where(
        goes_right, _NAN_GOES_RIGHT, np.int32(0)
    )
    members = _members(told)
    for at in np.flatnonzero(modes >= _EQUAL):
        values = members[int(index[at])] if modes[at] == _MEMBER else splits[at : at + 1]
        splits[at] = sets.add(values)
        features[at] |= _IS_SET
    return features, splits


def _members(told: dict[str, Any]) -> dict[int, Float64]:
    """Give the sets by node; they stand one after the other, in the order of the nodes, each ended by a NaN."""
    values = told.get("membership_values")
    if values is None:
        return {}
    ends = np.flatnonzero(np.isnan(values)) + 1
    nodes = np.flatnonzero(np.asarray(told["nodes_modes"]) == _MEMBER)
    parts = np.split(np.asarray(values, np.float64), ends)[: len(ends)]
    return {int(node): part[:-1] for node, part in zip(nodes, parts, strict=True)}


class _Sets:
    """Sets of small whole numbers as bits in words."""

    def __init__(self) -> None:
        self.words: list[int] = []

    def add(self, values: Float64) -> float:
        """Keep a set; gives where it begins and how many bits it has, in the bytes of a float64."""
        if not all(0 <= value < _MOST_MEMBER and value == int(value) for value in values):
            message = "a tree asks for other numbers than small whole ones; run the graph with onnxruntime"
            raise VerificationError(message)
        bits = int(max(values, default=-1)) + 1
        start = len(self.words)
        words = [0] * (-(-bits // _WORD))
        for value in values:
            words[int(value) // _WORD] |= 1 << (int(value) % _WORD)
        self.words += words
        place: Float64 = np.array([start, bits], np.uint32).view(np.float64)
        return float(place[0])
