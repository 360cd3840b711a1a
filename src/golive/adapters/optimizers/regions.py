"""Regions: from the units of one product to the product that reads them, and what lies between.

Units are the columns that a ``Gemm`` or ``MatMul`` gives, and the channels that a ``Conv`` gives. They can be taken
away where every operator between treats each unit by itself, so that it is known which cells of each tensor are whose.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import TensorProto

from golive.adapters.optimizers.surgery import Array, Layer, Surgery, attribute
from golive.ports import Int64

_ALONE = frozenset(
    (
        *("Identity", "Cast", "Dropout", "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Tanh", "Sigmoid", "HardSigmoid"),
        *("HardSwish", "Softplus", "Softsign", "Mish", "Gelu", "Erf", "Exp", "Neg", "Abs", "Sqrt", "ThresholdedRelu"),
    )
)
"""Operators of one tensor, cell by cell."""
_TOGETHER = frozenset(("Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "PRelu", "Clip", "BatchNormalization"))
"""Operators of several tensors, cell by cell or unit by unit."""
_POOLS = frozenset(("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"))
_FLOATS = (np.float32, np.float64)
_TABLE = 2

Shapes = Mapping[str, tuple[int | None, ...]]
"""Tensor -> its shape, None for a length that is not known (the number of rows)."""


class Layout(msgspec.Struct, frozen=True, eq=False):
    """Where the units lie in a tensor: each place along ``axis`` belongs to the unit ``owners`` names."""

    axis: int
    owners: Int64


class Share(msgspec.Struct, frozen=True, eq=False):
    """A constant that has one entry for each place of a layout, such as an offset or the scales of a normalization."""

    place: int
    """Of the node that reads it."""
    argument: int
    axis: int
    owners: Int64


class Region(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Two products and what lies between them."""

    first: Layer
    last: Layer
    units: int
    owners: Int64
    """Which unit each input of ``last`` belongs to: its columns, or its channels."""
    shares: tuple[Share, ...]
    flattened: Mapping[int, Int64]
    """Place of a node that makes images flat -> the owners of what it gives."""


def regions(surgery: Surgery) -> list[Region]:
    """List the regions of a graph whose units can be taken away, in the order of the graph."""
    if any(entry.HasField("g") for node in surgery.nodes for entry in node.attribute):
        return []
    shapes = shapes_of(surgery)
    layers = {layer.place: layer for dtype in _FLOATS for layer in surgery.layers(dtype)}
    found = (_Walk(surgery, shapes, layers, layers[place]).region() for place in sorted(layers))
    return [region for region in found if region is not None]


def shapes_of(surgery: Surgery) -> Shapes:
    """Give the shapes of the tensors of a graph, as far as they can be told without rows."""
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(surgery.bytes())).graph
    return {value.name: _shape(value) for value in (*graph.value_info, *graph.input, *graph.output)}


def is_plain(node: onnx.NodeProto) -> bool:
    """Say whether a product is one of whole rows: no factors, no turned rows, no groups of channels."""
    plain = {"transA": 0, "alpha": 1.0, "beta": 1.0, "group": 1, "auto_pad": b"NOTSET"}
    return all(attribute(node, name, default) == default for name, default in plain.items())


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    if value.type.tensor_type.elem_type == TensorProto.STRING:
        return ()
    return tuple(entry.dim_value if entry.HasField("dim_value") else None for entry in value.type.tensor_type.shape.dim)


