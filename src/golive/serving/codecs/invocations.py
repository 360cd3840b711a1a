"""Invocations: the scoring protocol of MLflow and SageMaker (``/invocations``): JSON, CSV and JSON lines."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.inference.ranking import ranking_of
from golive.ports import Float64
from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.codecs.codec import Labels, PredictionWriter, some
from golive.serving.codecs.csv_rows import CsvReader, csv_of
from golive.serving.codecs.media_types import CSV, JSON, LINES, kind_of_body, wanted_kind
from golive.serving.codecs.rowtypes import (
    Rows,
    columns_type,
    converting,
    decoding,
    positional_type,
    row_type,
    rows_of_columns,
)
from golive.serving.codecs.tokens import decoded_loosely, has_tokens

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_JSON_HEADERS = frozenset({None, b"application/json"})
_CSV_HEAD = b"content-type: text/csv; charset=utf-8\r\n"
_LINES_HEAD = b"content-type: application/jsonlines\r\n"


class Split(msgspec.Struct):
    """A data frame as its column names and its rows; its index, if it comes too, says nothing to a model."""

    columns: list[str]
    data: list[list[Any]]


class InvocationsCodec:
    """A table in one of three forms, as the content type says; the answer in one of them, as Accept says.

    JSON (also where no content type is given): exactly one of ``dataframe_split``, ``dataframe_records``,
    ``instances``, ``inputs``; ``params`` must be empty, for a model takes none and passing one over would hide that.
    A list is taken as ``instances``: SageMaker's serializers write an array so.
    The token NaN is a missing value, though it is no JSON: MLflow's own client writes the gaps of a data frame so.
    ``text/csv``: see :class:`~golive.serving.codecs.csv_rows.CsvReader`. ``application/jsonlines``: a row on each line,
    as an object or a list. Another content type, another charset than UTF-8 and other parameters are 415.

    JSON answers are those of :class:`~golive.serving.codecs.instances.InstancesCodec`, always with ``predictions``; CSV
    has one prediction on each line and no heading; each of JSON lines is
    ``{"prediction": ..., "probabilities": [...]}`` (null for a regression), with ``top`` as JSON answers have it. Every
    bad body is 400, as callers of this protocol expect.

    Args:
        signature: what the model takes and gives.
        write: writes JSON answers.
        labels: makes predictions of outputs.
        max_rows: a longer table is not read to its end.
    """

    row_status = 400
    rows_path = "$.rows"

    def __init__(self, signature: Signature, write: PredictionWriter, labels: Labels, max_rows: int) -> None:
        self._write = write
        self._signature = signature
        self._labels = labels
        self._ranking = ranking_of(signature)
        self._row = row_type(signature)
        self._positional = positional_type(signature)
        row, columns = self._row, columns_type(signature)
        envelope = msgspec.defstruct(
            "Envelope",
            [
                ("dataframe_split", Split | None, None),
                ("dataframe_records", list[row] | None, None),  # type: ignore[valid-type]
                ("instances", list[Any] | None, None),
                ("inputs", columns | list[Any] | None, None),
                ("params", dict[str, Any] | None, None),
            ],
        )
        self._envelope = envelope | list[Any]
        self._decoder = msgspec.json.Decoder(self._envelope)
        self._lines = msgspec.json.Decoder(dict[str, Any] | list[Any])
        self._readers: dict[str, Callable[[bytes], Rows]] = {
            JSON: self._json_rows,
            CSV: CsvReader(signature, max_rows),
            LINES: self._line_rows,
        }

    def is_slow(self, ask: Ask) -> bool:
        """Every long body of text is."""
        del ask
        return True

    def decode(self, body: bytes, ask: Ask) -> tuple[Rows, str]:
        """Read the rows, and the kind of the answer."""
        headers = ask.headers
        accept = headers.get(b"accept")
        form = JSON if accept in {None, b"*/*", b"application/json"} else wanted_kind(accept)
        kind = JSON if headers.get(b"content-type") in _JSON_HEADERS else kind_of_body(headers)
        return some(self._readers[kind](body)), form

    def encode(self, outputs: Float64, form: str, ask: Ask) -> tuple[bytes, bytes]:
        """Write the predictions in the kind ``form``."""
        del ask
        if form == CSV:
            return _CSV_HEAD, csv_of(self._labels(outputs))
        if form == LINES:
            return _LINES_HEAD, self._written_lines(outputs)
        return JSON_HEAD, self._write(outputs, b"predictions")

    def _json_rows(self, body: bytes) -> Rows:
        envelope = self._envelope_of(body)
        if isinstance(envelope, list):
            return self._each(envelope, "$")
        sent = [name for name in _FORMS if getattr(envelope, name) is not None]
        if len(sent) != 1:
            names, found = "', '".join(_FORMS), " and ".join(sent) or "none"
            message = f"send exactly one of '{names}', got {found}"
            raise RequestError(message)
        if envelope.params:
            message = f"the model takes no params, got {next(iter(envelope.params))[:100]!r}; leave 'params' out"
            raise RequestError(message, field="$.params")
        return self._rows(sent[0], getattr(envelope, sent[0]))

    def _envelope_of(self, body: bytes) -> Any:
        try:
            return decoding(self._decoder.decode, body, self._signature)
        except RequestError:
            if not has_tokens(body):
                raise
        return converting(decoded_loosely(body), self._envelope, "$", self._signature)

    def _rows(self, form: str, sent: Any) -> Rows:
        if isinstance(sent, Split):
            _check_names(sent.columns)
            sent = [_named(sent.columns, values, index) for index, values in enumerate(sent.data)]
        elif form == "dataframe_records":
            return [msgspec.structs.astuple(row) for row in sent]
        elif not isinstance(sent, list):
            return rows_of_columns(sent, self._signature)
        return self._each(sent, f"$.{form}")

    def _line_rows(self, body: bytes) -> Rows:
        return self._each(decoding(self._lines.decode_lines, body, self._signature), "$.rows")

    def _each(self, values: list[Any], path: str) -> Rows:
        return [self._converted(value, f"{path}[{index}]") for index, value in enumerate(values)]

    def _converted(self, value: Any, path: str) -> tuple[Any, ...]:
        kind = self._positional if isinstance(value, list) else self._row
        row: msgspec.Struct = converting(value, kind, path, self._signature)
        return msgspec.structs.astuple(row)

    def _written_lines(self, outputs: Float64) -> bytes:
        scores = outputs.tolist() if self._signature.task == "classification" else [None] * len(outputs)
        pairs = zip(self._labels(outputs), scores, strict=True)
        lines: list[dict[str, Any]] = [{"prediction": label, "probabilities": row} for label, row in pairs]
        if self._ranking is not None:
            for line, best in zip(lines, self._ranking(outputs).pairs(), strict=True):
                line["top"] = best
        return msgspec.json.Encoder().encode_lines(lines)


def _check_names(columns: list[str]) -> None:
    twice = next((name for name, count in Counter(columns).items() if count > 1), None)
    if twice is not None:
        message = f"'dataframe_split' names the column {twice[:100]!r} twice; name each once"
        raise RequestError(message, field="$.dataframe_split.columns")


def _named(columns: list[str], values: list[Any], index: int) -> dict[str, Any]:
    if len(values) != len(columns):
        message = f"row {index} of 'dataframe_split' has {len(values)} values for {len(columns)} columns; send one each"
        raise RequestError(message, field=f"$.dataframe_split.data[{index}]")
    return dict(zip(columns, values, strict=True))
