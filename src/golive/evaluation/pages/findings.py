"""Findings: what a person should look at before the model goes live, the gravest first."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from golive.domain.evidence import Evidence
from golive.domain.finding import Finding, FindingKind, Severity
from golive.evaluation.numbers import number
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.phrases import Say, known, listed

_LEAST_P = 0.001
_SHOWN_ROWS = 8
_STOPS = (".", "。", "!", "?")


def findings(evidence: Evidence, say: Say) -> Markup:
    """Write every finding under its severity, then what was looked for and not found, and what was not looked for."""
    groups = [_group(severity, evidence, say) for severity in get_args(Severity)]
    found = {finding.kind for finding in evidence.findings}
    absent = [kind for kind in evidence.checked if kind not in found]
    unlooked = [kind for kind in get_args(FindingKind) if kind not in found and kind not in evidence.checked]
    lines = []
    if absent:
        lines.append(tag("p", tag("span", "✓ ", kind="better", aria_hidden="true"), _named(absent, say)))
    if unlooked and evidence.checked:
        lines.append(_unlooked(unlooked, evidence, say))
    return join(*groups, *lines) if lines or evidence.findings else tag("p", say("findings.none"), kind="quiet")


def why_unlooked(kinds: Sequence[str], evidence: Evidence, say: Say) -> list[str]:
    """Say which kinds were not looked for, those for one reason together with it."""
    why: dict[str, list[str]] = {}
    for kind in kinds:
        why.setdefault(say("semicolon").join(note_text(note, say) for note in evidence.notes_on(kind)), []).append(kind)
    return [
        say("findings.unlooked.why", kinds=named, why=reason[:1].lower() + reason[1:])
        if reason
        else say("findings.unlooked", kinds=named)
        for reason, those in why.items()
        for named in (say("comma").join(say(f"found.{kind}") for kind in those),)
    ]


def note_text(note: Mapping[str, Any], say: Say) -> str:
    """Say a note in the language of the page, without its last stop; in English where nothing else is there."""
    key = f"note.{note['code']}.{note['role']}" if "role" in note else f"note.{note['code']}"
    if not known(key):
        return str(note.get("text", note["code"])).rstrip(".")
    numbers = listed(say, note)
    if "metric" in numbers:
        numbers["metric"] = say(f"metric.{numbers['metric']}")
    return say(key, **numbers).rstrip(".。")


def sentence(finding: Finding, say: Say) -> str:
    """Say a finding in the language of the page; in English where nothing else is there."""
    key = f"finding.{finding.kind}.{finding.code}"
    if not known(key):
        return finding.text
    values = listed(say, finding.values)
    try:
        if "part" in values:
            values["part"] = say(f"part.{values['part']}")
        return say(key, **values)
    except (LookupError, ValueError, TypeError):
        return finding.text


def whole(finding: Finding, say: Say) -> str:
    """Say a finding as a sentence that ends with a stop."""
    text = sentence(finding, say)
    return text if text.endswith(_STOPS) else say("sentence", text=text)


def absent_kind(kind: str, say: Say) -> str:
    """Name what was looked for and not found; of stress, only that no rule surely breaks was shown."""
    key = f"absent.{kind}"
    return say(key if known(key) else f"found.{kind}")


def worst_severity(evidence: Evidence) -> Severity | None:
    """Give the gravest severity that occurs."""
    occurring = {finding.severity for finding in evidence.findings}
    return next((severity for severity in get_args(Severity) if severity in occurring), None)


def _group(severity: Severity, evidence: Evidence, say: Say) -> Markup:
    those = [finding for finding in evidence.findings if finding.severity == severity]
    if not those:
        return Markup()
    title = tag("h3", say(f"severity.{severity}", count=len(those)))
    return join(title, tag("ul", *(_item(finding, evidence, say) for finding in those), kind=f"findings {severity}"))


def _item(finding: Finding, evidence: Evidence, say: Say) -> Markup:
    about = []
    if finding.columns:
        about.append(tag("span", say("facts.columns"), " ", *(tag("code", name) for name in finding.columns)))
    if finding.rows:
        some = ", ".join(str(row) for row in finding.rows[:_SHOWN_ROWS])
        more = "…" if len(finding.rows) > _SHOWN_ROWS else ""
        key = "facts.rows.given" if evidence.rows_from == "given" else "facts.rows"
        about.append(tag("span", say(key, rows=f"{some}{more}")))
    if finding.p is not None:
        chance = f"< {_LEAST_P}" if finding.p < _LEAST_P else f"= {number(finding.p, 3)}"
        about.append(tag("span", f"p {chance}", title=say("facts.p")))
    kind = tag("b", say(f"found.{finding.kind}"))
    return tag("li", kind, tag("p", whole(finding, say)), tag("p", *about, kind="quiet facts") if about else Markup())


def _unlooked(kinds: Sequence[FindingKind], evidence: Evidence, say: Say) -> Markup:
    lines = why_unlooked(kinds, evidence, say)
    listed_lines = tag("ul", *(tag("li", line) for line in lines), kind="quiet")
    return join(tag("p", say("findings.unlooked.title"), kind="quiet"), listed_lines)


def _named(kinds: Sequence[FindingKind], say: Say) -> str:
    return say("findings.absent", kinds=say("comma").join(absent_kind(kind, say) for kind in kinds))
