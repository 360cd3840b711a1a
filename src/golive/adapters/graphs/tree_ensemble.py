"""Tree ensemble: the attributes of a TreeEnsemble of ai.onnx.ml 5 as arrays, and arrays as its attributes.

The format numbers inner nodes and leaves apart and says of every child which of the two it is. Here both have one
numbering, their places: node ``n`` stands at ``n``, and leaf ``l`` at ``nodes + l``.
Semantics: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import NotConvertibleError
from golive.ports import Int64

OPERATOR, DOMAIN = "TreeEnsemble", "ai.onnx.ml"
AT_MOST, BELOW, AT_LEAST, ABOVE, EQUAL, UNEQUAL, MEMBER = range(7)
"""Modes of nodes: ``x <= split``, ``x < split``, ``>=``, ``>``, ``==``, ``!=``, ``x in set``."""
AVERAGE, SUM = range(2)
"""Aggregates: the mean of what the trees give, or their sum; 2 and 3 are the least and the greatest."""
_MOST_VISITS = 64
"""Of a place, on average; in trees each is visited once."""

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


class TreeEnsemble(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Decision trees whose leaves are aggregated: ``[rows, features]`` in, ``[rows, outputs]`` out."""

    roots: Int64
    """``[trees]``: the node that each tree begins with."""
    modes: Int64
    """``[nodes]``: how a node compares, :data:`AT_MOST` to :data:`MEMBER`."""
    features: Int64
    """``[nodes]``: the column that a node reads."""
    splits: Array
    """float32 or float64 ``[nodes]``: what it compares with; without a meaning for :data:`MEMBER`."""
    met: Int64
    """``[nodes]``: the place of the child where the condition holds."""
    unmet: Int64
    """``[nodes]``: the place of the other child."""
    missing: Bools
    """``[nodes]``: whether a missing value takes the branch of the met condition."""
    sets: tuple[Array, ...]
    """One for each node that tests for membership, in the order of the nodes; as the splits are."""
    targets: Int64
    """``[leaves]``: the output that a leaf adds to."""
    weights: Array
    """float32 or float64 ``[leaves]``: what it adds."""
    outputs: int
    aggregate: int = SUM
    transform: int = 0
    """What is done with the outputs (``post_transform``); 0: nothing."""

    @property
    def nodes(self) -> int:
        """How many inner nodes there are, and the place of the first leaf."""
        return len(self.modes)

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.roots)


def read(attributes: Mapping[str, Any]) -> TreeEnsemble:
    """Read the attributes of a node; tensors may be ``onnx.TensorProto`` or arrays.

    Raises:
        NotConvertibleError: a node tests for membership in a set that is not there.
    """
    held = {name: _array(value) for name, value in attributes.items()}
    modes, missing = held["nodes_modes"].astype(np.int64), held.get("nodes_missing_value_tracks_true")
    ids = {name: held[name].astype(np.int64) for name in _INTEGERS}
    return TreeEnsemble(
        roots=ids["tree_roots"],
        modes=modes,
        features=ids["nodes_featureids"],
        splits=held["nodes_splits"],
        met=ids["nodes_truenodeids"] + len(modes) * (ids["nodes_trueleafs"] > 0),
        unmet=ids["nodes_falsenodeids"] + len(modes) * (ids["nodes_falseleafs"] > 0),
        missing=np.zeros(len(modes), np.bool_) if missing is None else missing > 0,
        sets=_sets(held.get("membership_values"), int((modes == MEMBER).sum())),
        targets=ids["leaf_targetids"],
        weights=held["leaf_weights"],
        outputs=int(attributes.get("n_targets", 1)),
        aggregate=int(attributes.get("aggregate_function", SUM)),
        transform=int(attributes.get("post_transform", 0)),
    )


def read_node(node: Any) -> TreeEnsemble:
    """Read an ``onnx.NodeProto`` of the operator; see :func:`read`."""
    from onnx import helper  # noqa: PLC0415 - the library is optional where graphs are run

    return read({entry.name: helper.get_attribute_value(entry) for entry in node.attribute})


def written(ensemble: TreeEnsemble) -> dict[str, Any]:
    """Write the attributes of a node, as ``onnx.helper.make_node`` takes them; the other way of :func:`read`."""
    from onnx import numpy_helper  # noqa: PLC0415 - the library is optional where graphs are run

    kind, first_leaf = ensemble.splits.dtype, ensemble.nodes
    attributes: dict[str, Any] = {
        "aggregate_function": ensemble.aggregate,
        "post_transform": ensemble.transform,
        "n_targets": ensemble.outputs,
        "tree_roots": ensemble.roots.tolist(),
        "nodes_modes": numpy_helper.from_array(ensemble.modes.astype(np.uint8), "modes"),
        "nodes_splits": numpy_helper.from_array(ensemble.splits, "splits"),
        "nodes_featureids": ensemble.features.tolist(),
        "leaf_targetids": ensemble.targets.tolist(),
        "leaf_weights": numpy_helper.from_array(ensemble.weights, "weights"),
    }
    for side, places in (("true", ensemble.met), ("false", ensemble.unmet)):
        is_leaf = places >= first_leaf
        attributes[f"nodes_{side}nodeids"] = (places - first_leaf * is_leaf).tolist()
        attributes[f"nodes_{side}leafs"] = is_leaf.astype(np.int64).tolist()
    if ensemble.missing.any():
        attributes["nodes_missing_value_tracks_true"] = ensemble.missing.astype(np.int64).tolist()
    if ensemble.sets:
        end = np.array([np.nan])
        members = np.concatenate([part for values in ensemble.sets for part in (values, end)])
        attributes["membership_values"] = numpy_helper.from_array(members.astype(kind), "members")
    return attributes


