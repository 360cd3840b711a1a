"""Link: how the sum of a head becomes an answer, found by trying the usual ways on real rows."""

import msgspec
import numpy as np

from golive.adapters.explainers.parts import Tail
from golive.domain.explanation import Scale
from golive.domain.signature import Task
from golive.inference.explaining.container import Head
from golive.ports import Float64

_TOLERANCE = 1e-6
_PAIR = 2


class Link(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the file keeps of a head's outputs: ``[width] @ scale + shift``."""

    scale: Scale
    mirror: str
    weights: Float64
    offset: Float64

    def head(self, kind: str, *, runtime: str, narrow: bool) -> Head:
        """Begin the file."""
        return msgspec.convert(
            {
                "kind": kind,
                "scale": self.scale,
                "mirror": self.mirror,
                "runtime": runtime,
                "narrow": narrow,
                "parts": (),
            },
            Head,
        )


def linked(tail: Tail, sums: Float64, answers: Float64, task: Task) -> Link | None:
    """Find the link.

    Args:
        tail: What is done with the head's sums.
        sums: ``[n, width]`` of some rows.
        answers: ``[n, outputs]`` of the same rows.
        task: What the model is for.
    """
    margins = sums @ tail.scale + tail.shift
    if margins.shape == answers.shape and _is_near(margins, answers):
        return _plain(tail, task, answers.shape[1])
    if task != "classification":
        return None
    if answers.shape[1] == _PAIR and margins.shape[1] in {1, _PAIR}:
        return _of_two(tail, margins, answers)
    if margins.shape == answers.shape and _is_near(_softmax(margins), answers):
        return Link(scale="log_odds", mirror="", weights=tail.scale, offset=tail.shift)
    return None


def _plain(tail: Tail, task: Task, outputs: int) -> Link:
    if task != "classification":
        return Link(scale="value", mirror="", weights=tail.scale, offset=tail.shift)
    if outputs == _PAIR:
        return Link(scale="probability", mirror="complement", weights=tail.scale[:, 1:], offset=tail.shift[1:])
    return Link(scale="probability", mirror="", weights=tail.scale, offset=tail.shift)


def _of_two(tail: Tail, margins: Float64, answers: Float64) -> Link | None:
    """Find a logistic link: of one number, of its negative, or of the difference of two."""
    if margins.shape[1] == 1:
        tried = [(tail.scale * sign, tail.shift * sign, margins[:, 0] * sign) for sign in (1.0, -1.0)]
    else:
        difference = np.array([[-1.0], [1.0]])
        tried = [(tail.scale @ difference, tail.shift @ difference, margins[:, 1] - margins[:, 0])]
    for weights, offset, margin in tried:
        with np.errstate(over="ignore"):
            if _is_near(1.0 / (1.0 + np.exp(-margin)), answers[:, 1]):
                return Link(scale="log_odds", mirror="negative", weights=weights, offset=offset)
    return None


def _softmax(margins: Float64) -> Float64:
    grown: Float64 = np.exp(margins - margins.max(axis=1, keepdims=True))
    shares: Float64 = grown / grown.sum(axis=1, keepdims=True)
    return shares


def _is_near(mine: Float64, theirs: Float64) -> bool:
    size = np.maximum(1.0, np.abs(theirs))
    return bool((np.abs(mine - theirs) <= _TOLERANCE * size).all())
