"""Graph: a builder of double-precision ONNX graphs, and Block, the table of numbers that flows through one.

Inputs are ``N`` (float64 ``[rows, numbers]``) and ``C`` (int64 ``[rows, categories]``); the output is ``P``
(float64 ``[rows, outputs]``). Opset 21 with ai.onnx.ml 5, whose TreeEnsemble takes double thresholds.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from golive.ports import Float64, Int64

IR_VERSION = 10
OPSETS = {"": 21, "ai.onnx.ml": 5}
THRESHOLD_LIMIT = 200
"""How many split values a column hands to the parity proof, spread evenly over all of them."""

PAIR = 2
"""The number of classes whose probabilities are p and 1 - p."""

Arithmetic = Literal["Add", "Sub", "Mul", "Div"]
Operand = str | npt.NDArray[Any] | float


class Source(msgspec.Struct, frozen=True):
    """Where a block's column comes from, when it is a straight line of one raw column: ``scale * raw + shift``."""

    column: str
    scale: float = 1.0
    shift: float = 0.0

    def raw(self, value: float) -> float:
        """Map a value of the block's column back to the raw column."""
        return value if (self.scale, self.shift) == (1.0, 0.0) else (value - self.shift) / self.scale


class Block(msgspec.Struct, frozen=True):
    """A float64 tensor ``[rows, width]`` of the graph, by name."""

    tensor: str
    width: int
    sources: tuple[Source | None, ...] = ()
    """One for each column, or empty when no column is a straight line of a raw one."""
    rise: "Rise | None" = None
    """The curve that made it out of another block, where each column is a rising one of the same column there."""

    def source(self, column: int) -> Source | None:
        """Say which raw column this column is a straight line of."""
        return self.sources[column] if self.sources else None


class Rise(msgspec.Struct, frozen=True, eq=False):
    """A curve that rises, column by column, as the original computes it."""

    before: Block
    """What goes into it."""
    curve: Callable[[Float64], Float64]
    """The original's own function of a table ``[rows, width]``."""
    lowest: float = -sys.float_info.max
    """The least value that it is defined for."""


