"""The primitives that exports to other frameworks ask of a library, by numpy: the table of operators without them."""

import math

import numpy as np

KINDS = {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "erf": np.vectorize(math.erf, otypes=[np.float64])}


class Held:
    """A tensor of this backend, so that it is none of the arrays that are known beforehand."""

    def __init__(self, array):
        self.array = np.asarray(array)


def held(arrays):
    """Hold arrays by name."""
    return {name: Held(array) for name, array in arrays.items()}


class NumpyBackend:
    """Takes and gives :class:`Held`."""

    def __getattr__(self, name):
        def call(*words, **options):
            found = getattr(Plain(), name)(*map(plain, words), **options)
            return Held(found) if isinstance(found, (np.ndarray, np.generic)) else found

        return call


def plain(value):
    if isinstance(value, Held):
        return value.array
    return [plain(one) for one in value] if isinstance(value, list) else value


class Plain:
    def constant(self, array):
        return np.asarray(array)

    def cast(self, x, dtype):
        return x.astype(dtype)

    def dtype(self, x):
        return x.dtype

    def lengths(self, x):
        return list(x.shape)

    def packed(self, lengths):
        return np.array(lengths, np.int64)

    def unary(self, name, x):
        return np.asarray((KINDS.get(name) or getattr(np, name))(x)).astype(bool if name == "isnan" else x.dtype)

    def binary(self, name, x, y):
        if name == "divide" and x.dtype.kind in "iu":
            return (x / y).astype(x.dtype)
        return np.asarray(getattr(np, name)(x, y))

    def where(self, condition, x, y):
        return np.where(condition, x, y)

    def reshape(self, x, lengths):
        return x.reshape(lengths)

    def expand(self, x, lengths):
        return np.broadcast_to(x, lengths)

    def transpose(self, x, order):
        return x.transpose(order)

    def concat(self, parts, axis):
        return np.concatenate(parts, axis)

    def take(self, x, places, axis):
        return np.take(x, places, axis)

    def take_along(self, x, places, axis):
        return np.take_along_axis(x, places, axis)

    def cut(self, x, slices):
        return x[tuple(slices)]

    def matmul(self, x, y):
        return x @ y

    def reduce(self, name, x, axes, *, keep):
        return getattr(np, name)(x, axis=tuple(axes), keepdims=keep).astype(x.dtype)

    def argmax(self, x, axis):
        return x.argmax(axis)

    def softmax(self, x, axis):
        grown = np.exp(x - x.max(axis, keepdims=True))
        return grown / grown.sum(axis, keepdims=True)

    def cumsum(self, x, axis):
        return x.cumsum(axis)

    def pad(self, x, widths, value):
        return np.pad(x, widths, constant_values=value)

    def conv(self, x, weights, *, strides, dilations, groups):
        sizes = [(size - 1) * gap + 1 for size, gap in zip(weights.shape[2:], dilations, strict=True)]
        windows = np.lib.stride_tricks.sliding_window_view(x, sizes, axis=(2, 3))
        windows = windows[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]
        inside, outside = x.shape[1] // groups, weights.shape[0] // groups
        parts = [
            np.einsum(
                "ncxyhw,ochw->noxy",
                windows[:, group * inside : (group + 1) * inside],
                weights[group * outside : (group + 1) * outside],
            )
            for group in range(groups)
        ]
        return np.concatenate(parts, 1).astype(x.dtype)

    def pool(self, kind, x, sizes, strides):
        windows = np.lib.stride_tricks.sliding_window_view(x, sizes, axis=(2, 3))
        return getattr(windows[:, :, :: strides[0], :: strides[1]], kind)(axis=(4, 5)).astype(x.dtype)
