"""Record sink: where a worker puts its record frames, so that the recording process reads them in order and whole."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from golive.control.running.channel import MAX_FRAME_BYTES, framed
from golive.control.running.journal import tell
from golive.domain.serving import Placed

_BACKLOG_BYTES = 16 << 20
"""What may wait in memory for a slow reader; beyond it frames are refused, and their records counted as dropped."""
_RETRY_S = 1.0
_CLOSE_S = 3.0


class RecordSink:
    """A connection of its own for each worker, so frames of several workers cannot mix.

    It begins with the placed versions, from which the reader learns the signatures.

    Args:
        path: the recording process's socket.
        placed: what this worker serves.
    """

    def __init__(self, path: str, placed: Sequence[Placed]) -> None:
        self._path = path
        self._hello = framed(msgspec.msgpack.encode(placed))
        self._writer: asyncio.StreamWriter | None = None
        self._keeper = asyncio.create_task(self._keep())

    def send(self, frame: bytes) -> bool:
        """Take one frame without waiting; says whether it did. One that is too long to be read is not taken."""
        writer = self._writer
        if writer is None or writer.is_closing() or len(frame) > MAX_FRAME_BYTES:
            return False
        if writer.transport.get_write_buffer_size() > _BACKLOG_BYTES:
            return False
        writer.write(framed(frame))
        return True

    async def close(self) -> None:
        """Hand on what still waits, then hang up."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        writer = self._writer
        if writer is None:
            return
        writer.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            tell(f"the last records were not handed on ({str(error) or 'the recording process is too slow'})")

    async def _keep(self) -> None:
        """Stay connected: the recording process may be replaced under the same path."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_unix_connection(self._path)
                writer.write(self._hello)
                self._writer = writer
                # Nothing is ever sent back, so this returns when the other side is gone.
                await reader.read()
                self._writer = None
                writer.close()
            self._writer = None
            await asyncio.sleep(_RETRY_S)
