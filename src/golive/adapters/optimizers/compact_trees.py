"""Compact trees: the same decisions in half the bytes.

Where rows are rounded to float32 before the trees, as scikit-learn's forests do, a float64 threshold can be replaced by
the nearest float32 on its own side: no float32 lies between the two, so every row goes where it went. Leaves that only
carry a number stay exact; leaves that are added are rounded. Tables of leaves lose the rows that no leaf points to.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.optimizers.ensembles import Ensemble, find, keep
from golive.adapters.optimizers.surgery import Array, Surgery, attribute
from golive.ports import Candidate, Subject

AT_MOST, BELOW = 0, 1
"""Modes of ai.onnx.ml 5: ``x <= split`` and ``x < split``."""
_EXACT = 2**24
"""Up to here every whole number is a float32."""


class CompactTreesOptimizer:
    """Offers tree ensembles in float32 that decide as they did, and tables without unused rows."""

    name = "compact_trees"
    effort_s = 0.15

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give the compact form; none where there are no trees or nothing to gain."""
        compact = compacted(subject.graph)
        if compact is not None:
            yield Candidate(name="compact trees", graph=compact)


def compacted(content: bytes) -> bytes | None:
    """Write a graph's trees in float32 where that changes no decision, and its leaf table without unused rows."""
    surgery = Surgery(content)
    found = find(surgery)
    if found is None:
        return None
    whole = surgery if found.table is None else Surgery(keep(content, range(found.ensemble.count)))
    again = find(whole)
    if again is None or not _is_rounded(whole, again.place):
        return whole.bytes() if found.table is not None else None
    node = _in_single_precision(whole.nodes[again.place], again.ensemble, numbered=again.table is not None)
    if node is None:
        return whole.bytes() if found.table is not None else None
    _put(whole, again.place, node)
    return whole.bytes()


def _is_rounded(surgery: Surgery, place: int) -> bool:
    """Say whether what the trees read has been cast to float32 and back."""
    wide = _maker(surgery, surgery.nodes[place].input[0])
    narrow = None if wide is None or not _casts(wide, TensorProto.DOUBLE) else _maker(surgery, wide.input[0])
    return narrow is not None and _casts(narrow, TensorProto.FLOAT)


def _in_single_precision(node: onnx.NodeProto, ensemble: Ensemble, *, numbered: bool) -> onnx.NodeProto | None:
    if not np.isin(ensemble.modes, (AT_MOST, BELOW)).all() or ensemble.splits.dtype != np.float64:
        return None
    if numbered and ensemble.weights.max(initial=0.0) >= _EXACT:
        return None
    written = onnx.NodeProto()
    written.CopyFrom(node)
    kept = [entry for entry in node.attribute if entry.name not in {"nodes_splits", "leaf_weights", "nodes_hitrates"}]
    del written.attribute[:]
    written.attribute.extend(kept)
    splits = numpy_helper.from_array(_on_its_side(ensemble.splits, ensemble.modes), "splits")
    weights = numpy_helper.from_array(ensemble.weights.astype(np.float32), "weights")
    written.attribute.extend(
        (helper.make_attribute("nodes_splits", splits), helper.make_attribute("leaf_weights", weights))
    )
    return written


def _on_its_side(splits: Array, modes: Array) -> Array:
    """Round down for ``x <= split`` and up for ``x < split``, float32."""
    with np.errstate(over="ignore"):
        near = splits.astype(np.float32)
    above, below = near.astype(np.float64) > splits, near.astype(np.float64) < splits
    down = np.where(above, np.nextafter(near, np.float32(-np.inf)), near)
    up = np.where(below, np.nextafter(near, np.float32(np.inf)), near)
    return np.where(modes == BELOW, up, down).astype(np.float32)


def _put(surgery: Surgery, place: int, node: onnx.NodeProto) -> None:
    """Set the node where the wide one was: it reads what was rounded, and its answer is made wide again."""
    wide = _maker(surgery, node.input[0])
    node.input[0] = wide.input[0] if wide is not None else node.input[0]
    output = node.output[0]
    node.output[0] = surgery.fresh()
    widened = helper.make_node("Cast", [node.output[0]], [output], to=TensorProto.DOUBLE)
    following = [n for n in surgery.nodes if output in n.input]
    if len(following) == 1 and _casts(following[0], TensorProto.INT64):
        # Leaf numbers: float32 becomes int64 just as well.
        following[0].input[0] = node.output[0]
        surgery.nodes = [*surgery.nodes[:place], node, *surgery.nodes[place + 1 :]]
        return
    surgery.nodes = [*surgery.nodes[:place], node, widened, *surgery.nodes[place + 1 :]]


def _maker(surgery: Surgery, tensor: str) -> onnx.NodeProto | None:
    return next((node for node in surgery.nodes if tensor in node.output), None)


def _casts(node: Any, to: int) -> bool:
    return bool(node.op_type == "Cast" and attribute(node, "to") == to)
