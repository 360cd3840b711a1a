"""Codec: one protocol for a model of tensors: a body in, tensors out; outputs in, a body out."""

from typing import Any, Protocol

from golive.serving.answer import Ask
from golive.serving.tensorial.tensor_rows import TensorRows


class TensorCodec(Protocol):
    """Reads and writes one protocol for one model; a :class:`~golive.serving.codecs.codec.Codec` of tensors."""

    row_status: int
    """The HTTP status of a request whose values do not fit the signature."""
    rows_path: str
    """The JSON path of the list of rows."""

    def is_slow(self, ask: Ask) -> bool:
        """Say whether a long body of this request takes long to decode, so that it is done in another thread."""
        ...

    def decode(self, body: bytes, ask: Ask) -> tuple[TensorRows, Any]:
        """Read a body: the tensors, and what ``encode`` must know about the request.

        Raises:
            RequestError: the body is malformed, or a tensor is not as the signature has it.
        """
        ...

    def encode(self, outputs: TensorRows, form: Any, ask: Ask) -> tuple[bytes, bytes]:
        """Write the answer: its header lines and its body.

        Raises:
            RequestError: the outputs cannot be written in the form that was asked for.
        """
        ...
