"""Protocol: uvicorn's HTTP protocol with a short road for known inference routes.

A hot request (short, its length announced) is recognized at its headers by one dict look-up and answered at its last
byte with one write: no ASGI scope and no task. Every other request, and a hot one behind an unanswered request of the
same connection, takes uvicorn's own road to the ASGI app, which has the same handlers and so gives the same answer in
the right order.
"""

from asyncio import AbstractEventLoop, Transport
from collections.abc import Callable
from typing import Any, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from golive.errors import DeniedError, GoliveError, RequestError, TooLargeError, UnavailableError
from golive.serving.answer import SHORT_BYTES, Answer, Handler, RequestIds, reply_heads
from golive.serving.switchboard import Switchboard

Authorize = Callable[[bytes | None, bytes | None], bool]
"""Takes the values of the ``Authorization`` and ``X-API-Key`` headers and says whether the caller may ask."""

_TOLD = frozenset(
    {
        b"authorization",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"expect",
        b"upgrade",
        b"x-api-key",
        b"x-request-id",
    }
)
"""The headers that decide something here."""
_ORDINARY = frozenset({b"expect", b"content-encoding", b"upgrade"})
"""Headers that send a request down the ordinary road."""
_NO_LENGTH = -1
_LINGER_S = 2.0
"""How long a refused body is read and thrown away, so that the client can read the refusal."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may use."""

    body_bytes: int = 16 * 2**20
    head_bytes: int = 64 * 2**10
    keep_alive_s: float = 75.0
    """A connection that is silent for so long, between requests or inside one, is closed."""
    request_s: float = 60.0
    """A request that takes longer to arrive is refused: a byte now and then does not hold a connection for ever."""
    connections: int = 10_000
    """Connections of one process; a further one is told to come back later."""
    drain_s: float = 3.0
    """How long an idle connection is kept for its last answer while the server stops."""


class Hall:
    """What all connections of one server share."""

    def __init__(
        self, switchboard: Switchboard, limits: Limits, authorize: Authorize | None, request_ids: RequestIds
    ) -> None:
        self.switchboard = switchboard
        self.limits = limits
        self.authorize = authorize
        self.request_ids = request_ids
        self.heads = reply_heads()
        self.draining = False

    def admits(self, authorization: bytes | None, x_api_key: bytes | None) -> bool:
        """Say whether the headers that may carry a key let their caller in."""
        return self.authorize is None or self.authorize(authorization, x_api_key)

    def denied(self, body: bytes, request_id: str) -> Answer:
        """Answer a caller without a valid key."""
        del body
        message = "this server wants an API key; send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
        return self.switchboard.rejected(DeniedError(message), request_id)

    def too_large(self) -> TooLargeError:
        """Say that a body is over the limit."""
        limit = self.limits.body_bytes
        return TooLargeError(f"the body is over the limit of {limit} bytes; send fewer rows in one request")


