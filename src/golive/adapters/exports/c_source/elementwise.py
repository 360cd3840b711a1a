"""Elementwise: operators that compute each element from the elements at its place."""

from collections.abc import Callable, Mapping

import numpy as np

from golive.adapters.exports.c_source.graph import Node, Rule
from golive.adapters.exports.c_source.literals import KINDS, number
from golive.adapters.exports.c_source.program import Program, Value

_BOOL = "unsigned char"
_FLOATING = {"double", "float"}
_ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_COMPARISONS = {
    "Equal": "==",
    "Less": "<",
    "LessOrEqual": "<=",
    "Greater": ">",
    "GreaterOrEqual": ">=",
    "And": "&&",
    "Or": "||",
    "Xor": "!=",
}
_LIBM = {
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
    "Erf": "erf",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "tan",
    "Asin": "asin",
    "Acos": "acos",
    "Atan": "atan",
    "Sinh": "sinh",
    "Cosh": "cosh",
    "Asinh": "asinh",
    "Acosh": "acosh",
    "Atanh": "atanh",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "nearbyint",
}
_TYPES: dict[int, str] = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}
"""ONNX's number of a type -> numpy's name."""

Formula = Callable[[str], str]


def _arithmetic(program: Program, node: Node) -> Value:
    sign = _ARITHMETIC[node.proto.op_type]
    kind = node.value(0).kind
    return program.each(kind, lambda a, b: f"{a} {sign} {_apart(b)}", node.value(0), node.value(1))


def _apart(term: str) -> str:
    return f"({term})" if term.startswith("-") else term


def _comparison(program: Program, node: Node) -> Value:
    sign = _COMPARISONS[node.proto.op_type]
    return program.each(_BOOL, lambda a, b: f"{a} {sign} {b}", node.value(0), node.value(1))


def _libm(program: Program, node: Node) -> Value:
    value = node.value(0)
    name = _in(value.kind, _LIBM[node.proto.op_type])
    return program.each(value.kind, lambda a: f"{name}({a})", value)


def _in(kind: str, function: str) -> str:
    """Give the function of the mathematics library for a type."""
    return f"{function}f" if kind == "float" else function


def _extreme(program: Program, node: Node) -> Value:
    name = "least" if node.proto.op_type == "Min" else "most"
    made = node.value(0)
    for place in range(1, len(node.inputs)):
        made = program.each(made.kind, lambda a, b: f"{name}({a}, {b})", made, node.value(place))
    return made


def _absolute(program: Program, node: Node) -> Value:
    value = node.value(0)
    if value.kind in _FLOATING:
        return program.each(value.kind, lambda a: f"{_in(value.kind, 'fabs')}({a})", value)
    return program.each(value.kind, lambda a: f"{a} < 0 ? -{a} : {a}", value)


def _power(program: Program, node: Node) -> Value:
    base, exponent = node.value(0), node.value(1)
    power = None if exponent.constant is None or exponent.size != 1 else float(exponent.constant.reshape(-1)[0])
    # ONNX Runtime multiplies for these two, and so the last bit is the same.
    if power in {2.0, 3.0}:
        return program.each(base.kind, lambda a: " * ".join([a] * int(power)), base)
    name = _in(base.kind, "pow")
    return program.each(base.kind, lambda a, b: f"{name}({a}, {b})", base, exponent)


def _where(program: Program, node: Node) -> Value:
    condition, yes, no = (node.value(place) for place in range(3))
    return program.each(yes.kind, lambda c, a, b: f"{c} ? {a} : {b}", condition, yes, no)


def _cast(program: Program, node: Node) -> Value:
    value = node.value(0)
    name = _TYPES.get(int(node.attributes["to"]))
    if name is None:
        node.refuse("to a type that is no number")
    kind = KINDS[name]
    if kind == value.kind:
        return value
    if kind == _BOOL:
        return program.each(kind, lambda a: f"{a} != 0", value)
    if value.kind in _FLOATING and kind not in _FLOATING:
        whole = "whole"
        return program.each(kind, lambda a: f"({kind}){whole}({a})", value)
    if (value.kind, kind) == ("double", "float"):
        return program.each(kind, lambda a: f"narrow({a})", value)
    return program.each(kind, lambda a: f"({kind}){a}", value)


