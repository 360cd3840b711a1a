"""Invocations: the scoring protocol of MLflow and SageMaker (``/invocations``), its JSON forms."""

from typing import Any

import msgspec

from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.ports import Float64
from golive.serving.codec import PredictionWriter, some
from golive.serving.rowtypes import (
    Rows,
    columns_type,
    decoding,
    explained,
    positional_type,
    row_type,
    rows_of_columns,
)


class Split(msgspec.Struct):
    """A data frame as its column names and its rows."""

    columns: list[str]
    data: list[list[Any]]


class InvocationsCodec:
    """Exactly one of ``dataframe_split``, ``dataframe_records``, ``instances``, ``inputs``.

    Answers as :class:`~golive.serving.instances.InstancesCodec` does, always with ``predictions``. Every bad body
    is 400, as callers of this protocol expect.
    """

    row_status = 400
    rows_path = "$.rows"

    def __init__(self, signature: Signature, write: PredictionWriter) -> None:
        self._signature = signature
        self._row = row_type(signature)
        self._positional = positional_type(signature)
        row, columns = self._row, columns_type(signature)
        self._envelope = msgspec.defstruct(
            "Envelope",
            [
                ("dataframe_split", Split | None, None),
                ("dataframe_records", list[row] | None, None),  # type: ignore[valid-type]
                ("instances", list[Any] | None, None),
                ("inputs", columns | None, None),
            ],
        )
        self._decoder = msgspec.json.Decoder(self._envelope)
        self._write = write

    def decode(self, body: bytes) -> tuple[Rows, None]:
        """Read the rows."""
        envelope: Any = decoding(self._decoder.decode, body, self._signature)
        sent = [name for name in self._envelope.__struct_fields__ if getattr(envelope, name) is not None]
        if len(sent) != 1:
            names = "', '".join(self._envelope.__struct_fields__)
            found = " and ".join(sent) or "none"
            message = f"send exactly one of '{names}', got {found}"
            raise RequestError(message)
        return some(self._rows(sent[0], getattr(envelope, sent[0]))), None

    def encode(self, outputs: Float64, form: None) -> bytes:
        """Write the predictions."""
        del form
        return self._write(outputs, b"predictions")

    def _rows(self, form: str, sent: Any) -> Rows:
        if form == "inputs":
            return rows_of_columns(sent, self._signature)
        if form == "dataframe_records":
            return [msgspec.structs.astuple(row) for row in sent]
        if form == "dataframe_split":
            sent = [_named(sent.columns, values, index) for index, values in enumerate(sent.data)]
        return [self._converted(value, f"$.{form}[{index}]") for index, value in enumerate(sent)]

    def _converted(self, value: Any, path: str) -> tuple[Any, ...]:
        kind = self._positional if isinstance(value, list) else self._row
        try:
            return msgspec.structs.astuple(msgspec.convert(value, kind))
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at `$")
            located = f"{what} - at `{path}{place.removesuffix('`')}`"
            raise explained(located, self._signature) from None


def _named(columns: list[str], values: list[Any], index: int) -> dict[str, Any]:
    if len(values) != len(columns):
        message = f"row {index} of 'dataframe_split' has {len(values)} values for {len(columns)} columns; send one each"
        raise RequestError(message, field=f"$.dataframe_split.data[{index}]")
    return dict(zip(columns, values, strict=True))
