"""A head that was met before is not parsed again, and means what it meant."""

import random
import threading

import orjson
import pytest

from golive.domain.release import Share
from golive.domain.serving import Route
from golive.serving.server import ServerConfig

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 5.6, 2.4], [5.9, 3.0, 4.2, 1.5]]
HEAD = b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n%b\r\n"


def body_of(row):
    return orjson.dumps({"features": [row]})


def request(row, *headers):
    body = body_of(row)
    return HEAD % (len(body), b"".join(header + b"\r\n" for header in headers)) + body


def told(reply):
    status, headers, body = reply
    return status, headers["x-model-version"], orjson.loads(body)["probabilities"]


def test_requests_with_one_head_get_the_answers_of_their_own_bodies(server):
    with server.wire() as wire:
        for row in ROWS:
            wire.send(request(row, b"x-request-id: new"))
            parsed = told(wire.reply())
            for _ in range(3):
                wire.send(request(row))
                assert told(wire.reply()) == parsed


def test_every_request_has_an_id_of_its_own(server):
    with server.wire() as wire:
        ids = set()
        for _ in range(5):
            wire.send(request(ROWS[0]))
            ids.add(wire.reply()[1]["x-request-id"])
    assert len(ids) == 5


def test_a_known_head_may_come_in_pieces_or_with_the_next_request(server):
    chance = random.Random(5)
    stream = b"".join(request(ROWS[index % 3]) for index in range(60))
    with server.wire() as wire:
        for row in ROWS:
            wire.send(request(row))
            assert wire.reply()[0] == 200
        expected = [told_of(server, row) for row in ROWS]
        while stream:
            cut = chance.choice([1, 30, 90, 91, 92, 200, 400])
            wire.send(stream[:cut])
            stream = stream[cut:]
        assert [told(wire.reply()) for _ in range(60)] == [expected[index % 3] for index in range(60)]


def told_of(server, row):
    with server.wire() as wire:
        wire.send(request(row, b"x-request-id: alone"))
        return told(wire.reply())


def shift(server, traffic):
    done = threading.Event()
    server.loop.call_soon_threadsafe(lambda: (server.board.shift(traffic), done.set()))
    assert done.wait(5)


def test_a_known_head_goes_where_the_traffic_goes_now(running):
    with running() as server, server.wire() as wire:
        for version in (1, 2, 1):
            shift(server, (Route("iris", (Share(version, 1.0),)),))
            for _ in range(2):
                wire.send(request(ROWS[0]))
                assert wire.reply()[1]["x-model-version"] == str(version)
        shift(server, ())
        wire.send(request(ROWS[0]))
        assert wire.reply()[0] == 404


def test_a_known_head_is_asked_for_its_key_each_time(running):
    valid = {b"good"}
    config = ServerConfig(authorize=lambda _, key: "me" if key in valid else None, drain_s=0.3)
    with running(config) as server, server.wire() as wire:
        for status in (200, 200):
            wire.send(request(ROWS[0], b"x-api-key: good"))
            assert wire.reply()[0] == status
        valid.clear()
        wire.send(request(ROWS[0], b"x-api-key: good"))
        assert wire.reply()[0] == 401


@pytest.mark.parametrize("ending", [b"", b" ", b"0"])
def test_a_length_that_a_body_does_not_have_is_not_believed(server, ending):
    head = HEAD % (len(body_of(ROWS[0])), b"")
    with server.wire() as wire:
        wire.send(head + body_of(ROWS[0]))
        assert wire.reply()[0] == 200
        wire.send(head + body_of(ROWS[0])[:-5])
        wire.send(body_of(ROWS[0])[-5:] + ending)
        assert wire.reply()[0] == 200
        if ending:
            wire.send(b"\r\n\r\n")
            assert wire.reply()[0] == 400


def test_so_many_heads_are_remembered_and_no_more(running):
    with running() as server, server.wire() as wire:
        for index in range(1100):
            wire.send(request(ROWS[0], b"x-number: %d" % index))
            assert wire.reply()[0] == 200
        for index in (0, 1099, 5):
            wire.send(request(ROWS[0], b"x-number: %d" % index))
            assert wire.reply()[0] == 200
