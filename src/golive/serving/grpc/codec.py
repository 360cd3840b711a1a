"""Codec: ``ModelInferRequest`` in, rows out; outputs in, ``ModelInferResponse`` out.

The tensors are those of the REST road: one for each field, or all number fields fused in one named ``input``. Their
values are raw (``raw_input_contents``) or typed (``contents``), never both in one request; the answer comes in the
form of the request.
"""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from google.protobuf.message import DecodeError

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import InvalidRowError, RequestError
from golive.inference.front import FEW_ROWS
from golive.ports import Float64
from golive.serving.answer import Ask
from golive.serving.codecs.codec import Given, Labels
from golive.serving.codecs.raw_tensors import check_range, count_of, raw_of, texts_of, values_of
from golive.serving.codecs.tensor_inputs import FUSED, TensorInputs, Values
from golive.serving.codecs.tensor_outputs import output_tensors, output_values
from golive.serving.grpc import wire
from golive.serving.grpc.protos import Messages

RAW_HEADER = b"grpc-raw-contents"
"""Stands in ``Ask.headers`` for a long request whose tensors are raw."""

_MATRIX = 2
_FUSED_KINDS = {"FP64": "d", "FP32": "f"}
CONTENTS = {
    "BOOL": ("bool_contents", "?"),
    "INT8": ("int_contents", "i1"),
    "INT16": ("int_contents", "i2"),
    "INT32": ("int_contents", "i4"),
    "INT64": ("int64_contents", "i8"),
    "UINT8": ("uint_contents", "u1"),
    "UINT16": ("uint_contents", "u2"),
    "UINT32": ("uint_contents", "u4"),
    "UINT64": ("uint64_contents", "u8"),
    "FP32": ("fp32_contents", "f4"),
    "FP64": ("fp64_contents", "f8"),
    "BYTES": ("bytes_contents", ""),
}
"""Datatype -> the field of ``InferTensorContents`` that holds it, and the array type."""
_DOUBLES = frozenset({"FP32", "FP64"})
_64_BITS = 2**64 - 1
_REMEMBERED_ROWS = 1024
"""Answers of up to so many rows have the parts remembered that only depend on the number of rows."""


class Form(msgspec.Struct, frozen=True, gc=False):
    """What an answer takes from its request."""

    raw: bool
    id: bytes
    """The field ``id`` as the answer has it; empty without one."""
    outputs: tuple[str, ...]


class RequestParser:
    """Parses the bytes of a ``ModelInferRequest`` for one model."""

    def __init__(self, name: str, messages: Messages) -> None:
        self._name = name
        self._parse = messages["inference.ModelInferRequest"].FromString

    def __call__(self, body: bytes) -> Any:
        """Parse a body.

        Raises:
            RequestError: it is no such message, or names two models.
        """
        try:
            request = self._parse(body)
        except DecodeError:
            raise wire.broken() from None
        if request.model_name != self._name:
            # The name is peeked at before; a message that has two is not what it seemed.
            raise wire.broken()
        return request


