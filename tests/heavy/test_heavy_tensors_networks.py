"""Networks with the tensors that they read and give: several inputs, bytes, states, open axes, names; proved, or refused."""

import os
from pathlib import Path

import numpy as np
import pytest

import golive
from golive.errors import NotConvertibleError, ParityError, UsageError

pytestmark = pytest.mark.heavy
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'golive[torch]')")
    torch.set_num_threads(1)
    torch.manual_seed(3)
    return torch


@pytest.fixture(scope="module")
def keras(torch):
    os.environ["KERAS_BACKEND"] = "torch"
    return pytest.importorskip("keras", reason="keras is not installed (pip install 'golive[keras]')")


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


@pytest.fixture(scope="module")
def reader(torch):
    class Reader(torch.nn.Module):
        """A picture of bytes, a sequence and the state of the last time in; scores and the state out."""

        def __init__(self):
            super().__init__()
            self.eyes = torch.nn.Conv2d(3, 4, 3)
            self.memory = torch.nn.GRU(5, 6, batch_first=True)
            self.scores = torch.nn.Linear(10, 3)

        def forward(self, picture, sequence, state):
            seen = self.eyes(picture.float() / 255).amax((2, 3))
            answer, state = self.memory(sequence, state)
            return {"scores": self.scores(torch.cat([seen, answer[:, -1]], 1)), "state": state}

    return Reader()


SAMPLE = {
    "picture": RNG.integers(0, 255, (7, 3, 8, 8), dtype=np.uint8),
    "sequence": RNG.normal(size=(7, 4, 5)).astype(np.float32),
    "state": np.zeros((1, 7, 6), np.float32),
}
AXES = {"sequence": (0, 1), "state": (1,)}


def shapes(tensors):
    return {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}


def test_bytes_sequences_and_states_are_served_as_they_are(torch, reader, home):
    bundle = golive.package(reader, sample=SAMPLE, open_axes=AXES, name="reader", home=home)
    signature = bundle.bundle.signature
    assert shapes(signature.tensors) == {
        "picture": ("uint8", (None, 3, 8, 8)),
        "sequence": ("float32", (None, None, 5)),
        "state": ("float32", (1, None, 6)),
    }
    assert shapes(signature.outputs) == {"scores": ("float32", (None, 3)), "state_out": ("float32", (1, None, 6))}
    longer = {**SAMPLE, "sequence": RNG.normal(size=(7, 11, 5)).astype(np.float32)}
    with torch.no_grad():
        expected = reader(**{name: torch.from_numpy(array) for name, array in longer.items()})
    answer = bundle.infer(longer)
    assert abs(answer["scores"] - expected["scores"].numpy()).max() < 1e-5
    assert abs(answer["state_out"] - expected["state"].numpy()).max() < 1e-5
    graph = bundle._rooms.bundles.files(bundle.bundle)["model.onnx"]
    assert str(Path.cwd()).encode() not in graph


def test_a_state_without_its_axis_declared_is_refused_with_the_remedy(reader, home):
    with pytest.raises(NotConvertibleError, match=r"state float32 \[1, 7, 6\].*open_axes="):
        golive.package(reader, sample=SAMPLE, name="reader", home=home)


def test_one_array_of_many_axes_is_enough_and_outputs_have_names(torch, home):
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(72, 3))
    images = RNG.normal(size=(5, 1, 8, 8)).astype(np.float32)
    bundle = golive.package(module, sample=images, outputs=("logits",), name="images", home=home)
    assert shapes(bundle.bundle.signature.outputs) == {"logits": ("float32", (None, 3))}
    assert bundle.infer({"input": images[:1]})["logits"].shape == (1, 3)


def test_a_module_in_training_mode_is_written_in_inference_mode_and_left_as_it_was(torch, home):
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Dropout(0.5))
    module.train()
    golive.package(module, sample=RNG.normal(size=(4, 1, 8, 8)).astype(np.float32), name="trained", home=home)
    assert module.training
    assert module[1].num_batches_tracked == 0


def test_exported_programs_and_scripts_are_taken(torch, home):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)).eval()
    images = RNG.normal(size=(5, 4, 4)).astype(np.float32)
    example = (torch.from_numpy(images),)
    program = torch.export.export(module, example, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    script = torch.jit.trace(module, example)
    for form in (program, script):
        bundle = golive.package(form, sample=images, name="form", home=home)
        assert bundle.bundle.signature.tensors[0].shape == (None, 4, 4)
    fixed = torch.export.export(module, example)
    with pytest.raises((NotConvertibleError, ParityError), match=r"rows|shape"):
        golive.package(fixed, sample=images, name="fixed", home=home)


def test_a_keras_model_with_several_inputs_keeps_its_names(keras, home):
    picture = keras.Input((8, 8, 1), name="picture", dtype="uint8")
    extra = keras.Input((3,), name="extra")
    seen = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(picture)))
    joined = keras.layers.Concatenate()([seen, extra])
    outputs = [keras.layers.Dense(2, name="kind")(joined), keras.layers.Dense(1, name="price")(joined)]
    model = keras.Model([picture, extra], outputs)
    sample = {
        "extra": RNG.normal(size=(6, 3)).astype(np.float32),
        "picture": RNG.integers(0, 255, (6, 8, 8, 1), dtype=np.uint8),
    }
    bundle = golive.package(model, sample=sample, name="keras", home=home)
    signature = bundle.bundle.signature
    assert shapes(signature.outputs) == {"kind": ("float32", (None, 2)), "price": ("float32", (None, 1))}
    expected = model([sample["picture"], sample["extra"]], training=False)
    answer = bundle.infer(sample)
    for name, wanted in zip(("kind", "price"), expected, strict=True):
        assert abs(answer[name] - keras.ops.convert_to_numpy(wanted)).max() < 1e-5
    with pytest.raises(NotConvertibleError, match=r"reads .'picture', 'extra'., and the sample has"):
        golive.package(model, sample={"picture": sample["picture"]}, name="keras", home=home)


def test_a_declared_network_reads_rows_of_a_table(torch, home):
    declared = golive.network(torch.nn.Linear(4, 1), gives="values")
    with pytest.raises(NotConvertibleError, match=r"declared with golive.network reads rows"):
        golive.package(declared, sample={"x": np.zeros((3, 4), np.float32)}, name="rows", home=home)


def test_a_batch_that_the_module_writes_down_is_found(torch, home):
    class Fixed(torch.nn.Module):
        def forward(self, x):
            return x.reshape(2, 4)

    with pytest.raises((NotConvertibleError, ParityError)):
        golive.package(Fixed(), sample={"x": np.zeros((2, 4), np.float32)}, name="fixed", home=home)


def test_a_type_that_torch_has_not_is_refused(torch, home):
    with pytest.raises((UsageError, NotConvertibleError)):
        golive.package(torch.nn.Identity(), sample={"x": np.array([["a"]])}, name="texts", home=home)


def test_a_keras_file_with_several_inputs_comes_in_as_tensors(keras, tmp_path):
    picture = keras.Input((4, 4, 1), name="picture", dtype="uint8")
    extra = keras.Input((3,), name="extra")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(picture)), extra])
    keras.Model([picture, extra], keras.layers.Dense(2)(joined)).save(tmp_path / "two.keras")
    bundle = golive.import_model(tmp_path / "two.keras", name="two", home=str(tmp_path / "home"))
    assert shapes(bundle.bundle.signature.tensors) == {
        "picture": ("uint8", (None, 4, 4, 1)),
        "extra": ("float32", (None, 3)),
    }
