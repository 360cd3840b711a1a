"""Measured: what a measuring process tells about one candidate, as values; light, since that process imports it."""

import msgspec

from golive.ports import Float64


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one graph costs on one core of this machine."""

    p50_us: float
    """One row: half of the calls take less, in microseconds."""
    p99_us: float
    thousand_ms: float
    """A thousand rows in one call, the median, in milliseconds of processor time."""
    load_ms: float
    memory_mb: float
    """What opening it and answering add to the process at their peak, in megabytes; 0 where it cannot be read."""
    size_bytes: int
    """Of the graph."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """An original and a candidate that took turns in one process, so that both met the same disturbances."""

    original: Cost
    candidate: Cost
    one_row: float
    """How many times faster the candidate answers one row, by the calls that nothing disturbed."""
    thousand_rows: float
    """How many times faster it answers a thousand."""
    alone: float
    """The greatest difference between a row's answers alone and among others."""
    alone_flipped: int
    """Rows of those whose decision depends on the company."""


class Reading(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a measuring process told about one candidate."""

    answers: Float64
    comparison: Comparison
