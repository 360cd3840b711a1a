"""Sections: the parts of an evaluation beside its numbers, by name, and Evidence with what they found."""

import math
import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Finding
from golive.errors import GoliveError, MissingExtraError, UnavailableError
from golive.evaluation.checks.section import checks
from golive.evaluation.explained.part import explained
from golive.evaluation.groups.section import fairness
from golive.evaluation.measured.anomaly import anomaly
from golive.evaluation.measured.calibration import calibration
from golive.evaluation.measured.ranking import ranking
from golive.evaluation.measured.thresholds import thresholds
from golive.evaluation.roles import Note, note
from golive.evaluation.slices.label_noise import label_noise
from golive.evaluation.slices.part import slices
from golive.evaluation.stress.part import robustness
from golive.evaluation.subject import Part, Section, Subject, taken
from golive.evaluation.unlooked import unlooked
from golive.evaluation.words.stress import WORDS

_RECOVERY_S = 10.0

SECTIONS: Mapping[str, Part] = {
    "recalibration": calibration,
    "thresholds": thresholds,
    "anomaly": anomaly,
    "ranking": ranking,
    "checks": checks,
    "fairness": fairness,
    "slices": slices,
    "label_noise": label_noise,
    "robustness": robustness,
    "explained": explained,
}
"""Name in the Evidence's details -> the part."""


def with_sections(evidence: Evidence, subject: Subject, parts: Mapping[str, Part]) -> Evidence:
    """Add what each part found to the numbers of an evaluation."""
    found: dict[str, Section] = {}
    for name, part in parts.items():
        found[name] = _made(name, part, subject)
        if found[name].spoilt is not None:
            subject = msgspec.structs.replace(subject, spoilt=found[name].spoilt)
    found["unlooked"] = Section(notes=tuple(unlooked(subject, found)))
    return with_found(evidence, found)


def with_found(evidence: Evidence, found: Mapping[str, Section]) -> Evidence:
    """Add sections, by their name in the details; measures that are no numbers are left out and noted."""
    measured = [measure for section in found.values() for measure in section.measures]
    notes = [*evidence.details.get("notes", ()), *(note for section in found.values() for note in section.notes)]
    notes += _overflowing(measured)
    details = {name: section.details for name, section in found.items() if section.details}
    kinds = (kind for section in found.values() for kind in section.checked)
    return msgspec.structs.replace(
        evidence,
        measures=(*evidence.measures, *map(_bounded, filter(_finite, measured))),
        findings=(*evidence.findings, *(finding for section in found.values() for finding in section.findings)),
        checked=tuple(dict.fromkeys((*evidence.checked, *kinds))),
        details={**evidence.details, **details, "notes": notes},
    )


def _made(name: str, part: Part, subject: Subject) -> Section:
    """Give a part's section; that the model breaks while it is asked is a finding, not the end of the evaluation."""
    try:
        return part(subject)
    except GoliveError as error:
        if not _of_the_model(error):
            raise
        found = _unanswered(name, error.message)
        _wait(subject)
        return Section(findings=(found,))


def _of_the_model(error: GoliveError) -> bool:
    """Whether a model that was asked broke, hung or failed; that an extra is missing is no fault of its own."""
    return type(error) is GoliveError or (
        isinstance(error, UnavailableError) and not isinstance(error, MissingExtraError)
    )


def _unanswered(part: str, why: str) -> Finding:
    values = {"part": part, "why": why.rstrip(".")}
    named = WORDS.get(f"part.{part}", (part,))[0]
    text = WORDS["finding.robustness.no_answer"][0].format(part=named, why=values["why"])
    return Finding(kind="robustness", severity="stop", code="no_answer", text=text, values=values)


def _wait(subject: Subject) -> None:
    """Wait until a model that broke answers again, so that the next part is not blamed for it."""
    until = time.monotonic() + _RECOVERY_S
    while time.monotonic() < until:
        try:
            subject.predict(taken(subject.test.columns, np.zeros(1, dtype=np.int64)))
        except GoliveError:
            time.sleep(0.1)
        else:
            return


def _finite(measure: Measure) -> bool:
    return math.isfinite(measure.value)


def _bounded(measure: Measure) -> Measure:
    """Leave out an interval that has no end."""
    if all(bound is None or math.isfinite(bound) for bound in (measure.lower, measure.upper)):
        return measure
    return msgspec.structs.replace(measure, lower=None, upper=None)


def _overflowing(measures: Sequence[Measure]) -> list[Note]:
    lost = [measure.name for measure in measures if not _finite(measure)]
    text = "{count} measures, such as {metric}, do not exist on these test rows: values are too large for them"
    return [note("overflowing", text, count=len(lost), metric=lost[0])] if lost else []
