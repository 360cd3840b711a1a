"""Instances: the v1 protocol of TensorFlow Serving and KServe (``/v1/models/{m}:predict``)."""

from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.serving.codec import PredictionWriter, some
from golive.serving.rowtypes import Rows, columns_type, decoding, positional_type, row_type, rows_of_columns


class InstancesCodec:
    """``{"instances": [{name: value}, ...]}`` or ``{"inputs": {name: [value, ...]}}``.

    An instance may also be a list of values in the order of the signature. Answers are
    ``{"predictions": [...], "probabilities": [[...], ...] or null, "model_name", "model_version"}``, with
    ``outputs`` in the place of ``predictions`` when the request was columnar.
    """

    row_status = 422
    rows_path = "$.instances"

    def __init__(self, signature: Signature, write: PredictionWriter) -> None:
        self._signature = signature
        self._objects = msgspec.json.Decoder(_envelope(row_type(signature), columns_type(signature)))
        self._lists = msgspec.json.Decoder(_envelope(positional_type(signature), columns_type(signature)))
        self.encode = write

    def decode(self, body: bytes) -> tuple[Rows, bytes]:
        """Read the rows, and the name that the predictions will have."""
        try:
            envelope: Any = self._objects.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            envelope = self._again(body, error)
        instances, inputs = envelope.instances, envelope.inputs
        if inputs is None and instances is not None:
            return some([msgspec.structs.astuple(row) for row in instances]), b"predictions"
        if instances is None and inputs is not None:
            return some(rows_of_columns(inputs, self._signature)), b"outputs"
        found = "both" if inputs is not None else "neither"
        message = f"send either 'instances' (a list of rows) or 'inputs' (an object of columns), got {found}"
        raise RequestError(message)

    def _again(self, body: bytes, error: Exception) -> Any:
        positional = str(error).startswith("Expected `object`, got `array` - at `$.instances[")
        decode = self._lists.decode if positional else self._objects.decode
        return decoding(decode, body, self._signature)


def _envelope(row: type[msgspec.Struct], columns: type[msgspec.Struct]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Envelope",
        [("instances", list[row] | None, None), ("inputs", columns | None, None)],  # type: ignore[valid-type]
    )
