"""JSON lines: one object a line as Arrow record batches."""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.json

from golive.adapters.tables.cut import blocks, line_ending
from golive.adapters.tables.lines import LineWriter, TextTable
from golive.adapters.tables.places import absent, open_bytes, place_of, state
from golive.domain.signature import Field
from golive.errors import DataError
from golive.ports import Column, Rows, Slice, TableWriter

_SAMPLE_BYTES = 65_536
_SMALLEST, _LARGEST = 1 << 16, 64 << 20
_READ_BYTES = 4 << 20


class JsonlTable(TextTable):
    """Reads and writes ``.jsonl`` and ``.ndjson`` files; it has no options.

    The columns are the keys of all objects, in the order they are met; a key that an object lacks is missing there.
    """

    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")
    writes: tuple[str, ...] = suffixes
    has_types: bool = False

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield ``pyarrow.RecordBatch`` pieces with one schema.

        Raises:
            DataError: the file is missing or empty, or a line is no JSON object.
        """
        place = str(path)
        schema = _schema_of(place, options, None)
        for block in _blocks(place, _READ_BYTES):
            yield _parsed(block, schema, place)

    def names(self, place: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Give the keys of the first objects.

        Raises:
            DataError: the file is missing or empty, or its first lines are no JSON objects.
        """
        _refuse_options(options)
        first = next(_blocks(place, _SAMPLE_BYTES), b"")
        found: dict[str, None] = {}
        for line in first.splitlines():
            found |= dict.fromkeys(_loaded(line) or ())
        if not found:
            message = f"{place} has no rows: at least one line with a JSON object is needed"
            raise DataError(message)
        return tuple(found)

    def schema(self, place: str, options: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Give the type of each column, from all of its values: the file is read once."""
        return _schema_of(place, options, names)

    def slices(self, place: str, options: Mapping[str, Any], *, rows: int) -> Iterator[Slice]:
        """Cut after line ends."""
        _refuse_options(options)
        begin = 0
        with open_bytes(place_of(place)) as stream:
            sample = bytes(stream.read(_SAMPLE_BYTES))
            stream.seek(0)
            size = min(_LARGEST, max(_SMALLEST, rows * len(sample) // max(1, sample.count(b"\n"))))
            for block in blocks(stream, size, line_ending, place):
                yield Slice((begin, begin + len(block)))
                begin += len(block)

    def read_slice(
        self, place: str, part: Slice, options: Mapping[str, Any], *, fields: Sequence[Field], kept: Any
    ) -> Iterator[Rows]:
        """Read the rows of a slice; where a value is not of its column's type, all are read as objects."""
        _refuse_options(options)
        start, stop = (int(bound or 0) for bound in part.bounds)
        with open_bytes(place_of(place)) as stream:
            stream.seek(start)
            block = bytes(stream.read(stop - start))
        schema = pa.schema([(field.name, _arrow_type(field)) for field in fields if field.name not in kept.names])
        try:
            table = _table(block, pa.unify_schemas([schema, kept]))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            yield _one_by_one(block, fields, kept)
            return
        yield Rows(
            inputs={field.name: table.column(field.name) for field in fields},
            kept=table.select(kept.names),
            seen=table.num_rows,
        )

    def writer(self, path: Path, schema: Any) -> TableWriter:
        """Begin a part."""
        del schema
        return LineWriter(path, _encoded)

    def head(self, schema: Any) -> bytes:
        """Give nothing: the first line is a row."""
        del schema
        return b""


def _refuse_options(options: Mapping[str, Any]) -> None:
    if options:
        message = f"JSON lines have no options, data.options has {', '.join(map(repr, options))}; remove them"
        raise DataError(message)


def _blocks(place: str, size: int) -> Iterator[bytes]:
    if not state(place):
        raise absent(place)
    with open_bytes(place_of(place)) as stream:
        yield from blocks(stream, size, line_ending, place)


def _schema_of(place: str, options: Mapping[str, Any], names: Sequence[str] | None) -> Any:
    _refuse_options(options)
    found = pa.schema([])
    lines = 0
    for block in _blocks(place, _READ_BYTES) if names is None or names else ():
        try:
            kinds = _kinds_in(block) if names is None else _kinds_of_objects(block)
            found = pa.unify_schemas([found, kinds], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise _mixed(place, block, lines, error) from error
        lines += block.count(b"\n")
    if names is None and not found.names:
        message = f"{place} has no rows: at least one line with a JSON object is needed"
        raise DataError(message)
    return pa.schema([(name, _plain(found, name)) for name in (found.names if names is None else names)])


def _kinds_in(block: bytes) -> Any:
    options = pa.json.ReadOptions(block_size=len(block) + 1, use_threads=False)
    return pa.json.read_json(io.BytesIO(block), read_options=options).schema


def _kinds_of_objects(block: bytes) -> Any:
    """Leave out lines that are no objects: each is told when its rows are read."""
    try:
        return _kinds_in(block)
    except pa.ArrowInvalid:
        found = [value for line in block.split(b"\n") if (value := _loaded(line)) is not None]
        names = dict.fromkeys(itertools.chain.from_iterable(found))
        return pa.schema([(name, pa.array([value.get(name) for value in found]).type) for name in names])


def _plain(found: Any, name: str) -> Any:
    # Where every value is null, or none was met, any type would do.
    position = found.get_field_index(name)
    kind = pa.null() if position < 0 else found.field(position).type
    if pa.types.is_null(kind):
        return pa.float64()
    # Arrow reads what looks like a date as one; the text is what stands there.
    return pa.string() if pa.types.is_temporal(kind) else kind


def _mixed(place: str, block: bytes, before: int, error: Exception) -> DataError:
    for number, line in enumerate(block.splitlines(), before + 1):
        if line.strip() and _loaded(line) is None:
            return DataError(f"{place}:{number}: the line is no JSON object; mend or remove it")
    return DataError(
        f"{place} has values of several kinds under one key ({error}); give each key one kind of value, or keep other "
        "columns with --columns"
    )


def _parsed(block: bytes, schema: Any, place: str) -> Any:
    try:
        return _table(block, schema)
    except pa.ArrowInvalid as error:
        raise _mixed(place, block, 0, error) from error


def _table(block: bytes, schema: Any) -> Any:
    table = pa.json.read_json(
        io.BytesIO(block),
        read_options=pa.json.ReadOptions(block_size=len(block) + 1, use_threads=False),
        parse_options=pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    columns = [table.column(name).combine_chunks() for name in schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _arrow_type(field: Field) -> Any:
    return pa.string() if field.dtype == "string" else pa.bool_() if field.dtype == "bool" else pa.float64()


def _one_by_one(block: bytes, fields: Sequence[Field], kept: Any) -> Rows:
    found, good, bad = [], [], []
    lines = [line for line in block.split(b"\n") if line.strip()]
    for place, line in enumerate(lines):
        value = _loaded(line)
        if value is None:
            bad.append((place, "the line is no JSON object"))
            continue
        wrong = _misfit(value, kept)
        if wrong:
            bad.append((place, wrong))
            continue
        good.append(place)
        found.append(value)
    there = set(itertools.chain.from_iterable(found))
    return Rows(
        inputs={field.name: _column(found, field.name) for field in fields if field.name in there},
        kept=_batch(found, kept),
        seen=len(lines),
        positions=tuple(good),
        refused=tuple(bad),
    )


def _misfit(value: Mapping[str, Any], kept: Any) -> str:
    for field in kept:
        try:
            pa.array([value.get(field.name)], field.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return f"{field.name!r} is {value[field.name]!r}, where the rows before have a value of type {field.type}"
    return ""


def _loaded(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _column(found: Sequence[Mapping[str, Any]], name: str) -> Column:
    column = np.empty(len(found), dtype=object)
    column[:] = [value.get(name) for value in found]
    return column


def _batch(found: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    if not schema.names:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * len(found), pa.struct([])))
    columns = [pa.array([value.get(field.name) for value in found], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _encoded(batch: Any) -> bytes:
    lines = [orjson.dumps(row, default=str) for row in batch.to_pylist()]
    return b"".join(line + b"\n" for line in lines)