def _modulo(program: Program, node: Node) -> Value:
    left, right = node.value(0), node.value(1)
    if left.kind in _FLOATING:
        return program.each(left.kind, lambda a, b: f"{_in(left.kind, 'fmod')}({a}, {b})", left, right)
    if node.attributes.get("fmod", 0):
        return program.each(left.kind, lambda a, b: f"{a} % {b}", left, right)
    name = "modulo"
    return program.each(left.kind, lambda a, b: f"({left.kind}){name}({a}, {b})", left, right)


def _sigmoid(program: Program, node: Node) -> Value:
    value = node.value(0)
    rounded = "(float)" if value.kind == "float" else ""
    return program.each(value.kind, lambda a: f"{rounded}sigmoid({a})", value)


def _clip(program: Program, node: Node) -> Value:
    made = node.value(0)
    for place, name, attribute in ((1, "most", "min"), (2, "least", "max")):
        bound = node.optional(place)
        if bound is None and attribute in node.attributes:
            bound = program.constant(np.asarray(node.attributes[attribute], np.float64))
        if bound is not None:
            made = program.each(made.kind, lambda a, b, name=name: f"{name}({a}, {b})", made, bound)
    return made


def _formula(write: Callable[[Node, str], Formula]) -> Rule:
    """Make the rule of an operator of one input from its formula."""

    def rule(program: Program, node: Node) -> Value:
        value = node.value(0)
        return program.each(value.kind, write(node, value.kind), value)

    return rule


def _leaky(node: Node, kind: str) -> Formula:
    slope = number(node.attributes.get("alpha", np.float32(0.01)), kind)
    return lambda a: f"{a} < 0 ? {slope} * {a} : {a}"


def _elu(node: Node, kind: str) -> Formula:
    alpha = number(node.attributes.get("alpha", 1.0), kind)
    return lambda a: f"{a} < 0 ? {alpha} * {_in(kind, 'expm1')}({a}) : {a}"


def _selu(node: Node, kind: str) -> Formula:
    alpha = number(node.attributes.get("alpha", 1.67326319217681884765625), kind)
    gamma = number(node.attributes.get("gamma", 1.05070102214813232421875), kind)
    return lambda a: f"{gamma} * ({a} > 0 ? {a} : {alpha} * {_in(kind, 'expm1')}({a}))"


def _hard_sigmoid(node: Node, kind: str) -> Formula:
    alpha, beta = (
        number(node.attributes.get(name, usual), kind) for name, usual in (("alpha", np.float32(0.2)), ("beta", 0.5))
    )
    one, zero = number(1, kind), number(0, kind)
    return lambda a: f"most({zero}, least({one}, {alpha} * {a} + {beta}))"


def _gelu(node: Node, kind: str) -> Formula:
    if node.attributes.get("approximate", b"none") != b"none":
        node.refuse("in its approximate form")
    root, half, one = (number(value, kind) for value in (np.sqrt(0.5), 0.5, 1))
    return lambda a: f"{half} * {a} * ({one} + {_in(kind, 'erf')}({a} * {root}))"


def _softplus(_node: Node, kind: str) -> Formula:
    exp, log1p, absolute = (_in(kind, name) for name in ("exp", "log1p", "fabs"))
    return lambda a: f"({a} > 0 ? {a} : 0) + {log1p}({exp}(-{absolute}({a})))"


ELEMENTWISE: Mapping[str, Rule] = {
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys(_LIBM, _libm),
    "Min": _extreme,
    "Max": _extreme,
    "Abs": _absolute,
    "Pow": _power,
    "Where": _where,
    "Cast": _cast,
    "Mod": _modulo,
    "Sigmoid": _sigmoid,
    "Clip": _clip,
    "Neg": _formula(lambda _node, _kind: lambda a: f"-{a}"),
    "Reciprocal": _formula(lambda _node, kind: lambda a: f"{number(1, kind)} / {a}"),
    "Relu": _formula(lambda _node, kind: lambda a: f"{a} < 0 ? {number(0, kind)} : {a}"),
    "Sign": _formula(lambda _node, kind: lambda a: f"isnan({a}) ? {a} : ({kind})(({a} > 0) - ({a} < 0))"),
    "Softplus": _formula(_softplus),
    "LeakyRelu": _formula(_leaky),
    "Elu": _formula(_elu),
    "Selu": _formula(_selu),
    "HardSigmoid": _formula(_hard_sigmoid),
    "Gelu": _formula(_gelu),
    "IsNaN": lambda program, node: program.each(_BOOL, lambda a: f"isnan({a}) != 0", node.value(0)),
    "Not": lambda program, node: program.each(_BOOL, lambda a: f"!{a}", node.value(0)),
}
"""Operator -> its rule."""
