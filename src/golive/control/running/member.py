"""Member: one worker process, as the supervisor sees it."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from golive.control.running.channel import Channel
from golive.control.running.forked import Process
from golive.control.running.messages import Answer, Command, Counted, Drain, Failed, Probe, Wanted
from golive.errors import UnavailableError

_TERM_S = 2.0


class Member:
    """A worker process and the channel to it. Answers find their question by number."""

    def __init__(self, process: Process, channel: Channel[Answer]) -> None:
        self.process = process
        self.counts = b""
        """The latest counters it reported."""
        self.on_wanted: Callable[[Wanted], None] | None = None
        """Is told when it wants a group."""
        self._channel = channel
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._listening = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    async def ask(self, make: Callable[..., Command], limit_s: float, **parts: Any) -> Answer:
        """Send a command and wait for its answer.

        Raises:
            UnavailableError: it failed there (the text is the worker's own), took too long, or the worker ended.
        """
        number = next(self._numbers)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            if self._listening.done():
                raise UnavailableError(self._gone())
            async with asyncio.timeout(limit_s):
                await self._channel.send(make(number=number, **parts))
                answer = await future
        except TimeoutError as error:
            message = f"worker {self.pid} did not answer {make.__name__.lower()!r} within {limit_s:g} s"
            raise UnavailableError(message) from error
        finally:
            self._waiting.pop(number, None)
        if isinstance(answer, Failed):
            raise UnavailableError(answer.text)
        if isinstance(answer, Counted):
            self.counts = answer.counts
        return answer

    async def probe(self, limit_s: float) -> None:
        """Have every model run once, and keep the counters.

        Raises:
            UnavailableError: a model failed, or there was no answer in time.
        """
        await self.ask(Probe, limit_s)

    async def drain(self, limit_s: float) -> None:
        """Let it finish what is under way and end; what does not end within the limit is killed."""
        with suppress(UnavailableError):
            await self.ask(Drain, limit_s)
        await self.end(_TERM_S)

    async def end(self, grace_s: float = 0.0) -> None:
        """Wait that long for the process to end by itself, then kill it."""
        self._channel.close()
        try:
            await asyncio.wait_for(self.process.wait(), grace_s)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        await self._listening

    async def _listen(self) -> None:
        with suppress(UnavailableError):
            while (answer := await self._channel.receive()) is not None:
                if isinstance(answer, Wanted):
                    if self.on_wanted is not None:
                        self.on_wanted(answer)
                    continue
                future = self._waiting.get(answer.number)
                if future is not None and not future.done():
                    future.set_result(answer)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(UnavailableError(self._gone()))

    def _gone(self) -> str:
        return f"worker {self.pid} ended before it answered; the lines above in the log may say why"
