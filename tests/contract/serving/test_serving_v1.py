"""TensorFlow Serving's and KServe's v1 protocol, by what their clients read."""

import pytest

from golive.serving.server import ServerConfig

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
HOUSE = {"area": 2.0, "year_built": 2000, "pool": True, "zone": "north"}
PRICE = 2210.0


def test_a_regression_is_asked_to_regress(client):
    body = {"context": {"pool": True, "year_built": [2000]}, "examples": [{"area": 2.0, "zone": "north"}, {"area": 3}]}
    answer = client.post("/v1/models/houses:regress", json=body)
    assert (answer.status_code, answer.json()) == (200, {"result": [PRICE, PRICE + 95.0]})
    assert answer.headers["x-model-version"] == "3"


def test_a_classification_is_asked_to_classify(client):
    answer = client.post("/v1/models/iris/versions/2:classify", json={"examples": [FLOWER]})
    ((scores,),) = (answer.json()["result"],)
    assert [label for label, _ in scores] == ["0", "1", "2"]
    assert sum(score for _, score in scores) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/models/iris:regress", "is a classification; post to /v1/models/iris:classify"),
        ("/v1/models/houses/versions/3:classify", "is a regression; post to /v1/models/houses:regress"),
    ],
)
def test_the_wrong_verb_is_refused_and_the_right_one_named(client, path, words):
    answer = client.post(path, json={"examples": [FLOWER]})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/models/iris:explain", "the model 'iris' takes :predict or :classify"),
        ("/v1/models/irises:classify", "there is no model 'irises'"),
        ("/v1/models/iris/versions/9:classify", "no version '9'"),
        ("/v1/models/iris/labels/stable:predict", "versions have no labels"),
        ("/v2/models/iris/generate", "/infer"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_does(client, path, words):
    answer = client.post(path, json={"instances": [FLOWER]})
    assert answer.status_code == 404
    assert words in answer.json()["error"]


def test_labels_are_404_and_say_so(client):
    for rest in ("", "/metadata"):
        answer = client.get(f"/v1/models/iris/labels/stable{rest}")
        assert answer.status_code == 404
        assert "'stable'" in answer.json()["error"]
        assert "N one of: 1, 2" in answer.json()["error"]
    assert "no model 'x'" in client.get("/v1/models/x/labels/stable").json()["error"]


@pytest.mark.parametrize(("path", "version"), [("/v1/models/iris", "1"), ("/v1/models/iris/versions/2", "2")])
def test_the_metadata_names_the_version_and_its_tensors(client, path, version):
    told = client.get(f"{path}/metadata").json()
    assert told["model_spec"] == {"name": "iris", "signature_name": "", "version": version}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert list(signature["inputs"]) == list(FLOWER)
    assert signature["outputs"]["predictions"]["dtype"] == "DT_INT64"
    assert signature["method_name"] == "tensorflow/serving/predict"


def test_a_status_is_read_by_clients_of_both_servers(client):
    ok = {"error_code": "OK", "error_message": ""}
    assert client.get("/v1/models/iris/versions/2").json() == {
        "name": "iris",
        "ready": True,
        "model_version_status": [{"version": "2", "state": "AVAILABLE", "status": ok}],
    }
    assert client.get("/v1/models").json() == {"models": ["iris", "houses", "large"]}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_the_tokens_of_numbers_that_are_none_are_legal_but_fit_no_field_that_is_needed(client, token):
    body = '{"instances": [{"area": ' + token + ', "year_built": 2000, "pool": true}]}'
    answer = client.post("/v1/models/houses:predict", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_row")
    assert answer.json()["field"] == "$.instances[0].area"


def test_a_nan_where_a_value_may_be_missing_is_a_missing_value(client):
    body = '{"instances": [{"area": 2.0, "year_built": 2000, "pool": true, "zone": NaN}]}'
    assert client.post("/v1/models/houses:predict", content=body).json()["predictions"] == [PRICE - 5.0]


def test_a_text_in_base64_is_the_text(client):
    house = {**HOUSE, "zone": {"b64": "bm9ydGg="}}
    assert client.post("/v1/models/houses:predict", json={"instances": [house]}).json()["predictions"] == [PRICE]


def test_the_counters_are_told_in_the_words_of_triton(running):
    with running() as server, server.client() as client:
        for _ in range(3):
            client.post("/v1/models/iris:predict", json={"instances": [FLOWER, FLOWER]})
        client.post("/v1/models/iris:predict", json={})
        (one,) = client.get("/v2/models/iris/versions/1/stats").json()["model_stats"]
        assert (one["inference_count"], one["execution_count"]) == (6, 3)
        assert one["inference_stats"]["success"]["count"] == 3
        assert one["inference_stats"]["success"]["ns"] > one["inference_stats"]["compute_infer"]["ns"] > 0
        assert one["inference_stats"]["fail"]["count"] == 1
        both = client.get("/v2/models/iris/stats").json()["model_stats"]
        assert [each["version"] for each in both] == ["1", "2"]
        every = client.get("/v2/models/stats").json()["model_stats"]
        assert {(each["name"], each["version"]) for each in every} == {
            ("iris", "1"),
            ("iris", "2"),
            ("houses", "3"),
            ("large", "4"),
        }
        assert client.get("/v2/models/none/stats").status_code == 404
        assert client.get("/v2/models/iris/versions/7/stats").status_code == 404


def test_the_config_is_one_that_load_tools_can_send_by(client):
    for path in ("/v2/models/houses/config", "/v2/models/houses/versions/3/config"):
        told = client.get(path).json()
        assert (told["name"], told["max_batch_size"]) == ("houses", 100_000)
        assert [each["data_type"] for each in told["input"]] == ["TYPE_FP64", "TYPE_INT64", "TYPE_BOOL", "TYPE_STRING"]


def test_readers_of_a_model_need_the_key_that_its_predictions_need(running):
    config = ServerConfig(authorize=lambda _, key: "me" if key == b"good" else None, drain_s=0.3)
    with running(config) as server, server.client() as client:
        pages = (
            "/v1/models/iris/metadata",
            "/v2/models/stats",
            "/v2/models/iris/stats",
            "/v2/models/iris/config",
            "/version",
        )
        for page in pages:
            assert client.get(page).status_code == 401
            assert client.get(page, headers={"x-api-key": "good"}).status_code == 200
