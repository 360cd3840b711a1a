"""``golive explain``: why a bundle answers the rows of a table as it does, and what would have changed its answers."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import msgspec
import pyarrow as pa

from golive import plugins
from golive.control.predict.answers import PREDICTION, answer_fields, plain
from golive.control.predict.places import is_here, reader_of, writer_of
from golive.control.refs import find_used
from golive.control.rooms import Rooms
from golive.control.rows_only import refuse_tensors
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.domain.serving import Placed
from golive.errors import DataError, InvalidRowError, UsageError
from golive.inference.goal import Goal
from golive.inference.labels import labels_of
from golive.inference.table import columns_of
from golive.ports import Column, SlicedTable
from golive.serving.answer import Ask
from golive.serving.codecs.codec import prediction_writer
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.explaining.account import REASONS, Account, Question
from golive.serving.explaining.opening import opened

ROWS_AT_ONCE = 500
_SAMPLED_AT_ONCE = 10
"""Where the model is asked about each row many times, so that it is seen to go on."""
_SLICE_ROWS = 20_000
_PIECE = 1 << 20
"""Bytes that are copied at a time."""
_STDIN = "-"
_ROWS_TOLD = "rows explained"
Move = Callable[[int, int, str], None]
"""Told how many rows are done, of how many, and what they are."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about the rows."""

    row: int | None = None
    """Only this one, counted from 0."""
    output: str | None = None
    """The class whose answer is explained."""
    goal: Goal | None = None
    """Look for the smallest changes that reach it."""
    immutable: tuple[str, ...] = ()
    evaluations: int | None = None
    """The most answers that a row may ask the model for, where its explanation is sampled."""
    options: dict[str, str] = {}
    """How the input is read, as ``data.options`` in golive.yaml."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What was explained."""

    bundle: Digest
    model: str
    method: str
    scale: str
    rows: int
    additivity_error: float
    evaluations: int
    """Answers that the model was asked for to explain a row; 0 where its own parts were read instead."""
    background_rows: int
    """How many background rows each row was compared with."""
    explanations: tuple[dict[str, Any], ...] = ()
    """One for each row, as ``:explain`` gives them; empty where they went into a file."""
    output: str = ""
    """Where they were written."""


def account_of(bundle: Bundle, rooms: Rooms) -> Account:
    """Open a bundle so that its answers can be explained.

    Raises:
        UnexplainableError: it was packaged without background rows.
    """
    refuse_tensors(bundle, "explain it where it was trained")
    return opened(bundle.manifest, rooms.bundles.files(bundle))


def question_of(account: Account, wish: Wish) -> Question:
    """Say what is asked, in the numbers that the model knows.

    Raises:
        UsageError: the model has no such class, or no such input to leave as it is.
    """
    signature = account.signature
    for name in wish.immutable:
        if name not in signature.names:
            message = f"there is no input {name!r} to leave as it is; the inputs are: {', '.join(signature.names)}"
            raise UsageError(message)
    return Question(
        output=None if wish.output is None else _class(account, wish.output),
        goal=wish.goal,
        immutable=wish.immutable,
        evaluations=wish.evaluations,
    )


def explain(
    reference: str, place: str, rooms: Rooms, *, wish: Wish, output: str = "", move: Move = lambda *_: None
) -> Explained:
    """Explain the rows of a table, or rows written as JSON, and give the explanations or write them as a table.

    Args:
        reference: a bundle; a bare name means what serves.
        place: a table, ``-`` for JSON from standard input, or the JSON itself.
        rooms: where the bundle is.
        wish: what is asked.
        output: what to write; empty to give the explanations.
        move: is told how far it is.

    Raises:
        DataError: the input cannot be read, or a row does not fit the model.
        UsageError: what is asked does not fit the model, or the output exists.
        UnexplainableError: the bundle was packaged without background rows.
    """
    bundle = find_used(reference, rooms)
    account = account_of(bundle, rooms)
    question = question_of(account, wish)
    if output:
        _check_output(place, output)
    pieces = _picked(_pieces(place, account, wish), wish.row)
    told: list[dict[str, Any]] = []
    sink = _Sink(output, account) if output else None
    rows, error, evaluations, background_rows, total = 0, 0.0, 0, 0, 0
    with sink or nullcontext():
        for piece in pieces:
            # Only now is it known that the table has what the model reads.
            total = total or _counted(place, account, wish)
            look = _looking(rows, piece, max(total, rows), account, move)
            one = account.explain(piece, question, look=look, chunk=_at_once(account))
            rows, error = rows + len(one.rows), max(error, one.error)
            evaluations, background_rows = one.evaluations, one.background_rows
            move(rows, max(total, rows), _ROWS_TOLD)
            if sink is not None:
                sink.write(one.rows)
            else:
                told += one.rows
        if not rows:
            what = "rows" if wish.row is None else f"row {wish.row}"
            message = f"{place} has no {what} to explain; give some, and count them from 0"
            raise DataError(message)
        if sink is not None:
            sink.deliver()
    return Explained(
        bundle=bundle.digest,
        model=bundle.name,
        method=account.method,
        scale=account.scale,
        rows=rows,
        additivity_error=error,
        evaluations=evaluations,
        background_rows=background_rows,
        explanations=tuple(told),
        output=output,
    )


