"""HTTP/2 by values: frames and header blocks, and a connection fed with bytes that no good client sends."""

import asyncio
import gzip
import struct
import zlib

import pytest
from hpack import Decoder, Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from golive.errors import DeadlineError, DeniedError, InvalidRowError, NotFoundError, UnavailableError
from golive.serving.answer import RequestIds, error_body
from golive.serving.grpc import frames, status
from golive.serving.grpc.connection import Connection
from golive.serving.grpc.frames import FaultError
from golive.serving.grpc.heads import HeadReader, HeadWriter
from golive.serving.grpc.hub import Gate, GrpcLimits, Hub
from golive.serving.grpc.status import Refusal, metadata_of, refusal_of
from golive.serving.grpc.streams import RefusedError, inflated

INFER = "/s/Infer"
HEAD = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", INFER),
    (":authority", "here"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
]


class EchoService:
    """Answers with what was asked."""

    def __init__(self):
        self.futures = []
        self.unary = {INFER: lambda body, _: (200, b"x-model-version: 1\r\n", body), "/s/Late": self._late}
        self.streams = {"/s/Talk": self._talk}
        self.open = frozenset()

    def _late(self, body, ask):
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]

    async def _talk(self, messages, ask):
        async for message in messages:
            yield message.upper()


class Pipe:
    """A transport that keeps what was written."""

    def __init__(self):
        self.written = b""
        self.closed = False
        self.reading = True

    def write(self, data):
        assert not self.closed
        self.written += data

    def close(self):
        self.closed = True

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.closed = True

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


class Client:
    """The other end of one connection, by bytes."""

    def __init__(self, limits=None, caller="me"):
        self.service = EchoService()
        gate = Gate(
            lambda _: caller, lambda _, ask: (401, b"", error_body(DeniedError("no key"), "r")), RequestIds("t")
        )
        self.hub = Hub(self.service, gate, limits or GrpcLimits(message_bytes=100_000))
        self.connection, self.pipe = Connection(self.hub), Pipe()
        self.connection.connection_made(self.pipe)
        self.encoder, self.decoder, self.at = Encoder(), Decoder(), 0

    def hello(self):
        self.send(frames.PREFACE + frames.settings({}))
        self.read()
        return self

    def send(self, data):
        self.connection.data_received(data)

    def head(self, number, *, path=INFER, end=False, more=(), flags=frames.END_HEADERS):
        pairs = [(name, path if name == ":path" else value) for name, value in HEAD]
        block = self.encoder.encode([*pairs, *more])
        return frames.frame(frames.HEADERS, flags | (frames.END_STREAM if end else 0), number, block)

    def call(self, number, body=b"hello", **kwargs):
        return self.head(number, **kwargs) + data(number, message(body))

    def read(self):
        """Give the frames that have come: (kind, flags, stream, payload)."""
        found, written = [], self.pipe.written
        while len(written) - self.at >= 9:
            high, low, kind, flags, number = frames.HEAD.unpack_from(written, self.at)
            start = self.at + 9
            self.at = start + (high << 16 | low)
            payload = written[start : self.at]
            found.append((kind, flags, number, self.decoder.decode(payload) if kind == frames.HEADERS else payload))
        return found

    def goaway(self):
        (payload,) = [payload for kind, _, _, payload in self.read() if kind == frames.GOAWAY]
        return struct.unpack_from(">L", payload, 4)[0]

    def status_of(self, number):
        """Give the grpc-status of a call that has ended."""
        (end,) = [
            dict(block)
            for kind, flags, stream, block in self.read()
            if (kind, stream) == (frames.HEADERS, number) and flags & frames.END_STREAM
        ]
        return end["grpc-status"]


def message(body, compressed=0):
    return bytes((compressed,)) + struct.pack(">L", len(body)) + body


def data(number, payload, *, end=True):
    return frames.frame(frames.DATA, frames.END_STREAM if end else 0, number, payload)


def in_loop(test):
    async def run():
        test(Client().hello())

    asyncio.run(run())


