"""Loss: what an original and a candidate answered for the same rows, and the truth, in; how much worse it is out.

The loss is the worsening of one metric as a share of the original's own value: 0.005 is half a percent of an accuracy
as of an RMSE. Its interval is that of the paired difference (Poisson bootstrap on the rows).
"""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from golive.domain.metric import COMPARED, better
from golive.domain.signature import Task
from golive.errors import DataError, UsageError
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.resample import (
    Statistic,
    Weights,
    calibration_error,
    confusion_counts,
    explained,
    interval,
    median,
    ranking,
    resample,
)

RESAMPLES = 500
_TWO = 2
_DECIDED = frozenset({"accuracy", "balanced_accuracy", "precision", "recall", "f1"})


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """How much worse a candidate is on rows that neither was fitted on."""

    metric: str
    original: float
    """The metric of the original."""
    candidate: float
    """The metric of the candidate."""
    share: float
    """The worsening as a share of the original's value; below 0 the candidate is better."""
    lower: float | None = None
    upper: float | None = None
    """The 95 % interval of ``share``."""
    flipped: int = 0
    """Rows whose decided class differs; 0 for a regression."""
    rows: int = 0


class Judge:
    """The rows that candidates are judged on, with the original's answers to them.

    Args:
        task: regression or classification.
        metric: one of ``domain.metric.COMPARED``.
        truth: ``[n]`` values, or class indices (-1: unknown). Rows without a known truth are left out.
        original: the original's answers, ``[n, 1]`` values or ``[n, classes]`` probabilities.
        threshold: of two classes, the probability above which the second is decided.
        seed: of the bootstrap.

    Raises:
        UsageError: there is no such metric for the task.
        DataError: no row has a known truth, or the metric does not exist on these rows.
    """

    def __init__(
        self,
        *,
        task: Task,
        metric: str,
        truth: Float64 | Int64,
        original: Float64,
        threshold: float = 0.5,
        seed: int = 0,
    ) -> None:
        if metric not in COMPARED.get(task, ()):
            message = f"the metric {metric!r} is none for a {task}; choose one of {', '.join(COMPARED.get(task, ()))}"
            raise UsageError(message)
        self.metric = metric
        self.shape = original.shape
        self._seed = seed
        self._threshold = threshold
        self._is_classification = task == "classification"
        self._known = (truth >= 0) if self._is_classification else np.isfinite(truth)
        self._truth = truth[self._known]
        self._original = original[self._known]
        self.rows = len(self._truth)
        if not self.rows:
            message = "no row has a known true answer, so no candidate can be judged; give rows with the target filled"
            raise DataError(message)
        self._value = self._score(self._original)
        if not np.isfinite(self._value):
            message = (
                f"{metric} does not exist on these {self.rows} rows, so no candidate can be judged by it; "
                "give more rows, or another metric"
            )
            raise DataError(message)

    def loss(self, answers: Float64) -> Loss:
        """Say how much worse a candidate's answers are; it has the original's shape and only finite numbers."""
        given = answers[self._known]
        value = self._score(given)
        drawn = resample(
            {"original": self._statistic(self._original), "candidate": self._statistic(given)},
            rows=self.rows,
            resamples=RESAMPLES,
            seed=self._seed,
        )
        sign = 1.0 if better(self.metric) == "lower" else -1.0
        worse = sign * (value - self._value)
        bounds = interval(worse, sign * (drawn["candidate"] - drawn["original"]))
        return Loss(
            metric=self.metric,
            original=self._value,
            candidate=value,
            share=self._share(worse),
            lower=self._share(bounds[0]) if bounds else None,
            upper=self._share(bounds[1]) if bounds else None,
            flipped=self._flipped(given),
            rows=self.rows,
        )

    def _share(self, worse: float) -> float:
        if worse == 0.0:
            return 0.0
        return worse / abs(self._value) if self._value else float(np.copysign(np.inf, worse))

    def _flipped(self, given: Float64) -> int:
        if not self._is_classification:
            return 0
        return int((metrics.decide(given, self._threshold) != metrics.decide(self._original, self._threshold)).sum())

    def _score(self, given: Float64) -> float:
        if not self._is_classification:
            return _REGRESSION[self.metric](self._truth.astype(np.float64), given[:, 0])
        truth = self._truth.astype(np.int64)
        if self.metric in _DECIDED:
            counts = metrics.confusion(truth, metrics.decide(given, self._threshold), given.shape[1])
            return float(metrics.scores_of_confusion(counts)[self.metric])
        if self.metric in {"auc", "pr_auc"}:
            area = metrics.auc if self.metric == "auc" else metrics.average_precision
            found = [area(truth == head, given[:, head]) for head in _heads(truth, given)]
            return float(np.mean(found)) if found else float("nan")
        if self.metric == "ece":
            return metrics.ece(*metrics.confidence(truth, given))
        return float(_BY_ROW[self.metric](truth, given).mean())

    def _statistic(self, given: Float64) -> Statistic:
        if not self._is_classification:
            return _regression_statistic(self.metric, self._truth.astype(np.float64), given[:, 0])
        truth = self._truth.astype(np.int64)
        if self.metric in _DECIDED:
            return _decided_statistic(self.metric, truth, metrics.decide(given, self._threshold), given.shape[1])
        if self.metric in {"auc", "pr_auc"}:
            return _ranked_statistic(truth, given, place=int(self.metric == "pr_auc"))
        if self.metric == "ece":
            return calibration_error(*metrics.confidence(truth, given))
        return _mean(_BY_ROW[self.metric](truth, given))


