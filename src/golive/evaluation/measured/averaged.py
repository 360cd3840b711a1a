"""Averaged: how surely means over classes are known, from what is known of every class."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from golive.ports import Float64, Int64
from golive.statistics.combined import Part, difference_of_parts, f1_part, mean_of_parts, plain_variance, share_part
from golive.statistics.intervals import Interval


class Averaged(NamedTuple):
    """A mean over classes, the influence ``[n]`` of each row on it, and its parts."""

    value: float
    influence: Float64
    parts: tuple[Part, ...]
    classes: int
    """How many the mean is over; one without rows of its own is no part, and counts as 0."""


def averaged(
    name: str, value: float, influence: Float64, truth: Int64, decided: Int64, groups: Int64 | None
) -> Averaged:
    """Take apart balanced accuracy, precision, recall, F1 or specificity as ``metrics.scores_of_counts`` means it."""
    occurring = np.unique(truth if name == "balanced_accuracy" else np.append(truth, decided))
    # What is never decided has an F1 of 0 by the decision alone, as long as that never varies.
    varying = decided[:1] if (decided == decided[0]).all() else occurring
    found = (_part(name, int(label), truth, decided, groups) for label in varying)
    return Averaged(value, influence, _known(found), len(occurring))


def averaged_interval(found: Averaged, groups: Int64 | None) -> Interval | None:
    """Give the interval of a mean; None where all rows are of one group."""
    if _is_alone(groups, len(found.influence)):
        return None
    return mean_of_parts(found.value, plain_variance(found.influence, groups), found.parts, found.classes)


def averaged_difference(one: Averaged, two: Averaged, groups: Int64 | None) -> Interval | None:
    """Give the interval of a mean less another on the same rows; None where all rows are of one group."""
    if _is_alone(groups, len(one.influence)):
        return None
    variance = plain_variance(one.influence - two.influence, groups)
    return difference_of_parts(one.value - two.value, variance, one.parts, two.parts, one.classes)


def _part(name: str, label: int, truth: Int64, decided: Int64, groups: Int64 | None) -> Part | None:
    true, chosen = truth == label, decided == label
    if name == "f1":
        return f1_part(true, chosen, groups)
    if name == "specificity":
        true, chosen = ~true, ~chosen
    among, hits = (chosen, true) if name == "precision" else (true, chosen)
    return share_part(hits[among], None if groups is None else groups[among])


def _known(parts: Iterable[Part | None]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part is not None)


def _is_alone(groups: Int64 | None, rows: int) -> bool:
    return rows < 2 if groups is None else bool((groups == groups[0]).all())  # noqa: PLR2004  one row has no spread
