"""Explaining requests at the desk: what is read, answered and refused, without any process."""

import asyncio
import contextlib
import time
import tracemalloc

import jsonschema
import numpy as np
import orjson
import priced
import pytest

from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import UnavailableError, UnexplainableError
from golive.inference.explaining.explainer import RoadExplainer
from golive.inference.front import compile_front
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.serving.answer import Ask
from golive.serving.explaining.account import Account, shown
from golive.serving.explaining.desk import Desk, DeskBoard, DeskLimits
from golive.serving.explaining.opening import opened
from golive.serving.explaining.paths import inner_path, placed_of
from golive.serving.lane import Lane
from golive.serving.pages.explain_schemas import explain_answer, explain_request
from golive.serving.pages.schemas import row_schema

PLACED = Placed("priced", 3, "sha256:1")


@pytest.fixture(scope="module", params=["regression", "classification"])
def account(request, tmp_path_factory):
    road = priced.road_of(*priced.keep(tmp_path_factory.mktemp("bundles"), task=request.param))
    names = road.signature.names
    seen = columns_of(road.signature, {name: [row[name] for row in priced.ROWS] for name in names})
    return Account(road, RoadExplainer(road, seen))


def desk_for(account, **limits):
    return Desk(lambda _: account, DeskLimits(**({"limit_s": 60.0} | limits)))


def asked(desk, body, *, placed=PLACED, **headers):
    told = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    content = body if isinstance(body, bytes) else orjson.dumps(body)

    async def scene():
        answer = desk.handler(placed)(content, Ask("me", told, "", time.perf_counter_ns()))
        return answer if isinstance(answer, tuple) else await answer

    status, head, reply = asyncio.run(scene())
    return status, head, orjson.loads(reply)


def test_contributions_and_base_are_the_answer_and_missing_values_are_null(account):
    status, head, told = asked(desk_for(account), {"instances": priced.ROWS})
    assert status == 200
    assert b"x-model-version: 3" in head
    assert (told["model_name"], told["model_version"], told["request_id"]) == ("priced", "3", "me")
    names = account.signature.names
    outputs = account.road.rows([[row[name] for name in names] for row in priced.ROWS])
    for row, output, one in zip(priced.ROWS, outputs, told["explanations"], strict=True):
        assert one["base"] + sum(one["contributions"].values()) == pytest.approx(one["answer"], abs=1e-9)
        assert one["answer"] == pytest.approx(output[-1])
        assert tuple(one["contributions"]) == tuple(one["values"]) == names
        assert one["values"] == row
    assert told["additivity_error"] < 1e-9


def test_the_answer_and_the_request_are_what_the_openapi_page_says(account):
    row = row_schema(account.signature)
    body = {"instances": priced.ROWS[:1], "counterfactual": True, "immutable": ["sold"], "target": _target(account)}
    jsonschema.validate(body, explain_request(account.signature, row))
    _, _, told = asked(desk_for(account), body)
    jsonschema.validate(told, explain_answer(account.signature))
    wrong = {"instances": priced.ROWS[:1], "target": {"nearly": 3}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, explain_request(account.signature, row))
    status, _, told = asked(desk_for(account), wrong)
    assert (status, told["field"]) == (400, "$.target.nearly")
    assert "the targets are: label, at_least, at_most" in told["error"]


def _target(account):
    return {} if account.signature.classes else {"at_least": 4.0}


def test_reasons_are_the_inputs_that_moved_the_answer_the_most(account):
    (one,) = asked(desk_for(account), {"instances": priced.ROWS[:1]})[2]["explanations"]
    sizes = sorted((abs(moved), name) for name, moved in one["contributions"].items())
    assert [reason["input"] for reason in one["reasons"]] == [name for _, name in sizes[::-1][:3]]
    for reason in one["reasons"]:
        assert reason["effect"] == ("raises" if one["contributions"][reason["input"]] > 0 else "lowers")
        assert reason["text"].startswith(f"{reason['input']} = ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        {},
        {"instances": []},
        {"instances": [{"area": "wide"}]},
        {"instances": [{"area": 1.0, "sold": "2010-01-01", "cellar": 2}]},
        {"instances": [{"area": 1.0, "sold": "yesterday"}]},
        {"instances": priced.ROWS, "inputs": {}},
    ],
)
def test_a_bad_body_is_refused_in_the_words_of_predict(account, body):
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    status, _, ours = asked(desk_for(account), content)
    theirs = Lane(PLACED, account.road).instances(content, Ask("me"))
    assert status == theirs[0] >= 400
    assert ours == orjson.loads(theirs[2])


