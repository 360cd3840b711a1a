"""Tree: graphs whose answer is a sum of decision trees, before the link."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from golive.adapters.explainers.encoded import Encoded, encoded
from golive.adapters.explainers.link import Link, linked
from golive.adapters.explainers.parts import Parts, attributes_of
from golive.adapters.graphs.tree_ensemble import AVERAGE, DOMAIN, OPERATOR, SUM, TreeEnsemble, read_node
from golive.errors import NotConvertibleError, VerificationError
from golive.inference.explaining.container import Head, Held, write
from golive.inference.explaining.trees import FEWEST_ROWS, MOST_PATTERNS, TreeGame
from golive.ports import Float64, Subject

_MOST_CHECKED = 64
_MOST_VALUES = 8_000_000
_TABLE = 2
_PASSING = frozenset({"Identity", "Cast", "Round", "Floor"})


class TreeExplainer:
    """Finds the trees of a graph."""

    name = "tree"

    def prepare(self, subject: Subject, names: Sequence[str]) -> bytes | None:
        """Give the trees in the form that a bundle holds; None where the answer is not their sum, but for the link."""
        parts = Parts(subject.graph)
        heads = [node for node in parts.nodes if (node.op_type, node.domain) == (OPERATOR, DOMAIN)]
        for node in reversed(heads):
            head = _head(parts, node)
            found = None if head is None else _found(parts, head, subject, names)
            if found is not None:
                return found
        return None


class _Head(msgspec.Struct, frozen=True, eq=False):
    """Trees, and the tensor of their sums."""

    ensemble: TreeEnsemble
    given: str
    """What they read."""
    made: str
    """Their sums ``[n, outputs]``."""
    values: Float64
    """``[leaves, outputs]``."""


def _head(parts: Parts, node: Any) -> _Head | None:
    try:
        ensemble = read_node(node)
    except NotConvertibleError:
        return None
    is_sum = not ensemble.transform and ensemble.aggregate in {SUM, AVERAGE}
    if not is_sum or len(ensemble.weights) > MOST_PATTERNS // FEWEST_ROWS:
        return None
    looked_up = _look_up(parts, node.output[0]) if ensemble.outputs == ensemble.trees else None
    if looked_up is not None:
        table, made = looked_up
        rows = np.rint(ensemble.weights).astype(np.int64)
        # One place of the table behind its end would be an error of the graph's, which the check finds.
        values = table[np.clip(rows, 0, len(table) - 1)].astype(np.float64)
        return _Head(ensemble, node.input[0], made, values) if values.size <= _MOST_VALUES else None
    if len(ensemble.weights) * ensemble.outputs > _MOST_VALUES:
        return None
    values = np.zeros((len(ensemble.weights), ensemble.outputs))
    values[np.arange(len(values)), ensemble.targets] = ensemble.weights
    return _Head(
        ensemble, node.input[0], node.output[0], values / (ensemble.trees if ensemble.aggregate == AVERAGE else 1)
    )


def _look_up(parts: Parts, tensor: str) -> tuple[Any, str] | None:
    """Find the table whose rows are added where trees give the number of a leaf each, and the tensor of the sums."""
    while True:
        consumers = parts.consumers(tensor)
        if len(consumers) != 1:
            return None
        after = consumers[0]
        if after.op_type not in _PASSING:
            break
        tensor = after.output[0]
    table = parts.constants.get(after.input[0])
    sums = parts.consumers(after.output[0])
    is_look_up = after.op_type == "Gather" and attributes_of(after).get("axis", 0) == 0 and after.input[1] == tensor
    if not is_look_up or table is None or table.ndim != _TABLE or len(sums) != 1:
        return None
    is_sum = sums[0].op_type == "ReduceSum" and not attributes_of(sums[0]).get("keepdims", 1)
    axes = parts.constants.get(sums[0].input[1]) if is_sum and len(sums[0].input) > 1 else None
    return None if axes is None or axes.tolist() != [1] else (table, sums[0].output[0])


def _found(parts: Parts, head: _Head, subject: Subject, names: Sequence[str]) -> bytes | None:
    entered = encoded(parts, head.given, np.unique(head.ensemble.features), subject, names)
    tail = parts.tail(head.made, head.values.shape[1], head.ensemble.weights.dtype)
    if entered is None or tail is None:
        return None
    some = slice(0, _MOST_CHECKED)
    try:
        sums = _sums(head, entered, len(names), some)
    except VerificationError:
        return None
    link = linked(tail, sums, subject.answers[some], subject.task)
    return None if link is None else _written(head, entered, link)


def _sums(head: _Head, entered: Encoded, columns: int, some: slice) -> Float64:
    """Give what the trees add up to, as the bundle's own reader of the file adds."""
    outputs = head.values.shape[1]
    arrays = _arrays(head, entered, head.values, np.zeros(outputs))
    held = Held(Head(kind="tree", scale="value", parts=()), arrays)
    return TreeGame(held, columns, entered.rows[:1]).answers(entered.rows[some])


def _written(head: _Head, entered: Encoded, link: Link) -> bytes:
    begun = link.head("tree", runtime=entered.runtime, narrow=entered.narrow)
    arrays = _arrays(head, entered, head.values @ link.weights, link.offset)
    if entered.graph:
        arrays["encoder"] = np.frombuffer(entered.graph, np.uint8)
    return write(begun, arrays)


def _arrays(head: _Head, entered: Encoded, values: Float64, offset: Float64) -> dict[str, Any]:
    trees = head.ensemble
    ends = np.cumsum([len(values) for values in trees.sets]) if trees.sets else np.zeros(0)
    members = np.concatenate(trees.sets) if trees.sets else np.zeros(0)
    return {
        "roots": _short(trees.roots),
        "modes": trees.modes.astype(np.uint8),
        "features": _short(trees.features),
        "splits": trees.splits.astype(np.float64),
        "met": _short(trees.met),
        "unmet": _short(trees.unmet),
        "missing": trees.missing.astype(np.uint8),
        "set_values": members.astype(np.float64),
        "set_ends": _short(ends),
        "values": np.ascontiguousarray(values, np.float64),
        "offset": np.asarray(offset, np.float64),
        "owners": _short(entered.owners),
    }


def _short(places: Any) -> Any:
    return places.astype(np.int32)
