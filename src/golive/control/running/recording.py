"""Recording: the one process that writes records.

``python -m golive.control.running.recording SOCKET_FD STATE KEEP_DAYS``. It ends when its standard
input ends (the supervisor is gone, or wants it to) and all workers have hung up.
"""

import asyncio
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from golive.control.home import Home
from golive.control.running.channel import read_frame
from golive.control.running.journal import tell
from golive.domain.record_frame import records_of
from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import GoliveError
from golive.monitoring.records import RecordWriter, compact, prune
from golive.store.bundles import BundleStore

_LOOK_S = 0.5
_TIDY_S = 3600.0
_READ_BYTES = 1 << 20
"""What is read ahead of a worker's frames: some of the usual size."""
_LAST_S = 8.0
"""How long workers may take to hang up once the end was announced."""


class Desk:
    """Reads the connections of all workers into one writer.

    Args:
        home: the state folder.
    """

    def __init__(self, home: Home) -> None:
        self._bundles = BundleStore(home.store)
        self._signatures: dict[tuple[str, int], Signature] = {}
        self._records = home.records
        self._writer = RecordWriter(home.records, self._signatures)
        self._connected: set[asyncio.Task[None]] = set()

    def tidy(self, keep_days: int, now: datetime) -> None:
        """Remove what is too old and join the small parts of all days, today's too. It may run in another thread."""
        self.forget(keep_days, now)
        try:
            compact(self._records, before=(now.date() + timedelta(days=1)).isoformat())
        except (GoliveError, OSError, ValueError) as error:
            tell(f"small parts of records could not be joined just now ({error}); they are read as they are")

    def forget(self, keep_days: int, now: datetime) -> None:
        """Remove the records of days that are over the age."""
        try:
            removed = prune(self._records, keep_days, now)
        except OSError as error:
            tell(f"records older than {keep_days} days could not be removed ({error})")
            return
        if removed:
            tell(f"{len(removed)} days of records were older than {keep_days} days and are removed")

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one worker."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._connected.add(task)
        task.add_done_callback(self._connected.discard)

    def flush(self) -> None:
        """Write what waits; a disk that refuses costs these records and nothing else."""
        try:
            self._writer.flush()
        except GoliveError as error:
            tell(f"records were lost: {error.message}")

    def flush_due(self) -> None:
        """The same for what has waited long enough."""
        try:
            self._writer.flush_due()
        except GoliveError as error:
            tell(f"records were lost: {error.message}")

    async def emptied(self) -> None:
        """Return when every worker has hung up."""
        while self._connected:
            await asyncio.wait(set(self._connected))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hello = await read_frame(reader)
            if hello is not None:
                self._learn(msgspec.msgpack.decode(hello, type=tuple[Placed, ...]))
            while (frame := await read_frame(reader)) is not None:
                self._append(frame)
        except (GoliveError, msgspec.DecodeError, UnicodeDecodeError) as error:
            tell(f"a worker's records are read no further: {error}")
        finally:
            writer.close()

    def _append(self, frame: bytes) -> None:
        try:
            self._writer.append(records_of(frame))
        except GoliveError as error:
            tell(f"records were lost: {error.message}")

    def _learn(self, placed: tuple[Placed, ...]) -> None:
        for one in placed:
            self._signatures[one.name, one.version] = self._bundles.open(one.bundle).signature


async def record(listening: socket.socket, home: Home, keep_days: int) -> None:
    """Write records until standard input ends, and forget those that are older than ``keep_days`` days."""
    desk = Desk(home)
    lifeline = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lifeline), sys.stdin.buffer)
    server = await asyncio.start_unix_server(desk.connected, sock=listening, limit=_READ_BYTES)
    flushing = asyncio.create_task(_flush_regularly(desk))
    tidying = asyncio.create_task(_tidy_regularly(desk, keep_days))
    await lifeline.read()
    server.close()
    try:
        async with asyncio.timeout(_LAST_S):
            await desk.emptied()
    except TimeoutError:
        tell("a worker did not hang up; its last records are not waited for")
    flushing.cancel()
    tidying.cancel()
    desk.flush()


async def _flush_regularly(desk: Desk) -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        desk.flush_due()


async def _tidy_regularly(desk: Desk, keep_days: int) -> None:
    while True:
        # In a thread, so that workers are read meanwhile: joining a busy day takes seconds.
        await asyncio.to_thread(desk.tidy, keep_days, datetime.now(UTC))
        await asyncio.sleep(_TIDY_S)


def main(arguments: list[str]) -> int:
    """Run the recording process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Only the supervisor's lifeline ends it: a signal to the whole group must not cost the last records.
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(record(socket.socket(fileno=int(arguments[0])), Home(Path(arguments[1])), int(arguments[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
