"""Channel: typed messages between two processes, as length-prefixed msgpack frames on a socket."""

import asyncio
import socket
from typing import Any, Generic, TypeVar

import msgspec

from golive.errors import UnavailableError

MAX_FRAME_BYTES = 16 << 20
"""A longer frame is refused before any of it is read."""

LENGTH_BYTES = 4
"""Each frame begins with its length, big-endian."""

Received = TypeVar("Received")


class Channel(Generic[Received]):
    """One end of a conversation; frames keep their order."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, decoder: msgspec.msgpack.Decoder[Received]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = decoder

    async def send(self, message: msgspec.Struct) -> None:
        """Send one message, waiting while the other side is slow to read.

        Raises:
            UnavailableError: the other side is gone, or the message is too long to be accepted there.
        """
        try:
            self._writer.write(framed(msgspec.msgpack.encode(message)))
            await self._writer.drain()
        except OSError as error:
            message_ = f"the process at the other end of the channel is gone ({error})"
            raise UnavailableError(message_) from error

    async def receive(self) -> Received | None:
        """Give the next message, or None when the other side is gone.

        Raises:
            UnavailableError: what came is not a message of the agreed kind.
        """
        content = await read_frame(self._reader)
        if content is None:
            return None
        try:
            return self._decoder.decode(content)
        except msgspec.DecodeError as error:
            message = f"a frame of {len(content)} bytes on the channel is not a message ({error}); restart the server"
            raise UnavailableError(message) from error

    def close(self) -> None:
        """Hang up; the other side receives None."""
        self._writer.close()


async def open_channel(end: socket.socket, kind: Any) -> Channel[Any]:
    """Take one end of a connected pair; ``kind`` is the type (or union of types) of what is received."""
    end.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=end)
    return Channel(reader, writer, msgspec.msgpack.Decoder(kind))


def framed(content: bytes) -> bytes:
    """Put the length before some bytes.

    Raises:
        UnavailableError: they are longer than a frame may be.
    """
    if len(content) > MAX_FRAME_BYTES:
        message = f"a message of {len(content)} bytes does not fit into a frame of at most {MAX_FRAME_BYTES} bytes"
        raise UnavailableError(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Read one frame; None when the sender is gone, also in the middle of a frame.

    Raises:
        UnavailableError: the announced length is over the limit, so the stream cannot be trusted.
    """
    try:
        length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        if length > MAX_FRAME_BYTES:
            message = f"a frame of {length} bytes was announced, more than the {MAX_FRAME_BYTES} that are accepted"
            raise UnavailableError(message)
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        return None
