"""Report: all measurements of one bench, and what a reader must know to read them rightly."""

from collections.abc import Iterator, Sequence

import msgspec

from golive.control.load.cores import Cores
from golive.control.load.plan import Plan
from golive.control.load.points import Point

_BUSY = 0.95
_LATE_MS = 1.0
_OTHERS = 0.1


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What is served, where, and by how much."""

    model: str
    bundle: str
    """The digest; empty when only the server knows."""
    url: str
    private: bool
    """Whether it was started for this bench."""
    record: bool | None
    """Whether predictions are recorded; None when only the server knows."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    cpu: str
    system: str
    cores: int
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured."""

    golive: str
    at: str
    service: Service
    machine: Machine
    plan: Plan
    points: tuple[Point, ...]
    notes: tuple[str, ...]
    """What a reader must know to read the figures rightly."""
    cut_short: bool
    """Whether it was interrupted."""
    broken: str
    """Why it could not go on, as when the server ended; empty when it could."""

    @property
    def is_failed(self) -> bool:
        """Whether any request failed that should not have, or some could not be sent at all."""
        return bool(self.broken) or any(point.failed for point in self.points)


def notes_of(points: Sequence[Point], cores: Cores, plan: Plan, *, is_here: bool, pid: int) -> tuple[str, ...]:
    """Say what a reader must know to read the figures rightly."""
    found = [_where(cores, is_here=is_here)]
    if any(point.loop == "closed" for point in points):
        found.append(
            "closed loop: a connection asks again only when it has its answer, so a slow server is asked less and "
            "queueing does not show in its latencies; the open loop shows it"
        )
    if any(point.loop == "open" for point in points):
        found.append(
            "open loop: latency counts from the moment at which a request was to start by the schedule, so waiting for "
            "a stalled server counts too"
        )
    if not pid:
        found.append("the server's processes cannot be seen from here, so its processor time and cost are not known")
    elif points:
        found.append(
            f"cost = processor seconds of all server processes / predictions x 1,000,000 x "
            f"{plan.price_per_core_hour:g} for a core-hour / 3,600"
        )
    found.append(_others(points))
    found += [f"{point.load.name}: {text}" for point in points for text in _doubts(point)]
    return tuple(text for text in found if text)


def _others(points: Sequence[Point]) -> str:
    most = max((point.others_cpu_s / point.seconds for point in points if point.others_cpu_s is not None), default=0.0)
    if most < _OTHERS:
        return ""
    return (
        f"other programs used up to {most:.1f} cores of this machine meanwhile, so the figures are worse than the "
        "server's own; repeat it on a quiet machine"
    )


def _where(cores: Cores, *, is_here: bool) -> str:
    if not is_here:
        return ""
    if cores.apart:
        return f"server on core {_listed(cores.server)}, generator on core {_listed(cores.generator)} of one machine"
    return (
        "the generator and the server share cores: what the generator uses the server lacks, so throughput is lower "
        "and latencies are longer than on cores of their own"
    )


def _listed(cores: tuple[int, ...]) -> str:
    return f"{cores[0]}" if len(cores) == 1 else f"{cores[0]} to {cores[-1]}"


def _doubts(point: Point) -> Iterator[str]:
    if point.loop == "closed" and point.generator_busy > _BUSY:
        yield "the generator was the limit, not the server; try more --generators"
    late = point.lateness_p99_ms or 0.0
    if point.latencies is not None and late > max(_LATE_MS, point.latencies.p99 / 2):
        yield f"the generator itself was up to {late:.1f} ms late (p99), which its latencies hold"
    if point.fault:
        yield f"first failure: {point.fault}"
