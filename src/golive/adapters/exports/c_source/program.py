"""Program: the statements, tables and helper functions of one C function while they are being written."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import prod
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.adapters.exports.c_source.literals import KINDS, number, table
from golive.adapters.exports.c_source.loops import Nest, Shape, Strides, broadcast, packed, spread

HELPERS = {
    "least": "static double least(double a, double b) { return isnan(a) || a < b ? a : b; }",
    "most": "static double most(double a, double b) { return isnan(a) || a > b ? a : b; }",
    "place": (
        "/* The place of an index among so many rows: from the end where it is negative, never outside. */\n"
        "static int place(int64_t index, int rows) {\n"
        "    if (index < 0) index += rows;\n"
        "    return index < 0 ? 0 : index >= rows ? rows - 1 : (int)index;\n"
        "}"
    ),
    "whole": ("static int64_t whole(double a) { return a >= -9.2e18 && a <= 9.2e18 ? (int64_t)a : INT64_MIN; }"),
    "narrow": (
        "/* Rounds to float; volatile, because gcc 12 drops the rounding where it vectorizes. */\n"
        "static float narrow(double a) {\n"
        "    volatile float rounded = (float)a;\n"
        "    return rounded;\n"
        "}"
    ),
    "modulo": "static int64_t modulo(int64_t a, int64_t b) { return ((a % b) + b) % b; }",
    "holds": (
        "/* Whether the ascending values from one place up to another hold this one. */\n"
        "static int holds(const double *values, int from, int to, double a) {\n"
        "    while (from < to) {\n"
        "        const int middle = from + (to - from) / 2;\n"
        "        if (values[middle] == a) return 1;\n"
        "        if (values[middle] < a) from = middle + 1;\n"
        "        else to = middle;\n"
        "    }\n"
        "    return 0;\n"
        "}"
    ),
    "sigmoid": (
        "static double sigmoid(double a) { return a >= 0.0 ? 1.0 / (1.0 + exp(-a)) : exp(a) / (1.0 + exp(a)); }"
    ),
}
"""Functions that are written where a statement calls them."""


class Value(msgspec.Struct, frozen=True, eq=False):
    """A tensor of the graph, for one row."""

    name: str
    """A C expression that points to its elements; of a constant, empty: its table is written when it is read."""
    shape: Shape
    kind: str
    """The C type of an element."""
    constant: Any = None
    """numpy, where it is known while the source is written."""

    @property
    def size(self) -> int:
        """How many elements it has."""
        return prod(self.shape)


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A program that is finished."""

    lines: tuple[str, ...]
    tables: tuple[str, ...]
    helpers: tuple[str, ...]
    work_bytes: int
    """What the temporary arrays take, all together."""


