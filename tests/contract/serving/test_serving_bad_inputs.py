"""Every kind of bad request gets a clear answer with a stable code, on the hot road."""

import gzip

import pytest

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
HOUSE = {"area": 2.0, "year_built": 2000, "pool": True, "zone": "north"}


def refused(client, path, body, status):
    kind = {"content": body} if isinstance(body, (str, bytes)) else {"json": body}
    answer = client.post(path, **kind)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert set(told) == {"error", "code", "field", "request_id"}
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


@pytest.mark.parametrize("path", ["/v1/models/houses:predict", "/predict/houses", "/v2/models/houses/infer"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"{", "not valid JSON"),
        (b"[1, 2", "wants an object"),
        (b"[]", "wants an object, got a list"),
        (b"null", "wants an object, got null"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"a": ' + b"[" * 40_000, "nested too deeply"),
        (b"{} trailing", ""),
    ],
    ids=["empty", "blank", "cut", "cut-list", "list", "null", "binary", "deep", "trailing"],
)
def test_a_body_that_is_no_json_object_is_400(client, path, body, words):
    told = refused(client, path, body, 400)
    assert words in told["error"]
    assert told["code"] == "bad_request"


def test_a_text_that_is_not_utf8_is_400(client):
    body = b'{"instances": [{"area": 1, "year_built": 1, "pool": true, "zone": "\xff"}]}'
    assert "UTF-8" in refused(client, "/v1/models/houses:predict", body, 400)["error"]


def test_an_unknown_field_is_422_and_the_nearest_name_is_suggested(client):
    told = refused(client, "/v1/models/houses:predict", {"instances": [HOUSE, {**HOUSE, "year_build": 1}]}, 422)
    assert "did you mean 'year_built'?" in told["error"]
    assert (told["code"], told["field"]) == ("invalid_row", "$.instances[1].year_build")


def test_a_missing_field_is_422(client):
    told = refused(client, "/v1/models/houses:predict", {"instances": [{"area": 1.0, "pool": False}]}, 422)
    assert "'year_built' is missing" in told["error"]
    assert told["field"] == "$.instances[0].year_built"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("year_built", "old", "wants a whole number, got a text"),
        ("year_built", 1999.5, "fraction"),
        ("year_built", None, "wants a whole number, got null"),
        ("year_built", 10**30, "64 bits"),
        ("area", "big", "wants a number, got a text"),
        ("area", None, "wants a number, got null"),
        ("area", True, "wants a number, got true or false"),
        ("area", [1], "wants a number, got a list"),
        ("pool", 1, "wants true or false, got a whole number"),
        ("zone", 7, "wants a text or null, got a whole number"),
    ],
)
def test_a_value_of_the_wrong_type_is_422_with_its_path(client, field, value, words):
    told = refused(client, "/v1/models/houses:predict", {"instances": [HOUSE, HOUSE, {**HOUSE, field: value}]}, 422)
    assert words in told["error"]
    assert told["field"] == f"$.instances[2].{field}"


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_tokens_are_400_but_in_the_protocol_that_has_them(client, token):
    body = '{"features": [[' + token + ", 2000, true, null]]}"
    assert "NaN and Infinity are not JSON" in refused(client, "/predict/houses", body, 400)["error"]


@pytest.mark.parametrize("token", ["1e400", "-1e400", "9" * 400])
def test_numbers_beyond_64_bits_are_422(client, token):
    body = '{"instances": [{"area": ' + token + ', "year_built": 2000, "pool": true}]}'
    assert "64 bits" in refused(client, "/v1/models/houses:predict", body, 422)["error"]


@pytest.mark.parametrize("body", [{}, {"instance": []}, {"instances": [FLOWER], "inputs": {}}, {"instances": None}])
def test_neither_or_both_of_instances_and_inputs_is_400(client, body):
    refused(
        client,
        "/v1/models/houses:predict" if body else "/v1/models/iris:predict",
        body,
        400 if "inputs" not in body else 422,
    )


def test_both_well_formed_instances_and_inputs_are_400(client):
    body = {"instances": [FLOWER], "inputs": {name: [value] for name, value in FLOWER.items()}}
    assert "got both" in refused(client, "/v1/models/iris:predict", body, 400)["error"]


def test_no_rows_are_400(client):
    assert "no rows" in refused(client, "/v1/models/iris:predict", {"instances": []}, 400)["error"]
    assert "no rows" in refused(client, "/predict/iris", {"features": []}, 400)["error"]


def test_columns_of_different_lengths_are_400(client):
    body = {"inputs": {"area": [1, 2], "year_built": [1], "pool": [True]}}
    assert "one length" in refused(client, "/v1/models/houses:predict", body, 400)["error"]


