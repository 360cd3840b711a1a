"""Plan: everything that decides the bytes of an output; a run goes on only with the plan that it began with."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from golive import plugins
from golive.control.predict.answers import answer_fields
from golive.control.predict.order import schema_text
from golive.control.predict.places import is_here, reader_of, writer_of
from golive.control.rows_only import refuse_tensors
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.domain.signature import Signature
from golive.errors import DataError, UsageError
from golive.ports import SlicedTable


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is read, with which bundle, and what is written."""

    bundle: Digest
    place: str
    state: str
    """Which state of the input: it may not change between a kill and the resumption."""
    source: str
    options: dict[str, str]
    kept: str
    sink: str
    rows: int
    probabilities: bool
    skip: bool


def planned(
    bundle: Bundle,
    place: str,
    output: str,
    *,
    options: Mapping[str, str],
    columns: Sequence[str] | None,
    rows: int,
    probabilities: bool,
    skip: bool,
) -> Plan:
    """Look at the input and decide.

    Raises:
        DataError: the input cannot be read, lacks a column, or has one of the wrong kind.
        UsageError: the output is the input, or no kind of table that can be written.
    """
    refuse_tensors(bundle, "ask it with golive.load(NAME).infer, or export it as a script, which reads .npz files")
    source, sink = reader_of(place), writer_of(output)
    if _same(place, output):
        message = f"{output} is the input; write to another file"
        raise UsageError(message)
    table: SlicedTable = plugins.load("tables", source)
    there = table.names(place, options)
    _check_inputs(bundle, place, there)
    kept = _kept(bundle.signature, place, there, columns, probabilities=probabilities)
    _check_types(bundle.signature, place, table, options, there)
    # Between texts, a cell passes through as it is written.
    as_text = source == sink == "csv"
    schema = pa.schema([(name, pa.string()) for name in kept]) if as_text else table.schema(place, options, kept)
    return Plan(
        bundle=bundle.digest,
        place=place,
        state=table.state(place, options),
        source=source,
        options=dict(options),
        kept=schema_text(schema),
        sink=sink,
        rows=rows,
        probabilities=probabilities and bool(bundle.signature.classes),
        skip=skip,
    )


def _same(place: str, output: str) -> bool:
    if is_here(place) and is_here(output):
        return os.path.realpath(place) == os.path.realpath(output)
    return place == output


def _check_inputs(bundle: Bundle, place: str, there: Sequence[str]) -> None:
    fields = bundle.signature.inputs
    absent = [field.name for field in fields if not field.nullable and field.name not in there]
    if absent or not any(field.name in there for field in fields):
        missing = ", ".join(map(repr, absent or bundle.signature.names))
        message = (
            f"{place} lacks {missing}, which {bundle.name} reads; its columns are {', '.join(map(repr, there[:20]))}"
        )
        raise DataError(message)


def _check_types(
    signature: Signature, place: str, table: SlicedTable, options: Mapping[str, str], there: Sequence[str]
) -> None:
    """Refuse a number column that is something else in a file with types; texts are looked at cell by cell."""
    if not table.has_types:
        return
    numbers = [field for field in signature.inputs if field.dtype != "string" and field.name in there]
    for field, found in zip(numbers, table.schema(place, options, [field.name for field in numbers]), strict=True):
        if not _may_be_numbers(found.type):
            message = (
                f"the column {field.name!r} of {place} is {found.type}, but the model reads it as {field.dtype}; "
                "write it with numbers"
            )
            raise DataError(message)


def _may_be_numbers(kind: Any) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(test(kind) for test in tests)


def _kept(
    signature: Signature, place: str, there: Sequence[str], columns: Sequence[str] | None, *, probabilities: bool
) -> tuple[str, ...]:
    kept = tuple(there if columns is None else dict.fromkeys(columns))
    absent = [name for name in kept if name not in there]
    if absent:
        message = (
            f"{place} has no column {', '.join(map(repr, absent))} to keep; its columns are "
            f"{', '.join(map(repr, there[:20]))}"
        )
        raise DataError(message)
    added = {field.name for field in answer_fields(signature, probabilities=probabilities)}
    twice = [name for name in kept if name in added]
    if twice:
        message = (
            f"{place} already has {', '.join(map(repr, twice))}, as the output of an earlier run does; choose other "
            f"columns with --columns, such as --columns {','.join(name for name in there if name not in added)!r}"
        )
        raise DataError(message)
    return kept