def test_a_call_is_answered_with_a_head_a_message_and_trailers_in_one_write():
    def test(client):
        client.send(client.call(1))
        (head, body, end) = client.read()
        assert head[:3] == (frames.HEADERS, frames.END_HEADERS, 1)
        assert dict(head[3])[":status"] == "200"
        assert body == (frames.DATA, 0, 1, message(b"hello"))
        assert end[:3] == (frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1)
        assert end[3] == [("grpc-status", "0"), ("x-model-version", "1")]
        assert not client.connection.streams

    in_loop(test)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_bytes_may_come_in_pieces_of_any_size(size):
    async def run():
        client = Client()
        sent = frames.PREFACE + frames.settings({}) + client.call(1) + client.call(3, b"more")
        for start in range(0, len(sent), size):
            client.send(sent[start : start + size])
        assert [payload for kind, _, _, payload in client.read() if kind == frames.DATA] == [
            message(b"hello"),
            message(b"more"),
        ]

    asyncio.run(run())


def test_a_head_in_several_pieces_with_padding_and_priority_is_read():
    def test(client):
        block = client.encoder.encode(HEAD)
        flags = frames.PADDED | frames.HAS_PRIORITY
        client.send(
            frames.frame(frames.HEADERS, flags, 1, b"\3" + b"\0" * 5 + block[:10] + b"\0" * 3)
            + frames.frame(frames.CONTINUATION, 0, 1, block[10:20])
            + frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1, block[20:])
            + frames.frame(frames.DATA, frames.PADDED | frames.END_STREAM, 1, b"\2" + message(b"x") + b"\0\0")
        )
        assert client.status_of(1) == "0"

    in_loop(test)


def test_a_call_that_ends_with_trailers_or_an_empty_frame_is_answered():
    def test(client):
        client.send(client.head(1) + data(1, message(b"x"), end=False) + client.head(1, end=True))
        assert client.status_of(1) == "0"
        client.send(client.head(3) + data(3, message(b"x"), end=False) + data(3, b""))
        assert client.status_of(3) == "0"

    in_loop(test)


def test_a_message_waits_until_the_client_opens_its_window():
    def test(client):
        client.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 10}) + client.call(1, b"x" * 100))
        parts = [payload for kind, _, _, payload in client.read() if kind == frames.DATA]
        assert list(map(len, parts)) == [10]
        client.send(frames.window_update(1, 50))
        client.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 100}))
        found = client.read()
        parts += [payload for kind, _, _, payload in found if kind == frames.DATA]
        assert b"".join(parts) == message(b"x" * 100)
        assert found[-2][1] & frames.END_STREAM
        assert not client.connection.streams

    in_loop(test)


def test_the_window_of_the_connection_holds_for_all_its_calls():
    def test(client):
        client.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 10**6}))
        for number in range(1, 13, 2):
            client.send(client.call(number, b"x" * 16_000))
        sizes = [len(payload) for kind, _, _, payload in client.read() if kind == frames.DATA]
        assert sum(sizes) == frames.WINDOW
        assert max(sizes) <= frames.FRAME_BYTES
        client.send(frames.window_update(0, 10**6))
        assert client.status_of(11) == "0"

    in_loop(test)


def test_long_requests_get_their_windows_opened():
    def test(client):
        for number in range(1, 200, 2):
            parts = [b"x" * 16_000] * 6
            client.send(client.head(number) + data(number, message(b"".join(parts))[:5], end=False))
            for part in parts[:-1]:
                client.send(data(number, part, end=False))
            client.send(data(number, parts[-1]))
            client.send(frames.window_update(0, 96_005) + frames.window_update(number, 96_005))
        opened = [payload for kind, _, number, payload in client.read() if kind == frames.WINDOW_UPDATE and not number]
        assert opened
        assert client.connection.held_bytes == 0

    in_loop(test)


