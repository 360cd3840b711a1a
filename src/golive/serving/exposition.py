"""Exposition: a snapshot in, Prometheus text out."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from golive.serving.metrics import EDGES_NS, LaneSnapshot, Snapshot, merge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of what ``render`` gives."""

_LABELS = ("model", "version")


def render(snapshots: Iterable[Snapshot]) -> bytes:
    """Add the snapshots of several processes and write them in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Totals(merge(snapshots)))
    return generate_latest(registry)


class _Totals(Collector):
    def __init__(self, total: Snapshot) -> None:
        self._total = total

    def collect(self) -> Iterator[Metric]:
        yield from _of_lanes(self._total.lanes)
        rejected = CounterMetricFamily(
            "golive_rejected", "Requests that reached no model, by error code.", labels=("code",)
        )
        for code, count in self._total.rejected.items():
            rejected.add_metric((code,), count)
        yield rejected
        yield CounterMetricFamily("golive_records", "Predictions handed on for monitoring.", value=self._total.records)
        yield CounterMetricFamily(
            "golive_records_dropped",
            "Predictions that monitoring will not see because its sink was slow.",
            value=self._total.records_dropped,
        )


def _of_lanes(lanes: tuple[LaneSnapshot, ...]) -> Iterator[Metric]:
    requests = CounterMetricFamily("golive_requests", "Requests by HTTP status.", labels=(*_LABELS, "status"))
    errors = CounterMetricFamily("golive_errors", "Refused requests by error code.", labels=(*_LABELS, "code"))
    rows = CounterMetricFamily("golive_rows", "Predicted rows.", labels=_LABELS)
    durations = HistogramMetricFamily(
        "golive_request_duration_seconds", "Time from a whole request to its answer.", labels=_LABELS
    )
    info = GaugeMetricFamily("golive_model_info", "Versions that were loaded.", labels=(*_LABELS, "bundle"))
    for lane in lanes:
        labels = (lane.model, str(lane.version))
        for status, count in sorted(lane.requests.items()):
            requests.add_metric((*labels, str(status)), count)
        for code, count in sorted(lane.errors.items()):
            errors.add_metric((*labels, code), count)
        rows.add_metric(labels, lane.rows)
        durations.add_metric(labels, _buckets(lane.bins), lane.duration_ns / 1e9)
        info.add_metric((*labels, lane.bundle), 1)
    yield from (requests, errors, rows, durations, info)


def _buckets(bins: tuple[int, ...]) -> list[tuple[str, float]]:
    names = [f"{edge / 1e9:g}" for edge in EDGES_NS] + ["+Inf"]
    buckets, total = [], 0
    for name, count in zip(names, bins, strict=True):
        total += count
        buckets.append((name, float(total)))
    return buckets
