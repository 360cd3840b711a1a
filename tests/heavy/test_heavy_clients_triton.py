"""NVIDIA's tritonclient, in an environment of its own, against a whole server that wants a key."""

import numpy as np
import pytest
from client_server import FLOWERS, HOUSES, ClientServer
from venvs import told

pytestmark = pytest.mark.heavy

KEY = "a-long-secret-of-the-clients"
DOORS = ("http", "grpc")
WANTED = {
    "shape": ("400", "INVALID_ARGUMENT", "tensor 'input' wants shape [n, 4]"),
    "datatype": ("400", "INVALID_ARGUMENT", "tensor 'input' wants datatype FP64 or FP32"),
    "name": ("400", "INVALID_ARGUMENT", "there is no tensor 'inptu'; the inputs are: sepal_length FP64"),
    "missing": ("400", "INVALID_ARGUMENT", "the tensor 'sold' is missing; the inputs are: area FP64"),
    "value": ("400", "INVALID_ARGUMENT", "field 'petal_length' is missing"),
    "output": ("400", "INVALID_ARGUMENT", "there is no output 'score'; the outputs are: predict, probabilities"),
    "model": ("404", "NOT_FOUND", "there is no model 'nothing'; served are: iris, priced"),
    "version": ("404", "NOT_FOUND", "the model 'iris' has no version '7' here; loaded are: 1"),
    "metadata": ("404", "NOT_FOUND", "there is no model 'nothing'"),
    "load": ("501", "UNIMPLEMENTED", "models are loaded and unloaded by deploying, never by a caller"),
    "memory": ("404", "UNIMPLEMENTED", "there is no "),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GOLIVE_API_KEY", KEY)
        with ClientServer(tmp_path_factory.mktemp("triton")) as running:
            yield running


@pytest.fixture(scope="module")
def http(server):
    return told("triton_http", "triton", key=KEY, **server.given)


@pytest.fixture(scope="module")
def grpc(server):
    return told("triton_grpc", "triton", key=KEY, **server.given)


@pytest.fixture(scope="module", params=DOORS)
def door(request):
    return request.param


@pytest.fixture(scope="module")
def seen(request, door):
    return request.getfixturevalue(door)


def is_answer(found, labels, probabilities):
    assert found[0] == labels
    np.testing.assert_allclose(found[1], probabilities, rtol=1e-12)


def test_flowers_in_every_form_get_the_answer_of_the_model(seen, server, door):
    assert len(seen["fused"]) == {"http": 36, "grpc": 6}[door]
    rounded = np.float32(server.given["flowers"]).astype(float).tolist()
    expected = {"FP64": server.flowers(), "FP32": server.flowers(rounded)}
    for datatype, found in seen["fused"]:
        is_answer(found, *expected[datatype])


def test_a_long_request_gets_the_same_answers_however_it_is_compressed(seen, server):
    labels, probabilities = server.flowers()
    assert len(seen["long"]) == 3
    for found in seen["long"]:
        is_answer(found, labels * 400, np.tile(probabilities, (400, 1)))


def test_houses_of_every_kind_of_tensor_get_the_answer_of_the_model(seen, server, door):
    assert len(seen["named"]) == {"http": 32, "grpc": 1}[door]
    for found in seen["named"]:
        is_answer(found, *server.houses(HOUSES))


def test_a_tensor_that_may_be_missing_may_be_left_out(seen, server):
    is_answer(seen["fewer"], *server.houses([{"area": house["area"], "sold": house["sold"]} for house in HOUSES]))


def test_only_the_outputs_that_are_asked_for_come(seen, server):
    labels, probabilities = server.houses(HOUSES)
    predicted, scored, both = seen["outputs"]
    assert predicted == [labels, None]
    assert scored[0] is None
    np.testing.assert_allclose(scored[1], probabilities, rtol=1e-12)
    is_answer(both, labels, probabilities)


def test_requests_at_once_each_get_their_own_answer(seen, server):
    labels, _ = server.flowers()
    assert seen["at_once"] == labels * 10
    assert seen["awaited"] == labels


def test_every_refusal_reaches_the_caller_in_our_words(seen, door):
    column = DOORS.index(door)
    for name, (*codes, words) in WANTED.items():
        status, message = seen["refusals"][name]
        assert (name, status.removeprefix("StatusCode.")) == (name, codes[column])
        assert message.startswith(words)


def test_only_health_is_told_without_the_key(seen, door):
    unkeyed = seen["unkeyed"]
    assert (unkeyed["live"], unkeyed["ready"]) == (True, True)
    code = {"http": "401", "grpc": "StatusCode.UNAUTHENTICATED"}[door]
    for name in ("infer", "metadata", "wrong"):
        assert unkeyed[name][0] == code
        assert "send it as 'Authorization: Bearer KEY'" in unkeyed[name][1]


def test_the_pages_say_what_is_served(seen):
    pages = seen["pages"]
    assert (pages["live"], pages["ready"]) == (True, True)
    assert (pages["model_ready"], pages["unknown_ready"]) == ([True, True], [False, False])
    assert {"model_configuration", "model_repository(index)", "statistics"} <= set(pages["server"]["extensions"])
    iris, priced = pages["metadata"]
    assert (iris["name"], iris["versions"]) == ("iris", ["1"])
    assert [tensor["datatype"] for tensor in priced["inputs"]] == ["FP64", "INT64", "BYTES", "BYTES", "BOOL"]
    assert [list(map(int, tensor["shape"])) for tensor in iris["outputs"]] == [[-1, 1], [-1, 3]]
    assert [(each["name"], each["version"], each["state"]) for each in pages["index"]] == [
        ("iris", "1", "READY"),
        ("priced", "1", "READY"),
    ]


def test_the_configuration_says_what_a_load_generator_asks(seen):
    config = seen["pages"]["config"]
    assert (config["name"], config["max_batch_size"]) == ("priced", 100_000)
    assert [each["data_type"] for each in config["input"]] == [
        "TYPE_FP64",
        "TYPE_INT64",
        "TYPE_STRING",
        "TYPE_STRING",
        "TYPE_BOOL",
    ]
    assert [each["name"] for each in config["input"] if each.get("optional")] == ["rooms", "hood", "garden"]


def test_the_statistics_count_what_was_answered(seen):
    (one,), every = (seen["pages"][name]["model_stats"] for name in ("statistics", "all_statistics"))
    assert (one["name"], one["version"]) == ("iris", "1")
    assert [each["name"] for each in every] == ["iris", "priced"]
    told_of = one["inference_stats"]
    assert int(told_of["success"]["count"]) == int(one["execution_count"]) > 0
    assert int(one["inference_count"]) > int(one["execution_count"])
    assert int(told_of["fail"]["count"]) > 0
    parts = [int(told_of[name]["ns"]) for name in ("compute_input", "compute_infer", "compute_output")]
    assert min(parts) > 0
    assert sum(parts) <= int(told_of["success"]["ns"])


def test_over_http_the_statistics_grow_by_the_requests_between(http):
    before, after = http["before"], http["after"]
    grown = {name: after[name] - before[name] for name in ("execution_count", "inference_count")}
    assert grown == {"execution_count": 36, "inference_count": 36 * len(FLOWERS)}


def test_over_http_a_long_answer_is_compressed_as_the_client_says(server, http):
    labels, _ = server.flowers()
    assert http["coded"] == [["gzip", labels * 400], ["deflate", labels * 400]]


def test_over_http_numbers_may_have_two_bytes(server, http):
    assert http["half"] == [server.flowers()[0]] * 2


def test_over_grpc_a_deadline_holds_and_a_stream_outlives_a_refusal(server, grpc):
    first, _, third = server.flowers()[0]
    assert grpc["refusals"]["deadline"] == ["StatusCode.DEADLINE_EXCEEDED", "Deadline Exceeded"]
    assert [grpc["streamed"][0], grpc["streamed"][2]] == [first, third]
    assert grpc["streamed"][1].startswith("tensor 'input' wants shape [n, 4]")