def test_nan_is_a_missing_value_as_for_predict(account):
    body = b'{"instances": [{"area": 1.5, "sold": "2010-01-01", "rooms": NaN}]}'
    status, _, told = asked(desk_for(account), body)
    assert (status, told["explanations"][0]["values"]["rooms"]) == (200, None)


def test_what_the_model_does_not_have_is_refused_with_what_it_has(account):
    desk = desk_for(account)
    status, _, told = asked(desk, {"instances": priced.ROWS, "output": "maybe"})
    assert (status, told["field"]) == (400, "$.output")
    status, _, told = asked(desk, {"instances": priced.ROWS, "immutable": ["age"]})
    assert (status, told["field"]) == (400, "$.immutable")
    target = {"at_least": 1.0} if account.signature.classes else {"label": "yes"}
    status, _, told = asked(desk, {"instances": priced.ROWS[:1], "target": target})
    assert (status, told["field"]) == (400, "$.target")


def test_too_many_rows_are_refused_with_the_remedy(account):
    status, _, told = asked(desk_for(account, rows=3), {"instances": priced.ROWS})
    assert (status, told["code"]) == (413, "too_large")
    assert "golive explain" in told["error"]
    status, _, told = asked(desk_for(account), {"instances": priced.ROWS * 3, "counterfactual": True})
    assert (status, told["code"]) == (413, "too_large")
    assert "10 can be with counterfactuals" in told["error"]


def test_work_past_the_limit_and_past_the_deadline_of_the_caller_is_given_up(account):
    status, head, told = asked(desk_for(account, limit_s=1e-9), {"instances": priced.ROWS})
    assert (status, told["code"]) == (503, "deadline_exceeded")
    assert b"retry-after" in head
    status, _, told = asked(desk_for(account), {"instances": priced.ROWS}, x_request_timeout_ms="0")
    assert (status, told["code"]) == (503, "deadline_exceeded")
    assert asked(desk_for(account), {"instances": priced.ROWS}, x_request_timeout_ms="soon")[0] == 400


def test_a_full_desk_says_when_to_come_back(account):
    status, head, told = asked(desk_for(account, waiting=0), {"instances": priced.ROWS})
    assert (status, told["code"]) == (503, "overloaded")
    assert b"retry-after: 1" in head


def test_a_bundle_is_opened_once_and_forgotten_when_others_are_asked_about(account):
    seen = []

    def open_(placed):
        seen.append(placed.version)
        return account

    desk = Desk(open_, DeskLimits(limit_s=60.0, bundles=2))
    body = {"instances": priced.ROWS[:1]}
    for version in (1, 1, 2, 1, 3, 1, 2):
        assert asked(desk, body, placed=Placed("priced", version, f"sha256:{version}"))[0] == 200
    assert seen == [1, 2, 3, 2]


def test_what_cannot_be_explained_is_looked_at_once_and_what_failed_again():
    tries = []

    def never(placed):
        tries.append(placed)
        message = "priced holds no background rows; package it again"
        raise UnexplainableError(message)

    def not_now(placed):
        tries.append(placed)
        message = "the store is away"
        raise UnavailableError(message)

    for open_, status, count in ((never, 501, 1), (not_now, 503, 2)):
        tries.clear()
        desk = Desk(open_, DeskLimits())
        for _ in range(2):
            assert asked(desk, {"instances": priced.ROWS})[0] == status
        assert len(tries) == count


def test_an_error_of_a_library_is_told_without_its_words(caplog):
    def broken(_):
        message = "secret path"
        raise ZeroDivisionError(message)

    status, _, told = asked(Desk(broken, DeskLimits()), {"instances": priced.ROWS})
    assert (status, "secret" in told["error"]) == (500, False)
    assert "secret path" in caplog.text


def test_requests_about_what_cannot_be_explained_are_not_kept():
    def never(_):
        message = "priced holds no background rows; package it again"
        raise UnexplainableError(message)

    desk = Desk(never, DeskLimits())
    asked(desk, b"x")
    tracemalloc.start()
    try:
        for number in range(20):
            assert asked(desk, bytes([65 + number]) * 1_000_000)[0] == 501
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # The last one's frames may be there still.
    assert held < 3_000_000


