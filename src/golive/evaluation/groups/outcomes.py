"""Outcomes: what the model decided about each row, as its people see it: the favorable answer, or not."""

import msgspec
import numpy as np

from golive.domain.signature import Signature
from golive.evaluation.groups.membership import Grouping
from golive.evaluation.subject import Subject
from golive.ports import Float64
from golive.statistics.clusters import cell_means, cell_squares, share_worth
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


class Rate(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A share of some rows by group, float64 ``[groups]`` each."""

    above: Float64
    rows: Float64
    worth: Float64 | float = 1.0
    """How many independent rows one row is worth."""
    units: Float64 | None = None
    """What is independent, where rows are not."""

    def some(self, chosen: Bool) -> tuple[Float64, Float64]:
        """Give the hits and rows of some of the groups, as many as are independent."""
        above, rows = self.above * self.worth, self.rows * self.worth
        return above[chosen], rows[chosen]

    def units_of(self, chosen: Bool) -> Float64 | None:
        """Give what is independent of some of the groups."""
        return None if self.units is None else self.units[chosen]


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
    excess_variances: Float64
    """Of its mean."""
    excess_units: Float64
    """What is independent: rows, or groups of them."""
    base_rate: Rate
    selection_rate: Rate
    tpr: Rate
    fpr: Rate
    precision: Rate
    accuracy: Rate
    cells: Float64
    """The same by bin of the stated probability, ``[groups, bins]``."""
    cells_squared: Float64
    """How much the sums of the cells vary."""

    @property
    def undeserved(self) -> Float64:
        """Rows whose true class is another one."""
        return self.rows - self.deserved


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

    def rate(hit: Bool, among: Bool | None = None) -> Rate:
        inside = np.ones(len(codes), dtype=np.bool_) if among is None else among
        above, rows = by_group(hit & inside), by_group(inside)
        if grouping.whole is None:
            return Rate(above=above, rows=rows)
        worth, units = share_worth(hit[inside], codes[inside], groups, grouping.whole[inside])
        return Rate(above=above, rows=rows, worth=worth, units=units)

    bins = groups * CALIBRATION_BINS
    sums = np.bincount(cells, excess, bins).astype(np.float64)
    means = cell_means(excess, codes, groups, grouping.whole)
    return Tally(
        rows=np.bincount(codes, minlength=groups).astype(np.float64),
        selected=by_group(outcomes.selected),
        deserved=by_group(outcomes.deserved),
        hits=by_group(outcomes.selected & outcomes.deserved),
        right=by_group(outcomes.right),
        excess=by_group(excess),
        excess_variances=means.variances,
        excess_units=np.maximum(means.units, 2),
        base_rate=rate(outcomes.deserved),
        selection_rate=rate(outcomes.selected),
        tpr=rate(outcomes.selected, outcomes.deserved),
        fpr=rate(outcomes.selected, ~outcomes.deserved),
        precision=rate(outcomes.deserved, outcomes.selected),
        accuracy=rate(outcomes.right),
        cells=sums.reshape(groups, CALIBRATION_BINS),
        cells_squared=cell_squares(excess, cells, bins, grouping.whole).reshape(groups, CALIBRATION_BINS),
    )


def _cost(subject: Subject, positive: Bool, decided: Bool) -> Float64 | None:
    costs = subject.declared.costs
    if costs is None:
        return None
    of_positive = np.where(decided, costs.true_positive, costs.false_negative)
    of_others = np.where(decided, costs.false_positive, costs.true_negative)
    return np.asarray(np.where(positive, of_positive, of_others), dtype=np.float64)
