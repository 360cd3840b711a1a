"""Section: fairness by each declared column and by pairs of them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import msgspec
import numpy as np

from golive.domain.evidence import Measure
from golive.domain.finding import Finding
from golive.domain.metric import rule_names
from golive.evaluation.groups.classified import gaps_of, group_rows
from golive.evaluation.groups.found import Test, classified_tests, findings_of, regressed_tests
from golive.evaluation.groups.gaps import Gap, comparable
from golive.evaluation.groups.membership import Grouping, crossed, grouped
from golive.evaluation.groups.outcomes import favorable_class, outcomes_of, tally
from golive.evaluation.groups.proxies import proxies
from golive.evaluation.groups.regressed import error_gaps, error_rows
from golive.evaluation.groups.thresholds import threshold_tables
from golive.evaluation.roles import Note, note
from golive.evaluation.subject import Section, Subject

MOST_COLUMNS = 10
MOST_PAIRS = 15
MOST_NAMED = 10
_TWO = 2


class Looked(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one grouping showed."""

    grouping: Grouping
    rows: list[dict[str, Any]]
    gaps: list[Gap]
    tests: list[Test]


def fairness(subject: Subject) -> Section:
    """Compare groups of people: rates or errors of each with intervals, gaps, inputs that stand in for a group."""
    declared = subject.declared.sensitive
    if not declared:
        return Section()
    classified = subject.signature.task == "classification"
    favorable = favorable_class(subject.signature, subject.declared.favorable) if classified else 0
    if favorable is None:
        return _unknown_favorable(subject)
    columns = columns_of(subject)
    absent = [name for name in declared if subject.test.column(name) is None]
    pairs, pair_notes = _pairs(columns)
    looked = [_looked(subject, one, favorable) for one in (*columns, *pairs)]
    compared = any(comparable(one.grouping).sum() >= _TWO for one in looked)
    with np.errstate(over="ignore", invalid="ignore"):
        findings = (*map(_absent, absent), *findings_of([test for one in looked for test in one.tests]))
    return Section(
        measures=tuple(_measures(looked)),
        details=_details(subject, looked, favorable),
        findings=findings,
        checked=("group_gap",) if compared and not absent else (),
        notes=(
            *_favorable_notes(subject, favorable),
            *_read_notes(subject),
            *_column_notes(subject),
            *pair_notes,
            *_small_notes(looked),
        ),
    )


def columns_of(subject: Subject) -> list[Grouping]:
    """Give the groups of every declared column that is there, :data:`MOST_COLUMNS` at most."""
    types = {field.name: field.dtype for field in subject.signature.inputs}
    present = [(name, subject.test.column(name)) for name in dict.fromkeys(subject.declared.sensitive)]
    found = [grouped(name, column, types.get(name, "float64")) for name, column in present if column is not None]
    whole = subject.groups
    return [msgspec.structs.replace(one, whole=whole) for one in found[:MOST_COLUMNS]]


def _pairs(columns: Sequence[Grouping]) -> tuple[list[Grouping], list[Note]]:
    both = [pair for pair in combinations(columns, _TWO) if all(sum(one.people) >= _TWO for one in pair)]
    left = len(both) - MOST_PAIRS
    notes = [
        note(
            "fairness_pairs",
            "fairness is measured by the first {shown} pairs of sensitive columns; {left} are left out",
            shown=MOST_PAIRS,
            left=left,
        )
    ]
    return [crossed(*pair) for pair in both[:MOST_PAIRS]], notes if left > 0 else []


def _looked(subject: Subject, grouping: Grouping, favorable: int) -> Looked:
    if subject.signature.task == "regression":
        truth, predicted = np.asarray(subject.test.truth, dtype=np.float64), subject.predicted[:, 0]
        # Squares of very large errors overflow; what is no number then is left out.
        with np.errstate(over="ignore", invalid="ignore"):
            return Looked(
                grouping=grouping,
                rows=error_rows(truth, predicted, grouping),
                gaps=error_gaps(truth, predicted, grouping),
                tests=regressed_tests(truth, predicted, grouping),
            )
    counts = tally(outcomes_of(subject, favorable), grouping)
    return Looked(
        grouping=grouping,
        rows=group_rows(counts, grouping, subject.seed),
        gaps=gaps_of(counts, grouping),
        tests=classified_tests(counts, grouping, subject.signature.classes[favorable]),
    )


