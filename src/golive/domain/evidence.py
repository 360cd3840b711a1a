"""Evidence: numbers measured about one bundle, each with its interval, its data and its code."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from golive.domain.digest import Digest
from golive.domain.finding import Finding, FindingKind

Direction = Literal["higher", "lower", "none"]

RowsFrom = Literal["test", "given", ""]
"""``test``: the rows that a project set aside and no training read; ``given``: rows that a person chose."""


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One number with its 95 % interval.

    Names are what a gate rule says: ``rmse``, ``baseline.rmse`` (the dummy's), ``champion.rmse`` (the live
    model's) and, for paired differences on the same rows, ``rmse - baseline.rmse``.
    """

    name: str
    value: float
    lower: float | None = None
    upper: float | None = None
    rows: int = 0
    method: str = ""
    """How the interval was made."""
    better: Direction = "none"
    note: str = ""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was measured about ``bundle``; immutable, attached to its digest from outside."""

    format: int = 1
    bundle: Digest
    kind: Literal["evaluation", "parity", "optimization", "live"]
    data: Digest | None = None
    """The digest of the rows that were used."""
    rows: int = 0
    rows_from: RowsFrom = ""
    measured_at: str
    code: str
    champion: Digest | None = None
    measures: tuple[Measure, ...] = ()
    findings: tuple[Finding, ...] = ()
    checked: tuple[FindingKind, ...] = ()
    """The kinds of findings that were looked for; of others, none being there says nothing."""
    details: dict[str, Any] = {}
    """Curves, tables and worst rows for the report; JSON values only."""

    def find(self, name: str) -> Measure | None:
        """Give the measure of that name, or None."""
        return next((measure for measure in self.measures if measure.name == name), None)

    def notes_on(self, kind: str) -> list[Mapping[str, Any]]:
        """Give the notes that say why findings of a kind were not looked for; none where nobody said."""
        notes: Sequence[Mapping[str, Any]] = self.details.get("notes", ())
        return [note for note in notes if kind in note.get("kinds", ())]

    def why_unlooked(self, kind: str) -> list[str]:
        """Say in English why findings of a kind were not looked for."""
        said = (str(note["text"]).rstrip(".") for note in self.notes_on(kind))
        return [text[:1].lower() + text[1:] for text in said]
