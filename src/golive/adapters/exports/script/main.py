"""Predict with the model inside this archive: CSV or JSON lines in, the same rows with answers out."""

import argparse
import csv
import os
import pkgutil
import re
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import msgspec

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.signature import Field, Signature
from golive.errors import DataError, GoliveError, InvalidRowError
from golive.inference.ranking import ranking_columns, ranking_of
from golive.inference.road import Road, open_road
from golive.inference.values import text_of
from golive.ports import Float64

Row = dict[str, Any]
_BATCH = 10_000
_MISSING = frozenset({"", "NA", "NaN", "null"})
"""Cells that stand for "missing", as where the model's own table was read."""
_BOOLS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_PLACE = re.compile(r"\$\[(\d+)\]")


def main() -> int:
    """Read the command line, answer, and give the exit code."""
    parser = argparse.ArgumentParser(prog="predict.pyz", description="Predict with the model inside this file.")
    parser.add_argument("rows", type=Path, help="a .csv file with a heading, or JSON lines; - reads JSON lines")
    parser.add_argument("-o", "--output", type=Path, help="where answers go (.csv or .jsonl); else standard output")
    options = parser.parse_args()
    try:
        road = _road()
        with _opened(options.rows) as source, _created(options.output) as sink:
            _answer(road, _rows(road.signature, source, options.rows), _writer(sink, options.output or options.rows))
    except BrokenPipeError:
        # Whoever read the answers has enough of them; what is left in the buffer has no reader either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except GoliveError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return error.exit_code
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        sys.stderr.write(f"error: {options.rows}: {error}; give a readable UTF-8 file, and -o a place to write\n")
        return 2
    return 0


def _road() -> Road:
    manifest = msgspec.json.decode(_inside("golive.json"), type=Manifest)
    return open_road(manifest, _inside("graph"), OnnxRuntime())


def _inside(name: str) -> bytes:
    content = pkgutil.get_data(__name__, f"bundle/{name}")
    if content is None:
        message = f"this archive holds no {name!r}; export the bundle again"
        raise DataError(message)
    return content


def _answer(road: Road, rows: Iterator[tuple[Row, list[Any]]], write: Callable[[Row], object]) -> None:
    """Answer in batches; a row is what was read, and its values in the order of the signature."""
    signature, start = road.signature, 0
    best = _best_of(signature)
    while batch := list(islice(rows, _BATCH)):
        try:
            outputs = road.rows([values for _, values in batch])
        except InvalidRowError as error:
            raise _located(error, start) from error
        answers = zip(batch, road.labels(outputs), outputs.tolist(), best(outputs), strict=True)
        for (row, _), label, shares, top in answers:
            probabilities = zip(signature.classes, shares, strict=True) if signature.classes else ()
            named = {f"p_{name}": p for name, p in probabilities}
            write({**row, f"predicted_{signature.target}": label, **named, **top})
        start += len(batch)


def _best_of(signature: Signature) -> Callable[[Float64], Iterator[Row]]:
    """Give what names the most probable labels of each row, in columns of their own; none where none are answered."""
    ranking, names = ranking_of(signature), ranking_columns(signature.top_k)
    if ranking is None:
        return lambda outputs: ({} for _ in range(len(outputs)))

    def best(outputs: Float64) -> Iterator[Row]:
        ranked = ranking(outputs)
        for labels, shares in zip(ranked.labels, ranked.probabilities.tolist(), strict=True):
            told = chain.from_iterable(zip(labels, shares, strict=True))
            yield dict(zip(names, told, strict=True))

    return best


def _located(error: InvalidRowError, start: int) -> DataError:
    place = _PLACE.match(error.field)
    return DataError(f"row {start + int(place[1]) + 1}: {error.message}" if place else error.message)


def _rows(signature: Signature, source: TextIO, path: Path) -> Iterator[tuple[Row, list[Any]]]:
    fields = signature.inputs
    if path.suffix != ".csv":
        for row in _json_rows(source):
            _refuse_absent(fields, row, "the row")
            yield row, [row.get(field.name) for field in fields]
        return
    cells = [_cell(field) for field in fields]
    reader = csv.DictReader(source, restkey="", strict=True)
    _refuse_absent(fields, reader.fieldnames or (), path.name)
    for number, row in enumerate(reader, 1):
        if "" in row or None in row.values():
            message = f"row {number}: it has not the {len(reader.fieldnames or ())} cells of the heading; mend the file"
            raise DataError(message)
        yield row, [read(row.get(field.name, "")) for field, read in zip(fields, cells, strict=True)]


def _json_rows(source: TextIO) -> Iterator[Row]:
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            message = f"line {number} is not a JSON object ({error}); write one object of name: value on each line"
            raise DataError(message) from error


def _refuse_absent(fields: Sequence[Field], names: Any, where: str) -> None:
    for field in fields:
        if field.name not in names and not field.nullable:
            near = get_close_matches(field.name, [str(name) for name in names], 1)
            hint = f"; did you mean {near[0]!r} by it?" if near else f"; it has {', '.join(map(str, names)) or 'none'}"
            message = f"{where} has no {field.name!r}, which this model needs{hint}"
            raise DataError(message)


def _cell(field: Field) -> Callable[[str], Any]:
    """Give the function that reads a cell as a field's value; what it cannot read it leaves to the row's check."""
    known = frozenset(field.categories)

    def text(cell: str) -> str | None:
        if cell in _MISSING or cell in known or not known:
            return None if cell in _MISSING else cell
        # A table with gaps writes the code 20 as 20.0.
        return text_of(float(cell)) if _NUMBER.fullmatch(cell) else cell

    def number(cell: str) -> float | str | None:
        if cell in _MISSING:
            return None
        return float(cell) if _NUMBER.fullmatch(cell) else cell

    def boolean(cell: str) -> bool | str | None:
        return None if cell in _MISSING else _BOOLS.get(cell.strip().lower(), cell)

    return {"string": text, "bool": boolean}.get(field.dtype, number)


def _writer(sink: TextIO, path: Path) -> Callable[[Row], object]:
    if path.suffix != ".csv":
        return lambda row: sink.write(msgspec.json.encode(row).decode() + "\n")
    made: list[csv.DictWriter[str]] = []

    def write(row: Row) -> None:
        if not made:
            made.append(csv.DictWriter(sink, list(row), extrasaction="ignore", lineterminator="\n"))
            made[0].writeheader()
        made[0].writerow(row)

    return write


@contextmanager
def _opened(path: Path) -> Generator[TextIO]:
    if str(path) == "-":
        yield sys.stdin
        return
    with path.open(encoding="utf-8-sig", newline="") as source:
        yield source


@contextmanager
def _created(path: Path | None) -> Generator[TextIO]:
    """Give where to write; a file appears under its name only when it is whole."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as sink:
            yield sink
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
