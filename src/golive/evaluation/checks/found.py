"""Found: what the checks give to one another, and findings whose sentences come from one table of words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from golive.domain.finding import Finding, FindingKind, Severity
from golive.evaluation.numbers import readable
from golive.evaluation.roles import Note
from golive.evaluation.spoilt import Spoilt
from golive.evaluation.words.checks import WORDS

SURE = 1e-4
"""How likely a check may be to speak without cause in a whole evaluation, after correction for all columns."""
_MOST = 12


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one check gives."""

    findings: tuple[Finding, ...] = ()
    checked: tuple[FindingKind, ...] = ()
    notes: tuple[Note, ...] = ()
    details: Mapping[str, Any] = {}
    spoilt: tuple[Spoilt, ...] = ()
    """What the findings speak of, and no model is to be blamed for; of all columns, however many are told."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A finding about a column, and which of its values are no fault of the model's, if any."""

    finding: Finding
    spoilt: Spoilt | None = None


def finding(
    kind: FindingKind,
    code: str,
    severity: Severity,
    *,
    columns: tuple[str, ...] = (),
    rows: tuple[int, ...] = (),
    p: float | None = None,
    **values: Any,
) -> Finding:
    """Make a finding; its sentence is the phrase of its kind and code, filled with the values."""
    text = WORDS[f"finding.{kind}.{code}"][0].format(**readable(values))
    return Finding(
        kind=kind, severity=severity, code=code, text=text, values=values, columns=columns, rows=rows[:20], p=p
    )


def note_of(code: str, **values: Any) -> Note:
    """Make a note of the report; its sentence is the phrase of its code."""
    return {"code": code, "text": WORDS[f"note.{code}"][0].format(**readable(values)), **values}


def too_few(kind: FindingKind, rows: int, least: int) -> Outcome:
    """Say that a kind was not looked for in so few test rows."""
    return Outcome(notes=(note_of("unlooked.rows", kinds=[kind], count=rows, least=least),))


def seen_in(kind: FindingKind, sightings: Iterable[Sighting]) -> Outcome:
    """Tell of what was seen, the first of it in full."""
    seen = tuple(sightings)
    spoilt = tuple(one.spoilt for one in seen if one.spoilt is not None)
    return Outcome(findings=few([one.finding for one in seen]), checked=(kind,), spoilt=spoilt)


def few(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Keep the first twelve findings of one kind, and say of how many more columns the same is true."""
    if len(findings) <= _MOST:
        return tuple(findings)
    left = findings[_MOST:]
    columns = tuple(dict.fromkeys(name for one in left for name in one.columns))
    more = finding(left[0].kind, "more", left[0].severity, columns=columns, count=len(columns))
    return (*findings[:_MOST], more)
