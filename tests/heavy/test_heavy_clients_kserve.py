"""KServe's clients, in an environment of their own, against a whole server: both versions of REST, and gRPC."""

import numpy as np
import pytest
from client_server import HOUSES, ClientServer
from venvs import told

pytestmark = pytest.mark.heavy

SHAPE = "tensor 'input' wants shape [n, 4] with the columns sepal_length"
UNKNOWN = "there is no model 'nothing'; served are: iris, priced"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ClientServer(tmp_path_factory.mktemp("kserve")) as running:
        yield running


@pytest.fixture(scope="module")
def rest(server):
    return told("kserve_rest", "kserve", **server.given)


@pytest.fixture(scope="module")
def grpc(server):
    return told("kserve_grpc", "kserve", **server.given)


def are_answers(answers, expected):
    assert answers
    for labels, probabilities in answers:
        assert labels == expected[0]
        np.testing.assert_allclose(probabilities, expected[1], rtol=1e-12)


def are_flowers(found, server):
    rounded = np.float32(server.given["flowers"]).astype(float).tolist()
    for datatype, expected in (("FP64", server.flowers()), ("FP32", server.flowers(rounded))):
        are_answers([answer for kind, answer in found if kind == datatype], expected)


def test_over_version_1_every_form_of_a_row_gets_the_answer_of_the_model(server, rest):
    seen = rest["v1"]
    flowers = seen["flowers"]
    are_answers([(flowers["predictions"], flowers["probabilities"])], server.flowers())
    for form, member in (("rows", "predictions"), ("named", "predictions"), ("columns", "outputs")):
        are_answers([(seen[form][member], seen[form]["probabilities"])], server.houses(HOUSES))


def test_over_version_1_health_and_refusals_are_understood(rest):
    seen = rest["v1"]
    assert (seen["live"], seen["model_ready"]) == (True, True)
    status, message = seen["refused"]
    assert (status, message.startswith("a row wants 4 values in this order")) == (422, True)
    for name in ("unknown", "unknown_ready"):
        status, message = seen[name]
        assert (status, message.startswith(UNKNOWN)) == (404, True)


def test_over_version_2_json_and_bytes_get_the_answer_of_the_model(server, rest):
    are_flowers(rest["v2"]["flowers"], server)
    assert len(rest["v2"]["houses"]) == 2
    are_answers(rest["v2"]["houses"], server.houses(HOUSES))


def test_over_version_2_health_and_refusals_are_understood(rest):
    seen = rest["v2"]
    assert [seen[name] for name in ("live", "ready", "model_ready", "unknown_ready")] == [True, True, True, False]
    assert (seen["refused"][0], seen["refused"][1].startswith(SHAPE)) == (400, True)
    assert (seen["unknown"][0], seen["unknown"][1].startswith(UNKNOWN)) == (404, True)


def test_over_grpc_typed_and_raw_tensors_get_the_answer_of_the_model(server, grpc):
    are_flowers(grpc["flowers"], server)
    raw, typed, (labels, probabilities), fewer = grpc["houses"]
    are_answers([raw, typed], server.houses(HOUSES))
    assert labels is None
    np.testing.assert_allclose(probabilities, server.houses(HOUSES)[1], rtol=1e-12)
    are_answers([fewer], server.houses([{"area": house["area"], "sold": house["sold"]} for house in HOUSES]))


def test_over_grpc_health_refusals_and_deadlines_are_understood(grpc):
    assert [grpc[name] for name in ("live", "ready", "model_ready", "unknown_ready")] == [True, True, True, False]
    assert (grpc["refused"][0], grpc["refused"][1].startswith(SHAPE)) == ("INVALID_ARGUMENT", True)
    assert grpc["late"] == ["DEADLINE_EXCEEDED", "Deadline Exceeded"]
