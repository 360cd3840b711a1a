"""Trees: a TreeEnsemble of ai.onnx.ml 5 as tables and one loop."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

from golive.adapters.exports.c_source.graph import Node, Rule
from golive.adapters.exports.c_source.literals import narrow
from golive.adapters.exports.c_source.program import Program, Value

_SIGNS = ("<=", "<", ">=", ">", "==", "!=")
_MEMBER = 6
_AVERAGE, _SUM = 0, 1


def _ensemble(program: Program, node: Node) -> Value:
    given = {name: _array(value) for name, value in node.attributes.items()}
    if node.attributes.get("post_transform", 0):
        node.refuse("with a transformation of its sums")
    value = node.value(0)
    if len(value.shape) != 2 or value.shape[0] != 1:  # noqa: PLR2004 (one row)
        node.refuse("on more than one row")
    how = int(node.attributes.get("aggregate_function", _SUM))
    if how not in {_AVERAGE, _SUM}:
        node.refuse("with the least or the greatest leaf")
    targets, roots = int(node.attributes["n_targets"]), given["tree_roots"]
    made = program.new((1, targets), value.kind)
    program.say(f"for (int i = 0; i < {targets}; i++) {made.name}[i] = 0;")
    with program.inside(f"for (int i = 0; i < {len(roots)}; i++)"):
        program.say(f"int at = {_whole(program, roots)}[i];")
        with program.inside("while (at >= 0)"):
            _decide(program, given, value)
        _gather_leaf(program, given, made)
    if how == _AVERAGE:
        program.say(f"for (int i = 0; i < {targets}; i++) {made.name}[i] /= {len(roots)};")
    return made


def _array(value: Any) -> npt.NDArray[Any]:
    return np.asarray(numpy_helper.to_array(value) if hasattr(value, "data_type") else value)


def _whole(program: Program, values: npt.NDArray[Any]) -> str:
    return program.table(values.astype(np.int64), narrow(values.astype(np.int64)))


def _decide(program: Program, given: Mapping[str, npt.NDArray[Any]], value: Value) -> None:
    """Write one step down a tree; a leaf is the number below zero that is its place, complemented."""
    modes = given["nodes_modes"].astype(np.int64)
    features = _whole(program, given["nodes_featureids"])
    program.say(f"const {value.kind} a = {program.element(value, f'{features}[at]')};")
    tests = _tests(program, given, modes, value.kind)
    missing = given.get("nodes_missing_value_tracks_true", np.zeros(1)).astype(np.int64)
    if missing.any():
        program.say(f"const int yes = {tests} || ({_whole(program, missing)}[at] && isnan(a));")
    else:
        program.say(f"const int yes = {tests};")
    children = [
        np.where(given[f"nodes_{way}leafs"] != 0, ~given[f"nodes_{way}nodeids"], given[f"nodes_{way}nodeids"])
        for way in ("true", "false")
    ]
    program.say(f"at = yes ? {_whole(program, children[0])}[at] : {_whole(program, children[1])}[at];")


def _tests(program: Program, given: Mapping[str, npt.NDArray[Any]], modes: npt.NDArray[np.int64], kind: str) -> str:
    splits = program.table(given["nodes_splits"], kind)
    used = sorted({int(mode) for mode in modes})
    parts = {mode: f"a {_SIGNS[mode]} {splits}[at]" for mode in used if mode != _MEMBER}
    if _MEMBER in used:
        parts[_MEMBER] = _member(program, given, modes)
    if len(used) == 1:
        return f"({parts[used[0]]})"
    named = _whole(program, modes)
    chosen = [f"{named}[at] == {mode} ? {parts[mode]} : " for mode in used[:-1]]
    return f"({''.join(chosen)}{parts[used[-1]]})"


def _member(program: Program, given: Mapping[str, npt.NDArray[Any]], modes: npt.NDArray[np.int64]) -> str:
    """Write the sets of all nodes one after the other, each ascending, with where each begins."""
    sets: list[npt.NDArray[Any]] = []
    start = 0
    values = given["membership_values"]
    for stop in np.flatnonzero(np.isnan(values)):
        sets.append(np.sort(values[start:stop]))
        start = int(stop) + 1
    starts, place = np.zeros(len(modes) + 1, np.int64), 0
    ordered = iter(sets)
    for index, mode in enumerate(modes):
        starts[index] = place
        place += len(next(ordered)) if mode == _MEMBER else 0
    starts[len(modes)] = place
    members, begins = program.table(np.concatenate(sets), "double"), _whole(program, starts)
    return f"holds({members}, {begins}[at], {begins}[at + 1], a)"


def _gather_leaf(program: Program, given: Mapping[str, npt.NDArray[Any]], made: Value) -> None:
    weight = f"{program.table(given['leaf_weights'], made.kind)}[~at]"
    target = "0" if made.size == 1 else f"{_whole(program, given['leaf_targetids'])}[~at]"
    program.say(f"{made.name}[{target}] += {weight};")


TREES: Mapping[str, Rule] = {"TreeEnsemble": _ensemble}
"""Operator of ai.onnx.ml -> its rule."""
