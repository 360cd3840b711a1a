"""Overload: from half to three times of what a batched model can answer is asked of it, whether it answers or not.

Requests begin by the clock. A good answer is 200; with deadlines, one that came within its own deadline as well.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.field.models import make_mlp
from benchmarks.support import support
from golive.control.home import Home
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import start_supervisor, stop
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.store.bundles import BundleStore

TIMES = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
DEADLINE_MS = 100
CONNECTIONS, PEAK_CONNECTIONS = 1000, 64
WARM_S, TIMED_S = 1.0, 4.0
START_S = 60.0
MS = 1e6


def measure() -> dict[str, object]:
    """Find the peak, then go up to three times of it, without deadlines and with them."""
    with tempfile.TemporaryDirectory(prefix="golive-overload-") as name:
        made = make_mlp(Path(name) / "mlp")
        bundle = BundleStore(Home(made.folder).store).list()[0]
        order = SupervisorOrder(
            state=str(made.folder),
            port=0,
            admin_port=0,
            workers=1,
            ledger=False,
            placed=(Placed(bundle.name, 1, bundle.digest),),
            traffic=(Route(bundle.name, (Share(1, 1.0),)),),
        )
        server = start_supervisor(order, detach=True, log=made.folder / "server.log", timeout_s=START_S)
        try:
            return _measured(support("faults").port_of(server), made.rows.tolist(), made.cost_us)
        finally:
            stop(made.folder, timeout_s=START_S)


def _measured(port: int, rows: list[list[float]], cost_us: dict[str, float]) -> dict[str, object]:
    request = support("load").request
    bodies = [json.dumps({"features": [row]}).encode() for row in rows]
    plain = [request("/predict", body) for body in bodies]
    timed = [request("/predict", body, f"x-request-timeout-ms: {DEADLINE_MS}") for body in bodies]
    peak = _peak(port, plain)
    return {
        "model": "a network over 32 numbers, one row a request, one worker",
        "graph_alone_us": cost_us,
        "deadline_ms": DEADLINE_MS,
        "peak_per_s": round(peak),
        "without_deadlines": [_point(port, plain, times, peak, None) for times in TIMES],
        "with_deadlines": [_point(port, timed, times, peak, DEADLINE_MS) for times in TIMES],
    }


def _peak(port: int, requests: list[bytes]) -> float:
    answered = 0.0
    for seconds in (WARM_S, TIMED_S):
        with support("load").Load(port, requests=requests, connections=PEAK_CONNECTIONS) as load:
            time.sleep(seconds)
        answered = load.report.answered / load.report.seconds
    return answered


def _point(port: int, requests: list[bytes], times: float, peak: float, deadline_ms: float | None) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile() as samples:
        load = support("load").Load(
            port,
            requests=requests,
            connections=CONNECTIONS,
            rate_per_s=times * peak,
            late_ms=deadline_ms,
            samples=samples.name,
        )
        with load:
            time.sleep(WARM_S)
            began_ns = time.perf_counter_ns()
            time.sleep(TIMED_S)
            ended_ns = time.perf_counter_ns()
        moments, latencies = np.frombuffer(Path(samples.name).read_bytes(), dtype=np.int64).reshape(-1, 2).T
    # What is still answered after the end belongs to nobody's second.
    latencies = latencies[(moments >= began_ns) & (moments < ended_ns)] / MS
    in_time = latencies if deadline_ms is None else latencies[latencies <= deadline_ms]
    good_per_s, report = len(in_time) / TIMED_S, load.report
    return {
        "times_the_peak": times,
        "offered_per_s": round(report.begun / report.seconds),
        "good_per_s": round(good_per_s),
        "goodput_of_peak": round(good_per_s / peak, 3),
        "p99_ms_of_the_answered": round(float(np.quantile(latencies, 0.99)), 1) if len(latencies) else None,
        "refused_per_s": round(report.statuses.get(503, 0) / report.seconds),
        "late": report.late,
        "refused_without_retry_after": report.without_retry_after,
        "cut_off_or_unanswered": report.resets + report.short + report.timeouts,
    }
