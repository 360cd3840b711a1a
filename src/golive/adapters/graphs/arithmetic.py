"""Arithmetic: operators that compute each value from the values at its place."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import Attributes, Dims, Rule, Value, like, scaled, tensor


def _binary(name: str) -> Rule:
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        del attributes
        x, y = given
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            return np.asarray(_NUMPY[name](x, y))
        if (dims := _of_dims(name, x, y)) is not None:
            return dims
        return b.binary(name, tensor(b, x), tensor(b, y))

    return rule


def _of_dims(name: str, x: Value, y: Value) -> Dims | None:
    """Compute with lengths of axes, where that is all there is."""
    if name not in _LENGTHS or not all(isinstance(one, Dims) or _is_whole(one) for one in (x, y)):
        return None
    left, right = (list(one) if isinstance(one, Dims) else one.reshape(-1).tolist() for one in (x, y))
    count = max(len(left), len(right))
    pairs = zip(left * (count // len(left)), right * (count // len(right)), strict=False)
    scalar = all(one.is_scalar if isinstance(one, Dims) else one.ndim == 0 for one in (x, y))
    return Dims([_LENGTHS[name](one, other) for one, other in pairs], is_scalar=scalar)


def _is_whole(value: Value) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "i" and value.size > 0


def _of_several(name: str) -> Rule:
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        found = given[0]
        for other in given[1:]:
            found = _binary(name)(b, [found, other], attributes)
        return found

    return rule


def _unary(name: str) -> Rule:
    return lambda b, given, _: b.unary(name, tensor(b, given[0]))


def _mod(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return _binary("fmod" if attributes.get("fmod") else "mod")(b, given, attributes)


def _mean(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return scaled(b, tensor(b, _of_several("add")(b, given, attributes)), 1 / len(given))


def _is_infinite(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    signs = [1.0] * attributes.get("detect_positive", 1) + [-1.0] * attributes.get("detect_negative", 1)
    found = [b.binary("equal", x, like(b, x, sign * np.inf)) for sign in signs]
    return b.binary("logical_or", *found) if len(found) > 1 else found[0]


def _reciprocal(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    return b.binary("divide", like(b, x, 1.0), x)


def _clip(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    found = tensor(b, given[0])
    for name, bound in zip(("maximum", "minimum"), given[1:], strict=False):
        if bound is not None:
            found = b.binary(name, found, tensor(b, bound))
    return found


def _cast(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    dtype = onnx.helper.tensor_dtype_to_np_dtype(attributes["to"])
    if isinstance(given[0], Dims) and dtype.kind == "i":
        return given[0]
    if isinstance(given[0], np.ndarray):
        return given[0].astype(dtype)
    return b.cast(tensor(b, given[0]), dtype)


def _where(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    condition, x, y = (tensor(b, one) for one in given)
    return b.where(condition, x, y)


_NUMPY: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda x, y: np.trunc(x / y).astype(x.dtype) if x.dtype.kind in "iu" else x / y,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "mod": np.mod,
    "fmod": np.fmod,
}
_LENGTHS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x // y,
}
ARITHMETIC: Mapping[str, Rule] = {
    "Add": _binary("add"),
    "Sub": _binary("subtract"),
    "Mul": _binary("multiply"),
    "Div": _binary("divide"),
    "Pow": _binary("power"),
    "Equal": _binary("equal"),
    "Less": _binary("less"),
    "LessOrEqual": _binary("less_equal"),
    "Greater": _binary("greater"),
    "GreaterOrEqual": _binary("greater_equal"),
    "And": _binary("logical_and"),
    "Or": _binary("logical_or"),
    "Xor": _binary("logical_xor"),
    "Mod": _mod,
    "Max": _of_several("maximum"),
    "Min": _of_several("minimum"),
    "Sum": _of_several("add"),
    "Mean": _mean,
    "Abs": _unary("absolute"),
    "Neg": _unary("negative"),
    "Exp": _unary("exp"),
    "Log": _unary("log"),
    "Sqrt": _unary("sqrt"),
    "Floor": _unary("floor"),
    "Ceil": _unary("ceil"),
    "Round": _unary("rint"),
    "Sign": _unary("sign"),
    "Sin": _unary("sin"),
    "Cos": _unary("cos"),
    "Tan": _unary("tan"),
    "Atan": _unary("arctan"),
    "Tanh": _unary("tanh"),
    "Erf": _unary("erf"),
    "Sigmoid": _unary("sigmoid"),
    "IsNaN": _unary("isnan"),
    "IsInf": _is_infinite,
    "Not": _unary("logical_not"),
    "Reciprocal": _reciprocal,
    "Clip": _clip,
    "Cast": _cast,
    "Where": _where,
}
