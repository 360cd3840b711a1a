"""Files of networks are loaded in a sandbox only, and come in as tables or as tensors."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest

import golive
from golive.adapters.formats.torch import TorchFormat
from golive.adapters.frameworks.network_file import NetworkFileFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import DataError, NotConvertibleError
from golive.testing import check_framework

pytestmark = pytest.mark.heavy
RNG = np.random.default_rng(11)
ROWS = 60
PIXELS = pd.DataFrame(RNG.integers(0, 17, (ROWS, 64)).astype(float)).rename(columns=lambda place: f"p{place}")
SAMPLE = PIXELS.assign(digit=RNG.integers(0, 10, ROWS))
LOGITS = {"gives": "logits", "classes": list(range(10)), "shape": [1, 8, 8]}


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'golive[torch]')")
    torch.set_num_threads(1)
    torch.manual_seed(4)
    return torch


@pytest.fixture(scope="module")
def module(torch):
    layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10)
    return torch.nn.Sequential(*layers).eval()


@pytest.fixture(scope="module")
def program(torch, module, tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "net.pt2"
    free = ({0: torch.export.Dim.DYNAMIC},)
    torch.export.save(torch.export.export(module, (torch.zeros(3, 1, 8, 8),), dynamic_shapes=free), path)
    return path


def expected(torch, module):
    images = torch.tensor(PIXELS.to_numpy(np.float32)).reshape(-1, 1, 8, 8)
    return torch.softmax(module(images).double(), dim=1).detach().numpy()


def declare(path, declaration):
    path.with_name(f"{path.name}.golive.json").write_text(json.dumps(declaration))


def brought(path, tmp_path, **words):
    return golive.import_model(path, name="net", home=str(tmp_path / "home"), **words)


def test_a_torchscript_file_with_a_declaration_becomes_a_table_bundle(torch, module, tmp_path):
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.trace(module, torch.zeros(3, 1, 8, 8)), path)
    with pytest.raises(DataError, match=r"put a file net\.pt\.golive\.json beside it"):
        brought(path, tmp_path)
    declare(path, LOGITS)
    bundle = brought(path, tmp_path, sample=SAMPLE, target="digit")
    np.testing.assert_allclose(bundle.predict_proba(PIXELS), expected(torch, module), atol=1e-5)
    check_framework(NetworkFileFramework(), TorchFormat().read(path), PIXELS, OnnxRuntime())


def test_an_exported_program_comes_in_as_a_table_with_a_declaration_and_as_tensors_without(
    torch, module, program, tmp_path
):
    tensors = brought(program, tmp_path)
    assert tensors.bundle.signature.task == "tensors"
    assert [(one.dtype, one.shape) for one in tensors.bundle.signature.tensors] == [("float32", (None, 1, 8, 8))]
    copied = tmp_path / "net.pt2"
    copied.write_bytes(program.read_bytes())
    declare(copied, LOGITS)
    bundle = brought(copied, tmp_path, sample=SAMPLE, target="digit")
    np.testing.assert_allclose(bundle.predict_proba(PIXELS), expected(torch, module), atol=1e-5)


def test_a_program_of_several_inputs_of_other_types_comes_in_as_tensors(torch, tmp_path):
    class Both(torch.nn.Module):
        def forward(self, image, text):
            return image.float().mean(dim=(1, 2)) / 255, text.sum(dim=1)

    given = torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, 5, dtype=torch.int64)
    free = ({0: torch.export.Dim.DYNAMIC}, {0: torch.export.Dim.DYNAMIC})
    torch.export.save(torch.export.export(Both(), given, dynamic_shapes=free), tmp_path / "both.pt2")
    signature = brought(tmp_path / "both.pt2", tmp_path).bundle.signature
    assert [(one.name, one.dtype, one.shape) for one in signature.tensors] == [
        ("image", "uint8", (None, 4, 4)),
        ("text", "int64", (None, 5)),
    ]
    assert len(signature.outputs) == 2


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_an_example_that_is_a_pickle_with_code_is_refused_and_not_run(program, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Bomb(tmp_path / "exploded"), protocol=2))
        archive.writestr("model/version", "3\n")
    with zipfile.ZipFile(program) as old, zipfile.ZipFile(tmp_path / "bad.pt2", "w") as new:
        for name in old.namelist():
            new.writestr(name, inner.getvalue() if "sample_inputs" in name else old.read(name))
    with pytest.raises(DataError, match=r"bad\.pt2"):
        brought(tmp_path / "bad.pt2", tmp_path)
    assert not (tmp_path / "exploded").exists()


def test_damaged_programs_are_refused_with_a_sentence(program, tmp_path):
    with zipfile.ZipFile(program) as old, zipfile.ZipFile(tmp_path / "bad.pt2", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{}" if name.endswith("models/model.json") else old.read(name))
    with pytest.raises(DataError, match=r"bad\.pt2 cannot be loaded"):
        brought(tmp_path / "bad.pt2", tmp_path)


@pytest.fixture(scope="module")
def keras(torch):
    os.environ["KERAS_BACKEND"] = "torch"
    return pytest.importorskip("keras", reason="keras is not installed (pip install 'golive[keras]')")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_keras_file_becomes_a_table_bundle(keras, suffix, tmp_path):
    layers = keras.layers
    parts = [
        layers.Input((8, 8, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    ]
    model = keras.Sequential(parts)
    path = tmp_path / f"net{suffix}"
    model.save(path)
    declare(path, {"gives": "probabilities", "classes": list(range(10))})
    bundle = brought(path, tmp_path, sample=SAMPLE, target="digit")
    images = PIXELS.to_numpy(np.float32).reshape(-1, 8, 8, 1)
    np.testing.assert_allclose(bundle.predict_proba(PIXELS), model.predict(images, verbose=0), atol=1e-5)


def test_a_keras_file_with_a_lambda_is_refused(keras, tmp_path):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Lambda(lambda rows: rows * 2)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(DataError, match="has a Lambda layer, which runs code of its author"):
        brought(tmp_path / "net.keras", tmp_path)


def test_weights_of_keras_alone_are_refused(keras, tmp_path):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(DataError, match="holds weights without a model"):
        brought(tmp_path / "net.weights.h5", tmp_path)


def test_a_program_for_one_number_of_rows_is_tensors_but_no_table(torch, module, tmp_path):
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(1, 1, 8, 8),)), path)
    assert brought(path, tmp_path).bundle.signature.tensors[0].shape == (1, 1, 8, 8)
    declare(path, LOGITS)
    with pytest.raises(NotConvertibleError, match="exported for one number of rows; export it with dynamic_shapes"):
        brought(path, tmp_path, sample=SAMPLE, target="digit")


@pytest.fixture(scope="module")
def script(torch, tmp_path_factory):
    """A program of two inputs and two outputs, in TorchScript's own language, and the module that it is of."""

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.words = torch.nn.Embedding(20, 4)
            self.last = torch.nn.Linear(7, 2)

        def forward(self, ids, numbers):
            # What is taken of a sequence must not depend on how long it is.
            mean = self.words(ids).mean(dim=1)
            joined = torch.cat([mean, numbers], dim=1)
            return self.last(joined), mean

    module = Both().eval()
    path = tmp_path_factory.mktemp("script") / "both.pt"
    torch.jit.save(torch.jit.script(module), path)
    return path, module


