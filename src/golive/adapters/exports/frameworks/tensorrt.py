"""Export ``tensorrt``: a recipe that builds a TensorRT engine where an NVIDIA GPU is. Nothing is built here.

TensorRT knows neither float64 nor the operators of ``ai.onnx.ml``. So the graph is written in float32, compared with
golive's answers in ONNX Runtime, and the engine is built, asked and compared by the scripts of the recipe.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from golive.adapters.exports.companions.refusing import check_carried
from golive.adapters.exports.context import checked_options, write_all
from golive.adapters.exports.frameworks.forms import Cases, cases_of, companions, inputs_text, prove
from golive.adapters.graphs.session import session
from golive.domain.bundle import Bundle
from golive.domain.signature import Tensor
from golive.errors import NotConvertibleError, UsageError

IMAGE = "nvcr.io/nvidia/tensorrt:25.08-py3"
LENGTHS = (1, 8, 256)
"""Lengths of an open axis: the least, the one that the engine is made fast for, the most."""
# fmt: off
TAKEN = frozenset({
    "Abs", "Acos", "Add", "And", "ArgMax", "ArgMin", "Asin", "Atan", "AveragePool", "BatchNormalization", "Cast",
    "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape", "Conv", "ConvTranspose", "Cos", "Cosh", "CumSum",
    "DequantizeLinear", "Div", "Dropout", "Einsum", "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor",
    "GRU", "Gather", "GatherElements", "GatherND", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater",
    "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "If", "InstanceNormalization", "IsInf", "IsNaN",
    "LSTM", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "Loop", "MatMul", "Max",
    "MaxPool", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "PRelu", "Pad", "Pow", "QuantizeLinear",
    "RNN", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Resize", "Round",
    "ScatterElements", "ScatterND", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax",
    "Softplus", "Softsign", "SpaceToDepth", "DepthToSpace", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh",
    "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
})
# fmt: on
"""Operators of standard ONNX that TensorRT 10 reads (onnx-tensorrt, docs/operators.md)."""
_DOUBLE, _FLOAT = TensorProto.DOUBLE, TensorProto.FLOAT
_FEWEST = 3
_ALL = 0
"""As many threads as there are cores."""


class TensorrtExport:
    """Writes ``model.onnx`` in float32, the commands that build and ask an engine, a Dockerfile and a README."""

    name = "tensorrt"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the recipe. Options: ``lengths`` (``least,best,most`` of an open axis), ``image`` (with TensorRT).

        Raises:
            NotConvertibleError: TensorRT has no such operator or type; it is named. Or the bundle holds no graph.
            ParityError: float32 is not enough for this model; the message has the row.
        """
        given = checked_options(options, "lengths", "image")
        check_carried(bundle, "the TensorRT recipe", tensors=True)
        lengths = _lengths(given.get("lengths", ""))
        model = onnx.load_model_from_string(files[bundle.manifest.graph])
        _check(model)
        asked = cases_of(bundle, files, is_narrow=True)
        graph = in_float32(model)
        greatest = prove("tensorrt", bundle, asked, list(_answers(graph, asked)))
        image = given.get("image", IMAGE)
        inputs = [one for one in asked.inputs if one.name in {value.name for value in model.graph.input}]
        beside = companions(bundle, asked, _readme(bundle, asked, greatest, lengths), "numpy\nonnxruntime\n")
        recipe = {
            "model.onnx": graph,
            **beside,
            "build.sh": _build(inputs, lengths).encode(),
            "check.py": Path(__file__).with_name("tensorrt_check.py").read_bytes(),
            "cases.py": Path(__file__).with_name("form_check.py").read_bytes(),
            "Dockerfile": _dockerfile(image).encode(),
        }
        return write_all(folder, recipe)


def in_float32(model: onnx.ModelProto) -> bytes:
    """Write a graph with float32 in the place of float64: inputs, constants, casts and outputs."""
    narrow = onnx.ModelProto()
    narrow.CopyFrom(model)
    for value in (*narrow.graph.input, *narrow.graph.output, *narrow.graph.value_info):
        if value.type.tensor_type.elem_type == _DOUBLE:
            value.type.tensor_type.elem_type = _FLOAT
    for constant in narrow.graph.initializer:
        if constant.data_type == _DOUBLE:
            constant.CopyFrom(_rounded(constant))
    for node in narrow.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == _DOUBLE:
                attribute.i = _FLOAT
            if attribute.HasField("t") and attribute.t.data_type == _DOUBLE:
                attribute.t.CopyFrom(_rounded(attribute.t))
    # TensorRT knows no domain but ONNX' own.
    kept = [entry for entry in narrow.opset_import if entry.domain in {"", "ai.onnx"}]
    versions = [(entry.domain, entry.version) for entry in kept]
    del narrow.opset_import[:]
    narrow.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in versions)
    return bytes(narrow.SerializeToString())


