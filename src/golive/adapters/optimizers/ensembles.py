"""Ensembles: the trees of a TreeEnsemble node, of which some are kept; and where in a graph such a node stands.

Three forms are known: trees whose leaves are added (boosting), trees whose leaves are added and divided by their
number (forests that predict values), and trees that give the number of their leaf, which is looked up in a table of
class shares, added and divided (forests that predict classes).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.optimizers.surgery import Array, Surgery, attribute
from golive.ports import Float64, Int64

MEMBER = 6
"""The mode of ai.onnx.ml 5 that tests for membership in a set."""
_SUM = 1

Bools = npt.NDArray[np.bool_]


class Ensemble:
    """The attributes of one TreeEnsemble node as arrays, and which tree each node and leaf belongs to."""

    def __init__(self, node: onnx.NodeProto) -> None:
        self._node = node
        self.roots = _integers(node, "tree_roots")
        self.count = len(self.roots)
        self.targets = int(attribute(node, "n_targets", 1))
        self.modes = numpy_helper.to_array(attribute(node, "nodes_modes"))
        self.splits = numpy_helper.to_array(attribute(node, "nodes_splits"))
        self.features = _integers(node, "nodes_featureids")
        self.children = (_integers(node, "nodes_truenodeids"), _integers(node, "nodes_falsenodeids"))
        self.ends = (_integers(node, "nodes_trueleafs"), _integers(node, "nodes_falseleafs"))
        missing = attribute(node, "nodes_missing_value_tracks_true")
        self.missing = None if missing is None else np.asarray(missing, np.int64)
        self.weights = numpy_helper.to_array(attribute(node, "leaf_weights"))
        self.leaf_targets = _integers(node, "leaf_targetids")
        members = attribute(node, "membership_values")
        self.members = None if members is None else numpy_helper.to_array(members)
        self.tree_of_node, self.tree_of_leaf = self._owners()

    def kept(
        self, trees: Sequence[int], *, weights: Array | None = None, targets: Int64 | None = None
    ) -> onnx.NodeProto:
        """Write the node again with some of its trees, in the given order of old trees ascending.

        Args:
            trees: positions of the trees that stay.
            weights: other weights for all leaves of the whole ensemble.
            targets: other outputs for all leaves; their number is then that of the trees that stay.
        """
        stays = np.zeros(self.count, np.bool_)
        stays[list(trees)] = True
        nodes, leaves = stays[self.tree_of_node], stays[self.tree_of_leaf]
        place = np.cumsum(nodes) - 1, np.cumsum(leaves) - 1
        node = onnx.NodeProto()
        node.CopyFrom(self._node)
        del node.attribute[:]
        moved = [
            np.where(ends[nodes] > 0, place[1][children[nodes]], place[0][np.where(ends > 0, 0, children)[nodes]])
            for children, ends in zip(self.children, self.ends, strict=True)
        ]
        leaf_targets = self.leaf_targets if targets is None else targets
        written: dict[str, Any] = {
            "aggregate_function": _SUM,
            "post_transform": int(attribute(self._node, "post_transform", 0)),
            "n_targets": self.targets if targets is None else int(stays.sum()),
            "tree_roots": place[0][self.roots[stays]].tolist(),
            "nodes_modes": numpy_helper.from_array(self.modes[nodes], "modes"),
            "nodes_splits": numpy_helper.from_array(self.splits[nodes], "splits"),
            "nodes_featureids": self.features[nodes].tolist(),
            "nodes_truenodeids": moved[0].tolist(),
            "nodes_trueleafs": self.ends[0][nodes].tolist(),
            "nodes_falsenodeids": moved[1].tolist(),
            "nodes_falseleafs": self.ends[1][nodes].tolist(),
            "leaf_targetids": leaf_targets[leaves].tolist(),
            "leaf_weights": numpy_helper.from_array((self.weights if weights is None else weights)[leaves], "weights"),
        }
        if self.missing is not None:
            written["nodes_missing_value_tracks_true"] = self.missing[nodes].tolist()
        members = self._members(nodes)
        if members is not None:
            written["membership_values"] = numpy_helper.from_array(members, "members")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in written.items())
        return node

    def _members(self, nodes: Bools) -> Array | None:
        """Give the sets of the nodes that stay; sets stand in the order of their nodes, each ended by a NaN."""
        if self.members is None:
            return None
        ends = np.flatnonzero(np.isnan(self.members)) + 1
        sets = np.split(self.members, ends)[: len(ends)]
        of_nodes = np.flatnonzero(self.modes == MEMBER)
        chosen = [values for values, node in zip(sets, of_nodes, strict=True) if nodes[node]]
        return np.concatenate(chosen) if chosen else None

    def _owners(self) -> tuple[Int64, Int64]:
        nodes, leaves = np.full(len(self.modes), -1, np.int64), np.full(len(self.weights), -1, np.int64)
        front, owners = self.roots.copy(), np.arange(self.count)
        # All trees level by level: as many steps as the deepest one has levels.
        while len(front):
            nodes[front] = owners
            following = []
            for children, ends in zip(self.children, self.ends, strict=True):
                at_end = ends[front] > 0
                leaves[children[front[at_end]]] = owners[at_end]
                following.append((children[front[~at_end]], owners[~at_end]))
            front = np.concatenate([part for part, _ in following])
            owners = np.concatenate([part for _, part in following])
        return nodes, leaves


class Found(msgspec.Struct, frozen=True, eq=False):
    """A TreeEnsemble that may lose trees, and the nodes that must know how many there are."""

    place: int
    ensemble: Ensemble
    table: int | None = None
    """The Gather node that looks leaves up."""
    divide: int | None = None
    """The Div node that makes a mean of a sum."""


def find(surgery: Surgery) -> Found | None:
    """Find the ensemble with the most trees that is of one of the known forms."""
    known = [
        found
        for place, node in enumerate(surgery.nodes)
        if node.op_type == "TreeEnsemble" and (found := _form(surgery, place)) is not None
    ]
    return max(known, key=lambda found: found.ensemble.count, default=None)


def keep(content: bytes, trees: Sequence[int]) -> bytes:
    """Write a graph again whose found ensemble (see :func:`find`) keeps some of its trees."""
    surgery = Surgery(content)
    found = find(surgery)
    if found is None:
        return content
    ensemble = found.ensemble
    chosen = sorted(trees)
    if found.table is None:
        surgery.nodes[found.place] = ensemble.kept(chosen)
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
    ensemble = found.ensemble
    surgery.nodes[found.place] = ensemble.kept(range(ensemble.count), targets=ensemble.tree_of_leaf)
    return surgery.bytes(outputs=[node.output[0]]), node.output[0], None


def stages(ensemble: Ensemble) -> int:
    """Give how many trees make one stage of a boosting: one for each output; 0 where the trees are not so ordered."""
    size = ensemble.targets
    first = np.zeros(ensemble.count, np.int64)
    first[ensemble.tree_of_leaf] = ensemble.leaf_targets
    is_ordered = ensemble.count % size == 0 and bool((first == np.arange(ensemble.count) % size).all())
    return size if is_ordered else 0


def _form(surgery: Surgery, place: int) -> Found | None:
    node = surgery.nodes[place]
    if attribute(node, "aggregate_function", _SUM) != _SUM:
        return None
    ensemble = Ensemble(node)
    following = _only_reader(surgery, node.output[0])
    if following is not None and _casts(surgery.nodes[following], TensorProto.DOUBLE):
        following = _only_reader(surgery, surgery.nodes[following].output[0])
    if following is None or (ensemble.tree_of_leaf < 0).any() or (ensemble.tree_of_node < 0).any():
        return None
    if _casts(surgery.nodes[following], TensorProto.INT64):
        return _numbered(surgery, Found(place, ensemble), following)
    return Found(place, ensemble, divide=following if _divides(surgery, following, ensemble.count) else None)


def _numbered(surgery: Surgery, found: Found, cast: int) -> Found | None:
    """Follow leaf numbers through their table, its sum and the mean; None where they mean something else."""
    gather = _only_reader(surgery, surgery.nodes[cast].output[0])
    total = None if gather is None else _only_reader(surgery, surgery.nodes[gather].output[0])
    mean = None if total is None else _only_reader(surgery, surgery.nodes[total].output[0])
    if gather is None or total is None or mean is None or found.ensemble.targets != found.ensemble.count:
        return None
    kinds = surgery.nodes[gather].op_type, surgery.nodes[total].op_type
    table = surgery.constant(surgery.nodes[gather].input[0])
    is_table = kinds == ("Gather", "ReduceSum") and table is not None and table.ndim == 2  # noqa: PLR2004 - leaves, classes
    if not is_table or not _divides(surgery, mean, found.ensemble.count):
        return None
    return Found(found.place, found.ensemble, table=gather, divide=mean)


def _keep_leaves(surgery: Surgery, found: Found, trees: Sequence[int]) -> None:
    ensemble = found.ensemble
    stays = np.isin(ensemble.tree_of_leaf, trees)
    gather = onnx.NodeProto()
    gather.CopyFrom(surgery.nodes[found.table or 0])
    table = surgery.constant(gather.input[0])
    if table is None:
        return
    old = ensemble.weights.astype(np.int64)
    numbers = np.zeros(len(old), ensemble.weights.dtype)
    numbers[stays] = np.arange(int(stays.sum()))
    place = {tree: position for position, tree in enumerate(trees)}
    targets = np.array([place.get(int(tree), 0) for tree in ensemble.tree_of_leaf], np.int64)
    gather.input[0] = surgery.add_constant(table[old[stays]])
    surgery.nodes[found.table or 0] = gather
    surgery.nodes[found.place] = ensemble.kept(trees, weights=numbers, targets=targets)


def _only_reader(surgery: Surgery, tensor: str) -> int | None:
    readers = [place for place, node in enumerate(surgery.nodes) if tensor in node.input]
    return readers[0] if len(readers) == 1 else None


def _divides(surgery: Surgery, place: int, count: int) -> bool:
    node = surgery.nodes[place]
    by = surgery.constant(node.input[1]) if node.op_type == "Div" else None
    return by is not None and by.size == 1 and float(by.reshape(-1)[0]) == count


def _casts(node: onnx.NodeProto, to: int) -> bool:
    return bool(node.op_type == "Cast" and attribute(node, "to") == to)


def _integers(node: onnx.NodeProto, name: str) -> Int64:
    return np.asarray(attribute(node, name), np.int64)


def shares_of(found: Float64, table: Array | None) -> Float64:
    """Give what every tree says by itself, ``[rows, trees, outputs]``, from what :func:`each_alone` gave."""
    if table is None:
        return found[:, :, None]
    return np.asarray(table[found.astype(np.int64)], np.float64)
