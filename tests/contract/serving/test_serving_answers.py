"""Every protocol with good bodies, over real sockets and real graphs."""

import gzip
import time
import zlib

import pytest

from golive.domain.release import Share
from golive.domain.serving import Route
from golive.serving.server import ServerConfig

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
VALUES = list(FLOWER.values())
HOUSE = {"area": 2.0, "year_built": 2000, "pool": True, "zone": "north"}
PRICE = 200.0 + 1000.0 + 1000.0 + 10.0


def predicted(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_instances_of_a_classifier_give_integer_labels_and_probabilities(client):
    answer = client.post("/v1/models/iris:predict", json={"instances": [FLOWER, FLOWER]})
    body = answer.json()
    assert body["predictions"] == [0, 0]
    assert [round(sum(row), 12) for row in body["probabilities"]] == [1.0, 1.0]
    assert (body["model_name"], body["model_version"]) == ("iris", "1")
    assert answer.headers["x-model-version"] == "1"
    assert answer.headers["x-request-id"]


def test_instances_of_a_regression_give_floats_and_no_probabilities(client):
    body = predicted(client, "/v1/models/houses:predict", {"instances": [HOUSE]})
    assert body["predictions"] == [PRICE]
    assert body["probabilities"] is None


def test_instances_may_be_lists_in_the_order_of_the_signature(client):
    assert predicted(client, "/v1/models/houses:predict", {"instances": [list(HOUSE.values())]})["predictions"] == [
        PRICE
    ]


def test_columns_give_outputs(client):
    columns = {"area": [2, 3], "year_built": [2000, 2000], "pool": [True, False], "zone": ["north", None]}
    assert predicted(client, "/v1/models/houses:predict", {"inputs": columns})["outputs"] == [PRICE, 1305.0]


def test_a_nullable_field_may_be_left_out(client):
    house = {name: value for name, value in HOUSE.items() if name != "zone"}
    assert predicted(client, "/v1/models/houses:predict", {"instances": [house]})["predictions"] == [PRICE - 5.0]


def test_a_category_never_seen_is_served(client):
    body = predicted(client, "/v1/models/houses:predict", {"instances": [{**HOUSE, "zone": "east"}]})
    assert body["predictions"] == [PRICE - 10.0]


def test_a_whole_number_written_as_a_float_is_taken(client):
    assert predicted(client, "/v1/models/houses:predict", {"instances": [{**HOUSE, "year_built": 2000.0}]})[
        "predictions"
    ] == [PRICE]


def test_a_pinned_version_answers_itself(client):
    answer = client.post("/v1/models/iris/versions/2:predict", json={"instances": [FLOWER]})
    assert answer.headers["x-model-version"] == "2"
    assert answer.json()["model_version"] == "2"


def test_features_are_answered_in_the_order_of_the_signature(client):
    assert predicted(client, "/predict/iris", {"features": [VALUES]})["predictions"] == [0]
    assert predicted(client, "/predict/houses", {"features": [[2.0, 2000, True, None]]})["predictions"] == [PRICE - 5.0]


@pytest.mark.parametrize("data", [VALUES, [VALUES]], ids=["flat", "nested"])
def test_a_fused_tensor_is_answered(client, data):
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP32", "data": data}
    body = predicted(client, "/v2/models/iris/infer", {"id": "my-id", "inputs": [tensor]})
    assert body["id"] == "my-id"
    label, probabilities = body["outputs"]
    assert label == {"name": "predict", "datatype": "INT64", "shape": [1, 1], "data": [0]}
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP64", [1, 3])
    assert sum(probabilities["data"]) == pytest.approx(1.0)


def test_one_tensor_a_field_is_answered(client):
    inputs = [
        {"name": "area", "shape": [2, 1], "datatype": "FP64", "data": [[2.0], [3.0]]},
        {"name": "year_built", "shape": [2], "datatype": "INT64", "data": [2000, 2000]},
        {"name": "pool", "shape": [2, 1], "datatype": "BOOL", "data": [True, False]},
        {"name": "zone", "shape": [2, 1], "datatype": "BYTES", "data": ["north", "south"]},
    ]
    body = predicted(client, "/v2/models/houses/versions/3/infer", {"inputs": inputs})
    assert body["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [2, 1], "data": [PRICE, 1320.0]}]


def test_only_requested_outputs_are_given(client):
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": VALUES}
    body = predicted(client, "/v2/models/iris/infer", {"inputs": [tensor], "outputs": [{"name": "predict"}]})
    assert [output["name"] for output in body["outputs"]] == ["predict"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": [FLOWER]},
        {"dataframe_split": {"columns": list(FLOWER), "data": [VALUES]}},
        {"instances": [FLOWER]},
        {"instances": [VALUES]},
        {"inputs": {name: [value] for name, value in FLOWER.items()}},
    ],
    ids=["records", "split", "instances", "lists", "columns"],
)
def test_invocations_take_every_json_form(running, body):
    with running(traffic=(Route("iris", (Share(1, 1.0),)),)) as alone, alone.client() as client:
        assert predicted(client, "/invocations", body)["predictions"] == [0]
        assert predicted(client, "/predict", {"features": [VALUES]})["predictions"] == [0]


def test_a_path_without_a_name_lists_the_names_where_there_are_several(client):
    answer = client.post("/predict", json={"features": [VALUES]})
    assert answer.status_code == 404
    assert "iris, houses" in answer.json()["error"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bodies_are_answered(client, encoding):
    plain = b'{"features": [[5.1, 3.5, 1.4, 0.2]]}'
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    answer = client.post("/predict/iris", content=packed, headers={"content-encoding": encoding})
    assert answer.json()["predictions"] == [0]


def test_the_callers_request_id_is_echoed_only_when_it_is_valid(client):
    good = client.post("/predict/iris", json={"features": [VALUES]}, headers={"x-request-id": "order-66.a_B"})
    bad = client.post("/predict/iris", json={"features": [VALUES]}, headers={"x-request-id": "a b<script>"})
    assert good.headers["x-request-id"] == "order-66.a_B"
    assert "script" not in bad.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/health", {"status": "healthy"}),
        ("/ping", {"status": "healthy"}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"live": True, "ready": True}),
        ("/v2/models/iris/ready", {"name": "iris", "ready": True}),
        ("/v2/models/iris/versions/2/ready", {"name": "iris", "ready": True}),
        (
            "/v2",
            {
                "name": "test",
                "version": "1",
                "extensions": [
                    "binary_tensor_data",
                    "model_configuration",
                    "model_repository(index)",
                    "statistics",
                ],
            },
        ),
        ("/v1/models", {"models": ["iris", "houses", "large"]}),
    ],
)
def test_ordinary_routes_say_exactly_what_clients_read(client, path, expected):
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, expected)
    assert answer.headers["x-request-id"]


