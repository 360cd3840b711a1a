"""Exposition: a snapshot in, Prometheus text out."""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UntypedMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from golive.serving.telemetry.metrics import Durations, LaneSnapshot, Snapshot, merge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of what ``render`` gives."""

_LABELS = ("model", "version")
_FIRST, _LAST = 10, 34
"""The bins that are shown one by one: from 1 microsecond to 17 seconds."""


_TRITON: tuple[tuple[str, str, Callable[[LaneSnapshot], float]], ...] = (
    ("request_success", "Answered requests.", lambda lane: lane.requests.get(200, 0)),
    ("count", "Predicted rows.", lambda lane: lane.rows),
    ("exec_count", "Runs of the model.", lambda lane: lane.batches),
    ("pending_request_count", "Requests that wait for their model.", lambda lane: lane.waiting),
    ("request_duration_us", "Time of requests.", lambda lane: lane.durations.total_ns // 1000),
    ("queue_duration_us", "Time of requests that waited for their model.", lambda lane: _phase_us(lane, "queue")),
    ("compute_input_duration_us", "Time of reading requests.", lambda lane: _phase_us(lane, "decode")),
    ("compute_infer_duration_us", "Time of models.", lambda lane: _phase_us(lane, "compute")),
    ("compute_output_duration_us", "Time of writing answers.", lambda lane: _phase_us(lane, "encode")),
)
"""Names of Triton after ``nv_inference_``, and their values; the times are cumulative."""
_REASONS = {500: "BACKEND", 503: "REJECTED"}
"""HTTP status -> Triton's reason of a failure; ``OTHER`` for the rest."""


def render(snapshots: Iterable[Snapshot], *, with_triton: bool = False) -> bytes:
    """Add the snapshots of several processes and write them in the text format of Prometheus.

    Args:
        snapshots: one of each process.
        with_triton: whether to say it a second time with the metric names of Triton Inference Server, for dashboards
            that know these. Prometheus' own linter dislikes them, as they are no base units.
    """
    registry = CollectorRegistry(auto_describe=False)
    total = merge(snapshots)
    registry.register(_Totals(total))
    if with_triton:
        registry.register(_Triton(total))
    return generate_latest(registry)


class _Totals(Collector):
    def __init__(self, total: Snapshot) -> None:
        self._total = total

    def collect(self) -> Iterator[Metric]:
        total = self._total
        yield from _of_lanes(total.lanes)
        rejected = CounterMetricFamily(
            "golive_rejected", "Requests that reached no model, by error code.", labels=("code",)
        )
        for code, count in total.rejected.items():
            rejected.add_metric((code,), count)
        yield rejected
        yield CounterMetricFamily("golive_records", "Predictions handed on for monitoring.", value=total.records)
        yield CounterMetricFamily(
            "golive_records_dropped",
            "Predictions that monitoring will not see because its sink was slow.",
            value=total.records_dropped,
        )
        yield CounterMetricFamily(
            "golive_traces", "Requests whose spans a collector of traces took.", value=total.traces
        )
        yield CounterMetricFamily(
            "golive_traces_dropped",
            "Requests of sampled traces that were too many, or that the collector did not take.",
            value=total.traces_dropped,
        )
        yield from _of_processes(total)


class _Triton(Collector):
    def __init__(self, total: Snapshot) -> None:
        self._total = total

    def collect(self) -> Iterator[Metric]:
        for name, text, value in _TRITON:
            # Not a counter, for the library would add "_total" to the name.
            family = UntypedMetricFamily(f"nv_inference_{name}", text, labels=_LABELS)
            for lane in self._total.lanes:
                family.add_metric((lane.model, str(lane.version)), value(lane))
            yield family
        failures = UntypedMetricFamily("nv_inference_request_failure", "Refused requests.", labels=(*_LABELS, "reason"))
        for lane in self._total.lanes:
            for reason, count in _failures(lane).items():
                failures.add_metric((lane.model, str(lane.version), reason), count)
        yield failures


def _failures(lane: LaneSnapshot) -> dict[str, int]:
    counts = dict.fromkeys((*_REASONS.values(), "OTHER"), 0)
    for status, count in lane.requests.items():
        if status != HTTPStatus.OK:
            counts[_REASONS.get(status, "OTHER")] += count
    return counts


def _phase_us(lane: LaneSnapshot, name: str) -> int:
    return lane.phases.get(name, Durations()).total_ns // 1000


def _of_processes(total: Snapshot) -> Iterator[Metric]:
    yield GaugeMetricFamily("golive_workers", "Processes that answer.", value=total.processes)
    yield GaugeMetricFamily("golive_connections", "Open connections of HTTP.", value=total.connections)
    yield GaugeMetricFamily(
        "golive_workers_memory_bytes",
        "Resident memory of the processes that answer, added up; shared pages count in each.",
        value=total.memory_bytes,
    )
    yield CounterMetricFamily(
        "golive_workers_cpu_seconds", "Time on a core, of these processes and of those before.", value=total.cpu_s
    )


def _of_lanes(lanes: tuple[LaneSnapshot, ...]) -> Iterator[Metric]:
    requests = CounterMetricFamily("golive_requests", "Requests by HTTP status.", labels=(*_LABELS, "status"))
    errors = CounterMetricFamily("golive_errors", "Refused requests by error code.", labels=(*_LABELS, "code"))
    rows = CounterMetricFamily("golive_rows", "Predicted rows.", labels=_LABELS)
    durations = HistogramMetricFamily(
        "golive_request_duration_seconds", "Time from a whole request to its answer.", labels=_LABELS
    )
    phases = HistogramMetricFamily(
        "golive_phase_duration_seconds",
        "Time of answered requests by phase: decode, queue, compute, encode.",
        labels=(*_LABELS, "phase"),
    )
    batches = CounterMetricFamily(
        "golive_batches", "Runs of the model; a run answers one request or more.", labels=_LABELS
    )
    waiting = GaugeMetricFamily("golive_waiting_requests", "Requests that wait for their model.", labels=_LABELS)
    info = GaugeMetricFamily("golive_model_info", "Versions that were loaded.", labels=(*_LABELS, "bundle"))
    for lane in lanes:
        labels = (lane.model, str(lane.version))
        for status, count in sorted(lane.requests.items()):
            requests.add_metric((*labels, str(status)), count)
        for code, count in sorted(lane.errors.items()):
            errors.add_metric((*labels, code), count)
        rows.add_metric(labels, lane.rows)
        durations.add_metric(labels, _buckets(lane.durations), lane.durations.total_ns / 1e9)
        for name, phase in lane.phases.items():
            phases.add_metric((*labels, name), _buckets(phase), phase.total_ns / 1e9)
        batches.add_metric(labels, lane.batches)
        waiting.add_metric(labels, lane.waiting)
        info.add_metric((*labels, lane.bundle), 1)
    yield from (requests, errors, rows, durations, phases, batches, waiting, info)


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    bins = durations.bins
    total = sum(bins[:_FIRST])
    buckets = []
    for power in range(_FIRST, _LAST + 1):
        total += bins[power]
        buckets.append((f"{2**power / 1e9:g}", float(total)))
    return [*buckets, ("+Inf", float(sum(bins)))]
