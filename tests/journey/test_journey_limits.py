"""A real server beside hostile clients: no worker ends, its memory stays bounded, honest callers are answered."""

import contextlib
import gzip
import socket
import time
from pathlib import Path

import httpx
import pytest
from faults import PATH, Place, body, eventually, memory_mb, port_of, right, workers
from load import Load, request

ROWS = [(float(number), number / 4) for number in range(20)]
BODIES = [body(*row) for row in ROWS]
RIGHT = tuple({"1": right(*row, 1)} for row in ROWS)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("limits") / "state")
    made.server = made.start(workers=1)
    yield made
    made.end()


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return sock


def bombs(port: int) -> list[socket.socket]:
    """A megabyte each that would become a gigabyte."""
    content = gzip.compress(bytes(1 << 30), 1)
    socks = [connect(port) for _ in range(6)]
    for sock in socks:
        sock.sendall(request(PATH, content, "content-encoding: gzip"))
    return socks


def floods(port: int) -> list[socket.socket]:
    """Requests one after the other in one piece, whose answers nobody reads."""
    socks = [connect(port) for _ in range(10)]
    for sock in socks:
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            for _ in range(20):
                sock.send(b"GET /v2/models/sums HTTP/1.1\r\nhost: x\r\n\r\n" * 2000)
    return socks


def long_answers(port: int) -> list[socket.socket]:
    """Many rows, whose answers nobody reads."""
    socks = [connect(port) for _ in range(10)]
    for sock in socks:
        sock.sendall(request(PATH, body(1.0, rows=20_000)))
    return socks


def slow_heads(port: int) -> list[socket.socket]:
    """Heads and bodies that never come to their end."""
    socks = [connect(port) for _ in range(400)]
    for index, sock in enumerate(socks):
        sock.sendall(request(PATH, body(1.0))[: 1 + index % 120])
    return socks


def endless_heads(port: int) -> list[socket.socket]:
    """Heads, trailers and lines of chunks without an end."""
    start = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode()
    socks = []
    for begun in (start, start + b"\r\n2\r\n{}\r\n0\r\nx: ", start + b"\r\n2;a="):
        sock = connect(port)
        socks.append(sock)
        with contextlib.suppress(OSError):
            sock.sendall(begun)
            for _ in range(40):
                sock.sendall(b"a" * 100_000)
                time.sleep(0.001)
    return socks


@pytest.mark.parametrize(
    "attack", [bombs, floods, long_answers, slow_heads, endless_heads], ids=lambda one: one.__name__
)
def test_an_attack_costs_no_honest_request_no_worker_and_little_memory(place, attack):
    server = place.server
    port = port_of(server)
    (worker,) = workers(server.pid)
    before = memory_mb(worker)
    with Load(port, PATH, BODIES, right=RIGHT, connections=4) as load:
        assert eventually(lambda: load.so_far > 200)
        socks = attack(port)
        goal = load.so_far + 200
        assert eventually(lambda: load.so_far > goal)
        held = memory_mb(worker)
        for sock in socks:
            sock.close()
    assert load.failures == []
    assert workers(server.pid) == [worker]
    assert held < before + 150


def test_the_administration_reads_no_endless_head_or_body(place):
    port = int(place.server.admin_url.rpartition(":")[2])
    (worker,) = workers(place.server.pid)
    before = memory_mb(place.server.pid)
    for begun in (
        b"GET /metrics HTTP/1.1\r\nhost: x\r\nx: ",
        b"POST /v2/repository/index HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000000\r\n\r\n",
    ):
        sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        with contextlib.suppress(OSError):
            sock.sendall(begun)
            for _ in range(600):
                sock.sendall(b" " * 100_000)
        sock.close()
    assert httpx.get(f"{place.server.admin_url}/ready").status_code == 200
    assert memory_mb(place.server.pid) < before + 20
    assert workers(place.server.pid) == [worker]


@pytest.mark.parametrize(
    "path", ["/apply", "/observed", "/groups", "/v2/repository/models/sums/load", "/../apply", "//apply"]
)
def test_what_changes_a_server_is_not_on_a_port(place, path):
    """Neither for a browser that was made to call here, nor for anybody else."""
    for url in (place.server.admin_url, place.server.url):
        for method in ("POST", "PUT", "DELETE", "GET"):
            for headers in ({}, {"origin": "https://evil.example", "host": "evil.example"}):
                status = httpx.request(method, f"{url}{path}", headers=headers, content=b"{}").status_code
                assert status in {404, 405, 501}


def test_the_administration_socket_is_for_its_owner_alone(place):
    socket_file = Path(place.admin())
    assert socket_file.is_socket()
    assert socket_file.stat().st_mode & 0o777 == 0o600
