"""Tensors as bytes: what the codec reads and writes for requests and answers of the binary tensor extension."""

import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import RequestError
from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.codecs.codec import Columns
from golive.serving.codecs.tensors import TensorsCodec

FLOWER = Signature(
    inputs=(Field(name="width", dtype="float64"), Field(name="count", dtype="int64", nullable=True)),
    task="classification",
    target="kind",
    classes=("a", "b"),
)
HOUSE = Signature(
    inputs=(
        Field(name="area", dtype="float64", nullable=True),
        Field(name="year", dtype="int64"),
        Field(name="pool", dtype="bool"),
        Field(name="zone", dtype="string", nullable=True),
    ),
    task="regression",
    target="price",
)
FORMS = {
    "FP64": "<f8",
    "FP32": "<f4",
    "FP16": "<f2",
    "INT64": "<i8",
    "UINT64": "<u8",
    "INT16": "<i2",
    "INT8": "i1",
    "BOOL": "?",
}
MANY = 100
OCTETS = b"content-type: application/octet-stream\r\ninference-header-content-length: %d\r\n"


def codec_for(signature, name="m"):
    def labels(outputs):
        if signature.task == "regression":
            return outputs[:, 0].tolist()
        return [signature.classes[best] for best in outputs.argmax(axis=1).tolist()]

    return TensorsCodec(Placed(name, 3, "sha256:" + "0" * 64), signature, labels)


def raw(datatype, values):
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(value.encode())) + value.encode() for value in values)
    return np.asarray(values, dtype=FORMS[datatype]).tobytes()


def tensor(name, datatype, values, shape=None, **parameters):
    """Give a tensor as JSON with its bytes."""
    buffer = raw(datatype, values)
    size = {"binary_data_size": len(buffer)}
    shape = [len(values), 1] if shape is None else shape
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": size | parameters}, buffer


def binary(tensors, /, length=None, **rest):
    """Give the body and the ask of a request whose inputs are (JSON, bytes) pairs."""
    head = json.dumps({"inputs": [described for described, _ in tensors], **rest}).encode()
    told = len(head) if length is None else length
    return head + b"".join(buffer for _, buffer in tensors), asking(told)


def asking(length):
    return Ask("r-1", {b"inference-header-content-length": str(length).encode()})


def table(rows, signature):
    """Give rows in one form, whether they came as lists or as columns."""
    if not isinstance(rows, Columns):
        return [[None if value != value else value for value in row] for row in rows]
    assert tuple(rows.values) == signature.names
    columns = [column.tolist() for column in rows.values.values()]
    return [[None if value != value else value for value in row] for row in zip(*columns, strict=True)]


def refusal(signature, body, ask):
    with pytest.raises(RequestError) as refused:
        codec_for(signature).decode(body, ask)
    return refused.value.message


@pytest.mark.parametrize("count", [1, MANY])
@pytest.mark.parametrize("datatype", ["FP64", "FP32", "FP16", "INT64", "INT8"])
def test_a_fused_tensor_is_read_as_rows(datatype, count):
    values = np.arange(count * 2) % 50
    body, ask = binary([tensor("input", datatype, values, shape=[count, 2])])
    rows, _ = codec_for(FLOWER).decode(body, ask)
    assert len(rows) == count
    assert table(rows, FLOWER) == values.reshape(count, 2).tolist()


def test_many_rows_of_float64_are_not_copied():
    body, ask = binary([tensor("input", "FP64", np.arange(MANY * 2), shape=[MANY, 2])])
    rows, _ = codec_for(FLOWER).decode(body, ask)
    assert all(np.shares_memory(column, np.frombuffer(body, np.uint8)) for column in rows.values.values())


@pytest.mark.parametrize("count", [1, MANY])
def test_named_tensors_of_every_kind_are_read(count):
    zones = ["north", "söuth", ""] * MANY
    sent = [
        tensor("area", "FP32", [1.5] * count),
        tensor("year", "UINT64", [1999] * count),
        tensor("pool", "BOOL", [True] * count, shape=[count]),
        tensor("zone", "BYTES", zones[:count]),
    ]
    body, ask = binary(sent)
    rows, _ = codec_for(HOUSE).decode(body, ask)
    assert table(rows, HOUSE) == [[1.5, 1999, True, zone] for zone in zones[:count]]


