"""Limits: what a candidate must keep to, and which one is taken; light, since golive.yaml is read with it."""

from typing import Literal

import msgspec

Prefer = Literal["latency", "throughput", "size"]
"""What the best candidate is best at: one row, a thousand rows, or the bytes of the graph."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a candidate must keep to, and which one is taken."""

    max_loss: float = 0.005
    """The greatest worsening of the metric, as a share of the original's value."""
    min_rows: int = 30
    """With fewer validation rows no candidate passes."""
    prefer: Prefer = "latency"