def test_compressed_messages_are_inflated():
    def test(client):
        client.send(client.head(1, more=[("grpc-encoding", "gzip")]) + data(1, message(gzip.compress(b"hello"), 1)))
        assert client.read()[1][3] == message(b"hello")

    in_loop(test)


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        (b"br", b"", status.UNIMPLEMENTED),
        (b"identity", b"x", status.UNIMPLEMENTED),
        (b"gzip", b"x", status.INTERNAL),
        (b"gzip", gzip.compress(b"hello", mtime=0)[:-3], status.INTERNAL),
        (b"deflate", zlib.compress(b"x" * 10_000_000), status.RESOURCE_EXHAUSTED),
    ],
)
def test_a_message_that_cannot_be_inflated_is_refused(encoding, body, code):
    with pytest.raises(RefusedError) as caught:
        inflated(body, encoding, 1000)
    assert caught.value.refusal.code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "13"),
        (b"\0\0\0", "13"),
        (message(b"x") + message(b"y"), "13"),
        (message(b"x")[:-1], "13"),
        (b"\0" + struct.pack(">L", 2**32 - 1), "8"),
    ],
)
def test_a_body_that_is_not_one_message_is_refused(body, code):
    def test(client):
        client.send(client.head(1) + data(1, body))
        assert client.status_of(1) == code

    in_loop(test)


def test_a_message_over_the_limit_is_refused_and_the_client_need_not_send_the_rest():
    def test(client):
        client.send(client.head(1) + data(1, b"\0" + struct.pack(">L", 100_001), end=False))
        found = client.read()
        assert ("grpc-status", "8") in found[0][3]
        assert found[1] == (frames.RST_STREAM, 0, 1, struct.pack(">L", frames.NO_ERROR))
        client.send(data(1, b"x" * 100) + client.call(3))
        assert client.status_of(3) == "0"

    in_loop(test)


def test_requests_that_are_no_calls_get_an_http_status():
    def test(client):
        for number, (name, value, expected) in enumerate(
            [(":method", "GET", "405"), ("content-type", "text/plain", "415")]
        ):
            block = client.encoder.encode([(known, value if known == name else old) for known, old in HEAD])
            client.send(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 2 * number + 1, block))
            assert client.read()[0][3] == [(":status", expected)]

    in_loop(test)


def test_an_unknown_method_is_unimplemented():
    def test(client):
        client.send(client.call(1, path="/s/Nothing"))
        assert client.status_of(1) == "12"

    in_loop(test)


def test_a_caller_who_is_refused_learns_why():
    async def run():
        client = Client(caller=None).hello()
        client.send(client.call(1))
        assert client.status_of(1) == "16"

    asyncio.run(run())


def test_more_calls_at_a_time_than_allowed_are_refused_unseen():
    async def run():
        client = Client(GrpcLimits(streams=2)).hello()
        client.send(client.call(1, path="/s/Late") + client.call(3, path="/s/Late") + client.call(5))
        assert client.read() == [(frames.RST_STREAM, 0, 5, struct.pack(">L", frames.REFUSED_STREAM))]
        client.service.futures[0].set_result((200, b"", b"late"))
        await asyncio.sleep(0)
        client.send(client.call(7))
        assert client.status_of(7) == "0"

    asyncio.run(run())


def test_a_reset_call_cancels_its_work_and_answers_nothing():
    def test(client):
        client.send(client.call(1, path="/s/Late") + frames.reset(1, frames.CANCEL))
        assert client.service.futures[0].cancelled()
        assert client.read() == []

    in_loop(test)


def test_a_stream_of_messages_is_answered_one_by_one():
    async def run():
        client = Client().hello()
        client.send(client.head(1, path="/s/Talk") + data(1, message(b"a") + message(b"b")[:3], end=False))
        await asyncio.sleep(0.01)
        assert [payload for kind, _, _, payload in client.read() if kind == frames.DATA] == [message(b"A")]
        client.send(data(1, message(b"b")[3:]))
        await asyncio.sleep(0.01)
        found = client.read()
        assert found[0][3] == message(b"B")
        assert found[1][3] == [("grpc-status", "0")]
        assert client.connection.held_bytes == 0

    asyncio.run(run())


def test_pings_and_settings_are_answered():
    def test(client):
        client.send(frames.frame(frames.PING, 0, 0, b"12345678") + frames.settings({}))
        assert client.read() == [(frames.PING, 1, 0, b"12345678"), (frames.SETTINGS, 1, 0, b"")]

    in_loop(test)


