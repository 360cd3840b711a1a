"""A network's graph as a function of torch, whose products can be trained; what comes before them stays as it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from golive import plugins
from golive.adapters.optimizers.regions import attributes
from golive.adapters.optimizers.surgery import Array, Surgery
from golive.errors import NotConvertibleError

_FLOATS = (np.float32, np.float64)
_PRODUCTS = frozenset(("Gemm", "MatMul", "Conv"))
Operator = Callable[[Any, Sequence[Any], Mapping[str, Any]], Any]
"""torch's functional module, the inputs (None where one is left out), the attributes; the output out."""


class TorchGraph:
    """The part of a graph that depends on its products, in single precision.

    Args:
        content: the graph.

    Raises:
        NotConvertibleError: it has an operator that is not known here.
        MissingExtraError: torch is not installed.
    """

    def __init__(self, content: bytes) -> None:
        self._torch = plugins.library("torch")
        self._surgery = Surgery(content)
        layers = [layer for dtype in _FLOATS for layer in self._surgery.layers(dtype)]
        self._nodes = _behind(self._surgery.nodes, {layer.place for layer in layers})
        self._operators = _operators(self._torch)
        for node in self._nodes:
            if node.domain not in {"", "ai.onnx"} or node.op_type not in self._operators:
                message = f"the network has the operator {node.op_type}, which cannot be trained here"
                raise NotConvertibleError(message)
        made = {name for node in self._nodes for name in node.output}
        names = dict.fromkeys(name for node in self._nodes for name in node.input if name and name not in made)
        values = {name: self._surgery.constant(name) for name in names}
        self.inputs = [name for name, value in values.items() if value is None]
        """What the nodes before give: tensors whose values must be handed in."""
        trained = {name for node in self._nodes if node.op_type in _PRODUCTS for name in node.input[1:]}
        self.trained: dict[str, Any] = {}
        self._fixed: dict[str, Any] = {}
        for name, value in values.items():
            if value is None:
                continue
            tensor = self._tensor(value)
            if name in trained and tensor.is_floating_point():
                self.trained[name] = tensor.requires_grad_()
            else:
                self._fixed[name] = tensor

    def answers(self, given: Sequence[Any]) -> Any:
        """Give ``P`` for the values of :attr:`inputs`, as a tensor that gradients can be taken of."""
        values: dict[str, Any] = {"": None, **self._fixed, **self.trained}
        values.update(zip(self.inputs, given, strict=True))
        for node in self._nodes:
            operator = self._operators[node.op_type]
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = operator(self._torch.nn.functional, inputs, attributes(node))
        return values["P"]

    def bytes(self) -> bytes:
        """Give the graph with the weights as they are now."""
        renamed = {}
        for name, tensor in self.trained.items():
            before = self._surgery.constant(name)
            if before is not None:
                renamed[name] = self._surgery.add_constant(tensor.detach().numpy().astype(before.dtype))
        for node in self._surgery.nodes:
            node.input[:] = [renamed.get(name, name) for name in node.input]
        return self._surgery.bytes()

    def _tensor(self, value: Array) -> Any:
        tensor = self._torch.from_numpy(np.array(value))
        return tensor.float() if tensor.is_floating_point() else tensor


def _behind(nodes: Sequence[onnx.NodeProto], places: set[int]) -> list[onnx.NodeProto]:
    """Give the nodes that depend on those at the places, these among them."""
    known: set[str] = set()
    found = []
    for place, node in enumerate(nodes):
        if place in places or known.intersection(node.input):
            known.update(node.output)
            found.append(node)
    return found


