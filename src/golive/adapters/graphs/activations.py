"""Activations: the functions that networks put on each value, and the softmax."""

from collections.abc import Mapping, Sequence

import numpy as np

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import Attributes, Rule, Value, like, rank_of, scaled, tensor

_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
"""What ONNX says where a graph does not."""


def _relu(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("maximum", x, like(b, x, 0.0))


def _leaky(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    below = b.binary("less", x, like(b, x, 0.0))
    return b.where(below, scaled(b, x, attributes.get("alpha", 0.01)), x)


def _prelu(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x, slope = tensor(b, given[0]), tensor(b, given[1])
    return b.where(b.binary("less", x, like(b, x, 0.0)), b.binary("multiply", x, slope), x)


def _elu(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    grown = b.binary("subtract", b.unary("exp", b.binary("minimum", x, like(b, x, 0.0))), like(b, x, 1.0))
    below = b.binary("less", x, like(b, x, 0.0))
    return b.where(below, scaled(b, grown, attributes.get("alpha", 1.0)), x)


def _hard_sigmoid(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    line = b.binary("add", scaled(b, x, attributes.get("alpha", 0.2)), like(b, x, attributes.get("beta", 0.5)))
    return b.binary("minimum", b.binary("maximum", line, like(b, x, 0.0)), like(b, x, 1.0))


def _hard_swish(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("multiply", x, _hard_sigmoid(b, [x], {"alpha": 1 / 6, "beta": 0.5}))


def _gelu(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    if attributes.get("approximate", "none") == "tanh":
        cube = b.binary("multiply", x, b.binary("multiply", x, x))
        inner = b.unary("tanh", scaled(b, b.binary("add", x, scaled(b, cube, 0.044715)), (2 / np.pi) ** 0.5))
    else:
        inner = b.unary("erf", scaled(b, x, 0.5**0.5))
    return b.binary("multiply", scaled(b, x, 0.5), b.binary("add", inner, like(b, x, 1.0)))


def _selu(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    alpha = attributes.get("alpha", _SELU_ALPHA)
    return scaled(b, _elu(b, given, {"alpha": alpha}), attributes.get("gamma", _SELU_GAMMA))


def _softsign(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("divide", x, b.binary("add", b.unary("absolute", x), like(b, x, 1.0)))


def _mish(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("multiply", x, b.unary("tanh", _softplus(b, [x], attributes)))


def _softplus(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    small = b.unary("exp", b.unary("negative", b.unary("absolute", x)))
    high = b.binary("maximum", x, like(b, x, 0.0))
    return b.binary("add", high, b.unary("log", b.binary("add", small, like(b, x, 1.0))))


def _softmax(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.softmax(x, attributes.get("axis", -1) % rank_of(b, x))


def _log_softmax(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    axis = [attributes.get("axis", -1) % rank_of(b, x)]
    moved = b.binary("subtract", x, b.reduce("max", x, axis, keep=True))
    whole = b.reduce("sum", b.unary("exp", moved), axis, keep=True)
    return b.binary("subtract", moved, b.unary("log", whole))


ACTIVATIONS: Mapping[str, Rule] = {
    "Relu": _relu,
    "LeakyRelu": _leaky,
    "PRelu": _prelu,
    "Elu": _elu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "Gelu": _gelu,
    "Selu": _selu,
    "Softsign": _softsign,
    "Mish": _mish,
    "Softplus": _softplus,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
}
