"""Steps: what each declared step makes of a column."""

import math

import numpy as np
import pytest

from golive.domain.preparation import Bound, Combine, DateParts, Normalize, Recode, TextCounts
from golive.errors import InvalidRowError, UsageError
from golive.inference.steps import prepared_columns

NAN = np.nan


def numbers(*values):
    return np.array(values, dtype=np.float64)


def texts(*values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def test_normalize_brings_texts_into_one_form():
    given = {"city": texts("  New\u00a0 York ", "\uff21", "", "   ", None)}
    assert prepared_columns([Normalize("city")], given)["city"].tolist() == ["new york", "a", None, None, None]


def test_normalize_can_keep_case_and_empty_texts():
    step = Normalize("city", lower=False, empty_is_missing=False)
    assert prepared_columns([step], {"city": texts(" A  b ", " ")})["city"].tolist() == ["A b", ""]


def test_recode_reads_hidden_codes_as_missing_in_numbers_and_texts():
    steps = [Recode("area", (-999.0, "unknown", "-1")), Recode("city", (-999.0, "unknown"))]
    given = {"area": numbers(-999, -1, 5, NAN), "city": texts("-999", "unknown", "Rome", None)}
    prepared = prepared_columns(steps, given)
    np.testing.assert_array_equal(prepared["area"], [NAN, NAN, 5, NAN])
    assert prepared["city"].tolist() == [None, None, "Rome", None]


@pytest.mark.parametrize(("outside", "expected"), [("missing", [NAN, 0, 1, NAN, NAN]), ("clip", [0, 0, 1, 1, NAN])])
def test_bound_treats_numbers_outside_a_closed_range(outside, expected):
    step = Bound("share", 0.0, 1.0, outside)
    np.testing.assert_array_equal(prepared_columns([step], {"share": numbers(-0.1, 0, 1, 1.1, NAN)})["share"], expected)


def test_bound_can_refuse_and_names_the_field_the_value_and_the_range():
    with pytest.raises(InvalidRowError) as caught:
        prepared_columns([Bound("share", 0.0, None, "refuse")], {"share": numbers(1, NAN, -3)})
    assert caught.value.field == "$[2].share"
    assert caught.value.message == ("field 'share' is -3.0, but the model serves values from 0.0 to any number only")


def test_date_parts_are_those_of_the_moment_in_utc():
    given = {"at": texts("2011-07-25", "2011-07-25T13:30:00", "2012-12-31T23:00:00-02:00", None)}
    step = DateParts("at", ("year", "month", "day", "weekday", "hour", "dayofyear", "days"))
    prepared = prepared_columns([step], given)
    made = np.stack([prepared[f"at_{part}"] for part in step.parts], axis=1)
    expected = [
        [2011, 7, 25, 0, 0, 206, 15180],
        [2011, 7, 25, 0, 13, 206, 15180.5625],
        [2013, 1, 1, 1, 1, 1, 15706 + 1 / 24],
        [NAN] * 7,
    ]
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("text", ["25/07/2011", "", "2011-02-30", "yesterday", "0001-01-01T00:00:00+23:00"])
def test_a_text_that_is_no_date_is_refused_with_its_row(text):
    with pytest.raises(InvalidRowError, match="is not an ISO 8601 date") as caught:
        prepared_columns([DateParts("at", ("year",))], {"at": texts("2011-07-25", text)})
    assert caught.value.field == "$[1].at"


def test_text_counts_characters_and_words():
    prepared = prepared_columns([TextCounts("note")], {"note": texts("two words", "", None)})
    np.testing.assert_array_equal(prepared["note_chars"], [9, 0, NAN])
    np.testing.assert_array_equal(prepared["note_words"], [2, 0, NAN])


@pytest.mark.parametrize(
    ("operation", "columns", "expected"),
    [
        ("sum", ("a", "b"), [3, NAN, 5, NAN]),
        ("difference", ("a", "b"), [-1, NAN, 5, NAN]),
        ("product", ("a", "b"), [2, NAN, 0, NAN]),
        ("ratio", ("a", "b"), [0.5, NAN, NAN, NAN]),
        ("log1p", ("c",), [0, NAN, NAN, math.log1p(2.0)]),
        ("square", ("c",), [0, 1, 25, 4]),
        ("absolute", ("c",), [0, 1, 5, 2]),
    ],
)
def test_combine_gives_missing_where_there_is_no_finite_result(operation, columns, expected):
    given = {"a": numbers(1, NAN, 5, 1e308), "b": numbers(2, 1, 0, -np.nan), "c": numbers(0, -1, -5, 2)}
    np.testing.assert_array_equal(prepared_columns([Combine("made", operation, columns)], given)["made"], expected)


def test_a_result_beyond_float64_is_missing():
    given = {"a": numbers(1e308), "b": numbers(1e308)}
    steps = [Combine("s", "sum", ("a", "b")), Combine("q", "square", ("a",)), Combine("p", "product", ("a", "b"))]
    prepared = prepared_columns(steps, given)
    assert all(np.isnan(prepared[name][0]) for name in "sqp")


def test_the_given_columns_are_left_as_they_are():
    given = {"a": numbers(-5, 2), "t": texts(" X ", None)}
    prepared_columns([Bound("a", 0.0, 1.0, "clip"), Recode("a", (0.0,)), Normalize("t")], given)
    assert given["a"].tolist() == [-5, 2]
    assert given["t"].tolist() == [" X ", None]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Bound("b"), "neither an input nor made"),
        (Bound("t"), "needs a number column, but 't' is a text column"),
        (Normalize("a"), "needs a text column, but 'a' is a number column"),
        (Combine("x", "ratio", ("a",)), "is the ratio of 1 columns, but 2 are needed"),
        (Combine("x", "sum", ("a",)), "2 or more"),
    ],
)
def test_a_step_that_does_not_fit_its_columns_is_refused(step, words):
    with pytest.raises(UsageError, match=words):
        prepared_columns([step], {"a": numbers(1), "t": texts("x")})
