"""Heads: header blocks (RFC 7541) as calls, and replies as header blocks."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from hpack import Decoder, HPACKError

from golive.serving.grpc.frames import COMPRESSION_ERROR, FaultError
from golive.serving.grpc.status import Pairs, Refusal, metadata_of

LIST_BYTES = 16 * 2**10
"""How long the headers of one call may be, with 32 bytes for each."""

_TOLD = frozenset({b"authorization", b"x-api-key", b"x-request-id", b"traceparent", b"tracestate", b"x-request-timing"})
"""The metadata that decides something here."""
_TIMEOUT = re.compile(rb"(\d{1,8})([HMSmun])")
_MS = {b"H": 3_600_000.0, b"M": 60_000.0, b"S": 1000.0, b"m": 1.0, b"u": 1e-3, b"n": 1e-6}
_REMEMBERED = 64
_MESSAGE_BYTES = 4096
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class Call(msgspec.Struct, frozen=True, gc=False):
    """What the head of a request says."""

    path: str
    told: Mapping[bytes, bytes]
    """Metadata that decides something; the time it has left stands under ``x-request-timeout-ms``."""
    timeout_s: float | None
    encoding: bytes
    """How its messages may be compressed."""
    refused: str
    """The HTTP status of a request that is not a gRPC call; empty for one that is."""


class HeadReader:
    """Reads the header blocks of one connection, in their order.

    A client sends the same block again and again. A block that changes no state of the decoder means the same as long
    as no other one did, so what it said is remembered.
    """

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=LIST_BYTES)
        self._known: dict[bytes, Call] = {}

    def __call__(self, block: bytes) -> Call:
        """Read one block.

        Raises:
            FaultError: it is not a header block; the connection cannot go on.
        """
        known = self._known.get(block)
        if known is not None:
            return known
        entries = self._decoder.header_table.dynamic_entries
        before = len(entries), entries[0] if entries else None
        try:
            headers = self._decoder.decode(block, raw=True)
        except HPACKError as error:
            raise FaultError(COMPRESSION_ERROR, "the header block cannot be read") from error
        call = _call(headers)
        changed = len(entries) != before[0] or (bool(entries) and entries[0] is not before[1])
        if changed or len(self._known) >= _REMEMBERED:
            self._known.clear()
        if not changed:
            self._known[block] = call
        return call


class HeadWriter:
    """Writes the header blocks of replies; none changes the state of the client's decoder, so all may share them."""

    def __init__(self) -> None:
        self._begin = b"".join(
            (
                b"\x88",
                _named(31, b"application/grpc"),
                _field("grpc-accept-encoding", "identity,deflate,gzip"),
                b"\x00" + _text(b"x-request-id"),
            )
        )
        self._trailers: dict[bytes, bytes] = {}

    def begin(self, request_id: str) -> bytes:
        """Write the initial metadata."""
        return self._begin + _text(request_id.encode("ascii"))

    def end(self, lines: bytes) -> bytes:
        """Write the trailing metadata of a call that was answered with these header lines."""
        block = self._trailers.get(lines)
        if block is None:
            block = _field("grpc-status", "0") + _fields(metadata_of(lines))
            if len(self._trailers) >= _REMEMBERED:
                self._trailers.clear()
            self._trailers[lines] = block
        return block

    def refusal(self, refusal: Refusal, lines: bytes = b"") -> bytes:
        """Write the end of a call that failed."""
        message = quote(refusal.details.encode()[:_MESSAGE_BYTES], safe=_PRINTABLE)
        code = _field("x-error-code", refusal.error_code) if refusal.error_code else b""
        status = _field("grpc-status", str(refusal.code)) + _field("grpc-message", message)
        return status + code + _fields(metadata_of(lines))

    @staticmethod
    def not_grpc(status: str) -> bytes:
        """Write the whole reply to a request that is no gRPC call."""
        return _named(8, status.encode("ascii"))


def _call(headers: Any) -> Call:
    found: dict[bytes, bytes] = dict(headers)
    told = {name: value for name, value in found.items() if name in _TOLD}
    timeout = _TIMEOUT.fullmatch(found.get(b"grpc-timeout", b""))
    timeout_s = None
    if timeout is not None:
        milliseconds = int(timeout[1]) * _MS[timeout[2]]
        told[b"x-request-timeout-ms"] = b"%d" % max(1, milliseconds)
        timeout_s = milliseconds / 1e3
    refused = ""
    if found.get(b":method") != b"POST":
        refused = "405"
    elif not found.get(b"content-type", b"").startswith(b"application/grpc"):
        refused = "415"
    path = found.get(b":path", b"").decode("latin-1")
    return Call(path, told, timeout_s, found.get(b"grpc-encoding", b"identity"), refused)


def _fields(pairs: Pairs) -> bytes:
    return b"".join(_field(name, value) for name, value in pairs)


def _field(name: str, value: str) -> bytes:
    """Write a header without indexing, by its name."""
    return b"\x00" + _text(name.encode("ascii")) + _text(value.encode("latin-1", "replace"))


def _named(index: int, value: bytes) -> bytes:
    """Write a header without indexing, by the place of its name in the static table."""
    return _number(0x00, 4, index) + _text(value)


def _text(value: bytes) -> bytes:
    size = len(value)
    return (bytes((size,)) if size < 0x7F else _number(0x00, 7, size)) + value  # noqa: PLR2004 - what seven bits hold


def _number(first: int, bits: int, value: int) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    parts = [first | most]
    value -= most
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*parts, value))
