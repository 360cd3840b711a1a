"""Connection: one keep-alive connection that writes prepared requests and reads just enough of the answers."""

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import Protocol, cast

_END = b"\r\n\r\n"
_LENGTHS = (b"\ncontent-length: ", b"\nContent-Length: ")
_CLOSES = b"onnection: close"
_STATUS = slice(9, 12)
_LONGEST_HEAD = 1 << 16


class Owner(Protocol):
    """Whose connection it is: the loop that decides when to send what."""

    def opened(self, connection: "Connection") -> None:
        """Take a connection that may send."""
        ...

    def answered(self, connection: "Connection", status: int, now_ns: int) -> None:
        """Take note of an answer; ``connection.due_ns`` is when its request was to start."""
        ...

    def lost(self, connection: "Connection") -> None:
        """Take note that it is closed; ``connection.due_ns`` is not 0 when an answer was owed."""
        ...


class Connection(asyncio.Protocol):
    """Sends one request at a time.

    A parser that knows all of HTTP costs more than the rest of this class. This one reads the status and the length of
    the body, which is what servers of predictions send; an answer without a length ends the connection as broken.
    """

    def __init__(self, owner: Owner) -> None:
        self.due_ns = 0
        """When the request under way was to start; 0 when there is none."""
        self.fault = ""
        """Why it was given up, when the server sent what this class cannot read."""
        self._owner = owner
        self._length = _LENGTHS[0]
        self._kept = b""
        self._left = 0
        self._status = 0
        self._closes = False
        self._write: Callable[[bytes], None]
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        self._owner.opened(self)

    def send(self, request: bytes, due_ns: int) -> None:
        """Send a request; no other may be under way."""
        self.due_ns = due_ns
        self._write(request)

    def close(self) -> None:
        """Cut it off."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._left:
            self._left -= len(data)
            if self._left <= 0:
                self._finish()
            return
        if self._kept:
            data = self._kept + data
        end = data.find(_END)
        if end < 0:
            self._kept = data
            if len(data) > _LONGEST_HEAD:
                self._give_up("an answer's head had no end")
            return
        self._kept = b""
        self._read(data, end)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the owner."""
        del error
        self._owner.lost(self)

    def _read(self, data: bytes, end: int) -> None:
        at = data.find(self._length, 0, end)
        if at < 0:
            self._length = _LENGTHS[self._length is _LENGTHS[0]]
            at = data.find(self._length, 0, end)
        length = data[at + 17 : data.find(b"\r", at + 17)] if at >= 0 else b""
        try:
            size, self._status = int(length), int(data[_STATUS])
        except ValueError:
            self._give_up("an answer came without a status and a content-length, which are all that is read here")
            return
        self._closes = data.find(_CLOSES, 0, end) > 0
        self._left = size - (len(data) - end - 4)
        if self._left <= 0:
            self._finish()

    def _finish(self) -> None:
        if self._left < 0 or not self.due_ns:
            self._give_up("more came than the answer that was asked for")
            return
        status, now_ns = self._status, perf_counter_ns()
        if self._closes:
            self._transport.close()
        self._owner.answered(self, status, now_ns)

    @property
    def closes(self) -> bool:
        """Whether the server said that this was its last answer."""
        return self._closes

    def _give_up(self, fault: str) -> None:
        self.fault = fault
        self._transport.abort()
