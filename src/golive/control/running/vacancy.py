"""Vacancy: what callers hear while nothing is deployed, instead of silence."""

import asyncio
import socket
from contextlib import suppress

from golive.serving.listening import several

_BODY = b'{"error":"nothing is deployed here yet; `golive up` makes a model live","code":"unavailable"}'
_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 2\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%b"
) % (len(_BODY), _BODY)
_READ_BYTES = 1 << 16
_PATIENCE_S = 2.0


async def open_vacancy(listening: socket.socket) -> asyncio.Server:
    """Answer every request on the socket with 503 until the server that is returned is closed."""
    _, ours = several(listening, 1)
    return await asyncio.start_server(_answer, sock=ours)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            await reader.read(_READ_BYTES)
            writer.write(_ANSWER)
            await writer.drain()
    writer.close()
