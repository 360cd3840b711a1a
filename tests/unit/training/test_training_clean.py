"""What cleaning does to a small table, value by value."""

import numpy as np
import pandas as pd
import pytest

from golive.domain.preparation import Bound, Combine, DateParts, Normalize, Recode, TextCounts
from golive.errors import DataError
from golive.training.clean import clean
from golive.training.declare import declared_steps, needed_steps
from golive.training.frame import canonical
from golive.training.recipe import Cleaning, Construct, Features, Outliers, Range, Recipe

FEATURES = Features(numbers=("area",), categories=("city",))


def recipe(cleaning=None, features=FEATURES, task="regression", **rest):
    return Recipe(target="price", task=task, features=features, cleaning=cleaning or Cleaning(), **rest)


def table(**columns):
    whole = {"area": [50.0, 60.0, 70.0, 80.0], "city": ["a", "b", "a", None], "price": [1.0, 2.0, 3.0, 4.0]} | columns
    return pd.DataFrame({name: pd.Series(values) for name, values in whole.items()})


def lines(cleaned):
    return [tuple(line) for line in cleaned.changes.itertuples(index=False)]


def test_a_clean_table_is_left_as_it_is():
    cleaned = clean(table(), recipe())
    assert cleaned.changes.empty
    assert cleaned.frame["area"].tolist() == [50.0, 60.0, 70.0, 80.0]
    assert cleaned.frame["city"].tolist() == ["a", "b", "a", None]
    assert cleaned.target.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert (cleaned.report.rows_in, cleaned.report.rows_out) == (4, 4)


def test_missing_texts_are_none_and_never_nan_whatever_the_dtype():
    for dtype in ("object", "str", "string", "category"):
        frame = canonical(pd.DataFrame({"t": pd.Series(["a", None, "b"], dtype=dtype)}))
        assert frame["t"].dtype == object
        assert frame["t"].tolist() == ["a", None, "b"]


def test_dates_of_a_data_frame_become_iso_texts():
    frame = canonical(
        pd.DataFrame({"d": pd.to_datetime(["2011-07-25", None]), "h": pd.to_datetime(["2011-07-25T13:00", None])})
    )
    assert frame["d"].tolist() == ["2011-07-25", None]
    assert frame["h"].tolist() == ["2011-07-25T13:00", None]


def test_repeated_rows_are_dropped_and_listed():
    cleaned = clean(table(area=[50.0, 50.0, 70.0, 80.0], city=["a"] * 4, price=[1.0, 1.0, 3.0, 4.0]), recipe())
    assert lines(cleaned) == [(2, "", "duplicates", "drop", "", "row left out")]
    assert cleaned.report.changes[0].rows == 1


def test_repeated_rows_can_be_kept():
    same = table(area=[50.0] * 4, city=["a"] * 4, price=[1.0, 1.0, 3.0, 4.0])
    assert len(clean(same, recipe(Cleaning(duplicates="keep"))).frame) == 4


def test_rows_without_a_target_are_dropped_or_refused():
    broken = table(price=[1.0, None, 3.0, 4.0])
    assert lines(clean(broken, recipe())) == [(2, "price", "missing_target", "drop", "", "row left out")]
    with pytest.raises(DataError, match=r"missing in 1 rows .*row 2"):
        clean(broken, recipe(Cleaning(missing_target="error")))


def test_a_text_among_numbers_is_read_as_missing_dropped_or_refused():
    broken = table(area=["50", "n/a", 70, " 80 "])
    cleaned = clean(broken, recipe())
    np.testing.assert_array_equal(cleaned.frame["area"], [50.0, np.nan, 70.0, 80.0])
    assert lines(cleaned) == [(2, "area", "wrong_types", "missing", "n/a", "")]
    assert clean(broken, recipe(Cleaning(wrong_types="drop"))).frame.index.tolist() == [0, 2, 3]
    with pytest.raises(DataError, match=r"1 values that are not a number .row 2 has 'n/a'"):
        clean(broken, recipe(Cleaning(wrong_types="error")))


