"""The table of operators in TensorFlow; imported in TensorFlow's own environment only."""

# ruff: noqa: D102 - what the methods do stands in golive.adapters.graphs.backend

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_UNARY = {
    "absolute": tf.abs,
    "negative": tf.negative,
    "exp": tf.exp,
    "log": tf.math.log,
    "sqrt": tf.sqrt,
    "floor": tf.floor,
    "ceil": tf.math.ceil,
    "rint": tf.round,
    "sign": tf.sign,
    "sin": tf.sin,
    "cos": tf.cos,
    "tan": tf.tan,
    "arctan": tf.atan,
    "tanh": tf.tanh,
    "erf": tf.math.erf,
    "sigmoid": tf.sigmoid,
    "logical_not": tf.logical_not,
}
_BINARY = {
    "add": tf.add,
    "subtract": tf.subtract,
    "multiply": tf.multiply,
    "power": tf.pow,
    "equal": tf.equal,
    "not_equal": tf.not_equal,
    "less": tf.less,
    "less_equal": tf.less_equal,
    "greater": tf.greater,
    "greater_equal": tf.greater_equal,
    "logical_and": tf.logical_and,
    "logical_or": tf.logical_or,
    "logical_xor": tf.math.logical_xor,
    "mod": tf.math.floormod,
}
_REDUCE = {
    "sum": tf.reduce_sum,
    "mean": tf.reduce_mean,
    "max": tf.reduce_max,
    "min": tf.reduce_min,
    "prod": tf.reduce_prod,
}


class TensorflowBackend:
    """TensorFlow's form of the primitives.

    Args:
        is_narrow: compute in float32 what the graph computes in float64, as TFLite must.
    """

    def __init__(self, *, is_narrow: bool) -> None:
        self._is_narrow = is_narrow

    def kind(self, dtype: Any) -> Any:
        """Give the type that stands for one of the graph's."""
        found = np.dtype(dtype)
        return np.dtype(np.float32) if self._is_narrow and found == np.float64 else found

    def constant(self, array: Any) -> Any:
        found = np.asarray(array)
        return tf.constant(found.astype(self.kind(found.dtype)))

    def cast(self, x: Any, dtype: Any) -> Any:
        return tf.cast(x, self.kind(dtype))

    def dtype(self, x: Any) -> Any:
        return np.dtype(x.dtype.as_numpy_dtype)

    def lengths(self, x: Any) -> list[Any]:
        known: list[Any] = x.shape.as_list()
        if None not in known:
            return known
        found = tf.shape(x, tf.int64)
        return [found[place] if one is None else one for place, one in enumerate(known)]

    def packed(self, lengths: Sequence[Any]) -> Any:
        return tf.stack([tf.cast(one, tf.int64) for one in lengths])

    def unary(self, name: str, x: Any) -> Any:
        # TFLite has no test for NaN of its own.
        return tf.not_equal(x, x) if name == "isnan" else _UNARY[name](x)

    def binary(self, name: str, x: Any, y: Any) -> Any:
        if name == "divide":
            return tf.divide(x, y) if x.dtype.is_floating else tf.truncatediv(x, y)
        if name == "fmod":
            return x - tf.multiply(tf.cast(tf.cast(tf.divide(x, y), tf.int64), x.dtype), y)
        if name in {"maximum", "minimum"}:
            # Of a NaN and a number the NaN stays, which TensorFlow and TFLite see differently.
            first = tf.greater(x, y) if name == "maximum" else tf.less(x, y)
            return tf.where(tf.logical_or(first, tf.not_equal(x, x)) if x.dtype.is_floating else first, x, y)
        return _BINARY[name](x, y)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return tf.where(condition, x, y)

    def reshape(self, x: Any, lengths: Sequence[Any]) -> Any:
        return tf.reshape(x, _shape(lengths))

    def expand(self, x: Any, lengths: Sequence[Any]) -> Any:
        return tf.broadcast_to(x, _shape(lengths))

    def transpose(self, x: Any, order: Sequence[int]) -> Any:
        return tf.transpose(x, list(order))

    def concat(self, parts: Sequence[Any], axis: int) -> Any:
        return tf.concat(list(parts), axis)

    def take(self, x: Any, places: Any, axis: int) -> Any:
        return tf.gather(x, places, axis=axis)

    def take_along(self, x: Any, places: Any, axis: int) -> Any:
        return tf.gather(x, places, axis=axis, batch_dims=axis)

    def cut(self, x: Any, slices: Sequence[slice]) -> Any:
        return x[tuple(slices)]

    def matmul(self, x: Any, y: Any) -> Any:
        if y.shape.rank == 1:
            return tf.linalg.matvec(x, y)
        return tf.linalg.matmul(x, y)

    def reduce(self, name: str, x: Any, axes: Sequence[int], *, keep: bool) -> Any:
        return _REDUCE[name](x, list(axes), keepdims=keep)

    def argmax(self, x: Any, axis: int) -> Any:
        return tf.argmax(x, axis)

    def softmax(self, x: Any, axis: int) -> Any:
        return tf.nn.softmax(x, axis)

    def cumsum(self, x: Any, axis: int) -> Any:
        return tf.cumsum(x, axis)

    def pad(self, x: Any, widths: Sequence[tuple[int, int]], value: float) -> Any:
        return tf.pad(x, list(widths), constant_values=tf.cast(value, x.dtype))

    def conv(self, x: Any, weights: Any, *, strides: Sequence[int], dilations: Sequence[int], groups: int) -> Any:
        spatial = list(range(2, len(strides) + 2))
        images, filters = self.transpose(x, [0, *spatial, 1]), self.transpose(weights, [*spatial, 1, 0])
        parts = []
        for image, filter_ in zip(tf.split(images, groups, -1), tf.split(filters, groups, -1), strict=True):
            parts.append(tf.nn.convolution(image, filter_, strides=list(strides), dilations=list(dilations)))
        found = parts[0] if groups == 1 else tf.concat(parts, -1)
        return self.transpose(found, [0, len(strides) + 1, *range(1, len(strides) + 1)])

    def pool(self, kind: str, x: Any, sizes: Sequence[int], strides: Sequence[int]) -> Any:
        spatial = list(range(2, len(strides) + 2))
        images = self.transpose(x, [0, *spatial, 1])
        form = "MAX" if kind == "max" else "AVG"
        found = tf.nn.pool(images, list(sizes), form, strides=list(strides), padding="VALID")
        return self.transpose(found, [0, len(strides) + 1, *range(1, len(strides) + 1)])


def _shape(lengths: Sequence[Any]) -> Any:
    if all(isinstance(one, int) for one in lengths):
        return list(lengths)
    return tf.stack([tf.cast(one, tf.int64) for one in lengths])
