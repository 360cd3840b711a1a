"""Metrics: plain counters that a lane adds to, and a snapshot of them that adds up over processes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

_Key = TypeVar("_Key", int, str)

EDGES_NS = (*(int(step * 10**power) for power in range(4, 10) for step in (1, 2.5, 5)), 10**10)
"""Upper edges of the latency bins: 10 µs to 10 s, three a decade, in nanoseconds."""


class LaneSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What one version of one model has done since its process began."""

    model: str
    version: int
    bundle: str
    requests: dict[int, int] = {}
    """HTTP status -> requests."""
    errors: dict[str, int] = {}
    """Error code -> requests."""
    rows: int = 0
    duration_ns: int = 0
    bins: tuple[int, ...] = (0,) * (len(EDGES_NS) + 1)
    """Requests whose duration is within each edge of ``EDGES_NS``, then those above the last."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What one process, or several added together, have done."""

    lanes: tuple[LaneSnapshot, ...] = ()
    rejected: dict[str, int] = {}
    """Error code -> requests that reached no model."""
    records: int = 0
    records_dropped: int = 0


class LaneMetrics:
    """The counters of one lane. Only its event loop writes, so nothing is locked."""

    __slots__ = ("_bins", "_duration_ns", "_errors", "_requests", "_rows")

    def __init__(self) -> None:
        self._requests: dict[int, int] = {}
        self._errors: dict[str, int] = {}
        self._rows = 0
        self._duration_ns = 0
        self._bins = [0] * (len(EDGES_NS) + 1)

    def answered(self, rows: int, duration_ns: int) -> None:
        """Count a request that was answered."""
        requests = self._requests
        requests[200] = requests.get(200, 0) + 1
        self._rows += rows
        self._duration_ns += duration_ns
        self._bins[bisect_left(EDGES_NS, duration_ns)] += 1

    def refused(self, status: int, code: str, duration_ns: int) -> None:
        """Count a request that was refused."""
        self._requests[status] = self._requests.get(status, 0) + 1
        self._errors[code] = self._errors.get(code, 0) + 1
        self._duration_ns += duration_ns
        self._bins[bisect_left(EDGES_NS, duration_ns)] += 1

    def snapshot(self, model: str, version: int, bundle: str) -> LaneSnapshot:
        """Copy the counters into a value."""
        return LaneSnapshot(
            model=model,
            version=version,
            bundle=bundle,
            requests=dict(self._requests),
            errors=dict(self._errors),
            rows=self._rows,
            duration_ns=self._duration_ns,
            bins=tuple(self._bins),
        )


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Add snapshots of several processes."""
    lanes: dict[tuple[str, int, str], LaneSnapshot] = {}
    rejected: dict[str, int] = {}
    records = dropped = 0
    for snapshot in snapshots:
        for lane in snapshot.lanes:
            key = (lane.model, lane.version, lane.bundle)
            lanes[key] = _sum(lanes[key], lane) if key in lanes else lane
        rejected = _added(rejected, snapshot.rejected)
        records += snapshot.records
        dropped += snapshot.records_dropped
    ordered = tuple(lanes[key] for key in sorted(lanes))
    return Snapshot(lanes=ordered, rejected=rejected, records=records, records_dropped=dropped)


def _sum(one: LaneSnapshot, other: LaneSnapshot) -> LaneSnapshot:
    return LaneSnapshot(
        model=one.model,
        version=one.version,
        bundle=one.bundle,
        requests=_added(one.requests, other.requests),
        errors=_added(one.errors, other.errors),
        rows=one.rows + other.rows,
        duration_ns=one.duration_ns + other.duration_ns,
        bins=tuple(a + b for a, b in zip(one.bins, other.bins, strict=True)),
    )


def _added(one: Mapping[_Key, int], other: Mapping[_Key, int]) -> dict[_Key, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
