"""The most probable labels: every protocol names them alike, and a model that does not answer them has none."""

import numpy as np
import orjson
import pytest

from golive.client.exchange import Reply
from golive.client.prediction import prediction_of
from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.inference.ranking import ranking_of
from golive.serving.answer import Ask
from golive.serving.codecs.codec import PredictionWriter, prediction_writer
from golive.serving.codecs.examples import ExamplesCodec
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.codecs.invocations import InvocationsCodec
from golive.serving.codecs.tensors import TensorsCodec
from golive.serving.grpc.codec import GrpcCodec
from golive.serving.grpc.protos import Messages
from golive.serving.pages import schemas

PLACED = Placed("m", 3, "sha256:" + "0" * 64)
OUTPUTS = np.array([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0]])
TOP = [[("b", 0.5), ("c", 0.3)], [("a", 0.6), ("b", 0.4)]]
TOLD = [[{"label": label, "probability": share} for label, share in row] for row in TOP]
ASK = Ask("r")


def signature_of(top_k):
    return Signature(
        inputs=(Field(name="x", dtype="float64"),),
        task="classification",
        target="kind",
        classes=("a", "b", "c"),
        known_as=("0", "1", "2"),
        known_dtype="int64",
        top_k=top_k,
    )


SIGNATURE = signature_of(2)


def labels(outputs):
    return [SIGNATURE.classes[best] for best in outputs.argmax(axis=1).tolist()]


def writer(signature=SIGNATURE):
    return prediction_writer(PLACED, signature, labels)


def test_json_answers_name_them_beside_the_prediction():
    answer = orjson.loads(InstancesCodec(SIGNATURE, writer()).encode(OUTPUTS, b"predictions", ASK)[1])
    assert list(answer) == ["predictions", "probabilities", "top", "model_name", "model_version"]
    assert (answer["predictions"], answer["top"]) == (["b", "a"], TOLD)


def test_a_model_that_answers_none_is_written_by_the_writer_that_knows_nothing_of_them():
    plain = writer(signature_of(0))
    assert type(plain) is PredictionWriter
    assert b"top" not in plain(OUTPUTS, b"predictions")
    assert ranking_of(signature_of(0)) is None


def test_what_is_no_number_is_null():
    answer = orjson.loads(writer()(np.array([[np.nan, 0.4, 0.6]]), b"predictions"))
    assert answer["top"] == [[{"label": "c", "probability": 0.6}, {"label": "b", "probability": 0.4}]]
    answer = orjson.loads(writer()(np.full((1, 3), np.nan), b"predictions"))
    assert [one["probability"] for one in answer["top"][0]] == [None, None]


def test_classify_gives_the_best_alone():
    answer = orjson.loads(ExamplesCodec(SIGNATURE).encode(OUTPUTS, None, ASK)[1])
    assert answer == {"result": [[list(pair) for pair in row] for row in TOP]}


def test_lines_of_invocations_name_them():
    codec = InvocationsCodec(SIGNATURE, writer(), labels, 100)
    ask = Ask("r", headers={b"content-type": b"application/jsonlines", b"accept": b"application/jsonlines"})
    _, form = codec.decode(b'{"x": 1.0}\n{"x": 2.0}\n', ask)
    lines = [orjson.loads(line) for line in codec.encode(OUTPUTS, form, ask)[1].splitlines()]
    assert [line["top"] for line in lines] == TOLD


@pytest.mark.parametrize("binary", [True, False])
def test_a_client_reads_them_from_two_tensors(binary):
    codec = TensorsCodec(PLACED, SIGNATURE, labels)
    body = orjson.dumps(
        {
            "inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 1], "data": [1.0, 2.0]}],
            "parameters": {"binary_data_output": binary},
        }
    )
    _, form = codec.decode(body, ASK)
    head, answer = codec.encode(OUTPUTS, form, ASK)
    told = dict(line.split(": ", 1) for line in head.decode().splitlines())
    prediction = prediction_of(Reply(status=200, headers=told, body=answer), model="m", request_id="r")
    assert prediction.top == TOP
    assert prediction.outputs["top_labels"] == ["b", "c", "a", "b"]
    assert prediction.outputs["top_probabilities"].shape == (2, 2)


def test_a_client_of_a_model_without_them_finds_none():
    codec = TensorsCodec(PLACED, signature_of(0), labels)
    body = orjson.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 1], "data": [1.0, 2.0]}]})
    _, form = codec.decode(body, ASK)
    _, answer = codec.encode(OUTPUTS, form, ASK)
    assert prediction_of(Reply(status=200, headers={}, body=answer), model="m", request_id="r").top is None


@pytest.mark.parametrize("raw", [True, False])
def test_grpc_gives_the_same_two_tensors(raw):
    messages = Messages()
    codec = GrpcCodec(PLACED, SIGNATURE, labels, messages)
    request = messages["inference.ModelInferRequest"](model_name="m")
    tensor = request.inputs.add(name="x", datatype="FP64", shape=[2, 1])
    if raw:
        request.raw_input_contents.append(np.array([1.0, 2.0]).tobytes())
    else:
        tensor.contents.fp64_contents.extend([1.0, 2.0])
    _, form = codec.decode(request.SerializeToString(), ASK)
    answer = messages["inference.ModelInferResponse"].FromString(codec.encode(OUTPUTS, form, ASK)[1])
    shapes = {output.name: (output.datatype, list(output.shape)) for output in answer.outputs}
    assert shapes["top_labels"] == ("BYTES", [2, 2])
    assert shapes["top_probabilities"] == ("FP64", [2, 2])
    if raw:
        assert np.frombuffer(answer.raw_output_contents[3]).tolist() == [0.5, 0.3, 0.6, 0.4]
    else:
        assert list(answer.outputs[2].contents.bytes_contents) == [b"b", b"c", b"a", b"b"]
        assert list(answer.outputs[3].contents.fp64_contents) == [0.5, 0.3, 0.6, 0.4]


def test_the_description_tells_of_them_and_of_the_names_in_the_data():
    answer = schemas.predictions_answer(SIGNATURE)
    assert answer["properties"]["top"]["items"]["maxItems"] == 2
    assert "a is 0 in the data" in answer["properties"]["predictions"]["items"]["description"]
    assert "top" not in schemas.predictions_answer(signature_of(0))["properties"]
