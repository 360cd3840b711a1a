"""Protocol: uvicorn's HTTP protocol with a short road for known inference routes.

A hot request (its length announced, not too long) is recognized at its headers by one dict look-up and answered at its
last byte with one write: no ASGI scope and no task. Where the answer comes later, the connection holds it as uvicorn
holds a running request. Every other request, and a hot one behind an unanswered request of the same connection, takes
uvicorn's own road to the ASGI app, which has the same handlers and so gives the same answer in the right order.

A client on a kept connection sends the same head again and again. What a head means is remembered by its bytes, so a
request that comes whole behind a known head is answered without being parsed.
"""

import time
from asyncio import AbstractEventLoop, Future, Transport
from collections.abc import Mapping
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from golive.errors import GoliveError, RequestError, UnavailableError
from golive.serving.answer import TOLD, Answer, Ask, Handler
from golive.serving.compression import LEAST_BYTES
from golive.serving.hall import Hall, Known

HOT_BYTES = 2**20
"""Up to here a body is gathered by the connection; a longer one is read by the ordinary road, which holds it back."""
_ORDINARY = frozenset({b"expect", b"content-encoding", b"upgrade"})
"""Headers that send a request down the ordinary road."""
_VARIABLE = frozenset({b"x-request-id", b"traceparent", b"connection"})
"""A head with one of these is not remembered: it is another one each time, or ends the connection."""
_LONGEST_HEAD = 2048
_NO_LENGTH = -1
_PIPELINED = 256
"""Requests that one connection may have waiting behind an unanswered one; each costs the event loop 0.1 ms to note."""
_LINGER_S = 2.0
"""How long a refused body is read and thrown away, so that the client can read the refusal."""


