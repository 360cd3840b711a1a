"""Both protocols of connections, fed by hand with what no client sends, in any pieces: what comes back is well formed."""

import asyncio
import re
from itertools import pairwise

import pytest
from fuzzing import board, fuzzed, mutated
from hpack import Decoder, Encoder
from hypothesis import example, given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from golive.serving.answer import RequestIds
from golive.serving.grpc import frames
from golive.serving.grpc.connection import Connection
from golive.serving.grpc.hub import Gate, GrpcLimits, Hub
from golive.serving.hall import Hall, Limits
from golive.serving.protocol import protocol_class
from golive.serving.server import ServerConfig, _uvicorn_config

GOOD = {100, 200, 400, 404, 405, 408, 413, 415, 422, 431, 503}
PLAIN = b'{"instances": [{"area": 120.5, "rooms": 4, "sold": "2011-07-25", "hood": "north", "garden": true}]}'
HEAD = b"POST /v1/models/regression:predict HTTP/1.1\r\nhost: x\r\n"
REQUESTS = (
    HEAD + b"content-length: %d\r\n\r\n%b" % (len(PLAIN), PLAIN),
    HEAD + b"content-length: 2\r\n\r\n{}",
    HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx-api-key: k\r\n\r\n",
    HEAD + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n{}",
    HEAD + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    HEAD.replace(b"predict HTTP", b"predict?a=1 HTTP") + b"content-length: 2\r\n\r\n{}",
    HEAD.replace(b"1.1", b"1.0") + b"content-length: 2\r\n\r\n{}",
    b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /v2/models/regression HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    b"DELETE /none HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
    b"CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n",
)


class Pipe:
    """A transport that keeps what was written, and takes nothing after its end."""

    def __init__(self):
        self.written = b""
        self.closed = self.ended = False

    def write(self, data):
        assert not self.ended
        if not self.closed:
            self.written += data

    def write_eof(self):
        self.ended = True

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed

    def can_write_eof(self):
        return True

    def pause_reading(self):
        pass

    resume_reading = pause_reading

    def get_extra_info(self, name, default=None):
        return default

    def set_protocol(self, protocol):
        pass


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    asyncio.set_event_loop(None)
    made.close()


def replies(written: bytes) -> list[tuple[int, bytes]]:
    """Read replies one after the other; what is written is nothing else."""
    found = []
    while written:
        head, end, rest = written.partition(b"\r\n\r\n")
        assert end
        status = int(re.fullmatch(rb"HTTP/1\.1 (\d{3}) [^\r\n]+", head.split(b"\r\n")[0])[1])
        if status == 100:
            found.append((status, b""))
            written = rest
            continue
        sizes = re.findall(rb"\r\ncontent-length: (\d+)(?=\r|$)", head)
        assert len(sizes) == 1, head
        size = int(sizes[0])
        assert len(rest) >= size
        found.append((status, re.sub(rb'"request_id":"[^"]*"', b"", rest[:size])))
        written = rest[size:]
    return found


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in pairwise(places)]


class Http:
    """Connections of one server without a network."""

    def __init__(self, loop):
        config = ServerConfig(max_body_bytes=5000, max_head_bytes=3000)
        limits = Limits(body_bytes=5000, head_bytes=3000)
        self.loop = loop
        self.hall = Hall(board(), limits, None, RequestIds("fuzz"))
        self.config = _uvicorn_config(self.hall, config)
        self.config.load()
        self.connect = protocol_class(self.hall)

    def feed(self, pieces: list[bytes], *, turns: int) -> list[tuple[int, bytes]]:
        """Feed the pieces in turn, and give all replies."""

        async def run() -> bytes:
            pipe, state = Pipe(), ServerState()
            connection = self.connect(self.config, state, {}, asyncio.get_running_loop())
            connection.connection_made(pipe)
            for piece in pieces:
                if pipe.closed:
                    break
                connection.data_received(piece)
                for _ in range(turns):
                    await asyncio.sleep(0)
            for _ in range(200):
                if not state.tasks:
                    break
                await asyncio.sleep(0)
            connection.connection_lost(None)
            await asyncio.gather(*state.tasks)
            return pipe.written

        return replies(self.loop.run_until_complete(run()))


@pytest.fixture(scope="module")
def http(loop):
    return Http(loop)


@fuzzed(500)
@given(
    requests=st.lists(st.sampled_from(REQUESTS) | mutated(REQUESTS), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 2000), max_size=6),
    turns=st.integers(0, 3),
)
@example(requests=[REQUESTS[4], REQUESTS[0]], cuts=[120], turns=1)
@example(requests=[REQUESTS[11]], cuts=[], turns=0)
@example(requests=[b"CONNECT HTTP/1.1\r\nhost:" + REQUESTS[4]], cuts=[], turns=0)
@example(requests=[HEAD + b"content-length: 9999\r\n\r\n", b"garbage"], cuts=[], turns=0)
@example(requests=[b"POST http://a:b/ HTTP/1.1\r\n\r\n"], cuts=[], turns=0)
def test_http_in_any_pieces(http, requests, cuts, turns):
    data = b"".join(requests)
    found = http.feed(pieces_of(data, cuts), turns=turns)
    assert {status for status, _ in found} <= GOOD, found
    assert len([status for status, _ in found if status != 100]) <= data.count(b" HTTP/1") + 1


