"""Windows: operators that slide over the axes of an image or a signal, as networks do."""

from collections.abc import Mapping, Sequence
from math import prod

import msgspec
import numpy as np

from golive.adapters.exports.c_source.graph import Node, Rule
from golive.adapters.exports.c_source.literals import number
from golive.adapters.exports.c_source.loops import packed
from golive.adapters.exports.c_source.program import Program, Value, seen_as

_CHANNELS = 2
"""The axes before the ones that a window slides over: the row and its channels."""


class Window(msgspec.Struct, frozen=True):
    """How a window slides; an entry an axis."""

    size: tuple[int, ...]
    step: tuple[int, ...]
    apart: tuple[int, ...]
    """How far apart its elements are."""
    before: tuple[int, ...]
    """How far it begins before the first element."""
    given: tuple[int, ...]
    """How many elements there are."""
    made: tuple[int, ...]
    """How many places it has."""

    @property
    def rank(self) -> int:
        """How many axes it slides over."""
        return len(self.size)

    def heads(self) -> list[str]:
        """Give the loops over its places, ``o0`` and so on."""
        return [f"for (int o{axis} = 0; o{axis} < {count}; o{axis}++)" for axis, count in enumerate(self.made)]

    def inside(self, *statements: str) -> list[str]:
        """Give the loops over its elements, around what is done with each; ``at`` is its place in a channel."""
        lines, strides = [], packed(self.given)
        for axis in range(self.rank):
            first = f"o{axis} * {self.step[axis]} - {self.before[axis]} + w{axis} * {self.apart[axis]}"
            pad = "    " * axis
            lines += [
                f"{pad}for (int w{axis} = 0; w{axis} < {self.size[axis]}; w{axis}++) {{",
                f"{pad}    const int p{axis} = {first};",
                f"{pad}    if (p{axis} < 0 || p{axis} >= {self.given[axis]}) continue;",
            ]
        pad = "    " * self.rank
        at = " + ".join(f"p{axis} * {strides[axis]}" for axis in range(self.rank))
        lines += [f"{pad}const int at = {at};", *(pad + statement for statement in statements)]
        return lines + ["    " * axis + "}" for axis in reversed(range(self.rank))]


def _window(node: Node, value: Value, size: Sequence[int]) -> Window:
    if node.attributes.get("auto_pad", b"NOTSET") not in {b"NOTSET", b"VALID"}:
        node.refuse("with an automatic border")
    rank, given = len(size), value.shape[_CHANNELS:]
    step = tuple(node.attributes.get("strides", (1,) * rank))
    apart = tuple(node.attributes.get("dilations", (1,) * rank))
    pads = tuple(node.attributes.get("pads", (0,) * (2 * rank)))
    made = []
    for axis in range(rank):
        room = given[axis] + pads[axis] + pads[axis + rank] - apart[axis] * (size[axis] - 1) - 1
        places = (-(-room // step[axis]) if node.attributes.get("ceil_mode", 0) else room // step[axis]) + 1
        # The last window must begin inside, or in the border before.
        is_outside = (places - 1) * step[axis] >= given[axis] + pads[axis]
        made.append(places - 1 if is_outside else places)
    return Window(tuple(size), step, apart, pads[:rank], given, tuple(made))


def _convolution(program: Program, node: Node) -> Value:
    value, weights, bias = node.value(0), node.value(1), node.optional(2)
    groups = int(node.attributes.get("group", 1))
    window = _window(node, value, weights.shape[_CHANNELS:])
    channels, inner = weights.shape[0], weights.shape[1]
    made = program.new((1, channels, *window.made), value.kind)
    source, taken = program.pointer(value), program.pointer(weights)
    elements, places = prod(window.size), prod(window.made)
    own = (
        f"(m / {channels // groups} * {inner} + c) * {prod(window.given)} + at"
        if groups > 1
        else (f"c * {prod(window.given)} + at")
    )
    inside = " + ".join(f"w{axis} * {stride}" for axis, stride in enumerate(packed(window.size)))
    first = program.element(bias, "m") if bias is not None else number(0, value.kind)
    step = f"sum += {source}[{own}] * {taken}[(m * {inner} + c) * {elements} + {inside}];"
    with program.inside(f"for (int m = 0; m < {channels}; m++)"):
        program.say(*window.heads()[:-1])
        with program.inside(window.heads()[-1]):
            program.say(f"{value.kind} sum = {first};", f"for (int c = 0; c < {inner}; c++) {{")
            program.say(*("    " + line for line in window.inside(step)), "}")
            program.say(f"{made.name}[m * {places} + {_place(window)}] = sum;")
    return made


def _place(window: Window) -> str:
    return " + ".join(f"o{axis} * {stride}" for axis, stride in enumerate(packed(window.made)))


def _pool(program: Program, node: Node) -> Value:
    if len(node.proto.output) > 1:
        node.refuse("with the places of the greatest")
    value, is_greatest = node.value(0), node.proto.op_type == "MaxPool"
    window = _window(node, value, node.attributes["kernel_shape"])
    if not is_greatest and node.attributes.get("count_include_pad", 0) and node.attributes.get("ceil_mode", 0):
        node.refuse("with a border that counts and an incomplete last window")
    channels = value.shape[1]
    made = program.new((1, channels, *window.made), value.kind)
    element = program.element(value, f"m * {prod(window.given)} + at")
    step = f"if (count++ == 0 || {element} > sum) sum = {element};" if is_greatest else f"count++, sum += {element};"
    counted = str(prod(window.size)) if node.attributes.get("count_include_pad", 0) else "count"
    with program.inside(f"for (int m = 0; m < {channels}; m++)"):
        program.say(*window.heads()[:-1])
        with program.inside(window.heads()[-1]):
            program.say(f"{value.kind} sum = 0;", "int count = 0;", *window.inside(step))
            whole = "sum" if is_greatest else f"sum / ({value.kind}){counted}"
            program.say(f"{made.name}[m * {prod(window.made)} + {_place(window)}] = {whole};")
    return made


def _normalized(program: Program, node: Node) -> Value:
    value = node.value(0)
    scale, shift, mean, variance = (np.asarray(node.known(place)) for place in range(1, 5))
    root = np.sqrt(variance + variance.dtype.type(node.attributes.get("epsilon", np.float32(1e-5))))
    factor = scale / root
    lengths = (-1, *(1,) * (len(value.shape) - _CHANNELS))
    rows = [program.constant(each.reshape(lengths)) for each in (factor, shift - mean * factor)]
    return program.each(value.kind, lambda a, b, c: f"{a} * {b} + {c}", value, *rows)


def _global_average(program: Program, node: Node) -> Value:
    value = node.value(0)
    inner = prod(value.shape[_CHANNELS:])
    made = program.new(value.shape[:_CHANNELS], value.kind)
    with program.inside(f"for (int m = 0; m < {value.shape[1]}; m++)"):
        program.say(f"{value.kind} sum = 0;")
        program.say(f"for (int at = 0; at < {inner}; at++) sum += {program.element(value, f'm * {inner} + at')};")
        program.say(f"{made.name}[m] = sum / {number(inner, value.kind)};")
    return seen_as(made, (*value.shape[:_CHANNELS], *(1,) * (len(value.shape) - _CHANNELS)))


WINDOWS: Mapping[str, Rule] = {
    "Conv": _convolution,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global_average,
    "BatchNormalization": _normalized,
}
"""Operator -> its rule."""
