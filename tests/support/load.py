"""An honest load: a process of its own asks over kept connections, and every single answer is looked at.

An answer counts when its status is 200 and, where the right answers are known, its body is that of the version that it
names, byte for byte. What fails is told apart: other statuses, wrong bodies, answers cut off in the middle, requests
that were never answered, silence, connections that cannot be made.

``python load.py`` is the process: an order on standard input, a report on standard output.
"""

import asyncio
import mmap
import os
import subprocess
import sys
import tempfile
from array import array
from collections import deque
from itertools import cycle
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Self

import msgspec
import uvloop

SWEEP_S = 0.1
COUNT_BYTES = 8


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, and how."""

    port: int
    requests: tuple[bytes, ...]
    """Whole HTTP requests, sent in turn."""
    right: tuple[dict[str, bytes], ...] = ()
    """For each request: version -> the one right body. Empty: any body will do."""
    connections: int = 8
    rate_per_s: float | None = None
    """Requests begin so often, whatever the server does; None: each connection asks as soon as it has its answer."""
    timeout_s: float = 10.0
    late_ms: float | None = None
    """An answer with status 200 that comes later than this after its request was due is late."""
    samples: str = ""
    """A file for (moment of the answer, its latency) of all good answers: pairs of int64, in nanoseconds."""
    progress: str = ""


class Report(msgspec.Struct, kw_only=True):
    """What came of it."""

    begun: int = 0
    answered: int = 0
    """Status 200 and the right body."""
    late: int = 0
    """Of those, so many came late."""
    versions: dict[str, int] = {}
    statuses: dict[int, int] = {}
    """Of the other answers."""
    without_retry_after: int = 0
    """Of those, so many are 503 and do not say when to come back."""
    wrong: int = 0
    resets: int = 0
    """Requests without any byte of an answer."""
    short: int = 0
    """Answers that were cut off."""
    timeouts: int = 0
    unconnected: int = 0
    first: dict[str, str] = {}
    """The first one of each kind of failure."""
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Requests without a good answer."""
        return sum(self.statuses.values()) + self.wrong + self.resets + self.short + self.timeouts


class Ask(asyncio.Protocol):
    """One connection."""

    def __init__(self, crowd: "Crowd") -> None:
        self.crowd = crowd
        self.transport: Any = None
        self.due_ns = 0
        self.which = 0
        self.kept = b""

    def connection_made(self, transport):
        self.transport = transport
        self.crowd.free(self)

    def ask(self, which: int, request: bytes, due_ns: int) -> None:
        self.which, self.due_ns = which, due_ns
        self.transport.write(request)

    def data_received(self, data):
        kept = self.kept + data if self.kept else data
        end = kept.find(b"\r\n\r\n")
        at = kept.find(b"ontent-length: ", 0, end)
        if end < 0 or at < 0:
            self.kept = kept
            return
        size = end + 4 + int(kept[at + 15 : kept.find(b"\r", at)])
        if len(kept) < size:
            self.kept = kept
            return
        self.kept = b""
        due_ns, self.due_ns = self.due_ns, 0
        closes = self.crowd.answered(self.which, due_ns, kept[: end + 2], kept[end + 4 :] if due_ns else b"?")
        if closes:
            self.transport.close()
        else:
            self.crowd.free(self)

    def connection_lost(self, exc):
        self.crowd.lost(self, exc)


