"""A model that is too large to run inline: answers come later, in order, to those who still wait for them."""

import gc
import threading
import time

import httpx
import pytest

from golive.serving.answer import Ask
from golive.serving.batching.limits import BatchLimits
from golive.serving.server import ServerConfig

BODY = {"features": [[5.1, 3.5, 1.4, 0.2]]}
FLOWER = b'{"features": [[5.1, 3.5, 1.4, 0.2]]}'
PATHS = pytest.mark.parametrize("path", ["/predict/large", "/predict/large?a=1"], ids=["hot", "ordinary"])


def post(path, *headers, body=FLOWER):
    lines = [b"POST %b HTTP/1.1" % path.encode(), b"host: x", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def of_serving() -> int:
    """Count the objects that requests are made of, reachable or not."""
    modules = ("golive.serving", "_asyncio", "asyncio")
    return sum(str(type(one).__module__).startswith(modules) for one in gc.get_objects())


def eventually(holds):
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)
    return holds()


@pytest.fixture
def held(running):
    """A server whose large model is in a run that does not end before the gate opens."""
    with running(ServerConfig(drain_s=0.5), limits=BatchLimits(queue_rows=3, run_rows=16)) as server:
        server.gate.opened.clear()
        with server.wire() as first:
            first.send(post("/predict/large"))
            assert eventually(lambda: server.gate.runs)
            server.first = first
            yield server
            server.gate.opened.set()


@PATHS
def test_a_large_model_answers_as_a_small_one_does(client, path):
    assert (
        client.post(path, json=BODY).json()["probabilities"]
        == client.post("/predict/iris", json=BODY).json()["probabilities"]
    )


def test_small_models_are_answered_while_a_large_one_runs(held):
    with held.client() as client:
        assert client.post("/predict/iris", json=BODY).status_code == 200
    held.gate.opened.set()
    assert held.first.reply()[0] == 200


def test_requests_on_one_connection_are_answered_in_order_while_the_first_waits(held):
    ids = [b"x-request-id: r%d" % index for index in range(4)]
    with held.wire() as wire:
        paths = ("/predict/large", "/predict/iris", "/health", "/predict/large")
        wire.send(
            b"".join(post(path, sent) for path, sent in zip(paths, ids, strict=True)).replace(
                b"POST /health", b"GET /health"
            )
        )
        held.gate.opened.set()
        replies = [wire.reply() for _ in ids]
    assert [headers["x-request-id"] for _, headers, _ in replies] == ["r0", "r1", "r2", "r3"]
    assert [status for status, _, _ in replies] == [200] * 4


def test_what_arrives_while_the_model_runs_is_one_batch(held):
    with held.client(limits=httpx.Limits(max_connections=3)) as client:
        threads = [
            threading.Thread(target=client.post, args=("/predict/large",), kwargs={"json": BODY}) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        assert eventually(lambda: held.batcher.waiting_requests == 3)
        held.gate.opened.set()
        for thread in threads:
            thread.join(10)
    assert held.gate.runs == [1, 3]


@PATHS
def test_a_client_that_goes_takes_its_request_out_of_the_queue(held, path):
    with held.wire() as wire:
        wire.send(post(path))
        assert eventually(lambda: held.batcher.waiting_requests == 1)
    assert eventually(lambda: held.batcher.waiting_requests == 0)
    held.gate.opened.set()
    assert held.first.reply()[0] == 200
    assert held.gate.runs == [1]


@PATHS
def test_a_full_queue_says_when_to_come_back(held, path):
    with held.wire() as waiting, held.wire() as wire:
        waiting.send(post("/predict/large", body=b'{"features": [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]}'))
        assert eventually(lambda: held.batcher.waiting_rows == 3)
        wire.send(post(path))
        status, headers, body = wire.reply()
        assert (status, headers["retry-after"]) == (503, "1")
        assert b'"code":"overloaded"' in body
        held.gate.opened.set()
        assert waiting.reply()[0] == 200
        wire.send(post(path))
        assert wire.reply()[0] == 200


@PATHS
def test_a_request_that_cannot_be_answered_in_its_time_is_not_computed(held, path):
    with held.wire() as wire:
        wire.send(post(path, b"x-request-timeout-ms: 30"))
        time.sleep(0.1)
        held.gate.opened.set()
        status, _, body = wire.reply()
    assert status == 503
    assert b'"code":"deadline_exceeded"' in body
    assert held.gate.runs == [1]


@pytest.mark.parametrize("sent", [b"soon", b"", b"inf", b"nan"])
def test_a_timeout_that_is_no_number_is_400(server, sent):
    with server.wire() as wire:
        wire.send(post("/predict/large", b"x-request-timeout-ms: " + sent))
        status, _, body = wire.reply()
    assert status == 400
    assert b"x-request-timeout-ms" in body


def test_the_answer_says_where_its_time_went_when_it_is_asked_to(server):
    for path in ("/predict/large", "/predict/iris", "/predict/iris?a=1"):
        with server.wire() as wire:
            wire.send(post(path, b"x-request-timing: 1"))
            told = wire.reply()[1]["server-timing"]
        phases = dict(part.split(";dur=") for part in told.split(", "))
        assert list(phases) == ["decode", "queue", "compute", "encode"]
        assert float(phases["compute"]) > 0


def test_a_waiting_request_is_answered_before_a_draining_server_ends(running):
    with running(ServerConfig(drain_s=0.3)) as server, server.wire() as wire:
        server.gate.opened.clear()
        wire.send(post("/predict/large"))
        assert eventually(lambda: server.gate.runs)
        server.ask_to_stop()
        time.sleep(0.1)
        server.gate.opened.set()
        status, headers, _ = wire.reply()
        assert (status, headers["connection"]) == (200, "close")
        assert wire.is_closed()


def test_a_model_that_fails_is_500_for_its_request_only(running):
    with running() as server, server.client() as client:
        works = server.gate._session
        server.gate._session = None
        assert client.post("/predict/large", json=BODY).status_code == 500
        server.gate._session = works
        assert client.post("/predict/large", json=BODY).status_code == 200


def test_every_answered_row_of_a_large_model_is_recorded_and_counted(running):
    with running() as server, server.client() as client:
        client.post("/predict/large", json={"features": [[1, 1, 1, 1]] * 300})
        client.post("/predict/large", json=BODY)
    lane = next(lane for lane in server.board.snapshot().lanes if lane.model == "large")
    assert (lane.rows, lane.requests, lane.waiting) == (301, {200: 2}, 0)
    assert sum(server.gate.runs) == 301
    assert lane.batches == len(server.gate.runs)


@pytest.mark.parametrize("name", ["iris", "large"])
def test_an_answered_request_leaves_nothing_for_the_garbage_collector(running, name):
    server = running()
    lane = server.board.find(name)

    async def answered():
        answer = lane.features(FLOWER, Ask("id"))
        return answer if isinstance(answer, tuple) else await answer

    async def asked_often():
        await answered()
        server.recorder.flush()
        gc.disable()
        try:
            before = of_serving()
            for _ in range(50):
                assert (await answered())[0] == 200
            server.recorder.flush()
            return of_serving() - before
        finally:
            gc.enable()

    try:
        # The collector does not run, so what is left of a request would be there, once for each of them.
        assert server.loop.run_until_complete(asked_often()) < 50
    finally:
        server.loop.close()
        server.sock.close()
