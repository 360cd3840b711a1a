"""Policy and Verdict: the gate's rules, and what the gate said."""

from typing import Literal

import msgspec

from golive.domain.digest import Digest
from golive.domain.evidence import RowsFrom

Outcome = Literal["pass", "fail", "not-enough-data"]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rules in words, such as ``rmse.upper <= 30000`` or ``rmse - champion.rmse <= 500``."""

    rules: tuple[str, ...] = ()
    min_rows: int = 30
    """With fewer test rows the verdict is "not-enough-data"."""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one rule found, in a sentence with its numbers."""

    rule: str
    outcome: Outcome
    text: str
    value: float | None = None
    bound: float | None = None


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The gate's answer about one bundle."""

    bundle: Digest
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    policy: Digest
    data: Digest | None = None
    """The digest of the rows that the evidence was measured on."""
    rows: int = 0
    """How many those are."""
    rows_from: RowsFrom = ""
    forced: str = ""
    """The reason a person gave for going on against the outcome; shown wherever the release is shown."""

    @property
    def allows(self) -> bool:
        """Whether a release may be made."""
        return self.outcome == "pass" or bool(self.forced)
