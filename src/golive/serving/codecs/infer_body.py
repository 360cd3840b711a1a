"""Infer body: what every infer request of the Open Inference Protocol, version 2, REST, has, whatever its tensors mean.

The JSON, the bytes after it with the binary tensor extension, and what the answer must look like.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.serving.answer import Ask
from golive.serving.codecs.framing import OCTETS, Buffers, divided, framing_of
from golive.serving.codecs.rowtypes import decoding
from golive.serving.codecs.tensor_outputs import Choice, Form, Requested

Read = TypeVar("Read")


class InputParameters(msgspec.Struct, gc=False):
    """What may be said of one input; other names are passed over."""

    binary_data_size: int | None = None
    """How many of the bytes after the JSON are its values."""


class SentTensor(msgspec.Struct, gc=False):
    """One input of a request; ``data`` is decoded once its type is known."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: InputParameters | None = None


class InferParameters(msgspec.Struct, gc=False):
    """What may be said of a whole request; other names are passed over."""

    binary_data_output: bool = False
    """Whether outputs that do not say it themselves come as bytes."""


class InferRequest(msgspec.Struct, gc=False):
    """The JSON of a request."""

    inputs: list[SentTensor]
    id: str | None = None
    outputs: list[Requested] | None = None
    parameters: InferParameters | None = None


class InferBody(Generic[Read]):
    """Takes a request apart, and leaves the meaning of its tensors to whom it is made for.

    Args:
        signature: the model's, for messages.
        outputs: the names of all that can be asked for.
        read_tensors: makes what the model reads of the request's tensors and the bytes after the JSON.
        read_bytes: makes it of a body that has no JSON.
    """

    def __init__(
        self,
        signature: Signature,
        outputs: Sequence[str],
        read_tensors: Callable[[list[SentTensor], Buffers], Read],
        read_bytes: Callable[[bytes], Read],
    ) -> None:
        self._signature = signature
        self._choice = Choice(outputs)
        self._read_tensors = read_tensors
        self._read_bytes = read_bytes
        self._decoder = msgspec.json.Decoder(InferRequest)
        self._all_json = Buffers()

    def decode(self, body: bytes, ask: Ask) -> tuple[Read, Form]:
        """Read the tensors, the caller's id and the outputs it wants.

        Raises:
            RequestError: the body is malformed.
            InvalidRowError: a value does not fit the signature.
        """
        framing = framing_of(ask.headers)
        if framing is None:
            return self._json(body, self._all_json, OCTETS)
        if framing.json_bytes == 0:
            return self._read_bytes(body), self._choice.form(None, None, framing.lines, binary=True)
        head, buffers = divided(body, framing)
        answer = self._json(head, buffers, framing.lines)
        buffers.finish()
        return answer

    def _json(self, head: bytes, buffers: Buffers, lines: bytes) -> tuple[Read, Form]:
        request: InferRequest = decoding(self._decoder.decode, head, self._signature)
        given = self._read_tensors(request.inputs, buffers)
        if request.id is None and request.outputs is None and request.parameters is None:
            return given, self._choice.plain
        binary = request.parameters is not None and request.parameters.binary_data_output
        return given, self._choice.form(request.id, request.outputs, lines, binary=binary)


def binary_size(tensor: SentTensor) -> int | None:
    """Say how many of the bytes after the JSON are a tensor's values; None where they are in the JSON.

    Raises:
        RequestError: its values are nowhere, or at both places.
    """
    size = None if tensor.parameters is None else tensor.parameters.binary_data_size
    has_data = len(tensor.data) > 0
    if has_data == (size is None):
        return size
    if has_data:
        message = f"tensor {tensor.name!r} has both 'data' and 'binary_data_size'; send one of them"
    else:
        message = f"tensor {tensor.name!r} has no 'data'; send it, or its bytes after the JSON with 'binary_data_size'"
    raise RequestError(message, field=tensor.name)
