"""Clean data: subjects drawn from a known generator, in which nothing is wrong and nothing should be found.

``clean_run(seed)`` gives a Subject as the parts of an evaluation read it. Seeds alternate between regression, two and
three classes, between the true function and a fitted model, and between few and many rows. Numbers are normal, skewed
and correlated, some are missing, categories are even and uneven, some columns mean nothing; ``sex``, ``region`` and
``day`` are extra columns that have nothing to do with the truth.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from golive.domain.bundle import Decision
from golive.domain.judging import Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.roles import BASELINE, MODEL
from golive.evaluation.run import baseline_predictions
from golive.evaluation.subject import Rows, Subject
from golive.packaging.profile import profile

Kind = Literal["regression", "binary", "three"]
Model = Literal["true", "linear", "boosted"]
Noise = Literal["even", "skewed", "heavy"]

KINDS: tuple[Kind, ...] = ("regression", "binary", "three")
MODELS: tuple[Model, ...] = ("true", "boosted", "linear")
NOISES: tuple[Noise, ...] = ("even", "skewed", "heavy")
TEST_ROWS = (800, 3000, 1500, 6000)
TRAIN_ROWS = (3000, 6000)
CITIES = tuple(f"city {letter}" for letter in "ABCDEFGH")
PLANS = ("basic", "plus", "pro")
CHANNELS = ("web", "shop", "phone", "mail", "partner")
NUMBERS = ("age", "income", "hours", "balance", "tenure", "score", "idle_1", "idle_2")
WORDS = {"city": CITIES, "plan": PLANS, "channel": CHANNELS}
CLASSES = {"binary": ("no", "yes"), "three": ("low", "mid", "high")}


def clean_run(
    seed: int,
    *,
    kind: Kind | None = None,
    model: Model | None = None,
    rows: int | None = None,
    training_rows: int | None = None,
) -> Subject:
    """Draw a whole run; what is not given follows from the seed. The same arguments give the same subject."""
    kind = kind or KINDS[seed % 3]
    model = model or MODELS[seed // 3 % 3]
    noise = NOISES[seed // 9 % 3]
    rows = rows or TEST_ROWS[seed % 4]
    fitted_on = training_rows or TRAIN_ROWS[seed // 2 % 2]
    rng = np.random.default_rng([seed, 20_260_101])
    training, test = (_rows(count, kind, noise, rng) for count in (fitted_on, rows))
    predict = _model(kind, model, noise, training, seed)
    signature = _signature(kind, training)
    classes = signature.classes
    baseline = baseline_predictions(signature.task, training.truth, classes, rows)
    return Subject(
        signature=signature,
        decision=Decision(),
        test=test,
        kept=np.arange(rows, dtype=np.int64),
        answers={MODEL: predict(test.columns), BASELINE: baseline},
        predict=predict,
        training=training,
        profile=profile(signature, training.columns, predict(training.columns)),
        declared=Declared(sensitive=("sex",), slices=("region",), time="day"),
    )


def numbers_of(columns: Mapping[str, Any]) -> np.ndarray:
    """Give the columns as numbers ``[rows, features]``: missing ones are marked and filled, categories one-hot.

    The bends of the truth are among them, so that a straight line through these is not wrong anywhere.
    """
    balance, tenure, age = (np.asarray(columns[name], dtype=np.float64) for name in ("balance", "tenure", "age"))
    parts = [np.log1p(np.nan_to_num(balance, nan=400.0)), tenure > 24, np.tanh((age - 42) / 12)]
    for name in NUMBERS:
        values = np.asarray(columns[name], dtype=np.float64)
        parts += [np.nan_to_num(values, nan=0.0), np.isnan(values)]
    parts += [np.asarray(columns[name], object) == value for name, values in WORDS.items() for value in values]
    return np.column_stack(parts).astype(np.float64)


def _columns(rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    wealth = rng.normal(size=rows)
    numbers = {
        "age": np.clip(np.round(rng.normal(42, 13, rows)), 18, 90),
        "income": np.round(np.exp(10 + 0.5 * wealth), 0),
        "hours": rng.uniform(0, 60, rows).round(1),
        "balance": np.round(rng.exponential(800, rows) * (rng.random(rows) > 0.25), 2),
        "tenure": np.floor(rng.exponential(36, rows)),
        "score": np.round(0.7 * wealth + 0.7 * rng.normal(size=rows), 3),
        "idle_1": rng.normal(size=rows),
        "idle_2": rng.gamma(2.0, 3.0, rows),
    }
    numbers["balance"][rng.random(rows) < 0.08] = np.nan
    numbers["score"][rng.random(rows) < 0.03] = np.nan
    weights = {"city": 1.0 / np.arange(1, 9), "plan": np.array([6.0, 3.0, 1.0]), "channel": np.ones(5)}
    words = {name: rng.choice(values, rows, p=weights[name] / weights[name].sum()) for name, values in WORDS.items()}
    columns: dict[str, np.ndarray] = {**numbers, **{name: values.astype(object) for name, values in words.items()}}
    columns["channel"][rng.random(rows) < 0.05] = None
    return columns


def _signal(columns: Mapping[str, Any]) -> np.ndarray:
    """Give what the truth depends on, about of mean 0 and standard deviation 1.3."""
    age, hours, tenure = (np.asarray(columns[name], dtype=np.float64) for name in ("age", "hours", "tenure"))
    balance = np.nan_to_num(np.asarray(columns["balance"], dtype=np.float64), nan=400.0)
    score = np.nan_to_num(np.asarray(columns["score"], dtype=np.float64))
    city = np.select([columns["city"] == CITIES[place] for place in range(3)], [0.5, -0.4, 0.2], 0.0)
    plan = np.select([columns["plan"] == "plus", columns["plan"] == "pro"], [0.3, 0.8], -0.2)
    return (
        0.8 * score
        + 0.5 * np.tanh((age - 42) / 12)
        - 0.02 * (hours - 30)
        + 0.3 * np.log1p(balance) / 3
        - 0.4 * (tenure > 24)
        + city
        + plan
        + 0.3 * (np.log(np.asarray(columns["income"], dtype=np.float64)) - 10)
    )


def _stated(kind: Kind, noise: Noise, columns: Mapping[str, Any]) -> np.ndarray:
    """Give the best answer there is: the mean ``[n, 1]``, or the probabilities ``[n, classes]``."""
    signal = _signal(columns)
    if kind == "regression":
        return (np.exp(3 + 0.6 * signal + 0.5 * 0.3**2) if noise == "skewed" else 50 + 10 * signal)[:, None]
    logits = np.stack(
        [np.zeros_like(signal), 1.2 * signal - 0.6] if kind == "binary" else [-signal, 0.3 + 0 * signal, signal],
        axis=1,
    )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _rows(count: int, kind: Kind, noise: Noise, rng: np.random.Generator) -> Rows:
    columns = _columns(count, rng)
    stated = _stated(kind, noise, columns)
    if kind != "regression":
        truth = (rng.random((count, 1)) > stated.cumsum(axis=1)[:, :-1]).sum(axis=1).astype(np.int64)
    elif noise == "skewed":
        truth = stated[:, 0] * np.exp(rng.normal(-0.5 * 0.3**2, 0.3, count))
    else:
        drawn = rng.normal(size=count) if noise == "even" else rng.standard_t(4, count)
        truth = stated[:, 0] + 6.0 * drawn
    days = np.datetime64("2025-01-01") + rng.integers(0, 365, count)
    extra = {
        "sex": rng.choice(["female", "male"], count, p=[0.45, 0.55]).astype(object),
        "region": rng.choice(["north", "south", "east", "west"], count).astype(object),
        "day": np.array([str(day) for day in days], dtype=object),
    }
    return Rows(columns=columns, extra=extra, truth=truth)


def _model(kind: Kind, model: Model, noise: Noise, training: Rows, seed: int) -> Callable[[Any], np.ndarray]:
    # A straight line through a skewed target is a model that is truly worse on some rows.
    if model == "true" or (model == "linear" and kind == "regression" and noise == "skewed"):
        return lambda columns: _stated(kind, noise, columns)
    features, few = numbers_of(training.columns), {"max_iter": 60, "learning_rate": 0.08, "random_state": seed}
    if kind == "regression":
        regressor = (
            HistGradientBoostingRegressor(**few) if model == "boosted" else make_pipeline(StandardScaler(), Ridge())
        )
        regressor.fit(features, training.truth)
        return lambda columns: regressor.predict(numbers_of(columns))[:, None]
    classifier = (
        HistGradientBoostingClassifier(**few)
        if model == "boosted"
        else make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    )
    classifier.fit(features, training.truth)
    return lambda columns: classifier.predict_proba(numbers_of(columns))


def _signature(kind: Kind, training: Rows) -> Signature:
    numbers = [
        Field(
            name=name,
            dtype="float64",
            nullable=bool(np.isnan(training.columns[name]).any()),
            minimum=float(np.nanmin(training.columns[name])),
            maximum=float(np.nanmax(training.columns[name])),
        )
        for name in NUMBERS
    ]
    words = [
        Field(name=name, dtype="string", nullable=name == "channel", categories=values)
        for name, values in WORDS.items()
    ]
    return Signature(
        inputs=(*numbers, *words),
        task="regression" if kind == "regression" else "classification",
        target="truth",
        classes=CLASSES.get(kind, ()),
    )