@pytest.mark.parametrize("count", [2, MANY])
def test_json_and_bytes_may_be_mixed_in_any_order(count):
    zones = {"name": "zone", "datatype": "BYTES", "shape": [count], "data": [None, "north"] * (count // 2)}
    area = {"name": "area", "datatype": "FP64", "shape": [count], "data": [1.5, None] * (count // 2)}
    sent = [
        tensor("pool", "BOOL", [False] * count),
        (zones, b""),
        tensor("year", "INT64", range(count)),
        (area, b""),
    ]
    body, ask = binary(sent)
    rows, _ = codec_for(HOUSE).decode(body, ask)
    pairs = [(1.5, None), (None, "north")] * (count // 2)
    assert table(rows, HOUSE) == [[area, year, False, zone] for year, (area, zone) in enumerate(pairs)]


@pytest.mark.parametrize("count", [1, MANY])
def test_a_nan_is_a_missing_number_and_a_tensor_left_out_is_missing_in_every_row(count):
    sent = [
        tensor("area", "FP64", [np.nan] * count),
        tensor("year", "INT64", [1] * count),
        tensor("pool", "BOOL", [True] * count),
    ]
    body, ask = binary(sent)
    rows, _ = codec_for(HOUSE).decode(body, ask)
    assert table(rows, HOUSE) == [[None, 1, True, None]] * count


@pytest.mark.parametrize("count", [1, MANY])
def test_a_fraction_in_a_fused_column_of_whole_numbers_is_refused_and_a_nan_is_missing(count):
    body, ask = binary([tensor("input", "FP64", [0.5, 1.5] * count, shape=[count, 2])])
    assert "column 1 of tensor 'input' (count) wants whole numbers" in refusal(FLOWER, body, ask)
    body, ask = binary([tensor("input", "FP64", [0.5, np.nan] * count, shape=[count, 2])])
    rows, _ = codec_for(FLOWER).decode(body, ask)
    assert table(rows, FLOWER) == [[0.5, None]] * count


@pytest.mark.parametrize(
    "style", ["application/vnd.sagemaker-triton.binary+json", "Application/VND.vertex-ai-triton.binary+json"]
)
def test_the_content_types_of_the_clouds_say_the_same_and_are_answered_alike(style):
    body, ask = binary([tensor("input", "FP64", [1.0, 2.0], shape=[1, 2])], parameters={"binary_data_output": True})
    length = ask.headers[b"inference-header-content-length"].decode()
    ask = Ask("r-1", {b"content-type": f"{style}; json-header-size={length}".encode()})
    codec = codec_for(FLOWER)
    rows, form = codec.decode(body, ask)
    assert table(rows, FLOWER) == [[1.0, 2.0]]
    head, answer = codec.encode(np.array([[0.25, 0.75]]), form, ask)
    size = len(answer) - 5 - 16
    assert head == f"content-type: {style.lower()};json-header-size={size}\r\n".encode()
    assert [output["name"] for output in json.loads(answer[:size])["outputs"]] == ["predict", "probabilities"]


def test_a_cloud_content_type_without_the_size_is_refused():
    ask = Ask("r-1", {b"content-type": b"application/vnd.sagemaker-triton.binary+json"})
    assert "add ;json-header-size=N" in refusal(FLOWER, b"{}", ask)


def test_another_content_type_is_json():
    body = json.dumps({"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}]}).encode()
    for kind in (b"application/vnd.other+json;json-header-size=4", b"text/plain", b""):
        rows, form = codec_for(FLOWER).decode(body, Ask("r-1", {b"content-type": kind}))
        assert rows == [[1.0, 2.0]]
        assert not any(is_binary for _, is_binary in form.outputs)


def answered(signature, predictions, **rest):
    """Ask for outputs in bytes or JSON, and give the answer's header lines, its JSON and its bytes."""
    names = [(field.name, field.dtype) for field in signature.inputs]
    kinds = {"float64": ("FP64", 1.0), "int64": ("INT64", 1), "bool": ("BOOL", True), "string": ("BYTES", "a")}
    body, ask = binary([tensor(name, kinds[dtype][0], [kinds[dtype][1]]) for name, dtype in names], **rest)
    codec = codec_for(signature)
    _, form = codec.decode(body, ask)
    head, answer = codec.encode(np.array(predictions), form, ask)
    size = int(head.split(b"length: ")[1]) if b"octet" in head else len(answer)
    return head, json.loads(answer[:size]), answer[size:]


def test_all_outputs_may_come_as_bytes():
    head, told, buffers = answered(FLOWER, [[0.25, 0.75]], id="mine", parameters={"binary_data_output": True})
    assert told == {
        "model_name": "m",
        "model_version": "3",
        "id": "mine",
        "outputs": [
            {"name": "predict", "datatype": "BYTES", "shape": [1, 1], "parameters": {"binary_data_size": 5}},
            {"name": "probabilities", "datatype": "FP64", "shape": [1, 2], "parameters": {"binary_data_size": 16}},
        ],
    }
    assert buffers == b"\x01\x00\x00\x00b" + np.array([0.25, 0.75]).tobytes()
    assert head == OCTETS % len(json.dumps(told, separators=(",", ":")))


@pytest.mark.parametrize("whole", [None, True, False])
@pytest.mark.parametrize("one", [None, True, False])
def test_what_an_output_says_itself_wins(whole, one):
    rest = {} if whole is None else {"parameters": {"binary_data_output": whole, "priority": 3}}
    wanted = {"name": "probabilities"} | ({} if one is None else {"parameters": {"binary_data": one, "mine": []}})
    head, told, buffers = answered(FLOWER, [[0.25, 0.75]], outputs=[wanted, {"name": "predict"}], **rest)
    expected = bool(whole) if one is None else one
    probabilities, predict = told["outputs"]
    assert (probabilities.get("parameters"), probabilities.get("data")) == (
        ({"binary_data_size": 16}, None) if expected else (None, [0.25, 0.75])
    )
    assert ("parameters" in predict) is bool(whole)
    assert len(buffers) == 16 * expected + 5 * bool(whole)
    assert (head == JSON_HEAD) is not (expected or bool(whole))


def test_a_request_in_json_may_ask_for_bytes():
    body = b'{"inputs":[{"name":"input","datatype":"FP64","shape":[1,2],"data":[1,2]}],"outputs":[{"name":"probabilities","parameters":{"binary_data":true}}]}'
    codec = codec_for(FLOWER)
    _, form = codec.decode(body, Ask("r-1"))
    head, answer = codec.encode(np.array([[0.25, 0.75]]), form, Ask("r-1"))
    assert head == OCTETS % (len(answer) - 16)
    assert np.frombuffer(answer[-16:]).tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("dtype", "classes", "expected"),
    [
        ("int64", (3, 7), np.array([7], "<i8").tobytes()),
        ("bool", (False, True), b"\x01"),
        ("float64", (0.5, 1.5), np.array([1.5]).tobytes()),
        ("string", ("no", "ja"), b"\x02\x00\x00\x00ja"),
    ],
)
def test_labels_come_in_the_data_type_of_the_classes(dtype, classes, expected):
    signature = Signature(
        inputs=FLOWER.inputs,
        task="classification",
        target="kind",
        classes=tuple(map(str, classes)),
        class_dtype=dtype,
    )
    codec = TensorsCodec(Placed("m", 3, ""), signature, lambda outputs: [classes[i] for i in outputs.argmax(axis=1)])
    body, ask = binary([tensor("input", "FP64", [1, 2], shape=[1, 2])], parameters={"binary_data_output": True})
    _, form = codec.decode(body, ask)
    _, answer = codec.encode(np.array([[0.25, 0.75]]), form, ask)
    assert answer.endswith(expected + np.array([0.25, 0.75]).tobytes())


def test_a_prediction_that_is_not_finite_stays_what_it_is_in_bytes():
    _, told, buffers = answered(HOUSE, [[np.inf]], parameters={"binary_data_output": True})
    assert told["outputs"][0]["shape"] == [1, 1]
    assert np.frombuffer(buffers).tolist() == [np.inf]


@pytest.mark.parametrize("count", [1, MANY])
def test_a_raw_body_is_the_fused_tensor_and_is_answered_in_bytes(count):
    values = np.arange(count * 2.0)
    codec = codec_for(FLOWER)
    rows, form = codec.decode(values.tobytes(), asking(0))
    assert table(rows, FLOWER) == values.reshape(count, 2).tolist()
    head, answer = codec.encode(np.array([[0.25, 0.75]] * count), form, asking(0))
    told = json.loads(answer[: int(head.split(b"length: ")[1])])
    assert [output["parameters"]["binary_data_size"] for output in told["outputs"]] == [5 * count, 16 * count]


@pytest.mark.parametrize(
    ("dtype", "body", "rows"),
    [
        ("string", "grün".encode(), [["grün"]]),
        ("string", b"", [[""]]),
        ("int64", np.array([2**60, -1], "<i8").tobytes(), [[2**60], [-1]]),
        ("float64", np.array([2.5]).tobytes(), [[2.5]]),
        ("bool", b"\x01\x00", [[True], [False]]),
    ],
)
def test_a_raw_body_is_the_one_field_of_a_model(dtype, body, rows):
    signature = Signature(inputs=(Field(name="x", dtype=dtype),), task="regression", target="y")
    decoded, _ = codec_for(signature).decode(body, asking(0))
    assert table(decoded, signature) == rows


@pytest.mark.parametrize(
    ("signature", "body", "words"),
    [
        (FLOWER, b"", "the request holds no rows"),
        (FLOWER, bytes(17), "FP64 [n, 2] has 16 bytes a row, got 17; send whole rows"),
        (HOUSE, bytes(8), "needs a model with one input or with numbers only"),
    ],
)
def test_a_raw_body_that_is_no_tensor_is_refused(signature, body, words):
    assert words in refusal(signature, body, asking(0))


@pytest.mark.parametrize("length", ["-1", "abc", "", " 5", "+5", "1e3", "0x10", "٣", "9" * 30, "5.0"])
def test_a_header_that_is_no_size_is_refused(length):
    ask = Ask("r-1", {b"inference-header-content-length": length.encode()})
    assert "send the size of the JSON in bytes" in refusal(FLOWER, b"{}", ask)


def test_json_longer_than_the_body_is_refused():
    body, ask = binary([tensor("input", "FP64", [1, 2], shape=[1, 2])], length=10**6)
    assert "announced with 1000000 bytes, but the body has" in refusal(FLOWER, body, ask)


def one(**changes):
    described, buffer = tensor("input", "FP64", [1.0, 2.0], shape=[1, 2])
    return [(described | changes, buffer)]


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (one(parameters={"binary_data_size": -1}), "says 'binary_data_size' -1, but 16 bytes are left"),
        (one(parameters={"binary_data_size": 17}), "says 'binary_data_size' 17, but 16 bytes are left"),
        (one(parameters={"binary_data_size": 2**80}), "but 16 bytes are left"),
        (one(parameters={"binary_data_size": 8}), "has 8 bytes, but its shape [1, 2] needs 16"),
        (one(parameters={"binary_data_size": "16"}), "wants a whole number or null, got a text"),
        (one(parameters={"binary_data_size": 1.5}), "wants a whole number or null"),
        (one(parameters=[]), "wants an object or null, got a list"),
        (one(parameters={"shared_memory_region": "r"}), "has no 'data'"),
        (one(parameters={}), "has no 'data'"),
        (one(parameters=None), "has no 'data'"),
        (one(data=[1.0, 2.0]), "has both 'data' and 'binary_data_size'"),
        (one(data=None), "has both 'data' and 'binary_data_size'"),
        (one(shape=[2, 2]), "has 16 bytes, but its shape [2, 2] needs 32"),
        (one(shape=[-1, 2]), "the shape of tensor 'input' is not one of a real tensor"),
        (one(shape=[2**62, 2]), "needs"),
        (one(shape=[2**300, 2]), "the shape of tensor 'input' is not one of a real tensor"),
        (one(shape=[2]), "wants shape [n, 2] with the columns width, count, got [2]"),
        (one(shape=[1] * 100_000), "wants shape [n, 2]"),
        (one(datatype="BYTES"), "tensor 'input' wants datatype FP64 or FP32"),
        (one(datatype="FP32"), "has 16 bytes, but its shape [1, 2] needs 8"),
        ([*one(), tensor("width", "FP64", [1.0])], "there is no tensor 'input'"),
        ([tensor("width", "FP64", [1.0])] * 2, "tensor 'width' is there twice"),
        ([tensor("widht", "FP64", [1.0])], "there is no tensor 'widht'; did you mean 'width'?"),
        ([tensor("count", "FP64", [1.0])], "tensor 'count' wants datatype INT64 or INT32"),
        ([tensor("count", "UINT64", [2**63])], "beyond what 64 bits hold"),
        ([tensor("count", "INT64", [1])], "the tensor 'width' is missing"),
        ([tensor("width", "FP64", [1.0]), tensor("count", "INT64", [1, 2])], "must have one length"),
        ([tensor("width", "FP64", [1.0], shape=[1, 1, 1])], "wants shape [n, 1] or [n], got [1, 1, 1]"),
        ([tensor("width", "FP64", [], shape=[0, 1])], "the request holds no rows"),
        ([tensor("input", "FP64", [], shape=[0, 2])], "the request holds no rows"),
        ([tensor("input", "FP64", [], shape=[5, 0])], "wants shape [n, 2]"),
        ([*one()[:0], (one()[0][0], bytes(17))], "1 bytes of the body belong to no tensor"),
    ],
)
def test_a_request_whose_parts_do_not_fit_is_refused(tensors, words):
    assert words in refusal(FLOWER, *binary(tensors))


def test_lengths_of_texts_past_the_end_are_refused():
    described, _ = tensor("zone", "BYTES", ["north"])
    rest = [tensor("area", "FP64", [1.0]), tensor("year", "INT64", [1]), tensor("pool", "BOOL", [True])]
    body, ask = binary([*rest, (described, struct.pack("<I", 2**31) + b"north")])
    assert "element 0 of tensor 'zone' (BYTES) ends past the tensor's 9 bytes" in refusal(HOUSE, body, ask)


def test_bytes_without_the_header_are_refused():
    body, _ = binary(one())
    assert "the body is not" in refusal(FLOWER, body, Ask("r-1"))
    head = json.dumps({"inputs": [one()[0][0]]}).encode()
    assert "send Inference-Header-Content-Length" in refusal(FLOWER, head, Ask("r-1"))


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([{"name": "predict"}, {"name": "predict"}], "the output 'predict' is asked for twice"),
        ([{"name": "proba"}], "there is no output 'proba'; the outputs are: predict, probabilities"),
        ([{"name": "predict", "parameters": {"classification": 2}}], "parameter 'classification' of output 'predict'"),
        ([{"name": "predict", "parameters": {"shared_memory_region": "r"}}], "'shared_memory_region'"),
        ([{"name": "predict", "parameters": {"binary_data": 1}}], "wants true or false or null, got a whole number"),
    ],
)
def test_an_output_that_cannot_be_given_is_refused(outputs, words):
    assert words in refusal(FLOWER, *binary(one(), outputs=outputs))


@pytest.mark.parametrize(
    ("signature", "headers", "expected"),
    [
        (FLOWER, {}, True),
        (FLOWER, {b"inference-header-content-length": b"100"}, False),
        (FLOWER, {b"inference-header-content-length": b"0"}, False),
        (FLOWER, {b"inference-header-content-length": b"1000000"}, True),
        (FLOWER, {b"inference-header-content-length": b"-1"}, False),
        (HOUSE, {b"inference-header-content-length": b"100"}, True),
    ],
)
def test_only_numbers_in_bytes_are_read_in_the_event_loop_at_any_length(signature, headers, expected):
    assert codec_for(signature).is_slow(Ask("r-1", headers)) is expected


@pytest.mark.parametrize(
    "data",
    [b'["\xff"]', b'["\\ud800"]', b"[1e999]", b'["\\x"]', b"[01]", b"[" * 5000 + b"]" * 5000, b"[[]", b"nul", b"[,]"],
)
def test_data_that_is_not_json_is_refused(data):
    codec = codec_for(Signature(inputs=HOUSE.inputs[3:], task="regression", target="y"))
    body = b'{"inputs":[{"name":"zone","datatype":"BYTES","shape":[1],"data":%b}]}' % data
    with pytest.raises(RequestError):
        codec.decode(body, Ask("r-1"))


ROW = st.tuples(
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


@given(st.lists(ROW, min_size=1, max_size=40))
@example([(None, 2**63 - 1, True, "")] * 17)
def test_rows_in_json_and_in_bytes_are_the_same_rows(rows):
    kinds = {"area": "FP64", "year": "INT64", "pool": "BOOL", "zone": "BYTES"}
    columns = dict(zip(kinds, map(list, zip(*rows, strict=True)), strict=True))
    plain = [
        {"name": name, "datatype": kind, "shape": [len(rows), 1], "data": columns[name]} for name, kind in kinds.items()
    ]
    columns["area"] = [np.nan if value is None else value for value in columns["area"]]
    codec = codec_for(HOUSE)
    first, _ = codec.decode(json.dumps({"inputs": plain}).encode(), Ask("r-1"))
    second, _ = codec.decode(*binary([tensor(name, kind, columns[name]) for name, kind in kinds.items()]))
    assert type(first) is type(second)
    assert table(first, HOUSE) == table(second, HOUSE)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(-5, 300),
    st.booleans(),
)
def test_a_mutated_body_is_read_or_refused(changes, shift, cut):
    sent = [tensor("width", "FP32", [1.0, 2.0]), tensor("count", "INT16", [1, 2])]
    body, ask = binary(sent, outputs=[{"name": "predict", "parameters": {"binary_data": True}}])
    body = bytearray(body)
    for place, value in changes:
        body[place % len(body)] = value
    length = int(ask.headers[b"inference-header-content-length"]) + (shift if cut else 0)
    codec = codec_for(FLOWER)
    try:
        rows, form = codec.decode(bytes(body), asking(length))
    except RequestError:
        return
    assert codec.encode(np.full((len(rows), 2), 0.5), form, ask)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(body, length):
    for signature in (FLOWER, HOUSE):
        with contextlib.suppress(RequestError):
            rows, _ = codec_for(signature).decode(body, asking(length))
            assert len(rows) > 0
