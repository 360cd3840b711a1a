"""The hot protocol byte by byte: order, pieces, limits, closing, draining; and uvicorn's seam."""

import contextlib
import inspect
import socket
import time

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import Server

from golive.serving.protocol import HotProtocol
from golive.serving.server import ServerConfig

FLOWER = b'{"features": [[5.1, 3.5, 1.4, 0.2]]}'


def post(body=FLOWER, path=b"/predict/iris", *headers, version=b"1.1"):
    lines = [b"POST %b HTTP/%b" % (path, version), b"host: x", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_pipelined_requests_are_answered_in_order(server):
    ids = [b"x-request-id: r%d" % index for index in range(12)]
    requests = [post(FLOWER, b"/predict/iris", each) for each in ids]
    # Every third request takes the ordinary road, so hot ones wait behind it.
    requests[1::3] = [b"GET /health HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n" % each for each in ids[1::3]]
    with server.wire() as wire:
        wire.send(b"".join(requests))
        replies = [wire.reply() for _ in ids]
    assert [headers["x-request-id"] for _, headers, _ in replies] == [f"r{index}" for index in range(12)]
    assert [status for status, _, _ in replies] == [200] * 12
    assert all(b"healthy" in body for _, _, body in replies[1::3])


def test_a_connection_that_sends_hundreds_of_requests_ahead_is_closed_and_others_are_answered(server):
    with server.wire() as flood, server.wire() as other:
        flood.send(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
        other.send(post())
        assert other.reply()[0] == 200
        assert flood.is_ended()


def test_a_hundred_requests_sent_ahead_are_answered(server):
    with server.wire() as wire:
        wire.send(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" * 100)
        assert {wire.reply()[0] for _ in range(100)} == {200}


def test_a_request_split_into_single_bytes_is_answered(server):
    with server.wire() as wire:
        for byte in post():
            wire.send(bytes([byte]))
        assert wire.reply()[0] == 200


def test_a_chunked_body_is_answered(server):
    head = b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (FLOWER[:7], FLOWER[7:20], FLOWER[20:]))
    with server.wire() as wire:
        wire.send(head + chunks + b"0\r\n\r\n")
        assert wire.reply()[0] == 200


def test_expect_continue_is_honored(server):
    with server.wire() as wire:
        wire.send(post(FLOWER, b"/predict/iris", b"expect: 100-continue").removesuffix(FLOWER))
        assert wire.reply()[0] == 100
        wire.send(FLOWER)
        assert wire.reply()[0] == 200


@pytest.mark.parametrize("header", [b"x: y", b"connection: keep-alive"])
def test_http_1_0_is_answered_and_closed(server, header):
    with server.wire() as wire:
        wire.send(post(FLOWER, b"/predict/iris", header, version=b"1.0"))
        status, headers, _ = wire.reply()
        assert (status, headers["connection"]) == (200, "close")
        assert wire.is_closed()


def test_connection_close_is_honored(server):
    with server.wire() as wire:
        wire.send(post(FLOWER, b"/predict/iris", b"connection: close"))
        status, headers, _ = wire.reply()
        assert (status, headers["connection"]) == (200, "close")
        assert wire.is_closed()


@pytest.mark.parametrize(
    "body",
    [FLOWER, b"{", b'{"features": [[1, 2]]}', b'{"features": [[1, 2, 3, "x"]]}'],
    ids=["good", "cut", "short", "text"],
)
def test_the_hot_road_and_the_ordinary_road_give_the_same_answer(server, body):
    with server.wire() as wire:
        wire.send(post(body, b"/predict/iris", b"x-request-id: same"))
        hot = wire.reply()
        # A query is not in the hot table, so this one goes through uvicorn and Starlette.
        wire.send(post(body, b"/predict/iris?a=1", b"x-request-id: same"))
        ordinary = wire.reply()
    assert hot == ordinary


def test_an_announced_body_over_the_limit_is_413_before_it_is_sent(server):
    with server.wire() as wire:
        wire.send(b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ncontent-length: 50001\r\n\r\n")
        status, headers, body = wire.reply()
        assert (status, headers["connection"]) == (413, "close")
        assert b"50000 bytes" in body
        assert wire.is_closed()


@pytest.mark.parametrize("path", [b"/predict/iris", b"/predict/iris?a=1"], ids=["hot", "ordinary"])
def test_a_chunked_body_over_the_limit_is_413(server, path):
    with server.wire() as wire:
        wire.send(b"POST %b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" % path)
        for _ in range(6):
            wire.send(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        status, headers, body = wire.reply()
        assert (status, headers["connection"]) == (413, "close")
        assert b"too_large" in body


def test_a_body_sent_on_after_the_refusal_does_not_lose_the_answer(server):
    with server.wire() as wire:
        wire.send(b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n")
        wire.send(b" " * 3_000_000)
        assert wire.reply()[0] == 413


def test_a_long_body_that_ends_in_one_big_piece_is_no_long_head(running):
    long = post(b'{"features": [' + b",".join([b"[5.1, 3.5, 1.4, 0.2]"] * 20_000) + b"]}")
    with running(ServerConfig(drain_s=0.3)) as server, server.wire() as wire:
        for _ in range(3):
            wire.send(long[:200])
            time.sleep(0.05)
            wire.send(long[200:])
            assert wire.reply()[0] == 200


def test_headers_over_the_limit_are_431(server):
    with server.wire() as wire:
        wire.send(b"POST /predict/iris HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 500_000)
        status, headers, _ = wire.reply()
        assert (status, headers["connection"]) == (431, "close")


def test_bytes_that_are_not_http_are_400_in_the_form_of_every_error(server):
    with server.wire() as wire:
        wire.send(b"\x16\x03\x01 hello\r\n\r\n")
        status, headers, body = wire.reply()
        assert (status, headers["connection"]) == (400, "close")
        assert b"not a valid HTTP/1.1 request" in body


def test_a_silent_connection_is_closed(running):
    with running(ServerConfig(keep_alive_s=1.0, drain_s=0.5)) as short, short.wire() as wire:
        wire.send(post())
        assert wire.reply()[0] == 200
        assert wire.is_closed()


def test_a_stalled_body_is_closed(running):
    with running(ServerConfig(keep_alive_s=1.0, drain_s=0.5)) as short, short.wire() as wire:
        wire.send(post()[:-5])
        assert wire.is_closed()


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /predict/iris HTTP/1.1\r\nhost: x\r\nx-slow: ",
        b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n",
        b"POST /predict/iris?a=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n",
    ],
    ids=["head", "hot", "ordinary"],
)
def test_a_request_that_trickles_in_is_408(running, begun):
    with running(ServerConfig(keep_alive_s=5.0, request_s=1.0, drain_s=0.5)) as short, short.wire() as wire:
        wire.send(begun)
        with contextlib.suppress(OSError):
            for _ in range(20):
                wire.send(b"a")
                time.sleep(0.1)
        status, headers, body = wire.reply()
        assert (status, headers["connection"]) == (408, "close")
        assert b"did not arrive within 1 s" in body
        assert wire.is_closed()


def test_one_connection_too_many_is_503_and_those_there_go_on(running):
    with running(ServerConfig(max_connections=2, drain_s=0.5)) as small, small.wire() as one, small.wire() as two:
        for wire in (one, two):
            wire.send(post())
            assert wire.reply()[0] == 200
        with small.wire() as third:
            status, headers, body = third.reply()
            assert (status, headers["connection"], headers["retry-after"]) == (503, "close", "1")
            assert b'"unavailable"' in body
            assert third.is_closed()
        one.send(post())
        assert one.reply()[0] == 200


@pytest.mark.parametrize("head", [b"content-length: 30\r\ncontent-length: 31", b"content-length: %b" % (b"9" * 40)])
def test_a_length_that_cannot_be_is_400(server, head):
    with server.wire() as wire:
        wire.send(b"POST /predict/iris HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n" % head)
        assert wire.reply()[0] in {400, 413}


def test_a_client_that_does_not_read_is_not_read_from(server):
    # Far more than the buffers of both kernels hold.
    count = 400_000
    with server.wire() as wire:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        wire.sock.settimeout(1.5)
        request, sent = post() * 200, 0
        with contextlib.suppress(TimeoutError):
            while sent < count:
                wire.sock.sendall(request)
                sent += 200
        assert sent < count


@pytest.mark.parametrize("path", [b"/predict/iris", b"/predict/iris?a=1"], ids=["hot", "ordinary"])
def test_draining_gives_an_idle_connection_one_last_answer(running, path):
    with running(ServerConfig(drain_s=3.0)) as draining, draining.wire() as wire:
        wire.send(post(FLOWER, path))
        status, headers, _ = wire.reply()
        assert status == 200
        assert "connection" not in headers
        draining.ask_to_stop()
        time.sleep(0.4)
        wire.send(post(FLOWER, path))
        status, headers, _ = wire.reply()
        assert (status, headers["connection"]) == (200, "close")
        assert wire.is_closed()


def test_draining_answers_a_long_request_whole(running):
    rows = b",".join([b"[5.1, 3.5, 1.4, 0.2]"] * 50_000)
    with running(ServerConfig(drain_s=0.3)) as draining, draining.wire() as wire:
        wire.send(post(b'{"features": [' + rows + b"]}"))
        time.sleep(0.05)
        draining.ask_to_stop()
        status, _, body = wire.reply()
        assert status == 200
        assert body.count(b"[") == 50_002


def test_draining_closes_a_connection_that_stays_idle(running):
    with running(ServerConfig(drain_s=0.3)) as draining, draining.wire() as wire:
        wire.send(post())
        assert wire.reply()[0] == 200
        draining.ask_to_stop()
        assert wire.is_closed()


def test_a_server_with_keys_refuses_callers_without_one(running):
    asked = []

    def authorize(authorization, api_key):
        asked.append((authorization, api_key))
        return "good" if authorization == b"Bearer good" or api_key == b"good" else None

    with running(ServerConfig(authorize=authorize, drain_s=0.3)) as locked, locked.wire() as wire:
        for path in (b"/predict/iris", b"/predict/iris?a=1"):
            wire.send(post(FLOWER, path))
            status, headers, body = wire.reply()
            assert (status, headers["www-authenticate"]) == (401, "bearer")
            assert b'"denied"' in body
            for header in (b"Authorization: Bearer good", b"X-API-Key: good"):
                wire.send(post(FLOWER, path, header))
                assert wire.reply()[0] == 200
            wire.send(post(FLOWER, path, b"x-api-key: bad"))
            assert wire.reply()[0] == 401
        wire.send(b"GET /v2/models/iris HTTP/1.1\r\nhost: x\r\n\r\n")
        assert wire.reply()[0] == 401
        wire.send(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert wire.reply()[0] == 200
    assert (None, None) in asked


def test_uvicorn_still_has_every_name_that_the_hot_protocol_uses():
    overridden = {name for name, value in vars(HotProtocol).items() if inspect.isfunction(value)}
    ours = {name for name in overridden if name.startswith("_") and name != "__init__"}
    for name in overridden - ours:
        assert callable(getattr(HttpToolsProtocol, name)), name
        expected = list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters)
        if name not in {"__init__", "on_body"}:
            assert list(inspect.signature(getattr(HotProtocol, name)).parameters) == expected, name
    # Our private names must not hide one of uvicorn's.
    assert not ours & set(vars(HttpToolsProtocol))
    source = inspect.getsource(HttpToolsProtocol)
    for attribute in (
        "self.url",
        "self.headers",
        "self.cycle",
        "self.flow",
        "self.transport",
        "self.parser",
        "self.loop",
    ):
        assert attribute in source
    assert {"pause_reading", "resume_reading"} <= set(vars(FlowControl))
    assert {"startup", "capture_signals", "serve"} <= set(vars(Server))
