"""Metrics: true values and predictions in, one number out (NaN where the number does not exist).

Regression takes float64 ``[n]`` twice. Classification takes class indices int64 ``[n]`` and, as the metric needs,
decided class indices, probabilities float64 ``[n, classes]`` or the scores of one class float64 ``[n]``.
"""

import numpy as np
import numpy.typing as npt

from golive.ports import Float64, Int64
from golive.statistics.tails import midranks

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


def smape(truth: Float64, predicted: Float64) -> float:
    """Mean of each row's :func:`row_smape`, from 0 to 2."""
    return float(row_smape(truth, predicted).mean())


def row_smape(truth: Float64, predicted: Float64) -> Float64:
    """Each row's absolute error as a share of the mean size of truth and prediction, 0 where both are 0."""
    size = (np.abs(truth) + np.abs(predicted)) / 2
    return _ratio(np.abs(predicted - truth), size)


def bias(truth: Float64, predicted: Float64) -> float:
    """Mean error, prediction minus truth, in units of the target."""
    return float(np.mean(predicted - truth))


def max_error(truth: Float64, predicted: Float64) -> float:
    """Largest absolute error, in units of the target."""
    return float(np.max(np.abs(predicted - truth)))


def row_pinball(truth: Float64, predicted: Float64, quantile: float) -> Float64:
    """Each row's pinball loss, float64 ``[n]``: the right quantile has the least mean (Koenker and Bassett 1978)."""
    error = truth - predicted
    return np.asarray(np.maximum(quantile * error, (quantile - 1) * error), dtype=np.float64)


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
    """Read the scores of :func:`scores_of_counts` off confusion matrices ``[..., classes, classes]``."""
    return scores_of_counts(counts_of_confusion(counts))


def counts_of_confusion(counts: Int64 | Float64) -> Float64:
    """Give right, true and decided rows of every class, ``[..., 3, classes]``, of confusion matrices."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.stack([hit, counts.sum(axis=-1), counts.sum(axis=-2)], axis=-2).astype(np.float64)


def class_counts(truth: Int64, decided: Int64, classes: int) -> Float64:
    """Count right, true and decided rows of every class, float64 ``[3, classes]``."""
    right = truth[truth == decided]
    return np.stack([np.bincount(part, minlength=classes) for part in (right, truth, decided)]).astype(np.float64)


def scores_of_counts(counts: Float64) -> dict[str, Float64]:
    """Read accuracy, balanced accuracy, precision, recall, F1, MCC and specificity off ``[..., 3, classes]`` counts.

    Two classes: the second is the positive one. More: the plain mean over the classes that occur in truth or
    decision. A ratio with nothing below the line is 0. Each value has the leading shape of ``counts``. MCC for more
    than two classes is that of Gorodkin 2004.
    """
    hit, actual, decided = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    rows, right = actual.sum(axis=-1), hit.sum(axis=-1)
    by_class, occurs = scores_by_class(counts), actual + decided
    with np.errstate(invalid="ignore"):
        balanced = by_class["recall"].sum(axis=-1) / (actual > 0).sum(axis=-1)
    chance = (actual * decided).sum(axis=-1)
    spread = (rows**2 - (actual**2).sum(axis=-1)) * (rows**2 - (decided**2).sum(axis=-1))
    return {
        "accuracy": _ratio(right, rows),
        "balanced_accuracy": balanced,
        **{name: _summary(by_class[name], occurs) for name in ("precision", "recall", "f1")},
        "mcc": _ratio(right * rows - chance, np.sqrt(np.maximum(spread, 0.0))),
        "specificity": _summary(by_class["specificity"], occurs),
    }


def scores_by_class(counts: Float64) -> dict[str, Float64]:
    """Give precision, recall, F1 and specificity ``[..., classes]`` of ``[..., 3, classes]`` counts."""
    hit, actual, decided = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    others = actual.sum(axis=-1, keepdims=True) - actual
    return {
        "precision": _ratio(hit, decided),
        "recall": _ratio(hit, actual),
        "f1": _ratio(2 * hit, actual + decided),
        "specificity": _ratio(others - (decided - hit), others),
    }


def averages_of_counts(counts: Float64) -> dict[str, dict[str, float]]:
    """Average precision, recall and F1 over the classes ``[3, classes]``.

    ``macro``: the plain mean over classes that occur in truth or decision; ``weighted``: by true rows; ``micro``: over
    rows, which for one class a row is the accuracy.
    """
    hit, actual, decided = counts
    by_class, occurs, rows = scores_by_class(counts), (actual + decided) > 0, max(float(actual.sum()), 1.0)
    names = ("precision", "recall", "f1")
    return {
        "macro": {name: float(by_class[name][occurs].mean()) if occurs.any() else 0.0 for name in names},
        "weighted": {name: float((by_class[name] * actual).sum() / rows) for name in names},
        "micro": dict.fromkeys(names, float(hit.sum() / rows)),
    }


def auc(positive: Bool, score: Float64) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney); NaN unless both classes occur."""
    hits = int(positive.sum())
    others = len(positive) - hits
    if hits == 0 or others == 0:
        return float("nan")
    ranks = midranks(score)
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
    # The square written out, without a second array of the size of the first.
    chosen = probabilities[np.arange(len(truth)), truth]
    return np.asarray(np.einsum("ij,ij->i", probabilities, probabilities) - 2 * chosen + 1.0, dtype=np.float64)


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
    known = occurs > 0
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.asarray(total / np.maximum(known.sum(axis=-1), 1), dtype=np.float64)
