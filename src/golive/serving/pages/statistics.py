"""Statistics: the counters of lanes in, Triton's statistics out (``GET /v2/models/{m}/stats`` and gRPC)."""

from collections.abc import Iterable
from typing import Any

from golive.serving.telemetry.metrics import PHASES, Durations, LaneSnapshot

_NAMES = {"queue": "queue", "compute_input": "decode", "compute_infer": "compute", "compute_output": "encode"}
"""Triton's name of a part of a request -> ours."""


def statistics_of(lanes: Iterable[LaneSnapshot]) -> dict[str, Any]:
    """Give what lanes have done, times in nanoseconds.

    ``inference_count`` counts rows, ``execution_count`` runs of the model; the others count requests. The numbers are
    those of one process: with several workers each answers with its own, and ``/metrics`` has their sum.
    """
    return {"model_stats": [_of_lane(lane) for lane in lanes]}


def _of_lane(lane: LaneSnapshot) -> dict[str, Any]:
    answered = lane.requests.get(200, 0)
    failed = sum(lane.requests.values()) - answered
    spent_ns = {name: lane.phases.get(name, Durations()).total_ns for name in PHASES}
    whole_ns = sum(spent_ns.values())
    return {
        "name": lane.model,
        "version": str(lane.version),
        "inference_count": lane.rows,
        "execution_count": lane.batches,
        "inference_stats": {
            "success": {"count": answered, "ns": whole_ns},
            "fail": {"count": failed, "ns": max(0, lane.durations.total_ns - whole_ns)},
            **{name: {"count": answered, "ns": spent_ns[ours]} for name, ours in _NAMES.items()},
        },
        "batch_stats": [],
    }
