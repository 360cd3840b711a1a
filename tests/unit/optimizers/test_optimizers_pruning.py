"""Units and channels are taken away whole, and what reads those that stay makes up for them."""

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from golive.adapters.optimizers.pruning import BLOCK, PruneOptimizer, kept_of, patches_of, pruned, with_offsets
from golive.adapters.optimizers.reconstruction import reconstructed
from golive.adapters.optimizers.regions import regions
from golive.adapters.optimizers.surgery import Surgery
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.preparation import Preparation
from golive.ports import Subject
from golive.testing import check_optimizer

ROWS = 900
RNG = np.random.default_rng
IMAGE = (1, 6, 6)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def written(nodes, constants, columns):
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, columns])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def subject_over(graph, columns, seed=0):
    numbers = RNG(seed).normal(size=(ROWS, columns))
    codes = np.zeros((ROWS, 0), np.int64)
    return Subject(
        graph=graph,
        preparation=Preparation(numbers=tuple(f"x{place}" for place in range(columns))),
        task="regression",
        numbers=numbers,
        codes=codes,
        answers=OnnxRuntime().open(graph, threads=1).run(numbers, codes),
        seed=0,
    )


def twice(weight, axis):
    """Give every unit a twin, so that a half of them can go without loss."""
    return np.repeat(weight, 2, axis=axis)


def table_network(between, extra, *, dtype=np.float64):
    """A network of 12 units, each there twice, with some operators between its two products."""
    rng = RNG(1)
    constants = {
        "w1": twice(rng.normal(size=(5, 12)), 1),
        "b1": twice(rng.normal(size=12), 0),
        "w2": rng.normal(size=(24, 1)),
        "b2": rng.normal(size=(1, 1)),
        **extra,
    }
    constants = {name: value.astype(dtype) for name, value in constants.items()}
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        node("Cast", "N", "x", to=kind),
        node("MatMul", "x w1", "m1"),
        node("Add", "m1 b1", "a"),
        *between,
        node("MatMul", "h w2", "m2"),
        node("Add", "b2 m2", "y"),
        node("Cast", "y", "P", to=TensorProto.DOUBLE),
    ]
    return written(nodes, constants, 5)


