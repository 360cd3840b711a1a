"""Broken: test rows whose values mean something else than they say, so that errors on them are no fault of the model's.

These are values in another unit than in training, and numbers that stand for missing ones and that training does not
have: what the model was trained with it has learned from, and errors there are its own.
"""

from collections.abc import Mapping

import numpy as np

from golive.evaluation.checks.hidden import hidden_missing
from golive.evaluation.checks.looked import look
from golive.evaluation.checks.units import units
from golive.evaluation.spoilt import Spoilt, rows_of
from golive.evaluation.subject import Subject
from golive.statistics.excess import Bool


def broken(subject: Subject) -> Mapping[str, Bool]:
    """Give each column that holds such values, and the test rows ``[rows]`` that do; findings speak of them.

    What the checks have found already is not looked for again.
    """
    spoilt = _found(subject) if subject.spoilt is None else subject.spoilt
    return rows_of(spoilt, subject.test.columns)


def _found(subject: Subject) -> tuple[Spoilt, ...]:
    looked = look(subject)
    with np.errstate(all="ignore"):
        return (*units(looked).spoilt, *hidden_missing(looked).spoilt)
