"""Candidates are measured in a process of their own: whatever they do there is an answer."""

import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive.optimization import measuring
from golive.optimization.measuring import Graph, RefusedError, compare

ROWS = np.random.default_rng(0).normal(size=(120, 3))


def graph(content):
    return Graph(content=content, runtime="onnxruntime", numbers=ROWS, codes=np.zeros((120, 0), np.int64))


def measured(original, candidate, limit_s=60.0):
    return compare(graph(original), graph(candidate), threshold=0.5, is_classification=True, limit_s=limit_s)


def centered():
    """Probabilities of rows less the mean of all rows: an answer depends on the company."""
    nodes = [
        helper.make_node("ReduceMean", ["N", "axis"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["N", "mean"], ["moved"]),
        helper.make_node("Softmax", ["moved"], ["P"], axis=1),
    ]
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "centered",
        [value("N", TensorProto.DOUBLE, [None, 3])],
        [value("P", TensorProto.DOUBLE, [None, 3])],
        [numpy_helper.from_array(np.array([0]), "axis")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


def test_a_candidate_is_measured_beside_its_original(linear_graph):
    content = linear_graph([1.0, 2.0, 3.0], sigmoid=True)
    reading = measured(content, content)
    expected = 1 / (1 + np.exp(-ROWS @ [1.0, 2.0, 3.0]))
    np.testing.assert_allclose(reading.answers[:, 1], expected, rtol=1e-9)
    found = reading.comparison
    assert found.alone_flipped == 0
    assert found.alone < 1e-12
    for cost in (found.original, found.candidate):
        assert cost.size_bytes == len(content)
        assert 0 < cost.p50_us <= cost.p99_us
        assert cost.thousand_ms > 0
        assert cost.load_ms > 0
    assert found.one_row > 0
    assert found.thousand_rows > 0


def test_answers_that_depend_on_the_rows_beside_are_found_out():
    reading = measured(centered(), centered())
    assert reading.comparison.alone > 0.1
    assert reading.comparison.alone_flipped > 0


def test_bytes_that_are_no_graph_are_refused_with_the_reason(linear_graph):
    with pytest.raises(RefusedError, match="the 8 bytes are not a graph that ONNX Runtime"):
        measured(linear_graph([1.0, 2.0, 3.0], sigmoid=True), b"no graph")


def test_a_candidate_that_never_ends_is_refused_when_the_time_is_over(linear_graph):
    content = linear_graph([1.0, 2.0, 3.0], sigmoid=True)
    with pytest.raises(RefusedError, match="took longer than 0 seconds to be measured"):
        measured(content, content, limit_s=0.01)


@pytest.mark.parametrize(
    ("code", "stderr", "told"),
    [
        (-11, b"", "ended its process (SIGSEGV)"),
        (1, b"Traceback\nMemoryError: too much\n", "failed while it was measured (MemoryError: too much)"),
        (3, b"", "failed while it was measured (exit code 3)"),
    ],
)
def test_the_end_of_a_process_is_told_in_words(code, stderr, told):
    assert measuring._end_of(subprocess.CompletedProcess([], code, b"", stderr)) == told