FAULTS = {
    "not_http2": (b"GET / HTTP/1.1\r\n\r\n", frames.PROTOCOL_ERROR),
    "a_frame_too_long": (frames.frame(frames.DATA, 0, 1, b"x" * 16_385), frames.FRAME_SIZE_ERROR),
    "data_before_a_head": (data(1, b""), frames.PROTOCOL_ERROR),
    "data_of_no_stream": (data(0, b""), frames.PROTOCOL_ERROR),
    "a_push": (frames.frame(frames.PUSH_PROMISE, 0, 1, b""), frames.PROTOCOL_ERROR),
    "a_reset_before_a_head": (frames.reset(1, 0), frames.PROTOCOL_ERROR),
    "a_short_reset": (frames.frame(frames.RST_STREAM, 0, 1, b""), frames.FRAME_SIZE_ERROR),
    "a_window_opened_by_nothing": (frames.window_update(0, 0), frames.PROTOCOL_ERROR),
    "a_window_too_large": (frames.window_update(0, 2**31 - 1), frames.FLOW_CONTROL_ERROR),
    "a_short_window_update": (frames.frame(frames.WINDOW_UPDATE, 0, 0, b"\0"), frames.FRAME_SIZE_ERROR),
    "settings_of_a_stream": (frames.frame(frames.SETTINGS, 0, 1, b""), frames.PROTOCOL_ERROR),
    "settings_cut_short": (frames.frame(frames.SETTINGS, 0, 0, b"12345"), frames.FRAME_SIZE_ERROR),
    "settings_out_of_range": (frames.settings({frames.MAX_FRAME_SIZE: 1}), frames.PROTOCOL_ERROR),
    "an_initial_window_too_large": (frames.settings({frames.INITIAL_WINDOW_SIZE: 2**31}), frames.FLOW_CONTROL_ERROR),
    "a_short_ping": (frames.frame(frames.PING, 0, 0, b"1"), frames.FRAME_SIZE_ERROR),
    "a_continuation_of_nothing": (frames.frame(frames.CONTINUATION, 4, 1, b""), frames.PROTOCOL_ERROR),
    "an_even_stream": (frames.frame(frames.HEADERS, 4, 2, b"\x83"), frames.STREAM_CLOSED),
    "a_broken_block": (frames.frame(frames.HEADERS, 4, 1, b"\xff" * 20), frames.COMPRESSION_ERROR),
    "an_interrupted_block": (
        frames.frame(frames.HEADERS, 0, 1, b"\x83") + frames.settings({}),
        frames.PROTOCOL_ERROR,
    ),
    "padding_longer_than_the_frame": (
        frames.frame(frames.HEADERS, frames.PADDED | 4, 1, b"\x09\x83"),
        frames.PROTOCOL_ERROR,
    ),
    "an_endless_block": (
        frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 0, 1, b"\0" * 16_000) * 5,
        frames.ENHANCE_YOUR_CALM,
    ),
    "a_bomb_of_headers": (
        frames.frame(frames.HEADERS, 4, 1, b"\x40\x01a\x7f\x81\x1f" + b"x" * 4096 + b"\xbe" * 100),
        frames.COMPRESSION_ERROR,
    ),
    "a_flood_of_pings": (frames.frame(frames.PING, 0, 0, b"12345678") * 3000, frames.ENHANCE_YOUR_CALM),
    "a_flood_of_settings": (frames.settings({}) * 3000, frames.ENHANCE_YOUR_CALM),
    "a_flood_of_unknown_frames": (frames.frame(77, 0, 0, b"") * 3000, frames.ENHANCE_YOUR_CALM),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_client_that_breaks_the_protocol_is_told_so_and_left(case):
    sent, code = FAULTS[case]

    async def run():
        client = Client()
        if case != "not_http2":
            client.hello()
        client.send(sent)
        assert client.goaway() == code
        assert client.pipe.closed
        client.send(b"more")

    asyncio.run(run())


def test_a_flood_of_calls_that_are_given_up_at_once_ends_the_connection():
    def test(client):
        for number in range(1, 6000, 2):
            client.send(client.head(number) + frames.reset(number, frames.CANCEL))
            if client.pipe.closed:
                break
        assert client.goaway() == frames.ENHANCE_YOUR_CALM

    in_loop(test)


