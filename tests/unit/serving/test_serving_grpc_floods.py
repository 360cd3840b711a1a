"""Floods over HTTP/2: what is cheap to send and dear to answer ends the connection, and honest use never does."""

import asyncio
import gzip
import struct
import time
import tracemalloc

import pytest
from hpack import Encoder

from golive.serving.answer import RequestIds
from golive.serving.grpc import frames
from golive.serving.grpc.connection import Connection
from golive.serving.grpc.hub import Gate, GrpcLimits, Hub

MOST = 200_000


class Pipe:
    """A transport that keeps what was written."""

    def __init__(self):
        self.written = bytearray()
        self.closed = False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    write_eof = close

    def can_write_eof(self):
        return True


class Calls:
    """Echoes, answers later, gives much, talks."""

    def __init__(self):
        self.unary = {
            "/s/Echo": lambda body, _: (200, b"", body),
            "/s/Late": lambda body, _: asyncio.get_running_loop().create_future(),
            "/s/Much": lambda body, _: (200, b"", bytes(40_000_000)),
        }
        self.streams = {"/s/Talk": self._talk}
        self.open = frozenset()

    async def _talk(self, messages, ask):
        async for message in messages:
            yield message


def denied(body, ask):
    return 401, b"", b'{"error":"no","code":"denied","field":null,"request_id":"r"}'


@pytest.fixture
def opened():
    """Run a test with a greeted connection in a loop."""

    def run(test, caller="me"):
        async def main():
            calls = Calls()
            gate = Gate(lambda _: caller, denied, RequestIds("t"))
            hub = Hub(calls, gate, GrpcLimits(message_bytes=MOST))
            connection, pipe = Connection(hub), Pipe()
            connection.connection_made(pipe)
            connection.data_received(frames.PREFACE + frames.settings({}))
            result = test(connection, pipe)
            if result is not None:
                await result
            connection.connection_lost(None)

        asyncio.run(main())

    return run


def head(number, path="/s/Echo", *more, end=False):
    pairs = [(":method", "POST"), (":path", path), ("content-type", "application/grpc"), *more]
    flags = frames.END_HEADERS | (frames.END_STREAM if end else 0)
    return frames.frame(frames.HEADERS, flags, number, Encoder().encode(pairs))


def data(number, body, *, end=True, compressed=0):
    message = bytes((compressed,)) + struct.pack(">L", len(body)) + body
    return frames.frame(frames.DATA, frames.END_STREAM if end else 0, number, message)


def ended_calmly(pipe):
    return frames.ENHANCE_YOUR_CALM.to_bytes(4, "big") in pipe.written and pipe.closed


def test_calls_that_are_given_up_as_soon_as_they_are_made_end_the_connection(opened):
    def test(connection, pipe):
        for number in range(1, 6001, 2):
            connection.data_received(head(number, "/s/Late") + data(number, b"x") + frames.reset(number, frames.CANCEL))
            assert len(connection.streams) <= 1
        assert ended_calmly(pipe)

    opened(test)


def test_callers_who_give_up_now_and_then_are_served_on(opened):
    def test(connection, pipe):
        for number in range(1, 20_001, 4):
            connection.data_received(head(number, "/s/Late") + data(number, b"x") + frames.reset(number, frames.CANCEL))
            connection.data_received(head(number + 2) + data(number + 2, b"x"))
        assert not pipe.closed

    opened(test)


def test_settings_with_thousands_of_windows_cost_no_more_than_one(opened):
    def test(connection, pipe):
        connection.data_received(b"".join(head(number, "/s/Late") + data(number, b"x") for number in range(1, 500, 2)))
        payload = b"".join(struct.pack(">HL", 4, 1000 + index) for index in range(2700))
        began = time.process_time()
        for _ in range(100):
            connection.data_received(frames.frame(frames.SETTINGS, 0, 0, payload))
        assert time.process_time() - began < 5
        assert {stream.send_window for stream in connection.streams.values()} == {1000 + 2699}

    opened(test)


@pytest.mark.parametrize(
    "flood",
    [
        frames.settings({}),
        frames.frame(frames.PING, 0, 0, b"12345678"),
        frames.window_update(0, 1),
        frames.frame(frames.PRIORITY, 0, 1, b"12345"),
        frames.frame(200, 0, 1, b""),
    ],
    ids=["settings", "pings", "windows", "priorities", "unknown"],
)
def test_frames_that_ask_nothing_end_the_connection(opened, flood):
    def test(connection, pipe):
        connection.data_received(flood * 2500)
        assert ended_calmly(pipe)

    opened(test)


def test_a_long_answer_is_read_to_its_end_however_many_windows_that_takes(opened):
    def test(connection, pipe):
        connection.data_received(frames.settings({frames.INITIAL_WINDOW_SIZE: frames.LARGEST_WINDOW}))
        connection.data_received(head(1, "/s/Much") + data(1, b"x"))
        for _ in range(40_000_000 // 16_384 + 10):
            connection.data_received(frames.window_update(0, 16_384))
        assert not pipe.closed
        assert not connection.streams
        assert len(pipe.written) > 40_000_000

    opened(test)


def test_a_long_answer_that_is_drawn_out_byte_by_byte_ends_the_connection(opened):
    def test(connection, pipe):
        connection.data_received(head(1, "/s/Much") + data(1, b"x"))
        for _ in range(2100):
            connection.data_received(frames.window_update(0, 1))
        assert ended_calmly(pipe)

    opened(test)


def test_small_pieces_of_a_message_take_about_their_own_size(opened):
    def test(connection, pipe):
        body = bytes(range(256)) * 150
        start = head(1) + frames.frame(frames.DATA, 0, 1, b"\0" + struct.pack(">L", len(body)))
        connection.data_received(start)
        pieces = b"".join(frames.frame(frames.DATA, 0, 1, body[at : at + 2]) for at in range(0, len(body), 2))
        tracemalloc.start()
        connection.data_received(pieces)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert held < 4 * len(body)
        connection.data_received(frames.frame(frames.DATA, frames.END_STREAM, 1, b""))
        assert not connection.streams
        assert len(pipe.written) > len(body)

    opened(test)


def test_a_message_of_a_talk_is_short(opened):
    def test(connection, pipe):
        connection.data_received(head(1, "/s/Talk") + frames.frame(frames.DATA, 0, 1, b"\0\0\2\0\0" + bytes(1000)))
        assert not connection.streams
        assert b"8" in pipe.written
        assert connection.held_bytes == 0

    opened(test)


BOMB = gzip.compress(bytes(MOST * 50))


def test_a_bomb_is_inflated_beside_the_event_loop_and_refused_at_the_limit(opened):
    def test(connection, pipe):
        connection.data_received(head(1, "/s/Echo", ("grpc-encoding", "gzip")) + data(1, BOMB, compressed=1))
        assert connection.streams
        connection.data_received(head(3) + data(3, b"meanwhile"))
        assert b"meanwhile" in pipe.written

        async def wait():
            await connection.streams[1].task
            assert b"over the limit" in pipe.written

        return wait()

    opened(test)


def test_nothing_is_inflated_for_who_may_not_call(opened):
    def test(connection, pipe):
        connection.data_received(head(1, "/s/Echo", ("grpc-encoding", "gzip")) + data(1, BOMB, compressed=1))
        assert not connection.streams
        assert b"over the limit" not in pipe.written

    opened(test, caller=None)