def _rounded(constant: onnx.TensorProto) -> onnx.TensorProto:
    with np.errstate(over="ignore"):
        values = numpy_helper.to_array(constant).astype(np.float32)
    return numpy_helper.from_array(values, constant.name)


def _check(model: onnx.ModelProto) -> None:
    """Refuse what TensorRT does not read."""
    absent = sorted(
        {f"{one.domain}.{one.op_type}" if one.domain else one.op_type for one in model.graph.node if not _taken(one)}
    )
    if absent:
        message = (
            f"TensorRT has no operators {', '.join(absent)}; trees and other models of ai.onnx.ml run faster on "
            "processors anyway: export as onnx, ort or c"
        )
        raise NotConvertibleError(message)
    for value in (*model.graph.input, *model.graph.output):
        kind = TensorProto.DataType.Name(value.type.tensor_type.elem_type)
        if kind in {"STRING", "UINT16", "UINT32", "UINT64", "INT16", "UNDEFINED"}:
            message = f"TensorRT has no tensors of {kind}, which {value.name!r} is; export as onnx"
            raise NotConvertibleError(message)


def _taken(node: onnx.NodeProto) -> bool:
    return node.domain in {"", "ai.onnx"} and node.op_type in TAKEN


def _answers(graph: bytes, asked: Cases) -> Iterator[dict[str, Any]]:
    opened = session(graph, threads=_ALL)
    for feeds, wanted in zip(asked.feeds, asked.wanted, strict=True):
        found = opened.run(list(wanted), {node.name: feeds[node.name] for node in opened.get_inputs()})
        yield dict(zip(wanted, found, strict=True))


def _lengths(text: str) -> tuple[int, int, int]:
    parts = text.split(",") if text else list(map(str, LENGTHS))
    if len(parts) == _FEWEST and all(part.isdecimal() for part in parts):
        least, best, most = map(int, parts)
        if 0 < least <= best <= most:
            return least, best, most
    message = f"option lengths={text!r} is not three rising whole numbers; write lengths=1,8,256"
    raise UsageError(message)


def _build(inputs: list[Tensor], lengths: tuple[int, int, int]) -> str:
    """Give the commands that build an engine."""
    words = ["trtexec --onnx=model.onnx --saveEngine=model.plan --noTF32"]
    if any(None in one.shape for one in inputs):
        for flag, length in zip(("min", "opt", "max"), lengths, strict=True):
            shapes = ",".join(f"{one.name}:{'x'.join(str(axis or length) for axis in one.shape)}" for one in inputs)
            words.append(f"--{flag}Shapes={shapes}")
    return (
        "#!/bin/sh\n# Builds model.plan for the GPU of this machine and no other.\nset -e\n"
        + " \\\n  ".join(words)
        + "\n"
    )


def _dockerfile(image: str) -> str:
    return f"""FROM {image}
WORKDIR /recipe
COPY . .
RUN pip install --no-cache-dir numpy cuda-python
# The engine is built when the container starts: only then is there a GPU.
CMD ["sh", "-c", "sh build.sh && python check.py"]
"""


def _readme(bundle: Bundle, asked: Cases, greatest: float, lengths: tuple[int, int, int]) -> str:
    return f"""# {bundle.name} for TensorRT: a recipe, not yet built

No engine is in this folder, and none was tried: an engine is made for one kind of GPU, on that GPU. `model.onnx`
predicts {bundle.signature.target} ({bundle.digest}) in float32, with operators that TensorRT 10 reads. Asked on a
processor it was at most {greatest:.2g} apart from golive.

```
docker build -t {bundle.name}-tensorrt . && docker run --rm --gpus all {bundle.name}-tensorrt
```

or, where TensorRT is installed, `sh build.sh && python check.py`. `build.sh` makes `model.plan`; axes of open length
take {lengths[0]} to {lengths[2]} and are fastest at {lengths[1]} (`--option lengths=...` of the export).
`check.py` asks the engine and compares with `parity.json`; it leaves with 1 where answers are more than
{asked.tolerance:g} apart. The parity rows go through in pieces of at most {lengths[2]}.

{inputs_text(bundle, is_narrow=True)}
"""