class GrpcCodec:
    """Reads infer requests and writes infer responses for one model. Safe from several threads."""

    row_status = 400
    rows_path = "$.inputs"

    def __init__(self, placed: Placed, signature: Signature, labels: Labels, messages: Messages) -> None:
        self._values = output_values(signature, labels)
        self._inputs = TensorInputs(signature)
        self._of_numbers = not any(field.dtype == "string" for field in signature.inputs)
        self._readers = _row_readers(signature)
        self._width = len(signature.inputs)
        self._parse = RequestParser(placed.name, messages)
        self._datatypes = {output["name"]: str(output["datatype"]) for output in output_tensors(signature)}
        self._widths = {output["name"]: int(output["shape"][1]) for output in output_tensors(signature)}
        self._start = wire.text(1, placed.name) + wire.text(2, str(placed.version))
        self._every = tuple(self._datatypes)
        self._plain = Form(raw=True, id=b"", outputs=self._every)
        self._raw_heads: dict[int, bytes] = {}
        self._heads: dict[tuple[str, int], bytes] = {}

    def is_slow(self, ask: Ask) -> bool:
        """Raw numbers are only looked at; all else is read value by value."""
        return not (self._of_numbers and RAW_HEADER in ask.headers)

    def decode(self, body: bytes, ask: Ask) -> tuple[Given, Form]:
        """Read the rows, and how the answer must look.

        Raises:
            RequestError: the body is not a request that this model can answer.
            InvalidRowError: a value does not fit the signature.
        """
        del ask
        request = self._parse(body)
        raws = request.raw_input_contents
        given = self._given(request.inputs, raws)
        if raws and not request.id and not request.outputs:
            return given, self._plain
        return given, Form(raw=bool(raws), id=wire.text(3, request.id), outputs=wanted_of(request.outputs, self._every))

    def encode(self, outputs: Float64, form: Form, ask: Ask) -> tuple[bytes, bytes]:
        """Write the outputs that were asked for. There are no header lines: gRPC has a content type of its own."""
        del ask
        rows, datatypes = len(outputs), self._datatypes
        if form.raw:
            head = self._raw_head(rows, form.outputs)
            raws = [wire.sized(6, raw_of(datatypes[name], self._values[name](outputs))) for name in form.outputs]
            return b"", b"".join([self._start, form.id, head, *raws])
        tensors = [
            wire.sized(5, self._head(name, rows) + typed(datatypes[name], self._values[name](outputs)))
            for name in form.outputs
        ]
        return b"", b"".join([self._start, form.id, *tensors])

    def _raw_head(self, rows: int, names: tuple[str, ...]) -> bytes:
        """Write all of the tensors but their values."""
        if names != self._every:
            return b"".join(wire.sized(5, self._head(name, rows)) for name in names)
        head = self._raw_heads.get(rows)
        if head is None:
            head = b"".join(wire.sized(5, self._head(name, rows)) for name in names)
            if rows <= _REMEMBERED_ROWS:
                self._raw_heads[rows] = head
        return head

    def _head(self, name: str, rows: int) -> bytes:
        head = self._heads.get((name, rows))
        if head is None:
            shape = wire.sized(3, wire.varint(rows) + wire.varint(self._widths[name]))
            head = wire.text(1, name) + wire.text(2, self._datatypes[name]) + shape
            if rows <= _REMEMBERED_ROWS:
                self._heads[name, rows] = head
        return head

    def _given(self, inputs: Sequence[Any], raws: Sequence[bytes]) -> Given:
        if raws:
            check_raw(inputs, raws)
        if self._inputs.fuses and len(inputs) == 1 and inputs[0].name == FUSED:
            return self._fused_rows(inputs[0], raws)
        columns: dict[str, Values] = {}
        for index, tensor in enumerate(inputs):
            name, datatype = tensor.name, tensor.datatype
            field = self._inputs.field(name, datatype, tensor.shape)
            if name in columns:
                message = f"tensor {name!r} is there twice; send each once"
                raise RequestError(message, field=name)
            columns[name] = values = values_of_tensor(tensor, raws, index)
            check_range(field, datatype, values)
        return self._inputs.named(columns)

    def _fused_rows(self, tensor: Any, raws: Sequence[bytes]) -> Given:
        datatype, shape = tensor.datatype, tensor.shape
        if raws and len(shape) == _MATRIX and shape[1] == self._width and 0 < shape[0] <= FEW_ROWS:
            # The common case, in a quarter of the time of an array of a row or two.
            reader = self._readers.get(datatype)
            if reader is not None and len(raws[0]) == shape[0] * reader.size:
                return list(reader.iter_unpack(raws[0]))
        self._inputs.check_fused(datatype, shape)
        values = values_of_tensor(tensor, raws, 0)
        return self._inputs.fused(values if self._readers else np.asarray(values))


