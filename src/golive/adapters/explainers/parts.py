"""Parts: an ONNX graph as an encoder, a head that adds, and a tail that only scales and shifts before the link."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from golive.ports import Float64

_UNARY = frozenset(
    {
        "Identity",
        "Neg",
        "Cast",
        "Reshape",
        "Squeeze",
        "Unsqueeze",
        "Flatten",
        "Slice",
        "Gather",
        "ReduceSum",
        "ReduceMean",
        "Div",
        "CumSum",
    }
)
"""Affine in their first input, where the others are constant."""
_JOINING = frozenset({"Add", "Sub", "Concat", "Sum", "Mean"})
_PRODUCTS = frozenset({"Mul", "MatMul", "Gemm"})
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE})
_MATRIX = 2
_MOST_WIDTH = 4_096
_SEED = 17

Array = npt.NDArray[Any]


class Tail(msgspec.Struct, frozen=True, eq=False):
    """``[n, width] @ scale + shift`` is what the link is taken of, or the answer itself."""

    scale: Float64
    shift: Float64


class Parts:
    """A graph that can be cut."""

    def __init__(self, graph: bytes) -> None:
        self.model = onnx.load_from_string(graph)
        self.nodes = list(self.model.graph.node)
        self.constants: dict[str, Array] = {
            tensor.name: np.asarray(numpy_helper.to_array(tensor)) for tensor in self.model.graph.initializer
        }
        for node in self.nodes:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = np.asarray(numpy_helper.to_array(node.attribute[0].t))

    def producer(self, tensor: str) -> onnx.NodeProto | None:
        """Give the node that makes a tensor; None of an input or a constant."""
        return next((node for node in self.nodes if tensor in node.output), None)

    def consumers(self, tensor: str) -> list[onnx.NodeProto]:
        """Give the nodes that read a tensor."""
        return [node for node in self.nodes if tensor in node.input]

    def entry(self, tensor: str) -> tuple[bool, bool]:
        """Say whether a tensor is the input ``N`` itself, and whether it is rounded to float32 on its way."""
        narrow = False
        while (node := self.producer(tensor)) is not None:
            to = _cast_to(node)
            if node.op_type != "Identity" and to not in _FLOATS:
                return False, False
            narrow |= to == TensorProto.FLOAT
            tensor = node.input[0]
        return tensor == "N", narrow

    def before(self, tensor: str, width: int | None) -> bytes:
        """Give the graph that ends in a tensor, as a graph of golive's own form."""
        # The tensor may be called what a graph's own answer is called.
        inner = "encoded" if tensor == "P" else tensor
        nodes = [_renamed(node, "P", "encoded") for node in _needed(self.nodes, {tensor})]
        nodes.append(helper.make_node("Cast", [inner], ["P"], to=TensorProto.DOUBLE))
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "encoder",
            [given for given in self.model.graph.input if given.name in used],
            [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, width])],
            [tensor for tensor in self.model.graph.initializer if tensor.name in used],
        )
        model = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        return bytes(model.SerializeToString())

    def tail(self, tensor: str, width: int, kind: npt.DTypeLike) -> Tail | None:
        """Give what is done with a tensor ``[n, width]`` before the link; None where that is not affine."""
        if width > _MOST_WIDTH:
            return None
        last = self._last_affine(tensor)
        nodes = _needed(self.nodes, {last}, {tensor})
        if not nodes:
            return Tail(np.eye(width), np.zeros(width))
        used = {name for node in nodes for name in node.input}
        element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        graph = helper.make_graph(
            nodes,
            "tail",
            [helper.make_tensor_value_info(tensor, element, [None, width])],
            [helper.make_tensor_value_info(last, element, None)],
            [constant for constant in self.model.graph.initializer if constant.name in used],
        )
        model = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        probes = np.concatenate((np.zeros((1, width)), np.eye(width), np.random.default_rng(_SEED).random((2, width))))
        return _solved(ReferenceEvaluator(model), tensor, probes.astype(kind), width)

    def _last_affine(self, tensor: str) -> str:
        """Follow a tensor as long as each step is affine; gives the last of those that it becomes."""
        affine, last = {tensor}, tensor
        for node in self.nodes:
            if self._is_affine(node, affine):
                affine.add(node.output[0])
                last = node.output[0]
        return "P" if "P" in affine else last

    def _is_affine(self, node: onnx.NodeProto, affine: set[str]) -> bool:
        mine = [name for name in node.input if name in affine]
        rest = [name for name in node.input if name and name not in affine]
        if not mine or any(name not in self.constants for name in rest):
            return False
        if node.op_type == "Cast":
            return _cast_to(node) in _FLOATS
        is_first = node.input[0] in affine and len(mine) == 1
        is_product = node.op_type in _PRODUCTS and len([name for name in node.input[:2] if name in affine]) == 1
        return node.op_type in _JOINING or (node.op_type in _UNARY and is_first) or is_product


def _solved(evaluator: ReferenceEvaluator, tensor: str, probes: Array, width: int) -> Tail | None:
    try:
        answered: Any = evaluator.run(None, {tensor: probes})
        found = np.asarray(answered[0], np.float64)
    except Exception:  # noqa: BLE001 - whatever the library says of a graph that it cannot run: there is no exact form
        return None
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != _MATRIX or len(found) != len(probes):
        return None
    shift, scale = found[0], found[1 : width + 1] - found[0]
    expected = probes[width + 1 :].astype(np.float64) @ scale + shift
    size = max(1.0, float(np.abs(found).max(initial=0.0)))
    if not np.allclose(found[width + 1 :], expected, rtol=0.0, atol=1e-5 * size):
        return None
    return Tail(scale, shift)


def _cast_to(node: onnx.NodeProto) -> int:
    if node.op_type != "Cast":
        return -1
    return next((int(entry.i) for entry in node.attribute if entry.name == "to"), -1)


def _needed(
    nodes: Sequence[onnx.NodeProto], wanted: set[str], given: set[str] | frozenset[str] = frozenset()
) -> list[onnx.NodeProto]:
    """Give the nodes that some tensors come from, as far back as what is given."""
    wanted, found = set(wanted) - given, []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            wanted |= set(node.input) - given
            found.append(node)
    return found[::-1]


def _renamed(node: onnx.NodeProto, old: str, new: str) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.ClearField("input")
    copy.ClearField("output")
    copy.input.extend(new if name == old else name for name in node.input)
    copy.output.extend(new if name == old else name for name in node.output)
    return copy


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Give a node's attributes by name."""
    return {str(entry.name): helper.get_attribute_value(entry) for entry in node.attribute}
