"""Ranked: how well probabilities order the rows of each class, with the influence of every row."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive.evaluation.measured.comparison import Metric, Setting, moved_metric
from golive.evaluation.roles import MODEL
from golive.ports import Float64, Int64
from golive.statistics.influence import ranking_influence
from golive.statistics.intervals import Bool, Interval, moved_interval

_TWO = 2


class Ranked(msgspec.Struct, frozen=True, eq=False):
    """One role's areas under the ROC and the precision-recall curve, each ``[heads]``, and their mean's influences."""

    heads: tuple[int, ...]
    areas: tuple[Float64, Float64]
    influences: tuple[Float64, Float64]
    bounds: tuple[tuple[Interval | None, Interval | None], ...]
    """Of every head."""


def heads_of(classes: int) -> tuple[int, ...]:
    """Give the classes that are ranked: of two the second, of more all."""
    return (1,) if classes == _TWO else tuple(range(classes))


def ranked(truth: Int64, probabilities: Float64, heads: tuple[int, ...], setting: Setting, *, bounds: bool) -> Ranked:
    """Measure one role; every head has rows of its class and others. ``bounds``: with intervals by class."""
    areas = np.empty((2, len(heads)))
    moved = np.zeros((2, len(truth)))
    held: list[tuple[Interval | None, Interval | None]] = []
    for place, head in enumerate(heads):
        found = ranking_influence(truth == head, np.ascontiguousarray(probabilities[:, head]))
        areas[:, place] = [each.value for each in found]
        moved += [each.influence for each in found]
        if bounds:
            one, two = (moved_interval(each.value, each.influence, setting.groups) for each in found)
            held.append((one, two))
    moved /= max(len(heads), 1)
    return Ranked(heads, (areas[0], areas[1]), (moved[0], moved[1]), tuple(held))


def ranked_metrics(truth: Int64, roles: Mapping[str, Ranked], classes: int, setting: Setting) -> list[Metric]:
    """Make the metrics ``auc`` and ``pr_auc``: of more than two classes the mean over those that occur."""
    heads = roles[MODEL].heads
    if not heads:
        return [_nothing("auc"), _nothing("pr_auc")]
    rarer = min(_units(truth == head, setting.groups) for head in heads)
    absent = len(heads_of(classes)) - len(heads)
    remark = f"mean over the {len(heads)} classes that occur in the test rows" if absent else ""
    made = [
        moved_metric(
            name,
            {role: float(found.areas[place].mean()) for role, found in roles.items()},
            {role: found.influences[place] for role, found in roles.items()},
            setting,
            rarer=rarer,
        )
        for place, name in enumerate(("auc", "pr_auc"))
    ]
    perfect = "the classes are separated perfectly on these rows" if made[0].values[MODEL] == 1.0 else ""
    auc = msgspec.structs.replace(made[0], note=perfect or remark, method=made[0].method.replace("influence", "DeLong"))
    return [auc, msgspec.structs.replace(made[1], note=remark)]


def _units(positive: Bool, groups: Int64 | None) -> int:
    """Count the rows of the class or of the others, whichever are fewer; or the groups that have such rows."""
    sides = (positive, ~positive)
    return min(int(side.sum()) if groups is None else len(np.unique(groups[side])) for side in sides)


def _nothing(name: str) -> Metric:
    return Metric(name=name, values={MODEL: float("nan")}, single=lambda _: None, paired=lambda _: None, method="")
