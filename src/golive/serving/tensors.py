"""Tensors: the Open Inference Protocol, version 2, REST with JSON data (``/v2/models/{m}/infer``).

A model shows one input tensor for each field of its signature, shape ``[-1, 1]`` (``[-1]`` is taken too). A model
whose fields are all numbers also takes one fused tensor named ``input``, FP64 or FP32 ``[-1, fields]``. Outputs are
``predict`` (FP64 for a regression, else the data type of the labels, ``[-1, 1]``) and, for a classification,
``probabilities`` (FP64 ``[-1, classes]``).
"""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import RequestError
from golive.ports import Float64
from golive.serving.codec import Labels, json_of, some
from golive.serving.rowtypes import Rows, decoding, explained, type_of

FUSED = "input"
"""The name of the one tensor that holds all number fields."""

DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
"""The protocol's name of each data type."""

_INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
_ACCEPTED: dict[str, tuple[str, ...]] = {
    "float64": ("FP64", "FP32", "FP16", *_INTEGERS),
    "int64": _INTEGERS,
    "bool": ("BOOL",),
    "string": ("BYTES",),
}
"""Narrower numbers are taken where they widen without loss."""


class Tensor(msgspec.Struct):
    """One input of a request; ``data`` is decoded once its type is known."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: msgspec.Raw


class Requested(msgspec.Struct):
    """The name of an output that the caller wants."""

    name: str


class InferRequest(msgspec.Struct):
    """The body of a request."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Requested] | None = None


class _Form(msgspec.Struct, frozen=True):
    id: str | None
    outputs: tuple[str, ...]


class _Reader:
    """Reads the data of a tensor, flat or nested, into a flat list."""

    def __init__(self, kind: Any) -> None:
        self._flat = msgspec.json.Decoder(list[kind])
        self._nested = msgspec.json.Decoder(list[list[kind]])

    def __call__(self, tensor: Tensor, signature: Signature) -> list[Any]:
        raw = bytes(tensor.data)
        # The copy is only made where blanks may stand before a nested list.
        start = raw[1:].lstrip() if raw[1:2].isspace() else raw[1:2]
        if not start.startswith(b"["):
            return self._decoded(self._flat, raw, tensor, signature)  # type: ignore[no-any-return]
        rows = self._decoded(self._nested, raw, tensor, signature)
        if len({len(row) for row in rows}) > 1:
            message = f"the rows of tensor {tensor.name!r} differ in length; send a rectangular tensor"
            raise RequestError(message)
        return [value for row in rows for value in row]

    @staticmethod
    def _decoded(decoder: Any, raw: bytes, tensor: Tensor, signature: Signature) -> Any:
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError as error:
            trouble = explained(str(error), signature)
            place = trouble.field.removeprefix("$") or ""
            message = f"tensor {tensor.name!r} ({tensor.datatype}): {trouble.message}"
            raise RequestError(message, field=f"{tensor.name}{place}") from None