def rewritten(node: Any, ensemble: TreeEnsemble) -> Any:
    """Copy an ``onnx.NodeProto``, with the attributes of another ensemble."""
    from onnx import helper  # noqa: PLC0415 - the library is optional where graphs are run

    copy = type(node)()
    copy.CopyFrom(node)
    del copy.attribute[:]
    copy.attribute.extend(helper.make_attribute(name, value) for name, value in written(ensemble).items())
    return copy


def levels(ensemble: TreeEnsemble) -> Iterator[tuple[Int64, Int64]]:
    """Go down all trees at once, level by level.

    Yields:
        The places of a level, and the tree that each belongs to. The two children of a node stand side by side, the
        one of the met condition first, in the order of their parents.

    Raises:
        NotConvertibleError: a branch leads back to itself.
    """
    places, tree, visits = ensemble.roots, np.arange(ensemble.trees), 0
    most = _MOST_VISITS * (ensemble.trees + ensemble.nodes + len(ensemble.weights))
    while len(places):
        yield places, tree
        visits += len(places)
        if visits > most:
            message = "the TreeEnsemble has a branch that leads back to itself; import the model anew"
            raise NotConvertibleError(message)
        is_inner = places < ensemble.nodes
        inner = places[is_inner]
        places, tree = np.stack([ensemble.met[inner], ensemble.unmet[inner]], axis=1).ravel(), tree[is_inner].repeat(2)


def depth(ensemble: TreeEnsemble) -> int:
    """Count the steps from a root to the leaf that is farthest from it.

    Raises:
        NotConvertibleError: a branch leads back to itself.
    """
    return sum(1 for _ in levels(ensemble)) - 1


def owners(ensemble: TreeEnsemble) -> Int64:
    """Give the tree of every place, ``[nodes + leaves]``; -1 where none leads to it.

    Raises:
        NotConvertibleError: a branch leads back to itself.
    """
    found = np.full(ensemble.nodes + len(ensemble.weights), -1, np.int64)
    for places, tree in levels(ensemble):
        found[places] = tree
    return found


def kept(ensemble: TreeEnsemble, stays: Bools) -> TreeEnsemble:
    """Leave trees out.

    Args:
        ensemble: trees that share no node.
        stays: ``[trees]``: which ones stay.
    """
    here = np.append(stays, False)[owners(ensemble)]
    nodes, leaves, place = here[: ensemble.nodes], here[ensemble.nodes :], np.cumsum(here) - 1
    has_stayed = nodes[ensemble.modes == MEMBER]
    return msgspec.structs.replace(
        ensemble,
        roots=place[ensemble.roots[stays]],
        modes=ensemble.modes[nodes],
        features=ensemble.features[nodes],
        splits=ensemble.splits[nodes],
        met=place[ensemble.met[nodes]],
        unmet=place[ensemble.unmet[nodes]],
        missing=ensemble.missing[nodes],
        sets=tuple(values for values, is_here in zip(ensemble.sets, has_stayed, strict=True) if is_here),
        targets=ensemble.targets[leaves],
        weights=ensemble.weights[leaves],
    )


def in_single_precision(ensemble: TreeEnsemble) -> TreeEnsemble:
    """Round splits to float32 so that every float32 value stays on its side, and weights to the nearest float32.

    For :data:`EQUAL` and :data:`UNEQUAL` there is no such side; their splits are rounded to the nearest.
    """
    with np.errstate(over="ignore"):
        near = ensemble.splits.astype(np.float32)
        weights = ensemble.weights.astype(np.float32)
    too_high = np.isin(ensemble.modes, (AT_MOST, ABOVE)) & (near > ensemble.splits)
    too_low = np.isin(ensemble.modes, (BELOW, AT_LEAST)) & (near < ensemble.splits)
    near[too_high] = np.nextafter(near[too_high], np.float32(-np.inf))
    near[too_low] = np.nextafter(near[too_low], np.float32(np.inf))
    return msgspec.structs.replace(ensemble, splits=near, weights=weights)


_INTEGERS = (
    "tree_roots",
    "nodes_featureids",
    "nodes_truenodeids",
    "nodes_trueleafs",
    "nodes_falsenodeids",
    "nodes_falseleafs",
    "leaf_targetids",
)


def _array(value: Any) -> Array:
    if not hasattr(value, "data_type"):
        return np.asarray(value)
    from onnx import numpy_helper  # noqa: PLC0415 - the library is optional where graphs are run

    return np.asarray(numpy_helper.to_array(value))


def _sets(values: Array | None, count: int) -> tuple[Array, ...]:
    """Cut the sets apart; they stand one after the other, each ended by a NaN."""
    listed = np.zeros(0) if values is None else values
    ends = np.flatnonzero(np.isnan(listed))
    if len(ends) < count:
        message = f"{count} nodes of the TreeEnsemble test for sets, and it holds {len(ends)}; import the model anew"
        raise NotConvertibleError(message)
    starts = [0, *(ends + 1).tolist()]
    return tuple(listed[start:end] for start, end in zip(starts[:count], ends[:count], strict=True))
