"""Classification: true classes and everybody's probabilities in, metrics and details out."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.judging import Costs
from golive.evaluation.measured.class_details import class_curves, class_rows, drawn_classes, score_histogram
from golive.evaluation.measured.comparison import Metric, Setting, mean_metric
from golive.evaluation.measured.decided import Decisions, decided_metrics
from golive.evaluation.measured.ranked import Ranked, heads_of, ranked, ranked_metrics
from golive.evaluation.roles import MODEL
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.calibrated import chance_error
from golive.statistics.curves import calibration
from golive.statistics.intervals import Interval, share_interval
from golive.statistics.resample import Statistic, calibration_error, interval, resample

_TWO = 2
_WHOLE_MATRIX = 100
"""More classes than this, and the report holds the most frequent confusions instead of all of them."""
_CONFUSED = 50
NO_ECE_DIFFERENCE = "chance raises both errors, each by another amount: brier and log_loss are compared without that"
_DECIDED: tuple[str, ...] = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
_BESIDE: tuple[str, ...] = ("mcc", "specificity")
_SLACK = 1e-3


class Classified(msgspec.Struct, frozen=True, eq=False):
    """What was computed of everybody's answers once, for metrics and for details."""

    truth: Int64
    answers: Mapping[str, Float64]
    proper: frozenset[str]
    """Roles whose answers are probabilities: between 0 and 1, and adding up to 1."""
    decided: Mapping[str, Int64]
    ranked: Mapping[str, Ranked]
    drawn: Mapping[str, Float64]
    """Resampled calibration errors of the proper roles."""
    setting: Setting

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.answers[MODEL].shape[1])


def classified(
    truth: Int64,
    answers: Mapping[str, Float64],
    thresholds: Mapping[str, float],
    setting: Setting,
    proper: frozenset[str],
) -> Classified:
    """Read answers ``[n, classes]`` by role once: decisions, order and resamples; there is a row."""
    classes = answers[MODEL].shape[1]
    decided = {role: metrics.decide(given, thresholds[role]) for role, given in answers.items()}
    present = np.bincount(truth, minlength=classes)
    heads = tuple(head for head in heads_of(classes) if 0 < present[head] < len(truth))
    order = {
        role: ranked(truth, given, heads, setting, bounds=role == MODEL and classes <= _WHOLE_MATRIX)
        for role, given in answers.items()
    }
    stated: dict[str, Statistic] = {
        role: calibration_error(*metrics.confidence(truth, given)) for role, given in answers.items() if role in proper
    }
    resamples = setting.resamples_of(len(truth), len(answers))
    drawn = resample(stated, rows=len(truth), resamples=resamples, seed=setting.seed, groups=setting.groups)
    return Classified(truth, answers, proper, decided, order, drawn, setting)


def classification_metrics(held: Classified) -> list[Metric]:
    """Measure everybody; of answers that are no probabilities only what decisions and order say."""
    truth, setting = held.truth, held.setting
    stated = {role: given for role, given in held.answers.items() if role in held.proper}
    of_probabilities = (
        [
            mean_metric("log_loss", {role: metrics.row_log_loss(truth, p) for role, p in stated.items()}, setting),
            mean_metric("brier", {role: metrics.row_brier(truth, p) for role, p in stated.items()}, setting),
            _ece(held, stated),
        ]
        if MODEL in stated
        else []
    )
    decided = decided_metrics(Decisions(truth, held.decided, held.classes, setting))
    return [
        *(decided[name] for name in _DECIDED),
        *ranked_metrics(truth, held.ranked, held.classes, setting),
        *of_probabilities,
        *(decided[name] for name in _BESIDE),
        *([_cost(held, setting.costs)] if setting.costs and held.classes == _TWO else []),
    ]


