"""Precision: a graph in, out how near another machine's answers to it are: it adds in another order, rounds alike."""

import onnx
from onnx import TensorProto, shape_inference

DOUBLE, SINGLE, TENSORS = 1e-9, 1e-5, 1e-4
"""The tolerances of graphs in float64, of those that compute in float32 on the way, and of tensors."""

_NARROW = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16}
_EXACT = {
    # They give one of the numbers that they read, or always round one sum in the same order.
    *("Cast", "Where", "Neg", "Abs", "Relu", "Min", "Max", "Clip", "CumSum", "Identity", "Reshape", "Flatten"),
    *("Unsqueeze", "Squeeze", "Transpose", "Expand", "Slice", "Split", "Concat", "Gather", "GatherElements", "MaxPool"),
}


def tolerance_of(graph: bytes, *, tensors: bool = False) -> float:
    """Give the greatest difference that is still the same answer."""
    if tensors:
        return TENSORS
    return SINGLE if computes_in_float32(graph) else DOUBLE


def computes_in_float32(graph: bytes) -> bool:
    """Say whether a graph of double inputs and outputs multiplies or adds narrower numbers on the way."""
    model = shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    narrow = {each.name for each in model.graph.value_info if each.type.tensor_type.elem_type in _NARROW}
    return any(node.op_type not in _EXACT and narrow.intersection(node.output) for node in model.graph.node)
