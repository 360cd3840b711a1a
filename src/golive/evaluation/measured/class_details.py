"""Class details: what a report says and draws of every class."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.evaluation.measured.comparison import Setting
from golive.evaluation.measured.ranked import Ranked
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.curves import Curve, precision_recall, roc
from golive.statistics.intervals import Interval, f1_interval, share_interval
from golive.statistics.resample import curve_points, resample

DRAWN_CURVES = 8
"""Classes with curves of their own in the report: the most frequent ones."""
_BAND_RESAMPLES = 400
_FEW_POINTS = 200_000
_GRID = 101
_SCORE_BINS = 25
_TWO = 2


def class_rows(
    truth: Int64, decided: Int64, classes: tuple[str, ...], ranked: Ranked, setting: Setting
) -> list[dict[str, Any]]:
    """Give precision, recall, F1 and the areas of every class, with ``intervals`` by name.

    Of two classes the areas of the second one only.
    """
    counts = metrics.class_counts(truth, decided, len(classes))
    values = metrics.scores_by_class(counts)
    places = {head: place for place, head in enumerate(ranked.heads)}

    right = truth == decided

    def share(among: Int64, place: int) -> list[float] | None:
        rows = among == place
        return _plain(share_interval(right[rows], None if setting.groups is None else setting.groups[rows]))

    return [
        {
            "label": label,
            **{name: float(values[name][place]) for name in ("precision", "recall", "f1")},
            "rows": int(counts[1, place]),
            **_areas(ranked, places.get(place)),
            "intervals": {
                "precision": share(decided, place),
                "recall": share(truth, place),
                "f1": _plain(f1_interval(truth == place, decided == place, setting.groups)),
                **_area_bounds(ranked, places.get(place)),
            },
        }
        for place, label in enumerate(classes)
    ]


def class_curves(
    truth: Int64, probabilities: Float64, classes: tuple[str, ...], drawn: list[int], setting: Setting
) -> list[dict[str, Any]]:
    """Give the ROC and precision-recall curves of some classes, with pointwise 95 % bands of the same resamples."""
    if not drawn:
        return []
    at = np.linspace(0.0, 1.0, _GRID)
    scores = {label: np.ascontiguousarray(probabilities[:, label]) for label in drawn}
    points = resample(
        {str(label): curve_points(truth == label, score, at) for label, score in scores.items()},
        rows=len(truth),
        resamples=_BAND_RESAMPLES if len(truth) * len(drawn) <= _FEW_POINTS else _BAND_RESAMPLES // 2,
        seed=setting.seed,
        groups=setting.groups,
    )
    return [_curves(truth == label, scores[label], classes[label], at, points[str(label)]) for label in drawn]


def drawn_classes(truth: Int64, classes: int) -> list[int]:
    """Choose the classes that get curves: of two the second, of more the most frequent ones."""
    if classes == _TWO:
        return [1] if len(np.unique(truth)) == _TWO else []
    rows = np.bincount(truth, minlength=classes)
    frequent = np.argsort(-rows, kind="stable")[:DRAWN_CURVES]
    return sorted(int(label) for label in frequent if 0 < rows[label] < len(truth))


def score_histogram(truth: Int64, probabilities: Float64, head: int, label: str) -> dict[str, Any]:
    """Count the probabilities of a class in bins of equal width, for its own rows and for the others."""
    bins = np.clip((probabilities[:, head] * _SCORE_BINS).astype(np.int64), 0, _SCORE_BINS - 1)
    positive = truth == head
    return {
        "label": label,
        "positive": np.bincount(bins[positive], minlength=_SCORE_BINS).tolist(),
        "other": np.bincount(bins[~positive], minlength=_SCORE_BINS).tolist(),
    }


def _areas(ranked: Ranked, place: int | None) -> dict[str, float | None]:
    names = ("auc", "pr_auc")
    if place is None:
        return dict.fromkeys(names)
    return {name: float(areas[place]) for name, areas in zip(names, ranked.areas, strict=True)}


def _area_bounds(ranked: Ranked, place: int | None) -> dict[str, list[float] | None]:
    if place is None or not ranked.bounds:
        return {"auc": None, "pr_auc": None}
    one, two = ranked.bounds[place]
    return {"auc": _plain(one), "pr_auc": _plain(two)}


def _plain(bounds: Interval | None) -> list[float] | None:
    return [float(max(bounds[0], 0.0)), float(min(bounds[1], 1.0))] if bounds and np.isfinite(bounds).all() else None


def _curves(positive: metrics.Bool, score: Float64, label: str, at: Float64, points: Float64) -> dict[str, Any]:
    return {
        "label": label,
        "share": float(positive.mean()),
        "auc": metrics.auc(positive, score),
        "roc": _banded(roc(positive, score), at, points[1:, 0]),
        "precision_recall": _banded(precision_recall(positive, score), at, points[1:, 1]),
    }


def _banded(curve: Curve, at: Float64, points: Float64) -> Mapping[str, list[float]]:
    drawn = points[np.isfinite(points).all(axis=1)]
    plain = {"x": curve.x.tolist(), "y": curve.y.tolist()}
    if len(drawn) < _TWO:
        return plain
    lower, upper = (np.interp(curve.x, at, bound) for bound in np.quantile(drawn, [0.025, 0.975], axis=0))
    # Where the curve rises straight up, the band at that place holds all of it.
    lower, upper = np.minimum(lower, curve.y), np.maximum(upper, curve.y)
    return plain | {"lower": lower.tolist(), "upper": upper.tolist()}