class Program:
    """Collects what a graph becomes."""

    def __init__(self, letter: str = "k") -> None:
        self.lines: list[str] = []
        self._tables: dict[str, str] = {}
        self._letter = letter
        self._names: dict[tuple[str, bytes], str] = {}
        self._bytes: dict[str, int] = {}
        self._starts = [0]
        self._count = 0
        self._depth = 0

    def fresh(self, letter: str) -> str:
        """Give a name that is not in use."""
        self._count += 1
        return f"{letter}{self._count}"

    def say(self, *lines: str) -> None:
        """Append statements."""
        self.lines += ["    " * (self._depth + 1) + line for line in lines]

    @contextmanager
    def inside(self, head: str) -> Iterator[None]:
        """Put what is said meanwhile into a block."""
        self.say(f"{head} {{")
        self._depth += 1
        yield
        self._depth -= 1
        self.say("}")

    def end_piece(self) -> None:
        """Say that what was said since the last piece belongs together: it is written as a whole or not at all."""
        if self._depth == 0:
            self._starts.append(len(self.lines))

    def finished(self) -> "Body":
        """Give what the last piece needs; a result of which only the shape counts is not computed."""
        pairs = list(pairwise([*self._starts, len(self.lines)]))
        needed: set[str] = set()
        kept: list[list[str]] = []
        for start, stop in reversed(pairs):
            lines = self.lines[start:stop]
            text = "\n".join(lines)
            if not kept or needed.intersection(_DECLARED.findall(text)):
                kept.append(lines)
                needed.update(_WORD.findall(text))
        return Body(
            lines=tuple(line for lines in reversed(kept) for line in lines),
            tables=tuple(text for name, text in self._tables.items() if name in needed),
            helpers=tuple(text for name, text in HELPERS.items() if name in needed),
            work_bytes=sum(size for name, size in self._bytes.items() if name in needed),
        )

    def constant(self, array: npt.NDArray[Any]) -> Value:
        """Make a value of what is known."""
        return Value("", array.shape, KINDS[array.dtype.name], array)

    def table(self, array: npt.NDArray[Any], kind: str) -> str:
        """Write a constant array once, and give its name."""
        key = (kind, array.tobytes())
        if key not in self._names:
            name = self._names[key] = self.fresh(self._letter)
            self._tables[name] = table(name, array, kind)
        return self._names[key]

    def pointer(self, value: Value) -> str:
        """Give the expression that points to a value's elements."""
        return value.name if value.constant is None else self.table(np.asarray(value.constant), value.kind)

    def element(self, value: Value, index: str) -> str:
        """Give the expression of one element; a constant of one element stands there itself."""
        if value.constant is not None and value.size == 1:
            return number(value.constant.reshape(-1)[0].item(), value.kind)
        return f"{self.pointer(value)}[{index}]"

    def new(self, shape: Shape, kind: str) -> Value:
        """Declare a temporary array."""
        value = Value(self.fresh("t"), shape, kind)
        self.lines.append(self.declaration(value))
        return value

    def declaration(self, value: Value) -> str:
        """Give the line that declares a temporary array."""
        self._bytes[value.name] = max(1, value.size) * _BYTES[value.kind]
        return "    " * (self._depth + 1) + f"{value.kind} {value.name}[{max(1, value.size)}];"

    def each(self, kind: str, write: Callable[..., str], *operands: Value) -> Value:
        """Compute every element of a broadcast of the operands; ``write`` gives the expression of one."""
        shape = broadcast([operand.shape for operand in operands])
        made = self.new(shape, kind)
        nest = Nest(shape, [packed(shape), *(spread(operand.shape, shape) for operand in operands)])
        elements = [self.element(operand, nest.index(place + 1)) for place, operand in enumerate(operands)]
        self.say(*nest.around(f"{made.name}[{nest.index(0)}] = {write(*elements)};"))
        return made

    def moved(self, value: Value, shape: Shape, strides: Strides, offset: int = 0) -> Value:
        """Copy elements: the result's element at a place is the one that the strides lead to."""
        made = self.new(shape, value.kind)
        self.copied(value, strides, offset, made, packed(shape), 0, shape)
        return made

    def copied(
        self, value: Value, strides: Strides, offset: int, into: Value, steps: Strides, start: int, shape: Shape
    ) -> None:
        """Copy a block of that shape from one array into another, each by its own strides."""
        nest = Nest(shape, [steps, strides])
        source = self.element(value, nest.index(1, offset))
        self.say(*nest.around(f"{into.name}[{nest.index(0, start)}] = {source};"))


def seen_as(value: Value, shape: Sequence[int]) -> Value:
    """Give the same elements in another shape; nothing is written."""
    constant = None if value.constant is None else np.asarray(value.constant).reshape(tuple(shape))
    return Value(value.name, tuple(shape), value.kind, constant)


_WORD = re.compile(r"[A-Za-z]\w*")
_DECLARED = re.compile(r"^ *[a-z][a-z0-9_ ]* (t\d+)\[\d+\];$", re.MULTILINE)
_BYTES = {kind: np.dtype(name).itemsize for name, kind in KINDS.items()}