def default_metric(task: Task) -> str:
    """Give the metric to judge by where nobody names one: what people mean by "half a percent worse"."""
    return "rmse" if task == "regression" else "accuracy"


def _heads(truth: Int64, given: Float64) -> list[int]:
    heads = (1,) if given.shape[1] == _TWO else range(given.shape[1])
    return [head for head in heads if 0 < int((truth == head).sum()) < len(truth)]


def _decided_statistic(metric: str, truth: Int64, decided: Int64, classes: int) -> Statistic:
    counts = confusion_counts(truth, decided, classes)
    return lambda weights: metrics.scores_of_confusion(counts(weights))[metric]


def _ranked_statistic(truth: Int64, given: Float64, *, place: int) -> Statistic:
    ranked = [ranking(truth == head, given[:, head]) for head in _heads(truth, given)]
    return lambda weights: np.mean([of_head(weights)[:, place] for of_head in ranked], axis=0)


def _regression_statistic(metric: str, truth: Float64, predicted: Float64) -> Statistic:
    errors = predicted - truth
    if metric == "r2":
        return explained(truth, predicted)
    if metric == "median_absolute_error":
        return median(np.abs(errors))
    if metric == "mae":
        return _mean(np.abs(errors))
    if metric == "mape":
        usable = truth != 0.0
        return _mean(np.abs(errors / np.where(usable, truth, 1.0)) * usable, usable)
    squared = _mean(errors**2)
    return squared if metric == "mse" else lambda weights: np.sqrt(squared(weights))


def _mean(values: Float64, counted: metrics.Bool | None = None) -> Statistic:
    """Make the statistic mean of ``values`` ``[n]`` over the counted rows."""
    beside = np.stack([values, np.ones(len(values)) if counted is None else counted.astype(np.float64)], axis=1)

    def statistic(weights: Weights) -> Float64:
        sums = weights.astype(np.float64) @ beside
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(sums[:, 0] / sums[:, 1], np.float64)

    return statistic


_REGRESSION: Mapping[str, Callable[[Float64, Float64], float]] = {
    "rmse": metrics.rmse,
    "mae": metrics.mae,
    "r2": metrics.r2,
    "median_absolute_error": metrics.median_absolute_error,
    "mape": metrics.mape,
    "mse": metrics.mse,
}
_BY_ROW: Mapping[str, Callable[[Int64, Float64], Float64]] = {
    "log_loss": metrics.row_log_loss,
    "brier": metrics.row_brier,
}
