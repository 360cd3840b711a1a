"""The gRPC codec: messages in, rows out; outputs in, messages out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError
from golive.serving.answer import Ask
from golive.serving.codecs.codec import Columns
from golive.serving.grpc import wire
from golive.serving.grpc.codec import RAW_HEADER, GrpcCodec, typed
from golive.serving.grpc.protos import Messages

ASK = Ask("r-1")
NUMBERS = Signature(
    inputs=(Field(name="a", dtype="float64"), Field(name="b", dtype="float64")), task="regression", target="y"
)
MIXED = Signature(
    inputs=(
        Field(name="size", dtype="float64"),
        Field(name="year", dtype="int64"),
        Field(name="pool", dtype="bool"),
        Field(name="zone", dtype="string", nullable=True),
    ),
    task="classification",
    target="kind",
    classes=("low", "high"),
)


@pytest.fixture(scope="module")
def messages():
    return Messages()


def codec_of(signature, messages):
    def labels(outputs):
        if signature.task == "regression":
            return outputs[:, 0].tolist()
        return [signature.classes[best] for best in outputs.argmax(axis=1).tolist()]

    return GrpcCodec(Placed("m", 3, "sha256:" + "1" * 64), signature, labels, messages)


@pytest.fixture(scope="module")
def numbers(messages):
    return codec_of(NUMBERS, messages)


@pytest.fixture(scope="module")
def mixed(messages):
    return codec_of(MIXED, messages)


def request(messages, tensors, raws=(), **values):
    """Build a request; a tensor is (name, datatype, shape, contents)."""
    made = messages["inference.ModelInferRequest"](**{"model_name": "m", **values})
    for name, datatype, shape, contents in tensors:
        tensor = made.inputs.add(name=name, datatype=datatype, shape=shape)
        for field, listed in (contents or {}).items():
            getattr(tensor.contents, field).extend(listed)
    made.raw_input_contents.extend(raws)
    return made.SerializeToString()


def fused(messages, rows, datatype="FP64", kind="<f8", **values):
    array = np.array(rows, dtype=kind)
    return request(messages, [("input", datatype, array.shape, None)], [array.tobytes()], **values)


def answer(messages, codec, outputs, form):
    head, body = codec.encode(np.array(outputs), form, ASK)
    assert head == b""
    return messages["inference.ModelInferResponse"].FromString(body)


def as_table(rows, names):
    if isinstance(rows, Columns):
        return [list(row) for row in zip(*(rows.values[name].tolist() for name in names), strict=True)]
    return [list(row) for row in rows]


@pytest.mark.parametrize(("datatype", "kind"), [("FP64", "<f8"), ("FP32", "<f4"), ("INT32", "<i4"), ("UINT8", "u1")])
@pytest.mark.parametrize("count", [1, 16, 17])
def test_a_fused_raw_tensor_gives_its_rows(numbers, messages, datatype, kind, count):
    rows = [[index, index + 1] for index in range(count)]
    found, form = numbers.decode(fused(messages, rows, datatype, kind), ASK)
    assert as_table(found, "ab") == rows
    assert (form.raw, form.id, form.outputs) == (True, b"", ("predict",))


def test_raw_and_typed_named_tensors_give_the_same_rows(mixed, messages):
    typed = request(
        messages,
        [
            ("size", "FP32", [2, 1], {"fp32_contents": [1.5, 2.5]}),
            ("year", "INT64", [2], {"int64_contents": [1999, 2**53 + 1]}),
            ("pool", "BOOL", [2, 1], {"bool_contents": [True, False]}),
            ("zone", "BYTES", [2, 1], {"bytes_contents": ["nörd".encode(), b""]}),
        ],
    )
    raw = request(
        messages,
        [
            ("size", "FP32", [2, 1], None),
            ("year", "INT64", [2], None),
            ("pool", "BOOL", [2, 1], None),
            ("zone", "BYTES", [2, 1], None),
        ],
        [
            np.array([1.5, 2.5], "<f4").tobytes(),
            np.array([1999, 2**53 + 1], "<i8").tobytes(),
            b"\x01\x00",
            b"\x05\0\0\0" + "nörd".encode() + b"\0\0\0\0",
        ],
    )
    rows = [[1.5, 1999, True, "nörd"], [2.5, 2**53 + 1, False, ""]]
    for body, is_raw in ((typed, False), (raw, True)):
        found, form = mixed.decode(body, ASK)
        assert (as_table(found, MIXED.names), form.raw) == (rows, is_raw)


def test_a_tensor_of_a_nullable_field_may_be_left_out(mixed, messages):
    tensors = [
        ("size", "FP64", [1], {"fp64_contents": [1.5]}),
        ("year", "INT16", [1], {"int_contents": [7]}),
        ("pool", "BOOL", [1], {"bool_contents": [True]}),
    ]
    found, _ = mixed.decode(request(messages, tensors), ASK)
    assert as_table(found, MIXED.names) == [[1.5, 7, True, None]]


def test_an_answer_is_raw_when_the_request_was(mixed, messages):
    form = mixed.decode(typed_row(messages), ASK)[1]
    outputs = [[0.25, 0.75], [0.9, 0.1]]
    typed = answer(messages, mixed, outputs, form)
    assert (typed.model_name, typed.model_version) == ("m", "3")
    assert [(each.name, each.datatype, list(each.shape)) for each in typed.outputs] == [
        ("predict", "BYTES", [2, 1]),
        ("probabilities", "FP64", [2, 2]),
    ]
    assert list(typed.outputs[0].contents.bytes_contents) == [b"high", b"low"]
    assert list(typed.outputs[1].contents.fp64_contents) == [0.25, 0.75, 0.9, 0.1]
    raw = answer(messages, mixed, outputs, form.__class__(raw=True, id=form.id, outputs=form.outputs))
    assert not any(each.HasField("contents") for each in raw.outputs)
    assert raw.raw_output_contents[0] == b"\x04\0\0\0high\x03\0\0\0low"
    assert np.frombuffer(raw.raw_output_contents[1], "<f8").tolist() == [0.25, 0.75, 0.9, 0.1]


def typed_row(messages, **values):
    tensors = [
        ("size", "FP64", [1], {"fp64_contents": [1.5]}),
        ("year", "INT64", [1], {"int64_contents": [7]}),
        ("pool", "BOOL", [1], {"bool_contents": [True]}),
    ]
    return request(messages, tensors, **values)


def test_the_id_is_echoed_and_only_the_outputs_that_were_asked_for_come(mixed, messages):
    body = typed_row(messages, id="ä-7", outputs=[{"name": "probabilities"}])
    found = answer(messages, mixed, [[0.5, 0.5]], mixed.decode(body, ASK)[1])
    assert (found.id, [each.name for each in found.outputs]) == ("ä-7", ["probabilities"])


@pytest.mark.parametrize("rows", [1, 127, 128, 3000])
def test_the_shape_of_an_answer_has_its_number_of_rows(numbers, messages, rows):
    form = numbers.decode(fused(messages, [[1, 2]]), ASK)[1]
    found = answer(messages, numbers, np.zeros((rows, 1)), form)
    assert list(found.outputs[0].shape) == [rows, 1]
    assert len(found.raw_output_contents[0]) == 8 * rows


@pytest.mark.parametrize(
    ("datatype", "field", "values"),
    [
        ("INT64", "int64_contents", [0, 1, -1, 127, 128, 2**63 - 1, -(2**63)]),
        ("BOOL", "bool_contents", [True, False]),
        ("FP64", "fp64_contents", [0.1, -1e300]),
        ("BYTES", "bytes_contents", ["", "ä", "x" * 200, "ä"]),
    ],
)
def test_typed_contents_are_written_as_the_library_reads_them(messages, datatype, field, values):
    written = messages["inference.ModelInferResponse.InferOutputTensor"].FromString(typed(datatype, values))
    found = list(getattr(written.contents, field))
    assert [each.decode() for each in found] == values if datatype == "BYTES" else found == values


def test_missing_numbers_are_taken_where_the_field_takes_them(messages):
    signature = Signature(
        inputs=(Field(name="a", dtype="int64", nullable=True), Field(name="b", dtype="float64")),
        task="regression",
        target="y",
    )
    codec = codec_of(signature, messages)
    for body in (
        fused(messages, [[float("nan"), 1.5]]),
        request(messages, [("input", "FP64", [1, 2], {"fp64_contents": [float("nan"), 1.5]})]),
    ):
        ((first, second),) = as_table(codec.decode(body, ASK)[0], "ab")
        assert (np.isnan(first), second) == (True, 1.5)


HOSTILE = {
    "no_tensors": ([], [], "missing"),
    "no_rows": ([("input", "FP64", [0, 2], None)], [b""], "no rows"),
    "raw_beside_contents": ([("input", "FP64", [1, 2], {"fp64_contents": [1, 2]})], [b"\0" * 16], "only one of them"),
    "too_few_raw": ([("a", "FP64", [1], None), ("b", "FP64", [1], None)], [b"\0" * 8], "1 entries for 2 inputs"),
    "too_many_raw": ([("input", "FP64", [1, 2], None)], [b"\0" * 16, b""], "2 entries for 1 inputs"),
    "size_is_not_that_of_the_shape": ([("input", "FP64", [2, 2], None)], [b"\0" * 16], "needs 32"),
    "negative_shape": ([("input", "FP64", [-1, 2], None)], [b"\0" * 16], "shape"),
    "huge_shape": ([("input", "FP64", [2**62, 2], None)], [b"\0" * 16], "needs"),
    "wrong_width": ([("input", "FP64", [1, 3], None)], [b"\0" * 24], "wants shape [n, 2]"),
    "wrong_rank": ([("input", "FP64", [2], None)], [b"\0" * 16], "wants shape [n, 2]"),
    "many_dimensions": ([("a", "FP64", [1] * 5000, None)], [b"\0" * 8], "wants shape"),
    "texts_for_numbers": ([("input", "BYTES", [1, 2], {"bytes_contents": [b"1", b"2"]})], [], "wants datatype"),
    "unknown_datatype": ([("input", "FP99", [1, 2], None)], [b"\0" * 16], "wants datatype"),
    "half_floats_typed": ([("input", "FP16", [1, 2], {"fp32_contents": [1, 2]})], [], "send all tensors raw"),
    "contents_in_another_field": ([("input", "FP64", [1, 2], {"fp32_contents": [1, 2]})], [], "0 values in fp64"),
    "unknown_name": ([("c", "FP64", [1], {"fp64_contents": [1]})], [], "there is no tensor 'c'"),
    "a_tensor_twice": ([("a", "FP64", [1], {"fp64_contents": [1]})] * 2, [], "is there twice"),
    "a_missing_tensor": ([("a", "FP64", [1], {"fp64_contents": [1]})], [], "'b' is missing"),
    "different_lengths": (
        [("a", "FP64", [1], {"fp64_contents": [1]}), ("b", "FP64", [2], {"fp64_contents": [1, 2]})],
        [],
        "one length",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_request_that_does_not_fit_is_refused_in_words(numbers, messages, case):
    tensors, raws, words = HOSTILE[case]
    with pytest.raises(RequestError, match=words.replace("[", r"\[").replace("]", r"\]")) as caught:
        numbers.decode(request(messages, tensors, raws), ASK)
    assert len(caught.value.message) < 1000


def test_a_value_beyond_its_datatype_is_refused(mixed, messages):
    with pytest.raises(InvalidRowError, match="beyond what INT8 holds"):
        mixed.decode(request(messages, [("year", "INT8", [1], {"int_contents": [300]})]), ASK)


def test_an_output_that_is_not_served_is_refused(numbers, messages):
    for outputs, words in (
        ([{"name": "nought"}], "there is no output"),
        ([{"name": "predict"}, {"name": "predict"}], "asked for twice"),
        ([{"name": "predict", "parameters": {"classification": {"int64_param": 1}}}], "'classification'"),
    ):
        with pytest.raises(RequestError, match=words):
            numbers.decode(fused(messages, [[1, 2]], outputs=outputs), ASK)


def test_a_tensor_in_shared_memory_is_refused(numbers, messages):
    made = messages["inference.ModelInferRequest"](model_name="m")
    tensor = made.inputs.add(name="input", datatype="FP64", shape=[1, 2])
    tensor.parameters["shared_memory_region"].string_param = "x"
    with pytest.raises(RequestError, match="shared memory"):
        numbers.decode(made.SerializeToString(), ASK)


def test_a_message_with_two_names_is_refused(numbers, messages):
    with pytest.raises(RequestError):
        numbers.decode(fused(messages, [[1, 2]]) + wire.text(1, "another"), ASK)


def test_only_raw_numbers_are_read_at_once_when_they_are_many(numbers, mixed):
    raw = Ask("r", {RAW_HEADER: b"1"})
    assert [numbers.is_slow(raw), numbers.is_slow(ASK), mixed.is_slow(raw)] == [False, True, True]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_bytes_raise_anything_but_a_refusal(mixed, messages, data):
    body = bytearray(
        request(
            messages,
            [("size", "FP32", [1], None), ("year", "INT64", [1], None), ("pool", "BOOL", [1], None)],
            [b"\0" * 4, b"\0" * 8, b"\1"],
        )
        if data.draw(st.booleans())
        else typed_row(messages, id="x")
    )
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = bytes(body) + data.draw(st.binary(max_size=10))
    try:
        wire.model_of(body)
        wire.has_raw_contents(body)
        found, form = mixed.decode(body, ASK)
    except RequestError:
        return
    assert len(found) > 0
    mixed.encode(np.full((len(found), 2), 0.5), form, ASK)
