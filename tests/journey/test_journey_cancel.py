"""Who goes away is not computed for: the server's own count of model runs says so, on every road of a request."""

import re
import socket
import time
from pathlib import Path

import httpx
import pytest
from faults import LOOP, PATH, THREAD, Place, body, port_of
from load import request as request_of

LONG = body(1.0, steps=60_000)
"""About 0.1 s of work, which is too long for two of them to share a run."""
GOING = 8


@pytest.fixture(params=[LOOP, THREAD], ids=["loop", "thread"])
def place(request, tmp_path: Path):
    made = Place(tmp_path / "state", steps=request.param)
    yield made
    made.end()


def runs(server) -> int:
    """Give how often the model ran once it runs no more; the counter is at most a second old."""
    before, now = -1, _counted(server)
    while now != before:
        time.sleep(1.2)
        before, now = now, _counted(server)
    return now


def _counted(server) -> int:
    text = httpx.get(f"{server.admin_url}/metrics").text
    return int(float(re.search(r"golive_batches_total\{[^}]*\} (\S+)", text)[1]))


def reply(sock: socket.socket) -> bytes:
    """Read one answer; its head and its body may come apart."""
    found = b""
    while not found.endswith(b"}"):
        part = sock.recv(1 << 16)
        assert part
        found += part
    return found


def connected(port: int, path: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.sendall(request_of(path, body(1.0)))
    assert reply(sock).startswith(b"HTTP/1.1 200 ")
    return sock


@pytest.mark.parametrize("path", [PATH, f"{PATH}?a=1"], ids=["hot", "ordinary"])
def test_clients_that_go_take_their_queued_requests_along(place, path):
    server = place.start(workers=1, probe_every_s=600.0)
    port = port_of(server)
    with httpx.Client(base_url=server.url, timeout=20) as client:
        for _ in range(4):
            assert client.post(PATH, content=LONG).status_code == 200
    going = [connected(port, path) for _ in range(GOING)]
    last = connected(port, path)
    before = runs(server)
    # The first of them is in its run, the others wait behind it.
    for sock in going:
        sock.sendall(request_of(path, LONG))
    for sock in going:
        sock.close()
    last.sendall(request_of(path, LONG))
    assert reply(last).startswith(b"HTTP/1.1 200 ")
    last.close()
    # The one that was in its run when it was given up is run to its end, and so is one that was chosen by then.
    assert runs(server) - before <= 3
