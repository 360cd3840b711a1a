"""Meter: the program of a measuring process. A folder with two graphs and rows in; answers and times out, as files.

It keeps to one core and lets the original and the candidate take turns, so that the ratio of their times holds on a
machine that does other things too. A graph that crashes or never ends takes this process with it and nothing else.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from golive import plugins
from golive.errors import GoliveError
from golive.optimization.confine import confine
from golive.optimization.measured import Comparison, Cost
from golive.ports import Float64, Int64, Runtime, Session

ORIGINAL, CANDIDATE = "original", "candidate"
ORDER, ANSWERS, COMPARISON, ERROR = "order.json", "answers.npy", "comparison.json", "error.txt"
THOUSAND = 1000
ALONE_ROWS = 64
"""So many rows are also answered one by one."""
_ROUNDS = 10
_ROUND_NS = 8_000_000
_MOST_CALLS = 400
_TRIED = 3
_UNDISTURBED = 0.1
"""The share of calls that the fastest ones are taken for."""
_TWO = 2
_RESET_PEAK = "5"
"""What Linux wants to hear in ``clear_refs`` to count a process's peak from now on."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure."""

    original_runtime: str
    candidate_runtime: str
    core: int | None
    threshold: float
    """Of two classes, the probability above which the second is decided."""
    is_classification: bool
    memory_bytes: int
    """The most address space that the process may take."""


Rows = tuple[Float64, Int64]


def main(folder: Path) -> int:
    """Measure what lies in a folder; gives the exit code."""
    try:
        _measure(folder)
    except GoliveError as error:
        (folder / ERROR).write_text(error.message, "utf-8")
        return 1
    return 0


class _Opened:
    """One graph, opened, with what that cost."""

    def __init__(self, folder: Path, who: str, runtime_name: str) -> None:
        self.rows = np.load(folder / f"{who}.numbers.npy"), np.load(folder / f"{who}.codes.npy")
        chosen = np.arange(THOUSAND) % len(self.rows[0])
        self.thousand = (np.ascontiguousarray(self.rows[0][chosen]), np.ascontiguousarray(self.rows[1][chosen]))
        path = folder / f"{who}.onnx"
        self.size_bytes = path.stat().st_size
        graph = path.read_bytes()
        runtime: Runtime = plugins.load("runtimes", runtime_name)
        # The first session of a process loads the library; it stays, so that its memory is not given to the second.
        first = runtime.open(graph, threads=1)
        before = _reset_peak()
        started = time.perf_counter_ns()
        self.session: Session = runtime.open(graph, threads=1)
        self.load_ms = (time.perf_counter_ns() - started) / 1e6
        self.session.run(*self.thousand)
        self.memory_mb = max(_status("VmHWM") - before, 0.0)
        del first

    def run_one(self) -> object:
        """Answer one row."""
        return self.session.run(self.rows[0][:1], self.rows[1][:1])

    def run_thousand(self) -> object:
        """Answer a thousand rows."""
        return self.session.run(*self.thousand)

    def cost(self, ones: Float64, thousands: Float64) -> Cost:
        """Put together what was measured, from the microseconds of each call."""
        return Cost(
            p50_us=float(np.median(ones)),
            p99_us=float(np.quantile(ones, 0.99)),
            thousand_ms=float(np.median(thousands)) / 1e3,
            load_ms=self.load_ms,
            memory_mb=self.memory_mb,
            size_bytes=self.size_bytes,
        )


def _measure(folder: Path) -> None:
    order = msgspec.json.decode((folder / ORDER).read_bytes(), type=Order)
    confine(order.memory_bytes)
    if order.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {order.core})
    # The candidate first: its memory must not hide behind what the original has left free.
    candidate = _Opened(folder, CANDIDATE, order.candidate_runtime)
    answers = candidate.session.run(*candidate.rows)
    np.save(folder / ANSWERS, answers)
    alone, flipped = _alone(candidate.session, candidate.rows, answers, order)
    original = _Opened(folder, ORIGINAL, order.original_runtime)
    ones = _in_turns(original.run_one, candidate.run_one, time.perf_counter_ns)
    # Other programs interrupt long calls; processor time is what they take when nobody does.
    thousands = _in_turns(original.run_thousand, candidate.run_thousand, time.process_time_ns)
    told = Comparison(
        original=original.cost(ones[0], thousands[0]),
        candidate=candidate.cost(ones[1], thousands[1]),
        one_row=_ratio(*ones),
        thousand_rows=_ratio(*thousands),
        alone=alone,
        alone_flipped=flipped,
    )
    (folder / COMPARISON).write_bytes(msgspec.json.encode(told))


def _alone(session: Session, rows: Rows, answers: Float64, order: Order) -> tuple[float, int]:
    """Compare rows that are sent one by one with the same rows sent together."""
    chosen = np.unique(np.linspace(0, len(answers) - 1, min(ALONE_ROWS, len(answers))).astype(np.int64))
    single = np.concatenate([session.run(rows[0][row : row + 1], rows[1][row : row + 1]) for row in chosen])
    together = answers[chosen]
    if order.is_classification:
        apart = np.abs(single - together)
        flipped = int((_decided(single, order.threshold) != _decided(together, order.threshold)).sum())
    else:
        apart, flipped = np.abs(single - together) / np.maximum(1.0, np.abs(together)), 0
    found = float(apart.max(initial=0.0))
    return (found if np.isfinite(found) else sys.float_info.max), flipped


def _decided(answers: Float64, threshold: float) -> Int64:
    if answers.shape[1] == _TWO:
        return (answers[:, 1] > threshold).astype(np.int64)
    best: Int64 = answers.argmax(axis=1).astype(np.int64)
    return best


def _in_turns(
    original: Callable[[], object], candidate: Callable[[], object], clock: Callable[[], int]
) -> tuple[Float64, Float64]:
    """Time two calls in turns; gives the microseconds of each call of both, ``[calls]``."""
    calls = (original, candidate)
    counts = [
        int(np.clip(_ROUND_NS / max(float(_timed(call, _TRIED, clock).min()) * 1e3, 1.0), 1, _MOST_CALLS))
        for call in calls
    ]
    found: tuple[list[Float64], list[Float64]] = ([], [])
    for _ in range(_ROUNDS):
        for place, call in enumerate(calls):
            found[place].append(_timed(call, counts[place], clock))
    return np.concatenate(found[0]), np.concatenate(found[1])


def _timed(call: Callable[[], object], times: int, clock: Callable[[], int]) -> Float64:
    """Time calls, microseconds ``[times]``."""
    spent = np.empty(times)
    for index in range(times):
        started = clock()
        call()
        spent[index] = (clock() - started) / 1e3
    return spent


def _ratio(original: Float64, candidate: Float64) -> float:
    """Compare the undisturbed calls of both: what other programs take from a core only ever adds."""
    quick = [float(np.quantile(times, _UNDISTURBED)) for times in (original, candidate)]
    return quick[0] / max(quick[1], 1e-6)


def _reset_peak() -> float:
    """Count the peak from now on where the system can; gives what the process holds now, megabytes."""
    clear = Path("/proc/self/clear_refs")
    with suppress(OSError):
        clear.write_text(_RESET_PEAK, "ascii")
    return _status("VmRSS")


def _status(field: str) -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    for line in status.read_text("ascii", errors="replace").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
