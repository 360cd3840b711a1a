"""Reweighting: what a retrain with weights that part group and label would close, and what it would cost.

The retrain happens elsewhere; here its answers are compared with the model's on the same rows.
"""

from collections.abc import Callable, Mapping

import numpy as np

from golive.errors import DataError
from golive.evaluation.groups.classified import gaps_of
from golive.evaluation.groups.membership import Grouping, grouped
from golive.evaluation.groups.outcomes import favorable_class, outcomes_of, tally
from golive.evaluation.groups.price import priced
from golive.evaluation.groups.section import columns_of
from golive.evaluation.roles import Note, note
from golive.evaluation.subject import Part, Section, Subject, Table
from golive.ports import Float64, Int64

Refit = Callable[[Int64], Callable[[Table], Float64]]
"""Group of every training row -> the model fitted again with weights by them: columns -> answers ``[n, classes]``."""
_MOST = 3
_MANY_ROWS = 20_000
_WORTH = 0.9


def reweighted_by(refit: Refit) -> Part:
    """Make the part of an evaluation that fits the model again by every column that is worth it.

    What cannot be fitted again (a :class:`DataError`) is a note.
    """

    def part(subject: Subject) -> Section:
        columns = columns_to_reweigh(subject)
        try:
            answers = {name: refit(training_groups(subject, name))(subject.test.columns) for name in columns}
        except DataError as error:
            return reweighting(subject, {}, refused=str(error))
        return reweighting(subject, answers)

    return part


def columns_to_reweigh(subject: Subject) -> tuple[str, ...]:
    """Give the sensitive columns whose groups get the favorable answer at rates so far apart that a retrain is of use.

    The largest gap first; three at most, and one where there are so many training rows that a fit takes its time. None
    without training rows that hold the column, and none of a regression.
    """
    favorable = favorable_class(subject.signature, subject.declared.favorable)
    if subject.signature.task != "classification" or favorable is None or subject.training is None:
        return ()
    seen = outcomes_of(subject, favorable)
    ratios: list[tuple[float, str]] = []
    for grouping in columns_of(subject):
        found = [gap for gap in gaps_of(tally(seen, grouping), grouping) if gap.name == "selection_ratio"]
        known = subject.training.column(grouping.columns[0]) is not None
        ratios += [(gap.found.value, grouping.columns[0]) for gap in found if known and gap.found.value < _WORTH]
    most = _MOST if len(subject.training.truth) <= _MANY_ROWS else 1
    return tuple(name for _, name in sorted(ratios)[:most])


def training_groups(subject: Subject, column: str) -> Int64:
    """Give the group of every training row by a sensitive column, int64 ``[training rows]``.

    Numbers are cut at the quartiles of the training rows; a missing value is a group of its own.
    """
    values = None if subject.training is None else subject.training.column(column)
    return np.zeros(0, dtype=np.int64) if values is None else grouped(column, values).codes


def reweighting(subject: Subject, answers: Mapping[str, Float64], refused: str = "") -> Section:
    """Compare a retrain's answers with the model's.

    Args:
        subject: the model that is judged.
        answers: sensitive column -> answers ``[n, classes]`` to the test rows by the model that was fitted again with
            weights by that column.
        refused: why the model could not be fitted again, if so.
    """
    favorable = favorable_class(subject.signature, subject.declared.favorable)
    notes: tuple[Note, ...] = ()
    if refused:
        notes = (note("fairness_no_reweighting", "no reweighted retrain is shown: {reason}", reason=refused),)
    if favorable is None or not answers:
        return Section(notes=notes)
    before = outcomes_of(subject, favorable)
    groupings: dict[str, Grouping] = {one.columns[0]: one for one in columns_of(subject)}
    tables = [
        {"goal": "reweighted", "groups": [], **priced(before, outcomes_of(subject, favorable, given), groupings[name])}
        for name, given in answers.items()
    ]
    return Section(details={"tables": tables}, notes=notes)