def classification_details(held: Classified, classes: tuple[str, ...], threshold: float, kept: Int64) -> dict[str, Any]:
    """Give what the report draws: confusion matrix, numbers by class, curves, calibration, scores, worst rows."""
    truth, probabilities, setting = held.truth, held.answers[MODEL], held.setting
    chosen = probabilities[np.arange(len(truth)), truth]
    worst = np.argsort(chosen, kind="stable")[:10]
    drawn, proper = drawn_classes(truth, len(classes)), MODEL in held.proper
    stated = calibration(*metrics.confidence(truth, probabilities)) if proper else []
    decided = held.decided[MODEL]
    counts = metrics.class_counts(truth, decided, len(classes))
    return {
        "classes": list(classes),
        "threshold": threshold if len(classes) == _TWO else None,
        **_confusion(truth, decided, classes),
        "per_class": class_rows(truth, decided, classes, held.ranked[MODEL], setting),
        "averages": metrics.averages_of_counts(counts),
        "curves": class_curves(truth, probabilities, classes, drawn, setting),
        "calibration": [part._asdict() for part in stated],
        "scores": [score_histogram(truth, probabilities, label, classes[label]) for label in drawn] if proper else [],
        "worst": [
            {"row": int(kept[row]), "truth": classes[truth[row]], "probability": float(chosen[row])} for row in worst
        ],
    }


def proper_rows(probabilities: Float64) -> metrics.Bool:
    """Say of each row ``[n]`` whether it holds probabilities: between 0 and 1, adding up to 1 (both to 0.001)."""
    inside = (probabilities >= -_SLACK).all(axis=1) & (probabilities <= 1.0 + _SLACK).all(axis=1)
    return np.asarray(inside & (np.abs(probabilities.sum(axis=1) - 1.0) <= _SLACK))


def _ece(held: Classified, stated: Mapping[str, Float64]) -> Metric:
    values = {role: metrics.ece(*metrics.confidence(held.truth, p)) for role, p in stated.items()}

    def single(role: str) -> Interval | None:
        said, came_true = metrics.confidence(held.truth, stated[role])
        if np.ptp(said) == 0.0:
            return _off(float(said[0]), share_interval(came_true, held.setting.groups))
        value, drawn = values[role], held.drawn[role]
        plainly = interval(value, drawn)
        if plainly is None:
            return None
        by_chance = chance_error(said, came_true, held.setting.groups, held.setting.seed)
        # Chance alone raises this number, and resampling raises it again: so the interval is mirrored, and reaches
        # to 0 where right probabilities could have given as much.
        raised = float(drawn[1:].mean() - drawn[0])
        lower = 2 * value - plainly[1] - raised / 4
        upper = max(plainly[1] - raised, 2 * value - plainly[0])
        return 0.0 if value <= by_chance else lower, upper

    return Metric(
        name="ece",
        values=values,
        single=single,
        # Chance raises either error by another amount, unknown where a bin is nearly right: no such difference was
        # seen to be covered (0.64 to 0.99 of the time).
        paired=lambda _: None,
        paired_note=NO_ECE_DIFFERENCE,
        method=f"Poisson bootstrap, {len(held.drawn[MODEL]) - 1} resamples",
        floor=0.0,
        ceiling=1.0,
    )


def _off(stated: float, bounds: Interval | None) -> Interval | None:
    """Say how far one stated probability may be from a share between bounds: the error of an answer without variety."""
    if bounds is None:
        return None
    return max(bounds[0] - stated, stated - bounds[1], 0.0), max(bounds[1] - stated, stated - bounds[0])


def _cost(held: Classified, costs: Costs) -> Metric:
    price = np.array([[costs.true_negative, costs.false_positive], [costs.false_negative, costs.true_positive]])
    rows = {role: price[held.truth, decided] for role, decided in held.decided.items()}
    metric = mean_metric("cost", rows, held.setting, signed=True)
    return msgspec.structs.replace(metric, note=f"per row, in {costs.unit}" if costs.unit else "per row")


def _confusion(truth: Int64, decided: Int64, classes: tuple[str, ...]) -> dict[str, Any]:
    if len(classes) <= _WHOLE_MATRIX:
        return {"confusion": metrics.confusion(truth, decided, len(classes)).tolist()}
    wrong = truth != decided
    pairs, counts = np.unique(truth[wrong] * len(classes) + decided[wrong], return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_CONFUSED]
    confused = [
        {
            "truth": classes[int(pairs[place]) // len(classes)],
            "decided": classes[int(pairs[place]) % len(classes)],
            "rows": int(counts[place]),
        }
        for place in most
    ]
    return {"confusion": [], "confused": confused}
