"""Classifiers without probabilities, and those that draw their line elsewhere, choose as the originals do."""

import numpy as np
import pytest
from proved import proved
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.errors import NotConvertibleError
from golive.packaging.labels_only import NOTE

TREE, LINE, BAYES = DecisionTreeClassifier(max_depth=2), LogisticRegression(max_iter=500), GaussianNB()
MEMBERS = [("tree", TREE), ("line", LINE), ("bayes", BAYES)]
CHOOSING = {
    "linear": LinearSVC(),
    "passive": PassiveAggressiveClassifier(random_state=0),
    "perceptron": Perceptron(random_state=0),
    "ridge": RidgeClassifier(),
    "ridge_cv": RidgeClassifierCV(),
    "hinge": SGDClassifier(random_state=0),
    "kernel": SVC(),
    "kernel_of_lines": SVC(kernel="linear"),
    "kernel_of_powers": SVC(kernel="poly", coef0=1.0),
    "kernel_with_ties": SVC(break_ties=True),
    "nu": NuSVC(),
    "majority": VotingClassifier(MEMBERS),
    "weighted_majority": VotingClassifier([*MEMBERS, ("none", "drop")], weights=[1, 2, 2, 9]),
}


@pytest.mark.parametrize("name", CHOOSING)
@pytest.mark.parametrize("table", ["iris", "cancer"])
def test_the_chosen_class_has_the_probability_one(name, table, request):
    rows, kind = request.getfixturevalue(table)
    model = make_pipeline(StandardScaler(), CHOOSING[name]).fit(rows[::2], kind[::2])
    framework = SklearnFramework()
    converted, proof = proved(framework, model, rows, rows)
    assert converted.notes == (NOTE,)
    assert proof.measures[0].value == 0.0
    np.testing.assert_array_equal(model.classes_[framework.predict(model, rows).argmax(axis=1)], model.predict(rows))


@pytest.mark.parametrize(
    "model",
    [
        FixedThresholdClassifier(LINE, threshold=0.2),
        FixedThresholdClassifier(FrozenEstimator(LINE), threshold=0.8),
        TunedThresholdClassifierCV(LINE, cv=3, thresholds=10),
        FixedThresholdClassifier(LINE),
    ],
    ids=["told", "frozen", "tuned", "usual"],
)
def test_a_line_drawn_elsewhere_is_the_bundle_s_threshold(model, cancer):
    rows, benign = cancer
    scaled = StandardScaler().set_output(transform="pandas").fit_transform(rows)
    LINE.fit(scaled, benign)
    model.fit(scaled, benign)
    converted, _ = proved(SklearnFramework(), model, scaled, scaled)
    second = model.predict_proba(scaled)[:, 1] > converted.decision.threshold
    np.testing.assert_array_equal(model.classes_[second.astype(int)], model.predict(scaled))


def test_a_probability_at_the_threshold_counts_as_the_second_class(cancer):
    rows, benign = cancer
    tree = DecisionTreeClassifier(max_depth=1).fit(rows, benign)
    at = float(tree.predict_proba(rows)[:, 1].min())
    model = FixedThresholdClassifier(FrozenEstimator(tree), threshold=at).fit(rows, benign)
    converted, _ = proved(SklearnFramework(), model, rows, rows)
    assert converted.decision.threshold < at
    assert set(model.predict(rows)) == {model.classes_[1]}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (FixedThresholdClassifier(LINE, pos_label=0), "draws its line for the class 0; use pos_label"),
        (FixedThresholdClassifier(LINE, response_method="decision_function"), "draws its line on a decision function"),
        (SVC(probability=True), "SVC has no exact form in the graph"),
    ],
    ids=["other class", "decision", "probabilities"],
)
def test_lines_that_a_bundle_cannot_draw_are_refused(model, words, cancer):
    rows, benign = cancer
    rows = rows.iloc[:, :4]
    with pytest.raises(NotConvertibleError, match=words):
        SklearnFramework().convert(model.fit(rows, np.asarray(benign).astype(int)), rows, target="kind")


def test_a_model_that_taught_itself_answers_as_its_last_estimator(iris):
    rows, kind = iris
    some = np.where(np.arange(len(rows)) % 3 == 0, np.asarray(kind), -1)
    some = some if some.dtype.kind == "i" else np.asarray(kind)
    model = SelfTrainingClassifier(LINE).fit(rows, some)
    proved(SklearnFramework(), model, rows, rows)
