"""Bundles written by earlier releases still open and still answer. A folder is added with each format, never changed."""

import shutil
from pathlib import Path

import pytest

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.inference.road import open_road
from golive.store.bundles import BundleStore

HERE = Path(__file__).parent


@pytest.mark.parametrize("format_", sorted(path.name for path in HERE.glob("v*")))
def test_a_bundle_of_every_format_opens_and_gives_the_answer_of_the_worked_example(format_, tmp_path):
    shutil.copytree(HERE / format_ / "store", tmp_path / "store")
    store = BundleStore(tmp_path / "store")
    (bundle,) = store.list()
    files = store.files(bundle)
    road = open_road(bundle.manifest, files[bundle.manifest.graph], OnnxRuntime())
    assert road.labels(road.rows([[150.0, 5.0]])) == [125.0]
    assert [evidence.kind for evidence in store.evidence(bundle.digest)] == ["parity"]
