"""CSV slices: a delimited text cut after the ends of rows, and the rows of a slice."""

import codecs
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from golive.adapters.tables.cut import blocks, csv_ending
from golive.adapters.tables.header import Header, not_text
from golive.adapters.tables.header import open_bytes as unpacked
from golive.adapters.tables.places import Place, open_bytes, place_of
from golive.domain.signature import Field
from golive.inference.values import text_of
from golive.ports import Column, Rows, Slice

_SAMPLE_BYTES = 65_536
_SMALLEST, _LARGEST = 1 << 16, 64 << 20
_TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
# Possessive: a cell of many digits that is no number after all is looked at once.
_NUMBER = re.compile(r"[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?+\d++)?+", re.ASCII)


def cut(place: str, header: Header, encoding: str, rows: int) -> Iterator[Slice]:
    """Give the bytes of each slice of about that many rows; one slice without bounds for what must be read in order."""
    source = place_of(place)
    if not _is_divisible(source, encoding):
        yield Slice()
        return
    start = _data_start(source, header)
    size = _block_bytes(source, rows)
    with open_bytes(source) as stream:
        stream.seek(start)
        sizes = (len(block) for block in blocks(stream, size, csv_ending(header.delimiter), place))
        ends = accumulate(sizes, initial=start)
        begin = next(ends)
        for end in ends:
            yield Slice((begin, end))
            begin = end


def text_blocks(place: str, part: Slice, header: Header, encoding: str, *, size: int = _LARGEST) -> Iterator[bytes]:
    """Give the rows of a slice as UTF-8, or of the whole file where it has no bounds, in blocks of about ``size``.

    Raises:
        DataError: something is not text in this encoding.
    """
    source = place_of(place)
    if part.bounds:
        start, stop = (int(bound or 0) for bound in part.bounds)
        with open_bytes(source) as stream:
            stream.seek(start)
            yield _utf8(bytes(stream.read(stop - start)), source, encoding)
        return
    with unpacked(source) as plain:
        lines = cast("BinaryIO", codecs.EncodedFile(plain, "utf-8", encoding)) if _is_wide(encoding) else plain
        if _is_divisible(source, encoding):
            lines.seek(_data_start(source, header))
        else:
            for _ in range(header.lines):
                lines.readline()
        for block in blocks(lines, size, csv_ending(header.delimiter), place):
            yield block if _is_wide(encoding) else _utf8(block, source, encoding)


def parsed(
    block: bytes, header: Header, nulls: Sequence[str], types: Mapping[str, Any], decimal: str
) -> tuple[Any, tuple[tuple[int, int], ...]]:
    """Read the named columns of rows: (table, (place, fields) of each row of another width, which is left out)."""
    ragged: list[tuple[int, int]] = []

    def skip(row: Any) -> str:
        ragged.append((row.number - 1, row.actual_columns))
        return "skip"

    table = pa.csv.read_csv(
        io.BytesIO(block),
        # One block and one thread: only so is a row of another width given its number.
        read_options=pa.csv.ReadOptions(
            column_names=header.names, block_size=max(len(block) + 1, _SMALLEST), use_threads=False
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=nulls,
            strings_can_be_null=True,
            decimal_point=decimal,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
        ),
    )
    return table, tuple(ragged)


def cast_rows(
    block: bytes, header: Header, nulls: Sequence[str], decimal: str, *, fields: Sequence[Field], kept: Any
) -> Rows:
    """Read rows: numbers as float64 where all are, else as objects with the texts that are none; texts as objects."""
    wanted = [field for field in fields if field.name in header.names]
    types: dict[str, Any] = {field.name: _arrow_type(field) for field in wanted}
    types |= {field.name: field.type for field in kept}
    if not types:  # a model without inputs in this table, and nothing kept: the rows are still counted
        types = {header.names[0]: pa.string()}
    try:
        table, ragged = parsed(block, header, nulls, types, decimal)
    except pa.ArrowInvalid:
        table, ragged = parsed(block, header, nulls, dict.fromkeys(types, pa.string()), decimal)
    seen = table.num_rows + len(ragged)
    inputs = {field.name: _input(field, table.column(field.name), decimal) for field in wanted}
    passed = pa.table({one.name: table.column(one.name).cast(one.type) for one in kept}, schema=kept)
    left = sorted(set(range(seen)) - {place for place, _ in ragged}) if ragged else ()
    return Rows(
        inputs=inputs,
        kept=_one_batch(passed, table.num_rows),
        seen=seen,
        positions=tuple(left),
        refused=tuple((place, _wrong_width(count, header)) for place, count in ragged),
    )


def _one_batch(table: Any, rows: int) -> Any:
    if not table.num_columns:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.RecordBatch.from_arrays([_one_array(column) for column in table.columns], schema=table.schema)


def _one_array(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _wrong_width(count: int, header: Header) -> str:
    return f"it has {count} fields where the header has {len(header.names)}"


def _arrow_type(field: Field) -> Any:
    return pa.float64() if field.dtype in {"float64", "int64"} else pa.string()


def _input(field: Field, column: Any, decimal: str) -> Any:
    array = _one_array(column)
    if field.dtype == "string":
        return _texts(field, array) if pa.types.is_string(array.type) else array
    if not pa.types.is_string(array.type):
        return array
    if field.dtype == "bool":
        return _mapped(array, _truth)
    return _numbers(array, decimal)


def _numbers(texts: Any, decimal: str) -> Any:
    plain = texts if decimal == "." else pc.replace_substring(texts, decimal, ".")
    try:
        return pc.utf8_trim_whitespace(plain).cast(pa.float64())
    except pa.ArrowInvalid:
        return _mapped(plain, _number)


def _texts(field: Field, texts: Any) -> Column:
    known = frozenset(field.categories)

    def text(cell: str) -> str | None:
        # A table with gaps writes the code 20 as 20.0.
        return text_of(float(cell)) if known and cell not in known and _NUMBER.fullmatch(cell) else cell

    return _mapped(texts, text)


def _mapped(texts: Any, function: Any) -> Column:
    # Columns repeat their texts: each distinct one is worked out once, and equal ones share an object.
    encoded = texts.dictionary_encode()
    values = [*map(function, encoded.dictionary.to_pylist()), None]
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    taken: Column = objects[encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)]
    return taken


def _truth(cell: str) -> float | str:
    return _TRUTHS.get(cell.strip().lower(), cell)


def _number(cell: str) -> float | str:
    return float(cell) if _NUMBER.fullmatch(cell.strip()) else cell


def _is_wide(encoding: str) -> bool:
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def _is_divisible(source: Place, encoding: str) -> bool:
    return source.suffix != ".gz" and not _is_wide(encoding)


def _utf8(block: bytes, source: Place, encoding: str) -> bytes:
    try:
        # Decoded for its complaint where it is UTF-8 already.
        text = block.decode(encoding)
    except UnicodeDecodeError as error:
        raise not_text(source, encoding) from error
    return block if codecs.lookup(encoding).name == "utf-8" else text.encode()


def _data_start(source: Place, header: Header) -> int:
    with open_bytes(source) as stream:
        sample = bytes(stream.read(_SAMPLE_BYTES))
    at = 0
    for _ in range(header.lines):
        at = sample.find(b"\n", at) + 1 or len(sample)
    return at


def _block_bytes(source: Place, rows: int) -> int:
    with open_bytes(source) as stream:
        sample = bytes(stream.read(_SAMPLE_BYTES))
    return min(_LARGEST, max(_SMALLEST, rows * len(sample) // max(1, sample.count(b"\n"))))
