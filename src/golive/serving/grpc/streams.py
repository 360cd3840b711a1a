"""Streams: what one call of a connection has received and has yet to send."""

import asyncio
import zlib
from collections.abc import AsyncIterator

from golive.serving.grpc import status
from golive.serving.grpc.heads import Call
from golive.serving.grpc.status import Refusal

PREFIX_BYTES = 5
"""Before every message: whether it is compressed, and its length in four bytes."""

_WAITING_MESSAGES = 64
"""Messages of a streaming call that may wait for their turn."""
_SMALL_BYTES = 1024
_GATHERED_BYTES = 64 * 2**10
_WINDOW_BITS = {b"gzip": 31, b"deflate": 15}


class RefusedError(Exception):
    """A call cannot go on; the client is told why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.details)
        self.refusal = refusal


class Stream:
    """One call."""

    __slots__ = (
        "begun",
        "call",
        "ended",
        "future",
        "inbox",
        "inbox_ended",
        "number",
        "parts",
        "pending",
        "received",
        "request_id",
        "send_window",
        "sent",
        "since",
        "size",
        "task",
        "timer",
        "trailers",
    )

    def __init__(self, number: int, call: Call, send_window: int, since: float) -> None:
        self.number = number
        self.call = call
        self.send_window = send_window
        """Bytes that the client lets us send."""
        self.received = 0
        """Bytes that have come since the client's window was last opened."""
        self.since = since
        """When the call began, on the loop's clock."""
        self.parts: list[bytes | bytearray] = []
        self.size = 0
        self.ended = False
        """Whether the client has sent everything."""
        self.begun = False
        """Whether the initial metadata has been sent."""
        self.request_id = ""
        self.pending = b""
        """What waits for the client to let us send more."""
        self.sent = 0
        """How much of it has been sent."""
        self.trailers: bytes | None = None
        """The block that ends the call, once it is known and waits behind ``pending``."""
        self.future: asyncio.Future[object] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self.inbox: asyncio.Queue[bytes | None] | None = None
        self.inbox_ended = False

    def take(self, part: bytes, most: int) -> None:
        """Take a piece of the request.

        Raises:
            RefusedError: the message is longer than ``most``.
        """
        if len(part) < _SMALL_BYTES and self.parts:
            self._gather(part)
        else:
            self.parts.append(part)
        self.size += len(part)
        announced = int.from_bytes(self.parts[0][1:PREFIX_BYTES], "big") if len(self.parts[0]) >= PREFIX_BYTES else 0
        if self.size > most + PREFIX_BYTES or announced > most:
            message = f"the message is over the limit of {most} bytes; send fewer rows in one request"
            raise RefusedError(Refusal(status.RESOURCE_EXHAUSTED, message, "too_large"))

    def _gather(self, part: bytes) -> None:
        """Put small pieces together: each alone would take many times its size."""
        last = self.parts[-1]
        if isinstance(last, bytearray) and len(last) < _GATHERED_BYTES:
            last += part
        else:
            self.parts.append(bytearray(part))

    def inflates_beyond(self, size: int) -> bool:
        """Say whether the message of a unary call is compressed, and longer than that when it is inflated."""
        bits = _WINDOW_BITS.get(self.call.encoding)
        if bits is None or not self.parts or self.parts[0][:1] == b"\0":
            return False
        inflater = zlib.decompressobj(wbits=bits)
        try:
            inflater.decompress(b"".join(self.parts)[PREFIX_BYTES:], size)
        except zlib.error:
            return False
        return not inflater.eof

    def message(self, most: int) -> bytes:
        """Give the one message of a call whose client has sent everything.

        Raises:
            RefusedError: there is none, more than one, or it cannot be inflated.
        """
        body = bytes(self.parts[0]) if len(self.parts) == 1 else b"".join(self.parts)
        if len(body) < PREFIX_BYTES or int.from_bytes(body[1:PREFIX_BYTES], "big") != len(body) - PREFIX_BYTES:
            message = "the call wants exactly one whole message; send its prefix with the right length, and no other"
            raise RefusedError(Refusal(status.INTERNAL, message, "bad_request"))
        return body[PREFIX_BYTES:] if not body[0] else inflated(body[PREFIX_BYTES:], self.call.encoding, most)

    def deliver(self, most: int) -> None:
        """Hand the whole messages of a streaming call to its inbox.

        Raises:
            RefusedError: too many wait, or one cannot be inflated.
        """
        if self.inbox is None:
            return
        body = b"".join(self.parts)
        at = 0
        while len(body) - at >= PREFIX_BYTES:
            end = at + PREFIX_BYTES + int.from_bytes(body[at + 1 : at + PREFIX_BYTES], "big")
            if end > len(body):
                break
            message = body[at + PREFIX_BYTES : end]
            if self.inbox.qsize() >= _WAITING_MESSAGES:
                text = "more messages than can wait have come; send the next when an answer has come"
                raise RefusedError(Refusal(status.RESOURCE_EXHAUSTED, text, "unavailable"))
            self.inbox.put_nowait(inflated(message, self.call.encoding, most) if body[at] else message)
            at = end
        self.parts = [body[at:]]
        self.size = len(body) - at
        if self.ended and not self.inbox_ended:
            self.inbox_ended = True
            self.inbox.put_nowait(None)

    async def messages(self) -> AsyncIterator[bytes]:
        """Give the messages of a streaming call as they come."""
        while self.inbox is not None and (message := await self.inbox.get()) is not None:
            yield message

    def stop(self) -> None:
        """End the work for this call; nobody waits for it any more."""
        for work in (self.future, self.task, self.timer):
            if work is not None:
                work.cancel()


def inflated(message: bytes, encoding: bytes, most: int) -> bytes:
    """Inflate a message of at most ``most`` bytes.

    Raises:
        RefusedError: the encoding is not known, the bytes are not of it, or there are more.
    """
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        name = encoding[:40].decode("latin-1")
        text = f"messages compressed with {name!r} are not read here; compress with gzip or deflate, or not at all"
        raise RefusedError(Refusal(status.UNIMPLEMENTED, text, "bad_request"))
    inflater = zlib.decompressobj(wbits=bits)
    try:
        plain = inflater.decompress(message, most + 1)
    except zlib.error:
        text = "the message is not compressed as the call's grpc-encoding says; compress it again or send it plain"
        raise RefusedError(Refusal(status.INTERNAL, text, "bad_request")) from None
    if len(plain) > most:
        text = f"the inflated message is over the limit of {most} bytes; send fewer rows in one request"
        raise RefusedError(Refusal(status.RESOURCE_EXHAUSTED, text, "too_large"))
    if not inflater.eof:
        text = "the compressed message ends too early; send it whole"
        raise RefusedError(Refusal(status.INTERNAL, text, "bad_request"))
    return plain
