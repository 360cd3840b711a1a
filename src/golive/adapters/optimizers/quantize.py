"""Quantize: the products of a network in 8-bit integers.

Static: the range of what flows into each product is measured on real rows once. Row by row: each row is scaled by its
own greatest number when it comes. ONNX Runtime's own dynamic quantization scales all rows of a call together, so that
an answer depends on the rows beside it: of 797 digits, 10 were read otherwise alone than together. It is not offered.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from golive.adapters.optimizers.narrow import LEAST_CELLS, in_bytes, in_single_precision
from golive.adapters.optimizers.surgery import Array, Layer, Surgery, some_rows
from golive.errors import NotConvertibleError
from golive.ports import Candidate, Subject
from golive.settings import forbid_telemetry

CALIBRATION_ROWS = 512
_PIECE = 64
_BYTE = np.float32(127.0)
_MIDDLE = 128
_TINY = np.float32(1e-30)
_OPERATORS = ("MatMul", "Gemm", "Conv")


class QuantizeOptimizer:
    """Offers products in int8, with ranges measured beforehand or row by row."""

    name = "int8"
    effort_s = 0.5

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give static int8 with ranges from the subject's rows, and int8 scaled row by row.

        Raises:
            NotConvertibleError: ONNX Runtime's quantization fails on the graph.
        """
        base = in_single_precision(subject.graph) or subject.graph
        if not [layer for layer in Surgery(base).layers(np.float32) if _is_large(Surgery(base), layer)]:
            return
        by_row = row_by_row(base)
        if by_row is not None:
            yield Candidate(name="int8 row by row", graph=by_row)
        yield Candidate(name="int8 static", graph=static(base, subject))


def static(base: bytes, subject: Subject) -> bytes:
    """Quantize by ONNX Runtime's tool, with weights by output and activations by range on real rows."""
    forbid_telemetry()
    from onnxruntime import quantization  # noqa: PLC0415 - after telemetry was forbidden

    model = onnx.load_from_string(base)
    # The tool says on stderr that a graph should be prepared for it, unless this mark is there; ours is as it must be.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    names = {value.name for value in model.graph.input}
    with tempfile.TemporaryDirectory(prefix="golive-int8-") as folder:
        path = Path(folder) / "quantized.onnx"
        try:
            quantization.quantize_static(
                model,
                str(path),
                _Rows(subject, names),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=list(_OPERATORS),
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        except Exception as error:  # the tool raises plain exceptions of many kinds
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            message = f"ONNX Runtime cannot quantize this graph ({reason})"
            raise NotConvertibleError(message) from error
        written = onnx.load(path)
    del written.metadata_props[:]
    return bytes(written.SerializeToString())


def row_by_row(base: bytes) -> bytes | None:
    """Write products of rows with a constant matrix in int8, each row by its own scale; None where there are none."""
    surgery = Surgery(base)
    layers = {layer.place: layer for layer in surgery.layers(np.float32) if _is_large(surgery, layer)}
    nodes: list[onnx.NodeProto] = []
    replaced = 0
    for place, node in enumerate(surgery.nodes):
        written = _in_integers(surgery, node, layers[place]) if place in layers else None
        nodes += [node] if written is None else written
        replaced += written is not None
    surgery.nodes = nodes
    return surgery.bytes() if replaced else None


class _Rows:
    """Hands rows over in pieces, as ONNX Runtime's tool asks for them."""

    def __init__(self, subject: Subject, names: set[str]) -> None:
        chosen = some_rows(subject, CALIBRATION_ROWS)
        rows = {"N": subject.numbers, "C": subject.codes}
        self._pieces = iter(
            [
                {name: rows[name][chosen[start : start + _PIECE]] for name in names}
                for start in range(0, len(chosen), _PIECE)
            ]
        )

    def get_next(self) -> Mapping[str, Array] | None:
        return next(self._pieces, None)

    def __iter__(self) -> "_Rows":
        return self

    def __next__(self) -> Mapping[str, Array]:
        return next(self._pieces)


def _is_large(surgery: Surgery, layer: Layer) -> bool:
    weight = surgery.constant(layer.weight)
    return weight is not None and weight.size >= LEAST_CELLS


def _in_integers(surgery: Surgery, node: onnx.NodeProto, layer: Layer) -> list[onnx.NodeProto] | None:
    """Write ``x @ w`` as ``(round(x / s) @ round(w / t)) * s * t`` with s of each row and t of each output."""
    weight = surgery.constant(layer.weight)
    if weight is None or weight.ndim != 2 or not _is_plain(node):  # noqa: PLR2004 - a matrix
        return None
    matrix = weight.T if layer.axis == 0 else weight
    small, scales = in_bytes(matrix, 1)
    maker = _Maker(surgery)
    largest = maker.op("ReduceMax", maker.op("Abs", node.input[0]), surgery.add_constant(np.array([-1])), keepdims=1)
    scale = maker.op("Div", maker.op("Max", largest, surgery.add_constant(_TINY)), surgery.add_constant(_BYTE))
    rounded = maker.op("Round", maker.op("Div", node.input[0], scale))
    # Unsigned with 128 in the middle: processors multiply unsigned by signed bytes fastest.
    moved = maker.op("Add", rounded, surgery.add_constant(np.float32(_MIDDLE)))
    integers = maker.op("Cast", moved, to=TensorProto.UINT8)
    middle = surgery.add_constant(np.array(_MIDDLE, np.uint8))
    product = maker.op("MatMulInteger", integers, surgery.add_constant(small), middle)
    plain = maker.op("Mul", maker.op("Cast", product, to=TensorProto.FLOAT), scale)
    has_offset = len(node.input) > 2  # noqa: PLR2004 - Gemm's third input
    last = maker.op("Mul", plain, surgery.add_constant(scales.reshape(1, -1)))
    if has_offset:
        last = maker.op("Add", last, node.input[2])
    maker.nodes[-1].output[0] = node.output[0]
    return maker.nodes


def _is_plain(node: onnx.NodeProto) -> bool:
    """Say whether a product is one without factors and turned inputs."""
    values: dict[str, Any] = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    return (
        node.op_type in {"MatMul", "Gemm"}
        and not values.get("transA", 0)
        and values.get("alpha", 1.0) == values.get("beta", 1.0) == 1.0
    )


class _Maker:
    """Collects nodes of one output each."""

    def __init__(self, surgery: Surgery) -> None:
        self._surgery = surgery
        self.nodes: list[onnx.NodeProto] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = self._surgery.fresh()
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name
