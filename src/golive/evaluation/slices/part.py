"""Part: a Subject in, the slices on which its model is weak, hard-pressed or declared to be watched out."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.evidence import Measure
from golive.domain.finding import Finding
from golive.domain.metric import better
from golive.evaluation.checks.broken import broken
from golive.evaluation.numbers import readable
from golive.evaluation.roles import Note, note
from golive.evaluation.slices.conditions import Conditions, parts_of, text
from golive.evaluation.slices.figures import FEWEST, metric_names, metrics_of
from golive.evaluation.slices.losses import FEWEST_GROUPS, Answers, answers_of
from golive.evaluation.slices.screen import MOST_COLUMNS
from golive.evaluation.slices.weak import ALPHA, FEWEST_ROWS, Search, Slice, find, fits
from golive.evaluation.subject import Section, Subject, Table, taken
from golive.ports import Int64
from golive.statistics.clusters import units_of
from golive.statistics.excess import Bool

_DECLARED_STEPS = 4
_MOST_ROWS = 20
_MOST_LEFT_OUT = 0.2
"""Where a larger share of the rows is left out, to find nothing among the others says little."""
_SENTENCES: Mapping[str, str] = {
    "errors": "On the {rows:,} rows ({share:.1%}) with {slice} the model decides wrongly {points:.1f} percentage "
    "points more often than on rows with the same predictions (accuracy {inside:.3f} there, {outside:.3f} on others); "
    "look at their labels, or train with more of them",
    "log_loss": "On the {rows:,} rows ({share:.1%}) with {slice} the model's probabilities are further off than on "
    "rows with the same predictions: log loss is {excess:.3f} higher (accuracy {inside:.3f} there, {outside:.3f} on "
    "others); look at their labels, or train with more of them",
    "distance": "On the {rows:,} rows ({share:.1%}) with {slice} the model's errors are {more:.0%} larger than on rows "
    "with the same predictions (RMSE {inside:.4g}, where about {usual:.4g} would be usual); look at their targets, or "
    "train with more of them",
}


def slices(subject: Subject) -> Section:
    """Find weak slices, and measure the declared ones.

    Weak is a slice whose loss is larger than that of rows with the same predictions; one half of the rows is searched
    for it, the other decides (Holm over all that was carried over, 0.2 % in all). What is only hard, as the model
    itself says, is listed without a finding. Broken rows are left out; where they are more than a fifth, slices that
    are found are told, but none being found says nothing.
    """
    answers = answers_of(subject)
    columns, known = _columns(subject), {**subject.test.columns, **subject.test.extra}
    notes = [
        note("slices.no_column", "there is no column {column} to show slices of", column=name)
        for name in subject.declared.slices
        if name not in known
    ]
    everything = np.ones(subject.rows, dtype=np.bool_)
    declared = [
        _entry("declared", part, answers, fits(part, known), everything)
        for name in subject.declared.slices
        if name in known
        for part in ((one,) for one in parts_of(name, known[name], steps=_DECLARED_STEPS))
    ]
    spoilt = broken(subject) if _enough(answers) else {}
    sound = ~np.logical_or.reduce([np.zeros(subject.rows, dtype=np.bool_), *spoilt.values()])
    enough = _enough(answers.take(np.flatnonzero(sound).astype(np.int64)))
    found = _found(columns, answers, sound, subject.seed) if enough else None
    fitting = [fits(one.conditions, columns) & sound for one in found.slices] if found else []
    entries = [*_entries(found, fitting, answers), *declared] if found else declared
    claimed = enough and (~sound).mean() <= _MOST_LEFT_OUT
    findings = _findings(found, entries, fitting, subject) if found else []
    told = _notes(found, subject.rows, len(columns)) if enough or not spoilt else []
    return Section(
        measures=_measures(entries, answers, everything, len(findings) if claimed else None),
        details=_details(found, entries, answers, everything, len(columns)),
        findings=tuple(findings),
        checked=("weak_slice",) if claimed else (),
        notes=(*notes, *_spoilt_notes(spoilt, sound, enough=enough, claimed=claimed), *told),
    )


def _enough(answers: Answers) -> bool:
    groups = answers.groups
    apart = groups is None or (len(groups) > 0 and units_of(groups) >= FEWEST_GROUPS)
    return len(answers.truth) >= FEWEST_ROWS and bool(apart)


def _found(columns: Table, answers: Answers, sound: Bool, seed: int) -> Search:
    """Search among the sound rows; the places that it gives are those of all rows."""
    if sound.all():
        return find(columns, answers, seed=seed)
    places = np.flatnonzero(sound).astype(np.int64)
    found = find(taken(columns, places), answers.take(places), seed=seed)
    slices = tuple(msgspec.structs.replace(one, counted=places[one.counted]) for one in found.slices)
    return msgspec.structs.replace(found, slices=slices)


def _columns(subject: Subject) -> Table:
    names = {*subject.declared.identifiers, subject.declared.group}
    table = {**subject.test.columns, **subject.test.extra}
    return {name: column for name, column in table.items() if name not in names}


def _entries(found: Search, fitting: Iterable[Bool], answers: Answers) -> list[dict[str, Any]]:
    entries = []
    for one, inside in zip(found.slices, fitting, strict=True):
        unseen = np.zeros(len(answers.truth), dtype=np.bool_)
        unseen[one.counted] = True
        entry = _entry(one.kind, one.conditions, answers, inside, unseen)
        excess = {"value": one.excess.value, "lower": one.excess.lower, "upper": one.excess.upper}
        entries.append({**entry, "loss": one.loss, "excess": excess, "more": _more(one), "p": one.p})
    return entries


def _entry(kind: str, conditions: Conditions, answers: Answers, inside: Bool, counted: Bool) -> dict[str, Any]:
    return {
        "kind": kind,
        "text": text(conditions),
        "text_zh": text(conditions, "zh"),
        "conditions": msgspec.to_builtins(conditions),
        "rows": int(inside.sum()),
        "share": float(inside.mean()),
        "counted": int((inside & counted).sum()),
        "inside": metrics_of(answers, inside & counted),
        "outside": metrics_of(answers, ~inside & counted),
    }


def _findings(
    found: Search, entries: Iterable[dict[str, Any]], fitting: Iterable[Bool], subject: Subject
) -> list[Finding]:
    first = metric_names(answers_of(subject))[0]
    return [
        _finding(one, entry, first, subject.kept[inside])
        for one, entry, inside in zip(found.slices, entries, fitting, strict=False)
        if one.kind == "weak"
    ]


def _finding(one: Slice, entry: dict[str, Any], metric: str, rows: Int64) -> Finding:
    code = one.loss if one.loss in _SENTENCES else "distance"
    values = {
        "slice": entry["text"],
        "slice_zh": entry["text_zh"],
        "rows": entry["rows"],
        "share": entry["share"],
        "excess": one.excess.value,
        "points": 100.0 * one.excess.value,
        "more": _more(one),
        "inside": _value(entry["inside"], metric),
        "outside": _value(entry["outside"], metric),
        "usual": _value(entry["inside"], metric) / (1.0 + max(_more(one), 0.0)),
    }
    return Finding(
        kind="weak_slice",
        severity="warn",
        code=code,
        text=_SENTENCES[code].format(**readable(values)),
        values=values,
        columns=tuple(dict.fromkeys(condition.column for condition in one.conditions)),
        rows=tuple(rows[:_MOST_ROWS].tolist()),
        p=one.p,
    )


def _more(one: Slice) -> float:
    if one.usual <= 0.0:
        return 0.0
    ratio = 1.0 + one.excess.value / one.usual
    return float(np.sqrt(ratio) if one.loss == "squared" else ratio) - 1.0


def _value(numbers: dict[str, Any], metric: str) -> float:
    value = numbers.get(metric, {}).get("value")
    return 0.0 if value is None else float(value)


def _measures(
    entries: Iterable[dict[str, Any]], answers: Answers, everything: Bool, weak: int | None
) -> tuple[Measure, ...]:
    whole = {"text": "", "counted": len(everything), "inside": metrics_of(answers, everything)}
    shown = [entry for entry in entries if entry["counted"] >= FEWEST]
    measures = [worst for name in metric_names(answers) if (worst := _worst(name, shown or [whole], len(everything)))]
    if weak is None:
        return tuple(measures)
    return (*measures, Measure(name="slices.weak", value=float(weak), rows=len(everything), better="lower"))


def _worst(name: str, entries: Iterable[dict[str, Any]], rows: int) -> Measure | None:
    having = [entry for entry in entries if entry["inside"].get(name, {}).get("value") is not None]
    if not having:
        return None
    sign = 1.0 if better(name) == "higher" else -1.0
    worst = min(having, key=lambda entry: sign * entry["inside"][name]["value"])
    number = worst["inside"][name]
    return Measure(
        name=f"slices.worst_{name}",
        value=number["value"],
        lower=number["lower"],
        upper=number["upper"],
        rows=worst["counted"] or rows,
        method="that of the metric, on the rows of the slice",
        better=better(name),
        note=f"the worst slice is {worst['text']}" if worst["text"] else "no slice was found; this is of all rows",
    )


def _details(
    found: Search | None, entries: list[dict[str, Any]], answers: Answers, everything: Bool, columns: int
) -> dict[str, Any]:
    return {
        "metric": metric_names(answers)[0],
        "metrics": list(metric_names(answers)),
        "overall": metrics_of(answers, everything),
        "slices": entries,
        "searched": found.searched if found else 0,
        "confirmed": found.confirmed if found else 0,
        "columns": columns,
        "columns_read": len(found.columns) if found else 0,
        "alpha": ALPHA,
    }


def _spoilt_notes(spoilt: Mapping[str, Bool], sound: Bool, *, enough: bool, claimed: bool) -> list[Note]:
    """Say which rows are left out, since another finding speaks of them already; and of very many, what that means."""
    if not spoilt:
        return []
    counts: dict[str, Any] = {"count": int((~sound).sum()), "rows": len(sound)}
    about = (
        "in {count:,} of {rows:,} test rows {columns} holds values that training does not have, in another unit or "
        "codes for missing ones, as its own finding says; weak slices are "
    )
    columns, left = ", ".join(spoilt), int(sound.sum())
    if claimed:
        told = note("slices.broken", f"{about}searched for among the others", columns=columns, **counts)
    elif enough:
        text = f"{about}searched for among the other {{left:,}} only, so that none being found would say little"
        told = note("slices.many_broken", text, kinds=["weak_slice"], columns=columns, left=left, **counts)
    else:
        text = f"{about}not searched for among the other {{left:,}}"
        told = note("slices.all_broken", text, kinds=["weak_slice"], columns=columns, left=left, **counts)
    return [told | {"columns": list(spoilt)}]


def _notes(found: Search | None, rows: int, columns: int) -> list[Note]:
    if found is None and rows >= FEWEST_ROWS:
        return [
            note(
                "slices.few_groups",
                "weak slices are not searched for with test rows of so few groups; {least} of equal size are needed",
                kinds=["weak_slice"],
                least=FEWEST_GROUPS,
            )
        ]
    if found is None:
        return [
            note(
                "slices.few_rows",
                "weak slices are not searched for with {count} test rows; {least} are needed",
                kinds=["weak_slice"],
                count=rows,
                least=FEWEST_ROWS,
            )
        ]
    if columns > MOST_COLUMNS:
        return [
            note(
                "slices.columns",
                "weak slices are made of the {read} columns that errors differ most by, of {count}",
                read=len(found.columns),
                count=columns,
            )
        ]
    return []
