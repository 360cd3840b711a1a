"""Predict with the model inside this archive: CSV or JSON lines in, the same rows with answers out."""

import argparse
import csv
import json
import pkgutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import msgspec

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.signature import Field
from golive.errors import GoliveError, RequestError
from golive.inference.road import Road, open_road

_BATCH = 10_000


def main() -> int:
    """Read the command line, answer, and give the exit code."""
    parser = argparse.ArgumentParser(description="Predict with the model inside this file.")
    parser.add_argument("rows", type=Path, help="a .csv file with a heading, or .jsonl; - reads JSON lines from stdin")
    parser.add_argument("-o", "--output", type=Path, help="where answers go; otherwise standard output")
    options = parser.parse_args()
    try:
        road = _road()
        with _open(options.rows) as source, _create(options.output) as sink:
            _answer(road, _rows(source, options.rows), sink, as_csv=options.rows.suffix == ".csv")
    except (GoliveError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return getattr(error, "exit_code", 2)
    return 0


def _road() -> Road:
    manifest = msgspec.json.decode(pkgutil.get_data("__main__", "bundle/golive.json") or b"", type=Manifest)
    graph = pkgutil.get_data("__main__", "bundle/graph") or b""
    return open_road(manifest, graph, OnnxRuntime())


def _rows(source: TextIO, path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".csv":
        yield from csv.DictReader(source)
    else:
        yield from (json.loads(line) for line in source if line.strip())


def _answer(road: Road, rows: Iterator[dict[str, Any]], sink: TextIO, *, as_csv: bool) -> None:
    target = road.signature.target
    writer: Any = None
    start = 0
    while batch := list(islice(rows, _BATCH)):
        values = [_values(row, road.signature.inputs, start + number) for number, row in enumerate(batch)]
        outputs = road.rows(values)
        for row, label, shares in zip(batch, road.labels(outputs), outputs.tolist(), strict=True):
            answer = {**row, f"predicted_{target}": label}
            if road.signature.classes:
                answer |= {f"p_{name}": share for name, share in zip(road.signature.classes, shares, strict=True)}
            if not as_csv:
                sink.write(json.dumps(answer) + "\n")
                continue
            if writer is None:
                writer = csv.DictWriter(sink, list(answer))
                writer.writeheader()
            writer.writerow(answer)
        start += len(batch)


def _values(row: dict[str, Any], fields: tuple[Field, ...], number: int) -> list[Any]:
    return [_value(row.get(field.name), field, number) for field in fields]


def _value(value: Any, field: Field, number: int) -> Any:
    if value is None or value == "":
        if not field.nullable:
            message = f"row {number + 1}: {field.name!r} is missing; this model needs it"
            raise RequestError(message)
        return None
    if field.dtype == "string":
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    try:
        return float(value)
    except (TypeError, ValueError):
        message = f"row {number + 1}: {field.name!r} is {value!r}; a number is expected"
        raise RequestError(message) from None


def _open(path: Path) -> TextIO:
    return sys.stdin if str(path) == "-" else path.open(encoding="utf-8-sig", newline="")


def _create(path: Path | None) -> TextIO:
    return sys.stdout if path is None else path.open("w", encoding="utf-8", newline="")


if __name__ == "__main__":
    sys.exit(main())
