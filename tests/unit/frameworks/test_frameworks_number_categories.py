"""LightGBM on pandas categories that are numbers: exact, as texts are, however they come."""

import lightgbm
import numpy as np
import pandas as pd
import pytest

import golive
from golive.adapters.frameworks.lightgbm_booster import LightgbmFramework
from golive.errors import NotConvertibleError

RNG = np.random.default_rng(0)
COUNT = 300
ROWS = pd.DataFrame(
    {
        "zone": pd.Categorical(RNG.integers(0, 6, COUNT) * 10, categories=[30, 0, 50, 10, 20, 40]),
        "area": RNG.normal(size=COUNT),
        "rate": pd.Categorical(np.where(RNG.random(COUNT) < 0.1, np.nan, RNG.choice([0.5, 1.5, 2.5], COUNT))),
        "kind": pd.Categorical(RNG.choice(["x", "y"], COUNT)),
        "new": pd.Categorical(RNG.choice([True, False], COUNT)),
    }
)
VALUES = pd.Series(ROWS["area"] + ROWS["zone"].astype(float) % 20 + ROWS["new"].astype(float), name="value")
OPTIONS = {"verbosity": -1, "min_data_per_group": 5, "cat_smooth": 1, "num_threads": 1}
STRANGE = ROWS.assign(zone=pd.Categorical([7] * COUNT), rate=pd.Categorical([9.75] * COUNT))


def booster(rows=ROWS):
    return lightgbm.train(OPTIONS, lightgbm.Dataset(rows, VALUES), 15)


def plain(rows):
    """Give rows as a file has them: numbers, not categories."""
    return rows.astype({"zone": float, "rate": float, "kind": object, "new": bool})


@pytest.mark.parametrize("given", [ROWS, plain(ROWS)], ids=["categories", "numbers"])
def test_a_booster_answers_alike_whatever_the_sample_is_typed_as(given, tmp_path):
    model = booster()
    bundle = golive.package(model, sample=given, target=VALUES, name="lights", home=str(tmp_path))
    np.testing.assert_allclose(bundle.predict(plain(ROWS)), model.predict(ROWS), rtol=1e-12)
    np.testing.assert_allclose(bundle.predict(plain(STRANGE)), model.predict(STRANGE), rtol=1e-12)
    assert {field.name: field.dtype for field in bundle.bundle.signature.inputs}["kind"] == "string"


def test_an_estimator_answers_alike(tmp_path):
    model = lightgbm.LGBMRegressor(n_estimators=15, min_data_per_group=5, cat_smooth=1, verbosity=-1).fit(ROWS, VALUES)
    bundle = golive.package(model, sample=ROWS, target=VALUES, name="lights", home=str(tmp_path))
    np.testing.assert_allclose(bundle.predict(plain(ROWS)), model.predict(ROWS), rtol=1e-12)


def test_columns_that_the_booster_does_not_tell_are_refused():
    single = ROWS.assign(kind=pd.Categorical([3] * COUNT))
    with pytest.raises(NotConvertibleError, match="category columns that it does not name"):
        LightgbmFramework().convert(booster(single), plain(ROWS).assign(kind=3.0), target="value")