def test_a_flood_of_data_for_a_refused_call_ends_the_connection():
    def test(client):
        client.send(client.head(1))
        for _ in range(3000):
            client.send(data(1, b"\0" * 16_384, end=False))
            if client.pipe.closed:
                break
        assert client.goaway() == frames.ENHANCE_YOUR_CALM

    in_loop(test)


def test_unfinished_requests_may_hold_so_much_of_a_connection():
    def test(client):
        beginning = b"\0" + struct.pack(">L", 99_999) + b"x" * 16_000
        for number in range(1, 61, 2):
            client.send(client.head(number) + data(number, beginning, end=False))
        refused = [number for kind, _, number, _ in client.read() if kind == frames.RST_STREAM]
        assert refused == list(range(49, 61, 2))
        assert client.connection.held_bytes == 24 * 16_005

    in_loop(test)


def test_a_stopping_connection_answers_what_came_before_and_refuses_what_comes_after():
    async def run():
        client = Client().hello()
        client.send(client.call(1, path="/s/Late"))
        client.connection.drain()
        client.send(client.call(3))
        client.connection.finish()
        client.send(client.call(5))
        kinds = [(kind, number) for kind, _, number, _ in client.read()]
        assert kinds[0] == (frames.GOAWAY, 0)
        assert (frames.DATA, 3) in kinds
        assert kinds[-1] == (frames.RST_STREAM, 5)
        assert not client.pipe.closed
        client.service.futures[0].set_result((200, b"", b"late"))
        await asyncio.sleep(0)
        assert client.status_of(1) == "0"
        assert client.pipe.closed

    asyncio.run(run())


def test_a_connection_too_many_is_closed():
    async def run():
        client = Client(GrpcLimits(connections=1)).hello()
        second, pipe = Connection(client.hub), Pipe()
        second.connection_made(pipe)
        assert pipe.closed
        second.connection_lost(None)
        client.connection.connection_lost(None)
        assert client.hub.empty.is_set()

    asyncio.run(run())


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_bytes_break_a_connection_without_a_word(data):
    async def run():
        client = Client()
        sent = bytearray(frames.PREFACE + frames.settings({}) + client.call(1) + client.call(3, path="/s/Late"))
        for _ in range(data.draw(st.integers(0, 6))):
            sent[data.draw(st.integers(24, len(sent) - 1))] = data.draw(st.integers(0, 255))
        sent += data.draw(st.binary(max_size=40))
        middle = data.draw(st.integers(0, len(sent)))
        client.send(bytes(sent[:middle]))
        client.send(bytes(sent[middle:]))
        if client.pipe.closed:
            assert any(kind == frames.GOAWAY for kind, *_ in client.read())
        client.connection.connection_lost(None)

    asyncio.run(run())


def test_a_head_that_comes_again_means_what_it_meant():
    encoder, reader = Encoder(), HeadReader()
    first, again = encoder.encode(HEAD), encoder.encode(HEAD)
    assert first != again
    assert [reader(first), reader(again), reader(again)] == [reader(again)] * 3
    # The same bytes mean another thing once the table behind them has changed.
    other = encoder.encode([("x-request-id", "one"), *HEAD])
    assert reader(other).told == {b"x-request-id": b"one"}
    for number in range(70):
        changed = encoder.encode([("x-request-id", str(number)), *HEAD])
        assert reader(changed).told == {b"x-request-id": str(number).encode()}
        assert reader(encoder.encode(HEAD)).path == INFER


@pytest.mark.parametrize(
    ("sent", "milliseconds"), [("1H", "3600000"), ("2S", "2000"), ("250m", "250"), ("90u", "1"), ("7x", None)]
)
def test_the_time_a_call_has_left_is_read(sent, milliseconds):
    call = HeadReader()(Encoder().encode([*HEAD, ("grpc-timeout", sent)]))
    assert call.told.get(b"x-request-timeout-ms") == (milliseconds and milliseconds.encode())


def test_a_refusal_is_written_so_that_any_text_passes():
    block = HeadWriter().refusal(Refusal(3, "größer als 100 %\n" + "x" * 300, "invalid_row"))
    found = dict(Decoder().decode(block))
    assert found["grpc-message"] == "gr%C3%B6%C3%9Fer als 100 %25%0A" + "x" * 300
    assert (found["grpc-status"], found["x-error-code"]) == ("3", "invalid_row")