@fuzzed(300)
@given(
    requests=st.lists(st.sampled_from(REQUESTS[:4] + REQUESTS[6:7] + REQUESTS[8:9]), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
def test_http_says_the_same_however_the_bytes_are_cut(http, requests, cuts):
    alone = [reply for one in requests for reply in http.feed([one], turns=0)]
    data = b"".join(requests)
    assert http.feed(pieces_of(data, cuts), turns=0) == alone
    assert http.feed(requests, turns=8) == alone


@fuzzed(200)
@given(data=st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_over_http(http, data):
    assert {status for status, _ in http.feed([b"GET /", *data], turns=1)} <= GOOD


class Calls:
    """What is called over gRPC: echoes at once or later, and a talk."""

    def __init__(self):
        self.unary = {"/s/Echo": lambda body, _: (200, b"x-model-version: 1\r\n", body), "/s/Late": self._late}
        self.streams = {"/s/Talk": self._talk}
        self.open = frozenset()
        self.waiting = []

    def _late(self, body, ask):
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    async def _talk(self, messages, ask):
        async for message in messages:
            yield message


def head(path: str, *more: tuple[str, str]) -> bytes:
    pairs = [(":method", "POST"), (":path", path), ("content-type", "application/grpc"), *more]
    return Encoder().encode(pairs)


HEADS = (
    head("/s/Echo"),
    head("/s/Late"),
    head("/s/Talk"),
    head("/none"),
    head("/s/Echo", ("grpc-encoding", "gzip")),
    b"\x82",
)
MESSAGES = (b"\0\0\0\0\5hello", b"\0\0\0\0\0", b"\1\0\0\0\5hello", b"\0\0\0\0\xffshort", b"\0")
FRAMES = st.one_of(
    st.tuples(
        st.just(1), st.sampled_from([4, 5, 0, 1, 12, 36]), st.integers(0, 9), st.sampled_from(HEADS) | mutated(HEADS)
    ),
    st.tuples(st.just(0), st.sampled_from([0, 1, 8]), st.integers(0, 9), st.sampled_from(MESSAGES) | mutated(MESSAGES)),
    st.tuples(st.just(9), st.sampled_from([0, 4]), st.integers(0, 9), st.sampled_from(HEADS)),
    st.tuples(
        st.just(8),
        st.just(0),
        st.integers(0, 9),
        st.sampled_from([b"\0\0\0\1", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"a"]),
    ),
    st.tuples(st.just(3), st.just(0), st.integers(0, 9), st.sampled_from([b"\0\0\0\x08", b""])),
    st.tuples(
        st.just(4),
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from([b"", b"\0\4\0\0\0\1", b"\0\4\x7f\xff\xff\xff", b"ab"]),
    ),
    st.tuples(st.just(6), st.integers(0, 1), st.integers(0, 1), st.sampled_from([b"12345678", b"1"])),
    st.tuples(st.integers(0, 12), st.integers(0, 255), st.integers(0, 2**31 - 1), st.binary(max_size=30)),
)


@fuzzed(700)
@given(
    sent=st.lists(FRAMES, max_size=12),
    cuts=st.lists(st.integers(0, 600), max_size=6),
    turns=st.integers(0, 2),
    good=st.sampled_from([frames.PREFACE, frames.PREFACE, frames.PREFACE, b"GET / HTTP/1.1\r\n\r\n"]),
)
@example(sent=[(1, 5, 1, HEADS[1]), (3, 0, 1, b"\0\0\0\x08")], cuts=[], turns=1, good=frames.PREFACE)
def test_http2_in_any_pieces(loop, sent, cuts, turns, good):
    data = good + b"".join(frames.frame(*one) for one in sent)

    async def run() -> tuple[bytes, Hub, object, Calls]:
        calls = Calls()
        hub = Hub(
            calls,
            Gate(lambda _: "me", calls.unary["/s/Echo"], RequestIds("t")),
            GrpcLimits(message_bytes=200, streams=3),
        )
        connection, pipe = Connection(hub), Pipe()
        connection.connection_made(pipe)
        for piece in pieces_of(data, cuts):
            connection.data_received(piece)
            assert len(connection.streams) <= 3
            unfinished = sum(stream.size for stream in connection.streams.values() if not stream.ended)
            assert connection.held_bytes == unfinished
            for _ in range(turns):
                await asyncio.sleep(0)
        connection.connection_lost(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not hub.connections
        assert all(future.done() for future in calls.waiting)
        return pipe.written

    written = loop.run_until_complete(run())
    at, ended = 0, set()
    while at < len(written):
        high, low, kind, flags, number = frames.HEAD.unpack_from(written, at)
        at += 9 + (high << 16 | low)
        assert at <= len(written)
        if kind in {frames.DATA, frames.HEADERS}:
            assert number not in ended
            if flags & frames.END_STREAM:
                ended.add(number)


def test_the_heads_are_what_they_seem():
    assert dict(Decoder().decode(HEADS[0]))[":path"] == "/s/Echo"
