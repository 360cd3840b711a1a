"""Answer: what a handler is asked and gives back, and the parts of a reply that are known before any request."""

import asyncio
import itertools
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
import orjson

from golive.errors import GoliveError, RequestError

JSON_HEAD = b"content-type: application/json\r\n"
"""The header lines of a JSON answer."""


class Ask(msgspec.Struct, gc=False):
    """What a handler may know of a request besides its body."""

    request_id: str
    headers: Mapping[bytes, bytes] = {}
    """The headers that decide something (``TOLD``), by their lower-case name. Never changed: requests share it."""
    caller: str = ""
    """The id of the API key; all callers have one id where no key is needed."""
    arrived_ns: int = 0
    """When its last bytes came, on the clock of ``time.perf_counter_ns``."""


Answer = tuple[int, bytes, bytes]
"""HTTP status; further header lines, each ended by CR LF, the content type among them; body."""

Handler = Callable[[bytes, Ask], Answer | asyncio.Future[Answer]]
"""Takes a whole body and never raises. Gives the answer, or a future of it; cancelling that cancels the work."""

TOLD = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"authorization",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"grpc-raw-contents",
        b"inference-header-content-length",
        b"traceparent",
        b"tracestate",
        b"upgrade",
        b"x-api-key",
        b"x-request-id",
        b"x-request-timeout-ms",
        b"x-request-timing",
    }
)
"""The headers that decide something here."""

_VALID_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


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


def deadline_ns_of(ask: Ask) -> int | None:
    """Give the end of the time that the caller waits, on the clock of ``Ask.arrived_ns``.

    Raises:
        RequestError: the header is no number of milliseconds.
    """
    sent = ask.headers.get(b"x-request-timeout-ms")
    if sent is None:
        return None
    try:
        return ask.arrived_ns + int(float(sent) * 1e6)
    except (ValueError, OverflowError):
        message = "the header x-request-timeout-ms is not a number of milliseconds; send one such as 250"
        raise RequestError(message) from None


def error_body(error: GoliveError, request_id: str) -> bytes:
    """Write the one JSON form that every error has: ``error``, ``code``, ``field``, ``request_id``."""
    return orjson.dumps(
        {"error": error.message, "code": error.code, "field": error.field or None, "request_id": request_id}
    )


def refusal(error: GoliveError, request_id: str, *, status: int = 0, head: bytes = b"") -> Answer:
    """Answer with an error: how to authenticate and when to come back are among the header lines."""
    status = status or error.status
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        head += b"retry-after: %d\r\n" % getattr(error, "retry_after_s", 1)
    elif status == HTTPStatus.UNAUTHORIZED:
        head += b"www-authenticate: Bearer\r\n"
    return status, JSON_HEAD + head, error_body(error, request_id)


def version_head(version: int) -> bytes:
    """Write the header line that names the version that answered."""
    return b"x-model-version: %d\r\n" % version


def reply_heads() -> dict[int, bytes]:
    """Write the first line of a reply for every status once."""
    return {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus}
