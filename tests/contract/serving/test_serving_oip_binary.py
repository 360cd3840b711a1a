"""The binary tensor extension over a real server: as bytes in, as bytes out, raw, compressed, and hostile."""

import gzip
import json
import struct
import zlib

import numpy as np
import pytest

from golive.domain.serving import Placed
from golive.serving.answer import Ask
from golive.serving.lane import Lane

HEADER = "inference-header-content-length"
IRIS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]])
PATH = "/v2/models/iris/infer"


def fused(values, **rest):
    """Give the JSON and the body of a fused request in bytes."""
    tensor = {
        "name": "input",
        "datatype": "FP32" if values.dtype == np.float32 else "FP64",
        "shape": list(values.shape),
        "parameters": {"binary_data_size": values.nbytes},
    }
    head = json.dumps({"inputs": [tensor], **rest}).encode()
    return head, head + values.tobytes()


def as_json(client, values):
    tensor = {"name": "input", "datatype": "FP64", "shape": list(values.shape), "data": values.tolist()}
    answer = client.post(PATH, json={"inputs": [tensor]})
    assert answer.status_code == 200, answer.text
    predict, probabilities = answer.json()["outputs"]
    return predict["data"], probabilities["data"]


def read(answer):
    """Give the JSON of an answer and its outputs as arrays."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    size = int(answer.headers[HEADER])
    told, rest, arrays = json.loads(answer.content[:size]), answer.content[size:], {}
    for output in told["outputs"]:
        length = output["parameters"]["binary_data_size"]
        form = {"INT64": "<i8", "FP64": "<f8"}[output["datatype"]]
        arrays[output["name"]] = np.frombuffer(rest[:length], form).reshape(output["shape"])
        rest = rest[length:]
    assert not rest
    return told, arrays


@pytest.mark.parametrize("count", [1, 3, 600])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bytes_and_json_get_the_same_predictions(client, count, dtype):
    values = np.resize(IRIS, (count, 4)).astype(dtype)
    head, body = fused(values, id="mine", parameters={"binary_data_output": True})
    answer = client.post(PATH, content=body, headers={HEADER: str(len(head))})
    told, arrays = read(answer)
    assert (told["id"], told["model_name"], told["model_version"]) == ("mine", "iris", "1")
    assert answer.headers["x-model-version"] == "1"
    predict, probabilities = as_json(client, values.astype(np.float64))
    assert arrays["predict"].ravel().tolist() == predict
    assert arrays["probabilities"].ravel().tolist() == probabilities


@pytest.mark.parametrize("count", [1, 600])
def test_a_raw_body_is_a_whole_request(client, count):
    values = np.resize(IRIS, (count, 4))
    _, arrays = read(client.post(PATH, content=values.tobytes(), headers={HEADER: "0"}))
    predict, probabilities = as_json(client, values)
    assert arrays["predict"].ravel().tolist() == predict
    assert arrays["probabilities"].ravel().tolist() == probabilities


def test_a_pinned_version_takes_bytes_too(client):
    head, body = fused(IRIS, outputs=[{"name": "predict", "parameters": {"binary_data": True}}])
    answer = client.post("/v2/models/iris/versions/2/infer", content=body, headers={HEADER: str(len(head))})
    told, arrays = read(answer)
    assert told["model_version"] == "2"
    assert arrays["predict"].tolist() == [[0]] * 3


def test_only_what_was_asked_for_in_bytes_comes_in_bytes(client):
    head, body = fused(
        IRIS, outputs=[{"name": "probabilities", "parameters": {"binary_data": True}}, {"name": "predict"}]
    )
    answer = client.post(PATH, content=body, headers={HEADER: str(len(head))})
    told = json.loads(answer.content[: int(answer.headers[HEADER])])
    probabilities, predict = told["outputs"]
    assert probabilities["parameters"] == {"binary_data_size": 72}
    assert predict["data"] == as_json(client, IRIS)[0]


def test_bytes_in_get_json_out_unless_asked_otherwise(client):
    head, body = fused(IRIS)
    answer = client.post(PATH, content=body, headers={HEADER: str(len(head))})
    assert answer.headers["content-type"] == "application/json"
    assert HEADER not in answer.headers
    assert answer.json()["outputs"][0]["data"] == as_json(client, IRIS)[0]


@pytest.mark.parametrize("kind", ["sagemaker", "vertex-ai"])
def test_the_content_type_of_a_cloud_stands_for_the_header(client, kind):
    head, body = fused(IRIS, parameters={"binary_data_output": True})
    media_type = f"application/vnd.{kind}-triton.binary+json;json-header-size="
    answer = client.post(PATH, content=body, headers={"content-type": f"{media_type}{len(head)}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    size = int(answer.headers["content-type"].removeprefix(media_type))
    assert len(json.loads(answer.content[:size])["outputs"]) == 2


@pytest.mark.parametrize("count", [1, 3, 40])
def test_named_tensors_of_every_kind_are_taken(client, count):
    columns = {
        "area": ("FP32", np.full(count, 2.5, np.float32).tobytes(), [2.5] * count),
        "year_built": ("INT32", np.full(count, 2000, np.int32).tobytes(), [2000] * count),
        "pool": ("BOOL", b"\x01" * count, [True] * count),
        "zone": ("BYTES", b"".join(struct.pack("<I", 5) + b"north" for _ in range(count)), ["north"] * count),
    }
    tensors = [
        {"name": name, "datatype": kind, "shape": [count, 1], "parameters": {"binary_data_size": len(raw)}}
        for name, (kind, raw, _) in columns.items()
    ]
    head = json.dumps({"inputs": tensors}).encode()
    body = head + b"".join(raw for _, raw, _ in columns.values())
    answer = client.post("/v2/models/houses/infer", content=body, headers={HEADER: str(len(head))})
    plain = [
        {"name": name, "datatype": kind, "shape": [count, 1], "data": data} for name, (kind, _, data) in columns.items()
    ]
    expected = client.post("/v2/models/houses/infer", json={"inputs": plain})
    assert answer.status_code == expected.status_code == 200, answer.text
    assert answer.json() == expected.json()


@pytest.mark.parametrize(("encoding", "press"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_the_size_of_the_json_is_that_before_compression(client, encoding, press):
    head, body = fused(IRIS, parameters={"binary_data_output": True})
    answer = client.post(PATH, content=press(body), headers={HEADER: str(len(head)), "content-encoding": encoding})
    assert read(answer)[1]["predict"].ravel().tolist() == as_json(client, IRIS)[0]


@pytest.mark.parametrize("length", ["-1", "x", "99999", "1", "9" * 40])
def test_a_header_that_does_not_fit_the_body_is_400(client, length):
    _, body = fused(IRIS)
    answer = client.post(PATH, content=body, headers={HEADER: length})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("count", [1, 600])
def test_a_number_that_is_not_finite_is_400_and_its_place_is_told(client, value, count):
    values = np.resize(IRIS, (count, 4))
    values[count - 1, 2] = value
    answer = client.post(PATH, content=values.tobytes(), headers={HEADER: "0"})
    assert answer.status_code == 400
    assert answer.json()["field"] == f"$.inputs[{count - 1}].petal_length"


def test_a_body_cut_short_or_made_longer_is_400(client):
    head, body = fused(IRIS)
    for other in (body[:-1], body + b"\x00", body[: len(head)], body * 2):
        answer = client.post(PATH, content=other, headers={HEADER: str(len(head))})
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("raw", [False, True])
def test_more_rows_than_the_limit_are_413(server, raw):
    lane = Lane(Placed("iris", 1, "sha256:1"), server.board.find("iris").road, max_rows=2)
    head, body = fused(IRIS)
    size, body = (0, IRIS.tobytes()) if raw else (len(head), body)
    status, _, told = lane.tensors(body, Ask("r-1", {HEADER.encode(): b"%d" % size}))
    assert status == 413
    assert "3 rows, and the limit is 2" in json.loads(told)["error"]


def test_the_server_says_that_it_takes_bytes(client):
    assert "binary_tensor_data" in client.get("/v2").json()["extensions"]


def test_the_connection_goes_on_after_a_refusal(server):
    head, body = fused(IRIS, parameters={"binary_data_output": True})
    with server.wire() as wire:
        for length, status in ((len(head), 200), (len(body) + 1, 400), (len(head), 200)):
            lines = f"POST {PATH} HTTP/1.1\r\nhost: t\r\ncontent-length: {len(body)}\r\nInference-Header-Content-Length: {length}"
            wire.send(lines.encode() + b"\r\n\r\n" + body)
            assert wire.reply()[0] == status
