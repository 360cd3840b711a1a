"""What an explainer finds in a graph gives Shapley values by their definition, column by column of the caller's."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from golive.adapters.explainers.linear import LinearExplainer
from golive.adapters.explainers.tree import TreeExplainer
from golive.testing import check_explainer

SMALL = {"n_estimators": 6, "random_state": 0}
BOOSTED = {"n_estimators": 8, "num_leaves": 6, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}


def encoded(learner):
    front = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["area", "age"]),
    )
    return make_pipeline(front, learner)


def in_places(learner):
    front = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["kind"]), remainder="passthrough"
    )
    return make_pipeline(front, learner)


def as_categories(frame):
    return frame.assign(kind=frame["kind"].astype("category"))


def classes(value):
    return (value > np.median(value)).astype(int)


@pytest.mark.parametrize(
    ("model", "method", "scale"),
    [
        (encoded(GradientBoostingRegressor(**SMALL)), "tree", "value"),
        (encoded(RandomForestRegressor(**SMALL)), "tree", "value"),
        (encoded(ExtraTreesRegressor(**SMALL)), "tree", "value"),
        (in_places(HistGradientBoostingRegressor(max_iter=8, min_samples_leaf=5)), "tree", "value"),
        (encoded(XGBRegressor(n_estimators=8, max_depth=3, n_jobs=1)), "tree", "value"),
        (encoded(Ridge()), "linear", "value"),
        (encoded(GradientBoostingClassifier(**SMALL)), "tree", "log_odds"),
        (encoded(AdaBoostClassifier(n_estimators=5)), "tree", "log_odds"),
        (in_places(HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5)), "tree", "log_odds"),
        (encoded(XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1)), "tree", "log_odds"),
        (encoded(LogisticRegression()), "linear", "log_odds"),
        (encoded(RandomForestClassifier(**SMALL)), "tree", "probability"),
    ],
    ids=lambda value: type(value[-1]).__name__ if hasattr(value, "steps") else value,
)
def test_contributions_are_those_of_all_subsets(model, method, scale, table, bundled, by_definition):
    frame, value = table
    bundle = bundled(model.fit(frame, value if scale == "value" else classes(value)), frame)
    explainer = bundle.explainer
    assert (explainer.method, explainer.scale) == (method, scale)
    for place in (0, 7):
        told = explainer.explain(bundle.rows(place))
        expected = by_definition(bundle, told, explainer.background, place)
        assert told.contributions[0] == pytest.approx(expected, abs=1e-5 if "XGB" in str(model) else 1e-9)
        assert told.error < 1e-5


@pytest.mark.parametrize("learner", [LGBMRegressor(**BOOSTED), LGBMClassifier(**BOOSTED)])
def test_splits_on_categories_and_missing_values_are_followed(learner, table, bundled, by_definition):
    frame, value = table
    frame = as_categories(frame)
    bundle = bundled(learner.fit(frame, value if "Regressor" in str(learner) else classes(value)), frame)
    explainer = bundle.explainer
    assert explainer.method == "tree"
    places = [0, int(np.flatnonzero(frame["age"].isna())[0])]
    for place in places:
        told = explainer.explain(bundle.rows(place))
        assert told.contributions[0] == pytest.approx(
            by_definition(bundle, told, explainer.background, place), abs=1e-9
        )


@pytest.mark.parametrize(
    "learner", [LGBMClassifier(**BOOSTED), LogisticRegression(), HistGradientBoostingClassifier(max_iter=5)]
)
def test_of_three_classes_differences_of_log_odds_are_explained(learner, table, bundled):
    frame, value = table
    labels = np.digitize(value, np.quantile(value, (0.3, 0.6)))
    model = encoded(learner) if isinstance(learner, LogisticRegression) else in_places(learner)
    bundle = bundled(model.fit(frame, labels), frame)
    rows = bundle.rows(*range(12))
    told = [bundle.explainer.explain(rows, output=output) for output in range(3)]
    stated = np.log(bundle.road.columns(rows))
    assert all(one.scale == "log_odds" and one.error < 1e-9 for one in told)
    for first, second in ((0, 1), (1, 2)):
        added = (told[second].base + told[second].contributions.sum(axis=1)) - (
            told[first].base + told[first].contributions.sum(axis=1)
        )
        assert added == pytest.approx(stated[:, second] - stated[:, first], abs=1e-9)
    assert bundle.explainer.explain(rows).outputs.tolist() == stated.argmax(axis=1).tolist()


def test_both_classes_of_two_mirror_each_other(table, bundled):
    frame, value = table
    forest = bundled(encoded(RandomForestClassifier(**SMALL)).fit(frame, classes(value)), frame)
    first, second = (forest.explainer.explain(forest.rows(3), output=output) for output in (0, 1))
    assert first.contributions == pytest.approx(-second.contributions)
    assert first.base[0] + second.base[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "model",
    [
        encoded(make_pipeline(PCA(2), GradientBoostingRegressor(**SMALL))),
        encoded(PoissonRegressor()),
        encoded(BaggingRegressor(GradientBoostingRegressor(**SMALL), n_estimators=2)),
    ],
    ids=["mixed columns", "a link that is not known", "several sums of trees"],
)
def test_what_is_no_sum_of_columns_is_asked_instead(model, table, bundled, by_definition):
    frame, value = table
    bundle = bundled(model.fit(frame, np.exp(value)), frame)
    explainer = bundle.explainer
    assert explainer.method == "permutation"
    told = explainer.explain(bundle.rows(4))
    assert told.contributions[0] == pytest.approx(by_definition(bundle, told, explainer.background, 4), abs=1e-9)


def test_many_rows_give_the_bits_of_each_alone(table, bundled):
    frame, value = table
    bundle = bundled(encoded(RandomForestRegressor(n_estimators=20, random_state=0)).fit(frame, value), frame)
    explainer = bundle.explainer
    together = explainer.explain(bundle.rows(*range(40))).contributions
    alone = np.concatenate([explainer.explain(bundle.rows(place)).contributions for place in range(40)])
    assert together == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize(
    ("explainer", "learner"), [(TreeExplainer, RandomForestRegressor(**SMALL)), (LinearExplainer, Ridge())]
)
def test_the_explainers_keep_the_promises_of_their_port(explainer, learner, table, bundled):
    frame, value = table
    bundle = bundled(encoded(learner).fit(frame, value), frame)
    check_explainer(explainer(), bundle.road, bundle.graph, bundle.columns)