def _measures(looked: Sequence[Looked]) -> list[Measure]:
    places = rule_names(["_x_".join(one.grouping.columns) for one in looked])
    return [gap.measure(place) for place, one in zip(places, looked, strict=True) for gap in one.gaps]


def _details(subject: Subject, looked: Sequence[Looked], favorable: int) -> dict[str, Any]:
    classes = subject.signature.classes
    tables = {
        "columns": [_table(one) | _standing_in(subject, one) for one in looked if len(one.grouping.columns) == 1],
        "pairs": [_table(one) for one in looked if len(one.grouping.columns) == _TWO],
    }
    if subject.signature.task == "regression":
        return {"task": "regression", "target": subject.signature.target, "unit": subject.signature.unit, **tables}
    singles = [one.grouping for one in looked if len(one.grouping.columns) == 1]
    return {
        "task": "classification",
        "favorable": classes[favorable],
        "assumed": not subject.declared.favorable,
        "classes": len(classes),
        **tables,
        "thresholds": threshold_tables(subject, singles, favorable),
    }


def _table(one: Looked) -> dict[str, Any]:
    return {
        "label": one.grouping.label,
        "columns": list(one.grouping.columns),
        "groups": one.rows,
        "gaps": [gap.detail for gap in one.gaps],
    }


def _standing_in(subject: Subject, one: Looked) -> dict[str, Any]:
    read = one.grouping.columns[0] in subject.test.columns
    return {"read": read, "proxies": proxies(subject, one.grouping)}


def _favorable_notes(subject: Subject, favorable: int) -> list[Note]:
    if subject.signature.task == "regression" or subject.declared.favorable:
        return []
    text = (
        "evaluation.favorable is not declared, so fairness takes {label!r} for the answer that people wish for; set it "
        "if that is another one"
    )
    return [note("fairness_favorable", text, label=subject.signature.classes[favorable])]


def _read_notes(subject: Subject) -> list[Note]:
    read = [name for name in dict.fromkeys(subject.declared.sensitive) if name in subject.test.columns]
    text = (
        "the model reads sensitive columns ({columns}): it may decide by them, which is unlawful for some decisions "
        "and groups"
    )
    return [note("fairness_read", text, columns=", ".join(read)) | {"columns": read}] if read else []


def _column_notes(subject: Subject) -> list[Note]:
    present = [name for name in dict.fromkeys(subject.declared.sensitive) if subject.test.column(name) is not None]
    left = len(present) - MOST_COLUMNS
    text = "fairness is measured by the first {shown} sensitive columns; {left} are left out"
    return [note("fairness_columns", text, shown=MOST_COLUMNS, left=left)] if left > 0 else []


def _small_notes(looked: Sequence[Looked]) -> list[Note]:
    notes: list[Note] = []
    for one in looked:
        small = [row["name"] for row in one.rows if row["few"]]
        if small and len(one.grouping.columns) == 1:
            text = "{label}: groups with fewer than 30 rows are shown and not compared: {groups}"
            shown = [*small[:MOST_NAMED], *([f"… (+{len(small) - MOST_NAMED:,})"] if len(small) > MOST_NAMED else [])]
            told = note("fairness_small", text, label=one.grouping.label, groups=", ".join(shown))
            notes.append(told | {"groups": shown})
        if comparable(one.grouping).sum() < _TWO:
            text = "{label}: fewer than two groups have 30 rows, so nothing is compared"
            notes.append(note("fairness_alone", text, label=one.grouping.label))
    return notes


def _absent(name: str) -> Finding:
    text = (
        "the sensitive column {column!r} is not among the test rows, so nothing is known about its groups; add it to "
        "the rows or correct evaluation.sensitive"
    )
    return _rows_finding("absent_sensitive", text, (name,), column=name)


def _unknown_favorable(subject: Subject) -> Section:
    text = (
        "the favorable class {label!r} is not among the classes {classes}, so fairness is not measured; correct "
        "evaluation.favorable"
    )
    classes = ", ".join(subject.signature.classes[:MOST_COLUMNS])
    return Section(
        findings=(_rows_finding("unknown_favorable", text, (), label=subject.declared.favorable, classes=classes),)
    )


def _rows_finding(code: str, text: str, columns: tuple[str, ...], **values: Any) -> Finding:
    return Finding(kind="rows", severity="warn", code=code, text=text.format(**values), values=values, columns=columns)
