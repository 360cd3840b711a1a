"""Front: the row form and the batch form give the same bits, for anything a caller may send."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golive.domain.preparation import (
    Bound,
    Combine,
    DateParts,
    Normalize,
    Preparation,
    Recode,
    TextCounts,
    Vocabulary,
)
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UsageError
from golive.inference.front import FEW_ROWS, compile_front
from golive.inference.table import columns_of

INPUTS = (
    Field(name="area", dtype="float64", nullable=True),
    Field(name="rooms", dtype="int64", nullable=True),
    Field(name="garden", dtype="bool", nullable=True),
    Field(name="city", dtype="string", nullable=True),
    Field(name="sold", dtype="string", nullable=True, format="date"),
    Field(name="note", dtype="string", nullable=True),
)
SIGNATURE = Signature(inputs=INPUTS, task="regression", target="price")
PREPARATION = Preparation(
    steps=(
        Recode("area", (-999.0,)),
        Recode("city", ("unknown", 7.0)),
        Bound("area", -1e6, 1e300, "clip"),
        Bound("rooms", 0.0, 50.0, "missing"),
        Normalize("city"),
        DateParts("sold", ("year", "month", "day", "weekday", "hour", "dayofyear", "days")),
        TextCounts("note"),
        Combine("per_room", "ratio", ("area", "rooms")),
        Combine("both", "sum", ("area", "rooms", "garden")),
        Combine("less", "difference", ("area", "rooms")),
        Combine("times", "product", ("area", "area")),
        Combine("log_area", "log1p", ("area",)),
        Combine("square_area", "square", ("area",)),
        Combine("size", "absolute", ("area",)),
    ),
    numbers=(
        *("area", "rooms", "garden", "per_room", "both", "less", "times", "log_area", "square_area", "size"),
        *("note_chars", "note_words"),
        *(f"sold_{part}" for part in ("year", "month", "day", "weekday", "hour", "dayofyear", "days")),
    ),
    categories=(
        Vocabulary("city", ("rome", "paris", "")),
        Vocabulary("garden", ("false", "true")),
        Vocabulary("rooms", ("1", "2", "3")),
    ),
)
FRONT = compile_front(PREPARATION, SIGNATURE)

HARD_NUMBERS = st.sampled_from([0.0, -0.0, -999, 5e-324, 1e15, 1.7e308, -1.7e308, 2**53 + 1, 10**30, -1, math.nan])
NUMBERS = st.none() | st.floats(allow_infinity=False) | st.integers(-(10**20), 10**20) | HARD_NUMBERS
TEXTS = (
    st.none() | st.text(max_size=8) | st.sampled_from(["rome", " ROME ", "Paris", "", " ", "unknown", "7", "\uff32ome"])
)
DATES = (
    st.none()
    | st.datetimes().map(lambda moment: moment.isoformat())
    | st.dates().map(lambda day: day.isoformat())
    | st.sampled_from(["2024-02-29T23:59:59.999999+05:30", "1969-12-31T23:00:00-01:00", "2020-01-01T00:00:00Z"])
)
ROWS = st.lists(
    st.tuples(NUMBERS, st.none() | st.integers(-5, 60), st.none() | st.booleans(), TEXTS, DATES, TEXTS),
    min_size=1,
    max_size=2 * FEW_ROWS,
)


def batch(rows):
    table = {field.name: values for field, values in zip(INPUTS, map(list, zip(*rows, strict=True)), strict=True)}
    as_objects = {name: np.array([*values, None], dtype=object)[:-1] for name, values in table.items()}
    return FRONT.columns(columns_of(SIGNATURE, as_objects))


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_the_row_form_and_the_batch_form_give_the_same_bits(rows):
    together = FRONT.rows(rows)
    alone = [FRONT.rows([row]) for row in rows]
    for index, expected in enumerate(batch(rows)):
        assert together[index].tobytes() == expected.tobytes()
        assert np.concatenate([one[index] for one in alone]).tobytes() == expected.tobytes()


def test_tensors_have_their_declared_shapes_and_types():
    row = (120.5, 3, True, " Rome", "2011-07-25", "two words")
    for count in (0, 1, FEW_ROWS, FEW_ROWS + 1):
        numbers, codes = FRONT.rows([row] * count)
        assert (numbers.shape, numbers.dtype) == ((count, 19), np.float64)
        assert (codes.shape, codes.dtype) == ((count, 3), np.int64)


def test_codes_are_the_position_then_unseen_then_missing():
    rows = [(1.0, rooms, garden, city, None, None) for rooms, garden, city in ((2, True, "PARIS"), (9, None, "Oslo"))]
    rows.append((1.0, None, False, None, None, None))
    assert FRONT.rows(rows)[1].tolist() == [[1, 1, 1], [3, 3, 3], [4, 0, 4]]


def plain_front(*fields, **preparation):
    return compile_front(Preparation(**preparation), Signature(inputs=fields, task="regression", target="y"))


@pytest.mark.parametrize("count", [1, FEW_ROWS + 1])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.inf, "finite"),
        (10**400, "finite"),
        ("12", "is a number, but the text '12' was found"),
        ([1.0], "is a number, but the list"),
        (None, "is missing"),
        (math.nan, "is missing"),
        (-5.0, "from 0.0 to 10.0 only"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_with_its_path(value, words, count):
    steps = (Bound("area", 0.0, 10.0, "refuse"),)
    front = plain_front(Field(name="area", dtype="float64"), steps=steps, numbers=("area",))
    with pytest.raises(InvalidRowError, match=words) as caught:
        front.rows([[1.0]] * (count - 1) + [[value]])
    assert caught.value.field == f"$[{count - 1}].area"


@pytest.mark.parametrize("count", [1, FEW_ROWS + 1])
@pytest.mark.parametrize(("value", "words"), [("25/07/2011", "ISO 8601"), (None, "is missing")])
def test_a_date_that_does_not_fit_is_refused_with_its_path(value, words, count):
    steps = (DateParts("at", ("year",)),)
    front = plain_front(Field(name="at", dtype="string", format="date"), steps=steps, numbers=("at_year",))
    with pytest.raises(InvalidRowError, match=words) as caught:
        front.rows([["2011-07-25"]] * (count - 1) + [[value]])
    assert caught.value.field == f"$[{count - 1}].at"


@pytest.mark.parametrize("count", [1, FEW_ROWS + 1])
def test_a_row_of_another_width_is_refused_with_the_expected_names(count):
    front = plain_front(Field(name="area", dtype="float64"), Field(name="rooms", dtype="int64"), numbers=("area",))
    with pytest.raises(InvalidRowError, match="has 1 values, but 2 are expected, in this order: area, rooms"):
        front.rows([[1.0, 2]] * (count - 1) + [[1.0]])


def test_accepted_says_which_rows_would_be_refused():
    fields = (Field(name="area", dtype="float64"), Field(name="at", dtype="string", nullable=True))
    steps = (Bound("area", 0.0, None, "refuse"), DateParts("at", ("year",)))
    front = plain_front(*fields, steps=steps, numbers=("area",))
    columns = {
        "area": np.array([1.0, np.nan, np.inf, -1.0, 2.0, 3.0]),
        "at": np.array(["2011-07-25", None, None, None, "never", None], dtype=object),
    }
    assert front.accepted(columns).tolist() == [True, False, False, False, False, True]


@pytest.mark.parametrize(
    ("preparation", "words"),
    [
        ({"numbers": ("aera",)}, "'aera', which is neither an input nor made"),
        ({"numbers": ("city",)}, "as a number, but it is a text"),
        ({"categories": (Vocabulary("town", ("a",)),)}, "'town', which is neither"),
        ({"steps": (Normalize("area"),)}, "needs a text column"),
    ],
)
def test_a_preparation_that_does_not_fit_its_signature_does_not_compile(preparation, words):
    with pytest.raises(UsageError, match=words):
        plain_front(Field(name="area", dtype="float64"), Field(name="city", dtype="string"), **preparation)
