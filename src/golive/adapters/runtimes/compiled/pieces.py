"""Pieces: a graph with one ensemble of trees in; what comes before it, the trees, and what comes after out."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.adapters.graphs.tree_ensemble import DOMAIN, OPERATOR, read_node
from golive.adapters.runtimes.compiled.forest import Forest, forest_of
from golive.errors import VerificationError

_FLOAT, _DOUBLE = 1, 11
"""Of onnx.TensorProto."""
_WIDTHS: Mapping[int, type[np.floating[Any]]] = {_FLOAT: np.float32, _DOUBLE: np.float64}


class Pieces(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A graph that was cut in three."""

    casts: tuple[type[np.floating[Any]], ...] | None
    """What ``N`` is cast to on its way to the trees, one after the other; None: ``before`` says it."""
    before: bytes
    """Graph from ``N`` and ``C`` to what the trees read; empty where casts say it all."""
    forest: Forest
    after: bytes
    """Graph from what the trees gave, and ``N`` and ``C`` where it reads them, to ``P``."""
    read: str
    """The name of what the trees read."""
    given: str
    """The name of what they give."""
    dtype: type[np.floating[Any]]
    """Of what they give."""


def cut(onnx: Any, graph: bytes) -> Pieces:
    """Cut a graph.

    Args:
        onnx: the module.
        graph: its bytes.

    Raises:
        VerificationError: the bytes are no graph, or one that has other than one ensemble of trees.
    """
    try:
        model = onnx.load_from_string(graph)
    except Exception as error:  # protobuf raises classes of its own
        message = f"the {len(graph)} bytes are not a graph ({type(error).__name__}); package the model again"
        raise VerificationError(message) from error
    nodes = list(model.graph.node)
    trees = [node for node in nodes if node.op_type == OPERATOR and node.domain == DOMAIN]
    if len(trees) != 1:
        message = f"the graph has {len(trees)} nodes {OPERATOR}, and one is compiled; run it with onnxruntime"
        raise VerificationError(message)
    ensemble = read_node(trees[0])
    read, given = trees[0].input[0], trees[0].output[0]
    kind = _DOUBLE if ensemble.splits.dtype == np.float64 else _FLOAT
    value = onnx.helper.make_tensor_value_info
    forest = forest_of(ensemble)
    before = _slice(nodes, read, stop="")
    casts = _casts(onnx, before, read)
    return Pieces(
        casts=casts,
        before=b"" if casts is not None else _model(model, before, [], value(read, kind, None)),
        forest=forest,
        after=_model(model, _slice(nodes, "P", stop=given), [value(given, kind, [None, forest.outputs])], None),
        read=read,
        given=given,
        dtype=_WIDTHS[kind],
    )


def _slice(nodes: Sequence[Any], output: str, *, stop: str) -> list[Any]:
    """Give the nodes that an output needs, in order, going no further back than ``stop``."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output) and stop not in node.output:
            wanted.update(name for name in node.input if name != stop)
            kept.append(node)
    return kept[::-1]


def _casts(onnx: Any, nodes: Sequence[Any], read: str) -> tuple[type[np.floating[Any]], ...] | None:
    """Give the casts that ``N`` goes through, where nothing else happens to it."""
    name, found = "N", []
    for node in nodes:
        if list(node.input) != [name] or node.op_type not in {"Cast", "Identity"}:
            return None
        if node.op_type == "Cast":
            to = onnx.helper.get_attribute_value(node.attribute[0]) if len(node.attribute) == 1 else 0
            if to not in _WIDTHS:
                return None
            found.append(_WIDTHS[to])
        name = node.output[0]
    return tuple(found) if name == read else None


def _model(model: Any, nodes: Sequence[Any], inputs: Sequence[Any], output: Any | None) -> bytes:
    """Write some nodes as a graph of its own, with the inputs and constants of the whole that they read."""
    made = type(model)()
    made.CopyFrom(model)
    graph = made.graph
    names = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in model.graph.initializer if tensor.name in names]
    del graph.node[:], graph.initializer[:], graph.value_info[:], graph.input[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    graph.input.extend([*(value for value in model.graph.input if value.name in names), *inputs])
    if output is not None:
        del graph.output[:]
        graph.output.append(output)
    return bytes(made.SerializeToString())
