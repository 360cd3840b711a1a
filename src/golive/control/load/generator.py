"""Generator: one process that loads a server. ``python -m golive.control.load.generator``.

The first line on standard input is its order. It connects, says ``ready``, reads ``go NANOSECONDS``, and writes what it
measured. Any word after that, or the end of its input, ends the measurement at once.
"""

import asyncio
import gc
import os
import resource
import ssl
import sys
from itertools import cycle
from time import perf_counter_ns, process_time
from typing import Any

import msgspec
import uvloop

from golive.control.load.connection import Connection
from golive.control.load.loops import ClosedLoop, OpenLoop
from golive.control.load.orders import LoadOrder, Measured
from golive.control.load.schedule import moments_ns
from golive.control.load.tally import Tally

_CONNECT_S = 10.0
_AGAIN_S = 0.05
_LOOK_S = 0.002
_WORD_BYTES = 100
_OWN_FILES = 256
"""Files that are no connection: libraries, pipes."""


class Words:
    """What comes on a pipe while the event loop runs."""

    def __init__(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        self.go: asyncio.Future[int] = loop.create_future()
        """The moment to begin."""
        self.stop = asyncio.Event()
        self._descriptor = descriptor
        loop.add_reader(descriptor, self._read)

    def _read(self) -> None:
        word, _, number = os.read(self._descriptor, _WORD_BYTES).decode("ascii").partition(" ")
        if word == "go" and not self.go.done():
            self.go.set_result(int(number))
            return
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self.stop.set()
        self.go.cancel()


class Generator:
    """Holds the connections of one order."""

    def __init__(self, order: LoadOrder) -> None:
        self._order = order
        self._tally = Tally()
        self._tls = ssl.create_default_context(cafile=order.tls_ca or None) if order.tls else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False
        requests = cycle(order.requests)
        if order.rate is None:
            self._load: ClosedLoop | OpenLoop = ClosedLoop(requests, self._tally, self._reconnect)
        else:
            moments = moments_ns(order.rate, order.warmup_s + order.seconds, part=order.part, parts=order.parts)
            self._load = OpenLoop(requests, moments, self._tally, self._reconnect, events=_events())

    async def connect(self) -> None:
        """Open every connection.

        Raises:
            OSError: one cannot be opened.
            TimeoutError: they were not open in time.
        """
        async with asyncio.timeout(_CONNECT_S):
            for _ in range(self._order.connections):
                await self._open()

    async def measure(self, words: Words) -> Measured:
        """Load the server from the moment that is said on."""
        order, tally = self._order, self._tally
        start_ns = await words.go
        begin_ns = start_ns + int(order.warmup_s * 1e9)
        tally.measure(begin_ns, begin_ns + int(order.seconds * 1e9))
        await _until(start_ns, words.stop)
        self._load.begin(start_ns)
        await _until(begin_ns, words.stop)
        used = process_time()
        await _until(tally.end_ns, words.stop)
        used = process_time() - used
        if words.stop.is_set():
            tally.stop(perf_counter_ns())
        else:
            await self._wait_for_answers(words.stop)
        return self._end(used)

    async def _wait_for_answers(self, stop: asyncio.Event) -> None:
        until_ns = self._tally.end_ns + int(self._order.grace_s * 1e9)
        # Looked at now and then: an event at every answer would cost more than the answer.
        while perf_counter_ns() < until_ns and self._load.owes and not stop.is_set():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        now_ns = perf_counter_ns()
        for due_ns in self._load.pending():
            self._tally.open_at_end(due_ns, now_ns)

    def _end(self, cpu_s: float) -> Measured:
        self._over = True
        self._load.close()
        for task in self._tasks:
            task.cancel()
        return self._tally.report(cpu_s=cpu_s)

    async def _open(self) -> None:
        order = self._order
        await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._load), order.host, order.port, ssl=self._tls
        )

    def _reconnect(self) -> None:
        if self._over:
            return
        task = asyncio.get_running_loop().create_task(self._open_again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_again(self) -> None:
        while not self._over:
            tried_ns = perf_counter_ns()
            try:
                await self._open()
            except OSError as error:
                self._tally.cut(tried_ns, f"no connection: {error}")
                await asyncio.sleep(_AGAIN_S)
            else:
                return


async def generate(order: LoadOrder) -> Measured:
    """Carry out an order; says ``ready`` on standard output once connected."""
    words = Words(sys.stdin.fileno())
    generator = Generator(order)
    try:
        await generator.connect()
    except (OSError, TimeoutError) as error:
        return Measured(error=str(error) or f"no connection within {_CONNECT_S:g} s")
    gc.collect()
    gc.freeze()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        return await generator.measure(words)
    except asyncio.CancelledError:
        return Measured(error="it was stopped before it began")


async def _until(at_ns: int, stop: asyncio.Event) -> None:
    wait_s = (at_ns - perf_counter_ns()) / 1e9
    if wait_s <= 0:
        return
    try:
        async with asyncio.timeout(wait_s):
            await stop.wait()
    except TimeoutError:
        return


def _events() -> int:
    """Give the descriptor of the event loop's own waiting, on which one can sleep more precisely than it does."""
    loop: Any = asyncio.get_running_loop()
    return int(loop._get_backend_id())  # noqa: SLF001 - uvloop has no public name for it


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard or (soft < count and hard == resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def main() -> int:
    """Run one generator and give its exit code."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=LoadOrder)
    _allow_files(order.connections + _OWN_FILES)
    if order.cores:
        os.sched_setaffinity(0, order.cores)
    measured = uvloop.run(generate(order))
    sys.stdout.write(msgspec.json.encode(measured).decode("ascii") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