class HotProtocol(HttpToolsProtocol):
    """One connection. A contract test checks that uvicorn still has every name used here."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        hall: Hall,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.hall = hall
        self.limits = hall.limits
        self.told: dict[bytes, bytes] = {}
        self.hot: Handler | None = None
        self.ordinary = False
        self.parts: list[bytes] = []
        self.in_head = True
        self.turned = False
        """Whether a request began or ended in the bytes at hand; if not, they are all of one head or one body."""
        self.large = False
        self.head_bytes = 0
        self.refused = False
        self.held = False
        self.heard_at = self.loop.time()
        self.arriving_since = 0.0
        """When the request that is arriving began; 0 between requests."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the watch over a silent or slow connection, and refuse one too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, UnavailableError("all connections of this server are taken; come back in a second"))
            return
        self.loop.call_later(min(self.limits.keep_alive_s, self.limits.request_s), self._watch)
        if self.hall.draining:
            # Accepted in the moment of the stop, after uvicorn told the others.
            self.loop.call_later(self.limits.drain_s, self._close_idle)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and bound a head that comes in many pieces."""
        self.heard_at = self.loop.time()
        if self.refused:
            return
        self.turned = False
        self.large = len(data) > self.limits.head_bytes
        super().data_received(data)
        if self.in_head and not self.turned and not self.refused:
            self.head_bytes += len(data)
            if self.head_bytes > self.limits.head_bytes:
                self._refuse(431, self._long_head())

    def eof_received(self) -> None:
        """A refused client is done reading."""
        if self.refused:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request; the ASGI scope is only built if it is needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.told = {}
        self.hot = None
        self.in_head = True
        self.turned = True
        self.head_bytes = 0
        self.arriving_since = self.heard_at

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        name = name.lower()
        self.headers.append((name, value))
        if name in _TOLD:
            self.told[name] = value

    def on_headers_complete(self) -> None:
        """Choose the road."""
        self.in_head = False
        self.head_bytes = 0
        if self.refused:
            return
        idle = not self._is_busy()
        length = self._announced_bytes()
        if idle and self._over_limits(length):
            return
        handler = self.hall.switchboard.routes.get(self.url)
        if handler is not None and idle and 0 <= length <= SHORT_BYTES and self._is_plain():
            self.hot = handler if self._is_allowed() else self.hall.denied
            self.parts = []
            return
        self._take_ordinary_road()

    def on_body(self, part: bytes) -> None:
        """Gather a hot body, which is as long as it was announced."""
        if self.refused:
            return
        if self.hot is None:
            super().on_body(part)
            return
        self.parts.append(part)

    def on_message_complete(self) -> None:
        """Answer a hot request."""
        self.in_head = True
        self.turned = True
        self.arriving_since = 0.0
        if self.refused:
            return
        hot = self.hot
        if hot is None:
            super().on_message_complete()
            return
        self.hot = None
        parts = self.parts
        request_id = self.hall.request_ids(self.told.get(b"x-request-id"))
        answer = hot(parts[0] if len(parts) == 1 else b"".join(parts), request_id)
        keep = self._keeps_alive()
        self._write(answer, request_id, keep=keep)
        if not keep:
            self.refused = True
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP, in the form that every error has."""
        del msg
        self._refuse(400, RequestError("the bytes are not a valid HTTP/1.1 request; check the client"))

    def shutdown(self) -> None:
        """Begin to drain: the next answer says ``connection: close``; an idle connection gets a grace for it."""
        self.hall.draining = True
        if self._is_busy():
            self.cycle.keep_alive = False
        self.loop.call_later(self.limits.drain_s, self._close_idle)

    def pause_writing(self) -> None:
        """Read no more requests from a client that does not read its answers."""
        super().pause_writing()
        if not self.flow.read_paused:
            self.held = True
            self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        super().resume_writing()
        if self.held:
            self.held = False
            self.flow.resume_reading()

    def _is_plain(self) -> bool:
        told = self.told
        return self.parser.get_method() == b"POST" and not self.flow.write_paused and told.keys().isdisjoint(_ORDINARY)

    def _is_allowed(self) -> bool:
        return self.hall.admits(self.told.get(b"authorization"), self.told.get(b"x-api-key"))

    def _keeps_alive(self) -> bool:
        if self.hall.draining or not self.parser.should_keep_alive():
            return False
        # An HTTP/1.0 client that asks to keep the connection would have to be told so; it is closed instead.
        return b"connection" not in self.told or bool(self.parser.get_http_version() != "1.0")

    def _announced_bytes(self) -> int:
        length = self.told.get(b"content-length")
        # The parser lets no length pass that 64 bits do not hold.
        return _NO_LENGTH if length is None else int(length)

    def _over_limits(self, length: int) -> bool:
        if length > self.limits.body_bytes:
            self._refuse(413, self.hall.too_large())
            return True
        if (
            self.large
            and sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > self.limits.head_bytes
        ):
            self._refuse(431, self._long_head())
            return True
        return False

    def _long_head(self) -> RequestError:
        return RequestError(f"the headers are over the limit of {self.limits.head_bytes} bytes; send fewer or shorter")

    def _take_ordinary_road(self) -> None:
        url, headers, expect = self.url, self.headers, self.told.get(b"expect", b"")
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = expect.lower() == b"100-continue"
        super().on_headers_complete()
        if self.hall.draining and self._is_busy():
            self.cycle.keep_alive = False

    def _write(self, answer: Answer, request_id: str, *, keep: bool) -> None:
        status, version, body = answer
        self.transport.write(
            b"%b%bx-request-id: %b\r\n%bcontent-length: %d\r\n\r\n%b"
            % (
                self.hall.heads[status],
                b"x-model-version: %b\r\n" % version if version else b"",
                request_id.encode("ascii"),
                b"" if keep else b"connection: close\r\n",
                len(body),
                body,
            )
        )

    def _refuse(self, status: int, error: GoliveError) -> None:
        """Answer, then read what the client still sends without keeping it, so that the answer is not reset away."""
        self.refused = True
        self.hot = None
        self.parts = []
        request_id = self.hall.request_ids(self.told.get(b"x-request-id"))
        self._write(self.hall.switchboard.rejected(error, request_id, status), request_id, keep=False)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.close)

    def _is_busy(self) -> bool:
        # uvicorn declares the cycle as always there, but sets it with the first request.
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]

    def _watch(self) -> None:
        # One timer a connection that looks at the clock is cheaper than a timer for each request.
        if self.refused or self.transport.is_closing():
            return
        now, limits = self.loop.time(), self.limits
        arriving_s = now - self.arriving_since if self.arriving_since else 0.0
        silent_s = 0.0 if self._is_busy() else now - self.heard_at
        if silent_s >= limits.keep_alive_s:
            self.transport.close()
        elif arriving_s >= limits.request_s:
            self._refuse_slow()
        else:
            self.loop.call_later(min(limits.keep_alive_s - silent_s, limits.request_s - arriving_s), self._watch)

    def _refuse_slow(self) -> None:
        if self._is_answered():
            self.transport.close()
            return
        message = f"the request did not arrive within {self.limits.request_s:g} s; send it faster or in smaller parts"
        self._refuse(408, RequestError(message))

    def _is_answered(self) -> bool:
        # On the ordinary road a refusal may be on its way before the body has come; a second answer would be read as
        # that of the next request.
        return self.hot is None and self.cycle is not None and self.cycle.response_started  # type: ignore[redundant-expr]

    def _close_idle(self) -> None:
        in_message = self.hot is not None or self._is_busy()
        if not in_message and not self.transport.is_closing():
            self.transport.close()


def protocol_class(hall: Hall) -> type[HotProtocol]:
    """Give the protocol of one server: uvicorn creates one for each connection."""

    def connect(
        config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: AbstractEventLoop | None = None
    ) -> HotProtocol:
        return HotProtocol(config, server_state, app_state, _loop, hall=hall)

    return cast("type[HotProtocol]", connect)
