"""Scores: true values and predictions in, one number out that is greater when the model is better."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from golive.domain.metric import SEARCHED, default_metric
from golive.domain.signature import Task
from golive.errors import DataError
from golive.ports import Float64

Score = Callable[[Any, Float64], float]
"""(true values, or positions of true classes; predictions ``[n, 1]``, or probabilities ``[n, classes]``) -> score."""


def _rmse(true: Any, predicted: Float64) -> float:
    return -float(metrics.root_mean_squared_error(true, predicted[:, 0]))


def _mae(true: Any, predicted: Float64) -> float:
    return -float(metrics.mean_absolute_error(true, predicted[:, 0]))


def _r2(true: Any, predicted: Float64) -> float:
    return float(metrics.r2_score(true, predicted[:, 0]))


def _log_loss(true: npt.NDArray[np.int64], predicted: Float64) -> float:
    # Shares in float32 (XGBoost's) add up to 1 within 1e-7 only, which scikit-learn warns about.
    shares = predicted / predicted.sum(axis=1, keepdims=True)
    return -float(metrics.log_loss(true, shares, labels=np.arange(predicted.shape[1])))


def _accuracy(true: npt.NDArray[np.int64], predicted: Float64) -> float:
    return float(metrics.accuracy_score(true, predicted.argmax(axis=1)))


def _f1(true: npt.NDArray[np.int64], predicted: Float64) -> float:
    average = "binary" if predicted.shape[1] == 2 else "macro"  # noqa: PLR2004 two classes: of the second one
    return float(metrics.f1_score(true, predicted.argmax(axis=1), average=average, zero_division=0.0))


def _auc(true: npt.NDArray[np.int64], predicted: Float64) -> float:
    if predicted.shape[1] == 2:  # noqa: PLR2004 two classes
        return float(metrics.roc_auc_score(true, predicted[:, 1]))
    classes = np.arange(predicted.shape[1])
    return float(metrics.roc_auc_score(true, predicted, multi_class="ovr", average="macro", labels=classes))


_SCORES: Mapping[str, Score] = {
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "f1": _f1,
    "auc": _auc,
}


def score_of(metric: str, task: Task) -> tuple[str, Score]:
    """Give (name, function) of a metric; where lower is better the value is negated, so that greater is better.

    An empty name is ``rmse`` or ``log_loss``. With two classes, ``f1`` and ``auc`` are those of the second class
    (in sorted order); with more, the plain mean over classes (one against the rest).

    Raises:
        DataError: the task has no such metric.
    """
    name = metric or default_metric(task)
    if name not in SEARCHED[task]:
        message = f"search.metric {name!r} is not one of a {task}: {', '.join(SEARCHED[task])}"
        raise DataError(message)
    return name, _SCORES[name]
