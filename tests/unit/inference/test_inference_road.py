"""Road: a row in, an answer out, through the real runtime."""

import numpy as np
import pytest

from golive.domain.bundle import Decision, Manifest
from golive.domain.preparation import Combine, Normalize, Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, VerificationError
from golive.inference.road import open_road


def manifest(fields, *, preparation=None, threshold=0.5, **signature):
    numbers = tuple(field.name for field in fields if field.dtype != "string")
    return Manifest(
        name="model",
        signature=Signature(inputs=fields, **{"task": "regression", "target": "price", **signature}),
        preparation=preparation or Preparation(numbers=numbers),
        decision=Decision(threshold=threshold),
    )


def fields(*names, dtype="float64"):
    return tuple(Field(name=name, dtype=dtype) for name in names)


@pytest.fixture
def houses(linear_graph, runtime):
    return open_road(manifest(fields("area", "age")), linear_graph([0.5, -10.0], 100.0), runtime)


def test_a_house_of_150_square_meters_and_5_years_costs_125(houses):
    prediction = houses.rows([[150.0, 5.0]])
    assert prediction.tolist() == [[125.0]]
    assert houses.labels(prediction) == [125.0]


def test_rows_and_columns_take_the_same_road(houses):
    rng = np.random.default_rng(0)
    table = rng.normal(0, 100, (50, 2))
    by_columns = houses.columns({"age": table[:, 1], "area": table[:, 0], "unused": table[:, 0]})
    assert houses.rows(table.tolist()).tobytes() == by_columns.tobytes()
    assert np.concatenate([houses.rows([row]) for row in table.tolist()]).tobytes() == by_columns.tobytes()


def test_an_answer_is_not_changed_by_the_next_one(houses):
    first = houses.rows([[150.0, 5.0]])
    second = houses.rows([[0.0, 0.0]])
    assert (first.tolist(), second.tolist()) == ([[125.0]], [[100.0]])


def test_a_bad_row_is_refused_by_name(houses):
    with pytest.raises(InvalidRowError, match="'age' is missing"):
        houses.rows([[150.0, None]])


def test_a_customer_of_the_logistic_example_buys_with_certainty(linear_graph, runtime):
    customers = manifest(
        fields("age", "income", "score"), task="classification", target="buys", classes=("0", "1"), class_dtype="int64"
    )
    road = open_road(customers, linear_graph([0.2, 0.3, 0.1], -5.0, sigmoid=True), runtime)
    prediction = road.rows([[30, 50000, 800]])
    assert prediction[0, 1] == 1.0
    assert road.labels(prediction) == [1]


@pytest.mark.parametrize(
    ("classes", "class_dtype", "expected"),
    [
        (("0", "1"), "int64", [0, 0, 1]),
        (("false", "true"), "bool", [False, False, True]),
        (("False", "True"), "bool", [False, False, True]),
        (("no", "yes"), "string", ["no", "no", "yes"]),
        (("0.5", "1.5"), "float64", [0.5, 0.5, 1.5]),
    ],
)
def test_of_two_classes_the_second_wins_above_the_threshold_in_its_own_type(
    classes, class_dtype, expected, linear_graph, runtime
):
    described = manifest(fields("x"), threshold=0.7, task="classification", classes=classes, class_dtype=class_dtype)
    road = open_road(described, linear_graph([1.0], sigmoid=True), runtime)
    labels = road.labels(np.array([[0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]))
    assert labels == expected
    assert [type(label) for label in labels] == [type(label) for label in expected]


def test_of_several_classes_the_most_probable_wins_and_the_first_at_a_tie(linear_graph, runtime):
    described = manifest(fields("x"), task="classification", classes=("a", "b", "c"))
    road = open_road(described, linear_graph([1.0]), runtime)
    assert road.labels(np.array([[0.2, 0.3, 0.5], [0.4, 0.4, 0.2], [0.2, 0.4, 0.4]])) == ["c", "a", "b"]


def test_declared_steps_and_categories_reach_the_graph(linear_graph, runtime):
    inputs = (
        Field(name="city", dtype="string", nullable=True),
        Field(name="area", dtype="float64"),
        Field(name="rooms", dtype="int64"),
    )
    preparation = Preparation(
        steps=(Normalize("city"), Combine("per_room", "ratio", ("area", "rooms"))),
        numbers=("per_room",),
        categories=(Vocabulary("city", ("paris", "rome")),),
    )
    graph = linear_graph([1.0], tables=[(1000.0, 2000.0, 3000.0, 4000.0)])
    road = open_road(manifest(inputs, preparation=preparation), graph, runtime)
    rows = [[" Rome ", 100, 4], ["Oslo", 100, 4], [None, 100, 4], ["PARIS", 90.0, 3]]
    assert road.labels(road.rows(rows)) == [2025.0, 3025.0, 4025.0, 1030.0]


def test_a_model_of_categories_only_has_no_number_tensor(linear_graph, runtime):
    inputs = fields("city", dtype="string")
    preparation = Preparation(categories=(Vocabulary("city", ("rome",)),))
    road = open_road(manifest(inputs, preparation=preparation), linear_graph(tables=[(5.0, 6.0, 7.0)]), runtime)
    assert road.rows([["rome"], ["oslo"]]).tolist() == [[5.0], [6.0]]
    assert road.rows([["oslo"]]).tolist() == [[6.0]]


def test_bytes_that_are_no_graph_are_refused(runtime):
    with pytest.raises(VerificationError, match="package the model again"):
        open_road(manifest(fields("x")), b"not a graph", runtime)
