"""Decided: what everybody decides, and how surely its scores are known from the influence of every row."""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from golive.evaluation.measured.comparison import Metric, Setting, less, moved_difference, over_groups
from golive.evaluation.roles import MODEL
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.intervals import (
    Bool,
    Interval,
    correlation_interval,
    f1_interval,
    moved_interval,
    share_interval,
    wilson,
)
from golive.statistics.slopes import Slopes, row_influence, score_slopes

NAMES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc", "specificity")
_TWO = 2
_SHARES: Mapping[str, Callable[[Bool, Bool], Bool]] = {
    "precision": lambda _, decided: decided,
    "recall": lambda true, _: true,
    "specificity": lambda true, _: ~true,
}
"""Of two classes, the rows that a score is a share of: where the second class is true, and where it is decided."""


class Decisions(msgspec.Struct, frozen=True, eq=False):
    """True classes and everybody's decided ones, by role; indices ``[n]``, and there is a row."""

    truth: Int64
    decided: Mapping[str, Int64]
    classes: int
    setting: Setting


def decided_metrics(held: Decisions) -> dict[str, Metric]:
    """Measure ``NAMES``, by name.

    Shares of rows take Wilson's interval, and so does F1 of two classes, which is a share in disguise; the others take
    the influence of rows on the logit scale (MCC, a correlation, on Fisher's z). All differences take the rows' own.
    """
    counts = {role: metrics.class_counts(held.truth, found, held.classes) for role, found in held.decided.items()}
    scores = {role: metrics.scores_of_counts(found) for role, found in counts.items()}
    slopes = {role: score_slopes(found) for role, found in counts.items()}
    return {
        name: _metric(
            name,
            {role: float(found[name]) for role, found in scores.items()},
            {role: found[name] for role, found in slopes.items()},
            held,
        )
        for name in NAMES
    }


def rarest_units(truth: Int64, groups: Int64 | None) -> int:
    """Count the rows, or the groups with rows, of the rarest class that occurs."""
    labels, counts = np.unique(truth, return_counts=True)
    rarest = int(np.argmin(counts))
    return int(counts[rarest]) if groups is None else len(np.unique(groups[truth == labels[rarest]]))


def _metric(name: str, values: Mapping[str, float], slopes: Mapping[str, Slopes], held: Decisions) -> Metric:
    groups = held.setting.groups

    def influence(role: str) -> Float64:
        return row_influence(slopes[role], held.truth, held.decided[role])

    single, method = _single(name, values, influence, held)

    def paired(other: str) -> Interval | None:
        beside = influence(other)
        if not beside.any():
            return less(single(MODEL), values[other])
        return moved_difference(values[MODEL] - values[other], influence(MODEL) - beside, groups)

    return Metric(
        name=name,
        values=values,
        single=single,
        paired=paired,
        method=over_groups(method, held.setting),
        paired_method=over_groups("influence of rows", held.setting),
        floor=-1.0 if name == "mcc" else 0.0,
        ceiling=1.0,
    )


def _single(
    name: str, values: Mapping[str, float], influence: Callable[[str], Float64], held: Decisions
) -> tuple[Callable[[str], Interval | None], str]:
    """Choose the interval of a value, and say its method."""
    truth, groups = held.truth, held.setting.groups
    if name == "accuracy" or (held.classes == _TWO and name in _SHARES):
        return lambda role: _share(name, role, held), "Wilson"
    if held.classes == _TWO and name == "f1":
        return lambda role: f1_interval(
            truth == 1, held.decided[role] == 1, groups
        ), "Wilson, right ones of true or decided rows"
    # A correlation of 0 is not at the end of its scale.
    on_scale, ends = (correlation_interval, {-1.0, 1.0}) if name == "mcc" else (moved_interval, {0.0, 1.0})

    def single(role: str) -> Interval | None:
        if values[role] in ends:
            return _at_the_end(values[role], rarest_units(truth, groups))
        return on_scale(values[role], influence(role), groups)

    return single, "influence of rows, Fisher's z" if name == "mcc" else "influence of rows, logit scale"


def _share(name: str, role: str, held: Decisions) -> Interval | None:
    truth, decided, groups = held.truth, held.decided[role], held.setting.groups
    if name == "accuracy":
        return share_interval(truth == decided, groups)
    among = _SHARES[name](truth == 1, decided == 1)
    return share_interval((truth == decided)[among], None if groups is None else groups[among])


def _at_the_end(value: float, units: int) -> Interval:
    """Bound a score that no row moves by the rows of the rarest class, as if it were a share of them."""
    lower, upper = wilson(abs(value) * units, units)
    return (-upper, -lower) if value < 0.0 else (lower, upper)