@pytest.mark.parametrize("row", [[5.1, 3.5, 1.4], [5.1, 3.5, 1.4, 0.2, 1.0]])
def test_a_row_of_the_wrong_length_is_400_and_the_order_is_told(client, row):
    told = refused(client, "/predict/iris", {"features": [row]}, 400)
    assert "4 values in this order: sepal_length, sepal_width, petal_length, petal_width" in told["error"]


def test_a_wrong_value_in_features_is_400_and_its_name_is_told(client):
    told = refused(client, "/predict/iris", {"features": [[5.1, "x", 1.4, 0.2]]}, 400)
    assert "$.features[0][1] (sepal_width) wants a number, got a text" in told["error"]


def test_an_unknown_model_is_404_and_the_known_names_are_listed(client):
    for path in ("/v1/models/iriss:predict", "/predict/iriss", "/v2/models/iriss/infer"):
        told = refused(client, path, {}, 404)
        assert told["code"] == "not_found"
        assert "iris, houses" in told["error"]


def test_an_unknown_version_is_404_and_the_loaded_ones_are_listed(client):
    for path in ("/v1/models/iris/versions/9:predict", "/v2/models/iris/versions/9/infer"):
        assert "loaded are: 1, 2" in refused(client, path, {}, 404)["error"]
    assert client.get("/v2/models/iris/versions/9/ready").status_code == 404
    assert client.get("/v2/models/iris/versions/one").status_code == 404


def test_an_unknown_path_is_404_and_a_wrong_method_405(client):
    refused(client, "/nowhere", {}, 404)
    answer = client.get("/predict/iris")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.post("/health").status_code == 405


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        ({"name": "input", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}, "shape [n, 4]"),
        ({"name": "input", "shape": [4], "datatype": "FP64", "data": [1, 2, 3, 4]}, "shape [n, 4]"),
        ({"name": "input", "shape": [2, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}, "holds its 4 values"),
        ({"name": "input", "shape": [-1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}, "holds its 4 values"),
        ({"name": "input", "shape": [1, 4], "datatype": "BYTES", "data": ["1", "2", "3", "4"]}, "wants datatype FP64"),
        ({"name": "input", "shape": [1, 4], "datatype": "FP64", "data": ["1", "2", "3", "4"]}, "wants a number"),
        ({"name": "input", "shape": [2, 4], "datatype": "FP64", "data": [[1, 2, 3, 4], [1, 2, 3]]}, "rectangular"),
        ({"name": "inputs", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}, "no tensor 'inputs'"),
        ({"name": "sepal_length", "shape": [1, 1], "datatype": "FP64", "data": [1]}, "'sepal_width' is missing"),
        ({"name": "sepal_length", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}, "shape [n, 1] or [n]"),
        ({"name": "sepal_length", "shape": [1, 1], "datatype": "BOOL", "data": [True]}, "got 'BOOL'"),
    ],
)
def test_a_tensor_that_does_not_fit_is_400_and_named(client, tensor, words):
    told = refused(client, "/v2/models/iris/infer", {"inputs": [tensor]}, 400)
    assert words in told["error"]
    assert tensor["name"] in told["error"]


def test_an_unknown_output_is_400(client):
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}
    told = refused(client, "/v2/models/iris/infer", {"inputs": [tensor], "outputs": [{"name": "proba"}]}, 400)
    assert "the outputs are: predict, probabilities" in told["error"]


def test_a_decompression_bomb_is_413(client):
    bomb = gzip.compress(b" " * 5_000_000)
    answer = client.post("/predict/iris", content=bomb, headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("encoding", "body"),
    # Names of their own: gzip writes the time into its bytes, and every test process must collect the same names.
    [("gzip", b"no gzip"), ("br", b"x"), ("gzip", gzip.compress(b"{}", mtime=0)[:-9])],
    ids=["no gzip at all", "an unknown encoding", "gzip that is cut short"],
)
def test_a_body_that_is_not_what_its_encoding_says_is_400(client, encoding, body):
    answer = client.post("/predict/iris", content=body, headers={"content-encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_refusals_are_counted_by_code(running):
    with running() as counting, counting.client() as client:
        refused(client, "/v1/models/houses:predict", {"instances": [{}]}, 422)
        refused(client, "/nowhere", {}, 404)
        snapshot = counting.board.snapshot()
    (houses,) = (lane for lane in snapshot.lanes if lane.model == "houses")
    assert (houses.requests, houses.errors) == ({422: 1}, {"invalid_row": 1})
    assert snapshot.rejected == {"not_found": 1}
