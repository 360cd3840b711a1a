"""Worker: the root of a serving process. ``python -m golive.control.running.worker LISTENING_FD CHANNEL_FD``.

It is a function of its order: it opens, checks, warms and probes every model, then accepts, then drains. It ends
when it is told to, on SIGTERM, and when the supervisor is gone.
"""

import asyncio
import gc
import resource
import signal
import socket
import sys
from pathlib import Path
from random import Random

import msgspec
import uvloop

from golive import __version__, plugins
from golive.control.home import Home
from golive.control.running.channel import Channel, open_channel
from golive.control.running.door import Door
from golive.control.running.journal import tell
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
    Probe,
    Reroute,
)
from golive.control.running.order import WorkerOrder
from golive.control.running.record_sink import RecordSink
from golive.domain.digest import short
from golive.domain.serving import Placed
from golive.domain.signature import DType, Field
from golive.errors import GoliveError, InvalidRowError, UnavailableError
from golive.inference.road import Road, open_road
from golive.serving.aside import Aside
from golive.serving.lane import Lane
from golive.serving.recorder import Recorder
from golive.serving.server import ServerConfig, serve
from golive.serving.switchboard import Switchboard
from golive.store.bundles import BundleStore

_RECORD_ROWS = 100_000
_FILES = 16_384
_OWN_FILES = 256
"""Files that are no connection: libraries, bundles, pipes."""
_SWITCH_S = 0.0005
"""While a long request is decoded aside, the event loop waits at most so long for its turn (Python's own: 0.005)."""
_IDLE_PART = 0.2
_FINISH_PART = 0.6
"""Of the time a worker has to drain: what idle connections get, then what running requests get."""

_EXAMPLES: dict[DType, float | int | bool | str] = {"float64": 0.0, "int64": 0, "bool": False, "string": ""}


class Worker:
    """Carries out the commands of a supervisor, one after the other.

    Args:
        listening: the bound socket, inherited.
        channel: to the supervisor.
        stop: set when the process should drain.
    """

    def __init__(self, listening: socket.socket, channel: Channel[Command], stop: asyncio.Event) -> None:
        self._listening = listening
        self._channel = channel
        self._stop = stop
        self._board = Switchboard((), ())
        self._door = Door(AccessRules())
        self._config = ServerConfig(authorize=self._door)
        self._sink: RecordSink | None = None
        self._serving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Obey until the channel ends or a drain is asked for, then finish what is under way."""
        obeying = asyncio.create_task(self._obey())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({obeying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        last = obeying.result() if obeying.done() else None
        await self._finish()
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
        elif isinstance(command, Probe):
            for lane in self._board.lanes.values():
                probe(lane.road)
            return Counted(number=command.number, counts=self._counts())
        elif isinstance(command, Count):
            return Counted(number=command.number, counts=self._counts())
        return Done(number=command.number)

    def _load(self, command: Load) -> None:
        order = command.order
        recorder = None
        if order.records:
            self._sink = RecordSink(order.records, order.placed)
            recorder = Recorder(order.sample, _RECORD_ROWS, self._sink.send, Random())  # noqa: S311 - a sample, no secret
        store = BundleStore(Home(Path(order.state)).store)
        aside = Aside()
        lanes = [
            Lane(placed, opened(placed, store), recorder, aside=aside, max_rows=order.max_rows)
            for placed in order.placed
        ]
        self._board = Switchboard(lanes, order.traffic, recorder=recorder)
        self._door = Door(command.access)
        self._config = _config(order, self._door)
        # What was made so far lives as long as the process: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()

    async def _accept(self) -> None:
        accepting = asyncio.Event()
        self._serving = asyncio.create_task(
            serve(self._board, self._listening, self._config, on_ready=accepting.set, stop=self._stop)
        )
        ready = asyncio.create_task(accepting.wait())
        await asyncio.wait({self._serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not accepting.is_set():
            ready.cancel()
            self._stop.set()
            await self._serving
            message = "the server ended before it accepted"
            raise UnavailableError(message)

    async def _finish(self) -> None:
        self._stop.set()
        if self._serving is not None:
            await self._serving
        if self._sink is not None:
            await self._sink.close()

    def _counts(self) -> bytes:
        return msgspec.msgpack.encode(self._board.snapshot())


def opened(placed: Placed, store: BundleStore) -> Road:
    """Open a placed version, every byte checked, and run it once.

    Raises:
        UnavailableError: it cannot be opened or does not answer; the text names it and says why.
    """
    try:
        bundle = store.open(placed.bundle)
        graph = store.files(bundle)[bundle.manifest.graph]
        road = open_road(bundle.manifest, graph, plugins.load("runtimes", bundle.manifest.runtime), threads=1)
        probe(road)
    except Exception as error:
        why = error.message if isinstance(error, GoliveError) else f"{type(error).__name__}: {error}"
        message = f"{placed.name}@{placed.version} (bundle {short(placed.bundle)}) does not load: {why}"
        raise UnavailableError(message) from error
    return road


def probe(road: Road) -> None:
    """Run the example row of a model through its whole road, alone and as one of two."""
    row = [_example(field) for field in road.signature.inputs]
    try:
        road.rows([row])
        road.rows([row, row])
    except InvalidRowError:
        # A signature without examples may have none that its own checks let pass; the checks answered.
        return


def _example(field: Field) -> float | int | bool | str | None:
    if field.example is not None:
        return field.example
    if field.nullable:
        return None
    if field.categories:
        return field.categories[0]
    return "2000-01-01" if field.format == "date" else _EXAMPLES[field.dtype]


def _config(order: WorkerOrder, door: Door) -> ServerConfig:
    return ServerConfig(
        max_body_bytes=order.max_body_bytes,
        max_connections=max_connections(),
        drain_s=order.drain_s * _IDLE_PART,
        stop_s=order.drain_s * _FINISH_PART,
        authorize=door,
        tls_certificate=order.tls_cert or None,
        tls_key=order.tls_key or None,
        title=", ".join(sorted({placed.name for placed in order.placed})) or "golive",
        version=__version__,
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


async def work(listening: socket.socket, end: socket.socket) -> None:
    """Serve under a supervisor until it is over."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    channel: Channel[Command] = await open_channel(end, Command)
    try:
        await Worker(listening, channel, stop).run()
    except GoliveError as error:
        tell(f"worker: {error.message}")
    channel.close()


def main(arguments: list[str]) -> int:
    """Run a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(_SWITCH_S)
    listening, end = (socket.socket(fileno=int(number)) for number in arguments)
    uvloop.run(work(listening, end))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
