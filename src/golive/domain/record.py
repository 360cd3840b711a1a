"""Record: one prediction, kept for monitoring."""

from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One predicted row. ``inputs`` follow the order of the signature."""

    id: str
    """The request id, with ``#`` and the row's position where a request has several rows."""
    at_ns: int
    """Unix time in nanoseconds."""
    name: str
    version: int
    inputs: tuple[Any, ...]
    outputs: tuple[float, ...]
    """The prediction (regression), or one probability a class."""
    duration_us: float
