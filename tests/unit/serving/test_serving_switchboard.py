"""The table of routes, how it is swapped, and what a lane does with errors from below."""

import asyncio
import logging
import re
from types import SimpleNamespace

import numpy as np
import orjson
import pytest

from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, NotFoundError, UsageError
from golive.serving.answer import Ask
from golive.serving.lane import Lane
from golive.serving.switchboard import Switchboard

ROW = b'{"instances": [{"area": 2.0}]}'


class Doubling:
    """A road without a graph: twice the area; refuses what is below zero, breaks at zero."""

    signature = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")

    def __init__(self):
        self.front = SimpleNamespace(rows=self.prepared, columns=None)
        self.session = SimpleNamespace(run=self.run)

    def prepared(self, rows):
        for index, (area,) in enumerate(rows):
            if area < 0:
                message = "area is below 0"
                raise InvalidRowError(message, field=f"$[{index}].area")
        return np.array(rows, dtype=np.float64), np.empty((len(rows), 0), dtype=np.int64)

    def run(self, numbers, codes):
        if (numbers == 0).any():
            message = "secret detail"
            raise ZeroDivisionError(message)
        return np.where(numbers < 1e9, 2 * numbers, np.nan)

    def labels(self, outputs):
        return outputs[:, 0].tolist()


def board(*split, name="houses"):
    lanes = [Lane(Placed(name, version, f"sha256:{version}"), Doubling()) for version in (1, 2)]
    return Switchboard(lanes, (Route(name, split or (Share(1, 1.0),)),))


def ask(switchboard, path, body=ROW, request_id="id"):
    status, head, answer = switchboard.routes[path](body, Ask(request_id))
    return status, re.search(rb"x-model-version: (\d+)", head)[1], orjson.loads(answer)


def test_a_name_and_its_pinned_versions_have_routes():
    switchboard = board()
    assert ask(switchboard, b"/v1/models/houses:predict")[:2] == (200, b"1")
    assert ask(switchboard, b"/v1/models/houses/versions/2:predict")[:2] == (200, b"2")
    assert ask(switchboard, b"/v1/models/houses:predict")[2]["predictions"] == [4.0]


def test_a_table_with_an_unloaded_version_changes_nothing():
    switchboard = board()
    before = switchboard.routes
    with pytest.raises(NotFoundError, match="no version '7' here; loaded are: 1, 2"):
        switchboard.shift((Route("houses", (Share(7, 1.0),)),))
    with pytest.raises(UsageError, match=r"sum to 0\.9"):
        switchboard.shift((Route("houses", (Share(1, 0.4), Share(2, 0.5))),))
    assert switchboard.routes is before


def test_a_shift_replaces_the_table_and_leaves_the_old_one_whole():
    switchboard = board()
    before = switchboard.routes
    switchboard.shift((Route("houses", (Share(2, 1.0),)),))
    assert b"version: 1" in before[b"/predict"](b'{"features": [[1]]}', Ask("id"))[1]
    assert b"version: 2" in switchboard.routes[b"/predict"](b'{"features": [[1]]}', Ask("id"))[1]


def test_shares_are_kept_and_stick_to_the_request_id():
    switchboard = board(Share(1, 0.9), Share(2, 0.1))
    versions = [ask(switchboard, b"/v1/models/houses:predict", request_id=f"r{index}")[1] for index in range(3000)]
    assert 220 < versions.count(b"2") < 390
    assert versions[:50] == [
        ask(board(Share(1, 0.9), Share(2, 0.1)), b"/v1/models/houses:predict", request_id=f"r{index}")[1]
        for index in range(50)
    ]


def test_a_long_request_meets_the_version_that_a_short_one_meets():
    async def of_both(name):
        answer = board(Share(1, 0.5), Share(2, 0.5)).routes[b"/predict"]
        short = answer(b"{", Ask(name))
        return short[1], (await answer(b"{" + b" " * 20_000, Ask(name)))[1]

    for name in ("a", "b", "c", "d", "e"):
        short, long = asyncio.run(of_both(name))
        assert short == long


def test_a_share_of_zero_gets_no_request():
    switchboard = board(Share(1, 0.0), Share(2, 1.0))
    assert {ask(switchboard, b"/v1/models/houses:predict", request_id=f"r{index}")[1] for index in range(50)} == {b"2"}


def test_the_path_of_an_error_from_the_road_starts_at_the_body():
    body = b'{"instances": [{"area": 1.0}, {"area": -1.0}]}'
    status, _, told = ask(board(), b"/v1/models/houses:predict", body)
    assert (status, told["code"], told["field"]) == (422, "invalid_row", "$.instances[1].area")
    assert ask(board(), b"/predict/houses", b'{"features": [[-1]]}')[0] == 400


def test_an_unforeseen_error_is_500_and_its_cause_stays_in_the_log(caplog):
    with caplog.at_level(logging.ERROR, logger="golive.serving"):
        status, version, told = ask(board(), b"/v1/models/houses:predict", b'{"instances": [{"area": 0}]}', "req-9")
    assert (status, version, told["code"]) == (500, b"1", "internal")
    assert "secret" not in told["error"]
    assert "secret detail" in caplog.text
    assert "req-9" in caplog.text


def test_a_prediction_that_is_not_finite_is_null():
    for count in (1, 40):
        body = orjson.dumps({"instances": [{"area": 1e10}] * count})
        assert ask(board(), b"/v1/models/houses:predict", body)[2]["predictions"] == [None] * count


def test_nothing_served_says_so():
    switchboard = Switchboard([], ())
    assert "served are: none" in switchboard.unrouted("/v1/models/x:predict").message
    assert "exactly one served model, here are: none" in switchboard.unrouted("/predict").message
