"""Frames: HTTP/2's frames (RFC 9113) as bytes and back. Pure."""

from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every client sends first."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 5, 6, 7, 8, 9
ENHANCE_YOUR_CALM = 11

MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 3, 4, 5, 6
ENABLE_PUSH = 2

HEAD = Struct(">BHBBL")
"""Length in two parts, kind, flags, stream."""
FRAME_BYTES = 16_384
"""The longest payload that is sent or taken: the least that every peer takes."""
WINDOW = 65_535
"""A flow-control window before anybody changed it."""
LARGEST_WINDOW = 2**31 - 1
LAST_STREAM = 2**31 - 1

_SETTING = Struct(">HL")
_LONG = Struct(">L")
_PRIORITY_BYTES = 5


class FaultError(Exception):
    """A peer broke the protocol in a way that ends the connection.

    Args:
        code: HTTP/2's error code.
        text: what was wrong, for the peer's log.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Write one frame."""
    length = len(payload)
    return HEAD.pack(length >> 16, length & 0xFFFF, kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    """Write a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*pair) for pair in values.items()))


def settings_in(payload: bytes) -> list[tuple[int, int]]:
    """Read the pairs of a SETTINGS frame.

    Raises:
        FaultError: a value or the length is not allowed.
    """
    if len(payload) % _SETTING.size:
        raise FaultError(FRAME_SIZE_ERROR, "the length of SETTINGS is not a multiple of six")
    pairs = list(_SETTING.iter_unpack(payload))
    for name, value in pairs:
        if name == INITIAL_WINDOW_SIZE and value > LARGEST_WINDOW:
            raise FaultError(FLOW_CONTROL_ERROR, "the initial window is too large")
        if name == MAX_FRAME_SIZE and not FRAME_BYTES <= value < 2**24:
            raise FaultError(PROTOCOL_ERROR, "the frame size is out of range")
        if name == ENABLE_PUSH and value > 1:
            raise FaultError(PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
    return pairs


def window_update(stream: int, size: int) -> bytes:
    """Write a WINDOW_UPDATE frame."""
    return frame(WINDOW_UPDATE, 0, stream, _LONG.pack(size))


def reset(stream: int, code: int) -> bytes:
    """Write a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, _LONG.pack(code))


def goaway(last: int, code: int, text: str = "") -> bytes:
    """Write a GOAWAY frame."""
    return frame(GOAWAY, 0, 0, _LONG.pack(last) + _LONG.pack(code) + text.encode("ascii", "replace"))


def number_in(payload: bytes) -> int:
    """Read the one number of a RST_STREAM or WINDOW_UPDATE frame.

    Raises:
        FaultError: it is not four bytes.
    """
    if len(payload) != _LONG.size:
        raise FaultError(FRAME_SIZE_ERROR, "the frame is not four bytes long")
    number: int = _LONG.unpack(payload)[0]
    return number


def content(flags: int, payload: bytes) -> bytes:
    """Take the padding and the priority off a payload.

    Raises:
        FaultError: the padding is longer than the payload.
    """
    start, end = 0, len(payload)
    if flags & PADDED:
        start = 1
        end -= payload[0] if payload else 1
    if flags & HAS_PRIORITY:
        start += _PRIORITY_BYTES
    if start > end:
        raise FaultError(PROTOCOL_ERROR, "the padding is longer than the frame")
    return payload[start:end]
