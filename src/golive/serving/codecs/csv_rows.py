"""CSV rows: a table in text form in, rows in the order of the signature out; predictions in, a table out."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError, TooLargeError
from golive.inference.values import text_of
from golive.serving.codecs.rowtypes import Rows, unknown_input

Cell = Callable[[str], Any]

_MISSING = frozenset({"", "NA", "NaN", "nan", "null"})
"""Cells that stand for "missing"."""
_BOOLS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
# Possessive: a cell of many digits that is no number after all is looked at once.
_NUMBER = re.compile(r"[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?+\d++)?+", re.ASCII)
_INT64_DIGITS = 19
_WANTED = {"float64": "a number", "int64": "a whole number of 64 bits", "bool": "true or false"}


class CsvReader:
    """Reads the text of a table for one model.

    The heading names the inputs, in any order; a nullable one may be left out. A first line that names no input is a
    row already, in the order of the signature, where some input is not a text (so that no heading passes for a row).
    Cells may be quoted; an empty cell and NA, NaN, nan and null are missing.

    Args:
        signature: what the model takes.
        max_rows: reading ends there.
    """

    def __init__(self, signature: Signature, max_rows: int) -> None:
        self._signature = signature
        self._max_rows = max_rows
        self._cells: tuple[Cell, ...] = tuple(_cell(field) for field in signature.inputs)
        self._needs_heading = all(field.dtype == "string" for field in signature.inputs)

    def __call__(self, body: bytes) -> Rows:
        """Read the rows; None is missing.

        Raises:
            RequestError: it is no table of text in UTF-8, or its heading does not fit the signature.
            InvalidRowError: a cell is no value of its field; ``field`` is ``$[row].name``.
            TooLargeError: it has too many rows.
        """
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            message = "the body is not UTF-8; send the table in UTF-8"
            raise RequestError(message) from None
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            return self._rows(line for line in lines if line)
        except csv.Error as error:
            message = f"line {lines.line_num} is not CSV ({error}); mend its quotes or send JSON"
            raise RequestError(message) from None

    def _rows(self, lines: Iterator[list[str]]) -> Rows:
        first = next(lines, None)
        if first is None:
            message = "the body is empty; send a table with a heading"
            raise RequestError(message)
        names = self._signature.names
        if self._needs_heading or not set(names).isdisjoint(first):
            return self._named(first, lines)
        return [self._row(line, names, index) for index, line in self._counted(_chained(first, lines))]

    def _named(self, heading: Sequence[str], lines: Iterator[list[str]]) -> Rows:
        self._check(heading)
        at = {name: index for index, name in enumerate(heading)}
        places = [at.get(name) for name in self._signature.names]
        rows = []
        for index, line in self._counted(lines):
            if len(line) != len(heading):
                raise self._wrong_width(index, line, heading)
            rows.append(self._row(["" if place is None else line[place] for place in places], heading, index))
        return rows

    def _row(self, cells: Sequence[str], heading: Sequence[str], index: int) -> tuple[Any, ...]:
        if len(cells) != len(self._cells):
            raise self._wrong_width(index, cells, heading)
        values = []
        for field, read, cell in zip(self._signature.inputs, self._cells, cells, strict=True):
            try:
                values.append(read(cell))
            except ValueError:
                message = f"row {index}: the input {field.name!r} wants {_WANTED[field.dtype]}, got another text"
                raise InvalidRowError(message, field=f"$[{index}].{field.name}") from None
        return tuple(values)

    def _counted(self, lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
        for index, line in enumerate(lines):
            if index == self._max_rows:
                message = f"the table has more than {self._max_rows} rows, which is the limit; send fewer at once"
                raise TooLargeError(message)
            yield index, line

    def _check(self, heading: Sequence[str]) -> None:
        for name, count in Counter(heading).items():
            if name not in self._signature.names:
                hint = "" if name else "; a data frame writes its index so: leave it out"
                raise RequestError(unknown_input(name[:100], self._signature) + hint, field=f"$.{name[:100]}")
            if count > 1:
                message = f"the heading names {name!r} {count} times; name it once"
                raise RequestError(message, field=f"$.{name}")
        for field in self._signature.inputs:
            if field.name not in heading and not field.nullable:
                message = f"the heading lacks the input {field.name!r}; add its column"
                raise RequestError(message, field=f"$.{field.name}")

    @staticmethod
    def _wrong_width(index: int, cells: Sequence[str], heading: Sequence[str]) -> RequestError:
        message = f"row {index} has {len(cells)} cells for {len(heading)} columns; send one each"
        return RequestError(message, field=f"$[{index}]")


def csv_of(predictions: Sequence[Any]) -> bytes:
    """Write predictions as a table of one column without a heading; one that is missing is an empty cell."""
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows([_written(value)] for value in predictions)
    return sink.getvalue().encode()


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if isinstance(value, float) and not math.isfinite(value) else value


def _chained(first: list[str], lines: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from lines


def _cell(field: Field) -> Cell:
    if field.dtype == "string":
        return _text_reader(frozenset(field.categories))
    return {"bool": _bool, "int64": _whole}.get(field.dtype, _number)


def _text_reader(known: frozenset[str]) -> Cell:
    def text(cell: str) -> str | None:
        if cell in _MISSING:
            return None
        # A table with gaps writes the code 20 as 20.0.
        return text_of(float(cell)) if known and cell not in known and _NUMBER.fullmatch(cell) else cell

    return text


def _bool(cell: str) -> bool | None:
    if cell in _MISSING:
        return None
    value = _BOOLS.get(cell.strip().lower())
    if value is None:
        raise ValueError
    return value


def _number(cell: str) -> float | None:
    if cell in _MISSING:
        return None
    if not _NUMBER.fullmatch(cell.strip()):
        raise ValueError
    return float(cell)


def _whole(cell: str) -> int | None:
    number = _number(cell)
    if number is None:
        return None
    text = cell.strip()
    # Past 19 digits nothing fits; a table with gaps writes 20 as 20.0.
    whole = int(text) if len(text) <= _INT64_DIGITS + 1 and text.lstrip("+-").isdigit() else _exact(number)
    if not -(2**63) <= whole < 2**63:
        raise ValueError
    return whole


def _exact(number: float) -> int:
    if not number.is_integer():
        raise ValueError
    return int(number)
