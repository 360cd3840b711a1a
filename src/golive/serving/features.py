"""Features: the plain protocol (``/predict``): lists of values in the order of the signature."""

from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.ports import Float64
from golive.serving.codec import PredictionWriter, some
from golive.serving.rowtypes import Rows, decoding, positional_type


class FeaturesCodec:
    """``{"features": [[...], ...]}`` in, ``{"predictions": [...], "probabilities": [[...], ...] or null, ...}`` out.

    Every bad body is 400.
    """

    row_status = 400
    rows_path = "$.features"

    def __init__(self, signature: Signature, write: PredictionWriter) -> None:
        self._signature = signature
        row = positional_type(signature)
        envelope = msgspec.defstruct("Envelope", [("features", list[row])])  # type: ignore[valid-type]
        self._decoder = msgspec.json.Decoder(envelope)
        self._write = write

    def decode(self, body: bytes) -> tuple[Rows, None]:
        """Read the rows."""
        envelope: Any = decoding(self._decoder.decode, body, self._signature)
        return some([msgspec.structs.astuple(row) for row in envelope.features]), None

    def encode(self, outputs: Float64, form: None) -> bytes:
        """Write the predictions."""
        del form
        return self._write(outputs, b"predictions")
