"""Networks of PyTorch and Keras become table bundles that answer like themselves, or are refused with a remedy."""

import os

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import golive
from golive.adapters.frameworks.torch import TorchFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.control.packing.frameworks import framework_for
from golive.errors import NotConvertibleError, UsageError
from golive.testing import check_framework

pytestmark = pytest.mark.heavy
RNG = np.random.default_rng(5)
ROWS = 120
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, ROWS),
        "income": RNG.normal(30_000, 9_000, ROWS).round(2),
        "debt": RNG.exponential(4_000, ROWS),
        "job": RNG.choice(["clerk", "smith", "none"], ROWS),
    }
)
NUMBERS = FRAME[["age", "income", "debt"]]
LABELS = pd.Series(RNG.choice(["no", "yes"], ROWS), name="good")
PRICES = pd.Series(RNG.normal(200_000, 40_000, ROWS), name="price")
SCALED = StandardScaler().fit(NUMBERS)
ENCODED = make_column_transformer(
    (StandardScaler(), ["age", "income", "debt"]),
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["job"]),
).fit(FRAME)


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


def packaged(tmp_path, network, *, sample=NUMBERS, target=LABELS):
    return golive.package(network, sample=sample, target=target, name="net", home=str(tmp_path))


def softmax(logits):
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def test_logits_become_probabilities_and_the_network_stays_as_it_was(torch, tmp_path):
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)
    )
    module[2].eval()
    bundle = packaged(tmp_path, golive.network(module, gives="logits", classes=("no", "yes"), before=SCALED))
    assert [part.training for part in module.modules()] == [True, True, True, False, True]
    entering = torch.tensor(SCALED.transform(NUMBERS), dtype=torch.float32)
    expected = softmax(module.eval()(entering).detach().double().numpy())
    np.testing.assert_allclose(bundle.predict_proba(NUMBERS), expected, atol=1e-5)
    assert bundle.bundle.signature.classes == ("no", "yes")


def test_one_logit_stands_for_the_second_of_two_classes(torch, tmp_path):
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1), torch.nn.Flatten(0)
    ).eval()
    bundle = packaged(
        tmp_path, golive.network(module, gives="logits", classes=(False, True), before=SCALED), target=LABELS == "yes"
    )
    entering = torch.tensor(SCALED.transform(NUMBERS), dtype=torch.float32)
    second = torch.sigmoid(module(entering)).detach().numpy()
    np.testing.assert_allclose(bundle.predict_proba(NUMBERS)[:, 1], second, atol=1e-5)
    assert bundle.bundle.signature.class_dtype == "bool"


def test_text_columns_and_a_scaled_target_go_through_one_graph(torch, tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.GELU(), torch.nn.Linear(16, 1)).eval()
    network = golive.network(module, gives="values", before=ENCODED, scale=40_000.0, shift=200_000.0)
    bundle = packaged(tmp_path, network, sample=FRAME, target=PRICES)
    entering = torch.tensor(ENCODED.transform(FRAME), dtype=torch.float32)
    expected = module(entering).detach().double().numpy()[:, 0] * 40_000 + 200_000
    np.testing.assert_allclose(bundle.predict(FRAME), expected, rtol=1e-6)
    assert [field.name for field in bundle.bundle.signature.inputs] == ["age", "income", "debt", "job"]


def test_an_embedding_reads_the_codes_of_an_encoder(torch, tmp_path):
    class Embedded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.jobs = torch.nn.Embedding(4, 3)
            self.last = torch.nn.Linear(4, 3)

        def forward(self, rows):
            return torch.softmax(self.last(torch.cat([self.jobs(rows[:, 0].long() + 1), rows[:, 1:]], dim=1)), dim=1)

    unseen = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    before = make_column_transformer((unseen, ["job"]), (StandardScaler(), ["debt"])).fit(FRAME[["debt", "job"]])
    labels = pd.Series(RNG.choice([1, 2, 3], ROWS), name="grade")
    bundle = packaged(
        tmp_path,
        golive.network(Embedded(), gives="probabilities", classes=(1, 2, 3), before=before),
        sample=FRAME[["debt", "job"]],
        target=labels,
    )
    assert set(bundle.predict(FRAME)) <= {1, 2, 3}
    assert bundle.predict_proba(FRAME.assign(job="king")).shape == (ROWS, 3)


def test_a_network_in_double_precision_is_exact(torch, tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)).double().eval()
    bundle = packaged(tmp_path, golive.network(module, gives="values"), target=PRICES)
    expected = module(torch.tensor(NUMBERS.to_numpy(np.float64))).detach().numpy()[:, 0]
    np.testing.assert_allclose(bundle.predict(NUMBERS), expected, rtol=1e-12)


def test_the_framework_keeps_the_promises_of_its_port(torch):
    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    network = golive.network(module, gives="logits", classes=("a", "b"), before=SCALED)
    check_framework(TorchFramework(), network, NUMBERS, OnnxRuntime())


