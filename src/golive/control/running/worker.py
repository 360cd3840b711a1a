"""Worker: the root of a serving process. ``python -m golive.control.running.worker HTTP_FD [GRPC_FD] CHANNEL_FD``.

It is a function of its order: it opens, checks, warms and probes every model, then accepts, then drains. It ends
when it is told to, on SIGTERM, and when the supervisor is gone.
"""

import asyncio
import gc
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import uvloop

from golive import __version__, plugins
from golive.control.home import Home
from golive.control.running.channel import Channel, open_channel
from golive.control.running.crossing import Crossing
from golive.control.running.door import Door
from golive.control.running.journal import tell
from golive.control.running.listeners import Listening
from golive.control.running.loading import Lanes
from golive.control.running.messages import (
    Accept,
    AccessRules,
    Admit,
    Answer,
    Command,
    Count,
    Counted,
    Done,
    Drain,
    Failed,
    Load,
    Point,
    Probe,
    Regroup,
    Reroute,
    Tallied,
    Tally,
)
from golive.control.running.order import WorkerOrder
from golive.control.running.record_sink import RecordSink
from golive.control.running.vitals import living
from golive.errors import GoliveError, UnavailableError
from golive.serving.explaining.passage import Passage
from golive.serving.hall import Authorize
from golive.serving.handling import Handling
from golive.serving.remote.exchange import caller_of
from golive.serving.remote.lane import Backroom
from golive.serving.served import Served
from golive.serving.server import ServerConfig, serve
from golive.serving.switchboard import Switchboard
from golive.serving.telemetry.metrics import merge
from golive.serving.telemetry.recorder import Recorder
from golive.serving.telemetry.tracing import Tracer
from golive.store.bundles import BundleStore

_RECORD_ROWS = 100_000
_FILES = 16_384
_OWN_FILES = 256
"""Files that are no connection: libraries, bundles, pipes."""
_SWITCH_S = 0.0005
"""While a long request is decoded aside, the event loop waits at most so long for its turn (Python's own: 0.005)."""
_GARBAGE_EVERY = 100_000
"""Objects made and still there since the collector last looked (Python's own: 700)."""
_IDLE_PART = 0.2
_FINISH_PART = 0.6
"""Of the time a worker has to drain: what idle connections get, then what running requests get."""


