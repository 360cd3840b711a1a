"""Metrics: true values and predictions in, one number out (NaN where the number does not exist).

Regression takes float64 ``[n]`` twice. Classification takes class indices int64 ``[n]`` and, as the metric needs,
decided class indices, probabilities float64 ``[n, classes]`` or the scores of one class float64 ``[n]``.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from golive.ports import Float64, Int64

Bool = npt.NDArray[np.bool_]

CALIBRATION_BINS = 10
"""Bins of equal width, as calibration curves are usually drawn."""


def mse(truth: Float64, predicted: Float64) -> float:
    """Mean squared error, in squared units of the target."""
    return float(np.mean((predicted - truth) ** 2))


def rmse(truth: Float64, predicted: Float64) -> float:
    """Root mean squared error, in units of the target."""
    return float(np.sqrt(mse(truth, predicted)))


def mae(truth: Float64, predicted: Float64) -> float:
    """Mean absolute error, in units of the target."""
    return float(np.mean(np.abs(predicted - truth)))


def median_absolute_error(truth: Float64, predicted: Float64) -> float:
    """Median absolute error, in units of the target."""
    return float(np.median(np.abs(predicted - truth)))


def r2(truth: Float64, predicted: Float64) -> float:
    """Share of the variance explained; NaN when the true values do not vary."""
    spread = float(np.sum((truth - truth.mean()) ** 2))
    if spread == 0.0:
        return float("nan")
    return 1.0 - float(np.sum((predicted - truth) ** 2)) / spread


def mape(truth: Float64, predicted: Float64) -> float:
    """Mean absolute error as a share of the true value, over rows whose true value is not zero; else NaN."""
    usable = truth != 0.0
    if not usable.any():
        return float("nan")
    return float(np.mean(np.abs((predicted[usable] - truth[usable]) / truth[usable])))


def decide(probabilities: Float64, threshold: float) -> Int64:
    """Turn probabilities ``[n, classes]`` into class indices, as a bundle's decision does.

    Two classes: the second where its probability is above ``threshold``. More: the greatest, the first at a tie.
    """
    two = probabilities.shape[1] == 2  # noqa: PLR2004  two classes are what a threshold is for
    decided: Int64 = (probabilities[:, 1] > threshold if two else np.argmax(probabilities, axis=1)).astype(np.int64)
    return decided


def confusion(truth: Int64, decided: Int64, classes: int) -> Int64:
    """Count rows ``[classes, classes]`` by true class (row) and decided class (column)."""
    cells = np.bincount(truth * classes + decided, minlength=classes * classes)
    counts: Int64 = cells.astype(np.int64).reshape(classes, classes)
    return counts


def scores_of_confusion(counts: Int64 | Float64) -> dict[str, Float64]:
    """Read accuracy, balanced accuracy, precision, recall and F1 off confusion matrices ``[..., classes, classes]``.

    Two classes: the second is the positive one. More: the plain mean over the classes that occur in truth or
    decision. A ratio with nothing below the line is 0. Each value has the leading shape of ``counts``.
    """
    counts = np.asarray(counts, dtype=np.float64)
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    actual, decided = counts.sum(axis=-1), counts.sum(axis=-2)
    precision, recall = _ratio(hit, decided), _ratio(hit, actual)
    f1 = _ratio(2 * hit, actual + decided)
    with np.errstate(invalid="ignore"):
        balanced = recall.sum(axis=-1) / (actual > 0).sum(axis=-1)
    return {
        "accuracy": _ratio(hit.sum(axis=-1), actual.sum(axis=-1)),
        "balanced_accuracy": balanced,
        "precision": _summary(precision, actual + decided),
        "recall": _summary(recall, actual + decided),
        "f1": _summary(f1, actual + decided),
    }


def per_class(counts: Int64) -> list[dict[str, float]]:
    """Give precision, recall, F1 and the number of true rows of every class."""
    hit = np.diagonal(counts).astype(np.float64)
    actual, decided = counts.sum(axis=1).astype(np.float64), counts.sum(axis=0).astype(np.float64)
    columns = (_ratio(hit, decided), _ratio(hit, actual), _ratio(2 * hit, actual + decided), actual)
    return [
        dict(zip(("precision", "recall", "f1", "rows"), map(float, row), strict=True))
        for row in zip(*columns, strict=True)
    ]


def auc(positive: Bool, score: Float64) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney); NaN unless both classes occur."""
    hits = int(positive.sum())
    others = len(positive) - hits
    if hits == 0 or others == 0:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * others))


