"""CSV text: record batches in, delimited lines out, without an object for any cell."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NEEDS_QUOTES = '[",\r\n]'


def csv_head(names: Sequence[str]) -> bytes:
    """Give the header line."""
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerow(names)
    return sink.getvalue().encode()


def csv_bytes(batch: Any) -> bytes:
    """Write the rows; a missing value is an empty cell, a number the shortest text that reads back as itself."""
    if not batch.num_rows:
        return b""
    cells = [_quoted(_texts(column)).cast(pa.large_string()) for column in batch.columns]
    comma, end, nothing = (pa.scalar(text, pa.large_string()) for text in (",", "\n", ""))
    lines = pc.binary_join_element_wise(*cells, comma) if len(cells) > 1 else cells[0]
    _, offsets, data = pc.binary_join_element_wise(lines, end, nothing).buffers()
    length = int(np.frombuffer(offsets, np.int64)[batch.num_rows])
    return bytes(data[:length])


def _texts(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.cast(kind.value_type))
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_floating(kind):
        column = pc.if_else(column.is_null(nan_is_null=True), pa.scalar(None, kind), column)
    return column.cast(pa.string())


def _quoted(texts: Any) -> Any:
    filled = texts.fill_null("")
    marked = pc.match_substring_regex(filled, _NEEDS_QUOTES)
    if not pc.any(marked).as_py():
        return filled
    doubled = pc.replace_substring(filled, '"', '""')
    return pc.if_else(marked, pc.binary_join_element_wise('"', doubled, '"', ""), filled)
