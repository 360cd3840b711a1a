"""Recorder: predictions kept for monitoring, without ever slowing the request that made them."""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec
import numpy as np

from golive.domain.record import Records, Values, texts_of
from golive.domain.record_frame import frame_of
from golive.inference.values import text_of
from golive.ports import Column, Float64
from golive.serving.codecs.codec import Columns, Given

_SLICE_ROWS = 4096
"""Rows put into columns at one go, at most."""
_WIDTH = 32
"""A row of so many values counts for one, a wider one for several."""
_FRAME_BYTES = 1 << 20
"""Rows whose frame is longer are halved."""

_MANY = 256
"""So many rows of a request are drawn for together."""
_FIELDS = 5
"""What is kept of a request of one row: its id, time, duration, outputs and row."""

_NOTHING = frozenset({type(None)})
_TEXTS = _NOTHING | {str}


class _Part(msgspec.Struct, gc=False):
    """The kept rows of a request that has several."""

    request_id: str
    at_ns: int
    given: Given
    outputs: Float64
    duration_us: float
    positions: Sequence[int]


class _Slice(msgspec.Struct, gc=False):
    """Rows that go into columns together; everything has one entry a row."""

    ids: list[str]
    at_ns: list[int]
    given: Sequence[Sequence[Any]] | dict[str, Column]
    outputs: Float64
    duration_us: list[float]

    def __len__(self) -> int:
        return len(self.ids)


class Recorder:
    """A bounded list of predictions, emptied a few times a second.

    Args:
        sample: the part of the rows that is kept, from 0 to 1.
        capacity: the number of rows held between two flushes; more are dropped and counted.
        send: takes one frame (see :mod:`golive.domain.record_frame`) without blocking and says whether it did; the
            rows of a refused frame are dropped and counted.
        rng: decides which rows are kept when ``sample`` is below 1.
    """

    def __init__(self, sample: float, capacity: int, send: Callable[[bytes], bool], rng: Random) -> None:
        self._sample = sample
        self._capacity = capacity
        self._send = send
        self._random = rng.random
        self._random_bytes = rng.randbytes
        self._shelves: dict[tuple[str, int, bool], _Shelf] = {}
        self._waiting = 0
        self.sent = 0
        """Rows handed on."""
        self.dropped = 0
        """Rows lost because the list was full, the sink did not take them, or they could not be encoded."""

    def add(self, name: str, version: int, request_id: str, given: Given, outputs: Float64, duration_us: float) -> None:
        """Keep the rows of one request; ``outputs`` is ``[n, k]``."""
        columnar = type(given) is Columns
        key = (name, version, columnar)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = _Shelf(name, version, given)
        if len(given) != 1:
            self._add_part(shelf, request_id, given, outputs, duration_us)
        elif self._sample >= 1.0 or self._random() < self._sample:
            if self._waiting >= self._capacity:
                self.dropped += 1
                return
            self._waiting += 1
            # One flat list, and nothing in it that the garbage collector would walk through or a request could use
            # again: measured, to keep the outputs as an array and the row in its list takes twice as long.
            row = given if columnar else given[0]  # type: ignore[index]
            shelf.singles.extend((request_id, time.time_ns(), duration_us, outputs.tobytes(), row))

    def flush(self, most: int = sys.maxsize) -> bool:
        """Hand on up to so many of the kept rows, and say whether more are waiting.

        Of rows that have more than 32 values fewer are taken, so that a call takes no longer for them. A row that
        cannot be encoded is dropped and counted; it costs no other one.
        """
        for shelf in self._shelves.values():
            while most > 0 and not shelf.is_empty:
                taken = shelf.take(min(most, _SLICE_ROWS))
                most -= len(taken) * shelf.weight
                self._waiting -= len(taken)
                self._hand_on(shelf, taken)
        return most <= 0 and self._waiting > 0

    def _add_part(self, shelf: "_Shelf", request_id: str, given: Given, outputs: Float64, duration_us: float) -> None:
        positions = self._drawn(len(given))
        free = max(0, self._capacity - self._waiting)
        self.dropped += max(0, len(positions) - free)
        positions = positions[:free]
        if positions:
            self._waiting += len(positions)
            shelf.parts.append(_Part(request_id, time.time_ns(), given, outputs, duration_us, positions))

    def _drawn(self, count: int) -> Sequence[int]:
        """Draw the rows of a sample."""
        if self._sample >= 1.0:
            return range(count)
        if count < _MANY:
            return [index for index in range(count) if self._random() < self._sample]
        drawn = np.frombuffer(self._random_bytes(4 * count), dtype=np.uint32)
        positions: list[int] = np.flatnonzero(drawn < self._sample * 2.0**32).tolist()
        return positions

    def _hand_on(self, shelf: "_Shelf", rows: _Slice) -> None:
        try:
            frame = frame_of(_records(shelf.name, shelf.version, rows))
        except (OverflowError, TypeError, ValueError):
            frame = b""
        if len(rows) > 1 and not 0 < len(frame) <= _FRAME_BYTES:
            # Whatever is wrong with some rows, halving finds them and hands on the others.
            middle = len(rows) // 2
            self._hand_on(shelf, _cut(rows, slice(None, middle)))
            self._hand_on(shelf, _cut(rows, slice(middle, None)))
        elif frame and self._send(frame):
            self.sent += len(rows)
        else:
            self.dropped += len(rows)


