"""Evaluation: what a bundle answered for the test rows, and the truth, in; Evidence out.

The same rows are answered by the baseline (what a model that reads no input would say) and, when there is one, by the
champion (the model that is live), so every difference is paired.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.digest import Digest
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Finding
from golive.domain.judging import Declared
from golive.domain.signature import Task
from golive.errors import DataError
from golive.evaluation.measured.classification import (
    classification_details,
    classification_metrics,
    classified,
    proper_rows,
)
from golive.evaluation.measured.comparison import Metric, Setting, measures_of, missing_values
from golive.evaluation.measured.notes import (
    class_notes,
    group_notes,
    improper_notes,
    model_notes,
    row_notes,
    unanswered_rows,
    unusable_rows,
)
from golive.evaluation.measured.per_class import class_measures
from golive.evaluation.measured.regression import regression_details, regression_metrics
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL, Note, note
from golive.evaluation.subject import group_codes
from golive.ports import Column, Float64, Int64
from golive.statistics.metrics import Bool

_SEED = 17
_NAMES = {MODEL: "the model", BASELINE: "the baseline", CHAMPION: "the champion"}


def evaluate(
    *,
    bundle: Digest,
    task: Task,
    classes: Sequence[str],
    truth: Float64 | Int64,
    predicted: Float64,
    baseline: Float64,
    champion: Float64 | None,
    champion_digest: Digest | None,
    data_digest: Digest | None,
    measured_at: str,
    code: str,
    size_bytes: int,
    threshold: float,
    champion_threshold: float | None = None,
    extra_measures: Sequence[Measure] = (),
    declared: Declared | None = None,
    groups: Column | None = None,
    places: Int64 | None = None,
    each: int = 1,
) -> Evidence:
    """Measure answers against the truth.

    Args:
        bundle: who answered.
        task: regression or classification.
        classes: the labels, in the order of the probabilities; empty for a regression.
        truth: float64 ``[n]`` values, or int64 ``[n]`` class indices with -1 for a label that is not in ``classes``.
        predicted: float64 ``[n, 1]`` values, or ``[n, classes]`` probabilities.
        baseline: the same shape, from :func:`baseline_predictions`.
        champion: the same shape, from the live bundle, or None.
        champion_digest: the live bundle; give it even when it could not answer these rows.
        data_digest: the digest of the rows.
        measured_at: ISO 8601 time.
        code: golive's version, and the project's commit.
        size_bytes: size of the bundle.
        threshold: of two classes, the probability above which the second is decided.
        champion_threshold: the champion's own, when it differs.
        extra_measures: measures made elsewhere, such as latencies.
        declared: costs and a quantile, where the author gave them.
        groups: whose row each is ``[n]``; rows of one group are not independent, so intervals are of whole groups.
            A row without one is a group of its own.
        places: where each row stands ``[n]`` in the table that was given; without them, rows are numbered from 0.
        each: how many answers in turn belong to one row of the caller's; findings speak of those rows.

    Rows whose truth is missing or unknown are left out and counted; many are a finding. Whoever gave a number that is
    not finite (a NaN) is not measured at all, since a mean over the other rows would hide it: of the model it is a
    finding that stops, of the others a note. Answers that are no probabilities (below 0, above 1, or not adding up to
    1) are measured by what they decide and how they order rows.

    Raises:
        DataError: arrays do not fit one another, or the truth is of another type than the task's.
    """
    _check_truth(task, truth, len(classes))
    answers = {MODEL: predicted, BASELINE: baseline} | ({CHAMPION: champion} if champion is not None else {})
    _check_shapes(answers, len(truth), len(classes) if task == "classification" else 1)
    other = threshold if champion_threshold is None else champion_threshold
    thresholds = {MODEL: threshold, BASELINE: threshold, CHAMPION: other}
    asked = declared or Declared()
    setting = Setting(seed=_SEED, costs=asked.costs, quantile=asked.quantile, groups=group_codes(groups))
    measures, details, rows = _measured(task, truth, answers, tuple(classes), thresholds, setting, places)
    found = _findings(task, truth, predicted, places, each)
    size = Measure(name="size_mb", value=size_bytes / 1e6, better="lower")
    return Evidence(
        bundle=bundle,
        kind="evaluation",
        data=data_digest,
        rows=rows,
        measured_at=measured_at,
        code=code,
        champion=champion_digest,
        measures=(*measures, size, *extra_measures),
        findings=found,
        checked=("rows",) if found else (),
        details=details,
    )


def baseline_predictions(task: Task, train_target: Float64 | Int64, classes: Sequence[str], n: int) -> Float64:
    """Answer ``n`` rows without reading them: the training mean ``[n, 1]``, or the class shares ``[n, classes]``.

    ``train_target`` holds values, or class indices (-1 is left out).

    Raises:
        DataError: there is no training target.
    """
    usable = train_target[train_target >= 0] if task == "classification" else train_target[np.isfinite(train_target)]
    if len(usable) == 0:
        message = "the baseline needs training targets, found none; give the target of the training rows"
        raise DataError(message)
    if task == "regression":
        return np.full((n, 1), float(usable.mean()))
    shares = np.bincount(usable.astype(np.int64), minlength=len(classes)) / len(usable)
    return np.tile(shares, (n, 1))


def measure_latency(predict_one: Callable[[], object], runs: int = 200) -> list[Measure]:
    """Time one-row predictions in this process, after a short warm-up: ``latency.p50_ms`` and ``latency.p99_ms``.

    ``runs`` is at least 1. The numbers say something about this machine, not about a server under load.
    """
    for _ in range(max(runs // 10, 3)):
        predict_one()
    spent = np.empty(runs)
    for run in range(runs):
        started = time.perf_counter_ns()
        predict_one()
        spent[run] = (time.perf_counter_ns() - started) / 1e6
    return [
        Measure(
            name=name,
            value=float(np.quantile(spent, share)),
            rows=runs,
            method="single rows, timed in this process",
            better="lower",
        )
        for name, share in (("latency.p50_ms", 0.5), ("latency.p99_ms", 0.99))
    ]


def _measured(
    task: Task,
    truth: Float64 | Int64,
    answers: Mapping[str, Float64],
    classes: tuple[str, ...],
    thresholds: Mapping[str, float],
    setting: Setting,
    places: Int64 | None,
) -> tuple[list[Measure], dict[str, Any], int]:
    """Give the measures, what the report draws, and how many rows have a known truth."""
    known = (truth >= 0) if task == "classification" else np.isfinite(truth)
    kept = np.flatnonzero(known).astype(np.int64) if places is None else places[known]
    whole = bool(known.all())
    usable = {role: given if whole else given[known] for role, given in answers.items()}
    sound, invalid, notes = _sound(usable)
    notes = [*row_notes(len(truth), len(kept), task), *notes]
    measures: list[Measure] = []
    details: dict[str, Any] = {"task": task}
    if MODEL in sound and len(kept):
        codes = None if setting.groups is None else np.unique(setting.groups[known], return_inverse=True)[1]
        now = msgspec.structs.replace(setting, groups=codes)
        measures, more, told = _compared(truth[known], sound, classes, thresholds, kept, now)
        details |= more
        notes += told
    counted = [
        _count("invalid_predictions", invalid, len(kept)),
        _count("unusable_truths", len(truth) - len(kept), len(truth)),
    ]
    if classes:
        finite = usable[MODEL] if MODEL in sound else usable[MODEL][np.isfinite(usable[MODEL]).all(axis=1)]
        counted.append(_count("improper_probabilities", int((~proper_rows(finite)).sum()), len(kept)))
    return [*measures, *counted], details | {"notes": notes}, len(kept)


def _findings(
    task: Task, truth: Float64 | Int64, predicted: Float64, places: Int64 | None, each: int
) -> tuple[Finding, ...]:
    """Find rows without an answer, among those with a usable truth, and many without such a truth."""
    known = (truth >= 0) if task == "classification" else np.isfinite(truth)
    answered: Bool = np.isfinite(predicted).all(axis=1) | ~known
    answered = answered.reshape(-1, each).min(axis=1)
    usable: Bool = known.reshape(-1, each).max(axis=1)
    rows = np.arange(len(answered), dtype=np.int64) if places is None else places
    found = (unanswered_rows(answered, rows), unusable_rows(usable, rows, task))
    return tuple(one for one in found if one is not None)


def _count(name: str, found: int, rows: int) -> Measure:
    return Measure(name=name, value=float(found), rows=rows, better="lower")


def _compared(
    truth: Float64 | Int64,
    answers: Mapping[str, Float64],
    classes: tuple[str, ...],
    thresholds: Mapping[str, float],
    kept: Int64,
    setting: Setting,
) -> tuple[list[Measure], dict[str, Any], list[Note]]:
    # Numbers that overflow are left out and noted.
    with np.errstate(over="ignore", invalid="ignore"):
        metrics, details = (
            _classified(truth.astype(np.int64), answers, classes, thresholds, kept, setting)
            if classes
            else _regressed(truth.astype(np.float64), answers, kept, setting)
        )
        measures = [measure for metric in metrics for measure in measures_of(metric, len(kept))]
    measures += class_measures(details.get("per_class", ()), len(kept))
    notes = [*details.pop("notes", ()), *missing_values(metrics), *model_notes(answers[MODEL])]
    return measures, details, [*notes, *group_notes(setting.groups)]


def _classified(
    labels: Int64,
    answers: Mapping[str, Float64],
    classes: tuple[str, ...],
    thresholds: Mapping[str, float],
    kept: Int64,
    setting: Setting,
) -> tuple[list[Metric], dict[str, Any]]:
    improper = {role: int((~proper_rows(given)).sum()) for role, given in answers.items()}
    proper = frozenset(role for role, count in improper.items() if not count)
    held = classified(labels, answers, thresholds, setting, proper)
    details = classification_details(held, classes, thresholds[MODEL], kept)
    notes = [*improper_notes(improper, _NAMES), *class_notes(labels, classes)]
    return classification_metrics(held), details | {"notes": notes}


def _regressed(
    values: Float64, answers: Mapping[str, Float64], kept: Int64, setting: Setting
) -> tuple[list[Metric], dict[str, Any]]:
    metrics = regression_metrics(values, {role: given[:, 0] for role, given in answers.items()}, setting)
    return metrics, regression_details(values, answers[MODEL][:, 0], kept, setting)


def _check_truth(task: Task, truth: Float64 | Int64, classes: int) -> None:
    kinds = "iu" if task == "classification" else "fiu"
    if truth.dtype.kind not in kinds:
        expected = "class indices (integers, -1 where unknown)" if task == "classification" else "numbers"
        message = f"the truth of a {task} is {expected}, found an array of {truth.dtype}; convert the target first"
        raise DataError(message)
    if task == "classification" and len(truth) and int(truth.max()) >= classes:
        message = (
            f"the truth holds class index {int(truth.max())}, but there are {classes} classes; "
            "give -1 for labels that the model does not know"
        )
        raise DataError(message)


def _check_shapes(answers: Mapping[str, Float64], rows: int, width: int) -> None:
    for role, given in answers.items():
        if given.shape != (rows, width):
            message = (
                f"{_NAMES[role]} answered with an array of shape {given.shape}, expected {(rows, width)} "
                "(test rows, outputs); evaluate it on the same rows and classes"
            )
            raise DataError(message)


def _sound(answers: Mapping[str, Float64]) -> tuple[dict[str, Float64], int, list[Note]]:
    broken = {role: int((~np.isfinite(given)).any(axis=1).sum()) for role, given in answers.items()}
    notes = [
        note(
            "invalid_predictions",
            "{who} gave no number for {count} rows and is not measured",
            who=_NAMES[role],
            role=role,
            count=count,
        )
        for role, count in broken.items()
        if count and role != MODEL
    ]
    return {role: given for role, given in answers.items() if not broken[role]}, broken[MODEL], notes
