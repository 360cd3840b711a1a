"""Raw tensors: the bytes of one tensor in, a flat array out, and back; for the binary forms of REST and gRPC.

The layout is that of the Open Inference Protocol's binary tensor extension: elements row-major, little-endian and
without padding; a BOOL is one byte, an element of BYTES is its length in four bytes and then its bytes.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.signature import DType, Field
from golive.errors import InvalidRowError, RequestError

INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
"""The protocol's whole numbers."""

ACCEPTED: dict[DType, tuple[str, ...]] = {
    "float64": ("FP64", "FP32", "FP16", "BF16", *INTEGERS),
    "int64": INTEGERS,
    "bool": ("BOOL",),
    "string": ("BYTES",),
}
"""The data types that a field takes: narrower numbers where they widen without loss."""

_FORMATS = {
    "FP64": "<f8",
    "FP32": "<f4",
    "FP16": "<f2",
    "BF16": "<u2",
    "INT64": "<i8",
    "INT32": "<i4",
    "INT16": "<i2",
    "INT8": "i1",
    "UINT64": "<u8",
    "UINT32": "<u4",
    "UINT16": "<u2",
    "UINT8": "u1",
    "BOOL": "u1",
}
_DTYPES = {datatype: np.dtype(form) for datatype, form in _FORMATS.items()}
_LENGTH = struct.Struct("<I")
_LARGEST = 2**63 - 1
_DIMENSIONS = 8


def values_of(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> npt.NDArray[Any]:
    """Read the bytes of a tensor as a flat array; numbers are a read-only view of ``raw``, aligned or not.

    BOOL gives bool, BYTES an object array of str, BF16 float32; every other data type gives its own.

    Raises:
        RequestError: the data type is not known, the size is not that of the shape, a bool is neither 0 nor 1, a
            length leads past the end, or a text is not UTF-8.
    """
    count = count_of(name, shape)
    if datatype == "BYTES":
        return texts_of(name, _pieces(name, count, bytes(raw)))
    dtype = _DTYPES.get(datatype)
    if dtype is None:
        message = (
            f"tensor {name!r} has the unknown datatype {datatype[:40]!r}; known are {', '.join(_DTYPES)} and BYTES"
        )
        raise RequestError(message, field=name)
    if len(raw) != count * dtype.itemsize:
        message = (
            f"tensor {name!r} ({datatype}) has {len(raw)} bytes, but its shape {list(shape)} needs "
            f"{count * dtype.itemsize}; send {dtype.itemsize} for each value"
        )
        raise RequestError(message, field=name)
    values: npt.NDArray[Any] = np.frombuffer(raw, dtype=dtype)
    if datatype == "BOOL":
        return _bools(name, values)
    # A bfloat16 is the upper half of a float32.
    return (values.astype("<u4") << 16).view("<f4") if datatype == "BF16" else values


def count_of(name: str, shape: Sequence[int]) -> int:
    """Give the number of values of a shape.

    Raises:
        RequestError: there are too many dimensions, or one is negative or beyond 63 bits.
    """
    if len(shape) > _DIMENSIONS or (shape and not 0 <= min(shape) <= max(shape) <= _LARGEST):
        message = (
            f"the shape of tensor {name!r} is not one of a real tensor; "
            f"send at most {_DIMENSIONS} dimensions, each the number of values along it"
        )
        raise RequestError(message, field=name)
    return math.prod(shape)


def width_of(datatype: str) -> int:
    """Give the size in bytes of one value of a number or BOOL data type."""
    return _DTYPES[datatype].itemsize


def texts_of(name: str, pieces: Iterable[bytes]) -> npt.NDArray[np.object_]:
    """Read the elements of a BYTES tensor as an object array of str.

    Raises:
        RequestError: an element is not UTF-8.
    """
    texts: list[str] = []
    try:
        texts.extend(str(piece, "utf-8") for piece in pieces)
    except UnicodeDecodeError:
        message = f"element {len(texts)} of tensor {name!r} is not UTF-8; send texts in UTF-8"
        raise RequestError(message, field=f"{name}[{len(texts)}]") from None
    column = np.empty(len(texts), dtype=object)
    column[:] = texts
    return column


def raw_of(datatype: str, values: Any) -> bytes:
    """Write values (an array of any shape, or a flat list) as the bytes of a tensor; texts are UTF-8.

    Raises:
        KeyError: the data type is not one that an output has.
    """
    if datatype == "BYTES":
        # Labels repeat: each distinct one is written once.
        written = {text: _piece(text) for text in set(values)}
        return b"".join([written[text] for text in values])
    return np.asarray(values, dtype=_DTYPES[datatype]).tobytes()


def wrong_datatype(name: str, datatype: str, dtype: DType) -> RequestError:
    """Say that a field wants tensors of other data types."""
    message = f"tensor {name!r} wants datatype {' or '.join(ACCEPTED[dtype])}, got {datatype[:40]!r}"
    return RequestError(message, field=name)


def check_range(field: Field, datatype: str, values: npt.NDArray[Any]) -> None:
    """Refuse unsigned numbers that a field of signed ones cannot hold.

    Raises:
        InvalidRowError: there is one.
    """
    if datatype == "UINT64" and field.dtype == "int64" and len(values) and values.max() > _LARGEST:
        row = int(values.argmax())
        message = (
            f"element {row} of tensor {field.name!r} is a whole number beyond what 64 bits hold; send a smaller one"
        )
        raise InvalidRowError(message, field=f"{field.name}[{row}]")


def _bools(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if len(values) and values.max() > 1:
        row = int(values.argmax())
        message = f"element {row} of tensor {name!r} (BOOL) is the byte {int(values[row])}; send 0 or 1"
        raise RequestError(message, field=f"{name}[{row}]")
    return values.view(np.bool_)


def _pieces(name: str, count: int, raw: bytes) -> list[bytes]:
    # Every element has a length, so a count beyond this is refused before anything is built.
    if count * _LENGTH.size > len(raw):
        message = (
            f"tensor {name!r} (BYTES) has {len(raw)} bytes, but {count} elements need at least "
            f"{count * _LENGTH.size}; write the length of each in four bytes before it"
        )
        raise RequestError(message, field=name)
    pieces, at = [], 0
    for index in range(count):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(raw, at)[0] if start <= len(raw) else start
        if at > len(raw):
            message = (
                f"element {index} of tensor {name!r} (BYTES) ends past the tensor's {len(raw)} bytes; mend its length"
            )
            raise RequestError(message, field=f"{name}[{index}]")
        pieces.append(raw[start:at])
    if at != len(raw):
        message = f"tensor {name!r} (BYTES) has {len(raw) - at} bytes after its {count} elements; send none"
        raise RequestError(message, field=name)
    return pieces


def _piece(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
