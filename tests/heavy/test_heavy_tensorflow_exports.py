"""The exports to SavedModel and TFLite answer as golive does, where TensorFlow is, and say so in their checks."""

import subprocess

import numpy as np
import onnx
import pytest
import tensor_models
import tensorflow_models
from compiled import bundle_of
from onnx import compose
from operator_cases import CASES, SEVERAL, graph, right
from priced import keep
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

import golive
from golive import plugins, testing
from golive.adapters.exports.frameworks.order import Order, arrays_of, sent
from golive.adapters.exports.frameworks.tensorflow_form import _carried_out
from golive.domain.signature import Tensor
from golive.errors import NotConvertibleError

pytestmark = pytest.mark.heavy


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tensorflow_models.HOME))


@pytest.fixture(scope="module")
def forest(tmp_path_factory):
    rows, kinds = load_iris(as_frame=True, return_X_y=True)
    model = RandomForestClassifier(8, max_depth=4, random_state=0).fit(rows, kinds)
    home = str(tmp_path_factory.mktemp("home"))
    handle = golive.package(model, sample=rows, target=kinds, name="forest", home=home)
    return handle.bundle, handle._rooms.bundles.files(handle.bundle)


def checked(folder):
    return subprocess.run(
        [tensorflow_models.python(), "-I", str(folder / "check.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("kind", ["savedmodel", "tflite"])
def test_a_forest_answers_the_same_and_its_check_says_so(kind, forest, tmp_path):
    tensorflow_models.python()
    bundle, files = forest
    plugins.load("exports", kind).write(bundle, files, tmp_path, {})
    done = checked(tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "values: the greatest difference is" in done.stdout
    parity = (tmp_path / "parity.json").read_text()
    (tmp_path / "parity.json").write_text(parity.replace('"P":[[', '"P":[[7.5,0.0,0.0],['))
    assert checked(tmp_path).returncode == 1


@pytest.mark.parametrize("kind", ["savedmodel", "tflite"])
def test_an_image_model_answers_the_same(kind, tmp_path):
    tensorflow_models.python()
    content = tensor_models.image()
    manifest = tensor_models.manifest_of("image", content)
    plugins.load("exports", kind).write(bundle_of(manifest), {manifest.graph: content}, tmp_path, {})
    assert checked(tmp_path).returncode == 0


def test_a_tflite_file_is_the_same_each_time(tmp_path):
    tensorflow_models.python()
    bundle, files = keep(tmp_path / "store", task="classification")
    assert testing.check_export(plugins.load("exports", "tflite"), bundle, files)


def test_an_operator_without_a_form_in_tflite_is_named_and_nothing_is_written(tmp_path):
    tensorflow_models.python()
    content = graph("Erf", [np.zeros((2, 3), np.float32)], {})
    manifest = tensor_models.manifest_of("erf", content)
    with pytest.raises(
        NotConvertibleError, match=r"'erf' has no form as tflite: TFLite has no form for .*it lacks Erf\)"
    ):
        plugins.load("exports", "tflite").write(bundle_of(manifest), {manifest.graph: content}, tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_every_operator_of_the_table_answers_in_tensorflow_as_in_onnx_runtime(tmp_path):
    """All of them stand side by side in one graph: TensorFlow takes seconds to start."""
    tensorflow_models.python()
    everything = {name: (*case, 1) for name, case in CASES.items()} | SEVERAL
    parts, feeds, wanted = [], {}, {}
    for place, (name, (kind, given, attributes, outputs)) in enumerate(everything.items()):
        content = graph(kind, given, attributes, outputs)
        expected, arrays = right(content, given)
        parts.append(compose.add_prefix(onnx.load_model_from_string(content), f"c{place}_"))
        feeds |= {f"c{place}_{key}": array for key, array in arrays.items()}
        wanted |= {f"c{place}_y{at}": (name, array) for at, array in enumerate(expected)}
    whole = parts[0]
    for part in parts[1:]:
        whole.graph.node.extend(part.graph.node)
        whole.graph.input.extend(part.graph.input)
        whole.graph.output.extend(part.graph.output)
        whole.graph.initializer.extend(part.graph.initializer)
    order = Order(
        form="saved_model",
        inputs=tuple(Tensor(name=one, dtype=array.dtype.name, shape=array.shape) for one, array in feeds.items()),
        names={one: one for one in (*feeds, *wanted)},
        feeds=(sent(feeds),),
    )
    told, written = _carried_out(tmp_path, order, whole.SerializeToString())
    assert not told.refused
    assert "saved_model/saved_model.pb" in written
    found = arrays_of(told.answers[0])
    for key, (name, expected) in wanted.items():
        assert found[key].dtype == expected.dtype, name
        np.testing.assert_allclose(found[key], expected, rtol=2e-5, atol=2e-5, err_msg=name)
