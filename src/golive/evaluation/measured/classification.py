"""Classification: true classes and everybody's probabilities in, metrics and details out."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from golive.evaluation.measured.comparison import MODEL, Metric, mean_metric, resampled_metric, resamples_for
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.curves import calibration, precision_recall, roc
from golive.statistics.intervals import Interval, auc_difference_interval, auc_interval, delong, wilson
from golive.statistics.resample import Statistic, calibration_error, confusion_counts, ranking, resample

DRAWN_CURVES = 8
"""Classes with curves of their own in the report: the most frequent ones."""
_SCORE_BINS = 25
_TWO = 2
_DECIDED: tuple[str, ...] = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")


def classification_metrics(
    truth: Int64, answers: Mapping[str, Float64], thresholds: Mapping[str, float], seed: int
) -> list[Metric]:
    """Measure probabilities ``[n, classes]`` by role against class indices ``truth`` ``[n]``; there is a row."""
    drawn = _resamples(truth, answers, thresholds, seed)
    return [
        *_decided(truth, answers, thresholds, drawn),
        *_ranked(truth, answers, drawn),
        mean_metric("log_loss", {role: metrics.row_log_loss(truth, p) for role, p in answers.items()}),
        mean_metric("brier", {role: metrics.row_brier(truth, p) for role, p in answers.items()}),
        _ece(truth, answers, drawn),
    ]


def classification_details(
    truth: Int64, probabilities: Float64, classes: tuple[str, ...], threshold: float, kept: Int64
) -> dict[str, Any]:
    """Give what the report draws: confusion matrix, numbers by class, curves, calibration, scores, worst rows."""
    counts = metrics.confusion(truth, metrics.decide(probabilities, threshold), len(classes))
    stated, came_true = metrics.confidence(truth, probabilities)
    loss = metrics.row_log_loss(truth, probabilities)
    worst = np.argsort(-loss, kind="stable")[:10]
    return {
        "classes": list(classes),
        "threshold": threshold if len(classes) == _TWO else None,
        "confusion": counts.tolist(),
        "per_class": [{"label": label, **row} for label, row in zip(classes, metrics.per_class(counts), strict=True)],
        "curves": [
            _curves(truth == label, probabilities[:, label], classes[label]) for label in _drawn(truth, classes)
        ],
        "calibration": [part._asdict() for part in calibration(stated, came_true)],
        "scores": [_scores(truth, probabilities, label, classes[label]) for label in _drawn(truth, classes)],
        "worst": [
            {"row": int(kept[row]), "truth": classes[truth[row]], "probability": float(probabilities[row, truth[row]])}
            for row in worst
        ],
    }


def _heads(classes: int) -> tuple[int, ...]:
    return (1,) if classes == _TWO else tuple(range(classes))


def _resamples(
    truth: Int64, answers: Mapping[str, Float64], thresholds: Mapping[str, float], seed: int
) -> dict[str, Float64]:
    classes = answers[MODEL].shape[1]
    statistics: dict[str, Statistic] = {}
    for role, probabilities in answers.items():
        decided = metrics.decide(probabilities, thresholds[role])
        statistics[f"confusion {role}"] = confusion_counts(truth, decided, classes)
        statistics[f"ece {role}"] = calibration_error(*metrics.confidence(truth, probabilities))
        for head in _heads(classes):
            statistics[f"ranking {head} {role}"] = ranking(truth == head, probabilities[:, head])
    resamples = resamples_for(len(truth), len(answers) * len(_heads(classes)))
    return resample(statistics, rows=len(truth), resamples=resamples, seed=seed)


def _decided(
    truth: Int64, answers: Mapping[str, Float64], thresholds: Mapping[str, float], drawn: Mapping[str, Float64]
) -> list[Metric]:
    classes = answers[MODEL].shape[1]
    counts = {
        role: metrics.confusion(truth, metrics.decide(probabilities, thresholds[role]), classes)
        for role, probabilities in answers.items()
    }
    values = {role: metrics.scores_of_confusion(matrix) for role, matrix in counts.items()}
    spread = {role: metrics.scores_of_confusion(drawn[f"confusion {role}"]) for role in answers}
    return [
        _with_wilson(
            resampled_metric(
                name,
                {role: float(values[role][name]) for role in answers},
                {role: spread[role][name] for role in answers},
                floor=0.0,
                ceiling=1.0,
            ),
            counts,
        )
        for name in _DECIDED
    ]


def _with_wilson(metric: Metric, counts: Mapping[str, Int64]) -> Metric:
    """Take Wilson's interval where the metric is a share of rows: accuracy, and of two classes precision and recall."""
    two = counts[MODEL].shape[0] == _TWO
    if metric.name != "accuracy" and not (two and metric.name in {"precision", "recall"}):
        return metric

    def single(role: str) -> Interval | None:
        matrix = counts[role]
        rows = {"accuracy": matrix.sum(), "precision": matrix[:, -1].sum(), "recall": matrix[-1].sum()}[metric.name]
        hits = np.trace(matrix) if metric.name == "accuracy" else matrix[-1, -1]
        return wilson(float(hits), int(rows)) if rows else None

    return msgspec.structs.replace(metric, single=single, method="Wilson", paired_method=metric.method)


