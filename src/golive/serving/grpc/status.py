"""Status: an answer's HTTP status and header lines in, gRPC's code, text and metadata out."""

import re
from typing import Any

import msgspec
import orjson

OK, CANCELLED, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 0, 1, 3, 4, 5
PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION = 7, 8, 9
UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 12, 13, 14, 16

Pairs = tuple[tuple[str, str], ...]
"""Metadata: lower-case names and their texts."""

_CODES = {
    400: INVALID_ARGUMENT,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: NOT_FOUND,
    405: UNIMPLEMENTED,
    408: DEADLINE_EXCEEDED,
    409: FAILED_PRECONDITION,
    413: INVALID_ARGUMENT,
    422: INVALID_ARGUMENT,
    429: RESOURCE_EXHAUSTED,
    499: CANCELLED,
    501: UNIMPLEMENTED,
    503: UNAVAILABLE,
    504: DEADLINE_EXCEEDED,
}
_BY_ERROR = {"deadline_exceeded": DEADLINE_EXCEEDED, "overloaded": RESOURCE_EXHAUSTED}
"""What an error's own code says better than its HTTP status."""
_LINE = re.compile(rb"([^:\r\n]+): ([^\r\n]*)\r\n")
_NOT_TOLD = frozenset({"content-type", "content-length"})


class Refusal(msgspec.Struct, frozen=True):
    """What a failed call is told."""

    code: int
    details: str
    error_code: str = ""
    """The stable code of the error, such as ``invalid_row``."""


def code_of(status: int, error_code: str) -> int:
    """Give gRPC's code for an error's HTTP status and its own code."""
    return _BY_ERROR.get(error_code, _CODES.get(status, INTERNAL))


def refusal_of(status: int, body: bytes) -> Refusal:
    """Read a JSON error body back into what gRPC tells."""
    told: dict[str, Any] = orjson.loads(body)
    place = f" (at {told['field']})" if told["field"] else ""
    return Refusal(code_of(status, told["code"]), f"{told['error']}{place}", told["code"])


def metadata_of(lines: bytes) -> Pairs:
    """Read header lines into metadata; what only tells of a body in HTTP is left out."""
    pairs = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in _LINE.findall(lines))
    return tuple(pair for pair in pairs if pair[0] not in _NOT_TOLD)