@pytest.mark.parametrize(
    ("error", "http", "code"),
    [
        (InvalidRowError("no", field="$[0].a"), 422, status.INVALID_ARGUMENT),
        (NotFoundError("no"), 404, status.NOT_FOUND),
        (DeniedError("no"), 401, status.UNAUTHENTICATED),
        (UnavailableError("no"), 503, status.UNAVAILABLE),
        (DeadlineError("no"), 503, status.DEADLINE_EXCEEDED),
        (UnavailableError("no"), 501, status.UNIMPLEMENTED),
        (UnavailableError("no"), 500, status.INTERNAL),
    ],
)
def test_an_error_keeps_its_meaning_as_a_status_of_grpc(error, http, code):
    refusal = refusal_of(http, error_body(error, "r"))
    assert (refusal.code, refusal.error_code) == (code, error.code)
    assert refusal.details.startswith("no")


def test_header_lines_become_metadata_without_what_tells_of_a_body():
    lines = b"content-type: application/json\r\nx-model-version: 3\r\nserver-timing: a;dur=1, b;dur=2\r\n"
    assert metadata_of(lines) == (("x-model-version", "3"), ("server-timing", "a;dur=1, b;dur=2"))


def test_the_wrong_length_of_a_number_is_a_fault():
    with pytest.raises(FaultError):
        frames.number_in(b"123")


def test_a_request_that_does_not_arrive_is_refused():
    async def run():
        client = Client(GrpcLimits(request_s=0.02)).hello()
        client.send(client.head(1) + data(1, message(b"hello")[:4], end=False))
        await asyncio.sleep(0.1)
        assert client.status_of(1) == "4"
        assert client.connection.held_bytes == 0
        client.connection.connection_lost(None)

    asyncio.run(run())


def test_a_silent_client_is_pinged_and_left_when_it_does_not_answer():
    async def run():
        client = Client(GrpcLimits(keep_alive_s=0.1)).hello()
        for _ in range(2):  # an answer to the first ping earns a second one
            ((kind, flags, _, payload),) = await until(client.read)
            assert (kind, flags) == (frames.PING, 0)
            client.send(frames.frame(frames.PING, frames.ACK, 0, payload))
        await until(client.read)
        await until(lambda: client.pipe.closed)

    asyncio.run(run())


def test_a_client_that_sends_nothing_at_all_is_left():
    async def run():
        client = Client(GrpcLimits(keep_alive_s=0.02))
        await until(lambda: client.pipe.closed)

    asyncio.run(run())


async def until(found):
    """Wait until something is found, and give it."""
    async with asyncio.timeout(20):
        while not (what := found()):  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)
    return what


def test_no_more_is_read_from_a_client_that_does_not_read_its_answers():
    def test(client):
        client.connection.pause_writing()
        assert not client.pipe.reading
        client.connection.resume_writing()
        assert client.pipe.reading

    in_loop(test)


def test_an_error_in_a_stream_of_messages_ends_it_with_its_status():
    async def run():
        client = Client().hello()
        missing = NotFoundError("there is nothing")

        async def broken(messages, ask):
            async for _ in messages:
                raise missing
            yield b""

        client.service.streams["/s/Talk"] = broken
        client.send(client.call(1, path="/s/Talk"))
        await asyncio.sleep(0.01)
        assert client.status_of(1) == "5"
        assert not client.connection.streams

    asyncio.run(run())


def test_a_long_answer_is_cut_into_frames_as_far_as_the_windows_allow():
    def test(client):
        client.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 2**20}) + frames.window_update(0, 2**20))
        body = bytes(range(256)) * 300
        client.send(client.head(1) + b"".join(data(1, part, end=False) for part in cut(message(body))) + data(1, b""))
        parts = [payload for kind, _, _, payload in client.read() if kind == frames.DATA]
        assert [len(part) for part in parts] == [16_384] * 4 + [len(body) + 5 - 4 * 16_384]
        assert b"".join(parts) == message(body)

    in_loop(test)


def cut(body):
    return [body[start : start + frames.FRAME_BYTES] for start in range(0, len(body), frames.FRAME_BYTES)]