def test_too_little_memory_is_told_and_frees_what_was_open(account):
    class Starved:
        road, fewest = account.road, 0

        def cost_ns(self):
            return 1.0

        def columns(self, rows):
            return rows

        def explain(self, columns, question, *, look):
            raise MemoryError

    tries = []

    def open_(placed):
        tries.append(placed)
        return Starved() if len(tries) == 1 else account

    desk = Desk(open_, DeskLimits(limit_s=60.0))
    status, _, told = asked(desk, {"instances": priced.ROWS})
    assert (status, told["code"]) == (503, "unavailable")
    assert "more memory" in told["error"]
    assert asked(desk, {"instances": priced.ROWS})[0] == 200


class Wide:
    """A session of 40 numbers whose answers count; it says to take as long as it is told."""

    def run(self, numbers, codes):
        return numbers.sum(axis=1, keepdims=True)


def wide_account(cost_ns, inputs=40):
    names = [f"x{place}" for place in range(inputs)]
    fields = tuple(Field(name=name, dtype="float64") for name in names)
    signature = Signature(inputs=fields, task="regression", target="y")
    manifest = Manifest(name="wide", signature=signature, preparation=Preparation(numbers=tuple(names)))
    road = Road(manifest, compile_front(manifest.preparation, signature), Wide())
    rng = np.random.default_rng(0)

    class Timed(Account):
        def cost_ns(self):
            return cost_ns

    return Timed(road, RoadExplainer(road, {name: rng.normal(size=100) for name in names}))


def wide_rows(count):
    return {"instances": [{f"x{place}": place / 7 for place in range(40)}] * count}


def test_a_wide_model_with_several_rows_is_never_asked_for_too_few_answers():
    # A half of the time has room for 50 answers a row, and 40 columns need 80.
    status, _, told = asked(desk_for(wide_account(1e5), limit_s=1.0), wide_rows(100))
    assert (status, told["evaluations"]) == (200, 80)
    status, head, told = asked(desk_for(wide_account(1e7), limit_s=10.0), wide_rows(60))
    assert (status, told["code"]) == (503, "deadline_exceeded")
    assert b"retry-after" in head
    assert "each row needs 80 answers" in told["error"]
    assert "explain fewer rows in one request (at most 12)" in told["error"]


def test_a_row_keeps_its_base_and_its_sum_however_often_the_model_can_be_asked():
    seen = {}
    for cost_ns in (1e3, 1e5, 5e5):
        _, _, told = asked(desk_for(wide_account(cost_ns), limit_s=1.0), wide_rows(3))
        one = told["explanations"][0]
        seen[told["evaluations"], told["background_rows"]] = one["base"]
        assert one["base"] + sum(one["contributions"].values()) == pytest.approx(one["answer"], abs=1e-9)
    assert set(seen) == {(24_000, 100), (960, 12), (240, 3)}
    assert len(set(seen.values())) == 1


def test_every_piece_of_work_stands_under_an_alarm(account):
    limits = []

    @contextlib.contextmanager
    def alarm(limit_s):
        limits.append(limit_s)
        yield
        limits.append(0.0)

    asked(Desk(lambda _: account, DeskLimits(limit_s=5.0), alarm), {"instances": priced.ROWS})
    assert limits == [60.0, 0.0, 7.0, 0.0]


def test_a_path_names_the_version_and_no_other_path_leads_anywhere(account):
    assert placed_of(inner_path(PLACED)) == PLACED
    board = DeskBoard(desk_for(account))
    assert inner_path(PLACED) in board.routes
    for path in (b"/", b"/predict", b"/explain/a/b/c", b"/explain/a/1", b"/explain/a/1/c/d"):
        assert board.routes.get(path) is None


def test_a_bundle_of_tensors_or_without_background_rows_is_unexplainable(tmp_path):
    bundle, files = priced.keep(tmp_path)
    with pytest.raises(UnexplainableError, match="package the model again"):
        opened(bundle.manifest, files)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (True, "true"),
        ("full", "'full'"),
        (18000.0, "18,000"),
        (12.5, "12.5"),
        (1.4, "1.4"),
        (1234.56, "1,234.6"),
        (0.000123456, "0.000123"),
        (-3, "-3"),
        ("x" * 50, repr("x" * 39 + "…")),
    ],
)
def test_values_are_written_for_people(value, text):
    assert shown(value) == text
