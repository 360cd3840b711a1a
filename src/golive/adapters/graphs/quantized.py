"""Quantized: operators that read and write whole numbers with a scale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import Attributes, Rule, Value, given_at, like, rank_of, tensor


def _dequantize(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x, scale = tensor(b, given[0]), tensor(b, given[1])
    dtype = b.dtype(scale)
    found = b.cast(x, dtype)
    if (zero := given_at(given, 2)) is not None:
        found = b.binary("subtract", found, _along(b, b.cast(tensor(b, zero), dtype), x, attributes))
    return b.binary("multiply", found, _along(b, scale, x, attributes))


def _quantize(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    zero = b.constant(np.uint8(0)) if (told := given_at(given, 2)) is None else tensor(b, told)
    dtype = np.dtype(b.dtype(zero))
    found = b.unary("rint", b.binary("divide", x, _along(b, tensor(b, given[1]), x, attributes)))
    found = b.binary("add", found, _along(b, b.cast(zero, b.dtype(x)), x, attributes))
    info = np.iinfo(dtype)
    low, high = like(b, x, float(info.min)), like(b, x, float(info.max))
    return b.cast(b.binary("minimum", b.binary("maximum", found, low), high), dtype)


def _along(b: Backend, values: Any, x: Any, attributes: Attributes) -> Any:
    """Put one number for each place of an axis beside the tensor that they are for."""
    if len(b.lengths(values)) == 0:
        return values
    rank = rank_of(b, x)
    shape = [1] * rank
    shape[attributes.get("axis", 1) % rank] = -1
    return b.reshape(values, shape)


def _dynamic_quantize(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    x = tensor(b, given[0])
    axes = list(range(rank_of(b, x)))
    zero, most = like(b, x, 0.0), like(b, x, 255.0)
    low = b.binary("minimum", b.reduce("min", x, axes, keep=False), zero)
    high = b.binary("maximum", b.reduce("max", x, axes, keep=False), zero)
    scale = b.binary("divide", b.binary("subtract", high, low), most)
    point = b.unary("rint", b.binary("divide", b.unary("negative", low), scale))
    point = b.cast(b.binary("minimum", b.binary("maximum", point, zero), most), np.uint8)
    return _quantize(b, [x, scale, point], {}), scale, point


def _matmul_integer(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
    pair = [b.cast(tensor(b, one), np.int32) for one in given[:2]]
    for place, zero in enumerate(given[2:]):
        if zero is not None:
            pair[place] = b.binary("subtract", pair[place], b.cast(tensor(b, zero), np.int32))
    return b.matmul(*pair)


QUANTIZED: Mapping[str, Rule] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "DynamicQuantizeLinear": _dynamic_quantize,
    "MatMulInteger": _matmul_integer,
}