def _operators(torch: Any) -> Mapping[str, Operator]:
    plain: dict[str, Callable[[Any], Any]] = {
        "Identity": lambda x: x,
        "Dropout": lambda x: x,
        "Relu": torch.relu,
        "Tanh": torch.tanh,
        "Sigmoid": torch.sigmoid,
        "Exp": torch.exp,
        "Log": torch.log,
        "Neg": torch.neg,
        "Abs": torch.abs,
        "Sqrt": torch.sqrt,
        "Erf": torch.erf,
        "Reciprocal": torch.reciprocal,
    }
    pairs: dict[str, Callable[[Any, Any], Any]] = {
        "Add": torch.add,
        "Sub": torch.sub,
        "Mul": torch.mul,
        "Div": torch.div,
        "Max": torch.maximum,
        "Min": torch.minimum,
        "Pow": torch.pow,
        "MatMul": torch.matmul,
    }
    return {
        **{name: _of_one(function) for name, function in plain.items()},
        **{name: _of_two(function) for name, function in pairs.items()},
        "Cast": lambda _, x, told: x[0].float() if told["to"] in _WIDE else x[0].to(torch.int64),
        "LeakyRelu": lambda f, x, told: f.leaky_relu(x[0], told.get("alpha", 0.01)),
        "Elu": lambda f, x, told: f.elu(x[0], told.get("alpha", 1.0)),
        "Selu": lambda f, x, _: f.selu(x[0]),
        "Softplus": lambda f, x, _: f.softplus(x[0]),
        "Softsign": lambda f, x, _: f.softsign(x[0]),
        "Mish": lambda f, x, _: f.mish(x[0]),
        "HardSwish": lambda f, x, _: f.hardswish(x[0]),
        "HardSigmoid": lambda _, x, told: torch.clamp(x[0] * told.get("alpha", 0.2) + told.get("beta", 0.5), 0, 1),
        "Gelu": lambda f, x, told: f.gelu(x[0], approximate=told.get("approximate", b"none").decode()),
        "PRelu": lambda _, x, __: torch.where(x[0] < 0, x[0] * x[1], x[0]),
        "Clip": lambda _, x, __: torch.clamp(x[0], *[*x[1:], None, None][:2]),
        "Softmax": lambda f, x, told: f.softmax(x[0], told.get("axis", -1)),
        "LogSoftmax": lambda f, x, told: f.log_softmax(x[0], told.get("axis", -1)),
        "Concat": lambda _, x, told: torch.cat(list(x), told["axis"]),
        "Transpose": lambda _, x, told: x[0].permute(*told["perm"]),
        "Flatten": lambda _, x, told: x[0].flatten(told.get("axis", 1)),
        "Reshape": lambda _, x, __: x[0].reshape(_lengths(x[0], x[1])),
        "Squeeze": lambda _, x, __: x[0].squeeze(tuple(x[1].tolist())),
        "Unsqueeze": lambda _, x, __: _unsqueezed(x[0], x[1].tolist()),
        "Slice": _slice,
        "ReduceMean": lambda _, x, told: x[0].mean(tuple(x[1].tolist()), keepdim=bool(told.get("keepdims", 1))),
        "ReduceSum": lambda _, x, told: x[0].sum(tuple(x[1].tolist()), keepdim=bool(told.get("keepdims", 1))),
        "Gemm": _gemm,
        "Conv": _conv,
        "MaxPool": lambda f, x, told: _pool(f.max_pool2d, f, x[0], told, float("-inf")),
        "AveragePool": lambda f, x, told: _pool(f.avg_pool2d, f, x[0], told, 0.0),
        "GlobalAveragePool": lambda _, x, __: x[0].mean((2, 3), keepdim=True),
        "BatchNormalization": lambda f, x, told: f.batch_norm(
            x[0], x[3], x[4], x[1], x[2], eps=told.get("epsilon", 1e-5)
        ),
    }


_WIDE = frozenset((onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE))


def _of_one(function: Callable[[Any], Any]) -> Operator:
    return lambda _, x, __: function(x[0])


def _of_two(function: Callable[[Any, Any], Any]) -> Operator:
    return lambda _, x, __: function(x[0], x[1])


def _gemm(_: Any, x: Sequence[Any], told: Mapping[str, Any]) -> Any:
    left = x[0].T if told.get("transA", 0) else x[0]
    right = x[1].T if told.get("transB", 0) else x[1]
    product = told.get("alpha", 1.0) * (left @ right)
    return product if len(x) < 3 or x[2] is None else product + told.get("beta", 1.0) * x[2]  # noqa: PLR2004 - offset


def _conv(f: Any, x: Sequence[Any], told: Mapping[str, Any]) -> Any:
    axes = x[1].ndim - 2
    padded = f.pad(x[0], _pads(told, axes))
    function = {1: f.conv1d, 2: f.conv2d, 3: f.conv3d}[axes]
    steps, apart = told.get("strides", [1] * axes), told.get("dilations", [1] * axes)
    offset = x[2] if len(x) > 2 else None  # noqa: PLR2004 - the third is the offset
    return function(padded, x[1], offset, stride=steps, dilation=apart, groups=told.get("group", 1))


def _pool(function: Callable[..., Any], f: Any, image: Any, told: Mapping[str, Any], border: float) -> Any:
    kernel, pads = told["kernel_shape"], _pads(told, 2)
    is_mean = border == 0 and any(pads) and not told.get("count_include_pad", 0)
    if len(kernel) != 2 or told.get("ceil_mode", 0) or set(told.get("dilations", [1])) != {1} or is_mean:  # noqa: PLR2004
        message = "the network pools in a way that cannot be trained here"
        raise NotConvertibleError(message)
    return function(f.pad(image, pads, value=border), kernel, stride=told.get("strides", [1, 1]))


def _pads(told: Mapping[str, Any], axes: int) -> list[int]:
    """Turn ONNX's margins (all beginnings, all ends) into torch's (the last axis first)."""
    pads = told.get("pads", [0] * 2 * axes)
    return [margin for axis in reversed(range(axes)) for margin in (pads[axis], pads[axis + axes])]


def _slice(_: Any, x: Sequence[Any], __: Mapping[str, Any]) -> Any:
    starts, ends = x[1].tolist(), x[2].tolist()
    axes = x[3].tolist() if len(x) > 3 and x[3] is not None else list(range(len(starts)))  # noqa: PLR2004
    steps = x[4].tolist() if len(x) > 4 and x[4] is not None else [1] * len(starts)  # noqa: PLR2004
    places: list[slice] = [slice(None)] * x[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        places[axis] = slice(start, end, step)
    return x[0][tuple(places)]


def _unsqueezed(x: Any, axes: Sequence[int]) -> Any:
    for axis in sorted(axes):
        x = x.unsqueeze(axis)
    return x


def _lengths(x: Any, shape: Any) -> list[int]:
    return [x.shape[place] if length == 0 else length for place, length in enumerate(shape.tolist())]
