"""Parity: the same answers are proved, and any other answer is caught."""

import numpy as np
import pytest

from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import ParityError
from golive.inference.road import open_road
from golive.packaging.boundary import boundary_rows
from golive.packaging.parity import compare, prove

INF, NAN = np.inf, np.nan


def answers(*rows):
    return np.array(rows, dtype=np.float64)


def test_differences_of_values_are_relative_beyond_one():
    parity = compare(answers([0.5], [1000.0]), answers([0.6], [1001.0]), "regression", 0.05)
    assert (parity.rows, parity.worst, parity.passed) == (2, 0, False)
    assert parity.difference == pytest.approx(0.1)


def test_differences_of_probabilities_are_absolute():
    parity = compare(answers([0.2, 0.8]), answers([0.3, 0.7]), "classification", 0.2)
    assert (parity.difference, parity.flipped, parity.passed) == (pytest.approx(0.1), 0, True)


def test_a_flipped_label_fails_however_small_the_difference():
    before, after = answers([0.9, 0.1], [0.51, 0.49]), answers([0.9, 0.1], [0.49, 0.51])
    parity = compare(before, after, "classification", 0.005)
    assert (parity.flipped, parity.ties, parity.worst, parity.passed) == (1, 0, 1, False)


def test_a_label_that_changes_within_the_tolerance_of_a_tie_is_a_tie():
    before, after = answers([0.5, 0.5]), answers([0.5 - 1e-12, 0.5 + 1e-12])
    parity = compare(before, after, "classification", 1e-9)
    assert (parity.flipped, parity.ties, parity.passed) == (0, 1, True)


def test_a_label_far_from_a_tie_in_both_counts_as_flipped_at_another_threshold():
    before, after = answers([0.4, 0.6]), answers([0.2, 0.8])
    assert compare(before, after, "classification", 1e-9, threshold=0.7).flipped == 1
    assert compare(before, after, "classification", 1e-9, threshold=0.5).flipped == 0


def test_several_classes_compare_the_greatest():
    before = answers([0.5, 0.3, 0.2], [0.4, 0.4, 0.2])
    after = answers([0.3, 0.5, 0.2], [0.4 - 1e-13, 0.4 + 1e-13, 0.2])
    parity = compare(before, after, "classification", 1e-9)
    assert (parity.flipped, parity.ties, parity.worst) == (1, 1, 0)


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [(NAN, NAN, 0.0), (INF, INF, 0.0), (NAN, 1.0, INF), (1.0, INF, INF), (INF, -INF, INF)],
)
def test_what_is_not_finite_must_be_the_same(before, after, difference):
    parity = compare(answers([before]), answers([after]), "regression", 1e-9)
    assert (parity.difference, parity.passed) == (difference, difference == 0.0)


def test_other_shapes_are_refused():
    with pytest.raises(ParityError, match="shape"):
        compare(answers([1.0]), answers([0.5, 0.5]), "classification", 1.0)


INPUTS = (
    Field(name="area", dtype="float64", nullable=True),
    Field(name="rooms", dtype="int64"),
    Field(name="city", dtype="string", nullable=True),
)
PRICES = {"rome": 5.0, "paris": 6.0, "unseen": 7.0, None: 8.0}


@pytest.fixture
def road(linear_graph, runtime):
    manifest = Manifest(
        name="houses",
        signature=Signature(inputs=INPUTS, task="regression", target="price"),
        preparation=Preparation(numbers=("area", "rooms"), categories=(Vocabulary("city", ("paris", "rome")),)),
    )
    return open_road(manifest, linear_graph([0.5, -10.0], 100.0, tables=[(6.0, 5.0, 7.0, 8.0)]), runtime)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return {
        "area": np.where(rng.random(300) < 0.1, np.nan, rng.normal(100, 30, 300)),
        "rooms": rng.integers(1, 9, 300),
        "city": rng.choice(np.array(["rome", "paris", "oslo", None], dtype=object), 300),
    }


def original(columns):
    city = np.array([PRICES.get(text, 7.0) for text in columns["city"]])
    return (100 + (0.5 * columns["area"] - 10 * columns["rooms"]) + city).reshape(-1, 1)


def hard_rows(road, table):
    return boundary_rows(table, {"area": (90.5, 120.0)}, road.manifest, rng=np.random.default_rng(1))


def test_equal_answers_are_proved_on_test_rows_and_boundary_rows(road, table):
    hard = hard_rows(road, table)
    proof = prove(original, road, table, hard, tolerance=1e-12)
    measures = {measure.name: measure.value for measure in proof.measures}
    assert proof.rows == 300 + len(hard["area"])
    assert measures["parity.difference"] <= 1e-12
    assert (measures["parity.flipped"], measures["parity.single_row"]) == (0.0, 0.0)
    assert 1e-9 < measures["float32.difference"] < 1e-4
    assert (proof.details["test_rows"], proof.details["refused_rows"]) == (300, 0)


def test_one_wrong_answer_is_caught_and_shown(road, table):
    def wrong(columns):
        expected = original(columns)
        expected[17] += 1.0
        return expected

    with pytest.raises(ParityError) as caught:
        prove(wrong, road, table, hard_rows(road, table), tolerance=1e-9)
    assert f"'rooms': {float(table['rooms'][17])}" in caught.value.message
    assert "allowed: 1e-09" in caught.value.message


def test_a_conversion_that_is_wrong_for_missing_values_only_is_caught_by_the_boundary(road, table):
    def imputing(columns):
        return original({**columns, "area": np.where(np.isnan(columns["area"]), 100.0, columns["area"])})

    complete = {**table, "area": np.nan_to_num(table["area"], nan=100.0)}
    with pytest.raises(ParityError, match="'area': None"):
        prove(imputing, road, complete, hard_rows(road, complete), tolerance=1e-9)


def test_a_conversion_that_is_wrong_for_unseen_categories_only_is_caught_by_the_boundary(road, table):
    def otherwise(columns):
        seen = np.array([text in {"rome", "paris", None} for text in columns["city"]])
        return original(columns) + np.where(seen, 0.0, 3.0).reshape(-1, 1)

    known = {**table, "city": np.where(np.arange(300) % 2, "rome", "paris").astype(object)}
    with pytest.raises(ParityError, match="'city': '"):
        prove(otherwise, road, known, hard_rows(road, known), tolerance=1e-9)


def test_rows_that_cannot_be_served_or_answered_are_counted_and_left_out(road, table):
    def choosy(columns):
        if "oslo" in columns["city"].tolist():
            message = "unknown category"
            raise ValueError(message)
        return original(columns)

    rooms = table["rooms"].astype(float)
    rooms[:5] = np.nan
    served = table["city"][5:] == "oslo"
    proof = prove(choosy, road, {**table, "rooms": rooms}, hard_rows(road, table), tolerance=1e-9)
    assert proof.details["refused_rows"] == 5
    assert proof.details["unanswered_rows"] >= served.sum() > 0


def test_nothing_is_proved_without_rows(road, table):
    empty = {name: column[:0] for name, column in table.items()}
    with pytest.raises(ParityError, match="no row"):
        prove(original, road, empty, empty, tolerance=1e-9)
