"""Rows whose answers are known are asked about again only where a change touches them."""

import numpy as np
import pytest

from golive.domain.bundle import Decision
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError
from golive.evaluation.again import Again
from golive.evaluation.subject import Rows, Subject

COLUMNS = {
    "a": np.array([1.0, np.nan, 3.0, 4.0]),
    "kind": np.array(["x", None, "y", "x"], dtype=object),
}


class Doubled:
    """A model that doubles ``a`` and refuses one value; it counts the rows it is asked about."""

    def __init__(self):
        self.asked = []

    def __call__(self, table):
        if (table["a"] == 13.0).any():
            message = "13 is refused"
            raise InvalidRowError(message, field="$[0].a")
        self.asked.append(len(table["a"]))
        return np.nan_to_num(2.0 * table["a"], nan=-1.0)[:, None]


@pytest.fixture
def subject():
    fields = (Field(name="a", dtype="float64", nullable=True), Field(name="kind", dtype="string", nullable=True))
    model = Doubled()
    return Subject(
        signature=Signature(inputs=fields, task="regression", target="y"),
        decision=Decision(),
        test=Rows(columns=COLUMNS, truth=np.zeros(4)),
        kept=np.arange(4),
        answers={"": model(COLUMNS)},
        predict=model,
    )


def test_only_changed_rows_are_asked_about_and_others_keep_their_answer(subject):
    again = Again(subject, np.arange(4))
    changed = np.array([1.0, np.nan, 5.0, np.nan])
    assert again.answers({"a": changed}).tolist() == [[2.0], [-1.0], [10.0], [-1.0]]
    assert subject.predict.asked[1:] == [2]


def test_nothing_is_asked_where_nothing_changes(subject):
    again = Again(subject, np.array([3, 1]))
    same = {"a": np.array([np.nan, 4.0, 4.0]), "kind": np.array([None, "x", "x"], dtype=object)}
    assert again.answers(same, np.array([1, 0, 0])).tolist() == [[-1.0], [8.0], [8.0]]
    assert subject.predict.asked[1:] == []


def test_a_refused_row_leaves_no_whole_answer(subject):
    again = Again(subject, np.arange(4))
    assert again.whole({"a": np.array([13.0, 1.0, 1.0, 1.0])}) is None
    with pytest.raises(InvalidRowError):
        again.answers({"a": np.array([13.0])}, np.array([2]))
