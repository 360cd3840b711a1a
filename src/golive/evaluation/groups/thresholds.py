"""Thresholds: what a threshold of its own for each group would close, and what it would cost.

The thresholds are chosen on one half of the rows and measured on the other, since thresholds look better than they
are on the rows that they were chosen on. To decide by the group can itself be unlawful where the group is protected:
the table is a price, not a recommendation.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from golive.evaluation.groups.gaps import LEAST_OUTCOMES, LEAST_ROWS
from golive.evaluation.groups.membership import Grouping
from golive.evaluation.groups.outcomes import TWO, Outcomes, decided_so, outcomes_of
from golive.evaluation.groups.price import priced
from golive.evaluation.subject import Subject, mixed_rows, whole_groups
from golive.ports import Float64, Int64
from golive.statistics.metrics import Bool

Goal = Literal["selection", "tpr"]
GOALS: tuple[Goal, ...] = ("selection", "tpr")
"""What is made equal among the groups: the selection rate, or the true positive rate."""


def threshold_tables(subject: Subject, groupings: Sequence[Grouping], favorable: int) -> list[dict[str, Any]]:
    """Try both goals on every grouping; nothing for more than two classes or fewer than two groups to compare."""
    if subject.predicted.shape[1] != TWO:
        return []
    seen = outcomes_of(subject, favorable)
    tables = [_tried(subject, seen, grouping, favorable, goal) for grouping in groupings for goal in GOALS]
    return [table for table in tables if table is not None]


def group_thresholds(seen: Outcomes, grouping: Grouping, current: float, goal: Goal) -> Float64:
    """Choose a threshold on the probability of the favorable class for each group, float64 ``[groups]``.

    Every group gets the rate that all rows have now. Groups that are too small to choose by keep the current one.
    """
    counted = np.ones(len(seen.stated), dtype=bool) if goal == "selection" else seen.deserved
    wanted = float(seen.selected[counted].mean()) if counted.any() else 0.0
    return np.array(
        [
            _threshold_at(seen.stated[inside & counted], wanted) if enough else current
            for inside, enough in _choosable(grouping, counted, goal)
        ]
    )


def _tried(subject: Subject, seen: Outcomes, grouping: Grouping, favorable: int, goal: Goal) -> dict[str, Any] | None:
    order = mixed_rows(subject.rows, grouping.whole, subject.seed)
    cut = whole_groups(order, len(order) // 2, grouping.whole)
    choosing, measuring = (np.sort(half) for half in (order[:cut], order[cut:]))
    if not len(measuring):
        return None
    part = grouping.at(choosing)
    counted = np.ones(len(choosing), dtype=bool) if goal == "selection" else seen.deserved[choosing]
    if sum(enough for _, enough in _choosable(part, counted, goal)) < TWO:
        return None
    threshold = subject.decision.threshold
    current = threshold if favorable == 1 else 1.0 - threshold
    chosen = group_thresholds(_at(seen, choosing), part, current, goal)
    own = chosen[grouping.codes]
    # A group that keeps the threshold keeps its decisions, ties and all.
    selected = np.where(own == current, seen.selected, seen.stated > own)
    after = decided_so(subject, favorable, seen.stated, selected)
    compared = priced(_at(seen, measuring), _at(after, measuring), grouping.at(measuring))
    thresholds = [
        {"name": name, "before": current, "after": float(np.clip(value, 0.0, 1.0))}
        for name, value in zip(grouping.names, chosen, strict=True)
    ]
    return {"goal": goal, "groups": thresholds, **compared}


def _choosable(grouping: Grouping, counted: Bool, goal: Goal) -> list[tuple[Bool, bool]]:
    least = LEAST_ROWS if goal == "selection" else LEAST_OUTCOMES
    masks = [grouping.codes == place for place in range(len(grouping.names))]
    return [
        (inside, people and int(inside.sum()) >= LEAST_ROWS and int((inside & counted).sum()) >= least)
        for inside, people in zip(masks, grouping.people, strict=True)
    ]


def _threshold_at(stated: Float64, wanted: float) -> float:
    """Give the threshold above which the share of rows is nearest to the one wanted; rows of one value stay together.

    It stands in the middle between two values that occur; nobody and everybody are possible too.
    """
    values, counts = np.unique(stated, return_counts=True)
    above = np.append(len(stated) - np.cumsum(counts), len(stated)) / len(stated)
    between = np.append((values + np.append(values[1:], values[-1])) / 2, -np.inf)
    return float(between[np.argmin(np.abs(above - wanted))])


def _at(seen: Outcomes, rows: Int64) -> Outcomes:
    return msgspec.structs.replace(
        seen,
        stated=seen.stated[rows],
        selected=seen.selected[rows],
        deserved=seen.deserved[rows],
        right=seen.right[rows],
        cost=None if seen.cost is None else seen.cost[rows],
    )
