"""Scores: truth and answers in; a metric's value out, and what each row moves it by (its influence).

A metric's error is the mean of its rows' influences to first order (delta method), so the interval of a difference of
two answers to the same rows is that of the mean of the influences' differences. The area under the ROC curve has
DeLong's placements as its influences; ratios and roots have their linearization.
"""

import math
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from golive.domain.metric import COMPARED, better
from golive.domain.signature import Task
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.influence import ranking_influence
from golive.statistics.intervals import Interval, mean_interval
from golive.statistics.metrics import Bool

_TWO = 2


class Score(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A metric of some rows."""

    value: float
    """NaN where it does not exist."""
    influence: Float64 | None = None
    """float64 ``[n]`` with mean 0; None where the metric has none that is simple."""


class Answered(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows with their truth and answers to them; all finite."""

    task: Task
    truth: Float64 | Int64
    answers: Float64
    threshold: float


def main_metrics(task: Task, classes: int) -> tuple[str, ...]:
    """Name the metrics that stresses are shown by; the first one is the chapter's own."""
    if task == "regression":
        return ("rmse", "r2")
    return ("auc", "accuracy", "log_loss") if classes == _TWO else ("accuracy", "log_loss")


def known_metrics(task: Task, classes: int) -> frozenset[str]:
    """Name all that :func:`score` can compute."""
    ranked = {"auc", "pr_auc"} if task == "classification" and classes != _TWO else set()
    return frozenset(COMPARED[task]) - ranked


def score(name: str, rows: Answered) -> Score:
    """Compute one metric of :func:`known_metrics`; NaN where these rows have none."""
    if not len(rows.truth):
        return Score(value=math.nan)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if rows.task == "regression":
            return _REGRESSION[name](rows.truth.astype(np.float64), rows.answers[:, 0])
        truth = rows.truth.astype(np.int64)
        if name in _DECIDED:
            return _decided(name, truth, metrics.decide(rows.answers, rows.threshold), rows.answers.shape[1])
        return _CLASSIFICATION[name](truth, rows.answers)


def worse(name: str, stressed: Score, clean: Score, groups: Int64 | None = None) -> tuple[float, Interval | None]:
    """Give by how much a metric is worse under stress (positive is worse), and the 95 % interval of that.

    With ``groups`` ``[n]``, codes, whole groups are what is independent.
    """
    sign = -1.0 if better(name) == "higher" else 1.0
    drop = sign * (stressed.value - clean.value)
    if stressed.influence is None or clean.influence is None or not math.isfinite(drop):
        return drop, None
    with np.errstate(over="ignore", invalid="ignore"):
        around = mean_interval(sign * (stressed.influence - clean.influence), groups)
    if around is None or not all(map(math.isfinite, around)):
        return drop, None
    half = (around[1] - around[0]) / 2
    return drop, (drop - half, drop + half)


def ratio(stressed: Score, clean: Score, groups: Int64 | None = None) -> tuple[float, Interval | None]:
    """Give an error under stress as a multiple of the clean one, with its 95 % interval (on the logarithm's scale)."""
    if not clean.value > 0.0 or not stressed.value > 0.0 or not math.isfinite(stressed.value):
        return math.nan, None
    times = stressed.value / clean.value
    if stressed.influence is None or clean.influence is None:
        return times, None
    with np.errstate(over="ignore", invalid="ignore"):
        around = mean_interval(stressed.influence / stressed.value - clean.influence / clean.value, groups)
    if around is None or not all(map(math.isfinite, around)):
        return times, None
    half = min((around[1] - around[0]) / 2, 700.0)
    return times, (times * math.exp(-half), times * math.exp(half))


def _mean(values: Float64) -> Score:
    center = float(values.mean())
    return Score(value=center, influence=values - center)


def _rmse(truth: Float64, predicted: Float64) -> Score:
    squares = (predicted - truth) ** 2
    root = float(np.sqrt(squares.mean()))
    if root == 0.0:
        return Score(value=0.0, influence=np.zeros(len(truth)))
    return Score(value=root, influence=(squares - root**2) / (2 * root))


def _r2(truth: Float64, predicted: Float64) -> Score:
    value = metrics.r2(truth, predicted)
    if not math.isfinite(value):
        return Score(value=value)
    around = (truth - truth.mean()) ** 2
    return Score(value=value, influence=-((predicted - truth) ** 2 - (1.0 - value) * around) / around.mean())


def _mape(truth: Float64, predicted: Float64) -> Score:
    usable = truth != 0.0
    value = metrics.mape(truth, predicted)
    if not usable.any():
        return Score(value=value)
    shares = np.divide(np.abs(predicted - truth), np.abs(truth), out=np.zeros(len(truth)), where=usable)
    return Score(value=value, influence=(shares - value * usable) / usable.mean())


def _ranked(positive: Bool, scores: Float64, place: int) -> Score:
    if not positive.any() or positive.all():
        return Score(value=math.nan)
    moved = ranking_influence(positive, scores)[place]
    return Score(value=moved.value, influence=moved.influence)


def _decided(name: str, truth: Int64, decided: Int64, classes: int) -> Score:
    if name == "accuracy":
        return _mean((truth == decided).astype(np.float64))
    value = float(metrics.scores_of_confusion(metrics.confusion(truth, decided, classes))[name])
    if classes != _TWO:
        return Score(value=value)
    actual, called = (truth == 1).astype(np.float64), (decided == 1).astype(np.float64)
    hit = actual * called
    match name:
        case "precision":
            return Score(value=value, influence=_of_ratio(hit, called))
        case "recall":
            return Score(value=value, influence=_of_ratio(hit, actual))
        case "f1":
            return Score(value=value, influence=_of_ratio(2 * hit, actual + called))
    other = _of_ratio((1 - actual) * (1 - called), 1 - actual)
    return Score(value=value, influence=(_of_ratio(hit, actual) + other) / 2)


def _of_ratio(above: Float64, below: Float64) -> Float64:
    total = float(below.mean())
    if total == 0.0:
        return np.zeros(len(above))
    return np.asarray((above - float(above.mean()) / total * below) / total, dtype=np.float64)


_DECIDED = frozenset({"accuracy", "balanced_accuracy", "precision", "recall", "f1"})
_REGRESSION: Mapping[str, Callable[[Float64, Float64], Score]] = {
    "rmse": _rmse,
    "mse": lambda truth, predicted: _mean((predicted - truth) ** 2),
    "mae": lambda truth, predicted: _mean(np.abs(predicted - truth)),
    "r2": _r2,
    "mape": _mape,
    "median_absolute_error": lambda truth, predicted: Score(value=metrics.median_absolute_error(truth, predicted)),
}
_CLASSIFICATION: Mapping[str, Callable[[Int64, Float64], Score]] = {
    "log_loss": lambda truth, answers: _mean(metrics.row_log_loss(truth, answers)),
    "brier": lambda truth, answers: _mean(metrics.row_brier(truth, answers)),
    "auc": lambda truth, answers: _ranked(truth == 1, answers[:, 1], 0),
    "pr_auc": lambda truth, answers: _ranked(truth == 1, answers[:, 1], 1),
    "ece": lambda truth, answers: Score(value=metrics.ece(*metrics.confidence(truth, answers))),
}
