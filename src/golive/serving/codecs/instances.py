"""Instances: the v1 protocol of TensorFlow Serving and KServe (``/v1/models/{m}:predict``)."""

from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.serving.answer import Ask
from golive.serving.codecs.codec import JsonCodec, PredictionWriter, some
from golive.serving.codecs.rowtypes import (
    Rows,
    columns_type,
    converting,
    decoding,
    positional_type,
    row_type,
    rows_of_columns,
    type_of,
)
from golive.serving.codecs.tokens import decoded_loosely, has_tokens, plain_text

SIGNATURE_NAME = "serving_default"
"""The one signature that a model has in the words of TensorFlow Serving."""


class _Loose(msgspec.Struct):
    """The envelope with its values as they come."""

    instances: list[Any] | None = None
    inputs: Any = None
    signature_name: Any = None


class InstancesCodec(JsonCodec):
    """``{"instances": [{name: value}, ...]}`` or ``{"inputs": {name: [value, ...]}}``.

    An instance may also be a list of values in the order of the signature, and for a model with one input the bare
    value (``inputs`` then the bare list). A text may be written ``{"b64": "..."}``. The tokens NaN, Infinity and
    -Infinity, which are no JSON, are read here as by TensorFlow Serving: NaN is a missing value, and the infinities
    are refused as values that fit no model. ``signature_name`` may name ``serving_default``. Other members of the
    body, such as the ``parameters`` of Vertex AI, are passed over.

    Answers are ``{"predictions": [...], "probabilities": [[...], ...] or null, "model_name", "model_version"}``, with
    ``outputs`` in the place of ``predictions`` when the request was columnar. What is not finite is null there.
    """

    row_status = 422
    rows_path = "$.instances"

    def __init__(self, signature: Signature, write: PredictionWriter) -> None:
        super().__init__(write)
        self._signature = signature
        self._row, self._positional = row_type(signature), positional_type(signature)
        self._columns = columns_type(signature)
        self._objects = msgspec.json.Decoder(_envelope(self._row, self._columns))
        self._lists = msgspec.json.Decoder(_envelope(self._positional, self._columns))
        self._only = type_of(signature.inputs[0]) if len(signature.inputs) == 1 else None

    def decode(self, body: bytes, ask: Ask) -> tuple[Rows, bytes]:
        """Read the rows, and the name that the predictions will have."""
        del ask
        try:
            envelope: Any = self._objects.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return self._again(body, error)
        return self._taken(envelope)

    def _taken(self, envelope: Any) -> tuple[Rows, bytes]:
        instances, inputs = envelope.instances, envelope.inputs
        _check_envelope(envelope)
        if inputs is None:
            return some([msgspec.structs.astuple(row) for row in instances]), b"predictions"
        return some(rows_of_columns(inputs, self._signature)), b"outputs"

    def _again(self, body: bytes, error: Exception) -> tuple[Rows, bytes]:
        """Read what is not rows as objects, or say what is wrong with it."""
        if self._only is not None or has_tokens(body) or b'"b64"' in body:
            return self._loosely(body)
        positional = str(error).startswith("Expected `object`, got `array` - at `$.instances[")
        decode = self._lists.decode if positional else self._objects.decode
        return self._taken(decoding(decode, body, self._signature))

    def _loosely(self, body: bytes) -> tuple[Rows, bytes]:
        envelope: _Loose = converting(decoded_loosely(body), _Loose, "$", self._signature)
        _check_envelope(envelope)
        instances, inputs = envelope.instances, envelope.inputs
        if instances is not None:
            return self._rows(instances, "$.instances"), b"predictions"
        if isinstance(inputs, list) and self._only is not None:
            return self._rows(inputs, "$.inputs"), b"outputs"
        if isinstance(inputs, dict):
            inputs = {name: _plain_list(values, f"$.inputs.{name}") for name, values in inputs.items()}
        columns = converting(inputs, self._columns, "$.inputs", self._signature)
        return some(rows_of_columns(columns, self._signature)), b"outputs"

    def _rows(self, values: list[Any], path: str) -> Rows:
        return some([self._converted(value, f"{path}[{index}]") for index, value in enumerate(values)])

    def _converted(self, value: Any, path: str) -> tuple[Any, ...]:
        value = plain_text(value, path)
        if isinstance(value, list):
            value, kind = _plain_list(value, path), self._positional
        elif isinstance(value, dict):
            value, kind = {name: plain_text(each, f"{path}.{name}") for name, each in value.items()}, self._row
        elif self._only is not None:
            return (converting(value, self._only, path, self._signature),)
        else:
            kind = self._row
        row: msgspec.Struct = converting(value, kind, path, self._signature)
        return msgspec.structs.astuple(row)


def check_signature_name(name: Any) -> None:
    """Refuse any signature but the one that a model has.

    Raises:
        RequestError: it is another.
    """
    if name is not None and name != SIGNATURE_NAME:
        shown = name[:100] if isinstance(name, str) else type(name).__name__
        message = f"there is no signature {shown!r}; leave signature_name out or send {SIGNATURE_NAME!r}"
        raise RequestError(message, field="$.signature_name")


def _check_envelope(envelope: Any) -> None:
    check_signature_name(envelope.signature_name)
    if (envelope.instances is None) == (envelope.inputs is None):
        found = "neither" if envelope.inputs is None else "both"
        message = f"send either 'instances' (a list of rows) or 'inputs' (an object of columns), got {found}"
        raise RequestError(message)


def _plain_list(values: Any, path: str) -> Any:
    if not isinstance(values, list):
        return values
    return [plain_text(value, f"{path}[{index}]") for index, value in enumerate(values)]


def _envelope(row: type[msgspec.Struct], columns: type[msgspec.Struct]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Envelope",
        [
            ("instances", list[row] | None, None),  # type: ignore[valid-type]
            ("inputs", columns | None, None),
            ("signature_name", Any, None),
        ],
    )