def explain_rows(bundle: Bundle, account: Account, rows: Mapping[str, Any], wish: Wish) -> Explained:
    """Explain a table of columns that is at hand, such as a data frame's.

    Raises:
        RequestError: a required column is not there.
        InvalidRowError: a value does not fit the signature.
        UsageError: what is asked does not fit the model, or there are no rows.
    """
    question = question_of(account, wish)
    columns = columns_of(account.signature, rows)
    if not len(next(iter(columns.values()))):
        message = "there are no rows to explain; give at least one"
        raise UsageError(message)
    told = account.explain(columns, question, chunk=ROWS_AT_ONCE)
    return Explained(
        bundle=bundle.digest,
        model=bundle.name,
        method=account.method,
        scale=account.scale,
        rows=len(told.rows),
        additivity_error=told.error,
        evaluations=told.evaluations,
        background_rows=told.background_rows,
        explanations=told.rows,
    )


def _at_once(account: Account) -> int:
    return _SAMPLED_AT_ONCE if account.method == "permutation" else ROWS_AT_ONCE


def _looking(done: int, piece: Mapping[str, Column], total: int, account: Account, move: Move) -> Callable[[], None]:
    """Give what is called before each part of a piece; the rows ``done`` came before it."""
    count, looks = len(next(iter(piece.values()))), 0

    def look() -> None:
        nonlocal looks
        now = done + min(looks * _at_once(account), count)
        move(now, max(total, done + count), _ROWS_TOLD)
        looks += 1

    return look


def _counted(place: str, account: Account, wish: Wish) -> int:
    """Count the rows to explain; 0 where that is not known before they are read, or not worth reading a table twice."""
    if wish.row is not None:
        return 1
    if _is_json(place) or account.method != "permutation":
        return 0
    table: SlicedTable = plugins.load("tables", reader_of(place))
    fields, nothing = account.signature.inputs[:1], pa.schema([])
    return sum(
        rows.seen
        for part in table.slices(place, wish.options, rows=_SLICE_ROWS)
        for rows in table.read_slice(place, part, wish.options, fields=fields, kept=nothing)
    )


def _is_json(place: str) -> bool:
    return place == _STDIN or place.lstrip()[:1] in {"{", "["}


def _class(account: Account, label: str) -> int:
    names = [str(name) for name in labels_of(account.signature)]
    if label not in names:
        known = f"the answers are: {', '.join(names)}" if names else "it answers numbers, so name none"
        message = f"{account.road.manifest.name} has no answer {label!r} to explain; {known}"
        raise UsageError(message)
    return names.index(label)


def _check_output(place: str, output: str) -> None:
    writer_of(output)
    if is_here(output):
        path = Path(output).absolute()
        if path.exists():
            message = f"{output} is there already; choose another name, or remove it"
            raise UsageError(message)
        if not path.parent.is_dir():
            message = f"{output} cannot be written: give a file in a folder that is there"
            raise UsageError(message)
    elif output == place:
        message = f"{output} is the input; write to another place"
        raise UsageError(message)


def _picked(pieces: Iterator[dict[str, Column]], row: int | None) -> Iterator[dict[str, Column]]:
    """Give all rows in pieces, or the one that is meant."""
    seen = 0
    for columns in pieces:
        count = len(next(iter(columns.values())))
        if row is None:
            for start in range(0, count, ROWS_AT_ONCE):
                yield {name: column[start : start + ROWS_AT_ONCE] for name, column in columns.items()}
        elif seen <= row < seen + count:
            yield {name: column[[row - seen]] for name, column in columns.items()}
            return
        seen += count


