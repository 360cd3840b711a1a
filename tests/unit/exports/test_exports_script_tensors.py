"""``predict.pyz`` of a model of tensors: an .npz file in, another out, with no golive on the path."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tensor_models import image, two

from golive import plugins
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.signature import Signature
from golive.store.bundles import BundleStore

LIBRARIES = (
    "numpy", "numpy.libs", "msgspec", "onnxruntime", "flatbuffers", "google", "packaging", "typing_extensions.py",
)  # fmt: skip
PICTURES = np.random.default_rng(0).integers(0, 255, (3, 5, 4, 3), dtype=np.uint8)


def exported(graph, folder):
    """Write a bundle of a graph, and its script."""
    session = OnnxRuntime().open_tensors(graph, threads=1)
    signature = Signature(inputs=(), task="tensors", target="color", tensors=session.inputs, outputs=session.outputs)
    store = BundleStore(folder / "store")
    manifest = Manifest(name="pictures", signature=signature, preparation=Preparation())
    bundle = store.write(manifest, {manifest.graph: graph}, created_at="2026-01-01T00:00:00+00:00")
    out = folder / "out"
    out.mkdir()
    plugins.load("exports", "script").write(bundle, store.files(bundle), out, {})
    return out


def run(out, *words):
    libraries = out.parent / "libraries"
    libraries.mkdir(exist_ok=True)
    installed = Path(find_spec("numpy").origin).parent.parent
    for name in LIBRARIES:
        if (installed / name).exists() and not (libraries / name).exists():
            (libraries / name).symlink_to(installed / name)
    return subprocess.run(
        [sys.executable, "-S", "predict.pyz", *words],
        cwd=out,
        env={"PYTHONPATH": str(libraries)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_arrays_in_are_arrays_out(tmp_path):
    out = exported(image(), tmp_path)
    np.savez(out / "given.npz", image=PICTURES)
    done = run(out, "given.npz", "-o", "answers.npz")
    assert (done.returncode, done.stderr) == (0, "")
    with np.load(out / "answers.npz") as answers:
        np.testing.assert_allclose(answers["color"], PICTURES.mean(axis=(1, 2)), rtol=1e-5)
    readme = (out / "README.md").read_text("utf-8")
    assert "- reads `image uint8 [-1, -1, -1, 3]`" in readme
    assert 'numpy.savez("tensors.npz", image=...)' in readme


def test_texts_go_in_and_come_out_as_texts(tmp_path):
    out = exported(two(), tmp_path)
    np.savez(out / "given.npz", x=np.ones((2, 3)), name=np.array(["ulm", "bonn"]))
    assert run(out, "given.npz", "-o", "answers.npz").returncode == 0
    with np.load(out / "answers.npz", allow_pickle=False) as answers:
        assert answers["loud"].tolist() == ["ulm!", "bonn!"]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"image": PICTURES.astype(np.float32)}, "is float32, and the model takes image uint8"),
        ({"picture": PICTURES}, "tensor 'image' is not among the inputs"),
        ({"image": np.array([object()])}, "cannot be read as arrays"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence_and_leaves_nothing(tmp_path, arrays, told):
    out = exported(image(), tmp_path)
    np.savez(out / "given.npz", **arrays)
    done = run(out, "given.npz", "-o", "answers.npz")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert not (out / "answers.npz").exists()