def test_a_number_column_without_a_single_number_is_refused():
    with pytest.raises(DataError, match=r"no value of column 'area' is a number .row 1 has '1,5'"):
        clean(table(area=["1,5", "2,5", "3,5", "4,5"]), recipe())


def test_missing_codes_are_listed_and_declared_for_serving():
    cleaning = Cleaning(missing_codes={"area": (-999.0,), "city": ("unknown",)})
    plan = recipe(cleaning)
    cleaned = clean(table(area=[50.0, -999.0, 70.0, 80.0], city=["a", "unknown", "b", "a"]), plan)
    assert lines(cleaned) == [
        (2, "area", "missing_codes", "missing", "-999.0", ""),
        (2, "city", "missing_codes", "missing", "unknown", ""),
    ]
    assert cleaned.frame["area"].tolist()[1] == -999.0
    assert declared_steps(plan, {}) == (Recode("area", (-999.0,)), Recode("city", ("unknown",)))


def test_a_word_that_means_missing_in_a_number_column_is_no_wrong_type():
    plan = recipe(Cleaning(missing_codes={"area": ("unknown",)}, wrong_types="error"))
    cleaned = clean(table(area=["50", "unknown", "70", "80"]), plan)
    assert lines(cleaned) == [(2, "area", "missing_codes", "missing", "unknown", "")]


@pytest.mark.parametrize(
    ("outside", "kept", "line"),
    [
        ("missing", 4, (4, "area", "ranges", "missing", "80.0", "")),
        ("clip", 4, (4, "area", "ranges", "clip", "80.0", "75.0")),
        ("drop", 3, (4, "area", "ranges", "drop", "80.0", "row left out")),
        ("refuse", 3, (4, "area", "ranges", "drop", "80.0", "row left out")),
    ],
)
def test_values_outside_a_range_are_handled_as_said(outside, kept, line):
    cleaned = clean(table(), recipe(Cleaning(ranges={"area": Range(maximum=75.0, outside=outside)})))
    assert lines(cleaned) == [line]
    assert len(cleaned.frame) == kept


def test_a_range_that_drops_rows_reads_such_values_as_missing_when_serving():
    plan = recipe(Cleaning(ranges={"area": Range(maximum=75.0, outside="drop")}))
    assert declared_steps(plan, {}) == (Bound("area", None, 75.0, "missing"),)


def test_one_form_of_texts_is_listed_and_declared():
    plan = recipe(Cleaning(normalize=("city",)))
    cleaned = clean(table(city=["Male ", "male", " MALE", "b"]), plan)
    assert [line[4:] for line in lines(cleaned)] == [("Male ", "male"), (" MALE", "male")]
    assert declared_steps(plan, {}) == (Normalize("city"),)


def test_steps_come_in_the_order_repair_outliers_features():
    features = Features(
        numbers=("area",),
        dates=("sold",),
        texts=("note",),
        date_parts=("year",),
        construct=(Construct(into="age", operation="difference", columns=("sold_year", "built")),),
    )
    plan = recipe(Cleaning(ranges={"area": Range(minimum=0.0)}, outliers=Outliers(method="iqr")), features)
    assert declared_steps(plan, {"area": (1.0, 9.0)}) == (
        Bound("area", 0.0, None, "missing"),
        Bound("area", 1.0, 9.0, "clip"),
        DateParts("sold", ("year",)),
        TextCounts("note"),
        Combine("age", "difference", ("sold_year", "built")),
    )


def test_outliers_that_are_dropped_leave_no_step():
    plan = recipe(Cleaning(outliers=Outliers(method="iqr", action="drop")))
    assert declared_steps(plan, {"area": (1.0, 9.0)}) == ()


