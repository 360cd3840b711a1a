"""Points: what one measurement saw, as figures. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from golive.control.load.crew import Run
from golive.control.load.orders import Measured
from golive.control.load.schedule import Rate

_REFUSALS = frozenset({429, 503})
_OK, _NOT_OK = 200, 300
_SECONDS_PER_HOUR = 3600.0


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """In milliseconds, each at most 1 % off; the greatest is exact."""

    p50: float
    p90: float
    p99: float
    p999: float
    max: float


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a server."""

    connections: int
    rate: Rate | None = None
    """None: a closed loop, every connection asks again once it has its answer."""
    beyond_peak: bool = False
    """Whether it is more than the server was seen to answer, so that it may refuse some."""

    @property
    def name(self) -> str:
        """Say it in a few words."""
        if self.rate is None:
            return f"closed, {self.connections} connection{'s' * (self.connections != 1)}"
        return f"open, {self.rate.per_s:,.0f}/s"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. Counts are of requests that were to start in the measured time."""

    loop: Literal["closed", "open"]
    load: Load
    seconds: float
    throughput: float
    """Answers with a status of 2xx that came in the measured time, a second."""
    requests: int
    statuses: dict[int, int]
    disconnects: int
    unanswered: int
    """Without an answer when the wait for the last ones was over; their age counts as their latency."""
    latencies: Latencies | None
    """None when nothing was answered."""
    server_cpu_s: float | None
    """None when the server's processes cannot be seen from here."""
    answers_per_cpu_s: float | None
    """Answers for each processor second of the server; None when that is not known or too little to count."""
    cost_per_million: float | None
    """Of as many predictions, in the currency of the price."""
    generator_busy: float
    """The share of its time that the busiest generator process used a core."""
    others_cpu_s: float | None
    """What neither the server nor the generator used of the cores; None when it is not known."""
    lateness_p99_ms: float | None
    """Open loop: how late the generator itself was."""
    errors: int
    """Everything but an answer with a status of 2xx."""
    failed: bool
    """Whether there were errors, other than refusing or not finishing what is beyond the server's peak."""
    cut_short: bool
    """Whether it was interrupted."""
    fault: str
    """Why a connection was given up, in the first case that has a reason of its own."""

    @property
    def bad_statuses(self) -> dict[int, int]:
        """The statuses that are not 2xx, and how often each came."""
        return _bad(self.statuses)


def point_of(load: Load, rows: int, price_per_core_hour: float, run: Run) -> Point:
    """Sum up a measurement.

    Args:
        load: what was asked.
        rows: rows a request.
        price_per_core_hour: in any currency.
        run: what all generator processes saw.
    """
    statuses = _added(run.measured)
    disconnects, unanswered = (
        sum(getattr(one, name) for one in run.measured) for name in ("disconnects", "unanswered")
    )
    errors = sum(_bad(statuses).values()) + disconnects + unanswered
    forgiven = sum(statuses.get(status, 0) for status in _REFUSALS) + unanswered if load.beyond_peak else 0
    in_time, server_s = sum(one.in_time for one in run.measured), run.used.server_s
    per_cpu_s = in_time / server_s if server_s else None
    return Point(
        loop="closed" if load.rate is None else "open",
        load=load,
        seconds=run.seconds,
        throughput=in_time / run.seconds if run.seconds else 0.0,
        requests=sum(statuses.values()) + disconnects + unanswered,
        statuses=statuses,
        disconnects=disconnects,
        unanswered=unanswered,
        latencies=_latencies(run),
        server_cpu_s=server_s,
        answers_per_cpu_s=per_cpu_s,
        cost_per_million=cost_per_million(per_cpu_s * rows, price_per_core_hour) if per_cpu_s else None,
        generator_busy=max((one.cpu_s / one.seconds for one in run.measured if one.seconds), default=0.0),
        others_cpu_s=_others(run),
        lateness_p99_ms=run.lateness.quantile_ns(0.99) / 1e6 if run.lateness.count else None,
        errors=errors,
        failed=errors > forgiven,
        cut_short=run.cut_short,
        fault=next((one.fault for one in run.measured if one.fault), ""),
    )


def cost_per_million(predictions_per_cpu_s: float, price_per_core_hour: float) -> float:
    """Give what a million predictions cost in processor time alone, in the currency of the price.

    ``processor seconds / predictions * 1,000,000 * price of a core-hour / 3,600``; a prediction is one row.
    """
    return 1e6 / predictions_per_cpu_s * price_per_core_hour / _SECONDS_PER_HOUR


def _bad(statuses: Mapping[int, int]) -> dict[int, int]:
    return {status: count for status, count in statuses.items() if not _OK <= status < _NOT_OK}


def _added(measured: Sequence[Measured]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for one in measured:
        total.update(one.statuses)
    return dict(total)


def _others(run: Run) -> float | None:
    if run.used.server_s is None or run.used.machine_s is None:
        return None
    return max(0.0, run.used.machine_s - run.used.server_s - sum(one.cpu_s for one in run.measured))


def _latencies(run: Run) -> Latencies | None:
    found = run.latencies
    if not found.count:
        return None
    p50, p90, p99, p999 = (found.quantile_ns(share) / 1e6 for share in (0.5, 0.9, 0.99, 0.999))
    return Latencies(p50=p50, p90=p90, p99=p99, p999=p999, max=found.longest_ns / 1e6)
