"""Clean tables: data frames drawn from a known generator and a model fitted on them, in which nothing is wrong.

``clean_table(seed)`` gives what a notebook would have: rows to train on, other rows to judge on, a fitted pipeline and
what is declared. Amounts are lognormal, some numbers have tails as heavy as Student's t, codes are whole numbers, words
are rare and frequent, some cells are missing, some columns mean nothing. ``sex`` and ``origin`` have nothing to do with
the truth or with any other column. Every second test half is of the year after the training half.
"""

from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import golive

Task = Literal["regression", "two", "five"]

TASKS: tuple[Task, ...] = ("regression", "two", "five")
ROWS = (500, 2000, 10_000)
FITTED_ON = 8000
DECLARED = ("sex", "origin", "day")
_WORDS = tuple(f"town {number}" for number in range(30))
_EFFECTS = np.random.default_rng(5).normal(0.0, 0.5, 40)


class CleanTable(msgspec.Struct, frozen=True):
    """What a notebook would have."""

    title: str
    training: pd.DataFrame
    training_truth: pd.Series
    test: pd.DataFrame
    test_truth: pd.Series
    model: Pipeline


def clean_table(seed: int, *, rows: int | None = None) -> CleanTable:
    """Draw a run; task, model and number of test rows follow from the seed unless they are given."""
    rng = np.random.default_rng([seed, 20_260_202])
    task, boosted, rows = TASKS[seed % 3], seed // 3 % 2 == 0, rows or ROWS[seed // 6 % 3]
    training, test = (
        _drawn(count, year, task, rng, boosted=boosted) for count, year in ((FITTED_ON, 2024), (rows, 2024 + seed % 2))
    )
    inputs = training[0].drop(columns=list(DECLARED))
    model = _model(task, boosted=boosted).fit(inputs, training[1])
    title = f"{task}, {'boosted trees' if boosted else 'linear'}, {rows:,} rows"
    return CleanTable(title, *training, *test, model)


def evaluated(table: CleanTable, home: str) -> Any:
    """Package the model and evaluate it as a notebook would; give the Evidence."""
    inputs = table.training.drop(columns=list(DECLARED))
    bundle = golive.package(
        table.model, sample=inputs, target=table.training_truth, name="clean", home=home, tolerance=1e-4
    )
    return golive.evaluate(
        bundle,
        table.test,
        table.test_truth,
        training=(table.training, table.training_truth),
        sensitive=["sex", "origin"],
        time="day",
    ).evidence


def _drawn(
    count: int, year: int, task: Task, rng: np.random.Generator, *, boosted: bool
) -> tuple[pd.DataFrame, pd.Series]:
    rows = _rows(count, year, rng)
    signal = _signal(rows, bends=boosted)
    if task == "regression":
        return rows, pd.Series(40.0 + 8.0 * signal + 5.0 * rng.standard_t(5, count), name="truth")
    if task == "two":
        drawn = rng.random(count) < 1.0 / (1.0 + np.exp(0.8 - 1.2 * signal))
        return rows, pd.Series(np.where(drawn, "yes", "no").astype(object), name="truth")
    scores = np.outer(signal, np.linspace(-1.2, 1.2, 5)) + np.array([-0.3, 0.2, 0.5, 0.2, -0.3])
    pick = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return rows, pd.Series(np.array(list("ABCDE"), object)[pick], name="truth")


def _rows(count: int, year: int, rng: np.random.Generator) -> pd.DataFrame:
    wealth, weights = rng.normal(size=count), 1.0 / np.arange(1, len(_WORDS) + 1)
    days = np.datetime64(f"{year}-01-01") + rng.integers(0, 365, count)
    rows = pd.DataFrame(
        {
            "age": np.clip(np.round(rng.normal(45, 14, count)), 18, 95),
            "amount": rng.lognormal(6.0, 1.2, count).round(2),
            "income": np.exp(10.0 + 0.6 * wealth).round(0),
            "change": 10.0 * rng.standard_t(2.5, count),
            "branch": rng.integers(1, 13, count).astype(float),
            "product": rng.choice([11.0, 12.0, 21.0, 40.0], count, p=[0.5, 0.3, 0.15, 0.05]),
            "visits": rng.poisson(2.0, count).astype(float),
            "share": rng.beta(0.7, 0.7, count).round(3),
            "member": (rng.random(count) < 0.3).astype(float),
            "score": (0.6 * wealth + 0.8 * rng.normal(size=count)).round(3),
            "idle": rng.uniform(0, 100, count),
            "town": rng.choice(np.array(_WORDS, object), count, p=weights / weights.sum()),
            "channel": rng.choice(np.array(["web", "shop", "phone", "other"], object), count, p=[0.5, 0.3, 0.15, 0.05]),
            "sex": rng.choice(np.array(["female", "male"], object), count, p=[0.45, 0.55]),
            "origin": rng.choice(np.array(["A", "B", "C", "D"], object), count, p=[0.6, 0.2, 0.15, 0.05]),
            "day": np.array([str(day) for day in days], object),
        }
    )
    rows.loc[rng.random(count) < 0.06, "score"] = np.nan
    rows.loc[rng.random(count) < 0.1, "income"] = np.nan
    rows.loc[rng.random(count) < 0.04, "channel"] = None
    return rows


def _signal(rows: pd.DataFrame, *, bends: bool) -> np.ndarray:
    """Give what the truth depends on, of standard deviation about 1; with bends that only trees follow."""
    town = rows["town"].str.removeprefix("town ").astype(int).to_numpy()
    signal = (
        0.6 * rows["score"].fillna(0.0).to_numpy()
        + 0.02 * (rows["age"].to_numpy() - 45.0)
        + 0.25 * (rows["visits"].to_numpy() - 2.0)
        + 0.4 * rows["member"].to_numpy()
        - 0.5 * (rows["channel"] == "web").to_numpy()
        + 0.6 * _EFFECTS[town]
    )
    if bends:
        branch = rows["branch"].to_numpy(dtype=int)
        signal = signal + 0.2 * (np.log(rows["amount"].to_numpy()) - 6.0) + 0.3 * np.sin(6.0 * rows["share"].to_numpy())
        signal = signal + np.where(branch > 8, 0.4, -0.2)
    return np.asarray(signal)


def _model(task: Task, *, boosted: bool) -> Pipeline:
    numbers = make_column_selector(dtype_include="number")
    words = make_column_selector(dtype_include=[object, "str"])
    known = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    if not boosted:
        scaled = make_pipeline(SimpleImputer(strategy="mean"), StandardScaler())
        last: Any = Ridge() if task == "regression" else LogisticRegression(max_iter=500)
        return make_pipeline(make_column_transformer((scaled, numbers), (known, words)), last)
    settings: dict[str, Any] = {"max_iter": 120, "learning_rate": 0.05, "max_leaf_nodes": 8, "random_state": 0}
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    last = kind(min_samples_leaf=40, **settings)
    return make_pipeline(make_column_transformer(("passthrough", numbers), (known, words)), last)