def test_steps_that_nobody_reads_are_left_out():
    steps = (Recode("x", (-1.0,)), DateParts("d", ("year", "month")), Combine("r", "ratio", ("x", "d_year")))
    assert needed_steps(steps, frozenset({"d_month"})) == (DateParts("d", ("month",)),)
    assert needed_steps(steps, frozenset({"r"})) == (steps[0], DateParts("d", ("year",)), steps[2])


def test_a_text_that_is_no_date_is_a_wrong_type():
    features = Features(dates=("sold",))
    dated = table(sold=["2011-07-25", "soon", "2011-07-26", None])
    cleaned = clean(dated, recipe(features=features))
    assert cleaned.frame["sold"].tolist() == ["2011-07-25", None, "2011-07-26", None]
    with pytest.raises(DataError, match="no value of column 'sold' is an ISO 8601 date"):
        clean(table(sold=["07/25/2011", "07/26/2011", None, None]), recipe(features=features))


def test_the_report_describes_columns_as_they_came():
    columns = {column.name: column for column in clean(table(), recipe()).report.columns}
    assert (columns["area"].kind, columns["area"].minimum, columns["area"].mean) == ("number", 50.0, 65.0)
    assert (columns["city"].kind, columns["city"].missing, columns["city"].top) == ("category", 1, ("a", "b"))
    assert columns["price"].kind == "target"


def test_numbers_that_name_categories_become_texts():
    cleaned = clean(table(city=[20, 30, 20, 30]), recipe())
    assert cleaned.frame["city"].tolist() == ["20", "30", "20", "30"]


@pytest.mark.parametrize(
    ("columns", "options", "match"),
    [
        ({}, {"target": "prize"}, "target 'prize' is not a column .*did you mean 'price'"),
        ({"price": [None] * 4}, {}, "no rows are left"),
        ({"price": [1.0, "cheap", 3.0, 4.0]}, {}, "not a number in 1 rows .such as 'cheap'"),
        ({"price": [1.0, np.inf, 3.0, 4.0]}, {}, "'price' is infinite in 1 rows"),
        ({"price": [2.0] * 4}, {}, "nothing to learn"),
        ({"price": [-2.0, 1.0, 2.0, 3.0]}, {"log_target": True}, "log_target needs values of 0 or more"),
        ({"price": ["a"] * 4}, {"task": "classification"}, "only the class 'a'"),
        ({"price": [1.5, 2.0, 3.0, 4.0]}, {"task": "classification"}, "1.5, which name no class"),
        ({"area": [1.0, np.inf, 3.0, 4.0]}, {}, "'area' is infinite in 1 rows .the first is row 2"),
        ({}, {"features": Features(numbers=("aera",))}, "feature 'aera' .*did you mean 'area'"),
        ({}, {"features": Features()}, "no features are listed"),
        ({}, {"features": Features(numbers=("price",))}, "also listed as a feature"),
        ({}, {"features": Features(numbers=("area",), categories=("area",))}, "'area' more than once"),
        ({}, {"cleaning": Cleaning(missing_codes={"aera": (1.0,)})}, "column in cleaning 'aera'"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused_in_a_sentence(columns, options, match):
    plan = {"target": "price", "task": "regression", "features": FEATURES} | options
    with pytest.raises(DataError, match=match):
        clean(table(**columns), Recipe(**plan))


def test_too_many_classes_are_refused():
    frame = pd.DataFrame({"area": np.arange(1500.0), "city": ["a"] * 1500, "price": [f"id{n}" for n in range(1500)]})
    with pytest.raises(DataError, match="1,500 classes"):
        clean(frame, recipe(task="classification"))


def test_doubled_column_names_are_refused():
    with pytest.raises(DataError, match="several columns named 'a'"):
        canonical(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize(
    ("values", "kind"), [([1.0, 0.0, np.nan, 1.0], "i"), ([True, False, None, True], "b"), ([3, 1, 3, 1], "i")]
)
def test_labels_take_their_narrowest_type(values, kind):
    assert clean(table(price=values), recipe(task="classification")).target.dtype.kind == kind
