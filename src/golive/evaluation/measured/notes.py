"""Notes: what the rows do not allow to be said, or only with a wide interval; findings where that is much."""

from collections.abc import Mapping

import numpy as np

from golive.domain.finding import Finding
from golive.domain.signature import Task
from golive.evaluation.checks.found import finding
from golive.evaluation.measured.comparison import FEW_ROWS
from golive.evaluation.roles import Note, note
from golive.ports import Float64, Int64
from golive.statistics.metrics import Bool

FEW_OF_CLASS = 50
"""Below this, numbers that rest on the rows of one class have wide intervals."""
FEW_GROUPS = 30
"""Below this, a variance between groups is itself badly known."""
MANY_UNUSABLE = 0.05
"""From this share of rows without a usable truth on, it is a finding."""
_TWO = 2
_SHOWN = 10
_NAMED = 3


def unanswered_rows(sound: Bool, places: Int64) -> Finding | None:
    """Find the rows for which the model gave no number, ``sound`` bool ``[rows]`` saying for which it did.

    A stop: nothing is measured then. ``places`` are the rows' own, ``[rows]``.
    """
    broken = np.flatnonzero(~sound)
    if not len(broken):
        return None
    rows = places[broken]
    return finding(
        "rows", "no_numbers", "stop", rows=_first(rows), count=len(rows), total=len(sound), shown=_named(rows)
    )


def unusable_rows(usable: Bool, places: Int64, task: Task) -> Finding | None:
    """Find many rows without a usable truth, ``usable`` bool ``[rows]``; of none at all is another finding."""
    missing = np.flatnonzero(~usable)
    if not 0 < len(missing) < len(usable) or len(missing) < MANY_UNUSABLE * len(usable):
        return None
    rows, total = places[missing], len(usable)
    share, shown = len(rows) / total, _named(rows)
    return finding(
        "rows", _unusable(task), "warn", rows=_first(rows), count=len(rows), total=total, share=share, shown=shown
    )


def _named(rows: Int64) -> str:
    return ", ".join(map(str, rows[:_NAMED].tolist()))


def _first(rows: Int64) -> tuple[int, ...]:
    return tuple(int(row) for row in rows[:20])


def _unusable(task: Task) -> str:
    return "unknown_labels" if task == "classification" else "missing_truth"


def row_notes(rows: int, kept: int, task: Task) -> list[Note]:
    """Say how many rows have no usable truth where it is no finding, and whether too few are left."""
    notes = []
    if rows > kept and (not kept or rows - kept < MANY_UNUSABLE * rows):
        text = (
            "{count} test rows have a label that the model does not know and are left out"
            if task == "classification"
            else "{count} test rows have no true value and are left out"
        )
        notes.append(note(_unusable(task), text, count=rows - kept))
    if kept == 0:
        notes.append(note("no_rows", "there is no test row to measure on"))
        if rows and task == "classification":
            notes.append(
                note(
                    "no_known_label",
                    "not one label is a class of the model; they may be written otherwise, such as 1 for '1' or 'yes'",
                )
            )
    elif kept < FEW_ROWS:
        notes.append(note("few_rows", "with {count} test rows the intervals may be a little too narrow", count=kept))
        notes.append(
            note(
                "halved_by",
                "{rows} test rows, four times as many, would halve the intervals",
                rows=4 * kept,
            )
        )
    return notes


def class_notes(labels: Int64, classes: tuple[str, ...]) -> list[Note]:
    """Say which classes do not occur, and on which few rows numbers rest."""
    counts = np.bincount(labels, minlength=len(classes))
    absent = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    notes = []
    if absent:
        text = "these classes do not occur in the test rows: {labels}"
        notes.append(note("absent_classes", text, labels=_listed(absent)))
    few = [place for place in np.argsort(counts, kind="stable") if 0 < counts[place] < FEW_OF_CLASS]
    if few and len(classes) == _TWO:
        text = (
            "only {count} test rows are of class {label}: what rests on them has wide intervals, "
            "which {more} of them would halve"
        )
        count = int(counts[few[0]])
        notes.append(note("few_of_class", text, count=count, label=classes[few[0]], more=4 * count))
    elif few:
        text = "these classes have fewer than {least} test rows, so their own numbers have wide intervals: {labels}"
        named = _listed([f"{classes[place]} ({counts[place]})" for place in few])
        notes.append(note("thin_classes", text, least=FEW_OF_CLASS, labels=named))
    return notes


def improper_notes(improper: Mapping[str, int], names: Mapping[str, str]) -> list[Note]:
    """Say whose answers are no probabilities, by role."""
    text = (
        "{who} gave {count} rows whose numbers are no probabilities (below 0, above 1, or not adding up to 1), so its "
        "log loss, Brier score and calibration are not measured"
    )
    return [
        note("improper_probabilities", text, who=names[role], role=role or "model", count=count)
        for role, count in improper.items()
        if count
    ]


def model_notes(predicted: Float64) -> list[Note]:
    """Say that a model gives the same answer for every row."""
    if len(predicted) > 1 and bool((predicted == predicted[0]).all()):
        return [note("constant", "the model gives the same answer for every test row")]
    return []


def group_notes(groups: Int64 | None) -> list[Note]:
    """Say that intervals are over groups of rows, and whether they are too few."""
    if groups is None:
        return []
    count = int(groups.max()) + 1
    if count == len(groups):
        return [note("groups_of_one", "every group has one row, so grouping changes nothing")]
    notes = [
        note(
            "grouped",
            "intervals are over {groups} groups of rows, since the rows of one group are not independent",
            groups=count,
        )
    ]
    if count < FEW_GROUPS:
        text = "{groups} groups are few: the intervals may be too narrow, and four times as many would halve them"
        notes.append(note("few_groups", text, groups=count))
    return notes


def _listed(names: list[str]) -> str:
    left = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f", +{left}" if left > 0 else "")