def given_arrays():
    random = np.random.default_rng(0)
    return {"ids": random.integers(0, 20, (30, 6)), "numbers": random.normal(size=(30, 3)).astype(np.float32)}


def test_a_torchscript_file_with_arrays_becomes_a_bundle_of_tensors(torch, script, tmp_path):
    path, module = script
    arrays = given_arrays()
    np.savez(tmp_path / "sample.npz", **arrays)
    words = {"outputs": ["score", "mean"], "open_axes": {"ids": (0, 1)}}
    bundle = brought(path, tmp_path, sample=tmp_path / "sample.npz", **words)
    assert [(one.name, one.dtype, one.shape) for one in bundle.bundle.signature.tensors] == [
        ("ids", "int64", (None, None)),
        ("numbers", "float32", (None, 3)),
    ]
    longer = {"ids": np.arange(18).reshape(2, 9), "numbers": arrays["numbers"][:2]}
    found = bundle.infer(longer)
    with torch.inference_mode():
        score, mean = module(*(torch.from_numpy(array) for array in longer.values()))
    np.testing.assert_allclose(found["score"], score.numpy(), atol=1e-6)
    np.testing.assert_allclose(found["mean"], mean.numpy(), atol=1e-6)
    lineage = bundle.bundle.manifest.lineage
    assert lineage.model == "network-file: torchscript"
    assert set(lineage.data) == {"both.pt", "sample"}


def test_an_exported_program_and_a_keras_file_take_arrays_too(torch, module, program, keras, tmp_path):
    images = RNG.normal(size=(12, 1, 8, 8)).astype(np.float32)
    bundle = brought(program, tmp_path, sample=images)
    with torch.inference_mode():
        expected = module(torch.from_numpy(images[:3])).numpy()
    [answer] = bundle.infer(images[:3]).values()
    np.testing.assert_allclose(answer, expected, atol=1e-6)

    dense = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(2)])
    dense.save(tmp_path / "dense.keras")
    rows = RNG.normal(size=(20, 5)).astype(np.float32)
    [answer] = brought(tmp_path / "dense.keras", tmp_path, sample={"rows": rows}).infer(rows).values()
    np.testing.assert_allclose(answer, dense.predict(rows, verbose=0), atol=1e-6)


def test_arrays_that_the_network_cannot_answer_are_refused_with_its_own_words(script, tmp_path):
    arrays = given_arrays()
    with pytest.raises(NotConvertibleError, match=r"does not answer two rows of its sample, ids float32"):
        brought(script[0], tmp_path, sample={**arrays, "ids": arrays["ids"].astype(np.float32)})
    with pytest.raises(NotConvertibleError, match=r"does not answer two rows of its sample"):
        brought(script[0], tmp_path, sample={"ids": arrays["ids"]})
