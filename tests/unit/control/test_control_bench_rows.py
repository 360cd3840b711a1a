"""Rows and requests of a bench: varied, inside of what training saw, and written as the protocols say."""

import json
from datetime import date

import numpy as np
import pytest

from golive.control.load.described import example_of, types_of
from golive.control.load.requests import Body, bodies_of, path_of, request_of
from golive.control.load.rows import examples_around, varied_rows
from golive.domain.profile import ColumnProfile, Profile
from golive.domain.signature import Field, Signature
from golive.errors import NotFoundError
from golive.serving.pages.openapi import describe

SIGNATURE = Signature(
    inputs=(
        Field(name="area", dtype="float64", example=100.0),
        Field(name="rooms", dtype="int64", nullable=True, minimum=1.0, maximum=9.0),
        Field(name="garden", dtype="bool"),
        Field(name="hood", dtype="string", nullable=True, categories=("north", "south")),
        Field(name="sold", dtype="string", format="date", example="2010-05-01"),
        Field(name="note", dtype="string", example="quiet"),
    ),
    task="regression",
    target="price",
)
PROFILE = Profile(
    rows=100,
    inputs=(
        ColumnProfile(name="area", edges=(50.0, 60.0, 200.0), counts=(1, 50, 40, 2, 7)),
        ColumnProfile(name="rooms", edges=(1.0, 3.0), counts=(0, 60, 0, 40)),
        ColumnProfile(name="hood", values=("north", "south"), counts=(20, 70, 5, 0, 5)),
    ),
    outputs=(),
)


def column(rows, name):
    return [row[name] for row in rows]


def test_rows_follow_what_the_model_saw_in_training():
    rows = varied_rows(SIGNATURE, PROFILE, 4000, seed=1)
    areas, rooms, hoods = (column(rows, name) for name in ("area", "rooms", "hood"))
    # The column may not be missing, so its missing rows are spread over the others.
    assert all(isinstance(area, float) and 50.0 <= area <= 200.0 for area in areas)
    assert sum(area < 60.0 for area in areas) / 4000 == pytest.approx(51 / 93, abs=0.05)
    assert sum(room is None for room in rooms) / 4000 == pytest.approx(0.4, abs=0.05)
    assert {room for room in rooms if room is not None} == {1, 2, 3}
    assert {type(room) for room in rooms} == {int, type(None)}
    assert set(hoods) == {"north", "south", None}
    assert hoods.count("south") / 4000 == pytest.approx(0.75, abs=0.05)


def test_rows_without_a_profile_follow_the_signature():
    rows = varied_rows(SIGNATURE, None, 500, seed=1)
    assert all(90.0 <= area <= 110.0 for area in column(rows, "area"))
    assert set(column(rows, "rooms")) == set(range(1, 10))
    assert set(column(rows, "garden")) == {True, False}
    assert set(column(rows, "hood")) == {"north", "south"}
    assert {date.fromisoformat(day).year for day in column(rows, "sold")} == {2009, 2010}
    assert set(column(rows, "note")) == {"quiet"}


