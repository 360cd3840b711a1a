"""Tree: graphs whose answer is a sum of decision trees, before the link."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from golive.adapters.explainers.encoded import Encoded, encoded
from golive.adapters.explainers.link import linked
from golive.adapters.explainers.parts import Parts, Tail, attributes_of
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
    table: Float64 | None = None
    """``[leaves, outputs]``: what each leaf adds; None: its weight, to its target."""

    @property
    def outputs(self) -> int:
        """How many sums there are."""
        return self.ensemble.outputs if self.table is None else int(self.table.shape[1])

    def through(self, scale: Float64) -> Float64:
        """Give what each leaf adds to ``sums @ scale``: ``[leaves, width of scale]``."""
        if self.table is not None:
            return self.table @ scale
        trees = self.ensemble
        weights = trees.weights.astype(np.float64) / (trees.trees if trees.aggregate == AVERAGE else 1)
        return weights[:, None] * scale[trees.targets]


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
        # A place behind the table's end would be an error of the graph's, which the check of its answers finds.
        return _Head(ensemble, node.input[0], made, table[np.clip(rows, 0, len(table) - 1)].astype(np.float64))
    return _Head(ensemble, node.input[0], node.output[0])


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
    tail = parts.tail(head.made, head.outputs, head.ensemble.weights.dtype)
    if tail is None or len(head.ensemble.weights) * tail.scale.shape[1] > _MOST_VALUES:
        return None
    entered = encoded(parts, head.given, np.unique(head.ensemble.features), subject, names)
    if entered is None:
        return None
    values, some = head.through(tail.scale), slice(0, _MOST_CHECKED)
    try:
        margins = _margins(head, entered, values, tail.shift, len(names), some)
    except VerificationError:
        return None
    link = linked(
        Tail(np.eye(len(tail.shift)), np.zeros(len(tail.shift))), margins, subject.answers[some], subject.task
    )
    if link is None:
        return None
    arrays = _arrays(head, entered, values @ link.weights, tail.shift @ link.weights + link.offset)
    if entered.graph:
        arrays["encoder"] = np.frombuffer(entered.graph, np.uint8)
    return write(link.head("tree", runtime=entered.runtime, narrow=entered.narrow), arrays)


def _margins(head: _Head, entered: Encoded, values: Float64, shift: Float64, columns: int, some: slice) -> Float64:
    """Give what is before the link, as the bundle's own reader of the file adds it up."""
    held = Held(Head(kind="tree", scale="value", parts=()), _arrays(head, entered, values, shift))
    return TreeGame(held, columns, entered.rows[:1]).answers(entered.rows[some])


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
