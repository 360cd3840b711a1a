"""Trial: one setting that a search tried, and how it scored."""

from typing import Any

import msgspec


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One tried setting of one candidate, with its cross-validation scores (greater is better)."""

    candidate: str
    parameters: dict[str, Any]
    scores: tuple[float, ...]
    fit_s: float
    error: str = ""
    """Why the fit failed, when it did; then ``scores`` is empty."""

    @property
    def mean(self) -> float:
        """The mean score, or minus infinity for a failed trial."""
        return sum(self.scores) / len(self.scores) if self.scores else float("-inf")