class Crowd:
    """All connections of one order."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.report = Report()
        self.samples = array("q")
        self.turn = cycle(range(len(order.requests)))
        self.idle: deque[Ask] = deque()
        self.waiting: deque[int] = deque()
        self.open: set[Ask] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.over = False
        self.began_ns = 0

    async def connect(self) -> None:
        try:
            _, ask = await asyncio.get_running_loop().create_connection(lambda: Ask(self), "127.0.0.1", self.order.port)
        except OSError as error:
            self.report.unconnected += 1
            self.note("unconnected", repr(error))
            await asyncio.sleep(0.05)
            self.again()
        else:
            self.open.add(ask)

    def again(self) -> None:
        if not self.over:
            task = asyncio.get_running_loop().create_task(self.connect())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def free(self, ask: Ask) -> None:
        if self.over or not self.began_ns:
            self.idle.append(ask)
        elif self.order.rate_per_s is None:
            self.send(ask, perf_counter_ns())
        elif self.waiting:
            self.send(ask, self.waiting.popleft())
        else:
            self.idle.append(ask)

    def send(self, ask: Ask, due_ns: int) -> None:
        which = next(self.turn)
        self.report.begun += 1
        ask.ask(which, self.order.requests[which], due_ns)

    def answered(self, which: int, due_ns: int, head: bytes, body: bytes) -> bool:
        """Count an answer; say whether the connection ends with it."""
        report, order = self.report, self.order
        now_ns = perf_counter_ns()
        status = int(head[9:12])
        if status == 200:
            at = head.find(b"x-model-version: ")
            version = head[at + 17 : head.find(b"\r", at)].decode() if at >= 0 else ""
            if due_ns and (not order.right or order.right[which].get(version) == body):
                report.answered += 1
                report.versions[version] = report.versions.get(version, 0) + 1
                if order.late_ms is not None and now_ns - due_ns > order.late_ms * 1e6:
                    report.late += 1
                if order.samples:
                    self.samples.extend((now_ns, now_ns - due_ns))
            else:
                report.wrong += 1
                self.note("wrong", f"{version!r} {body[:300]!r}")
        else:
            report.statuses[status] = report.statuses.get(status, 0) + 1
            if status == 503 and b"retry-after: " not in head:
                report.without_retry_after += 1
            self.note(str(status), repr(body[:300]))
        return b"onnection: close" in head

    def lost(self, ask: Ask, exc: Exception | None) -> None:
        self.open.discard(ask)
        if ask in self.idle:
            self.idle.remove(ask)
        if ask.due_ns:
            kind = "short" if ask.kept else "resets"
            setattr(self.report, kind, getattr(self.report, kind) + 1)
            self.note(kind, f"{exc!r} after {ask.kept[:100]!r}")
        self.again()

    def sweep(self) -> None:
        """Give up what takes too long."""
        before = perf_counter_ns() - int(self.order.timeout_s * 1e9)
        for ask in [one for one in self.open if one.due_ns and one.due_ns < before]:
            ask.due_ns = 0
            self.report.timeouts += 1
            self.note("timeout", f"after {ask.kept[:100]!r}")
            ask.transport.abort()

    def note(self, kind: str, what: str) -> None:
        self.report.first.setdefault(kind, what)

    async def pace(self) -> None:
        """Begin requests by the clock."""
        gap_ns = 1e9 / self.order.rate_per_s
        count = 0
        while not self.over:
            now_ns = perf_counter_ns()
            while self.began_ns + count * gap_ns <= now_ns:
                due_ns = self.began_ns + int(count * gap_ns)
                count += 1
                if self.idle:
                    self.send(self.idle.popleft(), due_ns)
                else:
                    self.waiting.append(due_ns)
            await asyncio.sleep(0.001)

    async def run(self) -> Report:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        await asyncio.gather(*(self.connect() for _ in range(self.order.connections)))
        with open(self.order.progress, "r+b") as file, mmap.mmap(file.fileno(), COUNT_BYTES) as progress:  # noqa: ASYNC230, PTH123
            print("ready", flush=True)
            loop.add_reader(sys.stdin.fileno(), stop.set)
            self.began_ns = perf_counter_ns()
            if self.order.rate_per_s is None:
                for ask in [self.idle.popleft() for _ in range(len(self.idle))]:
                    self.send(ask, self.began_ns)
            else:
                self.tasks.add(loop.create_task(self.pace()))
            while not stop.is_set():
                progress[:] = self.report.answered.to_bytes(COUNT_BYTES, "little")
                self.sweep()
                await asyncio.wait({asyncio.ensure_future(stop.wait())}, timeout=SWEEP_S / 4)
            loop.remove_reader(sys.stdin.fileno())
            self.report.seconds = (perf_counter_ns() - self.began_ns) / 1e9
            self.over = True
            self.waiting.clear()
            while any(ask.due_ns for ask in self.open):
                await asyncio.sleep(SWEEP_S / 10)
                self.sweep()
        for ask in tuple(self.open):
            ask.transport.abort()
        return self.report


class Load:
    """A running load; ask for ``report`` once it is over.

    Args:
        port: of the server on this machine.
        path: of the route.
        bodies: sent in turn, unless ``requests`` are given whole.
        options: of the order.
    """

    def __init__(self, port: int, path: str = "", bodies: list[bytes] | None = None, **options) -> None:
        requests = options.pop("requests", None) or [request(path, body) for body in bodies or ()]
        self._folder = tempfile.TemporaryDirectory(prefix="load-")
        self._progress = Path(self._folder.name, "progress")
        self._progress.write_bytes(bytes(COUNT_BYTES))
        self._order = Order(port=port, requests=tuple(requests), progress=str(self._progress), **options)
        self.report = Report()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._process.stdin.write(msgspec.json.encode(self._order) + b"\n")
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.write(b"stop\n")
        told = self._process.communicate(timeout=self._order.timeout_s + 30)[0]
        self.report = msgspec.json.decode(told, type=Report)
        self._folder.cleanup()

    @property
    def so_far(self) -> int:
        """Good answers until now."""
        return int.from_bytes(self._progress.read_bytes(), "little")

    @property
    def answered(self) -> int:
        return self.report.answered

    @property
    def versions(self) -> set[str]:
        return set(self.report.versions)

    @property
    def failures(self) -> list[str]:
        """The first one of each kind; none when every single request was answered well."""
        return [f"{kind}: {what}" for kind, what in self.report.first.items()]


def request(path: str, body: bytes, *headers: str) -> bytes:
    """Write a whole request."""
    lines = [f"POST {path} HTTP/1.1", "host: here", "content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    os.set_blocking(sys.stdin.fileno(), False)
    crowd = Crowd(order)
    report = uvloop.run(crowd.run())
    if order.samples:
        Path(order.samples).write_bytes(crowd.samples.tobytes())
    print(msgspec.json.encode(report).decode(), flush=True)


if __name__ == "__main__":
    main()