class _Pending:
    """An unanswered hot request, in the form in which uvicorn keeps a running request of its own."""

    def __init__(self, future: Future[Answer], ask: Ask, *, keep_alive: bool) -> None:
        self.future = future
        self.ask = ask
        self.keep_alive = keep_alive
        self.response_started = False
        self.response_complete = False
        self.body = b""

    @property
    def message_event(self) -> "_Pending":
        """Stands for the event of uvicorn's own; an attribute would be a cycle, which only the collector ends."""
        return self

    @property
    def disconnected(self) -> bool:
        """Whether the client has gone."""
        return self.future.cancelled()

    @disconnected.setter
    def disconnected(self, gone: bool) -> None:
        if gone:
            self.future.cancel()

    def set(self) -> None:
        """Nobody waits for more of its body: it is whole."""


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
        self.parts: list[bytes] = []
        self.in_head = True
        self.between = True
        """Whether no byte of the next request has come."""
        self.fresh: bytes | None = None
        """The bytes at hand, when a request begins with them: the head in them may be remembered."""
        self.turned = False
        """Whether a request began or ended in the bytes at hand, or some of them are a body; if not, they are all of
        one head, or of what a chunked body has beside itself."""
        self.asks_for_another = False
        """Whether the request at hand would go on in another protocol."""
        self.large = False
        self.head_bytes = 0
        self.refused = False
        self.held = False
        self.pending: _Pending | None = None
        self.heard_at = self.loop.time()
        self.arriving_since = 0.0
        """When the request that is arriving began; 0 between requests."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what the client does not wait for any more."""
        super().connection_lost(exc)
        self.hall.switchboard.connections -= 1
        if self.pending is not None:
            self.pending.future.cancel()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the watch over a silent or slow connection, and refuse one too many."""
        super().connection_made(transport)
        self.hall.switchboard.connections += 1
        if len(self.connections) > self.limits.connections:
            self._refuse(503, UnavailableError("all connections of this server are taken; come back in a second"))
            return
        self.loop.call_later(min(self.limits.keep_alive_s, self.limits.request_s), self._watch)
        if self.hall.draining:
            # Accepted in the moment of the stop, after uvicorn told the others.
            self.loop.call_later(self.limits.drain_s, self._close_idle)

    def data_received(self, data: bytes) -> None:
        """Answer a whole request behind a known head at once; else feed the parser, and bound a long head."""
        self.heard_at = self.loop.time()
        if self.refused:
            return
        if self.between:
            end = data.find(b"\r\n\r\n", 0, _LONGEST_HEAD) + 4
            known = self.hall.known.get(data[:end])
            if (
                known is not None
                and len(data) == end + known.length
                and (handler := self.hall.switchboard.routes.get(known.url)) is not None
                and not self.flow.write_paused
                and not self._is_busy()
            ):
                self._unset_keepalive_if_required()
                self._answer(handler, data[end:], known.told, keep=not self.hall.draining)
                return
        self.turned = False
        self.large = len(data) > self.limits.head_bytes
        self.fresh = data if self.between else None
        self._unset_keepalive_if_required()
        self._feed(data)
        self.fresh = None
        if not (self.turned or self.between or self.refused):
            self.head_bytes += len(data)
            if self.head_bytes > self.limits.head_bytes:
                self._refuse(431, self._long_head())

    def eof_received(self) -> None:
        """A refused client is done reading; one that waits for an answer will not read it."""
        if self.refused:
            self.transport.close()
        if self.pending is not None:
            # Now: the loss of the connection is only told after a run that may be due has begun.
            self.pending.future.cancel()

    def on_message_begin(self) -> None:
        """Begin a request; the ASGI scope is only built if it is needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.told = {}
        self.hot = None
        self.in_head = True
        self.between = False
        self.turned = True
        self.head_bytes = 0
        self.arriving_since = self.heard_at

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        if not self.in_head:
            # What comes after a chunked body decides nothing: whoever stands before this server has not seen it.
            return
        name = name.lower()
        self.headers.append((name, value))
        if name in TOLD:
            self.told[name] = value

    def on_headers_complete(self) -> None:
        """Choose the road."""
        self.head_bytes = 0
        if self.refused:
            return
        if b"upgrade" in self.told and self.parser.should_upgrade():
            self.asks_for_another = True
            return
        idle = not self._is_busy()
        length = self._announced_bytes()
        if idle and self._over_limits(length):
            return
        handler = self.hall.switchboard.routes.get(self.url)
        if handler is not None and idle and 0 <= length <= HOT_BYTES and self._is_plain():
            self.hot = handler
            self.parts = []
        elif len(self.pipeline) >= _PIPELINED:
            # An error now would be read as the answer to the first of them.
            self._say_no_more()
        else:
            self._take_ordinary_road()
        self.in_head = False

    def on_body(self, part: bytes) -> None:
        """Gather a hot body, which is as long as it was announced."""
        self.turned = True
        if self.refused:
            return
        if self.hot is None:
            super().on_body(part)
            return
        self.parts.append(part)

    def on_message_complete(self) -> None:
        """Answer a hot request."""
        if self.asks_for_another:
            return
        self.in_head = True
        self.between = True
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
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        keep = self._keeps_alive()
        if keep and self.fresh is not None:
            self._remember(self.fresh, len(body))
        self._answer(hot, body, self.told, keep=keep)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP, in the form that every error has."""
        del msg
        self._refuse(400, RequestError("the bytes are not a valid HTTP/1.1 request; check the client"))

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as end_of_head:
            self._read_without_upgrade(data[end_of_head.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Read a request that would go on in another protocol as if it had not said so (RFC 9110, 7.8).

        The parser takes the head for the whole request; its body would then be read as the next one.
        """
        if not self.asks_for_another:
            # CONNECT: what follows is not HTTP.
            self.send_400_response("")
            return
        self.asks_for_another = False
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        version = self.parser.get_http_version().encode("ascii")
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, lines)
        self.fresh = None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(head)
        if rest and not self.refused:
            self._feed(rest)

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

    def _remember(self, data: bytes, length: int) -> None:
        """Remember the head of a request that came alone and whole."""
        end = len(data) - length
        if end <= _LONGEST_HEAD and data.find(b"\r\n\r\n") == end - 4 and self.told.keys().isdisjoint(_VARIABLE):
            self.hall.remember(data[:end], Known(self.url, self.told, length))

    def _answer(self, handler: Handler, body: bytes, told: Mapping[bytes, bytes], *, keep: bool) -> None:
        hall = self.hall
        caller = hall.caller(told)
        ask = Ask(hall.request_ids(told.get(b"x-request-id")), told, caller or "", time.perf_counter_ns())
        answer = hall.denied(body, ask) if caller is None else handler(body, ask)
        if type(answer) is tuple and len(answer[2]) >= LEAST_BYTES:
            answer = hall.pack(answer, ask)
        if type(answer) is tuple:
            self._write(answer, ask.request_id, keep=keep)
            if not keep:
                self._say_no_more()
            return
        self.pending = self.cycle = _Pending(answer, ask, keep_alive=keep)  # type: ignore[assignment, arg-type]
        answer.add_done_callback(self._answered)  # type: ignore[union-attr]

    def _answered(self, future: Future[Answer]) -> None:
        pending = self.pending
        self.pending = None
        if pending is None or future.cancelled() or self.transport.is_closing():
            return
        answer = future.result()
        if len(answer[2]) >= LEAST_BYTES:
            smaller = self.hall.pack(answer, pending.ask)
            if isinstance(smaller, Future):
                self.pending, pending.future = pending, smaller
                smaller.add_done_callback(self._answered)
                return
            answer = smaller
        keep = pending.keep_alive and not self.hall.draining
        self._write(answer, pending.ask.request_id, keep=keep)
        pending.response_started = pending.response_complete = True
        if not keep:
            self._say_no_more()
        elif self.pipeline:
            self.on_response_complete()

    def _say_no_more(self) -> None:
        self.refused = True
        self.transport.close()

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
        status, head, body = answer
        self.transport.write(
            b"%b%bx-request-id: %b\r\n%bcontent-length: %d\r\n\r\n%b"
            % (
                self.hall.heads[status],
                head,
                request_id.encode("ascii"),
                b"" if keep else b"connection: close\r\n",
                len(body),
                body,
            )
        )

    def _refuse(self, status: int, error: GoliveError) -> None:
        """Answer, then read what the client still sends without keeping it, so that the answer is not reset away."""
        if self.refused:
            # The parser may find more that is wrong in the same bytes.
            return
        is_next = self._is_next()
        self.refused = True
        self.hot = None
        self.parts = []
        if not is_next:
            # It would be read as the answer to another request.
            self.transport.close()
            return
        if self._is_busy():
            # Its ordinary road has begun; what that one says is not sent any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        request_id = self.hall.request_ids(self.told.get(b"x-request-id"))
        self._write(self.hall.switchboard.rejected(error, request_id, status), request_id, keep=False)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.close)

    def _is_busy(self) -> bool:
        # uvicorn declares the cycle as always there, but sets it with the first request.
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete  # type: ignore[redundant-expr]

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
        message = f"the request did not arrive within {self.limits.request_s:g} s; send it faster or in smaller parts"
        self._refuse(408, RequestError(message))

    def _is_next(self) -> bool:
        """Say whether what is written now would be read as the answer to the request that is arriving."""
        if self.in_head or self.hot is not None:
            return not self._is_busy()
        # On the ordinary road the last cycle is its own; a refusal may be on its way before the body has come.
        return not self.pipeline and not self.cycle.response_started

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
