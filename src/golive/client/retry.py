"""Retry: what came of an attempt in, how long to wait before the next one out; or that there is none."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

from golive.client.exchange import Late, Lost, Outcome, Reply

_FIRST_S = 0.05
_MOST_S = 2.0
_TOO_MANY = 429
_UNAVAILABLE = 503


def pause_s(outcome: Outcome, *, attempt: int, retries: int, left_s: float, jitter: float) -> float | None:
    """Say how long to wait before asking again; None for never.

    Asked again is where nothing was answered, where the answer is 429, and where it is 503 with a ``Retry-After``.
    The wait is what the server asks for, and on top of it a random part of a span that doubles with each attempt, so
    that callers who failed together do not come back together.

    Args:
        outcome: What came of the attempt.
        attempt: How many attempts came before it.
        retries: How many attempts may follow the first.
        left_s: Seconds until the deadline; no wait goes beyond it.
        jitter: A random number in [0, 1).
    """
    asked_s = _asked_s(outcome)
    if asked_s is None or attempt >= retries:
        return None
    pause = asked_s + jitter * min(_MOST_S, _FIRST_S * 2**attempt)
    return pause if pause < left_s else None


def _asked_s(outcome: Outcome) -> float | None:
    if isinstance(outcome, Lost):
        return 0.0
    if isinstance(outcome, Late) or outcome is None:
        return None
    after = outcome.headers.get("retry-after", "")
    if outcome.status == _TOO_MANY or (outcome.status == _UNAVAILABLE and after):
        return _seconds(after, outcome)
    return None


def _seconds(after: str, reply: Reply) -> float:
    if after.isascii() and after.isdigit():
        return float(after)
    try:
        # A moment is counted from when the server answered, by the server's own clock.
        wait = parsedate_to_datetime(after) - parsedate_to_datetime(reply.headers["date"])
    except (ValueError, TypeError, KeyError):
        return 0.0
    return max(wait, timedelta()).total_seconds()
