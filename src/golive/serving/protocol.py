"""Protocol: uvicorn's HTTP protocol with a short road for known inference routes.

A hot request is recognized at its headers by one dict look-up and answered at its last byte with one write: no ASGI
scope and no task. Every other request, and a hot one behind an unanswered request of the same connection, takes
uvicorn's own road to the ASGI app, which has the same handlers and so gives the same answer in the right order.
"""

from asyncio import AbstractEventLoop, Transport
from collections.abc import Callable
from typing import Any, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from golive.errors import DeniedError, GoliveError, RequestError, TooLargeError
from golive.serving.answer import Answer, Handler, RequestIds, reply_heads
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
_LINGER_S = 2.0
"""How long a refused body is read and thrown away, so that the client can read the refusal."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may use."""

    body_bytes: int = 16 * 2**20
    head_bytes: int = 64 * 2**10
    keep_alive_s: float = 75.0
    """A connection that is silent for so long, between requests or inside one, is closed."""
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
        self.body_bytes = 0
        self.in_head = True
        self.began = False
        self.large = False
        self.head_bytes = 0
        self.refused = False
        self.held = False
        self.heard_at = self.loop.time()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the watch over a silent connection."""
        super().connection_made(transport)
        self.loop.call_later(self.limits.keep_alive_s, self._watch)
        if self.hall.draining:
            # Accepted in the moment of the stop, after uvicorn told the others.
            self.loop.call_later(self.limits.drain_s, self._close_idle)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and bound a head that comes in many pieces."""
        self.heard_at = self.loop.time()
        if self.refused:
            return
        self.began = False
        self.large = len(data) > self.limits.head_bytes
        super().data_received(data)
        if self.in_head and not self.began and not self.refused:
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
        self.began = True
        self.head_bytes = 0

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
        if idle and self._over_limits():
            return
        handler = self.hall.switchboard.routes.get(self.url)
        if handler is not None and idle and self._is_plain():
            self.hot = handler if self._is_allowed() else self.hall.denied
            self.parts = []
            self.body_bytes = 0
            return
        self._take_ordinary_road()

    def on_body(self, part: bytes) -> None:
        """Gather a hot body, up to the limit."""
        if self.refused:
            return
        if self.hot is None:
            super().on_body(part)
            return
        self.parts.append(part)
        self.body_bytes += len(part)
        if self.body_bytes > self.limits.body_bytes:
            self._refuse(413, self.hall.too_large())

    def on_message_complete(self) -> None:
        """Answer a hot request."""
        self.in_head = True
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
        authorize = self.hall.authorize
        return authorize is None or authorize(self.told.get(b"authorization"), self.told.get(b"x-api-key"))

    def _keeps_alive(self) -> bool:
        if self.hall.draining or not self.parser.should_keep_alive():
            return False
        # An HTTP/1.0 client that asks to keep the connection would have to be told so; it is closed instead.
        return b"connection" not in self.told or bool(self.parser.get_http_version() != "1.0")

    def _over_limits(self) -> bool:
        length = self.told.get(b"content-length")
        if length is not None and len(length) < 20 and int(length) > self.limits.body_bytes:  # noqa: PLR2004
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
        if self.transport.is_closing():
            return
        silent_s = self.loop.time() - self.heard_at
        if silent_s >= self.limits.keep_alive_s and not self._is_busy():
            self.transport.close()
            return
        wait_s = self.limits.keep_alive_s - (0.0 if self._is_busy() else silent_s)
        self.loop.call_later(wait_s, self._watch)

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
