"""Tried: a candidate with all that was found about it."""

from typing import Literal

import msgspec

from golive.optimization.loss import Loss
from golive.optimization.measured import Comparison
from golive.ports import Candidate

Outcome = Literal["passed", "too-lossy", "not-enough-data", "no-gain", "refused", "failed"]
"""``not-enough-data``: the loss itself is within the limit, its interval is not. ``failed``: what makes it broke."""


class Tried(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A candidate with what was found."""

    candidate: Candidate
    method: str
    """The optimizer that made it."""
    outcome: Outcome
    reason: str
    """Why, in a few words."""
    comparison: Comparison | None = None
    loss: Loss | None = None

    @property
    def smaller(self) -> float:
        """How many times smaller the graph is; 1 where it was not measured."""
        found = self.comparison
        return found.original.size_bytes / max(found.candidate.size_bytes, 1) if found else 1.0
