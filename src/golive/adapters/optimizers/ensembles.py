"""Ensembles: where in a graph an ensemble of trees stands that may lose some of them, and the graph without those.

Three forms are known: trees whose leaves are added (boosting), trees whose leaves are added and divided by their
number (forests that predict values), and trees that give the number of their leaf, which is looked up in a table of
class shares, added and divided (forests that predict classes).
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import onnx
from msgspec.structs import replace
from onnx import TensorProto

from golive.adapters.graphs.tree_ensemble import (
    OPERATOR,
    SUM,
    Bools,
    TreeEnsemble,
    kept,
    owners,
    read_node,
    rewritten,
)
from golive.adapters.optimizers.surgery import Array, Surgery, attribute
from golive.ports import Float64, Int64


class Found(msgspec.Struct, frozen=True, eq=False):
    """A TreeEnsemble that may lose trees, and the nodes that must know how many there are."""

    place: int
    ensemble: TreeEnsemble
    tree_of_leaf: Int64
    table: int | None = None
    """The Gather node that looks leaves up."""
    divide: int | None = None
    """The Div node that makes a mean of a sum."""


def find(surgery: Surgery) -> Found | None:
    """Find the ensemble with the most trees that is of one of the known forms."""
    known = [
        found
        for place, node in enumerate(surgery.nodes)
        if node.op_type == OPERATOR and (found := _form(surgery, place)) is not None
    ]
    return max(known, key=lambda found: found.ensemble.trees, default=None)


def keep(content: bytes, trees: Sequence[int]) -> bytes:
    """Write a graph again whose found ensemble (see :func:`find`) keeps some of its trees."""
    surgery = Surgery(content)
    found = find(surgery)
    if found is None:
        return content
    chosen = sorted(trees)
    if found.table is None:
        node = surgery.nodes[found.place]
        surgery.nodes[found.place] = rewritten(node, kept(found.ensemble, _staying(found, chosen)))
    else:
        _keep_leaves(surgery, found, chosen)
    if found.divide is not None:
        node = onnx.NodeProto()
        node.CopyFrom(surgery.nodes[found.divide])
        node.input[1] = surgery.add_constant(np.float64(len(chosen)))
        surgery.nodes[found.divide] = node
    return surgery.bytes()


def each_alone(content: bytes) -> tuple[bytes, str, Array | None]:
    """Give a graph that ends in what every tree says by itself: (graph, its output ``[rows, trees]``, leaf table).

    With a table the output holds leaf numbers, which are its rows ``[leaves, classes]``.
    """
    surgery = Surgery(content)
    found = find(surgery)
    if found is None:
        return content, "P", None
    node = surgery.nodes[found.place]
    if found.table is not None:
        table = surgery.constant(surgery.nodes[found.table].input[0])
        return surgery.bytes(outputs=[node.output[0]]), node.output[0], table
    alone = replace(found.ensemble, targets=found.tree_of_leaf, outputs=found.ensemble.trees)
    surgery.nodes[found.place] = rewritten(node, alone)
    return surgery.bytes(outputs=[node.output[0]]), node.output[0], None


def stages(found: Found) -> int:
    """Give how many trees make one stage of a boosting: one for each output; 0 where the trees are not so ordered."""
    size, count = found.ensemble.outputs, found.ensemble.trees
    first = np.zeros(count, np.int64)
    first[found.tree_of_leaf] = found.ensemble.targets
    is_ordered = count % size == 0 and bool((first == np.arange(count) % size).all())
    return size if is_ordered else 0


def _form(surgery: Surgery, place: int) -> Found | None:
    node = surgery.nodes[place]
    ensemble = read_node(node)
    if ensemble.aggregate != SUM:
        return None
    following = _only_reader(surgery, node.output[0])
    if following is not None and casts(surgery.nodes[following], TensorProto.DOUBLE):
        following = _only_reader(surgery, surgery.nodes[following].output[0])
    if following is None or ((tree_of := owners(ensemble)) < 0).any():
        return None
    found = Found(place, ensemble, tree_of[ensemble.nodes :])
    if casts(surgery.nodes[following], TensorProto.INT64):
        return _numbered(surgery, found, following)
    return replace(found, divide=following if _divides(surgery, following, ensemble.trees) else None)


def _numbered(surgery: Surgery, found: Found, cast: int) -> Found | None:
    """Follow leaf numbers through their table, its sum and the mean; None where they mean something else."""
    gather = _only_reader(surgery, surgery.nodes[cast].output[0])
    total = None if gather is None else _only_reader(surgery, surgery.nodes[gather].output[0])
    mean = None if total is None else _only_reader(surgery, surgery.nodes[total].output[0])
    if gather is None or total is None or mean is None or found.ensemble.outputs != found.ensemble.trees:
        return None
    kinds = surgery.nodes[gather].op_type, surgery.nodes[total].op_type
    table = surgery.constant(surgery.nodes[gather].input[0])
    is_table = kinds == ("Gather", "ReduceSum") and table is not None and table.ndim == 2  # noqa: PLR2004 - leaves, classes
    if not is_table or not _divides(surgery, mean, found.ensemble.trees):
        return None
    return replace(found, table=gather, divide=mean)


def _keep_leaves(surgery: Surgery, found: Found, trees: Sequence[int]) -> None:
    ensemble = found.ensemble
    stays = np.isin(found.tree_of_leaf, trees)
    gather = onnx.NodeProto()
    gather.CopyFrom(surgery.nodes[found.table or 0])
    table = surgery.constant(gather.input[0])
    if table is None:
        return
    old = ensemble.weights.astype(np.int64)
    numbers = np.zeros(len(old), ensemble.weights.dtype)
    numbers[stays] = np.arange(int(stays.sum()))
    place = {tree: position for position, tree in enumerate(trees)}
    targets = np.array([place.get(int(tree), 0) for tree in found.tree_of_leaf], np.int64)
    gather.input[0] = surgery.add_constant(table[old[stays]])
    surgery.nodes[found.table or 0] = gather
    numbered = replace(ensemble, weights=numbers, targets=targets, outputs=len(trees))
    node = surgery.nodes[found.place]
    surgery.nodes[found.place] = rewritten(node, kept(numbered, _staying(found, trees)))


def _staying(found: Found, trees: Sequence[int]) -> Bools:
    return np.isin(np.arange(found.ensemble.trees), trees)


def _only_reader(surgery: Surgery, tensor: str) -> int | None:
    readers = [place for place, node in enumerate(surgery.nodes) if tensor in node.input]
    return readers[0] if len(readers) == 1 else None


def _divides(surgery: Surgery, place: int, count: int) -> bool:
    node = surgery.nodes[place]
    by = surgery.constant(node.input[1]) if node.op_type == "Div" else None
    return by is not None and by.size == 1 and float(by.reshape(-1)[0]) == count


def casts(node: onnx.NodeProto, to: int) -> bool:
    """Say whether a node casts to a type of ``onnx.TensorProto``."""
    return bool(node.op_type == "Cast" and attribute(node, "to") == to)


def shares_of(found: Float64, table: Array | None) -> Float64:
    """Give what every tree says by itself, ``[rows, trees, outputs]``, from what :func:`each_alone` gave."""
    if table is None:
        return found[:, :, None]
    return np.asarray(table[found.astype(np.int64)], np.float64)