class Worker:
    """Carries out the commands of a supervisor, one after the other.

    Args:
        listening: the bound sockets, inherited.
        channel: to the supervisor.
        stop: set when the process should drain.
    """

    def __init__(self, listening: Listening, channel: Channel[Command], stop: asyncio.Event) -> None:
        self._listening = listening
        self._channel = channel
        self._stop = stop
        self._board = Switchboard((), ())
        self._door = Door(AccessRules())
        self._config = ServerConfig(authorize=self._door)
        self._serve_calls = serve
        self._lanes: Lanes | None = None
        self._crossing: Crossing | None = None
        self._sink: RecordSink | None = None
        self._tracer: Tracer | None = None
        self._passage: Passage | None = None
        self._serving: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Obey until the channel ends or a drain is asked for, then finish what is under way."""
        obeying = asyncio.create_task(self._obey())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({obeying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        last = obeying.result() if obeying.done() else None
        # Until it has finished it may still hand on to groups, and they come and go.
        still = asyncio.create_task(self._obey())
        await self._finish()
        still.cancel()
        await asyncio.gather(still, return_exceptions=True)
        if last is not None:
            await self._channel.send(Counted(number=last.number, counts=self._counts()))

    async def _obey(self) -> Drain | None:
        while (command := await self._channel.receive()) is not None:
            if isinstance(command, Drain):
                return command
            await self._channel.send(await self._answer(command))
        return None

    async def _answer(self, command: Command) -> Answer:
        try:
            return await self._carry_out(command)
        except GoliveError as error:
            return Failed(number=command.number, text=error.message)
        except Exception as error:  # noqa: BLE001 - the border: the supervisor is told whatever went wrong
            return Failed(number=command.number, text=f"{type(error).__name__}: {error}")

    async def _carry_out(self, command: Command) -> Answer:
        if isinstance(command, Load):
            self._load(command)
        elif isinstance(command, Accept):
            await self._accept()
        elif isinstance(command, Reroute):
            self._board.shift(command.traffic)
        elif isinstance(command, Admit):
            self._door.admit(command.access)
        elif isinstance(command, Regroup | Point | Tally):
            return self._cross(command)
        elif isinstance(command, Probe):
            await self._probe()
            return Counted(number=command.number, counts=self._counts())
        elif isinstance(command, Count):
            return Counted(number=command.number, counts=self._counts())
        return Done(number=command.number)

    def _cross(self, command: Regroup | Point | Tally) -> Answer:
        crossing = self._crossing
        if crossing is None:
            return Failed(number=command.number, text="this worker was not loaded yet")
        if isinstance(command, Tally):
            return Tallied(number=command.number, idle_s=crossing.idle_s())
        if isinstance(command, Point):
            crossing.point(command.table)
        else:
            crossing.regroup(command.groups)
            self._board.swap(crossing.lanes, command.traffic)
        return Done(number=command.number)

    def _load(self, command: Load) -> None:
        order = command.order
        if order.explains:
            self._board = plugins.attribute("golive.control.running.explaining", "desk_board")(order)
            self._config = _config(order, caller_of)
            return
        recorder = None
        if order.records:
            self._sink = RecordSink(order.records, order.placed)
            recorder = Recorder(order.sample, _RECORD_ROWS, self._sink.send, Random())  # noqa: S311 - a sample, no secret
        store = BundleStore(Home(Path(order.state)).store)
        calls = None
        if order.has_calls:
            calls = plugins.attribute("golive.serving.grpc.calls", "Calls")()
            self._serve_calls = calls.serve
        if order.collector:
            spans = plugins.attribute("golive.serving.telemetry.otlp", "OtlpSpans")(order.collector, __version__)
            self._tracer = Tracer(spans)
        self._lanes = Lanes(order, recorder, calls, self._tracer)
        self._crossing = crossing = Crossing(store, order.group_wait_s, self._channel.send, has_calls=order.has_calls)
        crossing.regroup(order.groups)
        lanes: list[Served] = [self._lanes.load(placed, store) for placed in order.placed if not crossing.has(placed)]
        given = [*lanes, *crossing.lanes]
        if order.is_group:
            self._board = Backroom(given, order.traffic, recorder=recorder)
        else:
            self._passage = Passage(order.explain)
            self._board = Switchboard(
                given,
                order.traffic,
                recorder=recorder,
                predict_path=order.predict_path,
                explain=self._passage.handler,
            )
        self._door = Door(command.access)
        # A group is asked by workers alone, which have let the caller in already.
        self._config = _config(order, caller_of if order.is_group else self._door)
        # What was made so far lives as long as the process: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        # Thousands of waiting requests are no garbage: to search them took a third of a full worker's time.
        gc.set_threshold(_GARBAGE_EVERY)

    async def _probe(self) -> None:
        if self._lanes is not None:
            for lane in self._board.lanes.values():
                if isinstance(lane, Handling):
                    await self._lanes.probe(lane)

    async def _accept(self) -> None:
        for answer, listening in zip((serve, self._serve_calls), self._listening, strict=False):
            accepting = asyncio.Event()
            serving = asyncio.create_task(
                answer(self._board, listening, self._config, on_ready=accepting.set, stop=self._stop)
            )
            self._serving.append(serving)
            ready = asyncio.create_task(accepting.wait())
            await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
            if not accepting.is_set():
                ready.cancel()
                self._stop.set()
                await asyncio.gather(*self._serving)
                message = "the server ended before it accepted"
                raise UnavailableError(message)

    async def _finish(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._serving)
        if self._crossing is not None:
            self._crossing.close()
        if self._passage is not None:
            self._passage.close()
        if self._lanes is not None:
            self._lanes.close()
        if self._sink is not None:
            await self._sink.close()
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    def _counts(self) -> bytes:
        counts = living(self._board.snapshot(), self._tracer)
        return msgspec.msgpack.encode(merge([counts, self._crossing.ended]) if self._crossing is not None else counts)


def _config(order: WorkerOrder, door: Authorize) -> ServerConfig:
    return ServerConfig(
        max_body_bytes=order.max_body_bytes,
        max_connections=max_connections(),
        drain_s=order.drain_s * _IDLE_PART,
        stop_s=order.drain_s * _FINISH_PART,
        authorize=door,
        tls_certificate=order.tls_cert or None,
        tls_key=order.tls_key or None,
        # With groups the names change while the worker serves.
        title=", ".join(sorted({placed.name for placed in order.placed if not order.groups})) or "golive",
        version=__version__,
        max_rows=order.max_rows,
        health_path=order.health_path,
    )


def max_connections() -> int:
    """Allow this process as many open files as the system lets it, up to 16,384; gives the connections among them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    most = ServerConfig().max_connections
    return most if soft == resource.RLIM_INFINITY else min(most, max(1, soft - _OWN_FILES))


async def work(listening: Listening, end: socket.socket) -> None:
    """Serve under a supervisor until it is over."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    channel: Channel[Command] = await open_channel(end, Command)
    try:
        await Worker(listening, channel, stop).run()
    except GoliveError as error:
        tell(f"worker: {error.message}")
    channel.close()


def main(sockets: Sequence[int]) -> int:
    """Run a worker process.

    Args:
        sockets: the open files of the listening sockets, and last that of the channel.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(_SWITCH_S)
    *listening, end = (socket.socket(fileno=number) for number in sockets)
    uvloop.run(work(tuple(listening), end))
    return 0


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]))
