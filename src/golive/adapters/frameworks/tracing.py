"""Tracing: a stand-in array that writes every numpy function it meets into the graph.

``FunctionTransformer(np.log1p)`` and small functions built from numpy's elementwise functions become nodes. A
function that looks at values (``if x > 0``), or at names, cannot be followed and is refused with the reason.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from golive.adapters.frameworks.graph import Block, Graph

DIRECT: Mapping[str, str] = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "log": "Log",
    "exp": "Exp",
    "sqrt": "Sqrt",
    "absolute": "Abs",
    "negative": "Neg",
    "power": "Pow",
    "float_power": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "sin": "Sin",
    "cos": "Cos",
    "tanh": "Tanh",
    "floor": "Floor",
    "ceil": "Ceil",
    "sign": "Sign",
    "reciprocal": "Reciprocal",
    "greater": "Greater",
    "less": "Less",
    "greater_equal": "GreaterOrEqual",
    "less_equal": "LessOrEqual",
    "equal": "Equal",
    "isnan": "IsNaN",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_not": "Not",
}
"""Elementwise functions of numpy that ONNX has under another name."""


class UntraceableError(TypeError):
    """A function does something that has no form in the graph."""


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands in for a float64 array ``[rows, width]``."""

    def __init__(self, graph: Graph, tensor: str, width: int) -> None:
        self._graph = graph
        self.tensor = tensor
        self._width = width

    @property
    def ndim(self) -> int:
        """A table has two axes."""
        return 2

    def __array_ufunc__(self, function: np.ufunc, method: str, *operands: Any, **options: Any) -> "Traced":
        if method != "__call__" or options:
            message = f"numpy.{function.__name__} with {method} or options {sorted(options)} has no form in the graph"
            raise UntraceableError(message)
        return self._made(function.__name__, operands)

    def __array_function__(
        self, function: Callable[..., Any], _types: Any, operands: tuple[Any, ...], options: dict[str, Any]
    ) -> "Traced":
        if options or function.__name__ not in {"clip", "where", "nan_to_num"}:
            message = f"numpy.{function.__name__} has no form in the graph"
            raise UntraceableError(message)
        return self._made(function.__name__, operands)

    def _made(self, name: str, operands: tuple[Any, ...]) -> "Traced":
        tensors = [self._operand(operand) for operand in operands]
        if name in DIRECT:
            tensor = self._graph.op(DIRECT[name], *tensors)
        elif name in COMPOSED:
            tensor = COMPOSED[name](self._graph, *tensors)
        else:
            message = f"numpy.{name} has no form in the graph"
            raise UntraceableError(message)
        return Traced(self._graph, tensor, self._width)

    def _operand(self, operand: Any) -> str:
        if isinstance(operand, Traced):
            return operand.tensor
        values = np.asarray(operand, np.float64)
        # A full row, not a scalar: see Graph.product on factors of one cell.
        return self._graph.constant(np.full((1, self._width), values) if values.ndim == 0 else values)


def trace(graph: Graph, function: Callable[..., Any], options: Mapping[str, Any], block: Block) -> Block:
    """Write what a function does to a block.

    Raises:
        UntraceableError: the function cannot be followed.
    """
    try:
        result = function(Traced(graph, block.tensor, block.width), **options)
    except UntraceableError:
        raise
    except Exception as error:  # a user's function may fail in any way on a stand-in
        message = f"the function failed on a stand-in array ({type(error).__name__}: {error})"
        raise UntraceableError(message) from error
    if not isinstance(result, Traced):
        message = f"the function gave a {type(result).__name__} instead of a table computed from its input"
        raise UntraceableError(message)
    return Block(result.tensor, block.width, block.sources if result.tensor == block.tensor else ())


def log1p(graph: Graph, x: str) -> str:
    """Write log(1 + x) without losing small x: rounding cancels in the quotient (Higham 2002, section 1.14.1)."""
    moved = graph.op("Add", x, 1.0)
    step = graph.op("Sub", moved, 1.0)
    quotient = graph.op("Div", graph.op("Mul", graph.op("Log", moved), x), step)
    tiny = graph.op("Equal", step, 0.0)
    return graph.op("Where", tiny, x, quotient)


def expm1(graph: Graph, x: str) -> str:
    """Write exp(x) - 1 without losing small x (Higham 2002, 1.14.1, read backward)."""
    grown = graph.op("Exp", x)
    step = graph.op("Sub", grown, 1.0)
    quotient = graph.op("Div", graph.op("Mul", step, x), graph.op("Log", grown))
    near = graph.op("Where", graph.op("Equal", step, 0.0), x, quotient)
    return graph.op("Where", graph.op("Less", graph.op("Abs", x), 0.5), near, step)


def _clip(graph: Graph, x: str, low: str, high: str) -> str:
    return graph.op("Min", graph.op("Max", x, low), high)


COMPOSED: Mapping[str, Callable[..., str]] = {
    "log1p": log1p,
    "expm1": expm1,
    "square": lambda graph, x: graph.op("Mul", x, x),
    "cbrt": lambda graph, x: graph.op("Mul", graph.op("Sign", x), graph.op("Pow", graph.op("Abs", x), 1.0 / 3.0)),
    "log2": lambda graph, x: graph.op("Div", graph.op("Log", x), float(np.log(2.0))),
    "log10": lambda graph, x: graph.op("Div", graph.op("Log", x), float(np.log(10.0))),
    "clip": _clip,
    "where": lambda graph, condition, yes, no: graph.op("Where", condition, yes, no),
    "nan_to_num": lambda graph, x: graph.op("Where", graph.op("IsNaN", x), 0.0, x),
}
"""Elementwise functions of numpy that take several nodes."""