def _pieces(place: str, account: Account, wish: Wish) -> Iterator[dict[str, Column]]:
    """Read the rows, as canonical columns by input."""
    if _is_json(place):
        content = sys.stdin.buffer.read() if place == _STDIN else place.encode()
        yield _from_json(content, account)
        return
    table: SlicedTable = plugins.load("tables", reader_of(place))
    fields = account.signature.inputs
    there = table.names(place, wish.options)
    absent = [field.name for field in fields if not field.nullable and field.name not in there]
    if absent or not any(field.name in there for field in fields):
        missing = ", ".join(map(repr, absent or account.signature.names))
        message = f"{place} lacks {missing}, which the model reads; its columns are {', '.join(map(repr, there[:20]))}"
        raise DataError(message)
    for part in table.slices(place, wish.options, rows=_SLICE_ROWS):
        for rows in table.read_slice(place, part, wish.options, fields=fields, kept=pa.schema([])):
            if rows.refused:
                position, reason = rows.refused[0]
                message = f"row {position} of {place} cannot be read: {reason}"
                raise DataError(message)
            given = {field.name: plain(field, rows.inputs[field.name]) for field in fields if field.name in rows.inputs}
            try:
                yield columns_of(account.signature, given)
            except InvalidRowError as error:
                message = f"{place}: {error.message} ({error.field.removeprefix('$')})"
                raise DataError(message) from error


def _from_json(content: bytes, account: Account) -> dict[str, Column]:
    """Read one row, a list of rows, ``{"instances": [...]}``, or a row on each line."""
    try:
        found: Any = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        try:
            found = msgspec.json.Decoder().decode_lines(content)
        except msgspec.DecodeError:
            message = f"the input is no JSON ({error}); give a row, a list of rows, or a row on each line"
            raise DataError(message) from error
    if isinstance(found, Mapping) and not {"instances", "inputs"} & found.keys():
        found = [found]
    body = content if isinstance(found, Mapping) else msgspec.json.encode({"instances": found})
    placed = Placed(account.road.manifest.name, 1, Digest(""))
    codec = InstancesCodec(account.signature, prediction_writer(placed, account.signature, account.road.labels))
    rows, _ = codec.decode(body, Ask(""))
    return account.columns(rows)


def _copied(part: BinaryIO, whole: BinaryIO, size: int) -> None:
    left = size
    while left and (piece := part.read(min(left, _PIECE))):
        whole.write(piece)
        left -= len(piece)


class _Sink:
    """Writes explanations as a table: a row for each, a column for each input's contribution."""

    def __init__(self, output: str, account: Account) -> None:
        self._output = output
        self._table: SlicedTable = plugins.load("tables", writer_of(output))
        self._names = account.signature.names
        self._labels = bool(account.signature.classes)
        answered = answer_fields(account.signature, probabilities=False)[0]
        columns: list[Any] = [answered]
        if self._labels:
            columns.append(pa.field("output", pa.string()))
        columns += [pa.field(name, pa.float64()) for name in ("base", "answer")]
        columns += [pa.field(f"contribution_{name}", pa.float64()) for name in self._names]
        columns += [pa.field(f"reason_{place}", pa.string()) for place in range(1, REASONS + 1)]
        self._schema = pa.schema(columns)
        parent = Path(output).absolute().parent if is_here(output) else None
        self._folder = Path(tempfile.mkdtemp(prefix=".golive-explain-", dir=parent))
        self._part = self._folder / "part"
        self._writer = self._table.writer(self._part, self._schema)
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Append rows."""
        columns: dict[str, list[Any]] = {PREDICTION: [one["prediction"] for one in told]}
        if self._labels:
            columns["output"] = [str(one["output"]) for one in told]
        for name in ("base", "answer"):
            columns[name] = [one[name] for one in told]
        for name in self._names:
            columns[f"contribution_{name}"] = [one["contributions"][name] for one in told]
        for place in range(REASONS):
            columns[f"reason_{place + 1}"] = [
                one["reasons"][place]["text"] if place < len(one["reasons"]) else None for one in told
            ]
        arrays = [pa.array(columns[field.name], field.type) for field in self._schema]
        self._writer.write(pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def deliver(self) -> None:
        """Make the whole file appear at its place."""
        self._close()
        whole = self._folder / "whole"
        with whole.open("wb") as file:
            file.write(self._table.head(self._schema))
            body = self._table.body(self._part, file.tell())
            with self._part.open("rb") as part:
                part.seek(body.start)
                _copied(part, file, body.stop - body.start)
            file.write(self._table.tail(self._schema, [body.note] if body.note else []))
            file.flush()
            os.fsync(file.fileno())
        self._table.deliver(whole, self._output, {})

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._writer.close()
