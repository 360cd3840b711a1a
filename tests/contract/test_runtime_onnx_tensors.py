"""Graphs of anybody's, opened as they are."""

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper
from tensor_models import MODELS, every_type, graph_of

from golive import plugins
from golive.domain.signature import Tensor
from golive.errors import RequestError, UnavailableError, VerificationError

TYPES = {
    T.FLOAT16: "float16",
    T.FLOAT: "float32",
    T.DOUBLE: "float64",
    T.INT8: "int8",
    T.INT16: "int16",
    T.INT32: "int32",
    T.INT64: "int64",
    T.UINT8: "uint8",
    T.UINT16: "uint16",
    T.UINT32: "uint32",
    T.UINT64: "uint64",
    T.BOOL: "bool",
    T.STRING: "string",
}


@pytest.fixture
def runtime():
    return plugins.load("runtimes", "onnxruntime")


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_that_numpy_has_goes_in_and_comes_out(runtime, kind):
    session = runtime.open_tensors(every_type(kind), threads=1)
    assert session.inputs == (Tensor(name="x", dtype=TYPES[kind], shape=(None, 2)),)
    assert session.outputs == (Tensor(name="y", dtype=TYPES[kind], shape=(None, 2)),)
    sent = np.array([["a", "ü"]], dtype=object) if kind == T.STRING else np.array([[0, 1]], dtype=TYPES[kind])
    (name, found), *others = session.run({"x": sent}).items()
    assert (name, others, found.dtype) == ("y", [], sent.dtype)
    assert found.tolist() == sent.tolist()


def test_several_inputs_and_outputs_keep_their_names(runtime):
    session = runtime.open_tensors(MODELS["two"](), threads=1)
    found = session.run({"x": np.array([[1.0, 2.0, 3.0]]), "name": np.array(["ü"], dtype=object)})
    assert {name: array.tolist() for name, array in found.items()} == {"total": [6.0], "loud": ["ü!"]}


def test_a_scalar_goes_in_and_comes_out(runtime):
    assert (
        runtime.open_tensors(MODELS["scalar"](), threads=1).run({"x": np.array(2.5, np.float32)})["y"].tolist() == 5.0
    )


def test_values_that_the_graph_cannot_take_are_the_requests_mistake(runtime):
    session = runtime.open_tensors(MODELS["lookup"](), threads=1)
    with pytest.raises(RequestError, match=r"idx=99 must be within the inclusive range \[-10,9\]\); check that"):
        session.run({"tokens": np.array([[99]])})


def test_shapes_that_do_not_fit_one_another_are_told_without_paths(runtime):
    nodes = [helper.make_node("Add", ["a", "b"], ["y"])]
    graph = graph_of(nodes, [("a", T.FLOAT, ["n"]), ("b", T.FLOAT, ["m"])], [("y", T.FLOAT, ["k"])])
    session = runtime.open_tensors(graph, threads=1)
    with pytest.raises(RequestError, match=r"\(axis == 1 .* 2 by 3\)") as caught:
        session.run({"a": np.ones(2, np.float32), "b": np.ones(3, np.float32)})
    assert "/" not in caught.value.message


def test_more_memory_than_there_is_is_no_bug(runtime):
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["y"])]
    graph = graph_of(nodes, [("shape", T.INT64, [2])], [("y", T.FLOAT, ["n", "m"])])
    session = runtime.open_tensors(graph, threads=1)
    with pytest.raises(UnavailableError, match=r"not enough memory .* 400000000000000\); send smaller tensors"):
        session.run({"shape": np.array([10**7, 10**7])})


def test_maps_of_a_classifier_are_refused_by_name(runtime):
    nodes = [
        helper.make_node("ZipMap", ["x"], ["probabilities"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", T.FLOAT, [None, 2])],
        [
            helper.make_value_info(
                "probabilities",
                helper.make_sequence_type_proto(
                    helper.make_map_type_proto(T.INT64, helper.make_tensor_type_proto(T.FLOAT, None))
                ),
            )
        ],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    with pytest.raises(VerificationError, match=r"output 'probabilities' is of the type seq.* without ZipMap"):
        runtime.open_tensors(model, threads=1)


def test_a_type_that_numpy_has_not_is_refused_by_name(runtime):
    with pytest.raises(VerificationError, match=r"input 'x' is of the type tensor\(bfloat16\).* Cast to float32"):
        runtime.open_tensors(every_type(T.BFLOAT16), threads=1)


def test_bytes_that_are_no_graph_are_refused(runtime):
    with pytest.raises(VerificationError, match="are not a graph that ONNX Runtime"):
        runtime.open_tensors(b"no graph", threads=1)
