"""Case: a bundle of tensors, its answers and their truth in the form that the parts of an evaluation read."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive.control.judging.tensorial.answered import Answered, Beside
from golive.control.judging.tensorial.known import Known
from golive.domain.bundle import Bundle
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.domain.signature import Field, Signature
from golive.evaluation.checks.asked import one_truth
from golive.evaluation.groups.section import fairness
from golive.evaluation.measured.anomaly import anomaly
from golive.evaluation.measured.calibration import calibration
from golive.evaluation.measured.ranking import ranking
from golive.evaluation.measured.thresholds import thresholds
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL
from golive.evaluation.run import baseline_predictions
from golive.evaluation.slices.label_noise import label_noise
from golive.evaluation.slices.part import slices
from golive.evaluation.subject import Part, Rows, Subject, Table
from golive.evaluation.tensorial.pictures import layouts_of, pooled
from golive.evaluation.tensorial.reading import Reading, finite_rows
from golive.evaluation.tensorial.robustness import tensor_robustness
from golive.ports import Column, Float64, Int64


class Case(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a bundle of tensors is judged by."""

    bundle: Bundle
    known: Known
    model: Answered
    champion: Beside
    declared: Declared
    policy: Policy
    signature: Signature
    """What the parts of an evaluation read of a bundle of rows: the task, the target and the classes."""
    truth: Float64 | Int64
    """``[n]``: class indices, or all numbers of all rows."""
    answers: Mapping[str, Float64]
    """Role -> answers beside the truth, ``[n, classes or 1]``."""
    extra: Table
    """Declared columns of one value a row."""

    @property
    def several(self) -> bool:
        """Whether each row has several numbers, which are measured together."""
        return self.model.reading.task == "regression" and self.model.predicted.shape[1] > 1

    def independent(self) -> Column | None:
        """Say which answers depend on each other: of several numbers a row those of the row, or of its group."""
        declared = self.extra.get(self.declared.group)
        if not self.several:
            return declared
        truth = self.model.reading.truth
        of_rows = np.arange(len(truth), dtype=np.float64) if declared is None else declared
        return np.repeat(of_rows, truth.shape[1])


def case_of(
    bundle: Bundle, known: Known, model: Answered, champion: Beside, *, declared: Declared, policy: Policy
) -> Case:
    """Bring truth and answers into the form that evaluation reads, beside the best constant answer."""
    reading = model.reading
    classes = reading.task == "classification"
    answers = {MODEL: model.predicted, BASELINE: _constant(reading)}
    if champion.answers is not None:
        answers[CHAMPION] = champion.answers
    width = model.predicted.shape[1] if classes else 1
    return Case(
        bundle=bundle,
        known=known,
        model=model,
        champion=champion,
        declared=declared,
        policy=policy,
        signature=Signature(inputs=(), task=reading.task, target=bundle.signature.target, classes=reading.classes),
        truth=reading.truth if classes else reading.truth.reshape(-1),
        answers={role: given.reshape(-1, width) for role, given in answers.items()},
        extra=known.columns(declared),
    )


def subject_of(case: Case) -> Subject | None:
    """Make the subject of the parts that need no columns; None where an answer is no number.

    A case of several numbers a row has none, as those parts read one answer a row.
    """
    if case.several:
        return None
    usable = np.flatnonzero(finite_rows(case.model.reading.truth)).astype(np.int64)
    sound = {role: given[usable] for role, given in case.answers.items() if np.isfinite(given[usable]).all()}
    if MODEL not in sound:
        return None
    extra = {name: column[usable] for name, column in case.extra.items()}
    return Subject(
        signature=case.signature,
        decision=case.bundle.manifest.decision,
        test=Rows(columns={}, extra=extra, truth=case.truth[usable]),
        kept=usable,
        answers=sound,
        predict=case.model.predict,
        declared=case.declared,
        policy=case.policy,
    )


def parts_of(model: Answered, subject: Subject) -> dict[str, Part]:
    """Give the parts of an evaluation that make sense of tensors."""
    every = len(subject.kept) == len(model.reading.truth)
    table = {name: array if every else array[subject.kept] for name, array in model.rows.table.items()}
    layouts = layouts_of(table, subject.declared.picture)
    fields = tuple(Field(name=name, dtype="float64") for name in table)

    def seen(columns: Table) -> Subject:
        rows = msgspec.structs.replace(subject.test, columns=columns)
        return msgspec.structs.replace(subject, test=rows)

    stressed = msgspec.structs.replace(seen(table), signature=msgspec.structs.replace(subject.signature, inputs=fields))
    parts: dict[str, Part] = {
        "truth": one_truth,
        "recalibration": calibration,
        "thresholds": thresholds,
        "anomaly": anomaly,
        "ranking": ranking,
        "fairness": fairness,
        # Labels are doubted where neither the model nor the inputs support them; of images means of fields speak.
        "label_noise": lambda _: label_noise(seen(pooled(table, layouts))),
        "robustness": lambda _: tensor_robustness(stressed, layouts),
    }
    return {**parts, "slices": slices} if subject.test.extra else parts


def _constant(reading: Reading) -> Float64:
    """Give the best answer that reads no input, on these very rows: what the model was trained on is not known."""
    if reading.task == "classification":
        return baseline_predictions("classification", reading.truth, reading.classes, len(reading.truth))
    values = reading.truth.astype(np.float64)
    columns = [baseline_predictions("regression", column, (), len(values)) for column in values.T if _any(column)]
    empty = np.full((len(values), 1), np.nan)
    given = iter(columns)
    return np.concatenate([next(given) if _any(column) else empty for column in values.T], axis=1)


def _any(column: Float64) -> bool:
    return bool(np.isfinite(column).any())
