"""Features: the plain protocol (``/predict``): lists of values in the order of the signature."""

from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.serving.answer import Ask
from golive.serving.codecs.codec import JsonCodec, PredictionWriter, some
from golive.serving.codecs.rowtypes import Rows, decoding, positional_type


class FeaturesCodec(JsonCodec):
    """``{"features": [[...], ...]}`` in, ``{"predictions": [...], "probabilities": [[...], ...] or null, ...}`` out.

    Every bad body is 400.
    """

    row_status = 400
    rows_path = "$.features"

    def __init__(self, signature: Signature, write: PredictionWriter) -> None:
        super().__init__(write)
        self._signature = signature
        row = positional_type(signature)
        envelope = msgspec.defstruct("Envelope", [("features", list[row])])  # type: ignore[valid-type]
        self._decoder = msgspec.json.Decoder(envelope)

    def decode(self, body: bytes, ask: Ask) -> tuple[Rows, bytes]:
        """Read the rows."""
        del ask
        envelope: Any = decoding(self._decoder.decode, body, self._signature)
        return some([msgspec.structs.astuple(row) for row in envelope.features]), b"predictions"
