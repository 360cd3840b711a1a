"""Frames: what the sandbox and its owner say to each other: a length, then msgpack of one of two shapes; no pickle."""

import socket
import struct
import time

import msgspec

_HEAD = struct.Struct(">Q")
_MOST_BYTES = 4 << 30
_CHUNK = 1 << 20


class Question(msgspec.Struct, frozen=True):
    """What is asked of the sandbox."""

    verb: str
    content: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """What it answers: content, or the class and the sentence of an error."""

    content: bytes = b""
    error: str = ""
    message: str = ""


def send(channel: socket.socket, frame: Question | Answer) -> None:
    """Send one frame."""
    content = msgspec.msgpack.encode(frame)
    channel.sendall(_HEAD.pack(len(content)))
    channel.sendall(content)


def receive(channel: socket.socket, *, limit_s: float | None = None) -> bytes:
    """Receive the content of one frame.

    Raises:
        TimeoutError: it was not whole after ``limit_s`` seconds.
        EOFError: the other side ended, or says more than four gigabytes.
    """
    until = None if limit_s is None else time.monotonic() + limit_s
    (length,) = _HEAD.unpack(_exactly(channel, _HEAD.size, until))
    if length > _MOST_BYTES:
        raise EOFError
    return _exactly(channel, length, until)


def _exactly(channel: socket.socket, count: int, until: float | None) -> bytes:
    found = bytearray()
    while len(found) < count:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            channel.settimeout(left)
        piece = channel.recv(min(_CHUNK, count - len(found)))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)
