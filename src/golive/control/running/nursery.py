"""Nursery: where workers come from, as the supervisor sees it: forks of a process that has imported everything."""

import asyncio
import socket
import subprocess
import sys
from contextlib import suppress

from golive.control.running.channel import Channel, open_channel
from golive.control.running.forked import Forked, Process, watch
from golive.control.running.journal import tell
from golive.control.running.listeners import Listening
from golive.control.running.member import Member
from golive.control.running.messages import Answer, Born, Died
from golive.errors import UnavailableError

_BORN_S = 60.0
"""How long importing and forking may take on a busy machine."""
_NUMBERS = 256
_TRIES = 3
_CAN_FORK = sys.platform == "linux"
"""Elsewhere libraries that were imported before a fork are not made for it, so every worker is started afresh."""


class Nursery:
    """Keeps one zygote, and starts another one when it is gone."""

    def __init__(self) -> None:
        self._one_birth = asyncio.Lock()
        self._line: socket.socket | None = None
        self._channel: Channel[Born | Died] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._number = 0
        self._awaited: asyncio.Future[Forked | None] | None = None
        self._living: dict[int, Forked] = {}
        self._orphans: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Start the zygote, which imports meanwhile; nothing to do where one runs.

        Raises:
            UnavailableError: the process could not be started.
        """
        if not _CAN_FORK or (self._listening is not None and not self._listening.done()):
            return
        self._close()
        ours, theirs = socket.socketpair()
        try:
            zygote = await _executed("zygote", (theirs.fileno(),))
        except UnavailableError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._line = ours.dup()
        self._channel = await open_channel(ours, Born | Died)
        self._listening = asyncio.create_task(self._listen(zygote, self._channel))

    async def worker(self, listening: Listening) -> Member:
        """Start a worker process that inherits the listening sockets and one end of a channel.

        Raises:
            UnavailableError: the process could not be started.
        """
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise _unstarted(error) from error
        sockets = tuple(sock.fileno() for sock in (*listening, theirs))
        try:
            process = await self._fork(sockets) if _CAN_FORK else await _executed("worker", sockets)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return Member(process, await open_channel(ours, Answer))

    async def end(self) -> None:
        """End the zygote. To be called when the workers have ended."""
        self._close()
        if self._listening is not None:
            await self._listening
        for task in self._orphans:
            task.cancel()
        await asyncio.gather(*self._orphans, return_exceptions=True)

    async def _fork(self, sockets: tuple[int, ...]) -> Process:
        async with self._one_birth:
            for _ in range(_TRIES):
                await self.begin()
                forked = await self._forked(sockets)
                if forked is not None:
                    return forked
                if self._listening is not None:
                    await asyncio.shield(self._listening)
        why = f"the process that workers are forked from was killed {_TRIES} times"
        raise _unstarted(why)

    async def _forked(self, sockets: tuple[int, ...]) -> Forked | None:
        """Order one worker; None when the zygote ended meanwhile, as its end may be noticed late."""
        self._number = (self._number + 1) % _NUMBERS
        self._awaited = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_BORN_S):
                self._order(sockets)
                return await self._awaited
        except BrokenPipeError:
            return None
        except (OSError, TimeoutError) as error:
            raise _unstarted(error) from error
        finally:
            self._awaited = None

    def _order(self, sockets: tuple[int, ...]) -> None:
        if self._line is not None:
            socket.send_fds(self._line, [bytes([self._number])], sockets)

    def _close(self) -> None:
        if self._line is not None and self._channel is not None:
            self._line.close()
            self._channel.close()

    async def _listen(self, zygote: asyncio.subprocess.Process, channel: Channel[Born | Died]) -> None:
        with suppress(UnavailableError):
            while (message := await channel.receive()) is not None:
                self._hear(message)
        code = await zygote.wait()
        awaited = self._awaited
        if awaited is not None and not awaited.done():
            awaited.set_result(None)
        if code:
            tell(f"the process that workers are forked from ended with code {code}; another one is started when needed")
        for forked in self._living.values():
            task = asyncio.create_task(watch(forked))
            self._orphans.add(task)
            task.add_done_callback(self._orphans.discard)
        self._living = {}

    def _hear(self, message: Born | Died) -> None:
        if isinstance(message, Died):
            self._living.pop(message.pid).end(message.code)
            return
        awaited = self._awaited if message.number == self._number else None
        if message.error:
            if awaited is not None:
                awaited.set_exception(_unstarted(message.error))
            return
        # One that came too late finds its channel closed, and ends.
        forked = self._living[message.pid] = Forked(message.pid)
        if awaited is not None and not awaited.done():
            awaited.set_result(forked)


async def _executed(module: str, sockets: tuple[int, ...]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"golive.control.running.{module}", *map(str, sockets)),
            pass_fds=sockets,
            stdin=subprocess.DEVNULL,
            # A group of its own: Ctrl-C in a terminal goes to the supervisor only, which drains its workers.
            process_group=0,
        )
    except OSError as error:
        raise _unstarted(error) from error


def _unstarted(why: object) -> UnavailableError:
    return UnavailableError(f"a worker process could not be started ({why}); free some memory or process slots")
