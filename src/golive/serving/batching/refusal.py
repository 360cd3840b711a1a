"""Refusal: the errors of a request that is not run."""

from math import ceil
from typing import ClassVar

from golive.errors import DeadlineError, UnavailableError

_S = 1e9
_US = 1000


class OverloadedError(UnavailableError):
    """More waits for the model than it can answer in time."""

    code: ClassVar[str] = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """Whole seconds after which it is worth another attempt, at least 1."""


def overloaded(queued_rows: int, wait_ns: float) -> OverloadedError:
    """Refuse a request, for the queue is full."""
    retry_after_s = max(1, ceil(wait_ns / _S))
    return OverloadedError(
        f"{queued_rows} rows wait for this model already, {wait_ns / _S:.2g} s of its work; "
        f"come back in {retry_after_s} s, or send fewer requests at once",
        retry_after_s=retry_after_s,
    )


def too_late(late_ns: float) -> DeadlineError:
    """Refuse a request, for its answer would come so long after its deadline."""
    return DeadlineError(
        f"the answer would come {int(late_ns) // _US} us after the request's deadline, so it was not computed; "
        "give the request more time, or send it when the server is less busy"
    )


def ended() -> UnavailableError:
    """Refuse a request, for the process ends."""
    return UnavailableError("this worker is ending and runs no more predictions; send the request again")
