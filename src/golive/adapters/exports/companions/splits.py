"""Splits: a graph in, the values out at which its answer can jump, by the column that a caller sends.

An answer jumps where a tree of the graph splits. The tree's column is followed back to the input while it is a column
of ``N`` moved or scaled by constants; what is anything else is left out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from golive.adapters.graphs.tree_ensemble import OPERATOR, TreeEnsemble, read_node
from golive.domain.preparation import Preparation

Line = tuple[int, float, float] | None
"""The place in ``N``, the factor and the shift of a straight line of one number."""

_MOST = 200
_SAME = {"Identity", "Cast", "Min", "Max"}
_MOVES = {"Add", "Sub", "Mul", "Div"}


def split_values(graph: bytes, preparation: Preparation) -> dict[str, tuple[float, ...]]:
    """Give number column -> split values, ascending, at most 200 spread evenly over all of them."""
    model = onnx.load_model_from_string(graph)
    lines: dict[str, list[Line]] = {"N": [(place, 1.0, 0.0) for place in range(len(preparation.numbers))]}
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found: dict[str, set[float]] = {}
    for node in model.graph.node:
        if node.op_type == OPERATOR and node.input[0] in lines:
            for column, value in _splits(read_node(node), lines[node.input[0]]):
                found.setdefault(preparation.numbers[column], set()).add(value)
        elif (made := _followed(node, lines, constants)) is not None:
            lines[node.output[0]] = made
    return {column: _spread(sorted(values)) for column, values in sorted(found.items())}


def _followed(
    node: onnx.NodeProto, lines: Mapping[str, list[Line]], constants: Mapping[str, npt.NDArray[Any]]
) -> list[Line] | None:
    """Give the lines of a node's columns, or None where they are not all known by their number."""
    names = list(node.input)
    own = next((lines[name] for name in names if name in lines), None)
    if own is None:
        return None
    if node.op_type in _SAME or (node.op_type == "Where" and names[2] in lines):
        return lines[names[2]] if node.op_type == "Where" else own
    by_columns = any(each.name == "axis" and each.i in {1, -1} for each in node.attribute)
    if node.op_type == "Gather" and by_columns and names[1] in constants:
        return [own[int(place)] for place in constants[names[1]].reshape(-1)]
    if node.op_type == "Concat" and by_columns and all(name in lines for name in names):
        return [line for name in names for line in lines[name]]
    if node.op_type in _MOVES and names[0] in lines and names[1] in constants:
        row = constants[names[1]].reshape(-1)
        if len(row) in {1, len(own)}:
            pairs = zip(own, np.broadcast_to(row, len(own)), strict=True)
            return [_moved(node.op_type, line, float(value)) for line, value in pairs]
    return None


def _moved(kind: str, line: Line, value: float) -> Line:
    if line is None or (kind in {"Mul", "Div"} and value == 0.0):
        return None
    place, scale, shift = line
    match kind:
        case "Add":
            return place, scale, shift + value
        case "Sub":
            return place, scale, shift - value
        case "Mul":
            return place, scale * value, shift * value
    return place, scale / value, shift / value


def _splits(ensemble: TreeEnsemble, lines: list[Line]) -> list[tuple[int, float]]:
    found = []
    for feature, value in set(zip(ensemble.features.tolist(), ensemble.splits.tolist(), strict=True)):
        line = lines[feature] if feature < len(lines) else None
        if line is not None and np.isfinite(value):
            place, scale, shift = line
            found.append((place, value if (scale, shift) == (1.0, 0.0) else (value - shift) / scale))
    return found


def _spread(values: list[float]) -> tuple[float, ...]:
    if len(values) <= _MOST:
        return tuple(values)
    places = np.linspace(0, len(values) - 1, _MOST).round().astype(int)
    return tuple(values[place] for place in places)
