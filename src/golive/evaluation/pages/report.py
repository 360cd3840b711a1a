"""Report: everything known about one bundle in, one HTML page out that needs nothing else."""

import statistics
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from golive.domain.bundle import Manifest
from golive.domain.data_report import DataReport
from golive.domain.digest import Digest, short
from golive.domain.evidence import Evidence, Measure
from golive.domain.policy import Reason, Verdict
from golive.domain.signature import Field
from golive.evaluation.pages.chapter import written
from golive.evaluation.pages.chapters import chapters
from golive.evaluation.pages.figures import class_table, figures, table, worst_table
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.numbers import decimals_of, interval_text, number, value_text
from golive.evaluation.pages.phrases import Language, Say, phrases

_TILES = ("rmse", "mae", "r2", "mape", "accuracy", "f1", "auc", "log_loss")
_MOST_TRIALS = 60
_MOST_VALUES = 8


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
    body = join(
        _header(manifest, digest, evidence, verdict, say),
        _tiles(evidence, say),
        _notes(evidence, say),
        _verdict(verdict, lang, say),
        _numbers(evidence, say),
        _plots(evidence, say),
        *map(written, chapters(evidence, say)),
        _trials(trials, say),
        _data(data_report, say),
        _parity(parity, say),
        _signature(manifest, say),
        _lineage(manifest, digest, evidence, say),
        tag("footer", say("foot", code=evidence.code)),
    )
    head = join(
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", say("title", name=manifest.name)),
        tag("style", Markup(files("golive.evaluation.pages").joinpath("report.css").read_text(encoding="utf-8"))),
    )
    page = tag("html", tag("head", head), tag("body", body), lang="zh-CN" if lang == "zh" else "en")
    return f"<!DOCTYPE html>\n{page}\n"


def paired_rows(evidence: Evidence) -> list[str]:
    """Give the names of the metrics that a baseline or champion was measured on too, in order."""
    names = [measure.name for measure in evidence.measures]
    return [name for name in names if {f"baseline.{name}", f"champion.{name}"} & set(names)]


def numbers_table(evidence: Evidence, say: Say) -> Markup:
    """Write the headline table: value, baseline, champion and paired differences, with intervals."""
    roles = [role for role in ("baseline", "champion") if any(m.name.startswith(f"{role}.") for m in evidence.measures)]
    heads = [say("measure"), say("model"), *(say(key) for role in roles for key in (role, f"against.{role}"))]
    head = tag("tr", *(tag("th", text, kind="n" if place else None) for place, text in enumerate(heads)))
    rows = []
    for name in paired_rows(evidence):
        cells = [_value_cell(evidence.find(name))]
        for role in roles:
            cells.append(_value_cell(evidence.find(f"{role}.{name}")))
            cells.append(_difference_cell(evidence.find(f"{name} - {role}.{name}"), say))
        rows.append(tag("tr", tag("td", say(f"metric.{name}"), kind="name"), *cells))
    return tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), kind="wide")


def _section(title: str, *parts: object) -> Markup:
    return tag("section", tag("h2", title), *parts)


def _quiet(text: str) -> Markup:
    return tag("p", text, kind="quiet")


def _header(manifest: Manifest, digest: Digest, evidence: Evidence, verdict: Verdict | None, say: Say) -> Markup:
    outcome = verdict.outcome if verdict else "none"
    return tag(
        "header",
        tag(
            "div",
            tag("h1", say("title", name=manifest.name)),
            _quiet(say("measured", time=_minute(evidence.measured_at), rows=number(evidence.rows))),
            tag("p", tag("code", digest), kind="quiet"),
        ),
        tag("div", say(f"outcome.{outcome}"), kind=f"outcome {outcome}"),
    )


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
        )
        for measure in found
    )
    return tag("div", *tiles, kind="tiles") if found else Markup()


def _notes(evidence: Evidence, say: Say) -> Markup:
    notes: Sequence[Mapping[str, Any]] = evidence.details.get("notes", ())
    lines = []
    for note in notes:
        code = note["code"]
        key = f"note.{code}.{note['role']}" if "role" in note else f"note.{code}"
        numbers = dict(note)
        if "metric" in numbers:
            numbers["metric"] = say(f"metric.{numbers['metric']}")
        lines.append(tag("li", say(key, **numbers)))
    return tag("ul", *lines, kind="notes") if lines else Markup()


def _verdict(verdict: Verdict | None, lang: Language, say: Say) -> Markup:
    if verdict is None:
        return _section(say("verdict"), _quiet(say("verdict.none")))
    if not verdict.reasons:
        return _section(say("verdict"), _quiet(say("verdict.empty")))
    head = tag("tr", *(tag("th", say(key)) for key in ("rule", "result", "finding")))
    rows = (
        tag(
            "tr",
            tag("td", tag("code", reason.rule)),
            tag("td", say(f"mark.{reason.outcome}"), kind=reason.outcome),
            tag("td", _finding(reason, lang, say)),
        )
        for reason in verdict.reasons
    )
    forced = tag("p", say("forced", reason=verdict.forced), kind="fail") if verdict.forced else Markup()
    written = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), kind="wide")
    return _section(say("verdict"), forced, written)


def _finding(reason: Reason, lang: Language, say: Say) -> str:
    if lang == "en":
        return reason.text
    if reason.value is None or reason.bound is None:
        return say("finding.nobody" if reason.outcome == "pass" else "finding.missing")
    return say("finding.value", value=number(reason.value), bound=number(reason.bound))


def _numbers(evidence: Evidence, say: Say) -> Markup:
    task = evidence.details.get("task", "regression")
    champion = say("champion.is", digest=short(evidence.champion)) if evidence.champion else say("champion.none")
    champion = say("champion.self") if evidence.champion == evidence.bundle else champion
    about = [say("numbers.about"), say(f"baseline.{task}"), champion]
    return _section(say("numbers"), numbers_table(evidence, say), _quiet(" ".join(about)), _others(evidence, say))


