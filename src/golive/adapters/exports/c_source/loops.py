"""Loops: shapes and strides in, the fewest nested loops of C over them out."""

from collections.abc import Sequence
from math import prod

Shape = tuple[int, ...]
Strides = tuple[int, ...]

_NAMES = "ijklmnopq"


def packed(shape: Shape) -> Strides:
    """Give the strides of an array whose elements stand one after the other, row by row."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Give the shape that arrays of these shapes have together, as numpy has it."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((length for length in lengths if length != 1), 1) for lengths in zip(*padded, strict=True))


def spread(shape: Shape, over: Shape) -> Strides:
    """Give the strides by which an array is read as one of a broadcast shape; a repeated axis has stride 0."""
    missing = len(over) - len(shape)
    strides = (0,) * missing + packed(shape)
    lengths = (1,) * missing + shape
    return tuple(0 if length == 1 else stride for length, stride in zip(lengths, strides, strict=True))


class Nest:
    """Nested loops over a shape that several arrays are walked through with, each by its own strides."""

    def __init__(self, shape: Shape, strides: Sequence[Strides], names: str = _NAMES) -> None:
        axes = [axis for axis, length in enumerate(shape) if length != 1]
        lengths: list[int] = []
        steps: list[list[int]] = [[] for _ in strides]
        for axis in axes:
            mine = [stride[axis] for stride in strides]
            # Two neighboring axes are one where every array walks through them without a jump.
            if lengths and all(step[-1] == stride * shape[axis] for step, stride in zip(steps, mine, strict=True)):
                lengths[-1] *= shape[axis]
                for step, stride in zip(steps, mine, strict=True):
                    step[-1] = stride
                continue
            lengths.append(shape[axis])
            for step, stride in zip(steps, mine, strict=True):
                step.append(stride)
        self._heads = [
            f"for (int {names[depth]} = 0; {names[depth]} < {n}; {names[depth]}++)" for depth, n in enumerate(lengths)
        ]
        self._indices = [_index(step, names) for step in steps]

    def index(self, array: int, offset: int = 0) -> str:
        """Give the index of an array's element inside of all loops."""
        own = self._indices[array]
        if not offset:
            return own
        return str(offset) if own == "0" else f"{own} + {offset}"

    def around(self, *statements: str) -> list[str]:
        """Give the lines of the loops around statements."""
        lines = ["    " * depth + head for depth, head in enumerate(self._heads)]
        inner = "    " * len(self._heads)
        if len(statements) == 1 or not self._heads:
            return lines + [inner + statement for statement in statements]
        lines[-1] += " {"
        return [*lines, *(inner + statement for statement in statements), "    " * (len(self._heads) - 1) + "}"]


def _index(steps: Sequence[int], names: str) -> str:
    parts = [name if step == 1 else f"{name} * {step}" for name, step in zip(names, steps, strict=False) if step]
    return " + ".join(parts) or "0"
