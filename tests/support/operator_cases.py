"""Small graphs, one operator each, that any library's form of the table is compared on with ONNX Runtime."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))
X[0, 1] = np.nan
Y = RNG.normal(size=(3, 4))
Z = np.abs(RNG.normal(size=(3, 4))) + 0.5
WHOLE = RNG.integers(-9, 9, (3, 4))
IMAGE = RNG.normal(size=(2, 4, 6, 6)).astype(np.float32)
F = np.float32

CASES = {
    "Add": ("Add", [X, Y[:1]], {}),
    "Sub": ("Sub", [X, Y], {}),
    "Mul": ("Mul", [X, np.array(2.0)], {}),
    "Div": ("Div", [X, Y], {}),
    "Div of whole numbers": ("Div", [WHOLE, np.array(4)], {}),
    "Pow": ("Pow", [Z, np.array(1.5)], {}),
    "Equal": ("Equal", [WHOLE, WHOLE[::-1].copy()], {}),
    "Less": ("Less", [X, Y], {}),
    "LessOrEqual": ("LessOrEqual", [X, X], {}),
    "Greater": ("Greater", [X, Y], {}),
    "GreaterOrEqual": ("GreaterOrEqual", [X, X], {}),
    "And": ("And", [X > 0, Y > 0], {}),
    "Or": ("Or", [X > 0, Y > 0], {}),
    "Xor": ("Xor", [X > 0, Y > 0], {}),
    "Not": ("Not", [X > 0], {}),
    "Mod": ("Mod", [WHOLE, np.array(4)], {}),
    "fmod": ("Mod", [Y, np.array(0.4)], {"fmod": 1}),
    "Max keeps a missing value": ("Max", [X, Y, np.zeros((1, 4))], {}),
    "Min keeps a missing value": ("Min", [X, Y], {}),
    "Sum": ("Sum", [X, Y, Z], {}),
    "Mean": ("Mean", [X.astype(F), Y.astype(F), Z.astype(F)], {}),
    **{
        name: (name, [Z], {})
        for name in ("Abs", "Neg", "Exp", "Log", "Sqrt", "Floor", "Ceil", "Sign", "Sin", "Cos", "Reciprocal")
    },
    **{
        name: (name, [Y.astype(F)], {})
        for name in ("Tan", "Atan", "Tanh", "Erf", "Sigmoid", "Relu", "Softplus", "Softsign")
    },
    "Round to even": ("Round", [np.array([0.5, 1.5, -2.5, 2.6])], {}),
    "IsNaN": ("IsNaN", [X], {}),
    "IsInf": ("IsInf", [np.array([np.inf, -np.inf, 1.0], F)], {}),
    "IsInf below": ("IsInf", [np.array([np.inf, -np.inf, 1.0], F)], {"detect_positive": 0}),
    "Identity": ("Identity", [X], {}),
    "LeakyRelu": ("LeakyRelu", [Y.astype(F)], {"alpha": 0.1}),
    "PRelu": ("PRelu", [Y.astype(F), np.full(4, 0.2, F)], {}),
    **{name: (name, [Y.astype(F)], {}) for name in ("Selu", "Mish")},
    "Selu of its own": ("Selu", [Y.astype(F)], {"alpha": 1.5, "gamma": 0.5}),
    "Elu": ("Elu", [Y.astype(F)], {"alpha": 0.7}),
    "HardSigmoid": ("HardSigmoid", [Y.astype(F)], {}),
    "HardSwish": ("HardSwish", [Y.astype(F)], {}),
    "Gelu": ("Gelu", [Y.astype(F)], {}),
    "Gelu by tanh": ("Gelu", [Y.astype(F)], {"approximate": "tanh"}),
    "Clip": ("Clip", [Y, np.array(-0.5), np.array(0.5)], {}),
    "Clip above": ("Clip", [Y, None, np.array(0.5)], {}),
    "Cast": ("Cast", [Y], {"to": TensorProto.INT64}),
    "Where": ("Where", [Y > 0, X, Z], {}),
    "Reshape": ("Reshape", [X, np.array([0, 2, -1])], {}),
    "Flatten": ("Flatten", [IMAGE], {}),
    "Flatten from the first": ("Flatten", [IMAGE], {"axis": 0}),
    "Flatten from the third": ("Flatten", [IMAGE], {"axis": 2}),
    "Squeeze": ("Squeeze", [X[:1]], {}),
    "Squeeze an axis": ("Squeeze", [X[:, :1], np.array([1])], {}),
    "Unsqueeze": ("Unsqueeze", [X, np.array([0, 3])], {}),
    "Concat": ("Concat", [X, Y], {"axis": -1}),
    "Gather": ("Gather", [X, np.array([[0, -1]])], {"axis": 1}),
    "Gather of the last": ("Gather", [X, np.array(-1)], {"axis": 0}),
    "GatherElements": ("GatherElements", [X, np.array([[0, 1], [3, -1], [2, 2]])], {"axis": 1}),
    "Slice": ("Slice", [X, np.array([1]), np.array([1 << 62]), np.array([1]), np.array([2])], {}),
    "Slice of the first axes": ("Slice", [X, np.array([0, 1]), np.array([-1, 3])], {}),
    "Transpose": ("Transpose", [IMAGE], {"perm": [0, 2, 3, 1]}),
    "Transpose all": ("Transpose", [X], {}),
    "Expand": ("Expand", [X[:1], np.array([2, 1, 4])], {}),
    "Expand to a shorter shape": ("Expand", [X, np.array([1])], {}),
    "Tile": ("Tile", [X, np.array([2, 1])], {}),
    "Pad": ("Pad", [X, np.array([0, 1, 2, 0]), np.array(7.0)], {}),
    "Pad an axis": ("Pad", [X, np.array([1, 0]), None, np.array([1])], {}),
    "ReduceSum": ("ReduceSum", [Y, np.array([1])], {}),
    "ReduceSum of nothing": ("ReduceSum", [Y], {"noop_with_empty_axes": 1}),
    "ReduceMean": ("ReduceMean", [Y.astype(F), np.array([0])], {"keepdims": 0}),
    "ReduceMax": ("ReduceMax", [Y], {}),
    "ReduceMin": ("ReduceMin", [Y, np.array([-1])], {}),
    "ReduceProd": ("ReduceProd", [Y.astype(F), np.array([0, 1])], {}),
    "ReduceL1": ("ReduceL1", [Y.astype(F), np.array([1])], {}),
    "ReduceL2": ("ReduceL2", [Y.astype(F), np.array([1])], {}),
    "ReduceSumSquare": ("ReduceSumSquare", [Y, np.array([1])], {}),
    "ReduceLogSumExp": ("ReduceLogSumExp", [Y.astype(F), np.array([1])], {}),
    "ArgMax": ("ArgMax", [np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 1.0]])], {"axis": 1}),
    "ArgMax without its axis": ("ArgMax", [Y], {"axis": 1, "keepdims": 0}),
    "ArgMin": ("ArgMin", [Y], {"axis": -1}),
    "Softmax": ("Softmax", [Y], {"axis": 1}),
    "LogSoftmax": ("LogSoftmax", [Y], {"axis": 0}),
    "MatMul": ("MatMul", [Y, Z.T.copy()], {}),
    "MatMul with a vector": ("MatMul", [Y, Z[0].copy()], {}),
    "MatMulInteger": (
        "MatMulInteger",
        [np.arange(6, dtype=np.uint8).reshape(2, 3), np.arange(6, dtype=np.int8).reshape(3, 2), np.uint8(2)],
        {},
    ),
    "Gemm": ("Gemm", [Y.T.copy(), Z.T.copy(), Y[:1, :3]], {"transA": 1, "alpha": 0.5, "beta": 2.0}),
    "Gemm without a bias": ("Gemm", [Y, Z], {"transB": 1}),
    "Conv": ("Conv", [IMAGE, RNG.normal(size=(6, 4, 3, 3)).astype(F), np.arange(6, dtype=F)], {"pads": [1, 0, 1, 2]}),
    "Conv in groups": ("Conv", [IMAGE, RNG.normal(size=(4, 2, 2, 2)).astype(F)], {"group": 2, "strides": [2, 2]}),
    "Conv filled up": (
        "Conv",
        [IMAGE, RNG.normal(size=(2, 4, 3, 3)).astype(F)],
        {"auto_pad": "SAME_UPPER", "strides": [2, 2], "kernel_shape": [3, 3]},
    ),
    "Conv filled up before": (
        "Conv",
        [IMAGE, RNG.normal(size=(2, 4, 2, 2)).astype(F)],
        {"auto_pad": "SAME_LOWER", "kernel_shape": [2, 2]},
    ),
    "MaxPool": ("MaxPool", [IMAGE], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "MaxPool with edges": ("MaxPool", [-np.abs(IMAGE)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "AveragePool": ("AveragePool", [IMAGE], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "AveragePool with edges": (
        "AveragePool",
        [IMAGE],
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "GlobalAveragePool": ("GlobalAveragePool", [IMAGE], {}),
    "GlobalMaxPool": ("GlobalMaxPool", [IMAGE], {}),
    "BatchNormalization": (
        "BatchNormalization",
        [IMAGE, *(np.abs(RNG.normal(size=4)).astype(F) for _ in range(4))],
        {},
    ),
    "LayerNormalization": ("LayerNormalization", [Y.astype(F), np.arange(4, dtype=F), np.ones(4, F)], {}),
    "LayerNormalization without a bias": ("LayerNormalization", [Y.astype(F), np.arange(4, dtype=F)], {"axis": 1}),
    "CumSum": ("CumSum", [Y, np.array(1)], {}),
    "DequantizeLinear": (
        "DequantizeLinear",
        [np.arange(12, dtype=np.uint8).reshape(3, 4), np.array([0.5, 1, 2], F), np.array([1, 2, 3], np.uint8)],
        {"axis": 0},
    ),
    "QuantizeLinear": ("QuantizeLinear", [Y.astype(F) * 100, F(0.5), np.int8(3)], {}),
}
SEVERAL = {
    "Split": ("Split", [X, np.array([1, 3])], {"axis": 1}, 2),
    "Split into equals": ("Split", [X], {"axis": 1, "num_outputs": 2}, 2),
    "DynamicQuantizeLinear": ("DynamicQuantizeLinear", [Y.astype(F)], {}, 3),
}


def graph(kind, given, attributes, outputs=1, *, fixed=()):
    """Write one operator; what is no float of several values is a constant, and so are the given places."""
    names, inputs, constants = [], [], []
    for place, array in enumerate(given):
        names.append("" if array is None else f"x{place}")
        if array is None:
            continue
        held = np.asarray(array)
        if place == 0 or (held.ndim > 1 and place not in fixed and kind not in {"Conv", "GatherElements"}):
            shape = [None, *held.shape[1:]]
            inputs.append(
                helper.make_tensor_value_info(f"x{place}", helper.np_dtype_to_tensor_dtype(held.dtype), shape)
            )
        else:
            constants.append(numpy_helper.from_array(held, f"x{place}"))
    gives = [f"y{place}" for place in range(outputs)]
    node = helper.make_node(kind, names, gives, **attributes)
    values = [helper.make_empty_tensor_value_info(name) for name in gives]
    made = helper.make_graph([node], "one", inputs, values, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()


def right(content, given):
    """Give what ONNX Runtime answers, and the feeds."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    arrays = {f"x{place}": np.asarray(array) for place, array in enumerate(given) if array is not None}
    feeds = {one.name: arrays[one.name] for one in session.get_inputs()}
    return session.run(None, feeds), feeds
