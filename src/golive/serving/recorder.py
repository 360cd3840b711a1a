"""Recorder: predictions kept for monitoring, without ever slowing the request that made them."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

import msgspec

from golive.domain.record import Record
from golive.ports import Float64
from golive.serving.rowtypes import Rows

_FRAME_BYTES = 60_000
"""A frame's target size: it fits a Unix socket's buffer several times over."""


class _Kept(msgspec.Struct, frozen=True, gc=False):
    request_id: str
    at_ns: int
    name: str
    version: int
    rows: Rows
    outputs: Float64
    positions: tuple[int, ...] | None
    """The kept rows; None for all."""
    duration_us: float


class Recorder:
    """A bounded list of predictions, emptied a few times a second.

    Args:
        sample: the part of the rows that is kept, from 0 to 1.
        capacity: the number of rows held between two flushes; more are dropped and counted.
        send: takes one frame (a MessagePack list of :class:`~golive.domain.record.Record`) without blocking and
            says whether it did; a refused frame is dropped and counted.
        rng: decides which rows are kept when ``sample`` is below 1.
    """

    def __init__(self, sample: float, capacity: int, send: Callable[[bytes], bool], rng: Random) -> None:
        self._sample = sample
        self._capacity = capacity
        self._send = send
        self._random = rng.random
        self._kept: deque[_Kept] = deque()
        self._begun: Iterator[Record] = iter(())
        self._waiting = 0
        self._encode = msgspec.msgpack.Encoder().encode
        self.sent = 0
        """Rows handed on."""
        self.dropped = 0
        """Rows lost because the list was full, the sink did not take them, or they could not be encoded."""

    def add(self, name: str, version: int, request_id: str, rows: Rows, outputs: Float64, duration_us: float) -> None:
        """Keep the rows of one request."""
        positions = None
        count = len(rows)
        if self._sample < 1.0:
            positions = tuple(index for index in range(count) if self._random() < self._sample)
            count = len(positions)
            if not count:
                return
        free = self._capacity - self._waiting
        if count > free:
            self.dropped += count - free
            if free <= 0:
                return
            positions = (positions or tuple(range(count)))[:free]
            count = free
        self._waiting += count
        self._kept.append(_Kept(request_id, time.time_ns(), name, version, rows, outputs, positions, duration_us))

    def flush(self, most: int = sys.maxsize) -> bool:
        """Encode up to so many of the kept rows, hand them on, and say whether more are waiting.

        A row that cannot be encoded is dropped and counted; it costs no other one.
        """
        parts: list[bytes] = []
        size = taken = 0
        for record in islice(self._records(), most):
            taken += 1
            part = self._encoded(record)
            if size + len(part) > _FRAME_BYTES and parts:
                self._hand_on(parts)
                parts, size = [], 0
            if part:
                parts.append(part)
                size += len(part)
        self._waiting -= taken
        if parts:
            self._hand_on(parts)
        return taken == most and self._waiting > 0

    def _records(self) -> Iterator[Record]:
        while True:
            # Not "yield from": the request that was begun goes on in the next flush.
            for record in self._begun:  # noqa: UP028
                yield record
            if not self._kept:
                return
            self._begun = _records_of(self._kept.popleft())

    def _encoded(self, record: Record) -> bytes:
        try:
            return self._encode(record)
        except (OverflowError, TypeError, ValueError, msgspec.MsgspecError):
            self.dropped += 1
            return b""

    def _hand_on(self, parts: list[bytes]) -> None:
        # 0xdd opens a MessagePack list with a 32-bit length: the parts need no second encoding.
        frame = b"\xdd" + len(parts).to_bytes(4, "big") + b"".join(parts)
        if self._send(frame):
            self.sent += len(parts)
        else:
            self.dropped += len(parts)


def _records_of(one: _Kept) -> Iterator[Record]:
    rows = one.rows
    positions = range(len(rows)) if one.positions is None else one.positions
    outputs = one.outputs if one.positions is None else one.outputs[list(one.positions)]
    for index, output in zip(positions, outputs.tolist(), strict=True):
        yield Record(
            one.request_id if len(rows) == 1 else f"{one.request_id}#{index}",
            one.at_ns,
            one.name,
            one.version,
            tuple(rows[index]),
            tuple(output),
            one.duration_us,
        )