class TensorsCodec:
    """Reads infer requests and writes infer responses. Every bad body is 400, as the protocol says."""

    row_status = 400
    rows_path = "$.inputs"

    def __init__(self, placed: Placed, signature: Signature, labels: Labels) -> None:
        self._signature = signature
        self._labels = labels
        self._fields = {field.name: field for field in signature.inputs}
        self._readers = {field.name: _Reader(type_of(field)) for field in signature.inputs}
        self._fused = _Reader(float) if takes_fused(signature) else None
        self._whole = [index for index, field in enumerate(signature.inputs) if field.dtype == "int64"]
        self._decoder = msgspec.json.Decoder(InferRequest)
        self._outputs = {output["name"]: output for output in output_tensors(signature)}
        self._every = _Form(id=None, outputs=tuple(self._outputs))
        self._heads = {name: _output_head(output) for name, output in self._outputs.items()}
        model = orjson.dumps({"model_name": placed.name, "model_version": str(placed.version)})
        self._start = model.removesuffix(b"}") + b","

    def decode(self, body: bytes) -> tuple[Rows, _Form]:
        """Read the rows, the caller's id and the outputs it wants."""
        request: InferRequest = decoding(self._decoder.decode, body, self._signature)
        inputs = request.inputs
        if len(inputs) == 1 and inputs[0].name == FUSED and self._fused is not None:
            rows = self._fused_rows(inputs[0], self._fused)
        else:
            rows = self._rows(inputs)
        if request.id is None and request.outputs is None:
            return some(rows), self._every
        return some(rows), _Form(id=request.id, outputs=self._wanted(request.outputs))

    def encode(self, outputs: Float64, form: _Form) -> bytes:
        """Write the outputs that were asked for; data is flat, row-major."""
        parts = [
            self._heads[name] % (len(outputs), json_of(outputs.ravel()))
            if name == "probabilities"
            else self._heads[name] % (len(outputs), orjson.dumps(self._labels(outputs)))
            for name in form.outputs
        ]
        request_id = b"" if form.id is None else b'"id":%b,' % orjson.dumps(form.id)
        return b'%b%b"outputs":[%b]}' % (self._start, request_id, b",".join(parts))

    def _wanted(self, requested: Sequence[Requested] | None) -> tuple[str, ...]:
        if not requested:
            return tuple(self._outputs)
        for output in requested:
            if output.name not in self._outputs:
                message = f"there is no output {output.name!r}; the outputs are: {', '.join(self._outputs)}"
                raise RequestError(message, field="$.outputs")
        return tuple(output.name for output in requested)

    def _fused_rows(self, tensor: Tensor, read: _Reader) -> Rows:
        width = len(self._fields)
        if tensor.datatype not in _ACCEPTED["float64"]:
            raise _wrong_datatype(tensor, _ACCEPTED["float64"])
        if len(tensor.shape) != 2 or tensor.shape[1] != width:  # noqa: PLR2004  rows and columns
            names = ", ".join(self._fields)
            expected = f"[n, {width}] with the columns {names}"
            raise _wrong_shape(tensor, expected)
        values = _counted(read(tensor, self._signature), tensor)
        rows = [values[start : start + width] for start in range(0, len(values), width)]
        for index in self._whole:
            if not all(row[index].is_integer() for row in rows):
                message = f"column {index} of tensor {FUSED!r} ({self._signature.names[index]}) wants whole numbers"
                raise RequestError(message, field=FUSED)
        return rows

    def _rows(self, inputs: Sequence[Tensor]) -> Rows:
        columns: dict[str, list[Any]] = {}
        for tensor in inputs:
            if tensor.name in columns:
                message = f"tensor {tensor.name!r} is there twice; send each once"
                raise RequestError(message, field=tensor.name)
            columns[tensor.name] = self._column(tensor)
        counts = {name: len(column) for name, column in columns.items()}
        if len(set(counts.values())) > 1:
            message = f"the tensors must have one length, got {counts}; send one value for each row"
            raise RequestError(message)
        count = next(iter(counts.values()), 0)
        for name, field in self._fields.items():
            if name not in columns and not field.nullable:
                message = f"the tensor {name!r} is missing; {self._known()}"
                raise RequestError(message, field=name)
        missing = [None] * count
        return list(zip(*(columns.get(name, missing) for name in self._fields), strict=True))

    def _column(self, tensor: Tensor) -> list[Any]:
        field = self._fields.get(tensor.name)
        if field is None:
            near = get_close_matches(tensor.name, self._fields, n=1, cutoff=0.5)
            guess = f"did you mean {near[0]!r}? " if near else ""
            message = f"there is no tensor {tensor.name!r}; {guess}{self._known()}"
            raise RequestError(message, field=tensor.name)
        if tensor.datatype not in _ACCEPTED[field.dtype]:
            raise _wrong_datatype(tensor, _ACCEPTED[field.dtype])
        if len(tensor.shape) not in {1, 2} or tensor.shape[1:] not in {(), (1,)}:
            raise _wrong_shape(tensor, "[n, 1] or [n]")
        return _counted(self._readers[field.name](tensor, self._signature), tensor)

    def _known(self) -> str:
        known = ", ".join(f"{name} {DATATYPES[field.dtype]} [n, 1]" for name, field in self._fields.items())
        fused = f"; or one tensor {FUSED!r} FP64 [n, {len(self._fields)}]" if self._fused is not None else ""
        return f"the inputs are: {known}{fused}"


def takes_fused(signature: Signature) -> bool:
    """Say whether a model takes its fields as one tensor too: they are all numbers."""
    return all(field.dtype in {"float64", "int64"} for field in signature.inputs)


def input_tensors(signature: Signature) -> list[dict[str, Any]]:
    """Describe the inputs as the protocol's metadata does."""
    return [_described(field) for field in signature.inputs]


def output_tensors(signature: Signature) -> list[dict[str, Any]]:
    """Describe the outputs as the protocol's metadata does."""
    if signature.task == "regression":
        return [{"name": "predict", "datatype": "FP64", "shape": [-1, 1]}]
    return [
        {"name": "predict", "datatype": DATATYPES[signature.class_dtype], "shape": [-1, 1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, len(signature.classes)]},
    ]


def metadata(name: str, versions: Sequence[int], signature: Signature) -> dict[str, Any]:
    """Describe a model as ``GET /v2/models/{m}`` does."""
    return {
        "name": name,
        "versions": [str(version) for version in versions],
        "platform": "golive_onnx",
        "inputs": input_tensors(signature),
        "outputs": output_tensors(signature),
    }


def _described(field: Field) -> dict[str, Any]:
    return {"name": field.name, "datatype": DATATYPES[field.dtype], "shape": [-1, 1]}


def _counted(values: list[Any], tensor: Tensor) -> list[Any]:
    # A negative dimension cannot be cancelled by another one: the count would have to match as well.
    if min(tensor.shape) < 0 or math.prod(tensor.shape) != len(values):
        raise _wrong_shape(tensor, f"a shape that holds its {len(values)} values")
    return values


def _output_head(output: dict[str, Any]) -> bytes:
    """Write what is known of an output at load; two places are left, for the number of rows and the data."""
    name, datatype, width = orjson.dumps(output["name"]), orjson.dumps(output["datatype"]), output["shape"][1]
    return b'{"name":%b,"datatype":%b,"shape":[%%d,%d],"data":%%b}' % (name, datatype, width)


def _wrong_datatype(tensor: Tensor, accepted: Sequence[str]) -> RequestError:
    message = f"tensor {tensor.name!r} wants datatype {' or '.join(accepted)}, got {tensor.datatype!r}"
    return RequestError(message, field=tensor.name)


def _wrong_shape(tensor: Tensor, expected: str) -> RequestError:
    message = f"tensor {tensor.name!r} wants shape {expected}, got {list(tensor.shape)}"
    return RequestError(message, field=tensor.name)