def test_no_folder_of_the_author_is_written_into_the_graph(torch):
    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    network = golive.network(module, gives="values")
    first, second = (TorchFramework().convert(network, NUMBERS, target="price").graph for _ in range(2))
    assert first == second
    assert b"site-packages" not in first
    assert not any(node.metadata_props or node.doc_string for node in onnx.load_from_string(first).graph.node)


@pytest.mark.parametrize(
    ("declaration", "sample", "says"),
    [
        ({"gives": "logits", "classes": ("a", "b")}, NUMBERS, r"needs \[3, 1\] or \[3, 2\] for 2 classes"),
        ({"gives": "values"}, NUMBERS, r"the shape \[3, 4\], and gives='values' needs \[3, 1\]"),
        ({"gives": "logits", "classes": "abcd", "shape": (3, 1)}, NUMBERS, "declare the shape of one row"),
        (
            {"gives": "logits", "classes": "abcd", "shape": (2, 2)},
            NUMBERS,
            r"rows of 3 numbers cannot have the shape \(2, 2\)",
        ),
        ({"gives": "logits", "classes": "abcd"}, FRAME, "the column 'job' holds text; put a fitted encoder before it"),
        ({"gives": "logits", "classes": "abcd"}, NUMBERS[:0], "the sample has no rows"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(torch, declaration, sample, says):
    network = golive.network(torch.nn.Linear(3, 4), **declaration)
    with pytest.raises(NotConvertibleError, match=says):
        framework_for(network).convert(network, sample, target="x")


def test_a_bare_network_is_asked_to_say_what_it_gives(torch, tmp_path):
    with pytest.raises(
        NotConvertibleError, match=r"Linear does not say what it gives; declare it with golive\.network"
    ):
        packaged(tmp_path, torch.nn.Linear(3, 2))


def test_a_part_that_the_exporter_cannot_write_is_named(torch, tmp_path):
    class Branching(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Linear(3, 1)

        def forward(self, rows):
            return self.last(rows) if float(rows.sum()) > 0 else self.last(-rows)

    with pytest.raises(NotConvertibleError, match=r"Branching is written by torch\.onnx\.export, which failed"):
        packaged(tmp_path, golive.network(Branching(), gives="values"), target=PRICES)


def test_a_network_that_answers_a_tuple_is_refused(torch, tmp_path):
    class Two(torch.nn.Module):
        def forward(self, rows):
            return rows[:, :1], rows[:, 1:]

    with pytest.raises(NotConvertibleError, match="Two gives a tuple, and one tensor is needed"):
        packaged(tmp_path, golive.network(Two(), gives="values"), target=PRICES)


def test_weights_in_half_precision_are_refused(torch, tmp_path):
    with pytest.raises(NotConvertibleError, match=r"weights in float16; call \.float\(\) on it"):
        packaged(tmp_path, golive.network(torch.nn.Linear(3, 1).half(), gives="values"), target=PRICES)


def test_a_declaration_that_contradicts_itself_is_a_usage_error():
    with pytest.raises(UsageError, match="at least two"):
        golive.network(object(), gives="logits")


def test_a_keras_network_is_packaged_by_the_keras_plug_in(keras, tmp_path):
    inputs = keras.layers.Input((3,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(8, activation="swish")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Dropout(0.5)(hidden)))
    network = golive.network(model, gives="probabilities", classes=("no", "yes"), before=SCALED)
    assert framework_for(network).name == "keras"
    bundle = packaged(tmp_path, network)
    expected = model.predict(SCALED.transform(NUMBERS), verbose=0)
    np.testing.assert_allclose(bundle.predict_proba(NUMBERS), expected, atol=1e-5)


def test_a_keras_model_that_was_never_called_is_called_once(keras, tmp_path):
    model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
    assert not model.built
    bundle = packaged(tmp_path, golive.network(model, gives="values", before=SCALED), target=PRICES)
    expected = model.predict(SCALED.transform(NUMBERS), verbose=0)[:, 0]
    np.testing.assert_allclose(bundle.predict(NUMBERS), expected, atol=1e-5)


def test_the_shape_of_a_keras_image_is_read_from_its_own_input(keras, tmp_path):
    images = pd.DataFrame(RNG.integers(0, 17, (40, 16)).astype(float)).rename(columns=lambda place: f"p{place}")
    layers = [keras.layers.Input((4, 4, 1)), keras.layers.Conv2D(3, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    labels = pd.Series(RNG.integers(0, 3, 40), name="digit")
    bundle = packaged(tmp_path, golive.network(model, gives="logits", classes=range(3)), sample=images, target=labels)
    expected = softmax(model.predict(images.to_numpy("float32").reshape(-1, 4, 4, 1), verbose=0).astype(np.float64))
    np.testing.assert_allclose(bundle.predict_proba(images), expected, atol=1e-5)
