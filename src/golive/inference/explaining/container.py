"""Container: ``explainer.bin``, arrays that an exact explanation needs, with a header that says what they are.

``golivex1``, the header's length (uint32, little-endian), the header as JSON, then the arrays one after the other,
little-endian, compressed as one zlib stream. Nothing of it is believed before it is checked; no pickle.
"""

import math
import struct
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.explanation import Scale
from golive.errors import VerificationError

EXPLAINER = "explainer.bin"
"""The file of a bundle."""
MOST_BYTES = 256 * 2**20
"""Of all arrays together, uncompressed."""
_MAGIC = b"golivex1"
_LENGTH = struct.Struct("<I")
_MOST_HEADER = 65_536
_DTYPES: Mapping[str, np.dtype[Any]] = {"u1": np.dtype("<u1"), "i4": np.dtype("<i4"), "f8": np.dtype("<f8")}

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array."""

    name: str
    dtype: Literal["u1", "i4", "f8"]
    shape: Annotated[tuple[Count, ...], msgspec.Meta(max_length=2)]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the arrays are."""

    kind: Literal["tree", "linear"]
    scale: Scale
    mirror: Literal["", "negative", "complement"] = ""
    """Of two classes only the second one's numbers are kept; what makes the first one's of them."""
    runtime: Literal["", "onnxruntime"] = ""
    """What opens ``encoder``: ONNX Runtime and nothing else, for a file that could name another would choose which
    code reads it. Empty: the numbers enter as they are."""
    narrow: bool = False
    """Whether numbers that enter as they are, are rounded to float32 first."""
    parts: Annotated[tuple[Part, ...], msgspec.Meta(max_length=32)]


class Held(msgspec.Struct, frozen=True, eq=False):
    """The content of the file."""

    head: Head
    arrays: Mapping[str, npt.NDArray[Any]]

    def array(self, name: str, dtype: str, *shape: int | None) -> npt.NDArray[Any]:
        """Give an array of that type and shape (None: any length).

        Raises:
            VerificationError: there is none.
        """
        found = self.arrays.get(name)
        fits = found is not None and found.dtype == _DTYPES[dtype] and len(shape) == found.ndim
        if (
            found is None
            or not fits
            or any(want not in {None, has} for want, has in zip(shape, found.shape, strict=True))
        ):
            held = "none" if found is None else f"{found.dtype} {found.shape}"
            refuse(f"its array {name!r} is {held}, but {dtype} {shape} is needed")
        return found


def refuse(reason: str) -> NoReturn:
    """Say that the file cannot be used.

    Raises:
        VerificationError: always.
    """
    message = f"the bundle's {EXPLAINER} cannot be used: {reason}; package the model again"
    raise VerificationError(message)


def write(head: Head, arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Write the file; ``head.parts`` is made of the arrays, whose types are uint8, int32 and float64."""
    parts = tuple(Part(name, _name(array), tuple(array.shape)) for name, array in arrays.items())
    head = msgspec.structs.replace(head, parts=parts)
    encoded = msgspec.json.encode(head)
    raw = b"".join(np.ascontiguousarray(array, _DTYPES[_name(array)]).tobytes() for array in arrays.values())
    return _MAGIC + _LENGTH.pack(len(encoded)) + encoded + zlib.compress(raw, 6)


def read(content: bytes) -> Held:
    """Read the file.

    Raises:
        VerificationError: it is not whole, or says of itself what is not so.
    """
    start = len(_MAGIC) + _LENGTH.size
    if len(content) < start or not content.startswith(_MAGIC):
        refuse("it does not begin like one")
    (length,) = _LENGTH.unpack_from(content, len(_MAGIC))
    if length > min(_MOST_HEADER, len(content) - start):
        refuse(f"its header of {length} bytes is longer than the file, or than {_MOST_HEADER} bytes")
    try:
        head = msgspec.json.decode(content[start : start + length], type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        refuse(f"its header cannot be read ({error})")
    sizes = [_DTYPES[part.dtype].itemsize * math.prod(part.shape) for part in head.parts]
    if sum(sizes) > MOST_BYTES:
        refuse(f"its arrays would take {sum(sizes)} bytes, more than {MOST_BYTES}")
    raw = _inflated(content[start + length :], sum(sizes))
    arrays, offset = {}, 0
    for part, size in zip(head.parts, sizes, strict=True):
        arrays[part.name] = np.frombuffer(raw[offset : offset + size], _DTYPES[part.dtype]).reshape(part.shape)
        offset += size
    if not all(np.isfinite(array).all() for name, array in arrays.items() if name in _FINITE):
        refuse("a number that it adds is not finite")
    return Held(head, arrays)


_FINITE = frozenset({"values", "offset", "weights"})


def _inflated(content: bytes, size: int) -> bytes:
    """Give the arrays' bytes; no more than they are said to have are ever made."""
    try:
        stream = zlib.decompressobj()
        raw = stream.decompress(content, size + 1)
    except zlib.error as error:
        refuse(f"its arrays are damaged ({error})")
    if len(raw) != size or not stream.eof or stream.unused_data:
        refuse(f"its arrays do not have the {size} bytes that its header says")
    return raw


def _name(array: npt.NDArray[Any]) -> Literal["u1", "i4", "f8"]:
    match array.dtype.str[1:]:
        case "u1":
            return "u1"
        case "i4":
            return "i4"
        case "f8":
            return "f8"
    message = f"an array of {array.dtype} has no place in the file"
    raise TypeError(message)
