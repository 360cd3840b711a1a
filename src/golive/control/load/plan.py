"""Plan: what a person wants measured in, the loads and the orders of the generator processes out. Pure."""

import math

import msgspec

from golive.control.load.cores import Cores
from golive.control.load.orders import LoadOrder
from golive.control.load.points import Load
from golive.control.load.requests import Form
from golive.control.load.schedule import Arrivals, Rate
from golive.control.load.target import Target
from golive.errors import UsageError

_BODIES = 256
_MOST_ROWS = 65_536
_MOST_CONNECTIONS = 10_000
_MOST_PERCENT = 1000
_MOST_S = 3600
_MOST_STARTS = 10_000_000
_MOST_GENERATORS = 256
_OPEN_CONNECTIONS = 64
_GRACE_S = 5.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure."""

    connections: tuple[int, ...] = (1, 16, 64)
    """Closed loops, one measurement each."""
    sweep: tuple[float, ...] = (20, 40, 60, 80, 90, 100, 110, 120)
    """Open loops at so many percent of the highest throughput of the closed loops."""
    rates: tuple[float, ...] = ()
    """Open loops at so many requests a second; they take the place of the sweep."""
    arrivals: Arrivals = "poisson"
    seconds: float = 5.0
    warmup_s: float = 1.0
    rows: int = 1
    """Rows a request."""
    form: Form = "auto"
    seed: int = 0
    generators: int = 1
    """Processes that make the load."""
    pin: bool = True
    price_per_core_hour: float = 0.05


def check(plan: Plan) -> None:
    """Refuse a plan that cannot be carried out.

    Raises:
        UsageError: a number is out of its range, or an open loop has no rate to go by.
    """
    starts = max(plan.rates, default=0.0) * (plan.warmup_s + plan.seconds)
    # Written as what must hold, since no comparison with NaN does.
    must = [
        (
            all(1 <= one <= _MOST_CONNECTIONS for one in plan.connections),
            f"--connections takes 1 to {_MOST_CONNECTIONS:,}",
        ),
        (
            all(0 < one <= _MOST_PERCENT for one in plan.sweep),
            f"--sweep takes percentages above 0, up to {_MOST_PERCENT:,}",
        ),
        (all(one > 0 for one in plan.rates), "--rates takes requests a second, above 0"),
        (0 < plan.seconds <= _MOST_S, f"--seconds takes more than 0, up to {_MOST_S:,}"),
        (0 <= plan.warmup_s <= _MOST_S, f"--warmup takes 0 to {_MOST_S:,} seconds"),
        (
            starts <= _MOST_STARTS,
            f"the highest of --rates makes {starts:,.0f} requests; up to {_MOST_STARTS:,} are possible",
        ),
        (1 <= plan.rows <= _MOST_ROWS, f"--rows takes 1 to {_MOST_ROWS:,} rows a request"),
        (1 <= plan.generators <= _MOST_GENERATORS, f"--generators takes 1 to {_MOST_GENERATORS}"),
        (0 <= plan.price_per_core_hour < math.inf, "--price-per-core-hour takes 0 or more"),
        (bool(plan.connections or plan.rates), "without --connections, an open loop needs --rates to go by"),
    ]
    for holds, message in must:
        if not holds:
            raise UsageError(message)


def row_count(plan: Plan) -> int:
    """Give the number of rows to draw: enough for many different bodies, and bounded where bodies are big."""
    return plan.rows * max(1, min(_BODIES, _MOST_ROWS // plan.rows))


def loads_after(plan: Plan, peak: float | None) -> list[Load]:
    """Give the open loops of a plan, once the closed ones have shown the peak."""
    connections = max(_OPEN_CONNECTIONS, *plan.connections, plan.generators)
    rates = plan.rates or (tuple(percent / 100 * peak for percent in plan.sweep) if peak else ())
    return [
        Load(
            connections=connections,
            rate=Rate(per_s=rate, arrivals=plan.arrivals, seed=plan.seed),
            beyond_peak=peak is not None and rate > peak,
        )
        for rate in rates
    ]


def orders_of(
    load: Load, plan: Plan, target: Target, requests: tuple[bytes, ...], cores: Cores
) -> tuple[LoadOrder, ...]:
    """Share a load out among the generator processes, of which none is without a connection."""
    parts = min(plan.generators, load.connections)
    return tuple(
        LoadOrder(
            host=target.host,
            port=target.port,
            tls=target.tls,
            tls_ca=target.tls_ca,
            # Each begins elsewhere, so that they do not ask for the same at the same time.
            requests=requests[part * len(requests) // parts :] + requests[: part * len(requests) // parts],
            connections=load.connections // parts + (part < load.connections % parts),
            rate=load.rate,
            part=part,
            parts=parts,
            warmup_s=plan.warmup_s,
            seconds=plan.seconds,
            grace_s=_GRACE_S,
            cores=(cores.generator[part % len(cores.generator)],) if cores.generator else (),
        )
        for part in range(parts)
    )