class _Shelf:
    """What is kept of one version, from requests of one form: rows or columns."""

    def __init__(self, name: str, version: int, given: Given) -> None:
        self.name = name
        self.version = version
        self.singles: list[Any] = []
        """The fields of each request of one row, end to end."""
        self.parts: deque[_Part] = deque()
        self._names = tuple(given.values) if isinstance(given, Columns) else None
        width = len(given.values) if isinstance(given, Columns) else next(map(len, given), 1)
        self.weight = max(1, width // _WIDTH)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self.singles and not self.parts

    def take(self, most: int) -> _Slice:
        """Take up to so many rows, or as many of wider ones as take as long; at least one."""
        room = max(1, most // self.weight)
        singles = self.singles[: room * _FIELDS]
        del self.singles[: room * _FIELDS]
        ids, at_ns, duration_us, outputs, given = (singles[index::_FIELDS] for index in range(_FIELDS))
        pieces: list[Any] = given if self._names is None else [each.values for each in given]
        while self.parts and len(ids) < room:
            part = self._next_part(room - len(ids))
            count = len(part.positions)
            ids += [f"{part.request_id}#{position}" for position in part.positions]
            at_ns += [part.at_ns] * count
            duration_us += [part.duration_us] * count
            outputs.append(part.outputs[_index(part.positions)].tobytes())
            pieces += _pieces(part)
        joined = np.frombuffer(b"".join(outputs), dtype=np.float64).reshape(len(ids), -1)
        return _Slice(ids, at_ns, self._joined(pieces), joined, duration_us)

    def _next_part(self, most: int) -> _Part:
        """Give the rows of the first request, or the first of them; the others stay."""
        part = self.parts.popleft()
        if len(part.positions) > most:
            self.parts.appendleft(msgspec.structs.replace(part, positions=part.positions[most:]))
            part = msgspec.structs.replace(part, positions=part.positions[:most])
        return part

    def _joined(self, pieces: list[Any]) -> Sequence[Sequence[Any]] | dict[str, Column]:
        if self._names is None:
            return pieces
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in self._names}


def _index(positions: Sequence[int]) -> slice | list[int]:
    return slice(positions.start, positions.stop) if isinstance(positions, range) else list(positions)


def _pieces(part: _Part) -> list[Any]:
    """Give the kept rows, or one piece of columns with them."""
    if isinstance(part.given, Columns):
        index = _index(part.positions)
        return [{name: column[index] for name, column in part.given.values.items()}]
    return [part.given[position] for position in part.positions]


def _cut(rows: _Slice, span: slice) -> _Slice:
    given = rows.given
    return _Slice(
        rows.ids[span],
        rows.at_ns[span],
        {name: column[span] for name, column in given.items()} if isinstance(given, dict) else given[span],
        rows.outputs[span],
        rows.duration_us[span],
    )


def _records(name: str, version: int, rows: _Slice) -> Records:
    if isinstance(rows.given, dict):
        inputs = tuple(map(_of_column, rows.given.values()))
    else:
        inputs = tuple(map(_of_values, zip(*rows.given, strict=True)))
    return Records(
        name=name,
        version=version,
        ids=texts_of(rows.ids),
        at_ns=np.array(rows.at_ns, dtype=np.int64),
        duration_us=np.array(rows.duration_us, dtype=np.float64),
        inputs=inputs,
        outputs=rows.outputs.T,
    )


def _of_column(column: Column) -> Values:
    """Take a column in the canonical form."""
    return _of_values(column.tolist()) if column.dtype.kind == "O" else column.astype(np.float64, copy=False)


def _of_values(values: Sequence[Any]) -> Values:
    """Take one field of rows, as callers sent it.

    Raises:
        TypeError: a value is neither a number nor a text.
    """
    kinds = set(map(type, values))
    if any(issubclass(kind, str) for kind in kinds):
        return texts_of(values if kinds <= _TEXTS else [text_of(value) for value in values])
    if kinds == {int}:
        return _whole(values)
    return None if kinds == _NOTHING else np.array(values, dtype=np.float64)


def _whole(values: Sequence[int]) -> Values:
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return np.array(values, dtype=np.float64)
