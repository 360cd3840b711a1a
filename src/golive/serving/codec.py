"""Codec: one protocol's JSON, compiled at load from a signature: a body in, rows out; outputs in, a body out."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.ports import Float64
from golive.serving.rowtypes import Rows

_FEW = 16
"""Up to so many rows a list is written faster than an array."""

Labels = Callable[[Float64], list[Any]]
"""Outputs ``[n, k]`` -> n predictions: class labels, or floats for a regression."""


class Codec(Protocol):
    """Reads and writes one protocol for one model."""

    row_status: int
    """The HTTP status of a request whose values do not fit the signature."""
    rows_path: str
    """The JSON path of the list of rows; the road names rows from ``$`` on."""

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
    """Writes ``predictions``, ``probabilities`` (classification, else null) and the model's name and version."""

    def __init__(self, placed: Placed, signature: Signature, labels: Labels) -> None:
        self._labels = labels
        self._classifies = signature.task == "classification"
        # Joining parts that are bytes already takes half the time of encoding one dict a request.
        model = orjson.dumps({"model_name": placed.name, "model_version": str(placed.version)})
        self._end = b"," + model.removeprefix(b"{")

    def __call__(self, outputs: Float64, key: bytes) -> bytes:
        """Write one answer; ``key`` names the list of predictions."""
        probabilities = json_of(outputs) if self._classifies else b"null"
        predictions = orjson.dumps(self._labels(outputs))
        return b'{"%b":%b,"probabilities":%b%b' % (key, predictions, probabilities, self._end)


def json_of(values: Float64) -> bytes:
    """Write an array as JSON lists; what is not finite becomes null."""
    if len(values) <= _FEW:
        return orjson.dumps(values.tolist())
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)


def some(rows: Rows) -> Rows:
    """Give the rows back, and refuse a request without any.

    Raises:
        RequestError: there is no row.
    """
    if not rows:
        message = "the request holds no rows; send at least one"
        raise RequestError(message)
    return rows
