"""Measured: the numbers of an evaluation as parts of a document, each with its reference."""

from collections.abc import Sequence
from typing import Any

from golive.domain.digest import short
from golive.evaluation.documents.draft import Draft
from golive.evaluation.documents.markdown import Markdown, bullets, escape, heading, join, table
from golive.evaluation.documents.trace import walked
from golive.evaluation.pages.measured import own_measures, paired_rows
from golive.evaluation.pages.phrases import known, listed

_ROLES = ("baseline", "champion")
_MOST = 40
_MOST_GROUPS = 24
_RATES = ("selection_rate", "tpr", "fpr", "precision", "accuracy", "mean_error", "rmse")
_COUNTED = ("size_mb", "latency.p50_ms", "latency.p99_ms")


def measured_on(draft: Draft) -> Markdown:
    """Say how many rows were used, where they are from, and what the model was compared with."""
    evidence = draft.known.evidence
    rows = draft.trace.value("E1", "rows")
    champion = (
        draft.tell("champion.is", digest=short(evidence.champion))
        if evidence.champion and evidence.champion != evidence.bundle
        else draft.tell("champion.none")
    )
    said = draft.tell("measured.on" if evidence.rows_from == "test" else "measured.given", rows=rows)
    return join(said, draft.tell("measured.interval"), champion, between=draft.tell("space"))


def numbers(draft: Draft) -> Markdown:
    """Write the metrics beside those of the baseline and the live model, with paired differences."""
    evidence = draft.known.evidence
    names = {measure.name for measure in evidence.measures}
    roles = [role for role in _ROLES if any(name.startswith(f"{role}.") for name in names)]
    heads = [draft.tell("head.measure"), draft.tell("head.model")]
    heads += [draft.tell(f"head.{part}{role}") for role in roles for part in ("", "against_")]
    rows = []
    for name in paired_rows(evidence):
        others = (other for role in roles for other in (f"{role}.{name}", f"{name} - {role}.{name}"))
        rows.append((draft.label(name), draft.trace.measure(name), *map(draft.trace.measure, others)))
    return table(heads, rows)


def notes(draft: Draft) -> Markdown:
    """List what has to be known to read the numbers, such as that there are few rows."""
    listed: Sequence[Any] = draft.known.evidence.details.get("notes", ())
    return bullets(
        [
            join(_note(note, draft), draft.trace.reference("E1", f"details.notes.{place}"), between=" ")
            for place, note in enumerate(listed[:_MOST])
        ]
    )


def other_numbers(draft: Draft) -> Markdown:
    """Write what was measured of the model alone."""
    paired = set(paired_rows(draft.known.evidence))
    return _listed(
        draft,
        [
            measure.name
            for measure in own_measures(draft.known.evidence)
            if measure.name not in paired and measure.name.partition(".")[0] in {"calibration", "cost", "quantile"}
        ],
    )


def counted(draft: Draft) -> Markdown:
    """Write the size and the latency."""
    return _listed(draft, _COUNTED)


def fairness(draft: Draft) -> Markdown:
    """Write the groups of every declared column and the gaps between them."""
    columns: Sequence[Any] = walked(draft.known.evidence.details, "fairness.columns") or ()
    gaps = _listed(draft, _names(draft, "fairness."))
    if not columns and not gaps:
        return join(draft.tell("fairness.none"), draft.gap("sensitive"), between=draft.tell("space"))
    parts = [_groups(column, place, draft) for place, column in enumerate(columns)]
    return join(*parts, heading(4, draft.title("fairness.gaps")) if gaps else "", gaps, between="\n\n")


def slices(draft: Draft) -> Markdown:
    """Write the slices on which the model is worse."""
    listed: Sequence[Any] | None = walked(draft.known.evidence.details, "slices.slices")
    if listed is None:
        return draft.tell("slices.none")
    metric = str(walked(draft.known.evidence.details, "slices.metric") or "")
    text = "text_zh" if draft.language == "zh" else "text"
    heads = [draft.tell("head.what"), escape(draft.say("slices.kind")), draft.tell("head.rows"), draft.label(metric)]
    rows = [
        (
            part.get(text) or part.get("text", ""),
            draft.say(f"slices.kind.{part.get('kind', '')}"),
            draft.trace.value("E1", f"details.slices.slices.{place}.rows"),
            draft.trace.value("E1", f"details.slices.slices.{place}.inside.{metric}"),
        )
        for place, part in enumerate(listed[:_MOST])
    ]
    return join(
        draft.tell("slices.about") if rows else draft.tell("slices.absent"),
        table(heads, rows),
        _listed(draft, _names(draft, "slices.")),
        between="\n\n",
    )


def robustness(draft: Draft) -> Markdown:
    """Write what the metric loses under stress."""
    listed = _listed(draft, _names(draft, "robustness."))
    return join(draft.tell("robustness.about"), listed, between="\n\n") if listed else draft.tell("robustness.none")


def importance(draft: Draft) -> Markdown:
    """Write what the answers rest on, the most important column first."""
    measures = [measure for measure in draft.known.evidence.measures if measure.name.startswith("importance.")]
    names = [measure.name for measure in sorted(measures, key=lambda measure: -measure.value)]
    if not names:
        return draft.tell("importance.none")
    return join(draft.tell("importance.about"), _listed(draft, names, head="importance"), between="\n\n")


def _note(note: Any, draft: Draft) -> str:
    key = f"note.{note.get('code')}.{note['role']}" if "role" in note else f"note.{note.get('code')}"
    if draft.language == "en" or not known(key):
        return str(note.get("text", note.get("code", "")))
    filled = {**note, "metric": draft.say(f"metric.{note['metric']}")} if "metric" in note else note
    return draft.say(key, **listed(draft.say, filled))


def _groups(column: Any, place: int, draft: Draft) -> Markdown:
    groups = column.get("groups", ())[:_MOST_GROUPS]
    rates = [rate for rate in _RATES if any(isinstance(group.get(rate), dict) for group in groups)]
    at = f"details.fairness.columns.{place}.groups"
    rows = [
        (
            group.get("name", ""),
            draft.trace.value("E1", f"{at}.{number}.rows"),
            *(draft.trace.value("E1", f"{at}.{number}.{rate}") for rate in rates),
        )
        for number, group in enumerate(groups)
    ]
    heads = [draft.tell("head.group"), draft.tell("head.rows"), *(escape(draft.say(f"rate.{rate}")) for rate in rates)]
    title = heading(4, draft.title("fairness.groups", column=column.get("label", "")))
    return join(title, table(heads, rows), between="\n\n")


def _names(draft: Draft, family: str) -> list[str]:
    return [measure.name for measure in draft.known.evidence.measures if measure.name.startswith(family)]


def _listed(draft: Draft, names: Sequence[str], *, head: str = "value") -> Markdown:
    """Write some measures under one another, and how many more there are."""
    there = [name for name in names if draft.known.evidence.find(name) is not None]
    rows = [(draft.label(name), draft.trace.measure(name)) for name in there[:_MOST]]
    left = len(there) - len(rows)
    more = draft.tell("more.measures", count=left, label="E1") if left > 0 else ""
    return join(table([draft.tell("head.measure"), draft.tell(f"head.{head}")], rows), more, between="\n\n")
