"""Scribe: the one process that writes records, as the supervisor sees it."""

import asyncio
import importlib.util
import socket
import sys
from pathlib import Path

from golive.control.running.journal import tell
from golive.control.running.listeners import bind_unix

_WAIT_S = 1.0
_END_S = 10.0


def can_record() -> bool:
    """Say whether the library that writes records is installed."""
    return importlib.util.find_spec("pyarrow") is not None


class Scribe:
    """Keeps the recording process alive; its socket outlives it, so workers only have to connect again.

    Args:
        path: where workers connect.
        state: the state folder, which holds the records.
        keep_days: how long they are kept.
    """

    def __init__(self, path: Path, state: str, *, keep_days: int) -> None:
        self.path = path
        self._arguments = (state, str(keep_days))
        self._socket: socket.socket = bind_unix(path)
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the process; what workers have sent before waits in the socket."""
        self._keeper = asyncio.create_task(self._keep())

    async def end(self) -> None:
        """Let it write what has arrived and end. To be called when the workers have ended."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        process = self._process
        if process is not None and process.stdin is not None and process.returncode is None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _END_S)
            except TimeoutError:
                tell("the recording process did not end in time and was killed")
                process.kill()
                await process.wait()
        self._socket.close()
        self.path.unlink(missing_ok=True)

    async def _keep(self) -> None:
        while True:
            try:
                # Its standard input is a lifeline: when the supervisor is gone, it reads the end and ends too.
                self._process = await asyncio.create_subprocess_exec(
                    *(
                        sys.executable,
                        "-m",
                        "golive.control.running.recording",
                        str(self._socket.fileno()),
                        *self._arguments,
                    ),
                    pass_fds=(self._socket.fileno(),),
                    stdin=asyncio.subprocess.PIPE,
                    process_group=0,
                )
                code = await self._process.wait()
                tell(f"the recording process ended with code {code}; it is started again")
            except OSError as error:
                tell(f"the recording process could not be started ({error}); records are off until it can")
            await asyncio.sleep(_WAIT_S)