def image_network(between, constants, *, last):
    """A network of 8 channels, each there twice, over images of one channel."""
    rng = RNG(2)
    constants = {
        "shape": np.array([-1, *IMAGE]),
        "k1": twice(rng.normal(size=(8, 1, 3, 3)).astype(np.float32), 0),
        "c1": twice(rng.normal(size=8).astype(np.float32), 0),
        **constants,
    }
    nodes = [
        node("Cast", "N", "x", to=TensorProto.FLOAT),
        node("Reshape", "x shape", "image"),
        node("Conv", "image k1 c1", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        *between,
        *last,
        node("Cast", "y", "P", to=TensorProto.DOUBLE),
    ]
    return written(nodes, constants, 36)


def single(shape, seed=3):
    return RNG(seed).normal(size=shape).astype(np.float32)


FLAT = [node("Reshape", "p flat", "h"), node("Gemm", "h w2", "y", transB=1)]
FLAT_CONSTANTS = {"flat": np.array([-1, 144]), "w2": single((1, 144))}
MAX_POOL = node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2])
NETWORKS = {
    "relu": table_network([node("Relu", "a", "h")], {}),
    "silu": table_network([node("Sigmoid", "a", "s"), node("Mul", "a s", "h")], {}, dtype=np.float32),
    "scaled unit by unit": table_network(
        [node("Tanh", "a", "t"), node("Mul", "t scale", "u"), node("Sub", "u shift", "h")],
        {"scale": twice(RNG(4).normal(size=(1, 12)), 1), "shift": twice(RNG(5).normal(size=12), 0)},
    ),
    "normalized": table_network(
        [node("Relu", "a", "r"), node("BatchNormalization", "r g o m v", "h")],
        {name: twice(RNG(6).random(12) + 0.5, 0) for name in "gomv"},
        dtype=np.float32,
    ),
    "pooled, flat": image_network([node("Relu", "a", "r"), MAX_POOL], FLAT_CONSTANTS, last=FLAT),
    "channels last": image_network(
        [
            node("Transpose", "a", "t", perm=[0, 2, 3, 1]),
            node("Add", "t shift", "s"),
            node("Relu", "s", "r"),
            node("Reshape", "r flat", "p"),
        ],
        {
            "shift": twice(single((1, 1, 1, 8)), 3),
            "flat": np.array([-1, 576]),
            "w2": single((576, 1)),
        },
        last=[node("MatMul", "p w2", "y")],
    ),
    "convolution behind": image_network(
        [node("LeakyRelu", "a", "r")],
        {"k2": single((4, 16, 3, 3)), "w4": single((4, 1))},
        last=[
            node("Conv", "r k2", "z", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("GlobalAveragePool", "z", "g"),
            node("Flatten", "g", "h"),
            node("Gemm", "h w4", "y"),
        ],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_units_that_others_make_up_for_go_without_a_trace(name, answers_of):
    graph = NETWORKS[name]
    subject = subject_over(graph, columns_of(graph))
    smaller = pruned(subject, 0.5)
    onnx.checker.check_model(onnx.load_from_string(smaller), full_check=True)
    assert weights_of(smaller) < 0.7 * weights_of(graph)
    other = RNG(9).normal(size=(50, subject.numbers.shape[1]))
    expected = answers_of(graph, other)
    np.testing.assert_allclose(answers_of(smaller, other), expected, atol=0.02 * expected.std())


def columns_of(graph):
    return onnx.load_from_string(graph).graph.input[0].type.tensor_type.shape.dim[1].dim_value


def weights_of(graph):
    return sum(numpy_helper.to_array(one).size for one in onnx.load_from_string(graph).graph.initializer)


def units_of(graph):
    return [region.units for region in regions(Surgery(with_offsets(graph)))]


def test_units_that_two_products_read_stay():
    between = [node("Relu", "a", "h"), node("MatMul", "h w2", "other")]
    graph = table_network([*between, node("Identity", "other", "unused")], {})
    assert units_of(graph) == [24], "what nobody reads does not count"
    nodes = [
        node("MatMul", "N w1", "h"),
        node("MatMul", "h w2", "y1"),
        node("MatMul", "h w3", "y2"),
        node("Add", "y1 y2", "P"),
    ]
    constants = {"w1": single((5, 24)), "w2": single((24, 1)), "w3": single((24, 1))}
    graph = written(nodes, {name: value.astype(np.float64) for name, value in constants.items()}, 5)
    assert units_of(graph) == []
    assert pruned(subject_over(graph, 5), 0.5) is None


@pytest.mark.parametrize(
    "between",
    [
        [node("Softmax", "a", "h", axis=1)],
        [node("MatMul", "x w1", "again"), node("Add", "a again", "h")],
        [node("Concat", "a a", "c", axis=1), node("Slice", "c zero most one", "h")],
    ],
    ids=["mixed by a softmax", "added to another product", "put side by side"],
)
def test_units_that_are_mixed_before_they_are_read_stay(between):
    extra = {}
    graph = table_network(between, extra) if between[0].op_type != "Concat" else None
    if graph is None:
        nodes = [
            node("MatMul", "N w1", "a"),
            *between,
            node("MatMul", "h w2", "P"),
        ]
        constants = {
            "w1": single((5, 24)).astype(np.float64),
            "w2": single((24, 1)).astype(np.float64),
            "zero": np.array([0]),
            "most": np.array([24]),
            "one": np.array([1]),
        }
        graph = written(nodes, constants, 5)
    assert units_of(graph) == []


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=40, random_state=0))
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(rows[:900], labels[:900])
    return model, rows


def test_a_network_over_digits_decides_nearly_as_before_with_half_of_its_units(digits, subject_of, answers_of):
    model, rows = digits
    subject = subject_of(model, rows[:900])
    found = {candidate.name: candidate.graph for candidate in PruneOptimizer().candidates(subject)}
    shares = ("pruned 50 %", "pruned 75 %", "pruned 25 %")
    assert list(found) == [name for share in shares for name in (share, f"{share}, int8 weights")]
    assert units_of(found["pruned 50 %"]) == [32, 16]
    expected = model.predict(rows[900:])
    for share, least in zip(shares, (0.92, 0.75, 0.96), strict=True):
        alike = [
            (answers_of(found[name], rows[900:].to_numpy()).argmax(axis=1) == expected).mean()
            for name in (share, f"{share}, int8 weights")
        ]
        assert min(alike) > least
        assert len(found[f"{share}, int8 weights"]) < len(found[share]) < len(subject.graph) / 2


def test_pruning_keeps_the_promises_of_an_optimizer(digits, subject_of):
    model, rows = digits
    check_optimizer(PruneOptimizer(), subject_of(model, rows[:300]), OnnxRuntime())


def test_models_without_hidden_units_are_left_alone(subject_of):
    rows = pd.DataFrame(RNG(0).normal(size=(60, 3)), columns=list("abc"))
    labels = rows["a"] > 0
    narrow = MLPClassifier((4,), max_iter=300, tol=1e-2, random_state=0)
    for model in (RandomForestClassifier(4, max_depth=3, random_state=0), LogisticRegression(), narrow):
        assert not list(PruneOptimizer().candidates(subject_of(model.fit(rows, labels), rows)))


def test_where_rows_do_not_tell_weights_stay_as_they_were():
    inputs, weight = RNG(0).normal(size=(10, 60)), RNG(1).normal(size=(60, 1))
    inputs[:, 20:40] = weight[20:40] = 0.0
    owners = np.repeat(np.arange(3), 20)
    fitted = reconstructed(inputs, inputs @ weight, owners, weight, 2)
    assert fitted.kept.tolist() == [0, 2]
    np.testing.assert_allclose(fitted.weight, weight[owners != 1], atol=1e-6)


@pytest.mark.parametrize(
    ("units", "share", "is_channels", "kept"),
    [
        (100, 0.75, False, 25),
        (32, 0.25, False, 24),
        (32, 0.25, True, BLOCK),
        (64, 0.25, True, 3 * BLOCK),
        (16, 0.5, True, 8),
        (7, 0.5, False, 7),
    ],
)
def test_channels_stay_in_whole_blocks_and_small_layers_as_they_are(units, share, is_channels, kept):
    assert kept_of(units, share, is_channels=is_channels) == kept


def test_the_inputs_that_stay_are_those_that_the_others_cannot_make_up_for():
    rng = RNG(0)
    inputs = rng.normal(size=(400, 5))
    inputs[:, 3] = 2 * inputs[:, 0] - inputs[:, 1]
    weight = rng.normal(size=(5, 2))
    outputs = inputs @ weight + [3.0, -1.0]
    fitted = reconstructed(inputs, outputs, np.arange(5), weight, 4)
    assert {2, 4} <= set(fitted.kept)
    assert len(fitted.kept) == 4
    np.testing.assert_allclose(inputs[:, fitted.kept] @ fitted.weight + fitted.offset, outputs, atol=1e-2)


def test_inputs_of_one_group_go_together_and_dead_ones_first():
    inputs = RNG(0).normal(size=(200, 6))
    inputs[:, [1, 4]] = 0.0
    outputs = inputs.sum(axis=1, keepdims=True)
    fitted = reconstructed(inputs, outputs, np.array([0, 1, 2, 0, 1, 2]), np.ones((6, 1)), 2)
    assert fitted.kept.tolist() == [0, 2]
    np.testing.assert_allclose(fitted.weight, 1.0, atol=1e-3)


@pytest.mark.parametrize(
    "told",
    [{}, {"strides": [2, 1]}, {"pads": [1, 0, 2, 1]}, {"dilations": [2, 2], "strides": [1, 2], "pads": [2, 2, 2, 2]}],
    ids=["plain", "in steps", "with a margin", "apart"],
)
def test_what_a_kernel_sees_gives_what_the_convolution_gives(told, answers_of):
    kernel = single((3, 2, 3, 2)).astype(np.float64)
    images = RNG(1).normal(size=(4, 2, 7, 6))
    convolution = node("Conv", "image k", "z", kernel_shape=[3, 2], **told)
    shape = {"shape": np.array([-1, 2, 7, 6]), "k": kernel.astype(np.float32)}
    nodes = [
        node("Cast", "N", "x", to=TensorProto.FLOAT),
        node("Reshape", "x shape", "image"),
        convolution,
        node("Flatten", "z", "f"),
        node("Cast", "f", "P", to=TensorProto.DOUBLE),
    ]
    graph = written(nodes, shape, 84)
    given = answers_of(graph, images.reshape(4, -1))
    patches = patches_of(images, (3, 2), convolution)
    seen = (patches @ kernel.reshape(3, -1).T).reshape(4, -1, 3).transpose(0, 2, 1).reshape(4, -1)
    np.testing.assert_allclose(seen, given, atol=1e-5)
