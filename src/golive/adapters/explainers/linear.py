"""Linear: graphs whose answer is a weighted sum of numbers, before the link."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from golive.adapters.explainers.encoded import encoded
from golive.adapters.explainers.link import linked
from golive.adapters.explainers.parts import Parts, Tail, attributes_of
from golive.inference.explaining.container import write
from golive.ports import Float64, Subject

_MOST_CHECKED = 64
_MOST_WEIGHTS = 8_000_000
_MOST_ASKED = 4_096
_MATRIX = 2


class LinearExplainer:
    """Finds the last weights of a graph."""

    name = "linear"

    def prepare(self, subject: Subject, names: Sequence[str]) -> bytes | None:
        """Give the weights in the form that a bundle holds; None where the answer is not linear, but for the link."""
        parts = Parts(subject.graph)
        for node in reversed(parts.nodes):
            weights = _weights(parts, node)
            if weights is not None:
                found = _found(parts, node, weights, subject, names)
                if found is not None:
                    return found
        return None


def _weights(parts: Parts, node: Any) -> Float64 | None:
    """Give the constant matrix ``[features, outputs]`` that a node multiplies rows with."""
    if node.op_type not in {"MatMul", "Gemm"} or node.input[1] not in parts.constants:
        return None
    weights = parts.constants[node.input[1]]
    if node.op_type == "Gemm" and attributes_of(node).get("transA", 0):
        return None
    if weights.ndim != _MATRIX or weights.size > _MOST_WEIGHTS:
        return None
    return weights


def _found(parts: Parts, node: Any, weights: Float64, subject: Subject, names: Sequence[str]) -> bytes | None:
    is_turned = node.op_type == "Gemm" and attributes_of(node).get("transB", 0)
    matrix = weights.T if is_turned else weights
    used = np.flatnonzero((matrix != 0.0).any(axis=1))
    entered = encoded(parts, node.input[0], used, subject, names)
    if entered is None or entered.rows.shape[1] != len(matrix) or not np.isfinite(entered.rows).all():
        return None
    tail = _tail(parts, node, matrix)
    if tail is None:
        return None
    some = slice(0, _MOST_CHECKED)
    link = linked(tail, entered.rows[some], subject.answers[some], subject.task)
    if link is None:
        return None
    arrays: dict[str, Any] = {"weights": link.weights, "offset": link.offset, "owners": entered.owners.astype(np.int32)}
    if entered.graph:
        arrays["encoder"] = np.frombuffer(entered.graph, np.uint8)
    return write(link.head("linear", runtime=entered.runtime, narrow=entered.narrow), arrays)


def _tail(parts: Parts, node: Any, matrix: Float64) -> Tail | None:
    """Give what becomes of what a node reads, up to the link."""
    if node.op_type == "Gemm":
        # What it does beside its product is found by asking it, too.
        return parts.tail(node.input[0], len(matrix), matrix.dtype) if len(matrix) <= _MOST_ASKED else None
    after = parts.tail(node.output[0], matrix.shape[1], matrix.dtype)
    return None if after is None else Tail(matrix @ after.scale, after.shift)
