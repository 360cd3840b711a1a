"""Codec: one protocol's JSON, compiled at load from a signature: a body in, rows out; outputs in, a body out."""

from collections.abc import Callable
from typing import Any, Protocol

import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.ports import Float64
from golive.serving.rowtypes import Rows

Labels = Callable[[Float64], list[Any]]
"""Outputs ``[n, k]`` -> n predictions: class labels, or floats for a regression."""


class Codec(Protocol):
    """Reads and writes one protocol for one model."""

    row_status: int
    """The HTTP status of a request whose values do not fit the signature."""

    def decode(self, body: bytes) -> tuple[Rows, Any]:
        """Read a body: the rows, and what ``encode`` must know about the request.

        Raises:
            RequestError: the body is malformed.
            InvalidRowError: a value does not fit the signature.
        """
        ...

    def encode(self, outputs: Float64, form: Any) -> bytes:
        """Write the answer for outputs float64 ``[n, k]``. A prediction that is not finite is written as null."""
        ...


class PredictionWriter:
    """Writes ``predictions``, ``probabilities`` (classification) and the model's name and version."""

    def __init__(self, placed: Placed, signature: Signature, labels: Labels) -> None:
        self._labels = labels
        self._classifies = signature.task == "classification"
        self._model = {"model_name": placed.name, "model_version": str(placed.version)}

    def __call__(self, outputs: Float64, key: str) -> bytes:
        """Write one answer; ``key`` names the list of predictions."""
        answer: dict[str, Any] = {key: self._labels(outputs)}
        # The list is None, not absent, so a client can read the member without a check.
        answer["probabilities"] = outputs if self._classifies else None
        answer.update(self._model)
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def some(rows: Rows) -> Rows:
    """Give the rows back, and refuse a request without any.

    Raises:
        RequestError: there is no row.
    """
    if not rows:
        message = "the request holds no rows; send at least one"
        raise RequestError(message)
    return rows
