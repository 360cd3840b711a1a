"""Wire: a request as bytes, and an answer read from bytes as they come; no socket is known here.

An HTTP library costs several times what a small model and its server do, so a connection is a parser and a socket.
"""

from typing import Any

import httptools

from golive.client.address import Address
from golive.client.exchange import Reply, Send
from golive.errors import VerificationError

CHUNK_BYTES = 256 * 2**10
"""How much is read from a connection at once."""

_INTERIM = 200
_SIZED = ("content-length", "transfer-encoding")


def request_bytes(step: Send, address: Address) -> bytes:
    """Write a request of HTTP/1.1, head and body."""
    lines = [
        f"{step.method} {address.base}{step.path} HTTP/1.1",
        f"host: {address.host_header}",
        "user-agent: golive",
        *(f"{name}: {value}" for name, value in step.headers.items()),
    ]
    if step.body:
        lines.append(f"content-length: {len(step.body)}")
    return b"%b\r\n\r\n%b" % ("\r\n".join(lines).encode("latin-1"), step.body)


class Incoming:
    """Reads one answer; the parser calls the methods whose names begin with ``on_``."""

    def __init__(self) -> None:
        self.is_whole = False
        self.keeps_alive = False
        """Whether the connection can be used again; known when the answer is whole."""
        self.has_begun = False
        """Whether anything has come."""
        self._parser: Any = httptools.HttpResponseParser(self)
        self._begin()

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            VerificationError: it is not HTTP.
        """
        self.has_begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            message = f"what came is no HTTP/1.1 ({error}); check that the url is a model server's"
            raise VerificationError(message) from error

    def end(self) -> bool:
        """Take note that no more will come; give whether the answer is whole."""
        if not self.is_whole and self._status and not any(name in self._headers for name in _SIZED):
            # Without a length the end of the connection is the end of the answer.
            self.is_whole = True
        self.keeps_alive = False
        return self.is_whole

    def reply(self) -> Reply:
        """Give the whole answer."""
        return Reply(status=self._status, headers=self._headers, body=b"".join(self._parts))

    def on_message_begin(self) -> None:
        """Begin; an answer to nothing that was asked must not be taken for the next one.

        Raises:
            VerificationError: one has been read already.
        """
        if self.is_whole:
            message = "more than one answer came"
            raise VerificationError(message)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Keep the status."""
        self._status = self._parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """End the answer, or go on after an interim one such as 100."""
        if self._status < _INTERIM:
            self._begin()
            return
        self.keeps_alive = self._parser.should_keep_alive()
        self.is_whole = True

    def _begin(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
