"""Networks in single precision, with small weights, and in integers."""

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from golive.adapters.optimizers.four_bits import BLOCK, FourBitsOptimizer, blocks_of, in_blocks, packed
from golive.adapters.optimizers.narrow import (
    NarrowOptimizer,
    in_bytes,
    in_single_precision,
    with_brain_weights,
    with_half_weights,
)
from golive.adapters.optimizers.quantize import QuantizeOptimizer
from golive.adapters.optimizers.runtime_graph import RuntimeGraphOptimizer

TRAINING = 600


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True, as_frame=True)
    network = MLPClassifier((48, 24), max_iter=25, random_state=0)
    model = make_pipeline(StandardScaler(), network)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(rows[:TRAINING], labels[:TRAINING])
    return model, rows


def kinds(graph):
    return {tensor.data_type for tensor in onnx.load_from_string(graph).graph.initializer}


def test_every_form_of_a_network_decides_nearly_as_it_did_and_is_smaller(digits, subject_of, answers_of):
    model, rows = digits
    subject = subject_of(model, rows[:TRAINING])
    expected = model.predict_proba(rows[TRAINING:])
    found = {}
    for optimizer in (NarrowOptimizer(), QuantizeOptimizer(), FourBitsOptimizer()):
        for candidate in optimizer.candidates(subject):
            answers = answers_of(candidate.graph, rows[TRAINING:].to_numpy())
            flipped = (answers.argmax(axis=1) != expected.argmax(axis=1)).mean()
            found[candidate.name] = np.abs(answers - expected).max(), flipped, len(subject.graph) / len(candidate.graph)
    names = ["float32", "float32, float16 weights", "float32, int8 weights", "int8 row by row", "int8 static"]
    names += ["int4 weights", "int4 weights, int8 rows"]
    assert list(found) == names
    assert found["float32"][0] < 1e-5
    assert found["float32, float16 weights"][0] < 1e-2
    assert all(flipped < 0.01 for _, flipped, _ in list(found.values())[:4])
    assert found["int8 static"][1] < 0.04
    assert all(found[name][1] < 0.04 for name in names[-2:])
    for name, least in zip(names, (1.8, 3.2, 5, 4, 3.5, 6, 6), strict=True):
        assert found[name][2] > least, name


def test_a_row_in_integers_is_answered_alike_alone_and_among_others(digits, subject_of, answers_of):
    model, rows = digits
    subject = subject_of(model, rows[:TRAINING])
    table = rows[TRAINING : TRAINING + 40].to_numpy()
    for candidate in (*QuantizeOptimizer().candidates(subject), *FourBitsOptimizer().candidates(subject)):
        together = answers_of(candidate.graph, table)
        alone = np.concatenate([answers_of(candidate.graph, row[None, :]) for row in table[:8]])
        np.testing.assert_allclose(alone, together[:8], atol=1e-6)


def test_quantizing_says_nothing_on_stderr_and_leaves_no_marks(digits, subject_of, caplog, capfd):
    model, rows = digits
    *_, last = QuantizeOptimizer().candidates(subject_of(model, rows[:TRAINING]))
    assert not caplog.records
    assert capfd.readouterr().err == ""
    assert not onnx.load_from_string(last.graph).metadata_props


def test_what_scales_large_numbers_stays_in_double_precision(subject_of, answers_of):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"seconds": 1.7e9 + rng.normal(size=300), "other": rng.normal(size=300)})
    model = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(16,), max_iter=3, random_state=0))
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(rows, rows["seconds"] - 1.7e9)
    graph = in_single_precision(subject_of(model, rows).graph)
    np.testing.assert_allclose(answers_of(graph, rows.to_numpy())[:, 0], model.predict(rows), atol=1e-5)


def test_a_graph_with_a_number_that_single_precision_cannot_hold_is_left_alone(linear_graph):
    assert in_single_precision(linear_graph([1e300, 1.0])) is None


def test_missing_values_stay_what_they_were(linear_graph, answers_of):
    graph = in_single_precision(linear_graph([1.0, 2.0], sigmoid=True))
    assert np.isnan(answers_of(graph, np.array([[np.nan, 1.0]]))).all()


def test_trees_are_no_networks(subject_of, digits):
    _, rows = digits
    forest = RandomForestClassifier(4, max_depth=3, random_state=0).fit(rows, np.arange(len(rows)) % 2)
    subject = subject_of(forest, rows)
    assert in_single_precision(subject.graph) is None
    assert not list(QuantizeOptimizer().candidates(subject))
    assert not list(NarrowOptimizer().candidates(subject))


def test_a_small_linear_model_is_not_worth_small_weights(subject_of):
    rows = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) ** 2})
    subject = subject_of(LinearRegression().fit(rows, rows["a"]), rows)
    assert [candidate.name for candidate in NarrowOptimizer().candidates(subject)] == ["float32"]
    assert not list(QuantizeOptimizer().candidates(subject))


