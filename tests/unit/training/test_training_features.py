"""Parts of the feature pipeline that need no whole training run."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from golive.training.candidates import estimator
from golive.training.features import Prepared, pipeline, useful_columns
from golive.training.recipe import Features, Recipe


def frame():
    cities = np.array([None if n % 10 == 0 else f"c{n % 30}" for n in range(300)], dtype=object)
    return pd.DataFrame({"x": np.sin(np.arange(300.0)), "city": pd.Series(cities, dtype=object)})


def recipe(**features):
    return Recipe(target="y", task="regression", features=Features(numbers=("x",), categories=("city",), **features))


def fitted(*, wide, takes_sparse=True, **features):
    plan = recipe(**features)
    parts = Prepared(numbers=("x",), categories=("city",), wide=wide)
    made = pipeline(parts, plan, estimator("decision_tree", {"max_depth": 5}, plan), takes_sparse=takes_sparse)
    return made.fit(frame(), frame()["x"] + frame()["city"].isna())


def test_wide_one_hot_columns_are_sparse_and_give_the_same_answers():
    thin, wide = fitted(wide=False), fitted(wide=True)
    assert sparse.issparse(wide[:-1].transform(frame()))
    assert not sparse.issparse(thin[:-1].transform(frame()))
    np.testing.assert_allclose(wide.predict(frame()), thin.predict(frame()), rtol=1e-12)


def test_a_model_that_takes_no_sparse_columns_gets_dense_ones():
    assert not sparse.issparse(fitted(wide=True, takes_sparse=False)[:-1].transform(frame()))


def test_rare_categories_share_one_column():
    assert fitted(wide=False)[:-1].transform(frame()).shape[1] == 1 + 28
    assert fitted(wide=False, rare=0.05)[:-1].transform(frame()).shape[1] == 1 + 2


def test_a_missing_category_is_told_apart_from_an_unseen_one():
    rows = pd.DataFrame({"x": [0.0, 0.0], "city": pd.Series([None, "elsewhere"], dtype=object)})
    missing, unseen = fitted(wide=False)[:-1].transform(rows)
    assert (missing[1:].sum(), unseen[1:].sum()) == (1.0, 0.0)


@pytest.mark.parametrize(("indicate", "kept"), [(True, ("x", "gaps")), (False, ("x",))])
def test_a_number_that_is_only_sometimes_there_counts_when_missing_values_are_indicated(indicate, kept):
    rows = frame().assign(gaps=[1.0, np.nan] * 150)
    useful, notes = useful_columns(rows, ("x", "gaps"), (), recipe(indicate_missing=indicate))
    assert useful.numbers == kept
    assert len(notes) == (0 if indicate else 1)
