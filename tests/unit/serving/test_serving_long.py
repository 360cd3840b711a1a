"""A long request leaves the event loop to others, and is answered as a short one would be."""

import asyncio
from types import SimpleNamespace

import numpy as np
import orjson
import pytest

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UnavailableError
from golive.serving.answer import Ask
from golive.serving.aside import Aside
from golive.serving.lane import Lane

SIGNATURE = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")


class Doubling:
    """A road without a graph: twice the area; refuses what is below zero."""

    signature = SIGNATURE

    def __init__(self):
        self.runs = []
        self.front = SimpleNamespace(rows=self.prepared, columns=None)
        self.session = SimpleNamespace(run=self.run)

    def prepared(self, rows):
        for index, (area,) in enumerate(rows):
            if area < 0:
                message = "area is below 0"
                raise InvalidRowError(message, field=f"$[{index}].area")
        return np.array(rows, dtype=np.float64), np.empty((len(rows), 0), dtype=np.int64)

    def run(self, numbers, codes):
        assert len(numbers) == len(codes)
        self.runs.append(len(numbers))
        return 2 * numbers

    def labels(self, outputs):
        return outputs[:, 0].tolist()


def lane(**limits):
    road = Doubling()
    return Lane(Placed("houses", 1, "sha256:1"), road, **limits), road


def body(count):
    return orjson.dumps({"features": [[float(number)] for number in range(count)]})


def padded(text):
    """The same request as a body that is long."""
    return text + b" " * 20_000


async def told(asked, text, name="id"):
    answer = asked.features(text, Ask(name))
    return answer if isinstance(answer, tuple) else await answer


def test_others_have_their_turn_between_the_slices_of_a_long_request():
    async def turns():
        asked, road = lane()
        answering = asked.features(body(20_000), Ask("id"))
        others = 0
        while not answering.done():
            others += bool(road.runs)
            await asyncio.sleep(0)
        return others, road.runs, await answering

    others, runs, (status, _, answer) = asyncio.run(turns())
    assert status == 200
    assert orjson.loads(answer)["predictions"] == [2.0 * number for number in range(20_000)]
    assert max(runs) == 256
    assert sum(runs) == 20_000
    assert others >= len(runs) - 1


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
def test_a_long_request_is_answered_as_a_short_one_is(count):
    asked, _ = lane()
    assert asyncio.run(told(asked, padded(body(count)))) == asyncio.run(told(asked, body(count)))


@pytest.mark.parametrize("wrong", [b"{", b'{"features": [[1], [-1]]}', b'{"features": [["a"]]}'])
def test_a_long_request_is_refused_as_a_short_one_is(wrong):
    asked, _ = lane()
    refusal = asyncio.run(told(asked, padded(wrong)))
    assert refusal[0] == 400
    assert refusal[1:] == asyncio.run(told(asked, wrong))[1:]


def test_more_rows_than_the_limit_are_413_and_the_limit_is_named():
    asked, road = lane(max_rows=3)
    assert asyncio.run(told(asked, body(3)))[0] == 200
    road.runs.clear()
    for text in (body(4), padded(body(4))):
        status, _, reply = asyncio.run(told(asked, text))
        assert (status, orjson.loads(reply)["code"]) == (413, "too_large")
        assert "has 4 rows, and the limit is 3" in orjson.loads(reply)["error"]
    assert road.runs == []


def test_more_long_requests_than_memory_is_kept_for_are_told_to_come_back():
    async def both():
        asked, _ = lane(aside=Aside(held_bytes=len(padded(body(500))) + 10))
        return await asyncio.gather(*(told(asked, padded(body(500)), name) for name in ("first", "second")))

    first, second = asyncio.run(both())
    assert (first[0], second[0]) == (200, 503)
    assert orjson.loads(second[2])["code"] == "unavailable"


def test_a_body_longer_than_all_that_is_kept_is_answered_when_it_is_alone():
    aside = Aside(held_bytes=10)
    with aside.holding(1000), pytest.raises(UnavailableError, match="1000 bytes of long requests"), aside.holding(1):
        pass
    with aside.holding(11):
        pass
