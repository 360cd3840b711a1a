"""Forked: a process that somebody else started, as the supervisor sees it."""

import asyncio
import os
import signal
from contextlib import suppress

UNKNOWN_CODE = 255
"""Stands for the exit code of a process that nobody told of."""


class Forked:
    """A process that somebody else forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Wait for its end; gives the exit code, or a signal's number below zero."""
        await self._ended.wait()
        return UNKNOWN_CODE if self.returncode is None else self.returncode

    def kill(self) -> None:
        """Kill it, unless its end was told.

        Raises:
            ProcessLookupError: it ended just now.
        """
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def end(self, code: int) -> None:
        """Note that it has ended."""
        self.returncode = code
        self._ended.set()


Process = Forked | asyncio.subprocess.Process
"""What a worker runs in."""


async def watch(forked: Forked) -> None:
    """Note the end of a process that nobody tells of any more; Linux only."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(forked.pid)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        _reap(forked.pid)
    forked.end(UNKNOWN_CODE)


def _reap(pid: int) -> None:
    # Where the supervisor is the first process of a container, orphans are its children.
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
