"""Arrays: numpy arrays and tables on the wire to a sandbox and back, every length checked."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import DataError

_KINDS = "fiub"


class Packed(msgspec.Struct, frozen=True):
    """An array: bytes of a numeric dtype, or texts (None is missing)."""

    shape: tuple[int, ...]
    dtype: str = ""
    """numpy's name of it; empty for texts."""
    content: bytes = b""
    texts: tuple[str | None, ...] = ()


def pack(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Write arrays by name; objects are texts."""
    return msgspec.msgpack.encode({name: _packed(array) for name, array in arrays.items()})


def unpack(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Read them back.

    Raises:
        DataError: what was sent is not arrays.
    """
    try:
        sent = msgspec.msgpack.decode(content, type=dict[str, Packed])
        return {name: _unpacked(one) for name, one in sent.items()}
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        message = f"the sandbox answered something that is no array ({error}); the file cannot be trusted"
        raise DataError(message) from error


def _packed(array: npt.NDArray[Any]) -> Packed:
    if array.dtype.kind in _KINDS:
        return Packed(shape=array.shape, dtype=array.dtype.name, content=np.ascontiguousarray(array).tobytes())
    texts = tuple(None if value is None or value != value else str(value) for value in array.ravel().tolist())  # noqa: PLR0124 (NaN)
    return Packed(shape=array.shape, texts=texts)


def _unpacked(sent: Packed) -> npt.NDArray[Any]:
    if sent.dtype:
        kind = np.dtype(sent.dtype)
        if kind.kind not in _KINDS or len(sent.content) != math.prod(sent.shape) * kind.itemsize:
            message = f"{len(sent.content)} bytes for {sent.shape} of {sent.dtype}"
            raise ValueError(message)
        return np.frombuffer(sent.content, kind).reshape(sent.shape).copy()
    texts = np.empty(len(sent.texts), dtype=object)
    texts[:] = sent.texts
    return texts.reshape(sent.shape)
