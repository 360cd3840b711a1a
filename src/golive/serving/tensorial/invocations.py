"""Invocations: the scoring protocol of MLflow and SageMaker for a model of tensors: JSON only."""

from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.errors import MediaTypeError, RequestError
from golive.serving.answer import Ask
from golive.serving.codecs.media_types import JSON, kind_of_body
from golive.serving.codecs.rowtypes import converting, decoding
from golive.serving.codecs.tokens import decoded_loosely, has_tokens
from golive.serving.tensorial.instances import Form, TensorForms, TensorJsonCodec, TensorWriter
from golive.serving.tensorial.tensor_rows import TensorRows

_TABLES = ("dataframe_split", "dataframe_records")


class _Envelope(msgspec.Struct):
    inputs: Any = None
    instances: list[Any] | None = None
    dataframe_split: Any = None
    dataframe_records: Any = None
    params: dict[str, Any] | None = None


class TensorInvocationsCodec(TensorJsonCodec):
    """Exactly one of ``inputs`` (whole tensors) and ``instances`` (rows); a list alone is ``instances``.

    Answers have ``predictions``: whole tensors or rows, as they were asked. Every bad body is 400.
    """

    row_status = 400
    rows_path = "$.instances"

    def __init__(self, signature: Signature, forms: TensorForms, write: TensorWriter) -> None:
        super().__init__(forms, write)
        self._signature = signature
        self._decoder = msgspec.json.Decoder(_Envelope | list[Any])

    def decode(self, body: bytes, ask: Ask) -> tuple[TensorRows, Form]:
        """Read the tensors.

        Raises:
            MediaTypeError: the body is a table.
            RequestError: it is malformed, or a tensor is not as the signature has it.
        """
        if (kind := kind_of_body(ask.headers)) != JSON:
            message = f"the model takes tensors, which {kind} does not hold; send {JSON} with 'inputs'"
            raise MediaTypeError(message)
        envelope = self._envelope_of(body)
        if isinstance(envelope, list):
            return self._rows(envelope, "$")
        for name in _TABLES:
            if getattr(envelope, name) is not None:
                message = f"the model takes tensors, not the table {name!r}; send 'inputs'"
                raise RequestError(message, field=f"$.{name}")
        if envelope.params:
            message = f"the model takes no params, got {next(iter(envelope.params))[:100]!r}; leave 'params' out"
            raise RequestError(message, field="$.params")
        if (envelope.inputs is None) == (envelope.instances is None):
            found = "neither" if envelope.inputs is None else "both"
            message = f"send exactly one of 'inputs' and 'instances', got {found}"
            raise RequestError(message)
        if envelope.instances is not None:
            return self._rows(envelope.instances, "$.instances")
        return self._forms.whole(envelope.inputs, "$.inputs"), Form(b"predictions", None)

    def _rows(self, instances: list[Any], path: str) -> tuple[TensorRows, Form]:
        given, rows = self._forms.instances(instances, path)
        return given, Form(b"predictions", rows)

    def _envelope_of(self, body: bytes) -> Any:
        if has_tokens(body):
            return converting(decoded_loosely(body), _Envelope | list[Any], "$", self._signature)
        return decoding(self._decoder.decode, body, self._signature)