def test_weights_in_half_precision_are_kept_so(digits, subject_of):
    model, rows = digits
    graph = with_half_weights(in_single_precision(subject_of(model, rows[:TRAINING]).graph))
    assert TensorProto.FLOAT16 in kinds(graph)


def linear(weights, *, offset=None, kind="Gemm", **attributes):
    """P = N @ weights (+ offset) in float32, of rows in float64."""
    names = ["n", "W"] if offset is None else ["n", "W", "b"]
    constants = [numpy_helper.from_array(weights, "W")]
    constants += [] if offset is None else [numpy_helper.from_array(offset, "b")]
    nodes = [
        helper.make_node("Cast", ["N"], ["n"], to=TensorProto.FLOAT),
        helper.make_node(kind, names, ["p"], **attributes),
        helper.make_node("Cast", ["p"], ["P"], to=TensorProto.DOUBLE),
    ]
    inputs, outputs = weights.shape[::-1] if attributes.get("transB") else weights.shape
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "linear",
        [value("N", TensorProto.DOUBLE, [None, inputs])],
        [value("P", TensorProto.DOUBLE, [None, outputs])],
        constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


@pytest.mark.parametrize("inputs", [64, 50])
@pytest.mark.parametrize("is_turned", [False, True])
def test_a_product_in_blocks_is_the_product_of_the_rounded_matrix(inputs, is_turned, answers_of):
    rng = np.random.default_rng(0)
    matrix, offset = rng.normal(size=(inputs, 40)).astype(np.float32), rng.normal(size=40).astype(np.float32)
    levels, scales = blocks_of(matrix)
    wide = (levels.astype(np.float32) - 8) * scales[..., None]
    rounded = wide.reshape(40, -1)[:, :inputs].T
    assert np.abs(rounded - matrix).max() < np.abs(matrix).max() / 8
    rows = rng.normal(size=(7, inputs))
    weights = np.ascontiguousarray(matrix.T) if is_turned else matrix
    graph = in_blocks(linear(weights, offset=offset, transB=int(is_turned)), 1)
    assert [node.op_type for node in onnx.load_from_string(graph).graph.node] == ["Cast", "MatMulNBits", "Add", "Cast"]
    np.testing.assert_allclose(answers_of(graph, rows), rows @ rounded + offset, atol=1e-4)
    np.testing.assert_allclose(answers_of(in_blocks(linear(matrix, kind="MatMul"), 1), rows), rows @ rounded, atol=1e-4)


def test_weights_that_lie_on_levels_are_kept_exactly():
    levels = np.tile(np.arange(-8, 8, dtype=np.float32), (3, 2))
    matrix = (levels * np.float32([[0.5], [-2.0], [1e-3]])).T
    found, scales = blocks_of(np.ascontiguousarray(matrix))
    np.testing.assert_allclose(((found.astype(np.float32) - 8) * scales[..., None]).reshape(3, -1).T, matrix, rtol=1e-6)
    assert packed(found).shape == (3, 1, BLOCK // 2)
    assert np.isfinite(blocks_of(np.zeros((40, 2), np.float32))[1]).all()


@pytest.mark.parametrize(
    ("weights", "attributes"),
    [
        (np.ones((8, 8), np.float32), {}),
        (np.ones((64, 64), np.float32), {"alpha": 2.0}),
        (np.full((64, 64), np.nan, np.float32), {}),
    ],
)
def test_what_would_not_be_the_same_product_or_no_smaller_stays(weights, attributes):
    assert in_blocks(linear(weights, **attributes), 1) is None


def test_a_model_without_matrices_has_nothing_in_four_bits(subject_of):
    rows = pd.DataFrame({"x": np.arange(50.0)})
    subject = subject_of(LinearRegression().fit(rows, rows["x"]), rows)
    assert list(FourBitsOptimizer().candidates(subject)) == []


def test_weights_that_half_precision_has_no_room_for_are_kept_as_bfloat16(answers_of):
    rng = np.random.default_rng(0)
    small, large = rng.normal(size=(16, 8)).astype(np.float32), (1e6 * rng.normal(size=(16, 8))).astype(np.float32)
    assert with_brain_weights(linear(small)) is None
    graph = with_brain_weights(linear(large))
    assert kinds(graph) == {TensorProto.BFLOAT16}
    rows = np.eye(16)
    np.testing.assert_allclose(answers_of(graph, rows), large, rtol=2**-8)


def test_weights_in_bytes_are_within_half_a_step_for_each_output():
    weight = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32) * [1, 10, 100, 0]
    small, scales = in_bytes(weight, 1)
    assert small.dtype == np.int8
    assert scales.shape == (1, 4)
    assert (np.abs(small * scales - weight) <= scales / 2 + 1e-6).all()


def test_the_graph_of_onnx_runtime_answers_to_the_last_digits_alike(digits, subject_of, answers_of):
    model, rows = digits
    subject = subject_of(model, rows[:TRAINING])
    candidates = list(RuntimeGraphOptimizer().candidates(subject))
    assert candidates
    for candidate in candidates:
        np.testing.assert_allclose(answers_of(candidate.graph, subject.numbers), subject.answers, atol=1e-12)