def _ranked(truth: Int64, answers: Mapping[str, Float64], drawn: Mapping[str, Float64]) -> list[Metric]:
    classes = answers[MODEL].shape[1]
    present = [head for head in _heads(classes) if 0 < int((truth == head).sum()) < len(truth)]
    if not present:
        return [_nothing("auc"), _nothing("pr_auc")]
    area = {role: _mean(metrics.auc(truth == head, p[:, head]) for head in present) for role, p in answers.items()}
    precision = {
        role: _mean(metrics.average_precision(truth == head, p[:, head]) for head in present)
        for role, p in answers.items()
    }
    spread = {role: np.mean([drawn[f"ranking {head} {role}"] for head in present], axis=0) for role in answers}
    absent = len(_heads(classes)) - len(present)
    remark = f"mean over the {len(present)} classes that occur in the test rows" if absent else ""
    auc = resampled_metric(
        "auc", area, {role: spread[role][:, 0] for role in answers}, floor=0.0, ceiling=1.0, note=remark
    )
    return [
        _with_delong(auc, truth == 1, {role: p[:, 1] for role, p in answers.items()}) if classes == _TWO else auc,
        resampled_metric(
            "pr_auc",
            precision,
            {role: spread[role][:, 1] for role in answers},
            floor=0.0,
            ceiling=1.0,
            note=remark,
        ),
    ]


def _with_delong(metric: Metric, positive: metrics.Bool, scores: Mapping[str, Float64]) -> Metric:
    rarer = int(min(positive.sum(), (~positive).sum()))
    if rarer < _TWO:
        return metric
    roles = list(scores)
    areas, covariance = delong(positive, np.stack([scores[role] for role in roles]))

    def single(role: str) -> Interval | None:
        place = roles.index(role)
        found = auc_interval(float(areas[place]), float(covariance[place, place]))
        # At 0 or 1 DeLong's variance is 0, which would claim certainty; the rarer class bounds what was seen.
        return found or wilson(float(areas[place]) * rarer, rarer)

    def paired(other: str) -> Interval | None:
        pair = [roles.index(MODEL), roles.index(other)]
        return auc_difference_interval(areas[pair], covariance[np.ix_(pair, pair)])

    ended = {role: "Wilson on the rarer class" for role in roles if metric.values[role] in {0.0, 1.0}}
    return msgspec.structs.replace(
        metric,
        single=single,
        paired=paired,
        method="DeLong",
        methods=ended,
        paired_method="DeLong",
        note="the classes are separated perfectly on these rows" if metric.values[MODEL] == 1.0 else "",
    )


def _ece(truth: Int64, answers: Mapping[str, Float64], drawn: Mapping[str, Float64]) -> Metric:
    values = {role: metrics.ece(*metrics.confidence(truth, p)) for role, p in answers.items()}
    plain = resampled_metric("ece", values, {role: drawn[f"ece {role}"] for role in answers}, floor=0.0, ceiling=1.0)

    def single(role: str) -> Interval | None:
        bounds = plain.single(role)
        # Chance alone raises this number, and resampling raises it again: reach down as far as up.
        return bounds and (min(bounds[0], 2 * values[role] - bounds[1]), bounds[1])

    return msgspec.structs.replace(plain, single=single)


def _nothing(name: str) -> Metric:
    return Metric(
        name=name,
        values={MODEL: float("nan")},
        single=lambda _: None,
        paired=lambda _: None,
        method="",
    )


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _drawn(truth: Int64, classes: tuple[str, ...]) -> list[int]:
    if len(classes) == _TWO:
        return [1] if len(np.unique(truth)) == _TWO else []
    rows = np.bincount(truth, minlength=len(classes))
    frequent = np.argsort(-rows, kind="stable")[:DRAWN_CURVES]
    return sorted(int(label) for label in frequent if 0 < rows[label] < len(truth))


def _curves(positive: metrics.Bool, score: Float64, label: str) -> dict[str, Any]:
    one, two = roc(positive, score), precision_recall(positive, score)
    return {
        "label": label,
        "share": float(positive.mean()),
        "auc": metrics.auc(positive, score),
        "roc": {"x": one.x.tolist(), "y": one.y.tolist()},
        "precision_recall": {"x": two.x.tolist(), "y": two.y.tolist()},
    }


def _scores(truth: Int64, probabilities: Float64, head: int, label: str) -> dict[str, Any]:
    bins = np.clip((probabilities[:, head] * _SCORE_BINS).astype(np.int64), 0, _SCORE_BINS - 1)
    positive = truth == head
    return {
        "label": label,
        "positive": np.bincount(bins[positive], minlength=_SCORE_BINS).tolist(),
        "other": np.bincount(bins[~positive], minlength=_SCORE_BINS).tolist(),
    }
