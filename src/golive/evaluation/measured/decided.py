"""Decided: what everybody decides, and how surely its scores are known from the rows."""

from collections.abc import Callable, Mapping
from functools import cache

import msgspec
import numpy as np

from golive.evaluation.measured.averaged import Averaged, averaged, averaged_difference, averaged_interval
from golive.evaluation.measured.comparison import (
    BOTH,
    RAREST,
    Metric,
    Setting,
    apart,
    end_interval,
    is_at_end,
    less,
    moved_difference,
    over_groups,
)
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
)
from golive.statistics.slopes import Slopes, row_influence, score_slopes

NAMES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc", "specificity")
TakeApart = Callable[[str], Averaged]
_TWO = 2
_CORRELATION = "mcc"
_INFLUENCE = "influence of rows"
_ROUNDING = 1e-9
_MOST_PARTS = 50
"""With more classes, those without an error on these rows are made up for by those with one too many."""
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


class _Score(msgspec.Struct, frozen=True, eq=False):
    """One score of all roles."""

    name: str
    values: Mapping[str, float]
    slopes: Mapping[str, Slopes]
    held: Decisions

    @property
    def is_share(self) -> bool:
        """Whether it is a share of rows, or F1 of one class, which is one in disguise."""
        return self.name == "accuracy" or (self.held.classes == _TWO and self.name in {*_SHARES, "f1"})

    @property
    def least(self) -> float:
        return -1.0 if self.name == _CORRELATION else 0.0

    def influence(self, role: str) -> Float64:
        """Give the influence ``[n]`` of each row."""
        return row_influence(self.slopes[role], self.held.truth, self.held.decided[role])

    def is_fixed(self, role: str) -> bool:
        """Whether it is what it is because the decision never varies, whatever the rows."""
        decided = self.held.decided[role]
        return bool((decided == decided[0]).all()) and float(np.abs(self.influence(role)).max()) <= _ROUNDING

    def is_ended(self, role: str) -> bool:
        """Whether no row moves it as it is at an end of its scale."""
        return is_at_end(self.values[role], self.least) and not self.is_fixed(role)

    def is_averaged(self, role: str) -> bool:
        """Whether it is a mean over classes that has parts to combine."""
        if self.is_share or self.name == _CORRELATION or self.held.classes > _MOST_PARTS:
            return False
        return not self.is_fixed(role)

    def averaged(self, role: str) -> Averaged:
        held = self.held
        influence, groups = self.influence(role), held.setting.groups
        return averaged(self.name, self.values[role], influence, held.truth, held.decided[role], groups)


def decided_metrics(held: Decisions) -> dict[str, Metric]:
    """Measure ``NAMES``, by name.

    Shares of rows take Wilson's interval, and so does F1 of two classes, which is a share in disguise. Means over
    classes combine those of the classes (``averaged``), or with very many go by the influence of rows on the logit
    scale; MCC, a correlation, does on Fisher's z scale. Differences take the influence of rows on both; where either
    number is at an end of its scale, so that no row moves it, they combine the two intervals. What a constant decision
    fixes has no width.
    """
    counts = {role: metrics.class_counts(held.truth, found, held.classes) for role, found in held.decided.items()}
    scores = {role: metrics.scores_of_counts(found) for role, found in counts.items()}
    slopes = {role: score_slopes(found) for role, found in counts.items()}
    return {
        name: _metric(
            _Score(
                name,
                {role: float(found[name]) for role, found in scores.items()},
                {role: found[name] for role, found in slopes.items()},
                held,
            )
        )
        for name in NAMES
    }


def rarest_units(truth: Int64, groups: Int64 | None) -> int:
    """Count the rows, or the groups with rows, of the class that occurs in the fewest of them."""
    if groups is None:
        return int(np.unique(truth, return_counts=True)[1].min())
    wide = int(groups.max()) + 1
    return int(np.unique(np.unique(truth * wide + groups) // wide, return_counts=True)[1].min())


def _metric(score: _Score) -> Metric:
    setting, methods = score.held.setting, {role: _method(score, role) for role in score.values}
    paired = {role: _paired_method(score, role, methods[MODEL]) for role in score.values}
    take_apart = cache(score.averaged)
    return Metric(
        name=score.name,
        values=score.values,
        single=lambda role: _single(score, role, take_apart),
        paired=lambda other: _paired(score, other, take_apart),
        method=over_groups(methods[MODEL], setting),
        methods={role: over_groups(method, setting) for role, method in methods.items()},
        paired_methods={role: over_groups(method, setting) for role, method in paired.items()},
        floor=score.least,
        ceiling=1.0,
    )


def _single(score: _Score, role: str, take_apart: TakeApart) -> Interval | None:
    held, value = score.held, score.values[role]
    if score.is_share:
        return _share(score.name, held.truth, held.decided[role], held.setting.groups)
    if score.is_averaged(role):
        return averaged_interval(take_apart(role), held.setting.groups)
    if score.is_ended(role):
        return end_interval(value, rarest_units(held.truth, held.setting.groups), held.setting.groups)
    on_scale = correlation_interval if score.name == _CORRELATION else moved_interval
    return on_scale(value, score.influence(role), held.setting.groups)


def _method(score: _Score, role: str) -> str:
    if score.is_share:
        return "Wilson, right ones of true or decided rows" if score.name == "f1" else "Wilson"
    if score.is_averaged(role):
        return "Wilson by class, combined"
    if score.is_ended(role):
        return RAREST
    return f"{_INFLUENCE}, Fisher's z" if score.name == _CORRELATION else f"{_INFLUENCE}, logit scale"


def _paired(score: _Score, other: str, take_apart: TakeApart) -> Interval | None:
    values, groups = score.values, score.held.setting.groups
    if score.is_fixed(other):
        return less(_single(score, MODEL, take_apart), values[other])
    if score.is_ended(MODEL) or score.is_ended(other):
        return apart(values, lambda role: _single(score, role, take_apart), other)
    if score.is_averaged(MODEL) and score.is_averaged(other):
        return averaged_difference(take_apart(MODEL), take_apart(other), groups)
    moved = score.influence(MODEL) - score.influence(other)
    return moved_difference(values[MODEL] - values[other], moved, groups)


def _paired_method(score: _Score, other: str, alone: str) -> str:
    if score.is_fixed(other):
        return alone
    if score.is_ended(MODEL) or score.is_ended(other):
        return BOTH
    averages = score.is_averaged(MODEL) and score.is_averaged(other)
    return "Wilson by class, combined with the influence of rows" if averages else _INFLUENCE


def _share(name: str, truth: Int64, decided: Int64, groups: Int64 | None) -> Interval | None:
    if name == "accuracy":
        return share_interval(truth == decided, groups)
    if name == "f1":
        return f1_interval(truth == 1, decided == 1, groups)
    among = _SHARES[name](truth == 1, decided == 1)
    return share_interval((truth == decided)[among], None if groups is None else groups[among])
