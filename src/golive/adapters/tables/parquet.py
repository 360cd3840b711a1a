"""Parquet: a columnar file as Arrow record batches, and row groups joined without decoding them."""

import io
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from golive.adapters.tables.footer import MAGIC, groups_note, joined_footer, read_footer
from golive.adapters.tables.places import TableFile, open_native, place_of
from golive.domain.signature import Field
from golive.errors import DataError
from golive.ports import Body, Rows, Slice, TableWriter

_BATCH_ROWS = 65_536
_GROUP_ROWS = 262_144
_END_BYTES = 8
"""After the footer: its length in four bytes, and the magic number."""


class ParquetTable(TableFile):
    """Reads and writes ``.parquet`` files; it has no options."""

    suffixes: tuple[str, ...] = (".parquet", ".pq")
    writes: tuple[str, ...] = suffixes
    has_types: bool = True

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield ``pyarrow.RecordBatch`` pieces with the file's schema.

        Raises:
            DataError: the file is missing, is not Parquet, has no rows, or has columns of the same name.
        """
        if not path.is_file():
            message = f"there is no file {path}; check data.file in golive.yaml (it is relative to golive.yaml)"
            raise DataError(message)
        with _opened(str(path), options) as file:
            yield from file.iter_batches(batch_size=_BATCH_ROWS)

    def names(self, place: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Give the names of the columns.

        Raises:
            DataError: the file is missing, is not Parquet, has no rows, or has columns of the same name.
        """
        with _opened(place, options) as file:
            return tuple(file.schema_arrow.names)

    def schema(self, place: str, options: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Give the ``pyarrow.Schema`` of these columns, from the footer."""
        with _opened(place, options) as file:
            return pa.schema([file.schema_arrow.field(name) for name in names])

    def slices(self, place: str, options: Mapping[str, Any], *, rows: int) -> Iterator[Slice]:
        """Cut between row groups: a slice is one of them, or as many as hold about that many rows."""
        with _opened(place, options) as file:
            sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
        first, held = 0, 0
        for index, size in enumerate(sizes):
            if held and held + size > rows:
                yield Slice((first, index))
                first, held = index, 0
            held += size
        if held:
            yield Slice((first, len(sizes)))

    def read_slice(
        self, place: str, part: Slice, options: Mapping[str, Any], *, fields: Sequence[Field], kept: Any
    ) -> Iterator[Rows]:
        """Read the row groups of a slice in pieces that fit into memory."""
        first, last = part.bounds
        with _opened(place, options) as file:
            there = set(file.schema_arrow.names)
            inputs = [field.name for field in fields if field.name in there]
            for batch in file.iter_batches(
                batch_size=_BATCH_ROWS,
                row_groups=range(int(first or 0), int(last or 0)),
                columns=list(dict.fromkeys([*inputs, *kept.names])),
            ):
                yield Rows(
                    inputs={name: batch.column(name) for name in inputs},
                    kept=batch.select(kept.names),
                    seen=batch.num_rows,
                )

    def writer(self, path: Path, schema: Any) -> TableWriter:
        """Begin a part."""
        return _Writer(path, schema)

    def head(self, schema: Any) -> bytes:
        """Give the magic number."""
        del schema
        return MAGIC

    def body(self, path: Path, offset: int) -> Body:
        """Say which bytes of a part are its row groups, and what the footer will say of them at that offset."""
        with path.open("rb") as file:
            file.seek(-_END_BYTES, io.SEEK_END)
            end = file.tell()
            size = struct.unpack("<I", file.read(4))[0]
            file.seek(end - size)
            footer = read_footer(file.read(size))
        return Body(len(MAGIC), end - size, groups_note(footer, offset - len(MAGIC)))

    def tail(self, schema: Any, notes: Sequence[str]) -> bytes:
        """Give the footer."""
        sink = io.BytesIO()
        with pa.parquet.ParquetWriter(sink, schema):
            pass
        empty = sink.getvalue()
        size = struct.unpack("<I", empty[-_END_BYTES:-4])[0]
        footer = joined_footer(read_footer(empty[-_END_BYTES - size : -_END_BYTES]), notes)
        return footer + struct.pack("<I", len(footer)) + MAGIC


class _Writer:
    """Holds batches back until they make a row group."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._schema = schema
        self._held: list[Any] = []
        self._rows = 0
        # A dictionary pays where values repeat: predictions and identifiers hardly do.
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)]
        self._writer = pa.parquet.ParquetWriter(path, schema, use_dictionary=texts)

    def write(self, batch: Any) -> None:
        """Append a ``pyarrow.RecordBatch``."""
        self._held.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is still held back, and the footer."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
        self._held, self._rows = [], 0


@contextmanager
def _opened(place: str, options: Mapping[str, Any]) -> Iterator[Any]:
    if options:
        message = f"a Parquet file has no options, data.options has {', '.join(map(repr, options))}; remove them"
        raise DataError(message)
    with open_native(place_of(place)) as source:
        try:
            # From a store whole row groups are fetched at once; a disk is read as the rows are.
            file = pa.parquet.ParquetFile(source, pre_buffer="://" in place)
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(place, error) from error
        _check(place, file)
        try:
            yield file
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(place, error) from error


def _unreadable(place: str, error: Exception) -> DataError:
    return DataError(f"{place} cannot be read as Parquet: {error}")


def _check(place: str, file: Any) -> None:
    doubled = [name for name, count in Counter(file.schema_arrow.names).items() if count > 1]
    if doubled:
        message = f"{place} has several columns named {', '.join(map(repr, doubled))}; give every column its own name"
        raise DataError(message)
    if file.metadata.num_rows == 0:
        message = f"{place} has columns but no rows; rows are needed"
        raise DataError(message)
