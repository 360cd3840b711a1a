"""Metrics: plain counters that a lane adds to, and a snapshot of them that adds up over processes."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

_Key = TypeVar("_Key", int, str)

BINS = 64
"""Latency bins: bin ``b`` holds durations of ``b`` binary digits in nanoseconds, that is below ``2**b`` ns."""
PHASES = ("decode", "queue", "compute", "encode")
"""Where the time of a request goes: reading and checking it, waiting for the model, the model, writing the answer."""

Bins = tuple[int, ...]

_TOTALS = (
    "records",
    "records_dropped",
    "traces",
    "traces_dropped",
    "cpu_s",
    "processes",
    "connections",
    "memory_bytes",
)
"""What is a number for a whole process."""


class Durations(msgspec.Struct, frozen=True):
    """How long something took, over many requests."""

    total_ns: int = 0
    bins: Bins = (0,) * BINS

    @property
    def count(self) -> int:
        """How many were measured."""
        return sum(self.bins)


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
    batches: int = 0
    """Runs of the model."""
    waiting: int = 0
    """Requests that wait for the model now."""
    durations: Durations = Durations()
    """Of whole requests, answered or refused."""
    phases: dict[str, Durations] = {}
    """The parts of the answered ones, by the names of ``PHASES``."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What one process, or several added together, have done."""

    lanes: tuple[LaneSnapshot, ...] = ()
    rejected: dict[str, int] = {}
    """Error code -> requests that reached no model."""
    records: int = 0
    records_dropped: int = 0
    traces: int = 0
    """Requests that were exported to a collector of traces."""
    traces_dropped: int = 0
    cpu_s: float = 0.0
    """What the processes have used of their cores."""
    processes: int = 0
    """Those that live; ended ones count in everything else but the next two."""
    connections: int = 0
    """Connections that are open."""
    memory_bytes: int = 0
    """What the living processes take; a page that several share counts in each."""


class LaneMetrics:
    """The counters of one lane. Only its event loop writes, so nothing is locked."""

    __slots__ = ("_answered", "_bins", "_errors", "_queued", "_refused", "_rows", "_totals", "_whole", "_whole_ns")

    def __init__(self) -> None:
        self._answered = 0
        self._refused: dict[int, int] = {}
        self._errors: dict[str, int] = {}
        self._rows = 0
        self._whole_ns = 0
        self._whole = [0] * BINS
        self._totals = [0, 0, 0, 0]
        self._bins = ([0] * BINS, [0] * BINS, [0] * BINS, [0] * BINS)
        self._queued = 0

    def answered(self, rows: int, times_ns: tuple[int, int, int, int]) -> None:
        """Count a request that was answered, and how long its phases took, in the order of ``PHASES``."""
        decode_ns, queue_ns, compute_ns, encode_ns = times_ns
        self._answered += 1
        self._rows += rows
        whole = decode_ns + queue_ns + compute_ns + encode_ns
        self._whole_ns += whole
        # The number of binary digits finds the bin in a quarter of the time of a search among edges.
        self._whole[whole.bit_length()] += 1
        decoding, queuing, computing, encoding = self._bins
        decoding[decode_ns.bit_length()] += 1
        computing[compute_ns.bit_length()] += 1
        encoding[encode_ns.bit_length()] += 1
        totals = self._totals
        totals[0] += decode_ns
        totals[2] += compute_ns
        totals[3] += encode_ns
        if queue_ns:
            self._queued += 1
            queuing[queue_ns.bit_length()] += 1
            totals[1] += queue_ns

    def refused(self, status: int, code: str, duration_ns: int) -> None:
        """Count a request that was refused."""
        self._refused[status] = self._refused.get(status, 0) + 1
        self._errors[code] = self._errors.get(code, 0) + 1
        self._whole_ns += duration_ns
        self._whole[duration_ns.bit_length()] += 1

    def snapshot(
        self, model: str, version: int, bundle: str, *, batches: int | None = None, waiting: int = 0
    ) -> LaneSnapshot:
        """Copy the counters into a value; without ``batches`` every answer was a run of the model."""
        return LaneSnapshot(
            model=model,
            version=version,
            bundle=bundle,
            requests=({200: self._answered} if self._answered else {}) | self._refused,
            errors=dict(self._errors),
            rows=self._rows,
            batches=self._answered if batches is None else batches,
            waiting=waiting,
            durations=Durations(self._whole_ns, tuple(self._whole)),
            phases={name: self._phase(index) for index, name in enumerate(PHASES)} if self._answered else {},
        )

    def _phase(self, index: int) -> Durations:
        bins = list(self._bins[index])
        if PHASES[index] == "queue":
            # A request that did not wait was not looked up.
            bins[0] += self._answered - self._queued
        return Durations(self._totals[index], tuple(bins))


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Add snapshots of several processes."""
    lanes: dict[tuple[str, int, str], LaneSnapshot] = {}
    rejected: dict[str, int] = {}
    totals = dict.fromkeys(_TOTALS, 0)
    for snapshot in snapshots:
        for lane in snapshot.lanes:
            key = (lane.model, lane.version, lane.bundle)
            lanes[key] = _sum(lanes[key], lane) if key in lanes else lane
        rejected = _added(rejected, snapshot.rejected)
        totals = {name: total + getattr(snapshot, name) for name, total in totals.items()}
    return Snapshot(lanes=tuple(lanes[key] for key in sorted(lanes)), rejected=rejected, **totals)


def ended(snapshot: Snapshot) -> Snapshot:
    """Give what stays of a process that is gone: all that it has done, and nothing of what it was."""
    lanes = tuple(msgspec.structs.replace(lane, waiting=0) for lane in snapshot.lanes)
    return msgspec.structs.replace(snapshot, lanes=lanes, processes=0, connections=0, memory_bytes=0)


def _sum(one: LaneSnapshot, other: LaneSnapshot) -> LaneSnapshot:
    return LaneSnapshot(
        model=one.model,
        version=one.version,
        bundle=one.bundle,
        requests=_added(one.requests, other.requests),
        errors=_added(one.errors, other.errors),
        rows=one.rows + other.rows,
        batches=one.batches + other.batches,
        waiting=one.waiting + other.waiting,
        durations=_longer(one.durations, other.durations),
        phases={
            name: _longer(one.phases.get(name, Durations()), other.phases.get(name, Durations()))
            for name in {**one.phases, **other.phases}
        },
    )


def _longer(one: Durations, other: Durations) -> Durations:
    return Durations(one.total_ns + other.total_ns, tuple(a + b for a, b in zip(one.bins, other.bins, strict=True)))


def _added(one: Mapping[_Key, int], other: Mapping[_Key, int]) -> dict[_Key, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
