"""Judged: the verdict, what was found, and the releases, as parts of a document."""

from typing import get_args

from golive.domain.finding import FindingKind
from golive.domain.release import Release
from golive.evaluation.documents.draft import Draft, minute
from golive.evaluation.documents.markdown import Markdown, bold, bullets, code, escape, join, quote, table
from golive.evaluation.pages.findings import sentence

_WARNING = "⚠️"


def forced(draft: Draft) -> Markdown:
    """Say loudly that a person overruled the gate; empty where nobody did."""
    known = draft.known
    said = [
        bold(
            draft.tell(
                "forced",
                release=_name(release),
                outcome=draft.tell(f"outcome.{release.verdict.outcome}"),
                by=release.created_by,
                at=minute(release.created_at),
                reason=release.verdict.forced,
            )
        )
        for release in known.forced
    ]
    if known.verdict.forced and not said:
        outcome = draft.tell(f"outcome.{known.verdict.outcome}")
        said = [bold(draft.tell("forced.verdict", outcome=outcome, reason=known.verdict.forced))]
    return quote(*(join(_WARNING, line, between=" ") for line in said))


def verdict(draft: Draft) -> Markdown:
    """Write the verdict with a line a rule."""
    known = draft.known
    outcome = bold(draft.tell(f"outcome.{known.verdict.outcome}"))
    lines = [
        draft.tell("verdict.now", outcome=outcome)
        if known.release is None
        else draft.tell("verdict.of", outcome=outcome, release=_name(known.release))
    ]
    lines += [draft.tell("verdict.other_rows")] if known.other_rows else []
    lines += [draft.tell("verdict.empty")] if not known.verdict.reasons else []
    rows = [
        (reason.rule, draft.tell(f"outcome.{reason.outcome}"), _with(reason.text, draft, "V1", f"reasons.{place}"))
        for place, reason in enumerate(known.verdict.reasons)
    ]
    heads = [draft.tell(f"head.{name}") for name in ("rule", "result", "why")]
    return join(forced(draft), join(*lines, between=draft.tell("space")), table(heads, rows), between="\n\n")


def found(draft: Draft, *kinds: FindingKind) -> Markdown:
    """List what was found, of some kinds or of all, then what was looked for in vain and what was not looked for."""
    evidence, asked = draft.known.evidence, kinds or get_args(FindingKind)
    those = [(place, finding) for place, finding in enumerate(evidence.findings) if finding.kind in asked]
    lines = [
        join(
            bold(
                draft.tell(
                    "found",
                    severity=draft.tell(f"severity.{finding.severity}"),
                    kind=draft.say(f"found.{finding.kind}"),
                )
            ),
            _with(sentence(finding, draft.say), draft, "E1", f"findings.{place}"),
            between=" ",
        )
        for place, finding in those
    ]
    there = {finding.kind for _, finding in those}
    absent = [kind for kind in asked if kind in evidence.checked and kind not in there]
    unlooked = [kind for kind in asked if kind not in evidence.checked and kind not in there]
    if not evidence.checked:
        lines.append(draft.tell("findings.unchecked"))
    elif not those and not kinds:
        lines.append(draft.tell("findings.none"))
    lines += [draft.tell("findings.absent", kinds=_kinds(absent, draft))] if absent else []
    lines += [draft.tell("findings.unlooked", kinds=_kinds(unlooked, draft))] if unlooked and evidence.checked else []
    return bullets(lines)


def releases(draft: Draft) -> Markdown:
    """List every release of the bundle, with the reason of each forced one."""
    rows = [
        (
            _name(release),
            minute(release.created_at),
            release.created_by,
            draft.tell(f"outcome.{release.verdict.outcome}"),
            join(_WARNING, bold(release.verdict.forced), between=" ") if release.verdict.forced else "",
        )
        for release in draft.known.releases
    ]
    heads = [draft.tell(f"head.{name}") for name in ("release", "at", "by", "result", "forced")]
    return table(heads, rows) or draft.tell("releases.none")


def _name(release: Release) -> Markdown:
    return code(f"{release.name}@{release.version}")


def _kinds(kinds: list[FindingKind], draft: Draft) -> Markdown:
    return join(*(escape(draft.say(f"found.{kind}")) for kind in kinds), between=draft.tell("comma"))


def _with(text: str, draft: Draft, label: str, path: str) -> Markdown:
    return join(text, draft.trace.reference(label, path), between=" ")