class Graph:
    """Collects nodes and constants; equal constants are stored once."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._names: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._input_gathers: list[tuple[onnx.NodeProto, tuple[int, ...]]] = []
        self._thresholds: dict[str, set[float]] = {}

    def constant(self, value: npt.NDArray[Any] | float) -> str:
        """Store a constant and give its name. Python floats become float64 scalars."""
        array = np.asarray(value)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._names:
            self._names[key] = f"k{len(self._names)}"
            self._constants.append(numpy_helper.from_array(array, self._names[key]))
        return self._names[key]

    def op(self, kind: str, *operands: Operand, **attributes: Any) -> str:
        """Add one node with one output and give the output's name; arrays and floats become constants."""
        names = [operand if isinstance(operand, str) else self.constant(operand) for operand in operands]
        output = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def input_columns(self, tensor: Literal["N", "C"], positions: Sequence[int]) -> str:
        """Take columns of an input; a selection of all of them, in order, costs nothing at run time."""
        output = self.op("Gather", tensor, np.asarray(positions, np.int64), axis=1)
        self._input_gathers.append((self._nodes[-1], tuple(positions)))
        return output

    def select(self, block: Block, columns: Sequence[int] | Int64) -> Block:
        """Take columns of a block, in the given order."""
        wanted = [int(column) for column in columns]
        if wanted == list(range(block.width)):
            return block
        sources = tuple(block.source(column) for column in wanted) if block.sources else ()
        tensor = self.op("Gather", block.tensor, np.asarray(wanted, np.int64), axis=1)
        return Block(tensor, len(wanted), sources)

    def join(self, blocks: Sequence[Block]) -> Block:
        """Put blocks side by side."""
        filled = [block for block in blocks if block.width]
        if len(filled) == 1:
            return filled[0]
        sources = tuple(block.source(column) for block in filled for column in range(block.width))
        tensor = self.op("Concat", *(block.tensor for block in filled), axis=1)
        return Block(tensor, len(sources), sources)

    def by_row(self, kind: Arithmetic, block: Block, row: npt.ArrayLike) -> Block:
        """Combine every row with one row of constants, and remember the straight line this makes."""
        values = np.broadcast_to(np.asarray(row, np.float64).reshape(-1), (block.width,))
        sources = tuple(
            _moved(kind, source, float(value))
            for source, value in zip(block.sources, values, strict=bool(block.sources))
        )
        return Block(self.op(kind, block.tensor, values[None, :].copy()), block.width, sources)

    def each(self, kind: str, block: Block, *others: Operand, **attributes: Any) -> Block:
        """Apply an elementwise operation; the columns are no straight lines of raw ones afterwards."""
        return Block(self.op(kind, block.tensor, *others, **attributes), block.width)

    def clip(self, block: Block, low: npt.ArrayLike, high: npt.ArrayLike) -> Block:
        """Clip to bounds, NaN staying NaN (``Min`` and ``Max`` of ONNX keep it, ``Clip`` takes scalars only)."""
        rows = [np.asarray(bound, np.float64).reshape(1, -1) for bound in (low, high)]
        clipped = self.op("Min", self.op("Max", block.tensor, rows[0]), rows[1])
        return Block(clipped, block.width, block.sources)

    def is_missing(self, block: Block) -> str:
        """Give a boolean tensor: where the block is NaN."""
        return self.op("IsNaN", block.tensor)

    def to_double(self, tensor: str) -> str:
        """Cast to float64."""
        return self.op("Cast", tensor, to=TensorProto.DOUBLE)

    def to_integer(self, tensor: str) -> str:
        """Cast to int64."""
        return self.op("Cast", tensor, to=TensorProto.INT64)

    def as_float32(self, block: Block) -> Block:
        """Round to float32 and back, as scikit-learn's trees do with their input."""
        narrow = self.op("Cast", block.tensor, to=TensorProto.FLOAT)
        return Block(self.to_double(narrow), block.width, block.sources)

    def repeated(self, row: npt.ArrayLike, like: Block) -> Block:
        """Repeat one row of constants for every row of ``like``."""
        values = np.asarray(row, np.float64).reshape(1, -1)
        rows = self.op("Slice", self.op("Shape", like.tensor), np.array([0]), np.array([1]))
        shape = self.op("Concat", rows, np.array([values.shape[1]]), axis=0)
        return Block(self.op("Expand", values, shape), values.shape[1])

    def product(self, block: Block, weights: npt.ArrayLike, offsets: npt.ArrayLike) -> Block:
        """Give ``block @ weights + offsets`` with weights ``[width, outputs]``; offsets have an entry an output.

        ONNX Runtime fuses a factor of one cell into a neighboring MatMul and rounds it to float32. So no such factor
        may touch a MatMul: a block of one column is multiplied cell by cell instead.
        """
        matrix = np.ascontiguousarray(np.asarray(weights, np.float64))
        row = np.asarray(offsets, np.float64).reshape(1, -1)
        kind = "Mul" if block.width == 1 else "MatMul"
        return Block(self.op("Add", self.op(kind, block.tensor, matrix), row), matrix.shape[1])

    def row_sum(self, tensor: str, axis: int = 1, *, keep: bool = True) -> str:
        """Sum over one axis."""
        return self.op("ReduceSum", tensor, np.array([axis]), keepdims=int(keep))

    def total(self, block: Block) -> str:
        """Give the sum of each row, ``[rows, 1]``.

        ONNX Runtime's ReduceSum adds an odd number of columns in an order that depends on the row's place in memory, so
        the same row would get other bits alone than among others. A product with ones has one order.
        """
        if block.width == 1:
            return block.tensor
        if block.width % 2:
            return self.op("MatMul", block.tensor, np.ones((block.width, 1)))
        return self.row_sum(block.tensor)

    def sigmoid(self, block: Block) -> Block:
        """Write 1 / (1 + exp(-x)); ONNX Runtime's own Sigmoid is off by 1e-16, too much for a probability of 1e-11."""
        grown = self.op("Add", self.op("Exp", self.op("Neg", block.tensor)), 1.0)
        return Block(self.op("Reciprocal", grown), block.width)

    def with_complement(self, second: Block) -> Block:
        """Turn the probability of the second class ``[rows, 1]`` into both, ``[rows, 2]``."""
        return Block(self.op("Concat", self.op("Sub", 1.0, second.tensor), second.tensor, axis=1), 2)

    def splice(self, model: onnx.ModelProto, tensor: str, output: str) -> str:
        """Append another model's nodes and constants under fresh names; its one input becomes ``tensor``.

        Returns the new name of its ``output``.
        """
        prefix = f"s{len(self._nodes)}_"
        graph = compose.add_prefix(model, prefix).graph
        self._nodes.append(helper.make_node("Identity", [tensor], [graph.input[0].name]))
        self._nodes.extend(graph.node)
        self._constants.extend(graph.initializer)
        return prefix + output

    def note_thresholds(self, block: Block, column: int, values: Float64) -> None:
        """Remember where an answer can jump, when the column is a straight line of a raw one."""
        source = block.source(column)
        if source is None or source.scale == 0.0 or not np.isfinite(source.scale):
            return
        known = self._thresholds.setdefault(source.column, set())
        known.update(source.raw(float(value)) for value in np.unique(values) if np.isfinite(value))

    def thresholds(self) -> dict[str, tuple[float, ...]]:
        """Give every raw column's split values, ascending, at most :data:`THRESHOLD_LIMIT` a column."""
        return {column: _spread(sorted(values)) for column, values in sorted(self._thresholds.items())}

    def finish(self, answer: Block, *, numbers: int, categories: int) -> bytes:
        """Close the graph and serialize it. An input with no columns is left out."""
        widths = {"N": numbers, "C": categories}
        for node, positions in self._input_gathers:
            if positions == tuple(range(widths[node.input[0]])):
                node.op_type = "Identity"
                del node.input[1:], node.attribute[:]
        self._nodes.append(helper.make_node("Identity", [answer.tensor], ["P"]))
        kinds = {"N": TensorProto.DOUBLE, "C": TensorProto.INT64}
        inputs = [
            helper.make_tensor_value_info(name, kinds[name], [None, width]) for name, width in widths.items() if width
        ]
        output = helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, answer.width])
        nodes = _needed(self._nodes, "P")
        used = {name for node in nodes for name in reads(node)}
        constants = [tensor for tensor in self._constants if tensor.name in used]
        graph = helper.make_graph(nodes, "golive", inputs, [output], constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="golive")
        return bytes(model.SerializeToString())


def nested(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Give nodes, each before those of the graphs inside it."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nested(attribute.g.node)


def reads(node: onnx.NodeProto) -> set[str]:
    """Give the tensors that a node, or a graph inside it, reads."""
    return {name for inner in nested([node]) for name in inner.input}


def _needed(nodes: Sequence[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """Give the nodes that an output comes from, in their order."""
    wanted, found = {output}, []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            wanted |= reads(node)
            found.append(node)
    return found[::-1]


def _moved(kind: Arithmetic, source: Source | None, value: float) -> Source | None:
    if source is None:
        return None
    match kind:
        case "Add":
            return Source(source.column, source.scale, source.shift + value)
        case "Sub":
            return Source(source.column, source.scale, source.shift - value)
        case "Mul":
            return Source(source.column, source.scale * value, source.shift * value)
        case "Div":
            return Source(source.column, source.scale / value, source.shift / value) if value else None


def _spread(values: list[float]) -> tuple[float, ...]:
    if len(values) <= THRESHOLD_LIMIT:
        return tuple(values)
    positions = np.linspace(0, len(values) - 1, THRESHOLD_LIMIT).round().astype(int)
    return tuple(values[position] for position in positions)
