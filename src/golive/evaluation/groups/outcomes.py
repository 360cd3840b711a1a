"""Outcomes: what the model decided about each row, as its people see it: the favorable answer, or not."""

import msgspec
import numpy as np

from golive.domain.signature import Signature
from golive.evaluation.groups.membership import Grouping
from golive.evaluation.subject import Subject
from golive.ports import Float64
from golive.statistics.metrics import CALIBRATION_BINS, Bool, calibration_bin, decide

TWO = 2


class Outcomes(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows of a classification seen from one class: ``[n]`` each."""

    stated: Float64
    """Probability of the favorable class."""
    selected: Bool
    """Whether the favorable class was decided."""
    deserved: Bool
    """Whether it is the true class."""
    right: Bool
    """Whether the decided class is the true one, whichever it is."""
    cost: Float64 | None = None
    """What the decision cost, where costs are declared of two classes."""


class Tally(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Counts and sums by group, float64 ``[groups]`` unless said otherwise."""

    rows: Float64
    selected: Float64
    deserved: Float64
    hits: Float64
    """Selected and deserved."""
    right: Float64
    excess: Float64
    """Sum of stated probability minus outcome."""
    excess_squared: Float64
    cells: Float64
    """The same by bin of the stated probability, ``[groups, bins]``."""
    cells_squared: Float64

    @property
    def undeserved(self) -> Float64:
        """Rows whose true class is another one."""
        return self.rows - self.deserved

    @property
    def wrongly_selected(self) -> Float64:
        """Selected, and not deserved."""
        return self.selected - self.hits


def favorable_class(signature: Signature, declared: str) -> int | None:
    """Give the position of the class that people wish for: the second one unless declared; None for an unknown one."""
    if not declared:
        return min(1, len(signature.classes) - 1)
    for labels in (signature.classes, signature.data_classes):
        if declared in labels:
            return labels.index(declared)
    return None


def outcomes_of(subject: Subject, favorable: int, answers: Float64 | None = None) -> Outcomes:
    """See the model's answers, or others ``[n, classes]`` to the same rows, from the favorable class."""
    given = subject.predicted if answers is None else answers
    selected = decide(given, subject.decision.threshold) == favorable
    if given.shape[1] == TWO:
        return decided_so(subject, favorable, given[:, favorable], selected)
    truth = subject.test.truth.astype(np.int64)
    return Outcomes(
        stated=given[:, favorable],
        selected=selected,
        deserved=truth == favorable,
        right=decide(given, subject.decision.threshold) == truth,
    )


def decided_so(subject: Subject, favorable: int, stated: Float64, selected: Bool) -> Outcomes:
    """See decisions between two classes from the favorable one, with what they cost."""
    truth = subject.test.truth.astype(np.int64)
    deserved = truth == favorable
    return Outcomes(
        stated=stated,
        selected=selected,
        deserved=deserved,
        right=selected == deserved,
        cost=_cost(subject, truth == 1, selected if favorable == 1 else ~selected),
    )


def tally(outcomes: Outcomes, grouping: Grouping) -> Tally:
    """Count by group."""
    codes, groups = grouping.codes, len(grouping.names)
    excess = outcomes.stated - outcomes.deserved
    cells = codes * CALIBRATION_BINS + calibration_bin(outcomes.stated)

    def by_group(values: Bool | Float64) -> Float64:
        return np.bincount(codes, values, groups).astype(np.float64)

    def by_cell(values: Float64) -> Float64:
        sums = np.bincount(cells, values, groups * CALIBRATION_BINS)
        return sums.astype(np.float64).reshape(groups, CALIBRATION_BINS)

    return Tally(
        rows=np.bincount(codes, minlength=groups).astype(np.float64),
        selected=by_group(outcomes.selected),
        deserved=by_group(outcomes.deserved),
        hits=by_group(outcomes.selected & outcomes.deserved),
        right=by_group(outcomes.right),
        excess=by_group(excess),
        excess_squared=by_group(excess**2),
        cells=by_cell(excess),
        cells_squared=by_cell(excess**2),
    )


def _cost(subject: Subject, positive: Bool, decided: Bool) -> Float64 | None:
    costs = subject.declared.costs
    if costs is None:
        return None
    of_positive = np.where(decided, costs.true_positive, costs.false_negative)
    of_others = np.where(decided, costs.false_positive, costs.true_negative)
    return np.asarray(np.where(positive, of_positive, of_others), dtype=np.float64)