def test_equal_seeds_give_equal_rows_and_rows_differ():
    first, again, other = (varied_rows(SIGNATURE, PROFILE, 50, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len({json.dumps(row) for row in first}) == 50


def test_columns_that_were_missing_throughout_are_drawn_from_the_signature():
    empty = Profile(
        rows=3,
        inputs=(
            ColumnProfile(name="area", counts=(0, 3)),
            ColumnProfile(name="hood", values=(), counts=(0, 0, 3)),
        ),
        outputs=(),
    )
    rows = varied_rows(SIGNATURE, empty, 20, seed=1)
    assert all(90.0 <= area <= 110.0 for area in column(rows, "area"))
    assert set(column(rows, "hood")) == {None}


def test_rows_around_an_example_vary_its_floats_alone():
    rows = examples_around({"area": 100.0, "rooms": 3, "hood": "north", "garden": None}, 20, seed=1)
    assert len({row["area"] for row in rows}) == 20
    assert all({**row, "area": 0} == {"area": 0, "rooms": 3, "hood": "north", "garden": None} for row in rows)


def test_bodies_hold_so_many_rows_each():
    rows = [{"area": float(number)} for number in range(6)]
    bodies = [json.loads(body.content) for body in bodies_of(rows, 2, "rows", {})]
    assert bodies == [{"instances": [{"area": 2.0 * number}, {"area": 2.0 * number + 1}]} for number in range(3)]


def test_tensors_hold_one_column_each_with_its_datatype():
    rows = [
        {"area": 1.5, "rooms": 2, "garden": True, "hood": "x"},
        {"area": 2.5, "rooms": 3, "garden": False, "hood": "y"},
    ]
    (body,) = bodies_of(rows, 2, "tensors", types_of(rows[0]))
    assert json.loads(body.content)["inputs"] == [
        {"name": "area", "shape": [2, 1], "datatype": "FP64", "data": [1.5, 2.5]},
        {"name": "rooms", "shape": [2, 1], "datatype": "INT64", "data": [2, 3]},
        {"name": "garden", "shape": [2, 1], "datatype": "BOOL", "data": [True, False]},
        {"name": "hood", "shape": [2, 1], "datatype": "BYTES", "data": ["x", "y"]},
    ]


def test_numbers_alone_are_one_binary_tensor_with_gaps_as_nan():
    (body,) = bodies_of([{"a": 1.5, "b": None}, {"a": 2.5, "b": 7}], 2, "binary", {"a": "float64", "b": "int64"})
    size = int(body.headers["inference-header-content-length"])
    head = json.loads(body.content[:size])
    assert head["inputs"] == [
        {"name": "input", "shape": [2, 2], "datatype": "FP64", "parameters": {"binary_data_size": 32}}
    ]
    assert head["parameters"] == {"binary_data_output": True}
    assert body.content[size:] == np.array([[1.5, np.nan], [2.5, 7.0]]).astype("<f8").tobytes()


def test_other_columns_are_a_binary_tensor_each_and_gaps_are_written_as_json():
    rows = [{"a": None, "b": 3, "c": True, "d": "né", "e": None}, {"a": 0.5, "b": 4, "c": False, "d": "", "e": "x"}]
    types = {"a": "float64", "b": "int64", "c": "bool", "d": "string", "e": "string"}
    (body,) = bodies_of(rows, 2, "binary", types)
    size = int(body.headers["inference-header-content-length"])
    inputs = json.loads(body.content[:size])["inputs"]
    assert [(one["name"], one["datatype"], one.get("parameters")) for one in inputs[:4]] == [
        ("a", "FP64", {"binary_data_size": 16}),
        ("b", "INT64", {"binary_data_size": 16}),
        ("c", "BOOL", {"binary_data_size": 2}),
        ("d", "BYTES", {"binary_data_size": 11}),
    ]
    assert inputs[4] == {"name": "e", "shape": [2, 1], "datatype": "BYTES", "data": [None, "x"]}
    numbers = np.array([np.nan, 0.5]).astype("<f8").tobytes() + np.array([3, 4]).astype("<i8").tobytes()
    assert body.content[size:] == numbers + b"\1\0" + b"\3\0\0\0n\xc3\xa9" + b"\0\0\0\0"


def test_a_request_is_whole_and_says_its_length():
    head, _, body = request_of(Body(b"{}"), host="a:1", path="/p", headers={"x-api-key": "k"}).partition(b"\r\n\r\n")
    assert body == b"{}"
    assert head.split(b"\r\n") == [
        b"POST /p HTTP/1.1", b"host: a:1", b"content-type: application/json", b"content-length: 2", b"x-api-key: k",
    ]  # fmt: skip


def test_routes_are_those_of_the_protocols():
    assert path_of("iris", "rows") == "/v1/models/iris:predict"
    assert path_of("iris", "tensors") == "/v2/models/iris/infer"


def test_a_servers_own_description_gives_the_model_and_an_example_row():
    description = describe({"homes": SIGNATURE}, title="t", version="1", secured=False)
    name, row = example_of(description, "", "http://a")
    assert name == "homes"
    assert (row["area"], row["note"], list(row)) == (100.0, "quiet", list(SIGNATURE.names))


@pytest.mark.parametrize(("served", "model"), [(("a", "b"), ""), (("a",), "b"), ((), "")])
def test_a_model_that_is_not_clear_is_asked_for_by_name(served, model):
    description = describe(dict.fromkeys(served, SIGNATURE), title="t", version="1", secured=False)
    with pytest.raises(NotFoundError, match="--model") as caught:
        example_of(description, model, "http://a")
    assert all(name in caught.value.message for name in served)
