"""Compact trees: the same decisions in half the bytes.

Where rows are rounded to float32 before the trees, as scikit-learn's forests do, a float64 threshold can be replaced by
the nearest float32 on its own side: no float32 lies between the two, so every row goes where it went. Leaves that only
carry a number stay exact; leaves that are added are rounded. Tables of leaves lose the rows that no leaf points to.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper

from golive.adapters.graphs.tree_ensemble import AT_MOST, BELOW, TreeEnsemble, in_single_precision, rewritten
from golive.adapters.optimizers.ensembles import casts, find, keep
from golive.adapters.optimizers.surgery import Surgery
from golive.ports import Candidate, Subject

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
    whole = surgery if found.table is None else Surgery(keep(content, range(found.ensemble.trees)))
    again = find(whole)
    if again is None or not _is_rounded(whole, again.place):
        return whole.bytes() if found.table is not None else None
    if not _fits(again.ensemble, numbered=again.table is not None):
        return whole.bytes() if found.table is not None else None
    _put(whole, again.place, rewritten(whole.nodes[again.place], in_single_precision(again.ensemble)))
    return whole.bytes()


def _is_rounded(surgery: Surgery, place: int) -> bool:
    """Say whether what the trees read has been cast to float32 and back."""
    wide = _maker(surgery, surgery.nodes[place].input[0])
    narrow = None if wide is None or not casts(wide, TensorProto.DOUBLE) else _maker(surgery, wide.input[0])
    return narrow is not None and casts(narrow, TensorProto.FLOAT)


def _fits(ensemble: TreeEnsemble, *, numbered: bool) -> bool:
    """Say whether float32 decides as the ensemble does, and is a gain."""
    if not np.isin(ensemble.modes, (AT_MOST, BELOW)).all() or ensemble.splits.dtype != np.float64:
        return False
    return not numbered or bool(ensemble.weights.max(initial=0.0) < _EXACT)


def _put(surgery: Surgery, place: int, node: onnx.NodeProto) -> None:
    """Set the node where the wide one was: it reads what was rounded, and its answer is made wide again."""
    wide = _maker(surgery, node.input[0])
    node.input[0] = wide.input[0] if wide is not None else node.input[0]
    output = node.output[0]
    node.output[0] = surgery.fresh()
    widened = helper.make_node("Cast", [node.output[0]], [output], to=TensorProto.DOUBLE)
    following = [n for n in surgery.nodes if output in n.input]
    if len(following) == 1 and casts(following[0], TensorProto.INT64):
        # Leaf numbers: float32 becomes int64 just as well.
        following[0].input[0] = node.output[0]
        surgery.nodes = [*surgery.nodes[:place], node, *surgery.nodes[place + 1 :]]
        return
    surgery.nodes = [*surgery.nodes[:place], node, widened, *surgery.nodes[place + 1 :]]


def _maker(surgery: Surgery, tensor: str) -> onnx.NodeProto | None:
    return next((node for node in surgery.nodes if tensor in node.output), None)
