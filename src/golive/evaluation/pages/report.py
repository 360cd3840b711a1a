"""Report: everything known about one bundle in, one HTML page out that needs nothing else."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import msgspec

from golive.domain.bundle import Manifest
from golive.domain.data_report import DataReport
from golive.domain.digest import Digest, digest_of_value, short
from golive.domain.evidence import Evidence
from golive.domain.finding import USUAL_KINDS, Finding
from golive.domain.policy import Reason, Verdict
from golive.domain.signature import Field, Signature
from golive.errors import PolicyError
from golive.evaluation.numbers import interval_text, number, value_text
from golive.evaluation.pages.chapter import Chapter, written
from golive.evaluation.pages.chapters import chapters
from golive.evaluation.pages.figures import cut
from golive.evaluation.pages.findings import absent_kind, findings, note_text, whole, why_unlooked, worst_severity
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.measured import every_number, hint, measures_table
from golive.evaluation.pages.phrases import Language, Say, phrases, together
from golive.evaluation.pages.remarks import remark
from golive.evaluation.pages.summary import summary
from golive.inference.feeds import shape_text
from golive.judge import FINDINGS, Rule, read_rule

_TILES = ("rmse", "mae", "r2", "mape", "accuracy", "f1", "auc", "log_loss")
_MOST_TRIALS = 60
_OF_CHAPTERS: Mapping[str, str] = {
    "slices.": "slices",
    "label_noise.": "label-noise",
    "stress_": "robustness",
    "fairness_": "fairness",
}
"""How the codes of notes begin that stand in a chapter, where the page has it."""
_GROUPS = "fairness."
_MOST_VALUES = 8
_MOST_CLASSES = 100


def render(
    *,
    manifest: Manifest,
    digest: Digest,
    evidence: Evidence,
    verdict: Verdict | None,
    data_report: DataReport | None,
    trials: Sequence[Mapping[str, Any]] = (),
    parity: Evidence | None = None,
    lang: Language = "en",
) -> str:
    """Write the page, in English or Chinese.

    ``trials`` are plain dictionaries with ``candidate``, ``parameters``, ``mean``, ``std`` (or ``scores``), ``fit_s``,
    ``error`` and ``chosen``. The page is the same, byte for byte, whenever its values are the same.

    Raises:
        UsageError: ``lang`` is neither ``en`` nor ``zh``.
    """
    say = phrases(lang)
    known = [_noted(chapter, evidence, say) for chapter in chapters(evidence, say)]
    parts = [
        _verdict(verdict, evidence, say),
        Chapter(name="findings", title=say("findings"), parts=(findings(evidence, say),)),
        *known,
        *filter(
            None,
            (
                _data(data_report, say),
                _trials(trials, say),
                _parity(parity, say),
                _signature(manifest, say),
                _lineage(manifest, digest, evidence, say),
                every_number(evidence, say),
            ),
        ),
    ]
    body = join(
        _header(manifest, digest, evidence, verdict, say),
        _forced(verdict, say),
        summary(verdict, evidence, lambda reason: _finding(reason, evidence, say), say),
        _tiles(evidence, say),
        _notes(evidence, [chapter.name for chapter in known], say),
        _contents(parts, say),
        tag("main", *map(written, parts)),
        _sign_off(manifest, evidence, say),
        tag("footer", say("foot", code=evidence.code.removeprefix("golive "))),
    )
    head = join(
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", say("title", name=manifest.name)),
        tag("style", Markup(files("golive.evaluation.pages").joinpath("report.css").read_text(encoding="utf-8"))),
    )
    page = tag("html", tag("head", head), tag("body", body), lang="zh-CN" if lang == "zh" else "en")
    return f"<!DOCTYPE html>\n{page}\n"


def _quiet(text: str) -> Markup:
    return tag("p", text, kind="quiet")


def attached(evidence: Evidence) -> Digest:
    """Name the evidence as the store does, so that each number of the page can be traced to it."""
    if evidence.champion == evidence.bundle:
        # Whether the bundle is live itself is only said when it is read, not where it is kept.
        evidence = msgspec.structs.replace(evidence, champion=None)
    return digest_of_value(evidence)


def _header(manifest: Manifest, digest: Digest, evidence: Evidence, verdict: Verdict | None, say: Say) -> Markup:
    outcome = verdict.outcome if verdict and verdict.reasons else "none"
    severity = worst_severity(evidence)
    said = "empty" if verdict and not verdict.reasons else outcome
    badges = [tag("div", say(f"outcome.{said}"), kind=f"outcome {outcome}")]
    if verdict and verdict.forced:
        badges.append(tag("div", say("forced.badge"), kind="outcome forced"))
    if severity:
        against = sum(finding.severity != "note" for finding in evidence.findings)
        notes = len(evidence.findings)
        counted = say("findings.count", count=against) if against else say("findings.notes", count=notes)
        badges.append(tag("a", counted, kind=f"outcome {severity}", href="#findings"))
    return tag(
        "header",
        tag(
            "div",
            tag("h1", say("title", name=manifest.name)),
            _quiet(say("measured", time=_minute(evidence.measured_at), rows=number(evidence.rows))),
            tag("p", say("bundle"), " ", tag("code", digest), kind="quiet"),
            tag("p", say("evidence"), " ", tag("code", attached(evidence)), kind="quiet"),
        ),
        tag("div", *badges, kind="badges"),
    )


def _forced(verdict: Verdict | None, say: Say) -> Markup:
    if verdict is None or not verdict.forced:
        return Markup()
    return tag("div", tag("b", say("forced.title")), tag("p", say("forced", reason=verdict.forced)), kind="forced-box")


def _contents(parts: Sequence[Chapter], say: Say) -> Markup:
    links = (tag("li", tag("a", part.title, href=f"#{part.name}")) for part in parts)
    return tag("nav", tag("ul", *links), aria_label=say("contents"))


def _sign_off(manifest: Manifest, evidence: Evidence, say: Say) -> Markup:
    lines = (
        tag("tr", tag("th", say(f"sign.{who}"), scope="row"), *(tag("td") for _ in range(4)))
        for who in ("made", "reviewed", "approved")
    )
    heads = tag("tr", *(tag("th", say(f"sign.{what}")) for what in ("who", "name", "role", "date", "signature")))
    about = _quiet(say("sign.about", name=manifest.name, evidence=short(attached(evidence))))
    signed = tag("table", tag("thead", heads), tag("tbody", *lines))
    return tag("section", tag("h2", say("sign")), about, signed, kind="sign-off")


def _minute(at: str) -> str:
    return f"{at[:10]} {at[11:16]} UTC" if at.endswith(("Z", "+00:00")) else at


def _tiles(evidence: Evidence, say: Say) -> Markup:
    found = [measure for name in _TILES if (measure := evidence.find(name)) is not None]
    tiles = (
        tag(
            "div",
            tag("span", say(f"metric.{measure.name}")),
            tag("b", value_text(measure)),
            tag("span", say("tile", interval=interval_text(measure)) if measure.lower is not None else ""),
            kind="tile",
            title=hint(measure, say),
        )
        for measure in found
    )
    return tag("div", *tiles, kind="tiles") if found else Markup()


def _notes(evidence: Evidence, chapters: Sequence[str], say: Say) -> Markup:
    """Write what the rows do not allow to be said; what was not looked for stands with the findings."""
    notes = [note for note in _remarks(evidence) if _home(note) not in chapters]
    lines = (tag("li", say("sentence", text=note_text(note, say))) for note in notes)
    return tag("ul", *lines, kind="notes") if notes else Markup()


def _noted(chapter: Chapter, evidence: Evidence, say: Say) -> Chapter:
    """Add the notes about a chapter to it."""
    notes = [note for note in _remarks(evidence) if _home(note) == chapter.name]
    lines = (_quiet(say("sentence", text=note_text(note, say))) for note in notes)
    return msgspec.structs.replace(chapter, parts=(*chapter.parts, *lines))


def _remarks(evidence: Evidence) -> list[Mapping[str, Any]]:
    return [note for note in evidence.details.get("notes", ()) if not note.get("kinds")]


def _home(note: Mapping[str, Any]) -> str:
    code = str(note["code"])
    return next((name for start, name in _OF_CHAPTERS.items() if code.startswith(start)), "")


def _verdict(verdict: Verdict | None, evidence: Evidence, say: Say) -> Chapter:
    if verdict is None or not verdict.reasons:
        about = _quiet(say("verdict.none" if verdict is None else "verdict.empty"))
        return Chapter(name="verdict", title=say("verdict"), parts=(about,))
    head = tag("tr", *(tag("th", say(key)) for key in ("rule", "result", "finding")))
    rows = (
        tag(
            "tr",
            tag("td", tag("code", reason.rule)),
            tag("td", say(f"mark.{reason.outcome}"), kind=reason.outcome),
            tag("td", _finding(reason, evidence, say)),
        )
        for reason in verdict.reasons
    )
    judged = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), kind="wide")
    policy = tag("p", say("policy"), " ", tag("code", verdict.policy), kind="quiet")
    return Chapter(name="verdict", title=say("verdict"), parts=(judged, policy))


def _finding(reason: Reason, evidence: Evidence, say: Say) -> str:
    kind, _, none = reason.rule.partition("==")
    if none.strip() == "none":
        return _none_of(kind.strip(), reason, evidence, say)
    if reason.value is None or reason.bound is None:
        return say("finding.nobody" if reason.outcome == "pass" else "finding.missing")
    return _compared(reason, reason.value, reason.bound, evidence, say)


def _compared(reason: Reason, value: float, bound: float, evidence: Evidence, say: Say) -> str:
    """Say what a rule met: of an end of an interval also the value itself, and which groups it is between."""
    rule = _read(reason.rule)
    measure = evidence.find(rule.measure) if rule else None
    shown = {"value": number(value), "bound": number(bound)}
    if rule is None or measure is None:
        return say("finding.value", **shown)
    said = (
        say(f"finding.value.{rule.bound}", whole=number(measure.value), **shown)
        if rule.bound
        else say("finding.value", **shown)
    )
    between = remark(measure.note, say) if rule.measure.startswith(_GROUPS) else ""
    return say("finding.value.about", found=said, about=between) if between else said


def _read(text: str) -> Rule | None:
    """Take a rule apart; None for one of a release whose rules were written otherwise."""
    try:
        return read_rule(text)
    except PolicyError:
        return None


def _none_of(kind: str, reason: Reason, evidence: Evidence, say: Say) -> str:
    every = kind == FINDINGS
    found = [finding for finding in evidence.findings if every or finding.kind == kind]
    against = [finding for finding in found if finding.severity != "note"]
    if reason.outcome == "fail" and against:
        more = [say("findings.others", count=len(against) - 1)] if len(against) > 1 else []
        return together(say, whole(against[0], say), *more)
    if reason.outcome == "not-enough-data":
        asked = USUAL_KINDS if every else (kind,)
        return together(say, *why_unlooked([one for one in asked if one not in evidence.checked], evidence, say))
    if found:
        return say("findings.only_notes", count=len(found)) if every else together(say, *_sentences(found, say))
    return say("findings.clean") if every else say("findings.absent", kinds=absent_kind(kind, say))


def _sentences(found: Sequence[Finding], say: Say) -> list[str]:
    return [whole(finding, say) for finding in found]


def _trials(trials: Sequence[Mapping[str, Any]], say: Say) -> Chapter | None:
    if not trials:
        return None
    ordered = sorted(trials, key=lambda trial: (not trial.get("chosen"), -_score(trial)))
    heads = (("candidate", None), ("parameters", None), ("score", "n"), ("std", "n"), ("fit", "n"))
    head = tag("tr", *(tag("th", say(key), kind=kind) for key, kind in heads))
    rows = (_trial(trial, say) for trial in ordered[:_MOST_TRIALS])
    left = len(ordered) - _MOST_TRIALS
    more = _quiet(say("trials.more", count=left)) if left > 0 else Markup()
    tried = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), kind="wide")
    return Chapter(name="trials", title=say("trials"), about=say("trials.about"), parts=(tried, more))


def _score(trial: Mapping[str, Any]) -> float:
    mean = trial.get("mean")
    return float(mean) if mean is not None and not trial.get("error") else float("-inf")


def _spread(trial: Mapping[str, Any]) -> float:
    if trial.get("std") is not None:
        return float(trial["std"])
    scores: Sequence[float] = trial.get("scores") or ()
    return statistics.stdev(scores) if len(scores) > 1 else float("nan")


def _trial(trial: Mapping[str, Any], say: Say) -> Markup:
    parameters = ", ".join(f"{key}={value}" for key, value in trial.get("parameters", {}).items())
    name: list[object] = [trial["candidate"]]
    if trial.get("chosen"):
        name.append(tag("span", f" · {say('chosen')}", kind="better"))
    if trial.get("error"):
        reason = tag("td", say("failed", reason=trial["error"]), colspan="3", kind="worse")
        return tag("tr", tag("td", *name), tag("td", tag("code", parameters)), reason)
    return tag(
        "tr",
        tag("td", *name, kind="name"),
        tag("td", tag("code", parameters)),
        tag("td", number(_score(trial)), kind="n"),
        tag("td", number(_spread(trial)), kind="n"),
        tag("td", f"{float(trial.get('fit_s') or 0.0):.2f} s", kind="n"),
        kind="chosen" if trial.get("chosen") else None,
    )


def _data(report: DataReport | None, say: Say) -> Chapter | None:
    if report is None:
        return None
    counts = {"before": report.rows_in, "after": report.rows_out, "train": report.rows_train, "test": report.rows_test}
    parts = [tag("p", say("data.rows", **{key: number(count) for key, count in counts.items()}))]
    if report.notes:
        parts.append(tag("ul", *(tag("li", text) for text in report.notes)))
    changes = [
        (
            say(f"rule.{change.rule}"),
            change.column,
            say(f"action.{change.action}"),
            Markup(number(change.cells)),
            Markup(number(change.rows)),
            ", ".join(change.examples),
        )
        for change in report.changes
    ]
    heads = tuple(say(key) for key in ("rule", "column", "action", "cells", "rows", "examples"))
    parts += [tag("h3", say("changes")), cut(heads, changes, say) if changes else _quiet(say("changes.none"))]
    if report.columns:
        parts += [tag("h3", say("columns")), _columns(report, say)]
    return Chapter(name="data", title=say("data"), parts=tuple(parts))


def _columns(report: DataReport, say: Say) -> Markup:
    heads = ("column", "kind", "missing", "distinct", "minimum", "mean", "maximum", "top")
    rows = [
        (
            column.name,
            say(f"kind.{column.kind}"),
            Markup(number(column.missing)),
            Markup(number(column.distinct)),
            *(Markup("" if v is None else number(v)) for v in (column.minimum, column.mean, column.maximum)),
            ", ".join(column.top),
        )
        for column in report.columns
    ]
    return cut(tuple(map(say, heads)), rows, say)


def _parity(parity: Evidence | None, say: Say) -> Chapter | None:
    if parity is None:
        return None
    facts = [(say(f"fact.{key}").replace("_", " "), _plain(value)) for key, value in parity.details.items()]
    return Chapter(
        name="parity",
        title=say("parity"),
        about=say("parity.about", rows=number(parity.rows)),
        parts=(measures_table(parity.measures, say) if parity.measures else Markup(), _facts(facts)),
    )


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_plain(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return "–" if value is None else str(value)


def _facts(facts: Sequence[tuple[str, object]]) -> Markup:
    return (
        tag("dl", *(part for name, value in facts for part in (tag("dt", name), tag("dd", value))))
        if facts
        else Markup()
    )


def _signature(manifest: Manifest, say: Say) -> Chapter:
    signature = manifest.signature
    if signature.task == "tensors":
        return Chapter(name="signature", title=say("signature"), parts=tuple(_tensors(signature, say)))
    rows = [
        (field.name, field.dtype, say("yes" if field.nullable else "no"), _seen(field, say), field.unit)
        for field in signature.inputs
    ]
    output = tag(
        "p", say("signature.output", target=signature.target), f" ({signature.unit})" if signature.unit else ""
    )
    classes = _quiet(_several(signature.classes, say)) if signature.classes else Markup()
    heads = tuple(say(key) for key in ("field", "type", "may.miss", "seen", "unit"))
    return Chapter(name="signature", title=say("signature"), parts=(cut(heads, rows, say), output, classes))


def _tensors(signature: Signature, say: Say) -> Iterator[Markup]:
    heads = tuple(say(key) for key in ("field", "type", "tensors.shape"))
    for title, tensors in (("tensors.inputs", signature.tensors), ("tensors.outputs", signature.outputs)):
        yield tag("h3", say(title))
        yield cut(heads, [(one.name, one.dtype, shape_text(one.shape)) for one in tensors], say)


def _seen(field: Field, say: Say) -> str:
    if field.categories:
        return _several(field.categories, say, most=_MOST_VALUES)
    if field.minimum is not None and field.maximum is not None:
        return f"{number(field.minimum)} … {number(field.maximum)}"
    return ""


def _several(texts: Sequence[str], say: Say, *, most: int = _MOST_CLASSES) -> str:
    shown, left = ", ".join(texts[:most]), len(texts) - most
    return f"{shown} {say('more.values', count=left)}" if left > 0 else shown


def _lineage(manifest: Manifest, digest: Digest, evidence: Evidence, say: Say) -> Chapter:
    lineage = manifest.lineage
    facts: list[tuple[str, object]] = [(say("bundle"), tag("code", digest))]
    facts.append((say("evidence"), tag("code", attached(evidence))))
    facts += [(say("source", name=name), tag("code", value)) for name, value in lineage.data.items()]
    facts.append((say("data.digest"), tag("code", evidence.data or "–")))
    facts.append((say("fitted.rows"), number(lineage.rows)))
    facts.append((say("estimator"), lineage.model))
    parameters = ", ".join(f"{key}={value}" for key, value in lineage.parameters.items())
    facts.append((say("parameters"), tag("code", parameters or "–")))
    facts.append((say("seed"), str(lineage.seed)))
    facts.append((say("code"), lineage.code or evidence.code))
    facts.append((say("environment"), ", ".join(f"{name} {version}" for name, version in lineage.environment.items())))
    if lineage.parent:
        facts.append((say("parent"), tag("code", lineage.parent)))
    return Chapter(name="lineage", title=say("lineage"), parts=(_facts(facts),))
