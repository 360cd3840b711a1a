"""Named arrays as infer requests, and infer answers as named arrays."""

import json

import numpy as np
import pytest

from golive.client.contract import Contract, ModelMetadata, TensorSpec
from golive.client.exchange import Reply
from golive.client.prediction import tensor_answer_of
from golive.client.tensors import encoded_tensors
from golive.errors import RequestError, VerificationError

CONTRACT = Contract(
    metadata=ModelMetadata(
        name="m",
        inputs=(TensorSpec("x", "FP16", (-1, 2)), TensorSpec("t", "BYTES", (-1,)), TensorSpec("b", "BOOL", ())),
    ),
    versions=frozenset({"1"}),
)


def request(inputs, *, binary, outputs=()):
    encoded = encoded_tensors(inputs, CONTRACT, outputs, binary=binary)
    size = int(encoded.headers.get("inference-header-content-length", len(encoded.body)))
    return json.loads(encoded.body[:size]), encoded.body[size:]


def test_arrays_go_as_bytes_with_their_own_type_and_shape():
    head, tail = request({"x": np.array([[1, 2]], ">f4"), "n": np.array([3], np.uint8)}, binary=True)
    assert head == {
        "inputs": [
            {"name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
            {"name": "n", "shape": [1], "datatype": "UINT8", "parameters": {"binary_data_size": 1}},
        ],
        "parameters": {"binary_data_output": True},
    }
    assert tail == np.array([1, 2], "<f4").tobytes() + b"\x03"


def test_lists_become_what_the_model_takes():
    head, tail = request({"x": [[1, 2.5]], "t": ["ü"], "b": True}, binary=True, outputs=("y",))
    assert [tensor["datatype"] for tensor in head["inputs"]] == ["FP16", "BYTES", "BOOL"]
    assert head["outputs"] == [{"name": "y"}]
    assert tail == np.array([1, 2.5], "<f2").tobytes() + b"\x02\0\0\0\xc3\xbc" + b"\x01"


def test_a_server_without_bytes_gets_flat_lists():
    head, tail = request({"x": np.array([[1, 2]], np.float16), "t": np.array(["a", "ü"])}, binary=False)
    assert tail == b""
    assert [tensor["data"] for tensor in head["inputs"]] == [[1.0, 2.0], ["a", "ü"]]


@pytest.mark.parametrize(
    ("value", "trouble"),
    [
        (np.zeros(1, complex), "complex128, which no tensor has"),
        ([[1], [1, 2]], "are no tensor of FP16"),
        (["a"], "are no tensor of FP16"),
    ],
)
def test_what_no_tensor_holds_is_refused_before_it_is_sent(value, trouble):
    with pytest.raises(RequestError, match=trouble) as caught:
        request({"x": value}, binary=True)
    assert caught.value.field == "x"


def test_texts_beside_other_values_are_refused():
    with pytest.raises(RequestError, match="no texts"):
        request({"t": np.array(["a", 1], dtype=object)}, binary=True)


def reply(outputs, tail=b"", **headers):
    head = json.dumps({"model_name": "m", "model_version": "3", "outputs": outputs}).encode()
    told = {"inference-header-content-length": str(len(head))} if tail else {}
    return Reply(status=200, headers={**told, **headers}, body=head + tail)


def test_answers_keep_types_and_shapes():
    raw = np.array([[1], [2]], "<f4").tobytes()
    answer = tensor_answer_of(
        reply(
            [
                {"name": "y", "datatype": "FP32", "shape": [2, 1], "parameters": {"binary_data_size": len(raw)}},
                {"name": "t", "datatype": "BYTES", "shape": [1, 2], "data": ["a", "ü"]},
            ],
            raw,
            **{"x-request-id": "q"},
        ),
        model="m",
        request_id="",
    )
    assert (answer.version, answer.request_id, answer["y"].dtype, answer["y"].tolist()) == (
        "3",
        "q",
        np.float32,
        [[1.0], [2.0]],
    )
    assert answer["t"].tolist() == [["a", "ü"]]


def test_an_answer_that_is_none_is_refused():
    with pytest.raises(VerificationError, match="not one of the Open Inference Protocol"):
        tensor_answer_of(
            reply([{"name": "y", "datatype": "FP32", "shape": [2], "data": [1.0]}]), model="m", request_id=""
        )
