"""Unlooked: kinds of findings that were not looked for since nothing asks for them, and why."""

from collections.abc import Collection

from golive.domain.finding import FindingKind
from golive.evaluation.checks.found import note_of
from golive.evaluation.roles import Note
from golive.evaluation.subject import Subject


def unlooked(subject: Subject, looked: Collection[FindingKind]) -> list[Note]:
    """Say of each kind that depends on what is declared or on the task why it was not looked for."""
    declared = subject.declared
    notes: dict[FindingKind, Note] = {}
    if not declared.sensitive:
        notes["group_gap"] = note_of("unlooked.undeclared", kinds=["group_gap"], setting="evaluation.sensitive")
    if not declared.time:
        notes["time"] = note_of("unlooked.undeclared", kinds=["time"], setting="evaluation.time")
    stated = "no_probabilities" if subject.signature.task == "regression" else "few_outcomes"
    notes["calibration"] = note_of(f"unlooked.{stated}", kinds=["calibration"])
    notes["robustness"] = note_of("unlooked.no_rule", kinds=["robustness"])
    return [note for kind, note in notes.items() if kind not in looked]
