"""Boundary: the rows at which conversions go wrong are among those tried."""

import numpy as np
import pytest

from golive.domain.bundle import Manifest
from golive.domain.preparation import Bound, DateParts, Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.packaging.boundary import MOST_ROWS, boundary_rows

FIELDS = (
    Field(name="area", dtype="float64", nullable=True),
    Field(name="garden", dtype="bool"),
    Field(name="city", dtype="string", nullable=True, categories=("paris", "rome")),
    Field(name="sold", dtype="string", format="date"),
)
TABLE = {
    "area": np.array([10.0, 90.0, np.nan]),
    "garden": np.array([True, False, True]),
    "city": np.array(["rome", "paris", None], dtype=object),
    "sold": np.array(["2011-07-25", "2012-01-01", "2013-01-01"], dtype=object),
}


def manifest(*fields, steps=()):
    numbers = tuple(field.name for field in fields if field.dtype != "string")
    categories = tuple(Vocabulary(field.name, field.categories) for field in fields if field.categories)
    return Manifest(
        name="m",
        signature=Signature(inputs=fields, task="regression", target="y"),
        preparation=Preparation(steps=steps, numbers=numbers, categories=categories),
    )


@pytest.fixture
def rows():
    described = manifest(*FIELDS, steps=(DateParts("sold", ("year",)),))
    return boundary_rows(TABLE, {"area": (50.1,)}, described, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "value",
    [
        50.1,
        float(np.nextafter(50.1, 0)),
        float(np.nextafter(50.1, 100)),
        float(np.float32(50.1)),
        float(np.nextafter(np.float32(50.1), np.float32(0))),
        float(np.nextafter(np.float32(50.1), np.float32(100))),
        100.0,
        900.0,
        0.0,
        1e15,
        -1e15,
    ],
)
def test_thresholds_their_neighbors_and_extremes_are_tried(rows, value):
    assert value in rows["area"].tolist()


def test_missing_unseen_empty_and_every_known_category_are_tried(rows):
    assert {None, "", "paris", "rome"} < set(rows["city"].tolist())
    assert np.isnan(rows["area"]).any()


def test_both_zeros_are_tried(rows):
    zeros = rows["area"][rows["area"] == 0.0]
    assert set(np.signbit(zeros).tolist()) == {True, False}


def test_every_row_is_a_real_one_with_at_most_one_other_value(rows):
    real = list(zip(*(TABLE[name].tolist() for name in TABLE), strict=True))
    for made in zip(*(rows[name].tolist() for name in TABLE), strict=True):
        assert min(sum(not _same(a, b) for a, b in zip(made, row, strict=True)) for row in real) <= 1


def _same(left, right):
    return left == right or (left != left and right != right)


def test_the_same_seed_gives_the_same_rows():
    described = manifest(*FIELDS)
    first, second = (boundary_rows(TABLE, {}, described, rng=np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(first[name], second[name], equal_nan=name == "area") for name in TABLE)


def test_rows_that_would_be_refused_are_left_out():
    fields = (Field(name="area", dtype="float64"),)
    described = manifest(*fields, steps=(Bound("area", 0.0, 100.0, "refuse"),))
    made = boundary_rows({"area": [5.0, 50.0]}, {"area": (60.0,)}, described, rng=np.random.default_rng(0))
    assert 60.0 in made["area"].tolist()
    assert made["area"].min() >= 0.0
    assert made["area"].max() <= 100.0


def test_there_are_never_too_many():
    names = [f"x{index}" for index in range(30)]
    described = manifest(*(Field(name=name, dtype="float64", nullable=True) for name in names))
    table = {name: np.arange(5.0) for name in names}
    splits = {name: tuple(np.linspace(0, 5, 200).tolist()) for name in names}
    made = boundary_rows(table, splits, described, rng=np.random.default_rng(0))
    assert 1000 < len(made["x0"]) <= MOST_ROWS


def test_thousands_of_columns_make_no_more_cells_than_fit_into_memory():
    fields = tuple(Field(name=f"c{place}", dtype="float64") for place in range(6000))
    table = {field.name: np.array([1.0, 2.0]) for field in fields}
    made = boundary_rows(table, {}, manifest(*fields), rng=np.random.default_rng(0))
    rows = len(made["c0"])
    assert rows * len(fields) <= 20_000_000
    assert sum(not set(column) <= {1.0, 2.0} for column in made.values()) > MOST_ROWS
