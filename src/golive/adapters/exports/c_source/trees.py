"""Trees: a TreeEnsemble of ai.onnx.ml 5 as tables and one loop."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.adapters.exports.c_source.graph import Node, Rule
from golive.adapters.exports.c_source.literals import narrow
from golive.adapters.exports.c_source.program import Program, Value
from golive.adapters.graphs.tree_ensemble import AVERAGE, MEMBER, OPERATOR, SUM, TreeEnsemble, read
from golive.ports import Int64

_SIGNS = ("<=", "<", ">=", ">", "==", "!=")
"""Of the modes but the last."""


def _ensemble(program: Program, node: Node) -> Value:
    ensemble = read(node.attributes)
    if ensemble.transform:
        node.refuse("with a transformation of its sums")
    value = node.value(0)
    if len(value.shape) != 2 or value.shape[0] != 1:  # noqa: PLR2004 (one row)
        node.refuse("on more than one row")
    if ensemble.aggregate not in {AVERAGE, SUM}:
        node.refuse("with the least or the greatest leaf")
    made = program.new((1, ensemble.outputs), value.kind)
    program.say(f"for (int i = 0; i < {ensemble.outputs}; i++) {made.name}[i] = 0;")
    with program.inside(f"for (int i = 0; i < {ensemble.trees}; i++)"):
        program.say(f"int at = {_whole(program, ensemble.roots)}[i];")
        with program.inside("while (at >= 0)"):
            _decide(program, ensemble, value)
        _gather_leaf(program, ensemble, made)
    if ensemble.aggregate == AVERAGE:
        program.say(f"for (int i = 0; i < {ensemble.outputs}; i++) {made.name}[i] /= {ensemble.trees};")
    return made


def _whole(program: Program, values: npt.NDArray[Any]) -> str:
    return program.table(values.astype(np.int64), narrow(values.astype(np.int64)))


def _decide(program: Program, ensemble: TreeEnsemble, value: Value) -> None:
    """Write one step down a tree; a leaf is the number below zero that is its place, complemented."""
    features = _whole(program, ensemble.features)
    program.say(f"const {value.kind} a = {program.element(value, f'{features}[at]')};")
    tests = _tests(program, ensemble, value.kind)
    if ensemble.missing.any():
        program.say(f"const int yes = {tests} || ({_whole(program, ensemble.missing)}[at] && isnan(a));")
    else:
        program.say(f"const int yes = {tests};")
    first_leaf = ensemble.nodes
    children = [
        np.where(places < first_leaf, places, ~(places - first_leaf)) for places in (ensemble.met, ensemble.unmet)
    ]
    program.say(f"at = yes ? {_whole(program, children[0])}[at] : {_whole(program, children[1])}[at];")


def _tests(program: Program, ensemble: TreeEnsemble, kind: str) -> str:
    splits = program.table(ensemble.splits, kind)
    used = sorted({int(mode) for mode in ensemble.modes})
    parts = {mode: f"a {_SIGNS[mode]} {splits}[at]" for mode in used if mode != MEMBER}
    if MEMBER in used:
        parts[MEMBER] = _member(program, ensemble)
    if len(used) == 1:
        return f"({parts[used[0]]})"
    named = _whole(program, ensemble.modes)
    chosen = [f"{named}[at] == {mode} ? {parts[mode]} : " for mode in used[:-1]]
    return f"({''.join(chosen)}{parts[used[-1]]})"


def _member(program: Program, ensemble: TreeEnsemble) -> str:
    """Write the sets of all nodes one after the other, each ascending, with where each begins."""
    lengths: Int64 = np.zeros(ensemble.nodes + 1, np.int64)
    lengths[1:][ensemble.modes == MEMBER] = [len(values) for values in ensemble.sets]
    members = program.table(np.concatenate([np.sort(values) for values in ensemble.sets]), "double")
    begins = _whole(program, np.cumsum(lengths))
    return f"holds({members}, {begins}[at], {begins}[at + 1], a)"


def _gather_leaf(program: Program, ensemble: TreeEnsemble, made: Value) -> None:
    weight = f"{program.table(ensemble.weights, made.kind)}[~at]"
    target = "0" if made.size == 1 else f"{_whole(program, ensemble.targets)}[~at]"
    program.say(f"{made.name}[{target}] += {weight};")


TREES: Mapping[str, Rule] = {OPERATOR: _ensemble}
"""Operator of ai.onnx.ml -> its rule."""