def test_the_index_names_every_loaded_version_and_nobody_loads_another(client):
    listed = client.post("/v2/repository/index", json={"ready": True}).json()
    loaded = [("iris", "1"), ("iris", "2"), ("houses", "3"), ("large", "4")]
    assert listed == [{"name": name, "version": version, "state": "READY"} for name, version in loaded]
    assert client.post("/v2/repository/index").json() == listed
    assert (client.get("/v2/repository/index").status_code, client.get("/v2/repository/index").headers["allow"]) == (
        405,
        "POST",
    )
    for verb in ("load", "unload"):
        answer = client.post(f"/v2/repository/models/iris/{verb}", json={})
        assert (answer.status_code, "golive deploy" in answer.json()["error"]) == (501, True)


def test_model_metadata_names_tensors_and_versions(client):
    body = client.get("/v2/models/houses").json()
    assert body["versions"] == ["3"]
    assert [(each["name"], each["datatype"], each["shape"]) for each in body["inputs"]] == [
        ("area", "FP64", [-1, 1]),
        ("year_built", "INT64", [-1, 1]),
        ("pool", "BOOL", [-1, 1]),
        ("zone", "BYTES", [-1, 1]),
    ]
    assert body["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1, 1]}]


def test_model_status_suits_both_kinds_of_v1_client(client):
    body = client.get("/v1/models/iris").json()
    assert (body["name"], body["ready"]) == ("iris", True)
    assert [(each["version"], each["state"]) for each in body["model_version_status"]] == [
        ("1", "AVAILABLE"),
        ("2", "AVAILABLE"),
    ]


def test_every_example_of_the_openapi_page_is_answered(client):
    api = client.get("/openapi.json").json()
    posts = {path: verbs["post"] for path, verbs in api["paths"].items() if "requestBody" in verbs.get("post", {})}
    assert len(posts) == 2 * 3 * 4
    for path, route in posts.items():
        (version,) = (version for name, version in {"iris": 1, "houses": 3, "large": 4}.items() if name in path)
        predicted(
            client,
            path.replace("{version}", str(version)),
            route["requestBody"]["content"]["application/json"]["example"],
        )


def test_the_docs_page_asks_no_other_host(client):
    page = client.get("/docs").text
    assert "openapi.json" in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_share_of_the_traffic_goes_to_each_version(running):
    with running(traffic=(Route("iris", (Share(1, 0.7), Share(2, 0.3))),)) as split, split.client() as client:
        ids = [f"request-{index}" for index in range(300)]
        versions = [
            client.post("/predict/iris", json={"features": [VALUES]}, headers={"x-request-id": each}).headers[
                "x-model-version"
            ]
            for each in ids
        ]
        assert 60 <= versions.count("2") <= 120
        again = client.post("/predict/iris", json={"features": [VALUES]}, headers={"x-request-id": ids[0]})
        assert again.headers["x-model-version"] == versions[0]


def test_a_shift_moves_all_traffic(running):
    with running() as moving, moving.client() as client:
        moving.board.shift((Route("iris", (Share(2, 1.0),)),))
        answer = client.post("/predict", json={"features": [VALUES]})
        assert answer.headers["x-model-version"] == "2"
        assert client.post("/v1/models/houses:predict", json={"instances": [HOUSE]}).status_code == 404
        assert client.post("/v1/models/houses/versions/3:predict", json={"instances": [HOUSE]}).status_code == 200


def test_every_predicted_row_is_recorded_with_what_went_in_and_came_out(running):
    with running() as recording, recording.client() as client:
        client.post("/v1/models/houses:predict", json={"instances": [HOUSE, HOUSE]}, headers={"x-request-id": "abc"})
        client.post("/predict/iris", json={"features": [VALUES]}, headers={"x-request-id": "solo"})
    records = recording.records()
    assert [record.id for record in records] == ["abc#0", "abc#1", "solo"]
    assert records[0].inputs == (2.0, 2000, True, "north")
    assert (records[0].name, records[0].version, records[0].outputs) == ("houses", 3, (PRICE,))
    assert len(records[2].outputs) == 3
    assert recording.board.snapshot().records == 3


def test_a_long_request_is_answered_on_every_route(running):
    config = ServerConfig(drain_s=0.5)
    with running(config, traffic=(Route("iris", (Share(1, 1.0),)),)) as long, long.client() as client:
        rows = [VALUES] * 3000
        for path, body in (
            ("/predict", {"features": rows}),
            ("/v1/models/iris:predict", {"instances": rows}),
            ("/invocations", {"instances": rows}),
        ):
            answer = client.post(path, json=body, headers={"x-request-id": "long"})
            assert answer.status_code == 200, answer.text[:200]
            assert len(answer.json()["predictions"]) == 3000
            assert (answer.headers["x-request-id"], answer.headers["x-model-version"]) == ("long", "1")
        wrong = client.post("/predict", json={"features": [*rows, ["a", 1, 1, 1]]})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "$.features[3000][0]")
    assert sum(record.id.startswith("long#") for record in long.records()) == 9000


def test_records_go_on_after_a_sink_that_failed(running):
    taken = []

    def send(frame):
        taken.append(frame)
        if len(taken) == 1:
            message = "the sink broke once"
            raise OSError(message)
        return True

    with running(send=send) as recording, recording.client() as client:
        for count in (1, 2):
            client.post("/predict/iris", json={"features": [VALUES]})
            until = time.monotonic() + 10
            while len(taken) < count and time.monotonic() < until:
                time.sleep(0.02)
            assert len(taken) == count


@pytest.mark.parametrize(("authorize", "asks"), [(None, False), (lambda *_: "anyone", False), (lambda *_: None, True)])
def test_the_openapi_page_asks_for_a_key_only_when_the_server_does(running, authorize, asks):
    def admits(authorization, api_key):
        return "good" if authorization == b"Bearer good" else authorize(authorization, api_key)

    config = ServerConfig(authorize=admits if authorize else None, drain_s=0.3)
    with running(config) as server, server.client(headers={"authorization": "Bearer good"}) as client:
        page = client.get("/openapi.json").json()
        assert ("security" in page) is asks
