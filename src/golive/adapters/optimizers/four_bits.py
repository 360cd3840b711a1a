"""Four bits: the weights of a network in blocks of 32, each of 16 levels and with a scale of its own.

ONNX Runtime multiplies by such blocks without making them wide again (``MatMulNBits``), so that an eighth of the bytes
stays an eighth in memory, and one row, for which reading the weights takes longest, is answered sooner. A Gemm is
written as a product and a sum first. The standard's own form, ``DequantizeLinear`` of int4, is rewritten into this one
when ONNX Runtime loads it, with rows rounded to int8 unless each session says otherwise.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper

from golive.adapters.optimizers.narrow import in_single_precision, with_half_weights
from golive.adapters.optimizers.surgery import Array, Layer, Surgery, attribute
from golive.ports import Candidate, Subject

BLOCK = 32
LEAST_CELLS = 1024
"""Smaller matrices are not worth their scales."""
_LEVELS, _MIDDLE = 16, 8
_MATRIX = 2
_RUNTIME_DOMAIN = "com.microsoft"
EXACT_ROWS, BYTE_ROWS = 1, 4
"""``accuracy_level``: what flows in stays float32, or each of its blocks is rounded to int8 by its own scale."""
_TRIED = np.linspace(0.8, 1.1, 7, dtype=np.float32)
"""Scales that are tried for a block, as shares of the one that just reaches its largest weight."""


class FourBitsOptimizer:
    """Offers products of rows with matrices of four bits."""

    name = "int4"
    effort_s = 0.4

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give the graph with rows as they are, then with rows rounded to int8 by blocks; none without matrices."""
        base = in_single_precision(subject.graph) or subject.graph
        for name, level in (("int4 weights", EXACT_ROWS), ("int4 weights, int8 rows", BYTE_ROWS)):
            graph = in_blocks(base, level)
            if graph is None:
                return
            # What is no product, such as a first layer of a few columns or an offset, is kept in half precision.
            yield Candidate(name=name, graph=with_half_weights(graph) or graph)


def in_blocks(content: bytes, level: int) -> bytes | None:
    """Write products of rows with large constant float32 matrices in four bits; None where there are none."""
    surgery = Surgery(content)
    layers = {layer.place: layer for layer in surgery.layers(np.float32) if _fits(surgery, layer)}
    if not layers:
        return None
    nodes: list[onnx.NodeProto] = []
    for place, node in enumerate(surgery.nodes):
        nodes += _product(surgery, node, layers[place], level) if place in layers else [node]
    surgery.nodes = nodes
    surgery.use(_RUNTIME_DOMAIN, 1)
    return surgery.bytes()


def blocks_of(matrix: Array) -> tuple[Array, Array]:
    """Round a float32 matrix ``[inputs, outputs]`` to four bits.

    Of the scales tried for a block the one with the least squared error is taken. A scale may be negative, so that the
    level that only one side has, -8, is there for the side with the largest weight.

    Returns:
        Levels from 0 to 15 (8 is zero), uint8 ``[outputs, blocks, BLOCK]``; scales, float32 ``[outputs, blocks]``.
    """
    inputs, outputs = matrix.shape
    count = -(-inputs // BLOCK)
    padded = np.zeros((outputs, count * BLOCK), np.float32)
    padded[:, :inputs] = matrix.T
    blocks = padded.reshape(outputs, count, BLOCK)
    far = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)
    reaching = np.where(far == 0, np.float32(1), far / np.float32(-_MIDDLE))
    scales, errors = reaching, _error(blocks, reaching)
    for share in _TRIED:
        tried = reaching * share
        error = _error(blocks, tried)
        is_better = error < errors
        scales, errors = np.where(is_better, tried, scales), np.where(is_better, error, errors)

    return (_rounded(blocks, scales) + _MIDDLE).astype(np.uint8), scales[..., 0].astype(np.float32)


def packed(levels: Array) -> Array:
    """Put two levels into a byte, the first one low: ``[outputs, blocks, BLOCK / 2]``."""
    pairs: Array = levels[..., 0::2] | (levels[..., 1::2] << 4)
    return pairs


def _rounded(blocks: Array, scales: Array) -> Array:
    levels: Array = np.clip(np.round(blocks / scales), -_MIDDLE, _LEVELS - _MIDDLE - 1)
    return levels


def _error(blocks: Array, scales: Array) -> Array:
    error: Array = np.square(_rounded(blocks, scales) * scales - blocks).sum(axis=2, keepdims=True)
    return error


def _fits(surgery: Surgery, layer: Layer) -> bool:
    """Say whether a layer is a plain product of rows with a large matrix of finite numbers."""
    node, weight = surgery.nodes[layer.place], surgery.constant(layer.weight)
    return (
        weight is not None
        and weight.ndim == _MATRIX
        and weight.size >= LEAST_CELLS
        and bool(np.isfinite(weight).all())
        and node.op_type in {"MatMul", "Gemm"}
        and not attribute(node, "transA", 0)
        and attribute(node, "alpha", 1.0) == attribute(node, "beta", 1.0) == 1.0
    )


def _product(surgery: Surgery, node: onnx.NodeProto, layer: Layer, level: int) -> list[onnx.NodeProto]:
    weight = surgery.constant(layer.weight)
    if weight is None:
        return [node]
    matrix = weight.T if layer.axis == 0 else weight
    levels, scales = blocks_of(matrix)
    has_offset = node.op_type == "Gemm" and len(node.input) > _MATRIX and bool(node.input[_MATRIX])
    product = helper.make_node(
        "MatMulNBits",
        [node.input[0], surgery.add_constant(packed(levels)), surgery.add_constant(scales.reshape(-1))],
        [surgery.fresh() if has_offset else node.output[0]],
        domain=_RUNTIME_DOMAIN,
        K=matrix.shape[0],
        N=matrix.shape[1],
        bits=4,
        block_size=BLOCK,
        accuracy_level=level,
    )
    if not has_offset:
        return [product]
    return [product, helper.make_node("Add", [product.output[0], node.input[_MATRIX]], [node.output[0]])]
