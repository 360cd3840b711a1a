"""The export to PyTorch answers as golive does, without golive."""

import subprocess
import sys

import numpy as np
import pytest
import tensor_models
from compiled import bundle_of
from operator_cases import CASES, SEVERAL, graph, right
from priced import keep
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier

import golive
from golive import plugins, testing

pytestmark = pytest.mark.heavy
torch = pytest.importorskip("torch", reason="torch is not installed; pip install 'golive[torch]' brings it")


@pytest.mark.parametrize("name", [*CASES, *SEVERAL])
def test_an_operator_answers_in_torch_as_in_onnx_runtime(name):
    backend = plugins.attribute("golive.adapters.graphs.torch_backend", "TorchBackend")()
    program = plugins.attribute("golive.adapters.graphs.program", "Program")
    kind, given, attributes, *outputs = CASES.get(name) or SEVERAL[name]
    content = graph(kind, given, attributes, *outputs)
    wanted, feeds = right(content, given)
    found = program(content).run(backend, {one: torch.from_numpy(array) for one, array in feeds.items()})
    for one, expected in zip(found.values(), wanted, strict=True):
        assert one.numpy().dtype == expected.dtype
        np.testing.assert_allclose(one.numpy(), expected, rtol=2e-5, atol=2e-5)


def checked(folder):
    return subprocess.run(
        [sys.executable, "-I", str(folder / "check.py")], capture_output=True, text=True, check=False, timeout=300
    )


def test_boosted_trees_answer_the_same_and_their_check_says_so(tmp_path):
    rows, kinds = load_iris(as_frame=True, return_X_y=True)
    model = HistGradientBoostingClassifier(max_iter=5).fit(rows, kinds)
    handle = golive.package(model, sample=rows, target=kinds, name="boosted", home=str(tmp_path / "home"))
    out = tmp_path / "out"
    out.mkdir()
    plugins.load("exports", "torch").write(handle.bundle, handle._rooms.bundles.files(handle.bundle), out, {})
    done = checked(out)
    assert done.returncode == 0, done.stderr[-2000:]
    module = torch.export.load(out / "model.pt2").module()
    for count in (1, 2, 150):
        found = module(torch.from_numpy(rows.to_numpy()[:count]))["P"].numpy()
        assert abs(found - model.predict_proba(rows[:count])).max() < 1e-9


def test_an_image_model_answers_the_same(tmp_path):
    content = tensor_models.image()
    manifest = tensor_models.manifest_of("image", content)
    plugins.load("exports", "torch").write(bundle_of(manifest), {manifest.graph: content}, tmp_path, {})
    assert checked(tmp_path).returncode == 0


def test_a_program_is_the_same_each_time(tmp_path):
    bundle, files = keep(tmp_path / "store", task="classification")
    assert testing.check_export(plugins.load("exports", "torch"), bundle, files)
