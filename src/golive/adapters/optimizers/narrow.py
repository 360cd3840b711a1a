"""Narrow: the products of a network in single precision, and its weights kept in fewer bits.

What comes before the first product (scaling, tables of categories) stays double: there a large number loses what
distinguishes it. Decisions of trees stay double too, because a rounded threshold decides otherwise.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper

from golive.adapters.optimizers.surgery import Array, Surgery
from golive.ports import Candidate, Subject

LEAST_CELLS = 64
"""Smaller constants are not worth the nodes that make them wide again."""
_HALF_MAX = float(np.finfo(np.float16).max)
_SINGLE_MAX = float(np.finfo(np.float32).max)
_BYTE = 127.0
BRAIN = helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16)
"""numpy's name for a float32 without its last 16 bits."""

FOLLOWS = frozenset(
    (
        *("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Concat", "Identity", "Gemm", "MatMul", "Conv"),
        *("Relu", "LeakyRelu", "Elu", "Selu", "Tanh", "Sigmoid", "HardSigmoid", "Softplus", "Softmax", "LogSoftmax"),
        *("Exp", "Log", "Neg", "Reciprocal", "Sqrt", "Abs", "Erf", "Gelu", "ReduceSum", "ReduceMean", "ReduceMax"),
        *("Slice", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"),
    )
)
"""Operators that go on in single precision once one of their inputs is."""


class NarrowOptimizer:
    """Offers single precision, and weights in half precision or in 8 bits beside it."""

    name = "precision"
    effort_s = 0.1

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give float32, then weights kept in 16 bits, then as int8 with a scale for each output.

        Weights are made wide again when the graph is loaded: those candidates are smaller, not faster than float32.
        Of the two kinds of 16 bits it is float16, whose digits are eight times as fine; bfloat16 where a weight is
        too large for that.
        """
        single = in_single_precision(subject.graph)
        if single is not None:
            yield Candidate(name="float32", graph=single)
        base = single or subject.graph
        half = with_half_weights(base)
        if half is not None:
            yield Candidate(name="float32, float16 weights", graph=half)
        brain = with_brain_weights(base)
        if brain is not None:
            yield Candidate(name="float32, bfloat16 weights", graph=brain)
        small = with_byte_weights(base)
        if small is not None:
            yield Candidate(name="float32, int8 weights", graph=small)


def in_single_precision(content: bytes) -> bytes | None:
    """Write a graph's products, and what follows them, in float32; None where no product is in float64."""
    surgery = Surgery(content)
    if not surgery.layers(np.float64) or _overflows(surgery):
        return None
    return _Narrowing(surgery).bytes()


def with_half_weights(content: bytes) -> bytes | None:
    """Keep large float32 constants as float16; None where there are none."""
    surgery = Surgery(content)
    widening = []
    for name, value in surgery.constants():
        if value.dtype == np.float32 and value.size >= LEAST_CELLS and np.abs(value).max() <= _HALF_MAX:
            widening.append(_widened(surgery, name, value.astype(np.float16)))
    surgery.nodes = [*widening, *surgery.nodes]
    return surgery.bytes() if widening else None


def with_brain_weights(content: bytes) -> bytes | None:
    """Keep large float32 constants in 16 bits: as bfloat16 those that float16 has no room for, the others as float16.

    None where float16 has room for all.
    """
    surgery = Surgery(content)
    widening, needed = [], False
    for name, value in surgery.constants():
        if value.dtype != np.float32 or value.size < LEAST_CELLS or not np.isfinite(value).all():
            continue
        is_far = bool(np.abs(value).max() > _HALF_MAX)
        needed |= is_far
        widening.append(_widened(surgery, name, value.astype(BRAIN if is_far else np.float16)))
    surgery.nodes = [*widening, *surgery.nodes]
    return surgery.bytes() if needed else None


def with_byte_weights(content: bytes) -> bytes | None:
    """Keep the weights of float32 products as int8 with a scale for each output; None where there are none."""
    surgery = Surgery(content)
    widening: list[onnx.NodeProto] = []
    done: set[str] = set()
    for layer in surgery.layers(np.float32):
        weight = surgery.constant(layer.weight)
        if weight is None or weight.size < LEAST_CELLS or layer.weight in done:
            continue
        done.add(layer.weight)
        small, scales = in_bytes(weight, layer.axis)
        plain = surgery.fresh()
        widening += [
            helper.make_node("Cast", [surgery.add_constant(small)], [plain], to=TensorProto.FLOAT),
            helper.make_node("Mul", [plain, surgery.add_constant(scales)], [layer.weight]),
        ]
        surgery.remove_constant(layer.weight)
    surgery.nodes = [*widening, *surgery.nodes]
    return surgery.bytes() if widening else None


def in_bytes(weight: Array, axis: int) -> tuple[Array, Array]:
    """Round a weight to int8, symmetrically, with a float32 scale for each output (of a shape that broadcasts)."""
    others = tuple(other for other in range(weight.ndim) if other != axis % weight.ndim)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scales = (np.where(largest > 0, largest, 1.0) / _BYTE).astype(np.float32)
    return np.clip(np.round(weight / scales), -_BYTE, _BYTE).astype(np.int8), scales


def _widened(surgery: Surgery, name: str, small: Array) -> onnx.NodeProto:
    kept = surgery.add_constant(small)
    surgery.remove_constant(name)
    return helper.make_node("Cast", [kept], [name], to=TensorProto.FLOAT)


def _overflows(surgery: Surgery) -> bool:
    return any(
        value.dtype == np.float64 and value.size and np.abs(value[np.isfinite(value)]).max(initial=0.0) > _SINGLE_MAX
        for _, value in surgery.constants()
    )


class _Narrowing:
    """One walk through a graph: every double tensor has a narrow twin where an operator asks for one."""

    def __init__(self, surgery: Surgery) -> None:
        self._surgery = surgery
        self._double = surgery.double_tensors()
        self._products = {layer.place for layer in surgery.layers(np.float64)}
        self._narrow: dict[str, str] = {}
        self._written: set[str] = set()
        """Tensors that exist in their own, wide form."""
        self._nodes: list[onnx.NodeProto] = []

    def bytes(self) -> bytes:
        for place, node in enumerate(self._surgery.nodes):
            if self._goes_narrow(place, node):
                self._add_narrow(node)
            else:
                self._add_as_it_is(node)
        self._wide("P")
        self._surgery.nodes = self._nodes
        return self._surgery.bytes()

    def _goes_narrow(self, place: int, node: onnx.NodeProto) -> bool:
        if place in self._products:
            return node.input[0] in self._double
        return (
            node.op_type in FOLLOWS
            and not node.domain
            and any(name in self._narrow and self._surgery.constant(name) is None for name in node.input)
            and all(name in self._double for name in node.output)
        )

    def _add_narrow(self, node: onnx.NodeProto) -> None:
        added = onnx.NodeProto()
        added.CopyFrom(node)
        del added.input[:], added.output[:]
        added.input.extend(self._narrowed(name) if name in self._double else name for name in node.input)
        for name in node.output:
            self._narrow[name] = self._surgery.fresh()
            added.output.append(self._narrow[name])
        self._nodes.append(added)

    def _add_as_it_is(self, node: onnx.NodeProto) -> None:
        for name in node.input:
            self._wide(name)
        self._nodes.append(node)
        self._written.update(node.output)

    def _narrowed(self, name: str) -> str:
        if name not in self._narrow:
            value = self._surgery.constant(name)
            if value is not None:
                self._narrow[name] = self._surgery.add_constant(value.astype(np.float32))
            else:
                self._narrow[name] = self._surgery.fresh()
                self._nodes.append(helper.make_node("Cast", [name], [self._narrow[name]], to=TensorProto.FLOAT))
        return self._narrow[name]

    def _wide(self, name: str) -> None:
        if (
            name in self._narrow
            and name not in self._written
            and self._surgery.constant(name) is None
            and name not in _INPUTS
        ):
            self._nodes.append(helper.make_node("Cast", [self._narrow[name]], [name], to=TensorProto.DOUBLE))
            self._written.add(name)


_INPUTS = frozenset({"N", "C"})
