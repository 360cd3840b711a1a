"""Label noise: a Subject in, the rows whose truth nothing else supports out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.domain.finding import Finding
from golive.evaluation.numbers import readable
from golive.evaluation.roles import Note, note
from golive.evaluation.slices.doubt import (
    ALPHA,
    FAR,
    FAR_BY_TAILS,
    FEWEST_ROWS,
    LEAST_SHARE,
    MOST_SHARE,
    Conflicts,
    Doubt,
    conflicts,
    of_classes,
    of_values,
)
from golive.evaluation.slices.losses import FEWEST_GROUPS, Answers, answers_of
from golive.evaluation.subject import Section, Subject, group_codes
from golive.statistics.clusters import units_of

_LISTED = 20
_CONFLICT_SHARE = 0.02
_FEW_VALUED = 0.5
_SENTENCES: Mapping[str, str] = {
    "classes": "About {count:,} of the {rows:,} test rows ({share:.1%}) seem to have a wrong label: the model is wrong "
    "about them however sure it is, which a model that is only too sure is not; look at the listed rows and correct "
    "their labels",
    "values": "{count:,} of the {rows:,} test rows ({share:.1%}) have a target more than {far:.0f} robust standard "
    "deviations from the prediction, where heavy tails explain {explained:.1%}; look at the listed rows and correct "
    "their targets",
    "conflicts": "{count:,} training rows ({share:.1%}) have exactly the inputs of others and another answer: "
    "{conflicting:,} of {groups:,} sets of identical rows disagree, where the model's own doubt explains "
    "{expected:.1f}; find out which answers are right, or add the column that tells them apart",
}


def label_noise(subject: Subject) -> Section:
    """List the test rows with the most doubtful truth, and find fault where there are more than chance explains.

    A model that is too sure of itself is wrong less often the surer it is; where its rate of errors has a floor
    instead, labels are wrong (0.03 %). Targets are doubtful beyond six robust standard deviations, more often than
    Student's t with three degrees of freedom has them there. Identical training rows are compared with one another.
    """
    answers = answers_of(subject)
    if subject.rows < FEWEST_ROWS:
        return Section(notes=(_few(subject.rows),))
    if answers.groups is not None and units_of(answers.groups) < FEWEST_GROUPS:
        return Section(notes=(_few_groups(),))
    doubt = of_classes(answers, subject.test.columns) if answers.classifies else of_values(answers)
    clash = _conflicts(subject, answers)
    found = [_found(doubt, subject), _clashing(clash)]
    return Section(
        details=_details(doubt, clash, subject),
        findings=tuple(one for one in found if one is not None),
        checked=("label_noise",) if doubt is not None else (),
        notes=(_unspread(),) if doubt is None else (),
    )


def _conflicts(subject: Subject, answers: Answers) -> Conflicts | None:
    training, name = subject.training, subject.declared.group
    if training is None:
        return None
    groups = group_codes(training.column(name) if name else None)
    # Without their groups, sets of identical rows may all be of a few groups.
    if answers.groups is not None and groups is None:
        return None
    return conflicts(training.columns, training.truth, answers, groups)


def _few_groups() -> Note:
    return note(
        "label_noise.few_groups",
        "labels are not doubted with test rows of so few groups; {least} of equal size are needed",
        kinds=["label_noise"],
        least=FEWEST_GROUPS,
    )


def _few(rows: int) -> Note:
    return note(
        "label_noise.few_rows",
        "labels are not doubted with {count} test rows; {least} are needed",
        kinds=["label_noise"],
        count=rows,
        least=FEWEST_ROWS,
    )


def _unspread() -> Note:
    return note(
        "label_noise.no_spread",
        "labels are not doubted: errors have no spread, outcomes are of one kind only, or the model states few "
        "different probabilities",
        kinds=["label_noise"],
    )


def _found(doubt: Doubt | None, subject: Subject) -> Finding | None:
    classifies = bool(subject.signature.classes)
    if doubt is None or doubt.p > ALPHA or doubt.share < LEAST_SHARE or (classifies and doubt.share > MOST_SHARE):
        return None
    count = round(doubt.share * subject.rows) if classifies else doubt.counted
    values: dict[str, Any] = {"count": count, "rows": subject.rows, "share": count / subject.rows}
    code = "classes" if classifies else "values"
    if not classifies:
        values |= {"far": FAR, "explained": FAR_BY_TAILS}
    return Finding(
        kind="label_noise",
        severity="warn",
        code=code,
        text=_SENTENCES[code].format(**readable(values)),
        values=values,
        columns=(subject.signature.target,),
        rows=tuple(subject.kept[doubt.ranked[:_LISTED]].tolist()),
        p=doubt.p,
    )


def _clashing(clash: Conflicts | None) -> Finding | None:
    if clash is None or clash.distinct < _FEW_VALUED or clash.share <= _CONFLICT_SHARE or clash.p > ALPHA:
        return None
    values = {
        "count": len(clash.rows),
        "share": clash.share,
        "conflicting": clash.conflicting,
        "groups": clash.groups,
        "expected": clash.expected,
    }
    return Finding(
        kind="label_noise",
        severity="warn",
        code="conflicts",
        text=_SENTENCES["conflicts"].format(**readable(values)),
        values=values,
        p=clash.p,
    )


def _details(doubt: Doubt | None, clash: Conflicts | None, subject: Subject) -> dict[str, Any]:
    details: dict[str, Any] = {"rows": subject.rows}
    if doubt is not None:
        share = doubt.share if doubt.p <= ALPHA else None
        details |= {"share": share, "p": doubt.p, "counted": doubt.counted, "explained": doubt.explained}
        details["suspects"] = _suspects(doubt, subject)
    if clash is not None:
        details["conflicts"] = {
            "rows": len(clash.rows),
            "share": clash.share,
            "sets": clash.groups,
            "conflicting": clash.conflicting,
            "expected": clash.expected,
            "listed": list(clash.rows[:_LISTED]),
        }
    return details


def _suspects(doubt: Doubt, subject: Subject) -> list[dict[str, Any]]:
    return [_suspect(int(place), doubt, subject) for place in doubt.ranked[:_LISTED]]


def _suspect(place: int, doubt: Doubt, subject: Subject) -> dict[str, Any]:
    classes, given = subject.signature.classes, subject.test.truth[place]
    row = {"row": int(subject.kept[place])}
    answer = subject.predicted[place]
    if not classes:
        return {**row, "given": float(given), "model": float(answer[0]), "distance": _finite(doubt.weights[place])}
    pick = int(answer.argmax())
    if pick == given and len(answer) > 1:
        pick = int(np.argsort(-answer, kind="stable")[1])
    return {
        **row,
        "given": classes[int(given)],
        "given_probability": float(answer[int(given)]),
        "model": classes[pick],
        "model_probability": float(answer[pick]),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
