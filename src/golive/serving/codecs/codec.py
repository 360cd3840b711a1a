"""Codec: one protocol's JSON, compiled at load from a signature: a body in, rows out; outputs in, a body out."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import numpy as np
import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.inference.ranking import Ranking
from golive.ports import Column, Float64
from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.codecs.rowtypes import Rows

_FEW = 16
"""Up to so many rows a list is written faster than an array."""

Labels = Callable[[Float64], list[Any]]
"""Outputs ``[n, k]`` -> n predictions: class labels, or floats for a regression."""


class Columns(msgspec.Struct, frozen=True, gc=False):
    """Rows as columns in the canonical form of ``inference.table``: float64, or object of str and None."""

    values: dict[str, Column]
    """One for each input of the signature, in its order; all of one length."""
    count: int
    matrix: Float64 | None = None
    """The same values side by side, float64 ``[n, inputs]``, where the request had them so."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return self.count


Given = Rows | Columns
"""What a request brings: few rows are fastest as lists of values, many as columns."""


class Codec(Protocol):
    """Reads and writes one protocol for one model."""

    row_status: int
    """The HTTP status of a request whose values do not fit the signature."""
    rows_path: str
    """The JSON path of the list of rows; the road names rows from ``$`` on."""

    def is_slow(self, ask: Ask) -> bool:
        """Say whether a long body of this request takes long to decode, so that it is done in another thread."""
        ...

    def decode(self, body: bytes, ask: Ask) -> tuple[Given, Any]:
        """Read a body: the rows, and what ``encode`` must know about the request.

        Raises:
            RequestError: the body is malformed.
            InvalidRowError: a value does not fit the signature.
        """
        ...

    def encode(self, outputs: Float64, form: Any, ask: Ask) -> tuple[bytes, bytes]:
        """Write the answer for outputs float64 ``[n, k]``: its header lines and its body.

        A prediction that is not finite is null in JSON.
        """
        ...


class JsonCodec:
    """What the codecs of JSON bodies have in common."""

    def __init__(self, write: "PredictionWriter") -> None:
        self._write = write

    def is_slow(self, ask: Ask) -> bool:
        """Every long body of JSON is."""
        del ask
        return True

    def encode(self, outputs: Float64, form: bytes, ask: Ask) -> tuple[bytes, bytes]:
        """Write the predictions under the name ``form``."""
        del ask
        return JSON_HEAD, self._write(outputs, form)


def prediction_writer(placed: Placed, signature: Signature, labels: Labels) -> "PredictionWriter":
    """Give what writes one model's answers."""
    kind = RankedWriter if signature.top_k else PredictionWriter
    return kind(placed, signature, labels)


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


class RankedWriter(PredictionWriter):
    """Writes ``top``, too: for each row the most probable labels with their probabilities, the best first."""

    def __init__(self, placed: Placed, signature: Signature, labels: Labels) -> None:
        super().__init__(placed, signature, labels)
        self._ranking = Ranking(signature)

    def __call__(self, outputs: Float64, key: bytes) -> bytes:
        """Write one answer; ``key`` names the list of predictions."""
        answer = super().__call__(outputs, key).removesuffix(self._end)
        return b'%b,"top":%b%b' % (answer, orjson.dumps(self._ranking(outputs).pairs()), self._end)


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