class _Walk:
    """Follows the units of one product through the nodes behind it."""

    def __init__(self, surgery: Surgery, shapes: Shapes, layers: Mapping[int, Layer], first: Layer) -> None:
        self._surgery, self._shapes, self._layers, self._first = surgery, shapes, layers, first
        self._layouts: dict[str, Layout] = {}
        self._shares: list[Share] = []
        self._flattened: dict[int, Int64] = {}

    def region(self) -> Region | None:
        """Give the region that begins with the product; None where its units reach more than one other product."""
        node = self._surgery.nodes[self._first.place]
        weight = self._surgery.constant(self._first.weight)
        if weight is None or not self._reads_rows(node, weight):
            return None
        units = weight.shape[self._first.axis]
        self._layouts[node.output[0]] = Layout(1, np.arange(units))
        last: Layer | None = None
        for place in range(self._first.place + 1, len(self._surgery.nodes)):
            node = self._surgery.nodes[place]
            if not any(name in self._layouts for name in node.input):
                continue
            if place in self._layers and last is None and self._is_read_by(node, self._layers[place]):
                last = self._layers[place]
            elif not self._carried(place, node):
                return None
        if last is None or "P" in self._layouts:
            return None
        owners = self._layouts[self._surgery.nodes[last.place].input[0]].owners
        return Region(
            first=self._first,
            last=last,
            units=units,
            owners=owners,
            shares=tuple(self._shares),
            flattened=self._flattened,
        )

    def _reads_rows(self, node: onnx.NodeProto, weight: Array) -> bool:
        rank = len(self._shapes.get(node.output[0], ()))
        return is_plain(node) and weight.ndim >= _TABLE and rank == (_TABLE if node.op_type != "Conv" else weight.ndim)

    def _is_read_by(self, node: onnx.NodeProto, layer: Layer) -> bool:
        weight = self._surgery.constant(layer.weight)
        layout = self._layouts.get(node.input[0])
        others = [name for name in node.input[1:] if name in self._layouts]
        return (
            weight is not None
            and layout is not None
            and layout.axis == 1
            and not others
            and (self._reads_rows(node, weight))
        )

    def _carried(self, place: int, node: onnx.NodeProto) -> bool:
        """Say where the units lie in what a node gives; False where it mixes them."""
        if node.domain not in {"", "ai.onnx"} or node.input[0] == "":
            return False
        layout = self._layouts.get(node.input[0])
        if node.op_type in _TOGETHER:
            layout = self._together(place, node)
        elif layout is not None and node.op_type in _POOLS:
            layout = layout if layout.axis == 1 and len(node.output) == 1 else None
        elif layout is not None and node.op_type == "Transpose":
            layout = _turned(layout, attribute(node, "perm"))
        elif layout is not None and node.op_type in {"Reshape", "Flatten"}:
            layout = self._flat(place, node, layout)
        elif layout is not None and node.op_type == "ReduceMean":
            layout = self._mean(node, layout)
        elif node.op_type not in _ALONE:
            layout = None
        if layout is None:
            return False
        self._layouts[node.output[0]] = layout
        return True

    def _together(self, place: int, node: onnx.NodeProto) -> Layout | None:
        given = [self._layouts[name] for name in node.input if name in self._layouts]
        layout, rank = given[0], len(self._shapes.get(node.output[0], ()))
        if any(len(self._shapes.get(name, ())) != rank for name in node.input if name in self._layouts):
            return None
        if any(other.axis != layout.axis or (other.owners != layout.owners).any() for other in given[1:]):
            return None
        for argument, name in enumerate(node.input):
            if name in self._layouts or not name:
                continue
            value = self._surgery.constant(name)
            if value is None or not self._shared(place, argument, value, layout, rank):
                return None
        return layout

    def _shared(self, place: int, argument: int, value: Array, layout: Layout, rank: int) -> bool:
        """Note a constant that has entries for the units; False where it does not fit them."""
        of_units = self._surgery.nodes[place].op_type == "BatchNormalization"
        axis = 0 if of_units else layout.axis - (rank - value.ndim)
        if value.ndim > rank or (of_units and layout.axis != 1):
            return False
        if axis < 0 or value.shape[axis] == 1:
            return value.size < len(layout.owners) or axis >= 0
        if value.shape[axis] != len(layout.owners):
            return False
        self._shares.append(Share(place, argument, axis, layout.owners))
        return True

    def _flat(self, place: int, node: onnx.NodeProto, layout: Layout) -> Layout | None:
        before, after = self._shapes.get(node.input[0], ()), self._shapes.get(node.output[0], ())
        lengths = [length for length in before[1:] if length is not None]
        if len(lengths) != len(before) - 1 or len(after) != _TABLE or after[1] != math.prod(lengths):
            return None
        along = [1] * len(lengths)
        along[layout.axis - 1] = len(layout.owners)
        owners = np.broadcast_to(layout.owners.reshape(along), lengths).reshape(-1)
        if node.op_type == "Reshape":
            self._flattened[place] = owners
        return Layout(1, owners)

    def _mean(self, node: onnx.NodeProto, layout: Layout) -> Layout | None:
        """Follow a mean over the pixels of each channel."""
        rank = len(self._shapes.get(node.input[0], ()))
        axes = self._surgery.constant(node.input[1]) if len(node.input) > 1 else None
        over = {int(axis) % rank for axis in axes.reshape(-1)} if axes is not None and rank else set()
        return layout if layout.axis == 1 and over and min(over) > 1 else None


def _turned(layout: Layout, order: Sequence[int] | None) -> Layout | None:
    if order is None or order[0] != 0:
        return None
    return Layout(list(order).index(layout.axis), layout.owners)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Give the attributes of a node as plain values."""
    return {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
