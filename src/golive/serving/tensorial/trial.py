"""Trial: a model of tensors run at load on tensors made up from its signature: what it costs, and what are its rows."""

import time
from collections.abc import Callable
from typing import cast

import msgspec
import numpy as np

from golive.domain.signature import Signature
from golive.ports import Float64
from golive.serving.batching.cost import Cost, Place, Run, measured, place_of
from golive.serving.batching.proof import RowProof
from golive.serving.tensorial.examples import first_that_runs, has_open_axes, tensors_of
from golive.serving.tensorial.proof import follows_rows
from golive.serving.tensorial.tensor_lane import NO_CODES
from golive.serving.tensorial.tensor_road import TensorRoad
from golive.serving.tensorial.tensor_rows import TensorRows

_LENGTHS = (1, 8, 32, 224)
"""Lengths of open axes that are tried, in this order: graphs exist that want at least a few values, or an image."""
_USUAL_LENGTH = 64
"""With open axes of this length a model is timed: a sequence of one value says little about the next one."""
_TRIES = 5
_MANY_ROWS, _FEW_ROWS = 16, 4
_SLOW_NS, _SLOWEST_NS = 2e6, 1e8
"""Above, fewer rows are tried at load; and none, for a run of so long a row gains nothing from a second one."""
_COST_NS = 2e9
"""The cost of a model is not measured for longer than this."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    example: TensorRows | None
    """Tensors that the model runs on; None where none were found."""
    place: Place
    proof: RowProof


def trial_of(road: TensorRoad, clock: Callable[[], int] = time.perf_counter_ns) -> Trial:
    """Try a model: the first run that it answers, how long one takes, and whether requests may run together."""
    signature = road.signature
    example = first_that_runs(
        (tensors_of(signature, kind, rows=1, length=length) for length in _LENGTHS for kind in ("zeros", "ones")),
        road.whole,
    )
    if example is None:
        unknown = RowProof(follows=False, is_exact=False, reason="the model is not batched: it was not run yet")
        return Trial(example=None, place="thread", proof=unknown)
    timed = example
    if has_open_axes(signature):
        # What may be of any size is timed on more than the least of it.
        usual = (tensors_of(signature, kind, rows=1, length=_USUAL_LENGTH) for kind in ("zeros", "ones"))
        timed = first_that_runs(usual, road.whole) or example
    taken_ns = min(_taken_ns(road, timed, clock) for _ in range(_TRIES))
    if taken_ns > _SLOWEST_NS:
        slow = f"the model is not batched: one row takes it {taken_ns / 1e9:.2g} s, and a second one would take as long"
        return Trial(example=example, place="thread", proof=RowProof(follows=False, is_exact=False, reason=slow))
    rows = _FEW_ROWS if taken_ns > _SLOW_NS else _MANY_ROWS
    proof = follows_rows(road.whole, signature, rows=rows)
    place = place_of(taken_ns)
    if has_open_axes(signature) or not (proof.follows or _is_bound(signature)):
        # Nothing bounds what one request of such a model takes, and the event loop would be away for all of it.
        place = "thread"
    return Trial(example=example, place=place, proof=proof)


def cost_of(run: Run, example: TensorRows, *, joins: bool, clock: Callable[[], int] = time.perf_counter_ns) -> Cost:
    """Learn what runs cost, at load; of several rows only where requests join."""
    if joins:
        return measured(run, cast("Float64", example), np.empty((1, 0), dtype=np.int64), clock)
    cost = Cost()
    began = clock()
    while not cost.is_known and clock() - began < _COST_NS:
        started = clock()
        run(cast("Float64", example), NO_CODES)
        cost.learn(1, clock() - started)
    return cost


def _taken_ns(road: TensorRoad, given: TensorRows, clock: Callable[[], int]) -> int:
    started = clock()
    road.whole(given)
    return clock() - started


def _is_bound(signature: Signature) -> bool:
    return not any(None in tensor.shape for tensor in signature.tensors)
