"""Graphs for opsets below 7 are brought to a newer one where that can be proved, else refused with the reason."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.formats.onnx_child import Sent, check
from golive.adapters.formats.onnx_old import opset_of, upgraded
from golive.errors import DataError

SCALE = np.float32([0.5, 2.0, 3.0])


def old(*nodes, shape=("n", 3), constants=(), opset=6):
    """Give a graph as exporters of 2017 wrote it: its constants are inputs too."""
    value = helper.make_tensor_value_info
    inputs = [value("x", TensorProto.FLOAT, shape)]
    inputs += [value(name, TensorProto.FLOAT, list(array.shape)) for name, array in constants]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants]
    graph = helper.make_graph(list(nodes), "old", inputs, [value("y", TensorProto.FLOAT, shape)], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3)


NORMALIZED = old(
    helper.make_node("BatchNormalization", ["x", "s", "s", "s", "s"], ["a"], is_test=1),
    helper.make_node("Dropout", ["a"], ["b", "mask"], is_test=1, ratio=0.5),
    helper.make_node("Relu", ["b"], ["y"]),
    constants=[("s", SCALE)],
)


def test_an_old_graph_answers_as_it_always_did():
    facts = check(Sent(NORMALIZED.SerializeToString()))
    session = onnxruntime.InferenceSession(facts.content, providers=["CPUExecutionProvider"])
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    (found,) = session.run(None, {"x": rows})
    expected = np.maximum((rows - SCALE) / np.sqrt(SCALE + np.float32(1e-5)) * SCALE + SCALE, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert [value.name for value in facts.inputs] == ["x"]
    assert "from an opset below 7" in facts.notes[-1]


def test_what_the_converter_cannot_do_is_refused_with_its_reason():
    gemm = old(
        helper.make_node("Gemm", ["x", "w", "s"], ["y"], broadcast=1),
        constants=[("w", np.eye(3, dtype=np.float32)), ("s", SCALE)],
    )
    with pytest.raises(
        DataError, match=r"written for opset 6 .* cannot be brought to a newer one .* export the model again"
    ):
        check(Sent(gemm.SerializeToString()))


def test_a_graph_that_answers_otherwise_is_refused():
    with pytest.raises(DataError, match="answers otherwise"):
        upgraded(NORMALIZED, lambda _, feeds: [feeds["x"] + 100])


def test_what_cannot_be_compared_is_refused():
    def broken(_, feeds):
        raise ValueError(list(feeds))

    with pytest.raises(DataError, match="cannot be compared"):
        upgraded(NORMALIZED, broken)


def test_a_newer_graph_is_left_as_it_is():
    new = old(helper.make_node("Relu", ["x"], ["y"]), opset=7)
    assert opset_of(new) == 7
    assert check(Sent(new.SerializeToString())).content == b""
    assert opset_of(onnx.ModelProto()) == 1
