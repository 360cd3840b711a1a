"""Whatever a body holds, it is answered: with predictions, or with a refusal that is the sender's fault."""

import asyncio
import contextlib
import gzip
import json
import zlib

import orjson
import priced
import pytest
from fuzzing import JSON, board, fuzzed, messages, mutated
from hypothesis import example, given
from hypothesis import strategies as st

from golive.errors import GoliveError, RequestError
from golive.serving.answer import Ask
from golive.serving.app import _Inflating
from golive.serving.codecs.raw_tensors import values_of
from golive.serving.grpc import wire
from golive.serving.grpc.streams import RefusedError, inflated

ROW = priced.ROWS[0]
LIST = list(ROW.values())
TENSORS = {
    "inputs": [
        {"name": "area", "datatype": "FP64", "shape": [1], "data": [1.0]},
        {"name": "rooms", "datatype": "INT64", "shape": [1], "data": [2]},
        {"name": "sold", "datatype": "BYTES", "shape": [1], "data": ["2011-07-25"]},
        {"name": "hood", "datatype": "BYTES", "shape": [1], "data": ["north"]},
        {"name": "garden", "datatype": "BOOL", "shape": [1], "data": [True]},
    ]
}
JSON_BODIES = tuple(
    orjson.dumps(body)
    for body in (
        {"instances": [ROW, ROW]},
        {"instances": [LIST]},
        {"inputs": {name: [value] for name, value in ROW.items()}},
        {"features": [LIST, LIST]},
        {"dataframe_split": {"columns": list(ROW), "data": [LIST]}},
        {"dataframe_records": [ROW]},
        {"signature_name": "serving_default", "examples": [ROW]},
        TENSORS,
        {**TENSORS, "id": "7", "outputs": [{"name": "predict", "parameters": {"binary_data": True}}]},
    )
)
BODIES = (
    *JSON_BODIES,
    b"area,rooms,sold,hood,garden\n1.0,2,2011-07-25,north,true\n",
    b'"area","rooms"\r\n"1","2"\r\n',
    b'{"area": 1.0}\n{"area": 2.0}\n',
)
HEADERS = (
    (b"content-type", b"text/csv"),
    (b"content-type", b"text/csv; charset=latin-1"),
    (b"content-type", b"application/jsonlines"),
    (b"content-type", b"application/x-npy"),
    (b"content-type", b"application/vnd.sagemaker-triton.binary+json;json-header-size=20"),
    (b"inference-header-content-length", b"20"),
    (b"inference-header-content-length", b"0"),
    (b"inference-header-content-length", b"-1"),
    (b"accept", b"text/csv"),
    (b"accept", b"application/x-unknown"),
    (b"x-request-timeout-ms", b"1e9"),
    (b"x-request-timing", b"1"),
)
PATHS = tuple(path for path in board().routes if not path.startswith(b" "))
GOOD = {200, 400, 404, 413, 415, 422}


@pytest.fixture(autouse=True)
def _loop():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def answer(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> tuple[int, bytes, bytes]:
    made = board().routes[path](body, Ask("fuzz", headers, "", 0))
    return made if isinstance(made, tuple) else asyncio.get_event_loop().run_until_complete(made)


def is_told(path: bytes, body: bytes, headers: dict[bytes, bytes]) -> None:
    status, head, reply = answer(path, body, headers)
    assert status in GOOD, (status, reply)
    assert head.endswith(b"\r\n")
    assert head.count(b"\n") == head.count(b"\r\n")
    if status != 200:
        assert set(orjson.loads(reply)) == {"error", "code", "field", "request_id"}
        assert len(reply) < 4000


@fuzzed(700)
@given(
    path=st.sampled_from(PATHS), body=mutated(BODIES), headers=st.lists(st.sampled_from(HEADERS), max_size=2).map(dict)
)
@example(path=PATHS[0], body=b"", headers={})
def test_bodies_that_were_good_once(path, body, headers):
    is_told(path, body, headers)


@fuzzed(300)
@given(
    path=st.sampled_from(PATHS), key=st.sampled_from(["instances", "inputs", "features", "dataframe_split"]), value=JSON
)
def test_any_json_at_all(path, key, value):
    is_told(path, json.dumps({key: value}).encode(), {})


@fuzzed(150)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["name", "datatype", "shape", "data", "parameters"]), JSON),
        max_size=3,
    ),
    tail=st.binary(max_size=40),
    shift=st.integers(-3, 3),
)
def test_binary_tensors(changes, tail, shift):
    tensors = [dict(one) for one in TENSORS["inputs"]]
    for which, key, value in changes:
        tensors[which][key] = value
    tensors[0].pop("data", None)
    tensors[0].setdefault("parameters", {"binary_data_size": 8})
    head = json.dumps({"inputs": tensors}).encode()
    size = b"%d" % max(0, len(head) + shift)
    is_told(b"/v2/models/regression/infer", head + tail, {b"inference-header-content-length": size})


@fuzzed(300)
@given(
    datatype=st.sampled_from(
        ["BOOL", "UINT8", "INT16", "INT32", "UINT64", "FP16", "BF16", "FP32", "FP64", "BYTES", "X"]
    ),
    shape=st.lists(st.integers(-(2**63), 2**63) | st.integers(-1, 4), max_size=4),
    raw=st.binary(max_size=64),
)
def test_raw_tensors(datatype, shape, raw):
    try:
        values = values_of("t", datatype, shape, raw)
    except GoliveError:
        return
    assert values.size <= len(raw)


def call() -> bytes:
    """Write a good call."""
    inputs = [{"name": one["name"], "datatype": one["datatype"], "shape": one["shape"]} for one in TENSORS["inputs"]]
    raws = [b"\0" * 7 + b"\x40", b"\2" + b"\0" * 7, b"\x0a\0\0\0002011-07-25", b"\5\0\0\0north", b"\1"]
    made = messages()["inference.ModelInferRequest"](model_name="regression", inputs=inputs, raw_input_contents=raws)
    return made.SerializeToString()


@fuzzed(600)
@given(body=mutated((call(),)))
def test_grpc_messages(body):
    try:
        name, _ = wire.model_of(body)
        wire.has_raw_contents(body)
    except RequestError:
        return
    if name == b"regression":
        status, _, reply = board().routes[b" regression"](body, Ask("fuzz"))
        assert status in GOOD, reply


def test_the_good_call_is_answered():
    assert board().routes[b" regression"](call(), Ask("fuzz"))[0] == 200
    assert wire.model_of(call()) == (b"regression", b"")


@fuzzed(300)
@given(body=st.binary(max_size=40))
@example(body=b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(body=b"\x12\x80")
def test_any_bytes_as_a_message(body):
    for read in (wire.model_of, wire.has_raw_contents, wire.fields):
        try:
            read(body)
        except RequestError:
            continue


SMALL = b'{"features": []}' * 4


@fuzzed(300)
@given(
    body=mutated((gzip.compress(SMALL, mtime=0), zlib.compress(SMALL))),
    encoding=st.sampled_from(["gzip", "deflate", "br"]),
)
def test_compressed_bodies(body, encoding):
    limit = 50
    try:
        inflating = _Inflating(body, encoding, limit, lambda: RequestError("too long"))
        plain = inflating.begin()
        plain = inflating.finish() if plain is None else plain
    except RequestError:
        pass
    else:
        assert len(plain) <= limit
    with contextlib.suppress(RefusedError):
        assert len(inflated(body, encoding.encode(), limit)) <= limit
