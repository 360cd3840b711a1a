"""Small graphs of tensors, each with what a signature says of it."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.signature import Signature
from golive.serving.tensorial.tensor_road import open_tensor_road


def graph_of(nodes, inputs, outputs, constants=None):
    """Give the bytes of a graph; inputs and outputs are (name, type, shape)."""
    sides = [[helper.make_tensor_value_info(*each) for each in side] for side in (inputs, outputs)]
    tensors = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", *sides, tensors)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def weights(*shape):
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def mlp():
    """A row of six numbers in, three scores out."""
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "V"], ["scores"]),
    ]
    constants = {"W": weights(6, 8), "V": weights(8, 3)}
    return graph_of(nodes, [("x", T.FLOAT, ["batch", 6])], [("scores", T.FLOAT, ["rows", 3])], constants)


def two():
    """Two inputs of different types in, two outputs out: the sum of a row, and its name with a bang."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "axes"], ["total"], keepdims=0),
        helper.make_node("StringConcat", ["name", "bang"], ["loud"]),
    ]
    return graph_of(
        nodes,
        [("x", T.DOUBLE, [None, 3]), ("name", T.STRING, [None])],
        [("total", T.DOUBLE, [None]), ("loud", T.STRING, [None])],
        {"axes": np.array([1]), "bang": np.array(["!"], dtype=object)},
    )


def image():
    """An image of bytes in, its mean color out: any height and width."""
    nodes = [
        helper.make_node("Cast", ["image"], ["f"], to=T.FLOAT),
        helper.make_node("ReduceMean", ["f", "axes"], ["color"], keepdims=0),
    ]
    return graph_of(
        nodes,
        [("image", T.UINT8, ["n", "h", "w", 3])],
        [("color", T.FLOAT, ["n", 3])],
        {"axes": np.array([1, 2])},
    )


def sideways():
    """The rows of the input are the columns of the output."""
    nodes = [helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])]
    return graph_of(nodes, [("x", T.FLOAT, ["n", 4])], [("y", T.FLOAT, [4, "n"])])


def mixing():
    """Each row less the mean of all rows."""
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=1),
        helper.make_node("Sub", ["x", "m"], ["y"]),
    ]
    return graph_of(nodes, [("x", T.FLOAT, ["n", 4])], [("y", T.FLOAT, ["n", 4])], {"axes": np.array([0])})


def lookup():
    """Tokens in, the vectors of a table of ten out; any other token fails in the graph."""
    nodes = [helper.make_node("Gather", ["table", "tokens"], ["vectors"], axis=0)]
    return graph_of(
        nodes,
        [("tokens", T.INT64, ["n", "length"])],
        [("vectors", T.FLOAT, ["n", "length", 4])],
        {"table": weights(10, 4)},
    )


def every_type(kind):
    """One input of a type in, the same out."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return graph_of(nodes, [("x", kind, ["n", 2])], [("y", kind, ["n", 2])])


def scalar():
    """A number without any axis in, its double out."""
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return graph_of(nodes, [("x", T.FLOAT, [])], [("y", T.FLOAT, [])])


def half():
    """Numbers of two bytes in, the same out."""
    return every_type(T.FLOAT16)


MODELS = {each.__name__: each for each in (mlp, two, image, sideways, mixing, lookup, scalar, half)}


def manifest_of(name, graph):
    """Give the manifest of a graph as it is."""
    session = OnnxRuntime().open_tensors(graph, threads=1)
    signature = Signature(inputs=(), task="tensors", target="", tensors=session.inputs, outputs=session.outputs)
    return Manifest(name=name, signature=signature, preparation=Preparation())


def road_of(name, graph=None):
    """Open one of the models, or another graph."""
    graph = MODELS[name]() if graph is None else graph
    return open_tensor_road(manifest_of(name, graph), graph, OnnxRuntime())
