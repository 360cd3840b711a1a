"""Answer: what a handler gives back, and the parts of a reply that are known before any request comes."""

import itertools
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import orjson

from golive.errors import GoliveError

Answer = tuple[int, bytes, bytes]
"""HTTP status, model version (empty when no model was reached), JSON body."""

Handler = Callable[[bytes, str], Answer]
"""Takes a whole body of at most ``SHORT_BYTES`` and the request id; never raises."""

LongHandler = Callable[[bytes, str], Awaitable[Answer]]
"""The same for a body of any length: the event loop goes on meanwhile."""

SHORT_BYTES = 16 * 2**10
"""Up to here a body is answered at once. Measured on iris: 940 rows as lists take 5 ms, a thread hop 0.1 ms."""

_VALID_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_EXTRA = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "1"}}


class RequestIds:
    """Gives every request an id: the caller's own where it is valid, else a new one.

    New ids are a prefix that is unique to the process and a running number: they cost a tenth of a random UUID.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def __call__(self, sent: bytes | None) -> str:
        """Echo a valid id, or make one."""
        if sent is not None and _VALID_ID.fullmatch(sent):
            return sent.decode("ascii")
        return f"{self._prefix}-{next(self._numbers):x}"


def error_body(error: GoliveError, request_id: str) -> bytes:
    """Write the one JSON form that every error has: ``error``, ``code``, ``field``, ``request_id``."""
    return orjson.dumps(
        {"error": error.message, "code": error.code, "field": error.field or None, "request_id": request_id}
    )


def extra_headers(status: int) -> dict[str, str]:
    """Give the headers that belong to a status: how to authenticate, when to come back."""
    return _EXTRA.get(status, {})


def reply_heads() -> dict[int, bytes]:
    """Write the first lines of a reply for every status once, so a hot reply only appends to them."""
    return {status.value: _head(status) for status in HTTPStatus}


def _head(status: HTTPStatus) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in extra_headers(status.value).items()]
    return "\r\n".join(lines).encode("ascii") + b"\r\n"
