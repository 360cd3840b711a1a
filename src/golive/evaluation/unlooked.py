"""Unlooked: kinds of findings that were not looked for, for which their part gives no reason of its own, and why."""

from collections.abc import Iterable, Mapping

from golive.domain.finding import FindingKind
from golive.evaluation.checks.found import note_of
from golive.evaluation.roles import Note
from golive.evaluation.stress.limits import rules_of
from golive.evaluation.subject import Section, Subject

_LOOKED_FOR_IN: Mapping[str, tuple[FindingKind, ...]] = {
    "checks": ("leakage", "duplicates", "identifier", "time", "hidden_missing", "unit", "shift", "rows"),
    "fairness": ("group_gap",),
    "recalibration": ("calibration",),
    "slices": ("weak_slice",),
    "label_noise": ("label_noise",),
    "robustness": ("robustness",),
}


def unlooked(subject: Subject, found: Mapping[str, Section]) -> list[Note]:
    """Say of each kind that no part looked for why: its part broke, nothing declares it, or the task has none."""
    told = {kind for section in found.values() for note in section.notes for kind in note.get("kinds", ())}
    known = told.union(kind for section in found.values() for kind in section.checked)
    broke = _of_broken_parts(found)
    notes = {**_of_task(subject), **_unanswered(broke), **_undeclared(subject)}
    return [note for kind, note in notes.items() if kind not in known]


def _of_broken_parts(found: Mapping[str, Section]) -> list[FindingKind]:
    findings = (one for section in found.values() for one in section.findings)
    broke = (str(one.values.get("part")) for one in findings if one.code == "no_answer")
    return [kind for part in broke for kind in _LOOKED_FOR_IN.get(part, ())]


def _unanswered(kinds: Iterable[FindingKind]) -> dict[FindingKind, Note]:
    return {kind: note_of("unlooked.no_answer", kinds=[kind]) for kind in kinds}


def _undeclared(subject: Subject) -> dict[FindingKind, Note]:
    declared = subject.declared
    given: Mapping[FindingKind, tuple[bool, str]] = {
        "group_gap": (bool(declared.sensitive), "evaluation.sensitive"),
        "time": (bool(declared.time), "evaluation.time"),
    }
    return {
        kind: note_of("unlooked.undeclared", kinds=[kind], setting=setting)
        for kind, (is_given, setting) in given.items()
        if not is_given
    }


def _of_task(subject: Subject) -> dict[FindingKind, Note]:
    stated = "no_probabilities" if subject.signature.task == "regression" else "few_outcomes"
    notes: dict[FindingKind, Note] = {"calibration": note_of(f"unlooked.{stated}", kinds=["calibration"])}
    if not rules_of(subject):
        notes["robustness"] = note_of("unlooked.no_rule", kinds=["robustness"])
    return notes
