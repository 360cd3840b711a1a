"""Layers: products of matrices, convolutions, pools and normalizations."""

from collections.abc import Mapping, Sequence
from typing import Any

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.values import Attributes, FormError, Rule, Value, given_at, like, rank_of, scaled, tensor


def _gemm(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x, y = (
        b.transpose(tensor(b, one), [1, 0]) if attributes.get(name) else tensor(b, one)
        for one, name in zip(given[:2], ("transA", "transB"), strict=True)
    )
    found = b.matmul(x, y)
    if (alpha := attributes.get("alpha", 1.0)) != 1.0:
        found = scaled(b, found, alpha)
    if (told := given_at(given, 2)) is not None:
        bias = tensor(b, told)
        beta = attributes.get("beta", 1.0)
        found = b.binary("add", found, bias if beta == 1.0 else scaled(b, bias, beta))
    return found


def _widths(
    b: Backend, x: Any, attributes: Attributes, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """Say what is added before and after each axis of an image."""
    count, auto = len(sizes), attributes.get("auto_pad", "NOTSET")
    if auto in {"NOTSET", "VALID"}:
        pads = list(attributes.get("pads") or [0] * 2 * count) if auto == "NOTSET" else [0] * 2 * count
        return list(zip(pads[:count], pads[count:], strict=True))
    widths = []
    for length, size, stride, dilation in zip(b.lengths(x)[2:], sizes, strides, dilations, strict=True):
        if not isinstance(length, int):
            message = "fills up axes of unknown length"
            raise FormError(message, "export the model with explicit padding")
        whole = max(0, (-(-length // stride) - 1) * stride + (size - 1) * dilation + 1 - length)
        less, more = whole // 2, whole - whole // 2
        widths.append((less, more) if auto == "SAME_UPPER" else (more, less))
    return widths


def _conv(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x, weights = tensor(b, given[0]), tensor(b, given[1])
    sizes = b.lengths(weights)[2:]
    strides = attributes.get("strides") or [1] * len(sizes)
    dilations = attributes.get("dilations") or [1] * len(sizes)
    widths = _widths(b, x, attributes, sizes, strides, dilations)
    if any(before or after for before, after in widths):
        x = b.pad(x, [(0, 0), (0, 0), *widths], 0.0)
    found = b.conv(x, weights, strides=strides, dilations=dilations, groups=attributes.get("group", 1))
    if (bias := given_at(given, 2)) is not None:
        found = b.binary("add", found, b.reshape(tensor(b, bias), [1, -1, *[1] * len(sizes)]))
    return found


def _pool(kind: str) -> Rule:
    def rule(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
        x, sizes = tensor(b, given[0]), list(attributes["kernel_shape"])
        strides = attributes.get("strides") or [1] * len(sizes)
        if attributes.get("ceil_mode") or any(one != 1 for one in attributes.get("dilations") or []):
            message = "rounds lengths up or leaves gaps"
            raise FormError(message)
        widths = _widths(b, x, attributes, sizes, strides, [1] * len(sizes))
        if not any(before or after for before, after in widths):
            return b.pool(kind, x, sizes, strides)
        around = [(0, 0), (0, 0), *widths]
        if kind == "max":
            return b.pool(kind, b.pad(x, around, float("-inf")), sizes, strides)
        found = b.pool(kind, b.pad(x, around, 0.0), sizes, strides)
        if attributes.get("count_include_pad"):
            return found
        ones = b.binary("add", scaled(b, x, 0.0), like(b, x, 1.0))
        return b.binary("divide", found, b.pool(kind, b.pad(ones, around, 0.0), sizes, strides))

    return rule


def _global_pool(name: str) -> Rule:
    def rule(b: Backend, given: Sequence[Value], _: Attributes) -> Value:
        x = tensor(b, given[0])
        return b.reduce(name, x, list(range(2, rank_of(b, x))), keep=True)

    return rule


def _batch_norm(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    if attributes.get("training_mode"):
        message = "is in training mode"
        raise FormError(message, "export the model for inference")
    x = tensor(b, given[0])
    scale, bias, mean, variance = (tensor(b, one) for one in given[1:5])
    # One factor and one offset for each channel, as ONNX Runtime has them: two passes over the images, not four.
    factor = b.binary("divide", scale, _spread(b, variance, attributes))
    offset = b.binary("subtract", bias, b.binary("multiply", mean, factor))
    shape = [1, -1, *[1] * (rank_of(b, x) - 2)]
    return b.binary("add", b.binary("multiply", x, b.reshape(factor, shape)), b.reshape(offset, shape))


def _layer_norm(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    x = tensor(b, given[0])
    rank = rank_of(b, x)
    axes = list(range(attributes.get("axis", -1) % rank, rank))
    mean = b.reduce("mean", x, axes, keep=True)
    apart = b.binary("subtract", x, mean)
    variance = b.reduce("mean", b.binary("multiply", apart, apart), axes, keep=True)
    whole = b.binary("divide", apart, _spread(b, variance, attributes))
    found = b.binary("multiply", whole, tensor(b, given[1]))
    return found if (bias := given_at(given, 2)) is None else b.binary("add", found, tensor(b, bias))


def _spread(b: Backend, variance: Any, attributes: Attributes) -> Any:
    return b.unary("sqrt", b.binary("add", variance, like(b, variance, attributes.get("epsilon", 1e-5))))


LAYERS: Mapping[str, Rule] = {
    "MatMul": lambda b, given, _: b.matmul(tensor(b, given[0]), tensor(b, given[1])),
    "Gemm": _gemm,
    "Conv": _conv,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("mean"),
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("max"),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
}
