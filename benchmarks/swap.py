"""Swap: new versions take over under full load, on two workers; every single answer is looked at.

Each swap is a new generation of processes. Afterwards a version that does not load is started again and again, and a
worker is killed, under the same load.
"""

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.process import tree
from benchmarks.support import support
from golive.domain.serving import Placed, Shift, Start
from golive.errors import UnavailableError

SWAPS, LEAST_REQUESTS, LEAST_SWAPS = 12, 200_000, 10
CONNECTIONS = 16
STEADY_S, PAUSE_S = 8.0, 1.0
FAILING, MS = 3, 1e6


def measure() -> dict[str, object]:
    """Swap, start what does not load, kill."""
    faults = support("faults")
    with tempfile.TemporaryDirectory(prefix="golive-swap-") as name:
        place = faults.Place(Path(name) / "state", versions=SWAPS + 1)
        try:
            server = place.start(workers=2, drain_s=5.0)
            return {
                "connections": CONNECTIONS,
                "workers": 2,
                "swaps": _swaps(place, server, Path(name) / "samples"),
                "versions_that_do_not_load": _failing(place, server),
                "killed_worker": _killed(server),
            }
        finally:
            place.end()


def _load(server: Any, *versions: int, **options: Any) -> Any:
    faults, load = support("faults"), support("load")
    rows = [(float(number), number / 4) for number in range(20)]
    right = tuple({str(version): faults.right(*row, version) for version in versions} for row in rows)
    bodies = [faults.body(*row) for row in rows]
    return load.Load(faults.port_of(server), faults.PATH, bodies, right=right, connections=CONNECTIONS, **options)


def _swaps(place: Any, server: Any, samples: Path) -> dict[str, object]:
    faults = support("faults")
    versions = range(1, SWAPS + 2)
    with _load(server, 1):
        time.sleep(STEADY_S / 2)
    before = _memory_mib(server.pid)
    swaps: list[tuple[int, int]] = []
    with _load(server, *versions, samples=str(samples)) as load:
        time.sleep(STEADY_S)
        for version in versions[1:]:
            began = time.perf_counter_ns()
            place.target.apply(Start(place.placed(version - 1, version)))
            place.target.apply(Shift(faults.all_to(version)))
            swaps.append((began, time.perf_counter_ns()))
            time.sleep(PAUSE_S)
        while load.so_far < LEAST_REQUESTS:
            time.sleep(PAUSE_S)
    report = load.report
    moments, latencies = np.frombuffer(samples.read_bytes(), dtype=np.int64).reshape(-1, 2).T
    during = np.zeros(len(moments), dtype=bool)
    for began, ended in swaps:
        during |= (moments >= began) & (moments - latencies <= ended)
    steady, swapping = _spread(latencies[~during]), _spread(latencies[during])
    return {
        "count": len(swaps),
        "requests": report.begun,
        "failed": report.begun - report.answered,
        "failures": report.first,
        "versions_that_answered": len(report.versions),
        "requests_per_s": round(report.begun / report.seconds),
        "swap_s": round(float(np.median([(ended - began) / 1e9 for began, ended in swaps])), 2),
        "steady": steady,
        "during_swaps": swapping,
        "p99_ratio": round(swapping["p99_ms"] / steady["p99_ms"], 2),
        "memory_mib": {"before": before, "after": _memory_mib(server.pid)},
    }


def _spread(latencies: np.ndarray) -> dict[str, float]:
    p50, p99 = np.quantile(latencies, [0.5, 0.99]) / MS
    longest = float(latencies.max()) / MS
    return {"requests": len(latencies), "p50_ms": round(p50, 2), "p99_ms": round(p99, 2), "max_ms": round(longest, 1)}


def _failing(place: Any, server: Any) -> dict[str, object]:
    """Start versions that do not load; nobody notices."""
    digest = support("faults").keep(place.state, b"this is not a graph")
    refused = 0
    with _load(server, SWAPS + 1) as load:
        for _ in range(FAILING):
            try:
                place.target.apply(Start((*place.placed(SWAPS + 1), Placed("sums", 99, digest))))
            except UnavailableError:
                refused += 1
    return {"tries": FAILING, "refused": refused, "requests": load.report.begun, "failed": load.report.failed}


def _killed(server: Any) -> dict[str, object]:
    """Kill one of two workers; only what it was answering fails."""
    faults = support("faults")
    with _load(server, SWAPS + 1) as load:
        time.sleep(PAUSE_S)
        victim = faults.workers(server.pid)[0]
        began = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        faults.eventually(lambda: len(set(faults.workers(server.pid)) - {victim}) == 2)
        replaced_s = time.perf_counter() - began
        time.sleep(PAUSE_S)
    report = load.report
    return {
        "requests": report.begun,
        "failed": report.failed,
        "failed_at_most": CONNECTIONS,
        "replaced_after_s": round(replaced_s, 2),
    }


def _memory_mib(pid: int) -> int:
    """Sum what every process of the server holds, pages that they share counted once."""
    total = 0
    for one in tree(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text("ascii")
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return round(total / 1024)
