"""Limits: how much may wait for a model, for how long, and how much of it runs at once."""

import msgspec


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one batcher's queue and of its runs."""

    queue_rows: int = 100_000
    """Rows that may wait. A request that finds the queue empty may be longer."""
    queue_bytes: int = 64 * 2**20
    """Bytes of tensors that may wait, with the same exception."""
    wait_s: float = 1.0
    """The longest predicted wait for a first turn, in seconds, with the same exception."""
    run_ms: float = 5.0
    """How long the rows of one run may take, so that a short request is not stuck behind long ones."""
    run_rows: int | None = None
    """The most rows of one run; None to choose by what runs cost."""
