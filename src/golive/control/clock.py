"""Clock: the one way the time is written down."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Give the time as ISO 8601 text in UTC, with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
