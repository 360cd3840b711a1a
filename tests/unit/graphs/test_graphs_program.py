"""The table of operators: each one told to a backend answers as ONNX Runtime does, and what is not told is named."""

import numpy as np
import onnxruntime
import pytest
from numpy_backend import NumpyBackend, held
from onnx import TensorProto, helper, numpy_helper
from operator_cases import CASES, SEVERAL, graph, right

from golive.adapters.graphs.program import Program
from golive.adapters.graphs.values import Dims, tensor
from golive.errors import NotConvertibleError

MOST = {"float32": 2e-5, "float64": 1e-12}


def same(found, wanted):
    found = found.array
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=MOST.get(wanted.dtype.name, 0), atol=MOST.get(wanted.dtype.name, 0))


@pytest.mark.parametrize("name", [*CASES, *SEVERAL])
def test_an_operator_answers_as_in_onnx_runtime(name):
    kind, given, attributes, *outputs = CASES.get(name) or SEVERAL[name]
    content = graph(kind, given, attributes, *outputs)
    wanted, feeds = right(content, given)
    with np.errstate(all="ignore"):
        found = Program(content).run(NumpyBackend(), held(feeds))
    for one, expected in zip(found.values(), wanted, strict=True):
        same(one, expected)


def model(nodes, inputs, outputs, constants=(), opset=20):
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()


def test_lengths_of_axes_are_computed_with_and_shape_other_tensors():
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["rows"]),
        helper.make_node("Unsqueeze", ["rows", "first"], ["listed"]),
        helper.make_node("Mul", ["listed", "two"], ["doubled"]),
        helper.make_node("Sub", ["doubled", "listed"], ["again"]),
        helper.make_node("Cast", ["again"], ["cast"], to=TensorProto.INT64),
        helper.make_node("Slice", ["shape", "one", "many"], ["rest"]),
        helper.make_node("Squeeze", ["rest"], ["width"]),
        helper.make_node("Reshape", ["width", "back"], ["wide"]),
        helper.make_node("Concat", ["cast", "one", "wide"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["y"]),
        helper.make_node("ConstantOfShape", ["wanted"], ["zeros"]),
        helper.make_node("Expand", ["zeros", "wanted"], ["wider"]),
        helper.make_node("Identity", ["rows"], ["count"]),
    ]
    constants = [("zero", 0), ("first", [0]), ("two", [2]), ("one", [1]), ("many", [9]), ("back", [-1])]
    content = model(nodes, [("x", TensorProto.DOUBLE, [None, 3])], ["y", "wider", "count", "rest"], constants)
    x = np.arange(6.0).reshape(2, 3)
    wanted = onnxruntime.InferenceSession(content).run(None, {"x": x})
    for found, expected in zip(Program(content).run(NumpyBackend(), held({"x": x})).values(), wanted, strict=True):
        same(found, expected)


def test_constants_are_computed_beforehand():
    nodes = [
        helper.make_node("Constant", [], ["three"], value_int=3),
        helper.make_node("Constant", [], ["four"], value_ints=[4]),
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Add", ["four", "three"], ["seven"]),
        helper.make_node("Constant", [], ["below"], value_ints=[-7]),
        helper.make_node("Div", ["below", "four"], ["toward_zero"]),
        helper.make_node("Cast", ["seven"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "half"], ["scaled"]),
        helper.make_node("Concat", ["scaled", "cast"], ["both"], axis=0),
        helper.make_node("Add", ["x", "both"], ["y"]),
        helper.make_node("Dropout", ["y"], ["z"]),
    ]
    content = model(nodes, [("x", TensorProto.FLOAT, [2])], ["z", "toward_zero"])
    found = Program(content).run(NumpyBackend(), held({"x": np.zeros(2, np.float32)}))
    assert found["z"].array.tolist() == [3.5, 7.0]
    assert found["toward_zero"].array.tolist() == [-1]


def test_lengths_become_tensors_where_a_tensor_is_asked_for():
    assert tensor(NumpyBackend(), Dims([2, 3])).array.tolist() == [2, 3]
    assert tensor(NumpyBackend(), Dims([2], is_scalar=True)).array.shape == ()


@pytest.mark.parametrize(
    ("kind", "given", "attributes", "says"),
    [
        ("Slice", [np.eye(3), np.array([2]), np.array([0]), np.array([0]), np.array([-1])], {}, "goes backward"),
        ("Pad", [np.eye(3), np.array([1, 0, 0, 0])], {"mode": "reflect"}, "has the mode 'reflect'"),
        ("ArgMax", [np.eye(3)], {"select_last_index": 1}, "takes the last of equal ones"),
        ("CumSum", [np.eye(3), np.array(0)], {"reverse": 1}, "is exclusive or goes backward"),
        ("MaxPool", [np.zeros((1, 1, 4, 4), np.float32)], {"kernel_shape": [2, 2], "ceil_mode": 1}, "rounds lengths"),
        ("Constant", [], {"value_string": "x"}, "holds a value_string"),
    ],
)
def test_a_form_of_an_operator_that_is_not_told_is_named_with_the_way_out(kind, given, attributes, says):
    program = Program(graph(kind, given, attributes))
    feeds = {"x0": np.asarray(given[0])} if given else {}
    with pytest.raises(NotConvertibleError, match=rf"the operator {kind} \(y0\) {says}.*export it as onnx"):
        program.run(NumpyBackend(), held(feeds))


def test_operators_that_are_not_in_the_table_are_named_together():
    nodes = [
        helper.make_node("TopK", ["x", "k"], ["v", "i"]),
        helper.make_node("Scaler", ["v"], ["y"], domain="ai.onnx.ml"),
    ]
    content = model(nodes, [("x", TensorProto.FLOAT, [None, 3])], ["y"], [("k", [1])])
    with pytest.raises(NotConvertibleError, match=r"needs TopK, ai\.onnx\.ml\.Scaler, .*export it as onnx"):
        Program(content)


def test_a_graph_of_an_old_opset_is_refused():
    content = model([helper.make_node("Relu", ["x"], ["y"])], [("x", TensorProto.FLOAT, [1])], ["y"], opset=11)
    with pytest.raises(NotConvertibleError, match="written for opset 11, and the operators of 13 and later are known"):
        Program(content)


@pytest.mark.parametrize(
    ("kind", "given", "attributes", "says"),
    [
        (
            "BatchNormalization",
            [np.zeros((1, 2, 3), np.float32), *[np.ones(2, np.float32)] * 4],
            {"training_mode": 1},
            r"is in training mode; export the model for inference",
        ),
        (
            "Slice",
            [np.eye(3), np.array([2]), np.array([0]), np.array([0]), np.array([-1])],
            {},
            "goes backward; try so",
        ),
    ],
)
def test_a_refusal_ends_with_what_helps_the_one_who_asked(kind, given, attributes, says):
    program = Program(graph(kind, given, attributes), remedy="try something else")
    with pytest.raises(NotConvertibleError, match=rf"the operator {kind} \(.*\) {says}"):
        program.run(NumpyBackend(), held({"x0": given[0]}))
