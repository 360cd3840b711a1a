"""SavedModel folders and TFLite files become bundles that answer as TensorFlow does, in an environment of its own."""

import shutil
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import tensorflow_models

import golive
from golive.adapters.formats.tensorflow import TensorflowFormat
from golive.control.sandbox.tensorflow import TensorflowFile
from golive.errors import DataError, NotConvertibleError
from golive.testing import check_format

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tensorflow_models.write(folder)
    return folder


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tensorflow_models.HOME))


@pytest.mark.parametrize("name", ["digits", "digits.tflite", "digits_int8.tflite"])
def test_a_network_is_served_as_tensors_once_both_answered_alike(models, name):
    handle = golive.import_model(str(models / name), name="digits")
    [read], [given] = handle.bundle.signature.tensors, handle.bundle.signature.outputs
    assert read.shape[1:] == (8, 8, 1)
    answers = handle.infer({read.name: np.ones((1, 8, 8, 1), read.dtype)})[given.name]
    assert answers.shape == (1, 10)
    assert handle.bundle.manifest.lineage.model == "onnx: tf2onnx 1.17.0"


def test_a_table_is_proved_against_tensorflows_own_answers(models):
    rng = np.random.default_rng(2)
    sample = pd.DataFrame(rng.normal(size=(90, 4)), columns=list("abcd")).assign(kind=["x", "y", "z"] * 30)
    handle = golive.import_model(str(models / "flowers"), name="flowers", sample=sample, target="kind")
    assert handle.bundle.signature.classes == ("x", "y", "z")
    assert handle.bundle.manifest.lineage.model.startswith("tensorflow: tf2onnx")
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    scores = np.exp(sample[list("abcd")].to_numpy(np.float32) @ weights)
    found = handle.predict_proba(sample[list("abcd")])
    assert abs(found - scores / scores.sum(axis=1, keepdims=True)).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("counter", DataError, r"changes a variable with every call \(AssignAddVariableOp\)"),
        ("reader", DataError, "needs the operator ReadFile, which reads files"),
        ("table", DataError, "runs functions of its own while it is loaded"),
        ("sorted", NotConvertibleError, "needs the operators Betainc, for which ONNX has no form"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused_by_its_operator(models, name, kind, says):
    with pytest.raises(kind, match=says):
        TensorflowFormat().read(models / name)


def test_weights_that_were_cut_short_are_refused(models, tmp_path):
    damaged = tmp_path / "m"
    shutil.copytree(models / "flowers", damaged)
    data = next((damaged / "variables").glob("variables.data-*"))
    data.write_bytes(data.read_bytes()[:10])
    with pytest.raises(DataError, match=r"TensorFlow cannot load it|was opened by TensorFlow in a process of its own"):
        TensorflowFormat().read(damaged)


def test_the_format_keeps_its_promises(models):
    assert isinstance(check_format(TensorflowFormat(), models / "flowers"), TensorflowFile)


def test_tensorflow_never_comes_into_this_environment(models):
    TensorflowFormat().read(models / "flowers")
    assert find_spec("tensorflow") is None
