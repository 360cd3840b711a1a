"""Anomaly: how many of the rare rows are found when only so many rows can be looked at."""

from collections.abc import Mapping

import numpy as np

from golive.domain.evidence import Measure
from golive.evaluation.measured.comparison import (
    Metric,
    Setting,
    measures_of,
    over_groups,
    resampled_metric,
    resamples_for,
)
from golive.evaluation.roles import MODEL, note
from golive.evaluation.subject import Section, Subject
from golive.ports import Float64, Int64
from golive.statistics.intervals import Bool, share_interval
from golive.statistics.resample import Statistic, Weights, resample

_TWO = 2
_REACH, _LEAST_REACH = 2.0, 100
"""How many times as many rows as the budget holds are put in order first, and how many more."""


def anomaly(subject: Subject) -> Section:
    """Measure precision and recall among the ``declared.budget`` share of rows with the highest scores.

    The score is the probability of the second class. Rows that tie where the budget ends count by the share of them
    that fits. ``alert_rate`` is the share of rows that the bundle's own threshold alerts about.
    """
    if subject.declared.kind != "anomaly":
        return Section()
    if subject.signature.task != "classification" or subject.predicted.shape[1] != _TWO:
        text = "anomalies are measured of a classification into two classes, of which the second is the rare one"
        return Section(notes=(note("anomaly_two_classes", text),))
    truth, budget = subject.test.truth.astype(np.int64), subject.declared.budget
    positive = truth == 1
    if not positive.any():
        return Section(notes=(note("anomaly_none", "no test row is an anomaly, so none can be found"),))
    setting = Setting(seed=subject.seed, groups=subject.groups)
    scores = {role: np.ascontiguousarray(given[:, 1]) for role, given in subject.answers.items()}
    drawn = resample(
        {role: _found(positive, score, budget) for role, score in scores.items()},
        rows=len(truth),
        resamples=resamples_for(len(truth), 2 * len(scores)),
        seed=setting.seed,
        groups=setting.groups,
    )
    metrics = [_metric(key, drawn, place) for place, key in enumerate(("precision_at_budget", "recall_at_budget"))]
    return Section(
        measures=(
            *(measure for metric in metrics for measure in measures_of(metric, len(truth))),
            _alerts(scores[MODEL], subject.decision.threshold, setting),
        ),
        details={"budget": budget, "anomalies": int(positive.sum()), "looked_at": round(budget * len(truth))},
    )


def _metric(name: str, drawn: Mapping[str, Float64], place: int) -> Metric:
    found = {role: values[:, place] for role, values in drawn.items()}
    values = {role: float(column[0]) for role, column in found.items()}
    return resampled_metric(name, values, found, floor=0.0, ceiling=1.0)


def _found(positive: Bool, score: Float64, budget: float) -> Statistic:
    """Make the statistics precision and recall among the highest scores, ``[resamples, 2]``."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) != 0))
    hits = positive[order]
    # Rows far below the budget's end are never looked at; where ties or groups reach there, all are read.
    ends = np.append(starts[1:], len(order))
    last = int(np.searchsorted(ends, _REACH * budget * len(order) + _LEAST_REACH))
    reach = int(ends[min(last, len(ends) - 1)])

    def statistic(weights: Weights) -> Float64:
        room = budget * weights.sum(axis=1, dtype=np.int64)
        wanted = weights[:, positive].sum(axis=1, dtype=np.int64)
        drawn = weights[:, order[:reach]]
        if (drawn.sum(axis=1, dtype=np.int64) < room).any():
            drawn = weights[:, order]
        read = drawn.shape[1]
        caught = _caught(drawn, hits[:read], starts[starts < read], room)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack([caught / room, caught / wanted], axis=1)

    return statistic


def _caught(drawn: Weights, hits: Bool, starts: Int64, room: Float64) -> Float64:
    """Count hits ``[resamples]`` among the first ``room`` drawn rows; ties at the end by the share that fits."""
    rows = np.add.reduceat(drawn, starts, axis=1, dtype=np.int64)
    right = np.add.reduceat(drawn * hits, starts, axis=1, dtype=np.int64)
    before = np.cumsum(rows, axis=1) - rows
    with np.errstate(divide="ignore", invalid="ignore"):
        taken = np.clip((room[:, None] - before) / rows, 0.0, 1.0)
    return np.asarray(np.where(rows > 0, taken * right, 0.0).sum(axis=1), dtype=np.float64)


def _alerts(score: Float64, threshold: float, setting: Setting) -> Measure:
    alerts = score > threshold
    bounds = share_interval(alerts, setting.groups)
    return Measure(
        name="alert_rate",
        value=float(alerts.mean()),
        lower=bounds[0] if bounds else None,
        upper=bounds[1] if bounds else None,
        rows=len(score),
        method=over_groups("Wilson", setting),
    )
