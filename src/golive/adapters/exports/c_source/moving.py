"""Moving: operators that put elements elsewhere and change none."""

from collections.abc import Mapping
from math import prod

import numpy as np

from golive.adapters.exports.c_source.graph import Node, Rule
from golive.adapters.exports.c_source.loops import Nest, broadcast, packed, spread
from golive.adapters.exports.c_source.program import Program, Value, seen_as


def _same(_program: Program, node: Node) -> Value:
    return node.value(0)


def _shape(program: Program, node: Node) -> Value:
    return program.constant(np.asarray(node.value(0).shape, np.int64))


def _reshape(_program: Program, node: Node) -> Value:
    value, wanted = node.value(0), [int(length) for length in node.known(1)]
    if not node.attributes.get("allowzero", 0):
        wanted = [length or value.shape[axis] for axis, length in enumerate(wanted)]
    rest = prod(length for length in wanted if length != -1)
    return seen_as(value, [value.size // rest if length == -1 else length for length in wanted])


def _flatten(_program: Program, node: Node) -> Value:
    value, axis = node.value(0), int(node.attributes.get("axis", 1))
    return seen_as(value, [prod(value.shape[:axis]), prod(value.shape[axis:])])


def _unsqueeze(_program: Program, node: Node) -> Value:
    value, axes = node.value(0), node.integers("axes", 1) or ()
    rank = len(value.shape) + len(axes)
    added = {axis % rank for axis in axes}
    lengths = iter(value.shape)
    return seen_as(value, [1 if axis in added else next(lengths) for axis in range(rank)])


def _squeeze(_program: Program, node: Node) -> Value:
    value, axes = node.value(0), node.integers("axes", 1)
    rank = len(value.shape)
    gone = {axis for axis in range(rank) if value.shape[axis] == 1} if axes is None else {axis % rank for axis in axes}
    return seen_as(value, [length for axis, length in enumerate(value.shape) if axis not in gone])


def _transpose(program: Program, node: Node) -> Value:
    value = node.value(0)
    order = node.attributes.get("perm") or tuple(reversed(range(len(value.shape))))
    shape = tuple(value.shape[axis] for axis in order)
    strides = tuple(packed(value.shape)[axis] for axis in order)
    if sum(length > 1 for length in shape) <= 1:
        return seen_as(value, shape)
    return program.moved(value, shape, strides)


def _expand(program: Program, node: Node) -> Value:
    value = node.value(0)
    shape = broadcast([value.shape, tuple(int(length) for length in node.known(1))])
    if prod(shape) == value.size:
        return seen_as(value, shape)
    return program.moved(value, shape, spread(value.shape, shape))


def _slice(program: Program, node: Node) -> Value:
    value = node.value(0)
    starts, ends = (node.integers(name, place) or () for name, place in (("starts", 1), ("ends", 2)))
    axes = node.integers("axes", 3) or tuple(range(len(starts)))
    steps = node.integers("steps", 4) or (1,) * len(starts)
    ranges = [range(length) for length in value.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = axis % len(ranges)
        ranges[place] = range(value.shape[place])[start:end:step]
    strides = packed(value.shape)
    offset = sum(each.start * stride for each, stride in zip(ranges, strides, strict=True) if len(each))
    shape = tuple(len(each) for each in ranges)
    return program.moved(
        value, shape, tuple(each.step * stride for each, stride in zip(ranges, strides, strict=True)), offset
    )


def _split(program: Program, node: Node) -> tuple[Value, ...]:
    value, axis = node.value(0), int(node.attributes.get("axis", 0))
    axis %= len(value.shape)
    lengths = node.integers("split", 1)
    if lengths is None:
        count = len(node.proto.output)
        most = -(-value.shape[axis] // count)
        lengths = tuple(min(most, value.shape[axis] - most * place) for place in range(count))
    strides, made, start = packed(value.shape), [], 0
    for length in lengths:
        shape = (*value.shape[:axis], length, *value.shape[axis + 1 :])
        made.append(program.moved(value, shape, strides, start * strides[axis]))
        start += length
    return tuple(made)


def _concat(program: Program, node: Node) -> Value:
    values = [node.value(place) for place in range(len(node.inputs))]
    axis = int(node.attributes["axis"]) % len(values[0].shape)
    shape = (*values[0].shape[:axis], sum(value.shape[axis] for value in values), *values[0].shape[axis + 1 :])
    made, start = program.new(shape, values[0].kind), 0
    steps = packed(shape)
    for value in values:
        if value.size:
            program.copied(value, packed(value.shape), 0, made, steps, start * steps[axis], value.shape)
        start += value.shape[axis]
    return made


def _gather(program: Program, node: Node) -> Value:
    table, places = node.value(0), node.value(1)
    axis = int(node.attributes.get("axis", 0)) % max(1, len(table.shape))
    before, after = table.shape[:axis], table.shape[axis + 1 :]
    shape = (*before, *places.shape, *after)
    rows, inner = table.shape[axis], prod(after)
    made = program.new(shape, table.kind)
    whole = (prod(before), places.size, inner)
    nest = Nest(whole, [packed(whole), (rows * inner, 0, 1), (0, 1, 0)])
    index = _place(program, places, nest.index(2), rows)
    source = _sum(nest.index(1), f"{index} * {inner}" if inner > 1 else index)
    program.say(*nest.around(f"{made.name}[{nest.index(0)}] = {_read(program, table, source)};"))
    return made


def _gather_elements(program: Program, node: Node) -> Value:
    table, places = node.value(0), node.value(1)
    axis = int(node.attributes.get("axis", 0)) % len(table.shape)
    strides = packed(table.shape)
    others = tuple(0 if each == axis else stride for each, stride in enumerate(strides))
    made = program.new(places.shape, table.kind)
    nest = Nest(places.shape, [packed(places.shape), others, packed(places.shape)])
    index = _place(program, places, nest.index(2), table.shape[axis])
    source = _sum(nest.index(1), f"{index} * {strides[axis]}" if strides[axis] > 1 else index)
    program.say(*nest.around(f"{made.name}[{nest.index(0)}] = {_read(program, table, source)};"))
    return made


def _feature_extractor(program: Program, node: Node) -> Value:
    table, places = node.value(0), node.value(1)
    named = node.proto.__class__(op_type="Gather", input=node.proto.input, output=node.proto.output)
    flat = seen_as(places, [places.size])
    return _gather(program, Node(named, (table, flat), {"axis": len(table.shape) - 1}, node.walk))


def _place(program: Program, places: Value, index: str, rows: int) -> str:
    """Give the expression of a place in a table; known places are checked now, others when it runs."""
    if places.constant is None:
        return f"place({program.element(places, index)}, {rows})"
    array = np.asarray(places.constant, np.int64)
    counted = np.where(array < 0, array + rows, array)
    return program.element(program.constant(counted), index)


def _read(program: Program, table: Value, source: str) -> str:
    return f"{program.pointer(table)}[{source}]"


def _sum(left: str, right: str) -> str:
    return right if left == "0" else f"{left} + {right}"


MOVING: Mapping[str, Rule] = {
    "Identity": _same,
    "Dropout": _same,
    "Shape": _shape,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Expand": _expand,
    "Slice": _slice,
    "Split": _split,
    "Concat": _concat,
    "Gather": _gather,
    "GatherElements": _gather_elements,
}
"""Operator -> its rule."""
EXTRACTING: Mapping[str, Rule] = {"ArrayFeatureExtractor": _feature_extractor}
"""Operator of ai.onnx.ml -> its rule."""
