"""Surgery: a graph's bytes in, its parts to read and to replace, and bytes again."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.graphs.session import session
from golive.ports import Float64, Int64, Subject

Array = npt.NDArray[Any]


class Layer(msgspec.Struct, frozen=True):
    """A product of a table of rows with a constant matrix (or of images with constant kernels)."""

    place: int
    """Of the node in the graph."""
    weight: str
    axis: int
    """The axis of the weight along which the outputs lie."""


class Surgery:
    """A graph whose nodes and constants can be replaced. Nothing of the given bytes changes."""

    def __init__(self, content: bytes) -> None:
        self._model = onnx.load_from_string(content)
        self.nodes: list[onnx.NodeProto] = list(self._model.graph.node)
        self._constants = {tensor.name: tensor for tensor in self._model.graph.initializer}
        self._taken = {*self._constants, *(name for node in self.nodes for name in (*node.input, *node.output))}
        self._fresh = 0

    def constant(self, name: str) -> Array | None:
        """Give a constant, or None when the name is no constant's."""
        return numpy_helper.to_array(self._constants[name]) if name in self._constants else None

    def constants(self) -> Iterator[tuple[str, Array]]:
        """Give every constant with its name."""
        for name, tensor in list(self._constants.items()):
            yield name, numpy_helper.to_array(tensor)

    def add_constant(self, value: Array | np.generic) -> str:
        """Keep a constant under a new name."""
        name = self.fresh()
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def use(self, domain: str, version: int) -> None:
        """Say that the graph has operators of a domain beside ONNX's own."""
        if all(entry.domain != domain for entry in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(domain, version))

    def remove_constant(self, name: str) -> None:
        """Take a constant away; a node is to give it instead."""
        del self._constants[name]

    def fresh(self) -> str:
        """Give a name that no tensor of the graph has."""
        self._fresh += 1
        while f"o{self._fresh}" in self._taken:
            self._fresh += 1
        return f"o{self._fresh}"

    def double_tensors(self) -> frozenset[str]:
        """Give the names of the tensors, constants among them, that hold float64."""
        known = onnx.shape_inference.infer_shapes(self._model).graph
        values = (*known.value_info, *known.input, *known.output)
        found = {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.DOUBLE}
        return frozenset(
            found | {name for name, tensor in self._constants.items() if tensor.data_type == TensorProto.DOUBLE}
        )

    def layers(self, dtype: type[np.floating[Any]]) -> list[Layer]:
        """List the products with a constant of that type, in the order of the graph."""
        found = []
        for place, node in enumerate(self.nodes):
            axis = _output_axis(node)
            weight = self.constant(node.input[1]) if axis is not None else None
            if axis is not None and weight is not None and weight.dtype == dtype and weight.ndim > 1:
                found.append(Layer(place, node.input[1], axis))
        return found

    def bytes(self, *, outputs: Sequence[str] = (), width: int | None = None) -> bytes:
        """Put the graph together again, without nodes and constants that nobody reads.

        Args:
            outputs: float64 tensors to give instead of ``P``.
            width: of ``P``, where that is another one now.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        graph = model.graph
        nodes = _needed(self.nodes, outputs or [value.name for value in graph.output])
        used = {name for node in nodes for name in _reads(node)}
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(nodes)
        graph.initializer.extend(tensor for name, tensor in self._constants.items() if name in used)
        if outputs:
            del graph.output[:]
            graph.output.extend(helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in outputs)
        if width is not None:
            del graph.output[:]
            graph.output.append(helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, width]))
        return bytes(model.SerializeToString())


def run(content: bytes, outputs: Sequence[str], numbers: Float64, codes: Int64) -> list[Array]:
    """Run a graph on rows, in this process, and give some of its outputs."""
    opened = session(content)
    given = feeds(opened, numbers, codes)
    return [np.asarray(found) for found in opened.run(list(outputs), given)]


def feeds(opened: Any, numbers: Float64, codes: Int64) -> dict[str, Array]:
    """Give a session's inputs, those that it has."""
    rows = {"N": numbers, "C": codes}
    return {node.name: rows[node.name] for node in opened.get_inputs()}


def some_rows(subject: Subject, most: int) -> Int64:
    """Choose rows of the subject at random, the same ones each time."""
    count = len(subject.answers)
    rng = np.random.default_rng(subject.seed)
    return np.sort(rng.permutation(count)[:most]).astype(np.int64)


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Read an attribute of a node."""
    for entry in node.attribute:
        if entry.name == name:
            return helper.get_attribute_value(entry)
    return default


def _output_axis(node: onnx.NodeProto) -> int | None:
    if node.domain not in {"", "ai.onnx"} or len(node.input) < 2:  # noqa: PLR2004 - rows and weights
        return None
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return {"MatMul": -1, "Conv": 0}.get(node.op_type)


def _needed(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted |= _reads(node)
            kept.append(node)
    return kept[::-1]


def _reads(node: onnx.NodeProto) -> set[str]:
    found = set(node.input)
    for entry in node.attribute:
        if entry.HasField("g"):
            found.update(name for inner in entry.g.node for name in _reads(inner))
            found.update(value.name for value in entry.g.output)
    return found
