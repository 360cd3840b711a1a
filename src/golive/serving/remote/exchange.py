"""Exchange: one request that is answered by another process, and the HTTP/1.1 that carries it there and back."""

import asyncio
from collections.abc import Callable

from golive.errors import GoliveError, RequestError, UnavailableError
from golive.serving.answer import Answer, Ask, deadline_ns_of

_FORWARDED = (
    b"accept",
    b"accept-encoding",
    b"content-type",
    b"grpc-raw-contents",
    b"inference-header-content-length",
    b"traceparent",
    b"tracestate",
    b"x-request-timing",
)
"""What the other process needs to know of a request. A body that came compressed is plain by now."""
_TIMEOUT = b"x-request-timeout-ms"
_OWN = (b"content-length", b"connection", b"x-request-id")
"""Header lines of the answer that belong to the connection it came over."""
_STATUS = slice(9, 12)
"""Where a status line has its number."""


class Exchange:
    """A request on its way.

    Args:
        path: where the other process answers it.
        body: goes through untouched.
        ask: what is known of the request besides its body.
        refuse: writes the answer to an error.
    """

    def __init__(self, path: bytes, body: bytes, ask: Ask, refuse: Callable[[GoliveError, Ask], Answer]) -> None:
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.path = path
        self.body = body
        self.ask = ask
        self.deadline_ns = _deadline_ns(ask)
        """When its caller gives up, on the clock of ``Ask.arrived_ns``; None when nobody said."""
        self.lost_by: int | None = None
        """The start of the process that it was sent to before, which gave not a byte of an answer; None for none."""
        self._refuse = refuse

    def written(self, now_ns: int) -> bytes:
        """Write the request; the time that its caller waits is what is left of it now."""
        ask = self.ask
        lines = [b"POST %b HTTP/1.1\r\nhost: golive" % self.path]
        lines += [b"%b: %b" % (name, ask.headers[name]) for name in _FORWARDED if name in ask.headers]
        if self.deadline_ns is not None:
            lines.append(b"%b: %.3f" % (_TIMEOUT, max(0.0, (self.deadline_ns - now_ns) / 1e6)))
        elif _TIMEOUT in ask.headers:
            lines.append(b"%b: %b" % (_TIMEOUT, ask.headers[_TIMEOUT]))
        # The caller proved who they are here already: the other process is told their id, never their key.
        lines.append(b"x-api-key: %b" % ask.caller.encode())
        lines.append(b"x-request-id: %b" % ask.request_id.encode("ascii"))
        lines.append(b"content-length: %d\r\n\r\n" % len(self.body))
        return b"\r\n".join(lines) + self.body

    def answer(self, answer: Answer) -> None:
        """Hand the answer to the caller, if they still wait."""
        if not self.future.done():
            self.future.set_result(answer)

    def fail(self, error: GoliveError) -> None:
        """Answer with an error, if the caller still waits."""
        if not self.future.done():
            self.future.set_result(self._refuse(error, self.ask))


def caller_of(authorization: bytes | None, x_api_key: bytes | None) -> str:
    """Give the caller's id as :meth:`Exchange.written` sends it; the socket's mode keeps everybody else out."""
    del authorization
    return (x_api_key or b"").decode("utf-8", "replace")


class Wire(asyncio.Protocol):
    """One connection to the other process, which carries one exchange at a time.

    Args:
        serial: which start of the other process it leads to.
        on_free: is told when it may carry the next one.
        on_lost: is told when it is gone, with the exchange that it cost and whether some of its answer had come.
    """

    def __init__(
        self,
        serial: int,
        on_free: "Callable[[Wire], None]",
        on_lost: "Callable[[Wire, Exchange | None, bool], None]",
    ) -> None:
        self.serial = serial
        self.is_closing = False
        """Whether the other side closes it after this answer."""
        self._on_free = on_free
        self._on_lost = on_lost
        self._exchange: Exchange | None = None
        self._came = bytearray()
        self._head: tuple[int, bytes] = (0, b"")
        self._body_at = 0
        self._whole = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Say what this costs."""
        del exc
        exchange, self._exchange = self._exchange, None
        self.is_closing = True
        self._on_lost(self, exchange, bool(self._came))

    def send(self, exchange: Exchange, now_ns: int) -> None:
        """Carry an exchange; whoever gives it up costs the connection, which ends the work at the other side too."""
        self._exchange = exchange
        exchange.future.add_done_callback(self._given_up)
        if self._transport is not None:
            self._transport.write(exchange.written(now_ns))

    def close(self) -> None:
        """Hang up."""
        self.is_closing = True
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Gather an answer and hand it on when it is whole."""
        came = self._came
        came += data
        if not self._whole and not self._read_head():
            return
        if len(came) < self._whole:
            return
        exchange, self._exchange = self._exchange, None
        answer = (*self._head, bytes(came[self._body_at : self._whole]))
        came.clear()
        self._whole = 0
        if exchange is not None:
            exchange.answer(answer)
        self._on_free(self)

    def _read_head(self) -> bool:
        """Read status and headers, once all of them are there."""
        end = self._came.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = bytes(self._came[:end]).split(b"\r\n")
        kept, length = [], 0
        for line in lines:
            name, _, value = line.partition(b":")
            name = name.lower()
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                self.is_closing = value.strip().lower() == b"close"
            elif name not in _OWN:
                kept.append(line + b"\r\n")
        self._head = (int(first[_STATUS]), b"".join(kept))
        self._body_at = end + 4
        self._whole = self._body_at + length
        return True

    def _given_up(self, future: asyncio.Future[Answer]) -> None:
        exchange = self._exchange
        if future.cancelled() and exchange is not None and exchange.future is future and self._transport is not None:
            self._exchange = None
            self._transport.abort()


def ended_early() -> UnavailableError:
    """Say that the process of a model ended in the middle of an answer."""
    return UnavailableError("the process of this model ended before it had answered; send the request again")


def _deadline_ns(ask: Ask) -> int | None:
    try:
        return deadline_ns_of(ask)
    except RequestError:
        # The model's own process says what is wrong with it.
        return None
