"""Tensors: the Open Inference Protocol, version 2, REST (``/v2/models/{m}/infer``), as JSON and as bytes.

A model shows one input tensor for each field of its signature, shape ``[-1, 1]`` (``[-1]`` is taken too). A model
whose fields are all numbers also takes one fused tensor named ``input``, FP64 or FP32 ``[-1, fields]``. Outputs are
``predict`` (FP64 for a regression, else the data type of the labels, ``[-1, 1]``) and, for a classification,
``probabilities`` (FP64 ``[-1, classes]``).

With the binary tensor extension the values of an input follow the JSON as bytes (``binary_data_size``), and an output
that asks for it (``binary_data``, or ``binary_data_output`` for all) is answered so. In bytes a NaN is a missing
number; a text cannot be missing. A body without any JSON is the fused tensor (FP64), or the one field of a model that
has only one.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy.typing as npt

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import RequestError
from golive.ports import Float64
from golive.serving.answer import Ask
from golive.serving.codecs.codec import Given, Labels
from golive.serving.codecs.framing import Buffers, has_long_json
from golive.serving.codecs.infer_body import InferBody, SentTensor, binary_size
from golive.serving.codecs.raw_tensors import check_range, texts_of, values_of, width_of
from golive.serving.codecs.rowtypes import broken, explained, type_of
from golive.serving.codecs.tensor_inputs import DATATYPES, FUSED, TensorInputs, Values, takes_fused, wrong_shape
from golive.serving.codecs.tensor_outputs import Form, OutputWriter, output_tensors
from golive.serving.codecs.tensor_types import page_of


class _Reader:
    """Reads the JSON data of a tensor, flat or nested, into a flat list."""

    def __init__(self, kind: Any, signature: Signature) -> None:
        self._flat = msgspec.json.Decoder(list[kind])
        self._nested = msgspec.json.Decoder(list[list[kind]])
        self._signature = signature

    def __call__(self, tensor: SentTensor, count: int) -> list[Any]:
        """Read ``count`` values."""
        raw = bytes(tensor.data)
        if raw[1:2] not in b"[ \t\r\n" or not raw[1:].lstrip().startswith(b"["):
            values: list[Any] = self._decoded(self._flat, raw, tensor)
        else:
            rows = self._decoded(self._nested, raw, tensor)
            if len({len(row) for row in rows}) > 1:
                message = f"the rows of tensor {tensor.name!r} differ in length; send a rectangular tensor"
                raise RequestError(message)
            values = [value for row in rows for value in row]
        if len(values) != count:
            raise wrong_shape(tensor.name, f"a shape that holds its {len(values)} values", tensor.shape)
        return values

    def _decoded(self, decoder: Any, raw: bytes, tensor: SentTensor) -> Any:
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError as error:
            trouble = explained(str(error), self._signature)
            place = trouble.field.removeprefix("$") or ""
            message = f"tensor {tensor.name!r} ({tensor.datatype}): {trouble.message}"
            raise RequestError(message, field=f"{tensor.name}{place}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(raw, error) from None


class TensorsCodec:
    """Reads infer requests and writes infer responses. Every bad body is 400, as the protocol says."""

    row_status = 400
    rows_path = "$.inputs"

    def __init__(self, placed: Placed, signature: Signature, labels: Labels) -> None:
        self._signature = signature
        self._inputs = TensorInputs(signature)
        self._readers = {field.name: _Reader(type_of(field), signature) for field in signature.inputs}
        self._fused = _Reader(float, signature) if takes_fused(signature) else None
        self._has_texts = any(field.dtype == "string" for field in signature.inputs)
        self._write = OutputWriter(placed, signature, labels)
        outputs = [output["name"] for output in output_tensors(signature)]
        self._body = InferBody(signature, outputs, self._given, self._raw)

    def is_slow(self, ask: Ask) -> bool:
        """Long JSON and long texts are; numbers in bytes are only looked at."""
        return self._has_texts or has_long_json(ask.headers)

    def decode(self, body: bytes, ask: Ask) -> tuple[Given, Form]:
        """Read the rows, the caller's id and the outputs it wants.

        Raises:
            RequestError: the body is malformed.
            InvalidRowError: a value does not fit the signature.
        """
        return self._body.decode(body, ask)

    def encode(self, outputs: Float64, form: Form, ask: Ask) -> tuple[bytes, bytes]:
        """Write the outputs that were asked for; data is flat, row-major."""
        del ask
        return self._write(outputs, form)

    def _given(self, inputs: Sequence[SentTensor], buffers: Buffers) -> Given:
        if len(inputs) == 1 and inputs[0].name == FUSED and self._fused is not None:
            (tensor,) = inputs
            count = self._inputs.check_fused(tensor.datatype, tensor.shape)
            return self._inputs.fused(_values(tensor, count, self._fused, buffers))
        return self._inputs.named(self._columns(inputs, buffers))

    def _columns(self, inputs: Sequence[SentTensor], buffers: Buffers) -> dict[str, Values]:
        columns: dict[str, Values] = {}
        for tensor in inputs:
            name = tensor.name
            field = self._inputs.field(name, tensor.datatype, tensor.shape)
            if name in columns:
                message = f"tensor {name!r} is there twice; send each once"
                raise RequestError(message, field=name)
            values = columns[name] = _values(tensor, tensor.shape[0], self._readers[name], buffers)
            if not isinstance(values, list):
                check_range(field, tensor.datatype, values)
        return columns

    def _raw(self, body: bytes) -> Given:
        fields = self._signature.inputs
        if len(fields) == 1:
            return self._inputs.named({fields[0].name: _raw_column(fields[0], body)})
        if self._fused is None:
            message = (
                "a body without JSON needs a model with one input or with numbers only; "
                "send the JSON first and its size in Inference-Header-Content-Length"
            )
            raise RequestError(message)
        width = len(fields) * width_of("FP64")
        if len(body) % width:
            message = f"a raw tensor FP64 [n, {len(fields)}] has {width} bytes a row, got {len(body)}; send whole rows"
            raise RequestError(message)
        return self._inputs.fused(values_of(FUSED, "FP64", (len(body) // width, len(fields)), body))


def input_tensors(signature: Signature) -> list[dict[str, Any]]:
    """Describe the inputs as the protocol's metadata does."""
    if signature.task == "tensors":
        return [page_of(tensor) for tensor in signature.tensors]
    return [{"name": field.name, "datatype": DATATYPES[field.dtype], "shape": [-1, 1]} for field in signature.inputs]


def metadata(name: str, versions: Sequence[int], signature: Signature) -> dict[str, Any]:
    """Describe a model as ``GET /v2/models/{m}`` does."""
    return {
        "name": name,
        "versions": [str(version) for version in versions],
        "platform": "golive_tensors" if signature.task == "tensors" else "golive_onnx",
        "inputs": input_tensors(signature),
        "outputs": output_tensors(signature),
    }


def _values(tensor: SentTensor, count: int, read: _Reader, buffers: Buffers) -> Values:
    size = binary_size(tensor)
    if size is None:
        return read(tensor, count)
    return values_of(tensor.name, tensor.datatype, tensor.shape, buffers.take(tensor.name, size))


def _raw_column(field: Field, body: bytes) -> npt.NDArray[Any]:
    if field.dtype == "string":
        # The whole body is the one text; its length is that of the body.
        return texts_of(field.name, [body])
    datatype = DATATYPES[field.dtype]
    return values_of(field.name, datatype, (len(body) // width_of(datatype),), body)
