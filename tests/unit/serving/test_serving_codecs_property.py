"""Whatever a body and its headers hold, every protocol answers or says what is wrong with them."""

import asyncio
import copy
import json

import orjson
import priced
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golive.domain.serving import Placed
from golive.serving.answer import Ask
from golive.serving.lane import Lane

ANSWERS = {200, 400, 413, 415, 422}
ROW = priced.ROWS[0]
LIST = list(ROW.values())
COLUMNS = {name: [value] for name, value in ROW.items()}
TENSORS = [
    {"name": "area", "shape": [1, 1], "datatype": "FP64", "data": [1.0]},
    {"name": "rooms", "shape": [1, 1], "datatype": "INT64", "data": [None]},
    {"name": "sold", "shape": [1], "datatype": "BYTES", "data": ["2011-07-25"]},
    {"name": "hood", "shape": [1, 1], "datatype": "BYTES", "data": [["20"]]},
    {"name": "garden", "shape": [1, 1], "datatype": "BOOL", "data": [True]},
]
VALID = {
    "instances": [
        {"instances": [ROW, ROW]},
        {"instances": [LIST], "signature_name": "serving_default"},
        {"inputs": COLUMNS},
        {"instances": [{**ROW, "hood": {"b64": "bm9ydGg="}}]},
    ],
    "examples": [{"examples": [ROW]}, {"context": ROW, "examples": [{}, {"area": [7.0]}]}],
    "features": [{"features": [LIST, LIST]}],
    "invocations": [
        {"dataframe_split": {"index": [0], "columns": list(ROW), "data": [LIST]}},
        {"dataframe_records": [ROW]},
        {"instances": [LIST, ROW], "params": {}},
        {"inputs": COLUMNS},
        {"inputs": [LIST]},
    ],
    "tensors": [
        {"inputs": TENSORS},
        {"id": "a", "inputs": TENSORS, "outputs": [{"name": "predict", "parameters": {"binary_data": True}}]},
        {"inputs": TENSORS, "parameters": {"binary_data_output": True}},
    ],
}
TABLE = ",".join(ROW) + "\n" + ",".join(map(str, LIST)) + "\n"
TEXTS = [
    TABLE,
    TABLE * 2,
    json.dumps(ROW) + "\n" + json.dumps(LIST),
    "Infinity",
    "NaN",
    '{"instances": [[NaN, Infinity]]}',
]

SMALL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, -1, 2**63, -(2**63) - 1, 10**400, 1e308, -1e308, 0.5, float("nan"), float("inf")]),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["2011-07-25", "9999-99-99", "0000-01-01", "b64", "area", "instances", "\x00", "NaN"]),
)
ANYTHING = st.recursive(
    SMALL,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["area", "b64", "x", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)
CONTENT_TYPES = st.sampled_from(
    [b"application/json", b"text/csv", b"application/jsonlines", b"text/csv; charset=utf-8", b"a;b=c;;", b"\xff", b""]
) | st.binary(max_size=20)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        b"content-type": CONTENT_TYPES,
        b"accept": st.sampled_from([b"text/csv", b"application/jsonlines", b"*/*;q=x", b"\xff,;"])
        | st.binary(max_size=9),
        b"inference-header-content-length": st.sampled_from([b"0", b"1", b"-1", b"9" * 30, b"x", b"40"]),
        b"x-request-timeout-ms": st.sampled_from([b"5", b"x", b"inf", b"nan", b"-1"]),
        b"x-request-timing": st.just(b"1"),
    },
)


@st.composite
def mutated(draw, valid):
    """Take a valid body and replace, drop or double something in it."""
    body = copy.deepcopy(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(0, 2))):
        place = body
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], (dict, list)) and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.integers(0, 3)) == 0:
                del place[key]
            else:
                place[key] = draw(ANYTHING)
            break
    return json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")


@st.composite
def bodies(draw, kind):
    """Give a body: valid, mutated, of other JSON, of other text, or of bytes."""
    body = draw(
        st.one_of(
            mutated(VALID[kind]),
            mutated(VALID[kind]),
            ANYTHING.map(lambda value: json.dumps(value).encode()),
            st.sampled_from(TEXTS).map(str.encode),
            st.binary(max_size=40),
        )
    )
    if body and draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(body) - 1))
        body = body[:at] + draw(st.binary(max_size=3)) + body[at + draw(st.integers(0, 3)) :]
    return body


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    made = {}
    for task in ("regression", "classification"):
        road = priced.road_of(*priced.keep(tmp_path_factory.mktemp(task), task=task))
        made[task] = Lane(Placed("priced", 1, "sha256:1"), road, max_rows=50)
    return made


def answered(handler, body, ask):
    answer = handler(body, ask)
    return answer if isinstance(answer, tuple) else asyncio.run(asyncio.wait_for(answer, 10))


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("kind", list(VALID))
def test_a_valid_body_is_answered(lanes, kind, task):
    for body in VALID[kind]:
        assert answered(getattr(lanes[task], kind), orjson.dumps(body), Ask("id"))[0] == 200


@pytest.mark.parametrize("kind", list(VALID))
def test_any_body_is_answered_or_refused_in_one_form(lanes, kind):
    @settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(list(lanes)), bodies(kind), HEADERS)
    def check(task, body, headers):
        status, head, reply = answered(getattr(lanes[task], kind), body, Ask("id", headers))
        assert status in ANSWERS, (body, headers, reply)
        assert b"content-type: " in head
        if status != 200:
            told = orjson.loads(reply)
            assert told["error"]
            assert told["code"] in {"bad_request", "invalid_row", "too_large", "unsupported_media_type"}

    check()
