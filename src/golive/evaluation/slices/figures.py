"""Figures: some rows in, the metric that people know of them out, with its interval."""

import numpy as np

from golive.evaluation.slices.losses import Answers
from golive.ports import Int64
from golive.statistics.excess import Bool
from golive.statistics.influence import ranking_influence
from golive.statistics.intervals import (
    auc_interval,
    delong,
    mean_interval,
    moved_interval,
    rmse_interval,
    share_interval,
)

FEWEST = 30
"""Rows below which a number about a slice says too little."""
_BINARY = 2
_FEWEST_A_CLASS = 5

Number = dict[str, float | None]
"""``value``, ``lower``, ``upper``."""


def metric_names(answers: Answers) -> tuple[str, ...]:
    """Give the metrics that a slice is shown with; the first is the one that is drawn."""
    if not answers.classifies:
        return ("rmse", "mae")
    return ("accuracy", "auc") if answers.predicted.shape[1] == _BINARY else ("accuracy",)


def metrics_of(answers: Answers, inside: Bool) -> dict[str, Number]:
    """Measure the rows ``inside``; a metric that does not exist for them is left out."""
    rows = np.flatnonzero(inside).astype(np.int64)
    if len(rows) == 0:
        return {}
    some = answers.take(rows)
    return _of_classes(some) if answers.classifies else _of_values(some)


def _of_classes(answers: Answers) -> dict[str, Number]:
    truth = answers.truth.astype(np.int64)
    right = int((answers.decided() == truth).sum())
    lower, upper = share_interval(answers.decided() == truth, answers.groups) or (0.0, 1.0)
    found = {"accuracy": _number(right / len(truth), lower, upper)}
    area = _area(truth, answers) if answers.predicted.shape[1] == _BINARY else None
    return found if area is None else {**found, "auc": area}


def _area(truth: Int64, answers: Answers) -> Number | None:
    positive = truth == 1
    if min(int(positive.sum()), int((~positive).sum())) < _FEWEST_A_CLASS:
        return None
    if answers.groups is not None:
        moved = ranking_influence(positive, answers.predicted[:, 1])[0]
        return _number(moved.value, *(moved_interval(*moved, answers.groups) or (None, None)))
    areas, covariance = delong(positive, answers.predicted[None, :, 1])
    area = float(areas[0])
    bounds = auc_interval(area, float(covariance[0, 0]))
    return _number(area, *(bounds or (None, None)))


def _of_values(answers: Answers) -> dict[str, Number]:
    with np.errstate(over="ignore", invalid="ignore"):
        errors = answers.predicted[:, 0] - answers.truth
        rmse, mae = float(np.sqrt(np.mean(errors**2))), float(np.abs(errors).mean())
        groups = answers.groups
        bounds = rmse_interval(errors, groups) or (None, None), mean_interval(np.abs(errors), groups) or (None, None)
    found = {"rmse": _number(rmse, *bounds[0]), "mae": _number(mae, *bounds[1])}
    return {name: number for name, number in found.items() if number["value"] is not None}


def _number(value: float, lower: float | None, upper: float | None) -> Number:
    given = {"value": value, "lower": lower, "upper": upper}
    return {name: one if one is not None and np.isfinite(one) else None for name, one in given.items()}
