"""Values: one text for one category, however it came."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from golive.errors import InvalidRowError
from golive.inference.values import number_of, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (math.nan, None),
        (np.float32("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.datetime64("NaT"), None),
        (True, "true"),
        (np.False_, "false"),
        (20, "20"),
        (20.0, "20"),
        (np.int8(20), "20"),
        (np.float32(20), "20"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (1e22, "10000000000000000000000"),
        (math.inf, "inf"),
        ("", ""),
        (" a ", " a "),
        (np.str_("a"), "a"),
        (dt.date(2011, 7, 25), "2011-07-25"),
        (pd.Timestamp("2011-07-25 13:00"), "2011-07-25T13:00:00"),
        (np.datetime64("2011-07-25"), "2011-07-25"),
    ],
)
def test_a_category_has_one_text_however_it_came(value, text):
    assert text_of(value) == text
    assert type(text_of(value)) in {str, type(None)}


@pytest.mark.parametrize(("value", "number"), [(3, 3.0), (True, 1.0), (np.float32(0.5), 0.5), (np.int64(7), 7.0)])
def test_a_number_is_a_float_however_it_came(value, number):
    assert number_of(value, "area") == number


@pytest.mark.parametrize("value", [None, math.nan, pd.NA])
def test_a_missing_number_is_nan(value):
    assert math.isnan(number_of(value, "area"))


@pytest.mark.parametrize("value", ["3", math.inf, -math.inf, 10**400, [1], {}])
def test_what_is_no_finite_number_is_refused_by_name(value):
    with pytest.raises(InvalidRowError, match="'area'"):
        number_of(value, "area")
