"""Memory over load and unload cycles: what a server with a memory budget keeps after a thousand of them.

Four models of 24 MB, a budget for two processes. One name is unloaded and loaded again through the administration
socket, while the others stay; every process's memory is read before, in between and after.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.process import PAGE_KIB, tree
from benchmarks.support import support
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import RunningSupervisor, start_supervisor, stop
from golive.domain.release import Share
from golive.domain.serving import Placed, Route

CYCLES = 1000
WARM = 20
"""Cycles before the first reading: allocators and caches have found their size by then."""
READINGS = 20
NAMES = ("a", "b", "c", "d")
TABLE_ROWS = 3 << 20
BUDGET_MB = 270
EXAMPLES = {"x": 1.0, "y": 2.0}


def measure(cycles: int = CYCLES) -> dict[str, object]:
    """Run the cycles and give memory before and after, by the part that a process has."""
    with _server() as supervisor, _admin(supervisor) as admin:
        started = time.perf_counter()
        _cycle(admin, WARM)
        readings = [_memory(supervisor, admin)]
        for _ in range(READINGS):
            _cycle(admin, cycles // READINGS)
            readings.append(_memory(supervisor, admin))
        seconds = time.perf_counter() - started
    first, last = readings[0], readings[-1]
    growth = {part: round(last[part] / first[part] - 1, 4) for part in first}
    return {
        "cycles": cycles // READINGS * READINGS,
        "seconds_per_cycle": round(seconds / (cycles + WARM), 2),
        "before_mib": first,
        "after_mib": last,
        "growth": growth,
        "target": 0.05,
        "within": all(part <= 0.05 for part in growth.values()),
        "readings_mib": readings,
        "note": "resident set size; a cycle unloads one of four models and loads it again, which ends and starts "
        "its process",
    }


def _cycle(admin: httpx.Client, times: int) -> None:
    for _ in range(times):
        for verb in ("unload", "load"):
            admin.post(f"/v2/repository/models/a/{verb}").raise_for_status()


def _memory(supervisor: RunningSupervisor, admin: httpx.Client) -> dict[str, float]:
    groups = {group["pid"] for group in admin.get("/groups").json()["groups"] if group["pid"]}
    workers = [pid for pid in tree(supervisor.pid) if pid != supervisor.pid and pid not in groups]
    parts = {"supervisor": [supervisor.pid], "workers": workers, "groups": sorted(groups)}
    return {part: round(sum(map(_resident_mib, pids)), 2) for part, pids in parts.items()}


def _resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_KIB / 1024


@contextmanager
def _admin(supervisor: RunningSupervisor) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(uds=str(supervisor.admin))
    with httpx.Client(transport=transport, base_url="http://supervisor", timeout=120) as client:
        yield client


@contextmanager
def _server() -> Iterator[RunningSupervisor]:
    with tempfile.TemporaryDirectory() as name:
        state = Path(name) / "state"
        sums = support("sums")
        placed = tuple(
            Placed(name, 1, sums.keep_numbers(state, name, sums.sums_graph(float(factor), TABLE_ROWS), EXAMPLES))
            for factor, name in enumerate(NAMES, start=1)
        )
        order = SupervisorOrder(
            state=str(state),
            port=0,
            admin_port=0,
            workers=2,
            ledger=False,
            placed=placed,
            traffic=tuple(Route(name, (Share(1, 1.0),)) for name in NAMES),
            memory_mb=BUDGET_MB,
            group_stay_s=0.0,
            sample=0.0,
        )
        yield start_supervisor(order, detach=True, log=state / "run" / "supervisor.log", timeout_s=60)
        stop(state, timeout_s=60)


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else CYCLES))
