"""Models of tensors behind a real server: every protocol, every form, and what is no answer."""

import asyncio
import json

import numpy as np
import pytest
from tensor_models import road_of
from tensor_server import TensorServer

import golive
from golive.errors import NotFoundError, RequestError
from golive.serving.tensorial.tensor_rows import TensorRows

ROWS = np.array([[1, 2, 3, 4, 5, 6], [0, -1, 0.5, 2, 1, 0], [3, 3, 3, 3, 3, 3]], np.float32)
JSON_SIZE = "inference-header-content-length"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with TensorServer(tmp_path_factory.mktemp("tensors")) as running:
        yield running


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def computed(name, **arrays):
    """Ask the graph itself."""
    return dict(road_of(name).whole(TensorRows(arrays, 1)).arrays)


def scores():
    return computed("mlp", x=ROWS)["scores"]


def alike(found, wanted=None):
    np.testing.assert_allclose(found, scores() if wanted is None else wanted, rtol=1e-5)


FORMS = {
    "/v1/models/mlp:predict": ({"instances": ROWS.tolist()}, "predictions"),
    "/v1/models/mlp/versions/1:predict": ({"instances": [{"x": row} for row in ROWS.tolist()]}, "predictions"),
    "/v1/models/mlp:predict?2": ({"inputs": ROWS.tolist(), "signature_name": "serving_default"}, "outputs"),
    "/v1/models/mlp:predict?3": ({"inputs": {"x": ROWS.tolist()}}, "outputs"),
    "/predict/mlp": ({"features": ROWS.tolist()}, "predictions"),
}


@pytest.mark.parametrize("path", FORMS)
def test_rows_and_whole_tensors_get_the_answer_of_the_graph(client, path):
    body, key = FORMS[path]
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-model-version"] == "1"
    said = answer.json()
    alike(said.pop(key))
    assert said == {"model_name": "mlp", "model_version": "1"}


def test_several_inputs_and_outputs_go_by_name(client):
    rows = [{"x": [1, 2, 3], "name": "ü"}, {"name": "b", "x": [0, 0, 0.5]}]
    said = client.post("/v1/models/two:predict", json={"instances": rows}).json()
    assert said["predictions"] == [{"total": 6.0, "loud": "ü!"}, {"total": 0.5, "loud": "b!"}]
    whole = {"x": [[1, 2, 3]], "name": [{"b64": "w7w="}]}
    said = client.post("/v1/models/two:predict", json={"inputs": whole}).json()
    assert said["outputs"] == {"total": [6.0], "loud": ["ü!"]}


def test_an_output_that_has_no_row_for_each_instance_is_whole_only(client):
    row = [[1.0, 2.0, 3.0, 4.0]]
    assert client.post("/v1/models/sideways:predict", json={"inputs": row}).json()["outputs"] == [[1], [2], [3], [4]]
    refused = client.post("/v1/models/sideways:predict", json={"instances": row})
    assert refused.status_code == 400
    assert "the output 'y' has the shape [4, 1]" in refused.json()["error"]


def test_tokens_that_are_no_json_are_values_of_a_tensor(client):
    body = b'{"instances": [[NaN, 1, 1, 1], [Infinity, 1, 1, 1]]}'
    assert client.post("/v1/models/mixing:predict", content=body).json()["predictions"][0] == [None, 0, 0, 0]


def inferred(client, name, tensors, **more):
    return client.post(f"/v2/models/{name}/infer", json={"inputs": tensors, **more})


def tensor(name="x", datatype="FP32", shape=(3, 6), data=None):
    return {"name": name, "datatype": datatype, "shape": list(shape), "data": ROWS.tolist() if data is None else data}


@pytest.mark.parametrize("data", [ROWS.tolist(), ROWS.ravel().tolist()], ids=["nested", "flat"])
def test_the_inference_protocol_takes_json_flat_and_nested(client, data):
    said = inferred(client, "mlp", [tensor(data=data)], id="mine").json()
    (output,) = said["outputs"]
    assert (said["id"], output["name"], output["datatype"], output["shape"]) == ("mine", "scores", "FP32", [3, 3])
    alike(np.reshape(output["data"], (3, 3)))


def test_tensors_as_bytes_are_answered_as_bytes(client):
    image = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "image",
                    "datatype": "UINT8",
                    "shape": image.shape,
                    "parameters": {"binary_data_size": image.nbytes},
                }
            ],
            "outputs": [{"name": "color", "parameters": {"binary_data": True}}],
        }
    ).encode()
    answer = client.post("/v2/models/image/infer", content=head + image.tobytes(), headers={JSON_SIZE: str(len(head))})
    size = int(answer.headers[JSON_SIZE])
    assert json.loads(answer.content[:size])["outputs"][0]["shape"] == [2, 3]
    found = np.frombuffer(answer.content[size:], "<f4").reshape(2, 3)
    alike(found, image.reshape(2, 20, 3).mean(axis=1))


