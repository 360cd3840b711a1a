"""MLflow's scoring client and SageMaker's encoders, in environments of their own, against ``/invocations``."""

import numpy as np
import pytest
from client_server import CLASSES, FIELDS, HOUSES, INTERCEPT, WEIGHTS, ClientServer
from venvs import told

pytestmark = pytest.mark.heavy

GAPS = {"area": 61.25, "rooms": None, "sold": "2010-12-31", "hood": None, "garden": None}
TABLES = [HOUSES, [GAPS, *HOUSES]]


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    with ClientServer(tmp_path_factory.mktemp("iris"), ("iris",)) as running:
        yield running


@pytest.fixture(scope="module")
def priced(tmp_path_factory):
    with ClientServer(tmp_path_factory.mktemp("priced"), ("priced",)) as running:
        yield running


@pytest.fixture(scope="module")
def mlflow(iris, priced):
    model = {"names": FIELDS, "classes": CLASSES, "weights": WEIGHTS.tolist(), "intercept": INTERCEPT.tolist()}
    ports = {"iris_port": iris.port, "priced_port": priced.port}
    return told("mlflow_scoring", "mlflow", tables=TABLES, **model, **ports, **iris.given)


@pytest.fixture(scope="module")
def sagemaker(iris):
    return told("sagemaker_forms", "sagemaker", **iris.given)


def test_mlflows_client_gets_the_same_of_us_as_of_mlflow_with_the_same_model(mlflow, iris):
    ours, theirs = mlflow["ours"], mlflow["theirs"]
    labels, _ = iris.flowers()
    assert ours["frame"] == ours["turned"] == ours["csv"] == labels
    assert {name: ours[name] for name in ours if name != "refused"} == {
        name: theirs[name] for name in theirs if name != "refused"
    }


def test_mlflows_client_shows_our_sentence(mlflow):
    assert mlflow["ours"]["refused"].startswith("Invocation failed (error code 400, ")
    assert "the input 'sepal_length' is missing; send a value for it" in mlflow["ours"]["refused"]


def test_mlflows_client_may_send_rows_without_names(mlflow, iris):
    assert mlflow["array"] == iris.flowers()[0]


def test_the_gaps_of_a_data_frame_are_missing_values(mlflow, priced):
    assert mlflow["mixed"] == [priced.houses(table)[0] for table in TABLES]


def test_sagemakers_bodies_are_read_and_its_decoders_read_the_answers(sagemaker, iris):
    labels, probabilities = iris.flowers()
    assert sagemaker["ping"] == 200
    for sent in ("json", "csv"):
        assert sagemaker[f"{sent} for csv"] == [200, "text/csv", labels]
        status, kind, body = sagemaker[f"{sent} for json"]
        assert (status, kind, body["predictions"]) == (200, "application/json", labels)
        np.testing.assert_allclose(body["probabilities"], probabilities, rtol=1e-12)


def test_a_body_of_a_kind_that_is_not_read_is_refused_in_our_words(sagemaker):
    assert sagemaker["npy for csv"] == [415, "application/json", None]
    status, _, body = sagemaker["npy for json"]
    assert status == 415
    assert body["error"].startswith("the content type 'application/x-npy' is not read here; send application/json")
