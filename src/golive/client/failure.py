"""Failure: an answer that is an error in, the error class that the server raised out."""

from collections.abc import Iterator

import msgspec

from golive.client.exchange import Late, Lost, Reply
from golive.errors import (
    DeadlineError,
    DeniedError,
    GoliveError,
    InvalidRowError,
    NotFoundError,
    RequestError,
    TooLargeError,
    UnavailableError,
)

_BY_STATUS: dict[int, type[GoliveError]] = {
    401: DeniedError,
    403: DeniedError,
    404: NotFoundError,
    408: DeadlineError,
    413: TooLargeError,
    422: InvalidRowError,
    429: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: DeadlineError,
}
_SERVER = 500
_SHOWN = 200


class _Told(msgspec.Struct):
    error: str
    code: str | None = None
    field: str | None = None
    request_id: str | None = None


def failure(reply: Reply, *, what: str, request_id: str) -> GoliveError:
    """Give the error of an answer: the class of its ``code``, or the nearest one to its status.

    Args:
        reply: An answer whose status is 400 or more.
        what: What was asked, for an answer that does not say what is wrong.
        request_id: The id that was sent, for an answer without one.
    """
    try:
        told = msgspec.json.decode(reply.body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = _Told(
            error=f"{what} was answered with status {reply.status} and no reason; the server's log may have it"
        )
    kind = _class_of(told.code or "", reply.status)
    return kind(
        told.error,
        field=told.field or "",
        request_id=told.request_id or reply.headers.get("x-request-id", request_id),
    )


def no_answer(outcome: Lost | Late, *, what: str, timeout_s: float, request_id: str) -> GoliveError:
    """Give the error of a question without an answer."""
    if isinstance(outcome, Late):
        message = f"{what} was not answered within {timeout_s:g} s; give it more with timeout_s, or send fewer rows"
        return DeadlineError(message, request_id=request_id)
    message = f"{what} was not answered ({outcome.reason[:_SHOWN]}); check the url, and that the server runs"
    return UnavailableError(message, request_id=request_id)


def _class_of(code: str, status: int) -> type[GoliveError]:
    for kind in _family(GoliveError):
        if kind.code == code:
            return kind
    nearest = GoliveError if status >= _SERVER else RequestError
    return _BY_STATUS.get(status, nearest)


def _family(kind: type[GoliveError]) -> Iterator[type[GoliveError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
