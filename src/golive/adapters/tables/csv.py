"""CSV: delimited text as Arrow record batches, with types that hold for the whole file."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from golive.adapters.tables.csv_slices import cast_rows, cut, parsed, text_blocks
from golive.adapters.tables.csv_text import csv_bytes, csv_head
from golive.adapters.tables.header import Header, first_ragged, not_text, read_header
from golive.adapters.tables.lines import LineWriter, TextTable
from golive.adapters.tables.places import absent, place_of, state
from golive.domain.signature import Field
from golive.errors import DataError
from golive.ports import Rows, Slice, TableWriter

NULLS = ("", "NA", "NaN", "null")
"""Texts that stand for "missing" unless the option ``null_values`` lists others."""

_BLOCK_BYTES = 4 << 20
_FIRST_BYTES = 1 << 16
_TRUTHS = ("true", "false")


class CsvOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``data.options`` may hold for a delimited text."""

    delimiter: str = ""
    """One character; empty: ``,`` (``.tsv``: tab), or the one that fits when only one does."""
    encoding: str = "utf-8"
    decimal: str = "."
    null_values: tuple[str, ...] = NULLS


class CsvTable(TextTable):
    """Reads ``.csv``, ``.tsv``, ``.txt`` and their ``.gz`` forms; writes them with commas, in UTF-8.

    A column gets one type from all of its values: int64, float64, bool (``true``/``false``), else string. So a column
    of numbers with one "n/a" among them is text, as are numbers with thousands separators and codes with leading
    zeros (``007``). Dates stay text.
    """

    suffixes: tuple[str, ...] = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
    writes: tuple[str, ...] = (".csv",)
    has_types: bool = False

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield ``pyarrow.RecordBatch`` pieces with one schema; the schema's metadata may hold ``notes``.

        Raises:
            DataError: the file is missing, empty, ragged, not text in its encoding, or an option is wrong.
        """
        asked = _options(options)
        if not path.is_file():
            message = f"there is no file {path}; check data.file in golive.yaml (it is relative to golive.yaml)"
            raise DataError(message)
        header = read_header(path, delimiter=asked.delimiter, encoding=asked.encoding)
        try:
            yield from _typed(path, header, asked)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise _explained(error, path, header, asked) from error

    def names(self, place: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Give the names of the columns.

        Raises:
            DataError: the file is missing, is empty, has no rows, or is not text in its encoding.
        """
        header, asked = _begun(place, options)
        if next(text_blocks(place, Slice(), header, asked.encoding, size=_FIRST_BYTES), None) is None:
            message = f"{place} has a header but no rows ({', '.join(header.names[:5])}); rows are needed"
            raise DataError(message)
        return header.names

    def schema(self, place: str, options: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Give the type of each column, from all of its values: the file is read once."""
        header, asked = _begun(place, options)
        kinds = {name: _Kind() for name in names}
        texts = dict.fromkeys(names, pa.string())
        for block in text_blocks(place, Slice(), header, asked.encoding) if names else ():
            table, _ = parsed(block, header, asked.null_values, texts, asked.decimal)
            for name, kind in kinds.items():
                kind.see(table.column(name).combine_chunks(), asked.decimal)
        return pa.schema([(name, kind.type) for name, kind in kinds.items()])

    def slices(self, place: str, options: Mapping[str, Any], *, rows: int) -> Iterator[Slice]:
        """Cut after the ends of rows; a packed file, or one in UTF-16 or UTF-32, is one slice."""
        header, asked = _begun(place, options)
        return cut(place, header, asked.encoding, rows)

    def read_slice(
        self, place: str, part: Slice, options: Mapping[str, Any], *, fields: Sequence[Field], kept: Any
    ) -> Iterator[Rows]:
        """Read the rows of a slice; a number may be written as JSON or Python writes it."""
        header, asked = _begun(place, options)
        for block in text_blocks(place, part, header, asked.encoding):
            yield cast_rows(block, header, asked.null_values, asked.decimal, fields=fields, kept=kept)

    def writer(self, path: Path, schema: Any) -> TableWriter:
        """Begin a part."""
        del schema
        return LineWriter(path, csv_bytes)

    def head(self, schema: Any) -> bytes:
        """Give the header line."""
        return csv_head(schema.names)


def _options(options: Mapping[str, Any]) -> CsvOptions:
    try:
        asked = msgspec.convert(dict(options), CsvOptions)
    except msgspec.ValidationError as error:
        message = f"data.options cannot be used for a delimited text: {error}"
        raise DataError(message) from error
    if len(asked.delimiter) > 1 or len(asked.decimal) != 1:
        message = f"delimiter {asked.delimiter!r} and decimal {asked.decimal!r} must be one character each"
        raise DataError(message)
    try:
        codecs.lookup(asked.encoding)
    except LookupError as error:
        message = f"encoding {asked.encoding!r} is not known; utf-8, latin-1, cp1252 and gb18030 are common ones"
        raise DataError(message) from error
    return asked


def _begun(place: str, options: Mapping[str, Any]) -> tuple[Header, CsvOptions]:
    asked = _options(options)
    if not state(place):
        raise absent(place)
    return read_header(place_of(place), delimiter=asked.delimiter, encoding=asked.encoding), asked


def _typed(path: Path, header: Header, asked: CsvOptions) -> Iterator[Any]:
    kinds: list[_Kind] = [_Kind() for _ in header.names]
    rows = 0
    for batch in _pieces(path, header, asked, dict.fromkeys(header.names, pa.string())):
        rows += batch.num_rows
        for position, kind in enumerate(kinds):
            kind.see(batch.column(position), asked.decimal)
    if not rows:
        message = f"{path} has a header but no rows ({', '.join(header.names[:5])}); rows are needed"
        raise DataError(message)
    types = {name: kind.type for name, kind in zip(header.names, kinds, strict=True)}
    metadata = {"notes": "\n".join(header.notes)} if header.notes else None
    for batch in _pieces(path, header, asked, types):
        yield batch.replace_schema_metadata(metadata)


def _pieces(path: Path, header: Header, asked: CsvOptions, types: Mapping[str, Any]) -> Iterator[Any]:
    yield from pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(
            block_size=_BLOCK_BYTES, encoding=asked.encoding, column_names=header.names, skip_rows=header.lines
        ),
        parse_options=pa.csv.ParseOptions(delimiter=header.delimiter, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=types,
            null_values=asked.null_values,
            strings_can_be_null=True,
            decimal_point=asked.decimal,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
        ),
    )


class _Kind:
    """The narrowest type that has fitted every value so far."""

    def __init__(self) -> None:
        self._possible = ["bool", "int", "float"]
        self._seen = False

    def see(self, texts: Any, decimal: str) -> None:
        if not self._possible or texts.null_count == len(texts):
            return
        self._seen = True
        trimmed = pc.utf8_trim_whitespace(texts.drop_null())
        dotted = trimmed if decimal == "." else pc.replace_substring(trimmed, decimal, ".")
        fits = {"bool": _is_truths, "int": _is_integers, "float": _is_numbers}
        self._possible = [name for name in self._possible if fits[name](dotted)]

    @property
    def type(self) -> Any:
        if not self._possible:
            return pa.string()
        narrowest = self._possible[0] if self._seen else "float"
        return {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}[narrowest]


def _is_truths(texts: Any) -> bool:
    truths = pa.array(_TRUTHS)
    some = texts.slice(0, 100)  # most columns are settled by their first values
    return all(pc.all(pc.is_in(pc.utf8_lower(part), value_set=truths)).as_py() for part in (some, texts))


def _is_integers(texts: Any) -> bool:
    return _casts(texts, pa.int64()) and not pc.any(pc.match_substring_regex(texts, "^[+-]?0[0-9]")).as_py()


def _is_numbers(texts: Any) -> bool:
    return _casts(texts, pa.float64()) and not pc.any(pc.match_substring_regex(texts, "^[+-]?0[0-9]")).as_py()


def _casts(texts: Any, kind: Any) -> bool:
    try:
        texts.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _explained(error: Exception, path: Path, header: Header, asked: CsvOptions) -> DataError:
    text = str(error)
    if isinstance(error, UnicodeDecodeError) or "UTF8" in text:
        return not_text(path, asked.encoding)
    ragged = first_ragged(path, header, asked.encoding)
    if ragged is not None:
        line, fields = ragged
        return DataError(
            f"{path}:{line}: the row has {fields} fields where the header has {len(header.names)}; mend the row, "
            f"or set delimiter in data.options (now {header.delimiter!r})"
        )
    return DataError(f"{path} cannot be read as delimited text: {text}")
