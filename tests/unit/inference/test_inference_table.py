"""Table: columns of any kind become canonical, or are refused by name."""

import numpy as np
import pandas as pd
import pytest

from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError
from golive.inference.table import columns_of

NUMBER, TEXT = Field(name="area", dtype="float64", nullable=True), Field(name="area", dtype="string", nullable=True)


def column(field, values):
    return columns_of(Signature(inputs=(field,), task="regression", target="y"), {"area": values, "other": [1]})["area"]


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, None],
        np.array([1, 0, np.nan], dtype=np.float32),
        np.array([True, False, None], dtype=object),
        pd.Series([1, 0, pd.NA], dtype="Int64"),
        pd.Series([1.0, 0.0, None], dtype="Float64"),
        pd.Series([True, False, None], dtype="boolean"),
    ],
)
def test_numbers_of_any_kind_become_float64_with_nan(values):
    given = column(NUMBER, values)
    assert given.dtype == np.float64
    np.testing.assert_array_equal(given, [1, 0, np.nan])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", None], ["a", None]),
        (np.array(["a", "b"]), ["a", "b"]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series(["a", None], dtype=object), ["a", None]),
        (pd.Series(["a", None], dtype="category"), ["a", None]),
        (pd.Series([20, 30]), ["20", "30"]),
        (pd.Series([20, None]), ["20", None]),
        (pd.Series([20, None], dtype="Int64"), ["20", None]),
        (np.array([True, False]), ["true", "false"]),
        (pd.to_datetime(pd.Series(["2011-07-25", None])), ["2011-07-25T00:00:00", None]),
    ],
)
def test_texts_of_any_kind_become_str_or_none(values, expected):
    given = column(TEXT, values)
    assert given.dtype == object
    assert [None if text is None else text[:19] for text in given.tolist()] == expected


def test_canonical_columns_pass_as_they_are():
    values = np.array([1.0, np.nan])
    assert column(NUMBER, values) is values


@pytest.mark.parametrize(
    ("values", "words"),
    [(["1", "x"], "the text '1'"), (np.array(["1"]), "is a number"), ([1.0, np.inf], "finite"), ([10**400], "finite")],
)
def test_what_is_no_finite_number_is_refused(values, words):
    with pytest.raises(InvalidRowError, match=words):
        column(NUMBER, values)


def test_dates_are_no_numbers():
    with pytest.raises(InvalidRowError, match="is a number"):
        column(NUMBER, np.array(["2011-07-25"], dtype="datetime64[ns]"))


def test_a_column_of_rows_is_refused():
    with pytest.raises(RequestError, match=r"shape \(2, 1\)"):
        column(NUMBER, np.array([[1.0], [2.0]]))


def test_a_missing_required_column_is_refused_with_the_nearest_name():
    signature = Signature(inputs=(Field(name="year_built", dtype="int64"),), task="regression", target="y")
    with pytest.raises(RequestError, match="did you mean 'year_build'") as caught:
        columns_of(signature, {"year_build": [1], "x": [2]})
    assert caught.value.field == "year_built"


def test_a_missing_nullable_column_is_filled_with_missing():
    inputs = (Field(name="a", dtype="int64"), NUMBER, Field(name="t", dtype="string", nullable=True))
    given = columns_of(Signature(inputs=inputs, task="regression", target="y"), {"a": [1, 2]})
    assert np.isnan(given["area"]).tolist() == [True, True]
    assert given["t"].tolist() == [None, None]


def test_columns_of_different_lengths_are_refused():
    inputs = (Field(name="a", dtype="int64"), NUMBER)
    with pytest.raises(RequestError, match="differ in length"):
        columns_of(Signature(inputs=inputs, task="regression", target="y"), {"a": [1, 2], "area": [1.0]})
