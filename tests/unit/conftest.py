"""Small real graphs, and the real runtime."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.runtimes.onnxruntime import OnnxRuntime

Build = Callable[..., bytes]


def linear(
    weights: Sequence[float] = (),
    intercept: float = 0.0,
    *,
    tables: Sequence[Sequence[float]] = (),
    sigmoid: bool = False,
) -> bytes:
    """Intercept + weights @ N + the sum of one table look-up a category; with ``sigmoid``, two probabilities."""
    nodes, terms, inputs, constants = [], ["b"], [], [numpy_helper.from_array(np.array([[intercept]]), "b")]
    if weights:
        inputs.append(helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, len(weights)]))
        constants.append(numpy_helper.from_array(np.array(weights, dtype=np.float64).reshape(-1, 1), "W"))
        nodes.append(helper.make_node("MatMul", ["N", "W"], ["n"]))
        terms.append("n")
    if tables:
        inputs.append(helper.make_tensor_value_info("C", TensorProto.INT64, [None, len(tables)]))
    for index, table in enumerate(tables):
        constants.append(numpy_helper.from_array(np.array(table, dtype=np.float64), f"t{index}"))
        constants.append(numpy_helper.from_array(np.array([index], dtype=np.int64), f"i{index}"))
        nodes.append(helper.make_node("Gather", ["C", f"i{index}"], [f"c{index}"], axis=1))
        nodes.append(helper.make_node("Gather", [f"t{index}", f"c{index}"], [f"g{index}"], axis=0))
        terms.append(f"g{index}")
    last = terms[0]
    for index, term in enumerate(terms[1:]):
        nodes.append(helper.make_node("Add", [last, term], [f"s{index}"]))
        last = f"s{index}"
    if sigmoid:
        constants.append(numpy_helper.from_array(np.array([[1.0]]), "one"))
        nodes += [
            helper.make_node("Sigmoid", [last], ["p1"]),
            helper.make_node("Sub", ["one", "p1"], ["p0"]),
            helper.make_node("Concat", ["p0", "p1"], ["P"], axis=1),
        ]
    else:
        nodes.append(helper.make_node("Identity", [last], ["P"]))
    answer = helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 2 if sigmoid else 1])
    graph = helper.make_graph(nodes, "linear", inputs, [answer], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


@pytest.fixture
def linear_graph() -> Build:
    return linear


@pytest.fixture
def runtime() -> OnnxRuntime:
    return OnnxRuntime()
