"""Connection: gRPC over HTTP/2 as an asyncio protocol, with one write for all the answers to what came in one read.

It serves what gRPC's clients use of HTTP/2 (RFC 9113): requests with a body, both flow controls, pings, resets and an
orderly end. A message is answered in the event loop at its last byte, without a task, as on the HTTP road.
"""

import asyncio
import time
from typing import Any

from golive.errors import GoliveError
from golive.serving.answer import Answer, Ask
from golive.serving.grpc import frames, status
from golive.serving.grpc.frames import FaultError
from golive.serving.grpc.heads import HeadReader
from golive.serving.grpc.hub import CONNECTION_WINDOW, STREAM_WINDOW, Hub
from golive.serving.grpc.service import Talk
from golive.serving.grpc.status import Refusal, refusal_of
from golive.serving.grpc.streams import PREFIX_BYTES, RefusedError, Stream

_BLOCK_BYTES = 64 * 2**10
_CALM = 2000
"""Frames without use (resets, pings, settings, empty ones) that may come between useful ones, many at a time."""
_TALK_BYTES = 64 * 2**10
"""The longest message of a streaming call: those that there are ask about the server, in a few words."""
_AT_ONCE_BYTES = 64 * 2**10
"""Up to here a compressed message is inflated in the event loop."""
_LINGER_S = 2.0
_OK = 200


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.streams: dict[int, Stream] = {}
        self.out: list[bytes] = []
        self.reading = False
        """Whether what is written waits for the end of the bytes at hand."""
        self.rest = b""
        self.greeted = False
        self.read_head = HeadReader()
        self.block: tuple[int, int, bytes] | None = None
        """Stream, flags and beginning of a header block that is not whole."""
        self.last = 0
        self.received = 0
        self.send_window = frames.WINDOW
        self.stream_send_window = frames.WINDOW
        self.held_bytes = 0
        """Of messages that are not whole."""
        self.useless = 0
        self.closing = False
        self.refusing = False
        """Whether further calls are refused: the client sends them to another connection."""
        self.pinged = False
        self.heard_at = self.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, unless it is one too many."""
        self.transport = transport
        hub = self.hub
        if len(hub.connections) >= hub.limits.connections:
            self._write(hub.greeting + frames.goaway(0, frames.ENHANCE_YOUR_CALM, "all connections are taken"))
            self.closing = True
            self.transport.close()
            return
        hub.connections.add(self)
        hub.empty.clear()
        self._write(hub.greeting)
        self.loop.call_later(min(hub.limits.keep_alive_s, hub.limits.request_s), self._watch)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what nobody waits for any more."""
        del exc
        self.closing = True
        self.hub.connections.discard(self)
        if not self.hub.connections:
            self.hub.empty.set()
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.stop()

    def data_received(self, data: bytes) -> None:
        """Read all whole frames, then send all answers at once."""
        self.heard_at = self.loop.time()
        self.pinged = False
        if self.closing:
            return
        self.reading = True
        try:
            self._read(self.rest + data if self.rest else data)
        except FaultError as fault:
            self._fail(fault)
        self.reading = False
        self._send()

    def pause_writing(self) -> None:
        """Read no more from a client that does not read its answers."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        self.transport.resume_reading()

    def eof_received(self) -> None:
        """A client that sends no more is gone."""

    def drain(self) -> None:
        """Tell the client to send further calls elsewhere; those that are on their way are answered."""
        self._write(frames.goaway(frames.LAST_STREAM, frames.NO_ERROR))

    def finish(self) -> None:
        """Take no further call, and close once the last one is answered."""
        self.refusing = True
        self._write(frames.goaway(self.last, frames.NO_ERROR))
        self._close_when_done()

    def cut(self) -> None:
        """Close now."""
        self.closing = True
        self.transport.close()

    def _read(self, data: bytes) -> None:
        at, end = 0, len(data)
        if not self.greeted:
            if not frames.PREFACE.startswith(data[: len(frames.PREFACE)]):
                raise FaultError(frames.PROTOCOL_ERROR, "this port speaks gRPC over HTTP/2")
            if end < len(frames.PREFACE):
                self.rest = data
                return
            self.greeted = True
            at = len(frames.PREFACE)
        unpack, head_bytes = frames.HEAD.unpack_from, frames.HEAD.size
        while end - at >= head_bytes:
            high, low, kind, flags, number = unpack(data, at)
            length = high << 16 | low
            if length > frames.FRAME_BYTES:
                raise FaultError(frames.FRAME_SIZE_ERROR, "the frame is longer than the settings allow")
            start = at + head_bytes
            stop = start + length
            if stop > end:
                break
            at = stop
            self._frame(kind, flags, number & frames.LAST_STREAM, data[start:stop])
        self.rest = data[at:]

    def _frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if self.block is not None and (kind != frames.CONTINUATION or number != self.block[0]):
            raise FaultError(frames.PROTOCOL_ERROR, "a header block was interrupted")
        if kind == frames.DATA:
            self._data(flags, number, payload)
        elif kind == frames.HEADERS:
            self._begin_block(flags, number, frames.content(flags, payload))
        elif kind == frames.CONTINUATION:
            self._continue_block(flags, payload)
        elif kind == frames.WINDOW_UPDATE:
            self._open_window(number, payload)
        elif kind == frames.RST_STREAM:
            self._reset(number, payload)
        elif kind == frames.SETTINGS:
            self._settle(flags, number, payload)
        elif kind == frames.PING:
            self._ping(flags, number, payload)
        elif kind == frames.PUSH_PROMISE:
            raise FaultError(frames.PROTOCOL_ERROR, "a client does not push")
        else:
            # PRIORITY and kinds that do not exist yet are passed over; so is GOAWAY, which ends nothing here.
            self._useless()

    def _begin_block(self, flags: int, number: int, block: bytes) -> None:
        if flags & frames.END_HEADERS:
            self._head(flags, number, block)
        else:
            self.block = number, flags, block

    def _continue_block(self, flags: int, payload: bytes) -> None:
        if self.block is None:
            raise FaultError(frames.PROTOCOL_ERROR, "there is no header block to continue")
        self._useless()
        number, first, block = self.block
        block += payload
        if len(block) > _BLOCK_BYTES:
            raise FaultError(frames.ENHANCE_YOUR_CALM, "the header block is too long")
        self.block = number, first, block
        if flags & frames.END_HEADERS:
            self.block = None
            self._head(first, number, block)

    def _head(self, flags: int, number: int, block: bytes) -> None:
        # Read in any case: the next block may build on this one.
        call = self.read_head(block)
        stream = self.streams.get(number)
        if stream is not None:
            if stream.ended or not flags & frames.END_STREAM:
                raise FaultError(frames.PROTOCOL_ERROR, "a call has one head and one end")
            self._whole(stream)
            return
        if number <= self.last or not number % 2:
            raise FaultError(frames.STREAM_CLOSED, "the stream is not a new one of the client's")
        self.last = number
        if self.refusing or len(self.streams) >= self.hub.limits.streams:
            self._useless()
            self._write(frames.reset(number, frames.REFUSED_STREAM))
            return
        stream = Stream(number, call, self.stream_send_window, self.heard_at)
        self.streams[number] = stream
        talk = self.hub.service.streams.get(call.path)
        if call.refused:
            self._send_head(stream, self.hub.writer.not_grpc(call.refused))
        elif talk is not None:
            self._begin_talk(stream, talk)
        elif call.path not in self.hub.service.unary:
            text = f"there is no method {call.path[:200]!r}; ask the reflection service for those that there are"
            self._refuse(stream, Refusal(status.UNIMPLEMENTED, text, "not_found"))
        if flags & frames.END_STREAM and number in self.streams:
            self._whole(stream)

    def _data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        # Every byte is taken off the window as it comes: what bounds the memory are the messages' lengths.
        self.received += size
        if self.received > CONNECTION_WINDOW // 2:
            self._write(frames.window_update(0, self.received))
            self.received = 0
        stream = self.streams.get(number)
        if stream is None or stream.ended:
            self._stray(number)
            return
        part = frames.content(flags, payload) if flags & frames.PADDED else payload
        try:
            self._take(stream, part, size, ended=bool(flags & frames.END_STREAM))
        except RefusedError as error:
            self._refuse(stream, error.refusal)

    def _stray(self, number: int) -> None:
        if number == 0 or number > self.last:
            raise FaultError(frames.PROTOCOL_ERROR, "data came before the head of its call")
        # The call was answered or given up before its end had come.
        self._useless()

    def _take(self, stream: Stream, part: bytes, size: int, *, ended: bool) -> None:
        most = self.hub.limits.message_bytes if stream.inbox is None else _TALK_BYTES
        if part:
            self.held_bytes += len(part)
            stream.take(part, most)
        elif not ended:
            self._useless()
        if ended:
            self._whole(stream)
            return
        if self.held_bytes > 4 * (self.hub.limits.message_bytes + PREFIX_BYTES):
            text = "too much of unfinished requests has come on this connection; send fewer at a time"
            raise RefusedError(Refusal(status.RESOURCE_EXHAUSTED, text, "unavailable"))
        if stream.inbox is not None:
            before = stream.size
            stream.deliver(most)
            self.held_bytes -= before - stream.size
        stream.received += size
        if stream.received > STREAM_WINDOW // 2:
            self._write(frames.window_update(stream.number, stream.received))
            stream.received = 0

    def _whole(self, stream: Stream) -> None:
        """Answer a call whose client has sent everything."""
        stream.ended = True
        self.held_bytes -= stream.size
        try:
            if stream.inbox is not None:
                stream.deliver(_TALK_BYTES)
                return
            ask, allowed = self._ask(stream)
            if not allowed:
                self._reply(stream, self.hub.gate.denied(b"", ask))  # type: ignore[arg-type]
            elif stream.inflates_beyond(_AT_ONCE_BYTES):
                stream.task = self.loop.create_task(self._inflate(stream, ask))
            else:
                self._call(stream, stream.message(self.hub.limits.message_bytes), ask)
        except RefusedError as error:
            self._refuse(stream, error.refusal)

    async def _inflate(self, stream: Stream, ask: Ask) -> None:
        # A few bytes may become the limit's worth: in the event loop all others would wait for that.
        try:
            body = await self.hub.aside.do(stream.message, self.hub.limits.message_bytes)
        except RefusedError as error:
            stream.task = None
            self._refuse(stream, error.refusal)
            return
        stream.task = None
        self._call(stream, body, ask)

    def _call(self, stream: Stream, body: bytes, ask: Ask) -> None:
        call = stream.call
        stream.parts = []
        stream.size = 0
        answer = self.hub.service.unary[call.path](body, ask)
        if type(answer) is tuple:
            self._reply(stream, answer)
            return
        stream.future = answer  # type: ignore[assignment]
        if call.timeout_s is not None:
            left_s = max(0.0, stream.since + call.timeout_s - self.loop.time())
            stream.timer = self.loop.call_later(left_s, self._late, stream)
        answer.add_done_callback(lambda done: self._answered(stream, done))  # type: ignore[union-attr]

    def _ask(self, stream: Stream) -> tuple[Ask, bool]:
        gate, told = self.hub.gate, stream.call.told
        stream.request_id = gate.request_id(told.get(b"x-request-id"))
        caller = gate.caller(told)
        ask = Ask(stream.request_id, told, caller or "", time.perf_counter_ns())
        return ask, caller is not None or stream.call.path in self.hub.service.open

    def _answered(self, stream: Stream, done: asyncio.Future[Answer]) -> None:
        if stream.number not in self.streams:
            return
        if done.cancelled():
            self._refuse(stream, Refusal(status.CANCELLED, "the call was cancelled"))
        elif done.exception() is not None:
            self._broke(stream, done.exception())
        else:
            self._reply(stream, done.result())

    def _late(self, stream: Stream) -> None:
        text = "the answer was not there before the deadline; allow more time or send fewer rows"
        self._refuse(stream, Refusal(status.DEADLINE_EXCEEDED, text, "deadline_exceeded"))

    def _broke(self, stream: Stream, error: BaseException | None) -> None:
        self.hub.log.error("request %s failed", stream.request_id, exc_info=error)
        self._refuse(stream, Refusal(status.INTERNAL, "the call failed; the server's log has the cause", "internal"))

    def _reply(self, stream: Stream, answer: Answer) -> None:
        # Not before: a call that is given up as soon as it was made is of no use either.
        self.useless = 0
        code, lines, body = answer
        if code != _OK:
            self._refuse(stream, refusal_of(code, body), lines)
            return
        writer, number, size = self.hub.writer, stream.number, len(body) + PREFIX_BYTES
        message = b"\0" + len(body).to_bytes(4, "big") + body
        if size > frames.FRAME_BYTES or size > self.send_window or size > stream.send_window:
            self._begin_reply(stream)
            stream.pending, stream.trailers = message, writer.end(lines)
            self._pump(stream)
            return
        self.send_window -= size
        self._write(
            frames.frame(frames.HEADERS, frames.END_HEADERS, number, writer.begin(stream.request_id))
            + frames.frame(frames.DATA, 0, number, message)
            + frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, writer.end(lines))
        )
        self._forget(stream)

    def _refuse(self, stream: Stream, refusal: Refusal, lines: bytes = b"") -> None:
        block = self.hub.writer.refusal(refusal, lines)
        if stream.begun:
            stream.pending = b""
        else:
            request_id = stream.request_id or self.hub.gate.request_id(stream.call.told.get(b"x-request-id"))
            block = self.hub.writer.begin(request_id) + block
        self._send_head(stream, block)

    def _send_head(self, stream: Stream, block: bytes) -> None:
        """Send a block that ends a call."""
        self._write(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream.number, block))
        if not stream.ended:
            # The client need not send the rest.
            self._write(frames.reset(stream.number, frames.NO_ERROR))
        self._forget(stream)

    def _begin_reply(self, stream: Stream) -> None:
        if not stream.begun:
            stream.begun = True
            block = self.hub.writer.begin(stream.request_id)
            self._write(frames.frame(frames.HEADERS, frames.END_HEADERS, stream.number, block))

    def _pump(self, stream: Stream) -> None:
        """Send as much as the client lets us."""
        pending, at = stream.pending, stream.sent
        while at < len(pending):
            size = min(len(pending) - at, frames.FRAME_BYTES, self.send_window, stream.send_window)
            if size <= 0:
                stream.sent = at
                return
            if size == frames.FRAME_BYTES:
                # Windows that are opened a few bytes at a time stay without use.
                self.useless = 0
            self.send_window -= size
            stream.send_window -= size
            self._write(frames.frame(frames.DATA, 0, stream.number, pending[at : at + size]))
            at += size
        stream.pending, stream.sent = b"", 0
        if stream.trailers is not None:
            self._send_head(stream, stream.trailers)

    def _begin_talk(self, stream: Stream, talk: Talk) -> None:
        stream.inbox = asyncio.Queue()
        ask, allowed = self._ask(stream)
        if not allowed:
            self._reply(stream, self.hub.gate.denied(b"", ask))  # type: ignore[arg-type]
            return
        stream.task = self.loop.create_task(self._talk(stream, talk, ask))

    async def _talk(self, stream: Stream, talk: Talk, ask: Ask) -> None:
        try:
            async for body in talk(stream.messages(), ask):
                self._begin_reply(stream)
                stream.pending = stream.pending[stream.sent :] + b"\0" + len(body).to_bytes(4, "big") + body
                stream.sent = 0
                self._pump(stream)
        except GoliveError as error:
            self._refuse(stream, Refusal(status.code_of(error.status, error.code), error.message, error.code))
            return
        except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
            self._broke(stream, error)
            return
        stream.task = None
        self._begin_reply(stream)
        stream.trailers = self.hub.writer.end(b"")
        self._pump(stream)

    def _open_window(self, number: int, payload: bytes) -> None:
        size = frames.number_in(payload) & frames.LARGEST_WINDOW
        if size == 0:
            raise FaultError(frames.PROTOCOL_ERROR, "a window was opened by nothing")
        stream = self.streams.get(number)
        if number == 0:
            self.send_window += size
            if self.send_window > frames.LARGEST_WINDOW:
                raise FaultError(frames.FLOW_CONTROL_ERROR, "the connection's window is too large")
            for each in [waiting for waiting in self.streams.values() if waiting.pending]:
                self._pump(each)
        elif stream is not None:
            stream.send_window += size
            if stream.send_window > frames.LARGEST_WINDOW:
                self._give_up(stream, frames.FLOW_CONTROL_ERROR)
            else:
                self._pump(stream)
        elif number > self.last:
            raise FaultError(frames.PROTOCOL_ERROR, "a window was opened before the head of its call")
        self._useless()

    def _reset(self, number: int, payload: bytes) -> None:
        frames.number_in(payload)
        if number == 0 or number > self.last:
            raise FaultError(frames.PROTOCOL_ERROR, "a call was given up before its head")
        self._useless()
        stream = self.streams.get(number)
        if stream is not None:
            self._forget(stream)

    def _settle(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise FaultError(frames.PROTOCOL_ERROR, "settings are not of a stream")
        self._useless()
        if flags & frames.ACK:
            return
        # Of several values the last one holds; a frame may have thousands.
        window = dict(frames.settings_in(payload)).get(frames.INITIAL_WINDOW_SIZE, self.stream_send_window)
        change = window - self.stream_send_window
        self.stream_send_window = window
        for stream in list(self.streams.values()) if change else ():
            stream.send_window += change
            self._pump(stream)
        self._write(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))

    def _ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise FaultError(frames.PROTOCOL_ERROR, "a ping is not of a stream")
        if len(payload) != 8:  # noqa: PLR2004 - as the RFC says
            raise FaultError(frames.FRAME_SIZE_ERROR, "a ping has eight bytes")
        self._useless()
        if not flags & frames.ACK:
            self._write(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _useless(self) -> None:
        """Count a frame that answers nobody: a flood of them is cheap to send and dear to read."""
        self.useless += 1
        if self.useless > _CALM:
            raise FaultError(frames.ENHANCE_YOUR_CALM, "too many frames that ask nothing")

    def _give_up(self, stream: Stream, code: int) -> None:
        self._write(frames.reset(stream.number, code))
        self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        self.streams.pop(stream.number, None)
        if not stream.ended:
            self.held_bytes -= stream.size
        if stream.future is not None or stream.task is not None or stream.timer is not None:
            stream.stop()
        if self.refusing and not self.streams:
            self._close_when_done()

    def _fail(self, fault: FaultError) -> None:
        self._write(frames.goaway(self.last, fault.code, fault.text))
        self._leave()

    def _close_when_done(self) -> None:
        if not self.streams and not self.closing:
            self._leave()

    def _leave(self) -> None:
        """Send what is written, then read what still comes without keeping it, so that nothing sent is reset away."""
        self.reading = False
        self._send()
        self.closing = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(_LINGER_S, self.transport.close)
        else:
            self.transport.close()

    def _write(self, data: bytes) -> None:
        if self.reading:
            self.out.append(data)
        elif not self.closing:
            self.transport.write(data)

    def _send(self) -> None:
        if self.out and not self.closing:
            self.transport.write(b"".join(self.out))
        self.out = []

    def _watch(self) -> None:
        # One timer a connection that looks at the clock is cheaper than a timer for each call.
        if self.closing:
            return
        now, limits = self.loop.time(), self.hub.limits
        self.useless = 0
        for stream in [each for each in self.streams.values() if not each.ended and each.inbox is None]:
            if now - stream.since >= limits.request_s:
                text = f"the request did not arrive within {limits.request_s:g} s; send it faster or in smaller parts"
                self._refuse(stream, Refusal(status.DEADLINE_EXCEEDED, text, "bad_request"))
        if now - self.heard_at >= limits.keep_alive_s:
            if self.pinged or not self.greeted:
                self.cut()
                return
            self.pinged = True
            self.heard_at = now
            self._write(frames.frame(frames.PING, 0, 0, b"golive  "))
        self.loop.call_later(min(limits.keep_alive_s, limits.request_s), self._watch)
