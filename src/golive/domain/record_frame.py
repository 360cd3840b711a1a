"""Record frame: the bytes in which records go from one process to another.

A frame is the length of its header (4 bytes, big-endian), the header in MessagePack, and the columns one after the
other: times, durations, ids, inputs, outputs. Numbers are little-endian, texts are their lengths and then their UTF-8.
The header and every column are padded to a multiple of 8 bytes, so that their reader need not copy them.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.record import Records, Texts, Values
from golive.errors import DataError

Kind = Literal["float64", "int64", "text", "missing"]
"""What a column of inputs holds."""

_NUMBERS = "<f8"
_WHOLE = "<i8"
_LENGTHS = "<i4"
_LENGTH_BYTES = 4
_ALIGNED = 8


class _Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    name: str
    version: int
    rows: int
    inputs: tuple[Kind, ...]
    outputs: int
    sizes: tuple[int, ...]
    """Bytes of each column, without the padding; a column of texts is two."""


def frame_of(records: Records) -> bytes:
    """Write records as a frame."""
    buffers = list(_buffers(records))
    header = _Header(
        records.name,
        records.version,
        len(records),
        tuple(map(_kind, records.inputs)),
        len(records.outputs),
        tuple(map(len, buffers)),
    )
    head = msgspec.msgpack.encode(header)
    parts = [len(head).to_bytes(_LENGTH_BYTES, "big"), head, bytes(_padding(_LENGTH_BYTES + len(head)))]
    for buffer in buffers:
        parts += buffer, bytes(_padding(len(buffer)))
    return b"".join(parts)


def records_of(frame: bytes) -> Records:
    """Read a frame; its columns are views of it, not copies.

    Raises:
        DataError: the frame is not one, or its lengths do not fit together.
    """
    header, start = _head(frame)
    reader = _Reader(frame, start, header)
    records = Records(
        name=header.name,
        version=header.version,
        at_ns=reader.numbers(_WHOLE),
        duration_us=reader.numbers(_NUMBERS),
        ids=reader.texts(),
        inputs=tuple(map(reader.values, header.inputs)),
        outputs=reader.numbers(_NUMBERS, header.outputs).reshape(header.outputs, header.rows),
    )
    reader.end()
    return records


class _Reader:
    """Takes one column after the other from a frame, each of the length that its kind and the rows say."""

    def __init__(self, frame: bytes, start: int, header: _Header) -> None:
        self._frame = memoryview(frame)
        self._at = start
        self._rows = header.rows
        self._sizes = iter(header.sizes)

    def numbers(self, dtype: str, columns: int = 1) -> npt.NDArray[Any]:
        """Take ``columns * rows`` numbers."""
        count = self._rows * columns
        return np.frombuffer(self._taken(count * np.dtype(dtype).itemsize), dtype=dtype)

    def texts(self) -> Texts:
        """Take a column of texts."""
        lengths = self.numbers(_LENGTHS)
        if lengths.min(initial=0) < -1:
            message = "a column of texts in a frame of records has a length below -1; the frame is refused"
            raise DataError(message)
        return Texts(lengths, self._taken(int(np.maximum(lengths, 0).sum(dtype=np.int64))))

    def values(self, kind: Kind) -> Values:
        """Take a column of inputs."""
        if kind == "missing":
            return None
        return self.texts() if kind == "text" else self.numbers(_WHOLE if kind == "int64" else _NUMBERS)

    def end(self) -> None:
        """Refuse a frame with more in it."""
        left = len(self._frame) - self._at
        if left or next(self._sizes, None) is not None:
            message = f"a frame of records holds more than its columns ({left} bytes are left); it is refused"
            raise DataError(message)

    def _taken(self, wanted: int) -> memoryview:
        announced = next(self._sizes, None)
        left = len(self._frame) - self._at
        padded = wanted + _padding(wanted)
        if announced != wanted or padded > left:
            message = (
                f"a column in a frame of records should have {wanted} bytes for {self._rows} rows, but {announced} are "
                f"announced and {left} are left; the frame is refused"
            )
            raise DataError(message)
        taken = self._frame[self._at : self._at + wanted]
        self._at += padded
        return taken


def _head(frame: bytes) -> tuple[_Header, int]:
    """Give the header and where the first column begins."""
    end = _LENGTH_BYTES + int.from_bytes(frame[:_LENGTH_BYTES], "big")
    try:
        header = msgspec.msgpack.decode(frame[_LENGTH_BYTES:end], type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"a frame of {len(frame)} bytes does not begin as one of records does ({error}); it is refused"
        raise DataError(message) from None
    if header.rows < 1 or header.outputs < 1:
        message = f"a frame announces {header.rows} records of {header.outputs} outputs; one without any is refused"
        raise DataError(message)
    return header, end + _padding(end)


def _padding(size: int) -> int:
    return -size % _ALIGNED


def _buffers(records: Records) -> Iterator[bytes]:
    yield _number_bytes(records.at_ns)
    yield _number_bytes(records.duration_us)
    yield from _value_buffers(records.ids)
    for values in records.inputs:
        yield from _value_buffers(values)
    yield _number_bytes(records.outputs)


def _value_buffers(values: Values) -> Iterator[bytes]:
    if isinstance(values, Texts):
        yield values.lengths.astype(_LENGTHS, copy=False).tobytes()
        yield bytes(values.utf8)
    elif values is not None:
        yield _number_bytes(values)


def _number_bytes(numbers: npt.NDArray[Any]) -> bytes:
    return numbers.astype(_WHOLE if numbers.dtype.kind == "i" else _NUMBERS, copy=False).tobytes()


def _kind(values: Values) -> Kind:
    if values is None:
        return "missing"
    if isinstance(values, Texts):
        return "text"
    return "int64" if values.dtype.kind == "i" else "float64"
