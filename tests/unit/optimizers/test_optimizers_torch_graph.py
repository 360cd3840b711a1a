"""Graphs of old opsets are brought to one whose operators training knows; torch itself is in the heavy tests."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.graphs.table import OLDEST
from golive.adapters.optimizers.torch_graph import current
from golive.errors import NotConvertibleError


def graph(nodes, opset):
    """A graph over 4 columns with a matrix ``w``."""
    made = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 4])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, None)],
        [numpy_helper.from_array(np.arange(8.0).reshape(4, 2), "w")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=7).SerializeToString()


def test_a_graph_of_a_new_opset_stays_as_it_is():
    content = graph([helper.make_node("MatMul", ["N", "w"], ["P"])], OLDEST)
    assert current(content) is content


def test_a_graph_of_an_old_opset_answers_the_same_in_a_newer_one():
    nodes = [helper.make_node("MatMul", ["N", "w"], ["m"]), helper.make_node("ReduceSum", ["m"], ["P"], axes=[1])]
    content = graph(nodes, 11)
    newer = current(content)
    assert onnx.load_model_from_string(newer).opset_import[0].version == OLDEST
    rows = np.random.default_rng(0).normal(size=(5, 4))
    old, new = (onnxruntime.InferenceSession(one).run(["P"], {"N": rows})[0] for one in (content, newer))
    assert old.tolist() == new.tolist()


def test_an_old_graph_that_cannot_be_brought_up_is_refused_with_the_way_out():
    scaler = helper.make_node("Scaler", ["N"], ["P"], domain="ai.onnx.ml", scale=[1.0], offset=[0.0])
    with pytest.raises(NotConvertibleError, match=r"written for opset 11 and cannot be brought to 13; export it anew"):
        current(graph([scaler], 11))