def average_precision(positive: Bool, score: Float64) -> float:
    """Area under the precision-recall curve as a sum of steps; NaN unless both classes occur."""
    hits = int(positive.sum())
    if hits in {0, len(positive)}:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    found = np.cumsum(positive[order])[last_of_tie]
    return float(np.sum(np.diff(found, prepend=0) * found / (last_of_tie + 1)) / hits)


def row_log_loss(truth: Int64, probabilities: Float64) -> Float64:
    """Minus the logarithm of each row's probability for its true class (clipped away from 0), float64 ``[n]``."""
    tiny = np.finfo(np.float64).eps
    chosen = probabilities[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.clip(chosen, tiny, 1.0 - tiny)), dtype=np.float64)


def row_brier(truth: Int64, probabilities: Float64) -> Float64:
    """Each row's squared error of its probabilities, float64 ``[n]``.

    Two classes: of the second one's (0 to 1). More: summed over the classes (0 to 2), as Brier wrote it in 1950.
    """
    classes = probabilities.shape[1]
    if classes == 2:  # noqa: PLR2004  see the docstring
        return np.asarray((probabilities[:, 1] - truth) ** 2, dtype=np.float64)
    return np.asarray(((probabilities - np.eye(classes)[truth]) ** 2).sum(axis=1), dtype=np.float64)


def log_loss(truth: Int64, probabilities: Float64) -> float:
    """Mean of :func:`row_log_loss`, in nats."""
    return float(row_log_loss(truth, probabilities).mean())


def brier(truth: Int64, probabilities: Float64) -> float:
    """Mean of :func:`row_brier`."""
    return float(row_brier(truth, probabilities).mean())


def confidence(truth: Int64, probabilities: Float64) -> tuple[Float64, Bool]:
    """Give what calibration compares: a stated probability and whether it came true, both ``[n]``.

    Two classes: the second one's probability. More: the greatest probability.
    """
    if probabilities.shape[1] == 2:  # noqa: PLR2004  see the docstring
        return probabilities[:, 1], truth == 1
    top = np.argmax(probabilities, axis=1)
    return probabilities[np.arange(len(truth)), top], truth == top


def calibration_bin(stated: Float64) -> Int64:
    """Give the bin of each stated probability, int64 ``[n]``."""
    return np.clip((stated * CALIBRATION_BINS).astype(np.int64), 0, CALIBRATION_BINS - 1)


def ece(stated: Float64, came_true: Bool) -> float:
    """Expected calibration error: mean distance of stated probability and observed share over ten bins."""
    bins = calibration_bin(stated)
    stated_sum = np.bincount(bins, stated, CALIBRATION_BINS)
    true_sum = np.bincount(bins, came_true, CALIBRATION_BINS)
    return float(np.abs(stated_sum - true_sum).sum() / len(stated))


def _ratio(above: Float64, below: Float64) -> Float64:
    return np.divide(above, below, out=np.zeros(np.broadcast_shapes(above.shape, below.shape)), where=below > 0)


def _summary(values: Float64, occurs: Float64) -> Float64:
    if values.shape[-1] == 2:  # noqa: PLR2004  two classes: the positive one's value
        return np.asarray(values[..., 1], dtype=np.float64)
    return np.asarray(values.sum(axis=-1) / np.maximum((occurs > 0).sum(axis=-1), 1), dtype=np.float64)
