"""Infer: the Open Inference Protocol, version 2, REST, for a model of tensors: as JSON and as bytes.

Every input of the graph is a tensor of the protocol, with the graph's own name, data type and shape. With the binary
tensor extension the values of an input follow the JSON as bytes, and an output that asks for it is answered so. A body
without any JSON is the one tensor of a model that has one, where at most one of its axes is open: that one is counted
from the size.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Signature, Tensor
from golive.errors import InvalidRowError, RequestError
from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.codecs.framing import Buffers, has_long_json
from golive.serving.codecs.infer_body import InferBody, SentTensor, binary_size
from golive.serving.codecs.raw_tensors import count_of, raw_of, texts_of, values_of, width_of
from golive.serving.codecs.tensor_outputs import Form
from golive.serving.codecs.tensor_types import DATATYPES, shown
from golive.serving.tensorial.answers import Answers
from golive.serving.tensorial.entrance import Entrance
from golive.serving.tensorial.json_arrays import JsonReader, array_json
from golive.serving.tensorial.tensor_rows import TensorRows


class InferCodec:
    """Reads infer requests and writes infer responses. Every bad body is 400, as the protocol says."""

    row_status = 400
    rows_path = "$.inputs"

    def __init__(self, placed: Placed, signature: Signature, entrance: Entrance, answers: Answers) -> None:
        self._signature = signature
        self._entrance = entrance
        self._answers = answers
        self._readers = {tensor.name: JsonReader(tensor) for tensor in signature.tensors}
        self._has_texts = any(tensor.dtype == "string" for tensor in (*signature.tensors, *signature.outputs))
        outputs = [tensor.name for tensor in signature.outputs]
        self._body = InferBody(signature, outputs, self._given, self._raw)
        self._datatypes = {tensor.name: DATATYPES[tensor.dtype] for tensor in signature.outputs}
        model = orjson.dumps({"model_name": placed.name, "model_version": str(placed.version)})
        self._start = model.removesuffix(b"}") + b","

    def is_slow(self, ask: Ask) -> bool:
        """Long JSON and long texts are; numbers in bytes are only looked at."""
        return self._has_texts or has_long_json(ask.headers)

    def decode(self, body: bytes, ask: Ask) -> tuple[TensorRows, Form]:
        """Read the tensors, the caller's id and the outputs it wants.

        Raises:
            RequestError: the body is malformed, or a tensor is not as the signature has it.
        """
        return self._body.decode(body, ask)

    def encode(self, outputs: TensorRows, form: Form, ask: Ask) -> tuple[bytes, bytes]:
        """Write the outputs that were asked for; data is flat, row-major."""
        del ask
        arrays = self._answers.checked(outputs)
        parts, buffers = [], []
        for name, binary in form.outputs:
            array, datatype = arrays[name], self._datatypes[name]
            described = {"name": name, "datatype": datatype, "shape": array.shape}
            if binary:
                raw = raw_of(datatype, array.ravel() if datatype == "BYTES" else array)
                buffers.append(raw)
                parts.append(orjson.dumps({**described, "parameters": {"binary_data_size": len(raw)}}))
            else:
                parts.append(b'%b,"data":%b}' % (orjson.dumps(described)[:-1], array_json(array.reshape(-1))))
        request_id = b"" if form.id is None else b'"id":%b,' % orjson.dumps(form.id)
        head = b'%b%b"outputs":[%b]}' % (self._start, request_id, b",".join(parts))
        return (form.lines % len(head), b"".join((head, *buffers))) if buffers else (JSON_HEAD, head)

    def _given(self, inputs: Sequence[SentTensor], buffers: Buffers) -> TensorRows:
        arrays: dict[str, npt.NDArray[Any]] = {}
        for index, sent in enumerate(inputs):
            name = sent.name
            self._entrance.announced(name, sent.datatype, sent.shape)
            if name in arrays:
                message = f"tensor {name!r} is there twice; send each once"
                raise RequestError(message, field=name)
            arrays[name] = self._values(sent, buffers, f"$.inputs[{index}].data")
        return self._entrance.admit(arrays)

    def _values(self, sent: SentTensor, buffers: Buffers, path: str) -> npt.NDArray[Any]:
        size = binary_size(sent)
        if size is None:
            return self._of_json(sent, bytes(sent.data), path)
        raw = buffers.take(sent.name, size)
        return values_of(sent.name, sent.datatype, sent.shape, raw).reshape(sent.shape)

    def _of_json(self, sent: SentTensor, data: bytes, path: str) -> npt.NDArray[Any]:
        name, shape = sent.name, sent.shape
        is_nested = data[1:2] in b"[ \t\r\n" and data[1:].lstrip().startswith(b"[")
        try:
            array = self._readers[name].text(data, len(shape) if is_nested else 1, path)
        except InvalidRowError as error:
            # The protocol names the tensor, not its place in the body.
            error.field = f"{name}{error.field.removeprefix(path)}"
            raise
        if array.shape != shape if is_nested else array.size != count_of(name, shape):
            found = list(array.shape) if is_nested else f"{array.size} values"
            message = (
                f"tensor {name!r} has the shape {list(shape)}, but its data has {found}; send one for each element"
            )
            raise RequestError(message, field=name)
        return array.reshape(shape)

    def _raw(self, body: bytes) -> TensorRows:
        tensors = self._signature.tensors
        if len(tensors) > 1:
            message = (
                f"a body without JSON is one tensor, and the model takes {len(tensors)}; "
                "send the JSON first and its size in Inference-Header-Content-Length"
            )
            raise RequestError(message)
        (tensor,) = tensors
        shape = _shape_of(tensor, body)
        if tensor.dtype == "string":
            # The whole body is the one text; its length is that of the body.
            return self._entrance.admit({tensor.name: texts_of(tensor.name, [body]).reshape(shape)})
        values = values_of(tensor.name, DATATYPES[tensor.dtype], shape, body)
        return self._entrance.admit({tensor.name: values.reshape(shape)})


def _shape_of(tensor: Tensor, body: bytes) -> tuple[int, ...]:
    """Give the shape of a tensor of which only the bytes are known."""
    fixed = math.prod(length for length in tensor.shape if length is not None)
    if tensor.dtype == "string":
        return tuple(1 if length is None else length for length in tensor.shape)
    width = fixed * width_of(DATATYPES[tensor.dtype])
    is_open = tensor.shape.count(None)
    if is_open > 1 or not width or len(body) % width or (not is_open and len(body) != width):
        message = (
            f"a body without JSON has the {len(body)} bytes of tensor {tensor.name!r} "
            f"{DATATYPES[tensor.dtype]} {shown(tensor.shape)}, and its shape does not follow from them; "
            "send the JSON first and its size in Inference-Header-Content-Length"
        )
        raise RequestError(message, field=tensor.name)
    return tuple(len(body) // width if length is None else length for length in tensor.shape)