def test_a_body_of_bytes_alone_is_the_one_tensor(client):
    answer = client.post("/v2/models/mlp/infer", content=ROWS.tobytes(), headers={JSON_SIZE: "0"})
    size = int(answer.headers[JSON_SIZE])
    alike(np.frombuffer(answer.content[size:], "<f4").reshape(3, 3))


@pytest.mark.parametrize(
    ("name", "size", "trouble"),
    [("mlp", 23, "does not follow from them"), ("image", 12, "does not follow"), ("two", 8, "the model takes 2")],
)
def test_bytes_alone_whose_shape_is_unknown_are_refused(client, name, size, trouble):
    answer = client.post(f"/v2/models/{name}/infer", content=bytes(size), headers={JSON_SIZE: "0"})
    assert answer.status_code == 400
    assert trouble in answer.json()["error"]


def test_texts_go_in_and_out_as_bytes(client):
    raw = b"\x02\0\0\0\xc3\xbc"
    head = json.dumps(
        {
            "inputs": [
                {"name": "x", "datatype": "FP64", "shape": [1, 3], "data": [1, 2, 3]},
                {"name": "name", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(raw)}},
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    answer = client.post("/v2/models/two/infer", content=head + raw, headers={JSON_SIZE: str(len(head))})
    assert answer.content[int(answer.headers[JSON_SIZE]) :] == np.array([6.0]).tobytes() + b"\x03\0\0\0\xc3\xbc!"


@pytest.mark.parametrize("body", [{"inputs": ROWS.tolist()}, {"inputs": {"x": ROWS.tolist()}}])
def test_scoring_takes_whole_tensors(tmp_path, body):
    with TensorServer(tmp_path, ("mlp",)) as alone, alone.client() as client:
        for sent in (body, {"instances": ROWS.tolist()}, ROWS.tolist()):
            alike(client.post("/invocations", json=sent).json()["predictions"])
        alike(client.post("/predict", json={"features": ROWS.tolist()}).json()["predictions"])
        table = client.post("/invocations", json={"dataframe_records": [{"x": 1}]})
        assert (table.status_code, "not the table" in table.json()["error"]) == (400, True)
        text = client.post("/invocations", content=b"x\n1\n", headers={"content-type": "text/csv"})
        assert text.status_code == 415
        params = client.post("/invocations", json={**body, "params": {"a": 1}})
        assert params.json()["field"] == "$.params"


WRONG = {
    "mlp": [
        ("predict", {"instances": [[1, 2, 3]]}, "tensor 'x' wants shape [-1, 6], got [1, 3]", "x"),
        ("predict", {"instances": [[1, 2], [1]]}, "differ in length", "$.instances"),
        ("predict", {"instances": []}, "differ in length or are empty", "$.instances"),
        ("predict", {"instances": [["a"] * 6]}, "wants a number or null, got a text", "$.instances[0][0]"),
        ("predict", {"instances": [{"y": [1]}]}, "there is no tensor 'y'", "y"),
        ("predict", {"instances": [{"x": [1] * 6}, {}]}, "1 of 2 instances have the tensor 'x'", "$.instances"),
        ("predict", {"instances": [{"x": [1] * 6}, [1]]}, "is no object of named values", "$.instances[1]"),
        ("predict", {"inputs": 5}, "wants a list, got a whole number", "$.inputs"),
        ("predict", {"inputs": {"x": 5}}, "wants a list, got a whole number", "$.inputs.x"),
        ("predict", {}, "got neither", None),
        ("predict", {"inputs": [[1] * 6], "instances": [[1] * 6]}, "got both", None),
        ("predict", {"instances": [[1e39] + [1] * 5]}, "beyond what float32 holds", "$.instances"),
        ("predict", {"signature_name": "other", "inputs": [[1] * 6]}, "there is no signature", "$.signature_name"),
        ("classify", {"examples": []}, "takes tensors, not examples", None),
        ("infer", {"inputs": [tensor(datatype="FP64")]}, "tensor 'x' wants datatype FP32, got 'FP64'", "x"),
        ("infer", {"inputs": [tensor(shape=(3, 5))]}, "tensor 'x' wants shape [-1, 6], got [3, 5]", "x"),
        ("infer", {"inputs": [tensor(shape=(2, 6))]}, "has the shape [2, 6], but its data has [3, 6]", "x"),
        ("infer", {"inputs": [tensor(shape=(2, 6), data=[1] * 11)]}, "but its data has 11 values", "x"),
        ("infer", {"inputs": [tensor(shape=(1, 6), data=[1, 2, 3, 4, 5, "a"])]}, "wants a number or null", "x[5]"),
        ("infer", {"inputs": [tensor(), tensor()]}, "tensor 'x' is there twice", "x"),
        ("infer", {"inputs": []}, "the tensor 'x' is missing", "x"),
        ("infer", {"inputs": [tensor()], "outputs": [{"name": "z"}]}, "there is no output 'z'", "$.outputs"),
        ("infer", {"inputs": [tensor(shape=(0, 6), data=[])]}, "the request holds no rows", None),
    ],
    "two": [
        ("predict", {"instances": [[1, 2, 3]]}, "an instance is an object of named values", "$.instances"),
        ("predict", {"instances": [{"x": [1, 2, 3]}]}, "the tensor 'name' is missing", "name"),
        ("predict", {"inputs": {"x": [[1, 2, 3]], "name": ["a", "b"]}}, "{'x': 1, 'name': 2}", None),
        (
            "predict",
            {"inputs": {"x": [[1, 2, 3]], "name": [5]}},
            "wants a text, got a whole number",
            "$.inputs.name[0]",
        ),
        ("predict", {"inputs": {"x": [[1, 2, 3]], "name": [{"b64": "%"}]}}, "is not base64", "$.inputs.name[0]"),
    ],
    "image": [
        ("predict", {"instances": [[[[1, 2, 300]]]]}, "beyond what uint8 holds", "$.instances"),
        ("predict", {"instances": [[[[1, 2, 2.5]]]]}, "wants a whole number", "$.instances[0][0][0][2]"),
    ],
    "lookup": [("predict", {"instances": [[99]]}, "idx=99 must be within the inclusive range", None)],
    "scalar": [("predict", {"instances": [1]}, "has no axis for instances", "$.instances")],
}


@pytest.mark.parametrize(
    ("name", "verb", "body", "trouble", "field"),
    [(name, *case) for name, cases in WRONG.items() for case in cases],
)
def test_what_does_not_fit_is_refused_with_the_place(client, name, verb, body, trouble, field):
    path = f"/v2/models/{name}/infer" if verb == "infer" else f"/v1/models/{name}:{verb}"
    answer = client.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert trouble in answer.json()["error"]
    assert answer.json()["field"] == field


def test_nothing_that_is_sent_is_an_error_of_the_server(client):
    good = json.dumps({"instances": [{"x": [1, 2, 3], "name": "a"}]}).encode()
    rng = np.random.default_rng(3)
    bodies = [good[:cut] for cut in range(len(good))]
    for _ in range(200):
        changed = bytearray(good)
        for place in rng.integers(0, len(good), 2):
            changed[place] = rng.choice(bytearray(b'[]{}",:0-9nul\\\xffNaI'))
        bodies.append(bytes(changed))
    statuses = set()
    for body in bodies:
        statuses.add(client.post("/v1/models/two:predict", content=body).status_code)
        statuses.add(client.post("/v1/models/two:predict", content=body.replace(b"instances", b"inputs")).status_code)
    assert statuses <= {200, 400}


def test_too_many_values_and_too_many_rows_are_refused(client):
    many = client.post("/v1/models/mlp:predict", json={"instances": [[0] * 6] * 1001})
    assert (many.status_code, "1001 rows, and the limit is 1000" in many.text) == (413, True)
    huge = inferred(client, "mlp", [tensor(shape=(2**40, 6), data=[])])
    assert (huge.status_code, "the limit is 16777216" in huge.text) == (413, True)


def test_a_long_request_is_answered_like_a_short_one(client):
    rows = np.tile(ROWS, (300, 1))
    alike(
        client.post("/v1/models/mlp:predict", json={"instances": rows.tolist()}).json()["predictions"],
        np.tile(scores(), (300, 1)),
    )


def test_pages_tell_names_types_and_shapes(client):
    said = client.get("/v2/models/image").json()
    assert said["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, -1, -1, 3]}]
    assert said["outputs"] == [{"name": "color", "datatype": "FP32", "shape": [-1, 3]}]
    config = client.get("/v2/models/two/config").json()
    assert config["input"][1] == {"name": "name", "data_type": "TYPE_STRING", "dims": [-1], "optional": False}
    assert config["max_batch_size"] == 0
    definition = client.get("/v1/models/mlp/metadata").json()["metadata"]["signature_def"]["signature_def"]
    assert definition["serving_default"]["inputs"]["x"]["tensor_shape"]["dim"][1] == {"size": "6", "name": ""}
    assert client.get("/v2/models/mlp/stats").json()["model_stats"][0]["name"] == "mlp"


def test_the_description_has_an_example_that_is_answered(client):
    description = client.get("/openapi.json").json()
    assert "/v1/models/mlp:classify" not in description["paths"]
    for name in ("mlp", "two", "image", "lookup", "mixing"):
        for path in (f"/v1/models/{name}:predict", f"/v2/models/{name}/infer", f"/predict/{name}"):
            if name == "two" and path.startswith("/predict"):
                continue
            (content,) = description["paths"][path]["post"]["requestBody"]["content"].values()
            assert client.post(path, json=content["example"]).status_code == 200, path


def test_timings_and_traffic_are_told_as_of_any_model(client, server):
    answer = client.post("/v1/models/mlp:predict", json={"instances": ROWS.tolist()}, headers={"x-request-timing": "1"})
    assert "compute;dur=" in answer.headers["server-timing"]
    before = server.lanes["mlp"].snapshot().rows
    client.post("/v1/models/mlp:predict", json={"instances": ROWS.tolist()})
    assert server.lanes["mlp"].snapshot().rows == before + 3


def test_golives_client_speaks_in_arrays(server):
    with golive.Client(f"http://127.0.0.1:{server.port}") as client:
        answer = client.infer("mlp", {"x": ROWS}, timings=True)
        alike(answer["scores"])
        assert (answer["scores"].dtype, answer.version, "compute" in answer.timings) == (np.float32, "1", True)
        alike(client.infer("mlp", {"x": ROWS.tolist()})["scores"])
        found = client.infer("two", {"x": [[1, 2, 3]], "name": ["ü"]}, outputs=["loud"]).outputs
        assert {name: array.tolist() for name, array in found.items()} == {"loud": ["ü!"]}
        assert client.infer("scalar", {"x": 2})["y"].shape == ()
        with pytest.raises(RequestError, match="tensor 'x' wants datatype FP32, got 'FP64'"):
            client.infer("mlp", {"x": ROWS.astype(float)})
        with pytest.raises(RequestError, match="complex128, which no tensor has"):
            client.infer("mlp", {"x": ROWS.astype(complex)})
        with pytest.raises(NotFoundError):
            client.infer("nothing", {"x": ROWS})


def test_golives_async_client_speaks_in_arrays(server):
    async def main():
        async with golive.AsyncClient(f"http://127.0.0.1:{server.port}") as client:
            return await asyncio.gather(*(client.infer("mlp", {"x": ROWS}) for _ in range(8)))

    for answer in asyncio.run(main()):
        alike(answer["scores"])


@pytest.fixture
def caller(server):
    with server.caller() as caller:
        yield caller


def called(caller, *, raw, shape=(2, 3), datatype="FP64"):
    request = caller.messages["inference.ModelInferRequest"](model_name="two", id="q")
    x = request.inputs.add(name="x", datatype=datatype, shape=shape)
    name = request.inputs.add(name="name", datatype="BYTES", shape=[2])
    if raw:
        request.raw_input_contents.extend([np.arange(6.0).tobytes(), b"\1\0\0\0a\2\0\0\0bc"])
    else:
        x.contents.fp64_contents.extend(range(6))
        name.contents.bytes_contents.extend([b"a", b"bc"])
    return request


def test_calls_with_raw_tensors_are_answered_raw(caller):
    answer, _ = caller.infer(called(caller, raw=True))
    assert (answer.id, [list(output.shape) for output in answer.outputs]) == ("q", [[2], [2]])
    assert list(answer.raw_output_contents) == [np.array([3.0, 12.0]).tobytes(), b"\2\0\0\0a!\3\0\0\0bc!"]


def test_calls_with_typed_tensors_are_answered_typed(caller):
    answer, _ = caller.infer(called(caller, raw=False))
    assert list(answer.outputs[0].contents.fp64_contents) == [3, 12]
    assert list(answer.outputs[1].contents.bytes_contents) == [b"a!", b"bc!"]


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"shape": (3, 2)}, "tensor 'x' wants shape [-1, 3], got [3, 2]"),
        ({"datatype": "FP32"}, "tensor 'x' wants datatype FP64, got 'FP32'"),
    ],
)
def test_calls_that_do_not_fit_are_refused(caller, change, trouble):
    assert trouble in caller.refusal(called(caller, raw=False, **change)).details()


def test_calls_tell_of_tensors(caller):
    described = caller("ModelMetadata", name="image")
    assert [(each.name, each.datatype, list(each.shape)) for each in described.inputs] == [
        ("image", "UINT8", [-1, -1, -1, 3])
    ]
    assert list(caller("ModelConfig", name="image").config.input[0].dims) == [-1, -1, -1, 3]
