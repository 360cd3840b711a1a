"""Rows prepared once are answered with changed columns as the whole road answers them."""

import numpy as np
import pytest

from golive.domain.bundle import Manifest
from golive.domain.preparation import Bound, Combine, DateParts, Normalize, Preparation, Recode, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError
from golive.inference.front import compile_front
from golive.inference.parts import Parts
from golive.inference.pieces import ROWS, run_in_pieces
from golive.inference.road import Road
from golive.inference.varied import Varied

FIELDS = (
    Field(name="a", dtype="float64"),
    Field(name="b", dtype="float64", nullable=True),
    Field(name="day", dtype="string", nullable=True, format="date"),
    Field(name="kind", dtype="string", nullable=True),
    Field(name="unused", dtype="float64"),
)
PREPARATION = Preparation(
    steps=(
        Normalize(column="kind"),
        Recode(column="b", missing=(-1.0,)),
        Combine(into="both", operation="sum", columns=("a", "b")),
        Bound(column="a", minimum=-5.0, maximum=5.0, outside="clip"),
        DateParts(column="day", parts=("year", "month")),
        Combine(into="late", operation="product", columns=("both", "day_year")),
        Bound(column="unused", minimum=0.0, maximum=9.0, outside="refuse"),
    ),
    numbers=("late", "a", "day_month", "both"),
    categories=(Vocabulary(column="kind", values=("x", "y")),),
)


class Weighed:
    """A session that weighs numbers and codes, and keeps what it was given."""

    def __init__(self):
        self.given = []

    def run(self, numbers, codes):
        self.given.append((numbers, codes))
        return np.nan_to_num(numbers) @ np.array([[0.001], [3.0], [0.7], [-2.0]]) + codes


@pytest.fixture
def road():
    signature = Signature(inputs=FIELDS, task="regression", target="y")
    manifest = Manifest(name="m", signature=signature, preparation=PREPARATION)
    return Road(manifest, compile_front(PREPARATION, signature), Weighed())


def rows(count, seed):
    rng = np.random.default_rng(seed)
    return {
        "a": rng.normal(scale=6.0, size=count),
        "b": rng.choice([-1.0, 2.0, np.nan], count),
        "day": rng.choice(np.array(["2020-01-31", "1999-12-01", None], dtype=object), count),
        "kind": rng.choice(np.array([" X", "y", "z", None], dtype=object), count),
        "unused": rng.uniform(0.0, 9.0, count),
    }


@pytest.mark.parametrize("names", [(field.name,) for field in FIELDS] + [("a", "day"), ("b", "kind", "unused")])
def test_changed_columns_are_answered_with_the_same_bits_as_whole_rows(road, names):
    held, other = rows(40, 0), rows(60, 1)
    places = np.random.default_rng(2).integers(0, 40, 60)
    changed = {name: other[name] for name in names}
    whole = road.columns({name: column[places] for name, column in held.items()} | changed)
    assert Varied(road, held).ask(places, changed).tobytes() == whole.tobytes()


def test_what_is_made_of_other_columns_is_not_worked_out_again():
    signature = Signature(inputs=FIELDS, task="regression", target="y")
    parts = Parts(PREPARATION, signature)
    by_day, by_kind = parts.touched_by(["day"]), parts.touched_by(["kind"])
    assert (by_day.names, by_day.numbers.tolist(), by_day.codes.tolist()) == (("a", "b", "day"), [0, 2], [])
    assert (by_kind.names, by_kind.numbers.tolist(), by_kind.codes.tolist()) == (("kind",), [], [0])


@pytest.mark.parametrize(("name", "value"), [("unused", 10.0), ("a", np.nan), ("a", np.inf), ("day", "no date")])
def test_a_changed_value_that_a_server_refuses_is_refused(road, name, value):
    held = rows(5, 0)
    changed = held[name].copy()
    changed[3] = value
    with pytest.raises(InvalidRowError):
        Varied(road, held).ask(np.arange(5), {name: changed})


def test_many_rows_go_through_a_session_in_pieces_and_come_back_in_order():
    session = Weighed()
    numbers, codes = np.random.default_rng(0).normal(size=(2 * ROWS + 3, 4)), np.zeros((2 * ROWS + 3, 1), np.int64)
    found = run_in_pieces(session, numbers, codes)
    assert [len(given) for given, _ in session.given] == [ROWS, ROWS, 3]
    assert np.concatenate([given for given, _ in session.given]).tobytes() == numbers.tobytes()
    assert found.shape == (2 * ROWS + 3, 1)
