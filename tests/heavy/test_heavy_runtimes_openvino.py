"""OpenVINO as a runtime: what it answers, what it refuses, and that it is measured and served like any other."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import golive
from golive import plugins
from golive.adapters.optimizers.narrow import in_single_precision
from golive.errors import VerificationError

pytestmark = pytest.mark.heavy
pytest.importorskip("openvino", reason="openvino is not installed; pip install 'golive[openvino]' brings it")

TRAINING = 900


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def network(digits, tmp_path_factory):
    rows, labels = digits
    model = make_pipeline(StandardScaler(), MLPClassifier((128, 64), max_iter=200, random_state=0))
    model.fit(rows[:TRAINING], labels[:TRAINING])
    home = tmp_path_factory.mktemp("home")
    return golive.package(model, sample=rows[:TRAINING], target=labels[:TRAINING], name="digits", home=str(home))


def graph_of(bundle):
    return bundle._rooms.bundles.files(bundle.bundle)[bundle.bundle.manifest.graph]


@pytest.mark.parametrize("threads", [1, 2])
def test_it_answers_in_float32_whatever_the_number_of_rows(network, digits, threads):
    rows = digits[0][TRAINING:].to_numpy()
    codes = np.zeros((len(rows), 0), np.int64)
    expected = plugins.load("runtimes", "onnxruntime").open(graph_of(network), threads=1).run(rows, codes)
    for graph in (graph_of(network), in_single_precision(graph_of(network))):
        session = plugins.load("runtimes", "openvino").open(graph, threads=threads)
        many = session.run(rows, codes)
        assert many.dtype == np.float64
        # Were it bfloat16, the difference would be a thousand times as large.
        np.testing.assert_allclose(many, expected, atol=1e-5)
        for row in (0, 7, 40):
            one = session.run(rows[row : row + 1], codes[row : row + 1])
            np.testing.assert_allclose(one, many[row : row + 1], atol=1e-6)
        kept = many.copy()
        session.run(rows[:5] * 0, codes[:5])
        np.testing.assert_array_equal(many, kept)


def test_operators_of_trees_are_refused_by_name(digits, tmp_path):
    rows, labels = digits
    model = RandomForestClassifier(5, random_state=0).fit(rows, labels)
    bundle = golive.package(model, sample=rows, target=labels, name="forest", home=str(tmp_path))
    with pytest.raises(VerificationError, match=r"OpenVINO has no operator ai\.onnx\.ml\.TreeEnsemble"):
        plugins.load("runtimes", "openvino").open(graph_of(bundle), threads=1)


def test_bytes_that_are_no_graph_and_graphs_of_tensors_are_refused(network):
    runtime = plugins.load("runtimes", "openvino")
    with pytest.raises(VerificationError, match="the 8 bytes are not a graph that OpenVINO can run"):
        runtime.open(b"no graph", threads=1)
    with pytest.raises(VerificationError, match="package the model for onnxruntime"):
        runtime.open_tensors(graph_of(network), threads=1)


def test_it_is_chosen_by_measurement_and_answers_through_the_bundle(network, digits):
    rows, labels = digits
    found = golive.optimize(
        network,
        rows[TRAINING:],
        labels[TRAINING:],
        training=rows[:TRAINING],
        only=["runtimes"],
        prefer="throughput",
        max_loss=0.01,
    ).found.searched
    by_runtime = {one.candidate.name: one for one in found.tried if one.candidate.runtime == "openvino"}
    assert set(by_runtime) == {"runtime openvino", "float32, runtime openvino"}
    assert all(one.comparison is not None and one.loss.share <= 0.01 for one in by_runtime.values())
    assert all(one.outcome in {"passed", "no-gain"} for one in by_runtime.values())
