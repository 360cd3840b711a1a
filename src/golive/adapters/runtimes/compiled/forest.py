"""Forest: an ensemble of trees in, the flat arrays that the C program walks out."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.adapters.graphs.tree_ensemble import (
    ABOVE,
    AT_LEAST,
    BELOW,
    EQUAL,
    MEMBER,
    SUM,
    UNEQUAL,
    TreeEnsemble,
    levels,
)
from golive.errors import VerificationError
from golive.ports import Float64, Int64

Array = npt.NDArray[Any]

NODE = np.dtype([("split", np.float64), ("feature", np.int32), ("child", np.int32)])
"""As in the C source."""
_TURNED = (AT_LEAST, ABOVE, UNEQUAL)
"""The modes whose met condition leads to the right."""
_NAN_GOES_RIGHT, _IS_SET = np.int32(1 << 30), np.int32(1 << 29)
_MOST_COLUMNS = 1 << 28
"""What is left of a feature beside its flags."""
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
    columns: int
    """The least that a row must have: the C program reads them unasked."""


def forest_of(ensemble: TreeEnsemble) -> Forest:
    """Lay out the trees of a node.

    Raises:
        VerificationError: its leaves are not just added up, a node reads no column, or a set holds other than small
            whole numbers.
        NotConvertibleError: a branch leads back to itself.
    """
    if ensemble.aggregate != SUM or ensemble.transform != 0:
        message = "these trees are not just added up, and only such are compiled; run the graph with onnxruntime"
        raise VerificationError(message)
    if (bad := ensemble.features[(ensemble.features < 0) | (ensemble.features >= _MOST_COLUMNS)]).size:
        message = f"a tree reads the column {bad[0]}, which no row has; package the model again"
        raise VerificationError(message)
    place, child, roots = _in_order(ensemble)
    is_leaf = place >= ensemble.nodes
    leaf, inner = place[is_leaf] - ensemble.nodes, ~is_leaf
    nodes = np.zeros(len(place), NODE)
    nodes["child"], nodes["split"] = child, np.inf
    sets = _Sets()
    nodes["feature"][inner], nodes["split"][inner] = _tests(ensemble, place[inner], sets)
    targets, weights = np.zeros(len(place), np.int32), np.zeros(len(place), np.float64)
    targets[is_leaf], weights[is_leaf] = ensemble.targets[leaf], ensemble.weights[leaf]
    return Forest(
        nodes=nodes,
        sets=np.array(sets.words, np.uint32),
        roots=roots,
        targets=targets,
        weights=weights,
        outputs=ensemble.outputs,
        columns=int(ensemble.features.max(initial=-1)) + 1,
    )


def _in_order(ensemble: TreeEnsemble) -> tuple[Int64, Int64, npt.NDArray[np.int32]]:
    """Put nodes and leaves in order: tree by tree, level by level, siblings side by side.

    Returns:
        What stands at each position, by its place in the ensemble; the position of its left child (a leaf's: its own);
        and the positions of the roots.
    """
    found, start = [], 0
    for places, tree in levels(_turned(ensemble)):
        is_inner = places < ensemble.nodes
        start += len(places)
        child = np.full(len(places), -1, np.int64)
        child[is_inner] = start + 2 * np.arange(int(is_inner.sum()))
        found.append((places, tree, child))
    places, tree, child = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(tree, kind="stable")
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    child = np.where(child < 0, position, position[child])[order]
    return places[order], child, position[: ensemble.trees].astype(np.int32)


def _turned(ensemble: TreeEnsemble) -> TreeEnsemble:
    """Change over the children of what asks the opposite of "at most", for which the C program goes left."""
    is_turned = np.isin(ensemble.modes, _TURNED)
    return msgspec.structs.replace(
        ensemble,
        met=np.where(is_turned, ensemble.unmet, ensemble.met),
        unmet=np.where(is_turned, ensemble.met, ensemble.unmet),
    )


def _tests(ensemble: TreeEnsemble, nodes: Int64, sets: "_Sets") -> tuple[Array, Float64]:
    """Give the feature with its flags and the split of each of the nodes."""
    modes, splits, is_true = ensemble.modes[nodes], ensemble.splits[nodes].astype(np.float64), ensemble.missing[nodes]
    # A missing value makes every comparison false but "unequal"; false is to the right, or to the left where turned.
    goes_right = np.where(np.isin(modes, _TURNED), is_true | (modes == UNEQUAL), ~is_true)
    open_ended = np.isin(modes, (BELOW, AT_LEAST))
    splits[open_ended] = np.nextafter(splits[open_ended], -np.inf)
    features = ensemble.features[nodes].astype(np.int32) | np.where(goes_right, _NAN_GOES_RIGHT, np.int32(0))
    members = dict(zip(np.flatnonzero(ensemble.modes == MEMBER).tolist(), ensemble.sets, strict=True))
    for at in np.flatnonzero(modes >= EQUAL):
        splits[at] = sets.add(members[int(nodes[at])] if modes[at] == MEMBER else splits[at : at + 1])
        features[at] |= _IS_SET
    return features, splits


class _Sets:
    """Sets of small whole numbers as bits in words."""

    def __init__(self) -> None:
        self.words: list[int] = []

    def add(self, values: Array) -> float:
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