def typed(datatype: str, values: Any) -> bytes:
    """Write the contents of an output: an array of any shape for FP64, else a flat list."""
    match datatype:
        case "FP64":
            # Packed doubles are what the raw tensor is.
            return wire.sized(5, wire.sized(7, raw_of(datatype, values)))
        case "BYTES":
            # Labels repeat: each distinct one is written once.
            texts = {text: wire.sized(8, text.encode()) for text in set(values)}
            return wire.sized(5, b"".join([texts[text] for text in values]))
        case "INT64":
            numbers = {number: wire.varint(number & _64_BITS) for number in set(values)}
            return wire.sized(5, wire.sized(3, b"".join([numbers[number] for number in values])))
        case _:
            return wire.sized(5, wire.sized(1, bytes(values)))


def wanted_of(requested: Sequence[Any], every: tuple[str, ...]) -> tuple[str, ...]:
    """Give the names of the outputs that a request wants; all when it names none.

    Raises:
        RequestError: there is no such output, or one is asked for twice or in a way that is not served.
    """
    if not requested:
        return every
    names = tuple(output.name for output in requested)
    if len(set(names)) < len(names):
        message = "an output is asked for twice; name each once"
        raise RequestError(message, field="$.outputs")
    for output in requested:
        if output.name not in every:
            message = f"there is no output {output.name[:100]!r}; the outputs are: {', '.join(every)}"
            raise RequestError(message, field="$.outputs")
        for refused in ("classification", "shared_memory_region"):
            if refused in output.parameters:
                message = f"the parameter {refused!r} of output {output.name!r} is not served; leave it out"
                raise RequestError(message, field="$.outputs")
    return names


def _row_readers(signature: Signature) -> dict[str, struct.Struct]:
    """Give what reads a row of raw floats at once; a field of whole numbers wants a check that this does not make."""
    if any(field.dtype != "float64" for field in signature.inputs):
        return {}
    return {name: struct.Struct(f"<{len(signature.inputs)}{kind}") for name, kind in _FUSED_KINDS.items()}


def check_raw(inputs: Sequence[Any], raws: Sequence[bytes]) -> None:
    """Refuse raw contents that are not one for each input, or stand beside typed ones.

    Raises:
        RequestError: they do.
    """
    if len(raws) != len(inputs):
        message = (
            f"raw_input_contents has {len(raws)} entries for {len(inputs)} inputs; when one tensor is raw, all must "
            "be, in the order of the inputs"
        )
        raise RequestError(message, field="$.raw_input_contents")
    for tensor in inputs:
        if tensor.HasField("contents"):
            message = f"tensor {tensor.name[:100]!r} has contents beside raw_input_contents; send only one of them"
            raise RequestError(message, field="$.raw_input_contents")


def values_of_tensor(tensor: Any, raws: Sequence[bytes], index: int) -> Any:
    """Give the flat values of the input at ``index``, raw or typed: an array, or a list of floats.

    Raises:
        RequestError: they are not as many as its shape says, or not of its data type.
        InvalidRowError: one is beyond what its data type holds.
    """
    name, datatype, shape = tensor.name, tensor.datatype, tensor.shape
    if raws:
        return values_of(name, datatype, shape, raws[index])
    if datatype not in CONTENTS:
        message = f"tensor {name!r} has no typed contents for the datatype {datatype[:40]!r}; send all tensors raw"
        raise RequestError(message, field=name)
    field, kind = CONTENTS[datatype]
    listed = list(getattr(tensor.contents, field))
    if len(listed) != count_of(name, shape):
        raise _wrong_count(tensor, field, len(listed))
    if datatype in _DOUBLES:
        return listed
    if datatype == "BYTES":
        return texts_of(name, listed)
    try:
        return np.array(listed, dtype=kind)
    except OverflowError:
        message = f"tensor {name!r} has a value beyond what {datatype} holds; send a wider datatype"
        raise InvalidRowError(message, field=name) from None


def _wrong_count(tensor: Any, field: str, found: int) -> RequestError:
    name = tensor.name
    if "shared_memory_region" in tensor.parameters:
        message = f"tensor {name!r} is in shared memory, which is not served; send its values"
        return RequestError(message, field=name)
    message = (
        f"tensor {name!r} ({tensor.datatype}) has {found} values in {field}, but its shape {list(tensor.shape)} "
        f"needs {count_of(name, tensor.shape)}; send one for each element, or all tensors raw"
    )
    return RequestError(message, field=name)
