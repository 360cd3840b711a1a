"""Wire: what is read and written of protobuf by hand, where a whole message would cost more than it tells."""

from golive.errors import RequestError

RAW_CONTENTS = 7
"""The field number of ``raw_input_contents`` in an infer request."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_NAME_TAG, _VERSION_TAG = 0x0A, 0x12
_LONGEST_VARINT = 70
_ONE_BYTE = 0x80


def model_of(body: bytes) -> tuple[bytes, bytes]:
    """Give the model name and version that an infer request asks for, without parsing the rest.

    Every known client writes the fields in order, so both stand first; otherwise they are looked for.

    Raises:
        RequestError: the body is not a message.
    """
    if len(body) > 2 and body[0] == _NAME_TAG and body[1] < _ONE_BYTE:  # noqa: PLR2004 - a tag and a length
        end = 2 + body[1]
        following = body[end : end + 1]
        if following > b"\x12":
            return body[2:end], b""
        if following == b"\x12" and body[end + 1 : end + 2] < b"\x80":
            start = end + 2
            return body[2:end], body[start : start + body[end + 1]]
    found = {1: b"", 2: b""}
    for number, value in fields(body):
        if number in found:
            found[number] = value
    return found[1], found[2]


def has_raw_contents(body: bytes) -> bool:
    """Say whether an infer request holds raw tensors: these are read much faster than typed ones.

    Raises:
        RequestError: the body is not a message.
    """
    return any(number == RAW_CONTENTS for number, _ in fields(body))


def fields(body: bytes) -> list[tuple[int, bytes]]:
    """Cut a message into its fields: number and, where it is of variable length, value.

    Raises:
        RequestError: the body is not a message.
    """
    found, at, end = [], 0, len(body)
    try:
        while at < end:
            tag, at = _varint_at(body, at)
            kind = tag & 7
            if kind == _BYTES:
                size, start = _varint_at(body, at)
                at = start + size
                found.append((tag >> 3, body[start:at] if size < _ONE_BYTE * _ONE_BYTE else b""))
            elif kind == _VARINT:
                _, at = _varint_at(body, at)
            else:
                at += _SIZES[kind]
    except (IndexError, KeyError):
        raise broken() from None
    if at != end:
        raise broken()
    return found


def broken() -> RequestError:
    """Say that the bytes are not the message that they should be."""
    return RequestError("the body is not a ModelInferRequest message; send one as inference.proto declares it")


def varint(number: int) -> bytes:
    """Write a whole number from 0 on."""
    if number < _ONE_BYTE:
        return bytes((number,))
    parts = bytearray()
    while number >= _ONE_BYTE:
        parts.append(number & 0x7F | _ONE_BYTE)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def sized(number: int, value: bytes) -> bytes:
    """Write a field of variable length: a text, bytes, a message or packed numbers."""
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def text(number: int, value: str) -> bytes:
    """Write a text field; an empty one is left out, as proto3 does."""
    return sized(number, value.encode()) if value else b""


def _varint_at(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _ONE_BYTE:
            return number, at
        shift += 7
        if shift >= _LONGEST_VARINT:
            raise broken()
