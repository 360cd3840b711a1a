"""Ensembles with fewer or more compact trees, against scikit-learn's own trees."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from golive.adapters.optimizers.compact_trees import CompactTreesOptimizer, compacted
from golive.adapters.optimizers.ensembles import find, keep
from golive.adapters.optimizers.fewer_trees import FewerTreesOptimizer, nearest_to_the_whole
from golive.adapters.optimizers.surgery import Surgery


def cancer():
    return load_breast_cancer(return_X_y=True, as_frame=True)


def staged(model, rows, stages):
    method = model.staged_predict_proba if hasattr(model, "staged_predict_proba") else model.staged_predict
    answer = list(method(rows))[stages - 1]
    return answer if answer.ndim > 1 else answer[:, None]


BOOSTINGS = [
    (GradientBoostingClassifier(n_estimators=12, random_state=0), cancer),
    (GradientBoostingClassifier(n_estimators=8, random_state=0), lambda: load_wine(return_X_y=True, as_frame=True)),
    (GradientBoostingRegressor(n_estimators=12, random_state=0), lambda: load_diabetes(return_X_y=True, as_frame=True)),
    (HistGradientBoostingClassifier(max_iter=12, random_state=0), cancer),
]


@pytest.mark.parametrize(("model", "data"), BOOSTINGS, ids=["two classes", "three classes", "numbers", "histogram"])
def test_the_first_stages_of_a_boosting_answer_as_it_did_after_so_many(model, data, subject_of, answers_of):
    rows, target = data()
    model.fit(rows, target)
    subject = subject_of(model, rows)
    candidates = list(FewerTreesOptimizer().candidates(subject))
    per_stage = 3 if len(set(target)) == 3 else 1
    assert candidates
    for candidate in candidates:
        trees = int(candidate.name.partition(" ")[0])
        expected = staged(model, rows, trees // per_stage)
        np.testing.assert_allclose(answers_of(candidate.graph, rows.to_numpy()), expected, rtol=1e-5, atol=1e-6)
        assert len(candidate.graph) < len(subject.graph)


def test_splits_on_categories_stay_with_their_trees(subject_of, answers_of):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"kind": rng.choice(list("abcdefgh"), 400).astype(object), "size": rng.normal(size=400)})
    rows["kind"] = rows["kind"].astype("category")
    target = (rows["kind"].isin(["a", "c", "h"]) ^ (rows["size"] > 0.3)).to_numpy().astype(int)
    model = HistGradientBoostingClassifier(max_iter=8, categorical_features="from_dtype", random_state=0)
    model.fit(rows, target)
    subject = subject_of(model, rows)
    graph = keep(subject.graph, range(3))
    np.testing.assert_allclose(answers_of(graph, subject.numbers, subject.codes), staged(model, rows, 3), atol=1e-12)


FORESTS = [
    (RandomForestClassifier(10, random_state=0), cancer),
    (RandomForestClassifier(10, random_state=0), lambda: load_wine(return_X_y=True, as_frame=True)),
    (RandomForestRegressor(10, random_state=0), lambda: load_diabetes(return_X_y=True, as_frame=True)),
]


@pytest.mark.parametrize(("model", "data"), FORESTS, ids=["two classes", "three classes", "numbers"])
def test_the_trees_of_a_forest_that_stay_are_their_own_mean(model, data, subject_of, answers_of):
    rows, target = data()
    model.fit(rows, target)
    subject = subject_of(model, rows)
    trees = [7, 2, 4]
    graph = keep(subject.graph, trees)
    method = "predict_proba" if hasattr(model, "classes_") else "predict"
    narrow = rows.to_numpy().astype(np.float32)
    each = [getattr(model.estimators_[tree], method)(narrow) for tree in trees]
    expected = np.mean(each, axis=0).reshape(len(rows), -1)
    np.testing.assert_allclose(answers_of(graph, rows.to_numpy()), expected, rtol=1e-12)


def test_the_trees_chosen_are_nearer_to_the_whole_than_the_first_ones(subject_of, answers_of):
    rows, target = cancer()
    subject = subject_of(RandomForestClassifier(24, random_state=0).fit(rows[:300], target[:300]), rows)
    order = nearest_to_the_whole(subject, 6)
    assert len(set(order)) == 6

    def distance(trees):
        return float(((answers_of(keep(subject.graph, trees), subject.numbers) - subject.answers) ** 2).mean())

    assert distance(order) < distance(range(6))
    assert nearest_to_the_whole(subject, 3) == order[:3]


@pytest.mark.parametrize("model", [RandomForestClassifier(8, random_state=0), ExtraTreesRegressor(8, random_state=0)])
def test_compact_trees_decide_alike_at_and_beside_every_threshold(model, subject_of, answers_of):
    rows, target = cancer()
    model.fit(rows, target)
    subject = subject_of(model, rows)
    graph = compacted(subject.graph)
    assert len(graph) < 0.8 * len(subject.graph)
    splits = find(Surgery(subject.graph)).ensemble
    base = rows.to_numpy()
    hard = base[np.arange(len(splits.splits)) % len(base)].copy()
    place = np.arange(len(hard)), splits.features
    single = splits.splits.astype(np.float32)
    tables = [base]
    for value in (
        splits.splits,
        single,
        np.nextafter(single, np.float32(-np.inf)),
        np.nextafter(single, np.float32(np.inf)),
    ):
        moved = hard.copy()
        moved[place] = value
        tables.append(moved)
    given = np.concatenate(tables)
    before, after = (answers_of(content, given) for content in (subject.graph, graph))
    if hasattr(model, "classes_"):
        assert (before == after).all()
    else:
        np.testing.assert_allclose(after, before, rtol=1e-6)


def test_trees_that_read_double_precision_keep_their_thresholds(subject_of):
    rows, target = cancer()
    subject = subject_of(HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, target), rows)
    assert not list(CompactTreesOptimizer().candidates(subject))


def test_trees_that_only_count_bins_are_left_alone(subject_of):
    rows, target = cancer()
    rows = rows.iloc[:, :6]
    model = make_pipeline(
        KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf"), LogisticRegression()
    )
    subject = subject_of(model.fit(rows, target), rows)
    assert find(Surgery(subject.graph)) is None
    assert not list(FewerTreesOptimizer().candidates(subject))