def _others(evidence: Evidence, say: Say) -> Markup:
    paired = set(paired_rows(evidence))
    alone = [m for m in evidence.measures if m.name not in paired and not m.name.startswith(("baseline.", "champion."))]
    rows = [m for m in alone if " - " not in m.name]
    return join(tag("h3", say("other")), _measures(rows, say)) if rows else Markup()


def _measures(measures: Sequence[Measure], say: Say) -> Markup:
    keys = ["measure", "value"]
    keys += ["interval"] if any(measure.lower is not None for measure in measures) else []
    keys += ["remark"] if any(measure.note for measure in measures) else []
    rows = [tuple(_measure_cell(measure, key, say) for key in keys) for measure in measures]
    return tag("div", table([say(key) for key in keys], rows), kind="narrow")


def _measure_cell(measure: Measure, key: str, say: Say) -> str:
    if key == "value":
        return Markup(value_text(measure))
    if key == "interval":
        return Markup(interval_text(measure))
    return say(f"metric.{measure.name}") if key == "measure" else measure.note


def _value_cell(measure: Measure | None) -> Markup:
    if measure is None:
        return tag("td", "–", kind="n")
    hint = "; ".join(filter(None, (measure.method, measure.note))) or None
    return tag("td", value_text(measure), tag("small", interval_text(measure)), kind="n", title=hint)


def _difference_cell(measure: Measure | None, say: Say) -> Markup:
    if measure is None:
        return tag("td", "–", kind="n")
    judged = _judged(measure)
    mark = {"better": "✓ ", "worse": "✗ ", "unclear": "· "}[judged]
    signed = value_text(measure)
    value = tag("span", tag("span", mark, aria_hidden="true"), _plus(measure), signed, kind=judged, title=say(judged))
    return tag("td", value, tag("small", interval_text(measure)), kind="n", title=measure.method or None)


def _plus(measure: Measure) -> str:
    return "+" if measure.value > 0 and number(measure.value, decimals_of(measure)).strip("0.") else ""


def _judged(measure: Measure) -> str:
    if measure.better == "none" or measure.lower is None or measure.upper is None:
        return "unclear"
    if measure.lower <= 0.0 <= measure.upper:
        return "unclear"
    return "better" if (measure.lower > 0.0) == (measure.better == "higher") else "worse"


def _plots(evidence: Evidence, say: Say) -> Markup:
    drawn = figures(evidence.details, say)
    if not drawn:
        return Markup()
    more = [tag("h3", say("per_class")), class_table(evidence.details, say)] if "per_class" in evidence.details else []
    worst = [tag("h3", say("worst")), worst_table(evidence.details, say)] if evidence.details.get("worst") else []
    return _section(say("plots"), drawn, *more, *worst)


def _trials(trials: Sequence[Mapping[str, Any]], say: Say) -> Markup:
    if not trials:
        return Markup()
    ordered = sorted(trials, key=lambda trial: (not trial.get("chosen"), -_score(trial)))
    heads = (("candidate", None), ("parameters", None), ("score", "n"), ("std", "n"), ("fit", "n"))
    head = tag("tr", *(tag("th", say(key), kind=kind) for key, kind in heads))
    rows = (_trial(trial, say) for trial in ordered[:_MOST_TRIALS])
    left = len(ordered) - _MOST_TRIALS
    more = _quiet(say("trials.more", count=left)) if left > 0 else Markup()
    written = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), kind="wide")
    return _section(say("trials"), written, more, _quiet(say("trials.about")))


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


def _data(report: DataReport | None, say: Say) -> Markup:
    if report is None:
        return Markup()
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
    parts += [tag("h3", say("changes")), table(heads, changes) if changes else _quiet(say("changes.none"))]
    if report.columns:
        parts += [tag("h3", say("columns")), _columns(report, say)]
    return _section(say("data"), *parts)


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
    return table(tuple(map(say, heads)), rows)


def _parity(parity: Evidence | None, say: Say) -> Markup:
    if parity is None:
        return Markup()
    return _section(
        say("parity"),
        tag("p", say("parity.about", rows=number(parity.rows))),
        _measures(parity.measures, say) if parity.measures else Markup(),
        _facts([(say(f"fact.{key}").replace("_", " "), _plain(value)) for key, value in parity.details.items()]),
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


def _signature(manifest: Manifest, say: Say) -> Markup:
    signature = manifest.signature
    rows = [
        (field.name, field.dtype, say("yes" if field.nullable else "no"), _seen(field, say), field.unit)
        for field in signature.inputs
    ]
    output = tag(
        "p", say("signature.output", target=signature.target), f" ({signature.unit})" if signature.unit else ""
    )
    classes = _quiet(", ".join(signature.classes)) if signature.classes else Markup()
    heads = tuple(say(key) for key in ("field", "type", "may.miss", "seen", "unit"))
    return _section(say("signature"), table(heads, rows), output, classes)


def _seen(field: Field, say: Say) -> str:
    if field.categories:
        shown = ", ".join(field.categories[:_MOST_VALUES])
        left = len(field.categories) - _MOST_VALUES
        return f"{shown} {say('more.values', count=left)}" if left > 0 else shown
    if field.minimum is not None and field.maximum is not None:
        return f"{number(field.minimum)} … {number(field.maximum)}"
    return ""


def _lineage(manifest: Manifest, digest: Digest, evidence: Evidence, say: Say) -> Markup:
    lineage = manifest.lineage
    facts: list[tuple[str, object]] = [(say("bundle"), tag("code", digest))]
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
    return _section(say("lineage"), _facts(facts))
