"""Crew: the generator processes of one measurement, from outside them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from golive.control.load.cores import Used
from golive.control.load.histogram import Histogram
from golive.control.load.orders import LoadOrder, Measured
from golive.errors import UnavailableError

_HEAD_START_NS = 20_000_000
"""Between the word to begin and the beginning, so that all processes begin together."""
_END_S = 5.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, all generator processes together."""

    measured: tuple[Measured, ...]
    latencies: Histogram
    lateness: Histogram
    used: Used
    """Within the measured time."""
    seconds: float
    """The measured time."""
    cut_short: bool
    """Whether it was interrupted."""


def run_load(orders: Sequence[LoadOrder], read_used: Callable[[], Used]) -> Run:
    """Load a server with one process an order, and wait for what they measured.

    Ctrl-C ends the measurement; what was measured so far is given, marked as cut short.

    Args:
        orders: equal in their times.
        read_used: reads the processor seconds that were used so far.

    Raises:
        UnavailableError: a connection could not be made, or a process ended without a report.
    """
    with _started(orders) as crew:
        begin_ns = time.perf_counter_ns() + _HEAD_START_NS
        for process in crew:
            _tell(process, f"go {begin_ns}")
        watch = _Watch(read_used)
        reports: dict[int, Measured] = {}
        cut_short = False
        try:
            watch.watch(begin_ns + int(orders[0].warmup_s * 1e9), orders[0].seconds)
            _collect(crew, reports)
        except KeyboardInterrupt:
            cut_short = True
            for process in crew:
                _tell(process, "stop")
            watch.end()
            _collect(crew, reports)
    return _together(tuple(reports.values()), watch, cut_short=cut_short)


class _Watch:
    """Reads the server's processor time at both ends of the measured time."""

    def __init__(self, read: Callable[[], Used]) -> None:
        self._read = read
        self._first: Used | None = None
        self.used = Used(server_s=None, machine_s=None)

    def watch(self, begin_ns: int, seconds: float) -> None:
        _sleep_until(begin_ns)
        self._first = self._read()
        _sleep_until(begin_ns + int(seconds * 1e9))
        self.end()

    def end(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            last = self._read()
            self.used = Used(
                server_s=_more(first.server_s, last.server_s), machine_s=_more(first.machine_s, last.machine_s)
            )


def _more(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else last - first


def _together(measured: Sequence[Measured], watch: _Watch, *, cut_short: bool) -> Run:
    latencies, lateness = Histogram(), Histogram()
    for one in measured:
        latencies.add(one.latencies)
        lateness.add(one.lateness)
    return Run(
        measured=tuple(measured),
        latencies=latencies,
        lateness=lateness,
        used=watch.used,
        seconds=max(one.seconds for one in measured),
        cut_short=cut_short,
    )


@contextmanager
def _started(orders: Sequence[LoadOrder]) -> Iterator[list[subprocess.Popen[bytes]]]:
    crew: list[subprocess.Popen[bytes]] = []
    try:
        # One by one, so that those which were started end whatever becomes of the next.
        for order in orders:
            crew.append(_spawn(order))  # noqa: PERF401
        for process in crew:
            _hear(process)
        yield crew
    finally:
        for process in crew:
            _end(process)


def _spawn(order: LoadOrder) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "golive.control.load.generator"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A group of its own: Ctrl-C in a terminal goes to the bench only, which asks for what was measured.
        process_group=0,
    )
    _tell(process, msgspec.json.encode(order).decode("ascii"))
    return process


def _hear(process: subprocess.Popen[bytes]) -> None:
    word = _line(process)
    if word != b"ready\n":
        error = msgspec.json.decode(word, type=Measured).error
        message = f"the load generator cannot connect to the server ({error}); see that it listens and has room"
        raise UnavailableError(message)


def _collect(crew: Sequence[subprocess.Popen[bytes]], reports: dict[int, Measured]) -> None:
    for process in crew:
        if process.pid not in reports:
            reports[process.pid] = msgspec.json.decode(_line(process), type=Measured)


def _line(process: subprocess.Popen[bytes]) -> bytes:
    if process.stdout is None:
        return b""
    line = process.stdout.readline()
    if not line:
        message = f"a load generator ended with code {process.wait()} before it reported; the text above says why"
        raise UnavailableError(message)
    return line


def _tell(process: subprocess.Popen[bytes], line: str) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(f"{line}\n".encode("ascii"))
        process.stdin.flush()
    except BrokenPipeError:
        return


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _sleep_until(at_ns: int) -> None:
    time.sleep(max(0, at_ns - time.perf_counter_ns()) / 1e9)
