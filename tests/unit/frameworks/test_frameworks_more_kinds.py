"""Detectors of outliers, clusters, bagging, AdaBoost and splines answer like the originals, or are refused by name."""

import re

import numpy as np
import pytest
from proved import proved
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import load_diabetes
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    IsolationForest,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsOneClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import KNeighborsRegressor, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, SplineTransformer, StandardScaler
from sklearn.svm import LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.errors import NotConvertibleError


@pytest.fixture(scope="module")
def diabetes():
    """442 patients, ten numbers, one value."""
    data = load_diabetes(as_frame=True)
    return data.data, data.target.to_numpy()


DETECTORS = {
    "forest": IsolationForest(n_estimators=15, random_state=0),
    "forest_on_some_columns": make_pipeline(
        StandardScaler(), IsolationForest(n_estimators=15, random_state=0, max_features=0.5, contamination=0.1)
    ),
    "forest_of_two_rows": IsolationForest(n_estimators=5, max_samples=2, random_state=0),
    "one_class": make_pipeline(StandardScaler(), OneClassSVM(gamma=0.1)),
}


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_of_outliers_answers_below_zero_for_an_outlier(name, cancer):
    rows, _ = cancer
    model = DETECTORS[name].fit(rows)
    framework = SklearnFramework()
    converted, _ = proved(framework, model, rows, rows)
    assert (converted.signature.task, converted.signature.classes) == ("regression", ())
    np.testing.assert_array_equal(np.where(framework.predict(model, rows)[:, 0] < 0, -1, 1), model.predict(rows))


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
def test_clusters_are_classes(kind, iris):
    rows, _ = iris
    model = make_pipeline(StandardScaler(), kind(4, n_init=1, random_state=0)).fit(rows)
    framework = SklearnFramework()
    converted, _ = proved(framework, model, rows, rows)
    assert converted.signature.classes == ("0", "1", "2", "3")
    assert converted.signature.class_dtype == "int64"
    np.testing.assert_array_equal(framework.predict(model, rows).argmax(axis=1), model.predict(rows))


CLASSIFIERS = {
    "stumps": AdaBoostClassifier(n_estimators=10, random_state=0),
    "trees": AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=10, random_state=0),
    "lines": make_pipeline(StandardScaler(), AdaBoostClassifier(LogisticRegression(), n_estimators=4, random_state=0)),
    "bag": BaggingClassifier(n_estimators=5, max_features=0.5, random_state=0),
    "bag_of_pipelines": BaggingClassifier(
        make_pipeline(StandardScaler(), LogisticRegression()), n_estimators=3, random_state=0
    ),
    "small_bags": BaggingClassifier(n_estimators=5, max_samples=3, random_state=0),
    "presence": make_pipeline(StandardScaler(), BernoulliNB()),
    "marks": make_pipeline(Binarizer(threshold=3.0), BernoulliNB(binarize=None)),
    "splines": make_pipeline(SplineTransformer(include_bias=False, knots="quantile"), LogisticRegression()),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_of_three_classes_answers_like_the_original(name, iris):
    rows, kind = iris
    model = CLASSIFIERS[name].fit(rows[:120], kind[:120])
    _, proof = proved(SklearnFramework(), model, rows[:120], rows)
    assert proof.details["unanswered_rows"] == 0


@pytest.mark.parametrize("name", ["stumps", "bag"])
def test_a_classifier_of_two_classes_answers_like_the_original(name, cancer):
    rows, benign = cancer
    proved(SklearnFramework(), CLASSIFIERS[name].fit(rows[:400], benign[:400]), rows[:400], rows)


REGRESSORS = {
    "boosted": AdaBoostRegressor(n_estimators=10, random_state=0),
    "bag": BaggingRegressor(n_estimators=4, max_features=0.7, random_state=0),
    **{
        f"splines_{how}_{degree}": make_pipeline(SplineTransformer(extrapolation=how, degree=degree), Ridge())
        for how, degree in (
            ("constant", 1),
            ("constant", 3),
            ("continue", 0),
            ("continue", 3),
            ("periodic", 1),
            ("periodic", 3),
        )
    },
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_answers_like_the_original(name, diabetes):
    rows, value = diabetes
    _, proof = proved(SklearnFramework(), REGRESSORS[name].fit(rows[:300], value[:300]), rows[:300], rows)
    assert proof.details["unanswered_rows"] == 0


def test_splines_go_on_in_straight_lines(diabetes, prove):
    rows, value = diabetes
    model = make_pipeline(SplineTransformer(extrapolation="linear"), Ridge()).fit(rows * 0.6, value)
    prove(model, rows, rows)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (KNeighborsRegressor(), "KNeighborsRegressor has no exact form in the graph: which of several equally near"),
        (LocalOutlierFactor(novelty=True), "LocalOutlierFactor has no exact form in the graph: which of several"),
        (GaussianProcessClassifier(), "GaussianProcessClassifier has no exact form"),
        (
            OneVsOneClassifier(LinearSVC()),
            "OneVsOneClassifier gives no probabilities; wrap it in CalibratedClassifierCV",
        ),
        (BaggingClassifier(LinearSVC(), n_estimators=2), "counts votes of members without probabilities"),
        (make_pipeline(SplineTransformer(extrapolation="error"), Ridge()), "fails beyond its knots; set extrapolation"),
        (make_pipeline(SplineTransformer(degree=0), Ridge()), "use KBinsDiscretizer instead"),
        (make_pipeline(SplineTransformer(degree=1, extrapolation="linear"), Ridge()), "set extrapolation='continue'"),
    ],
    ids=str,
)
def test_what_has_no_exact_form_is_refused_by_name(model, words, iris):
    rows, kind = iris
    with pytest.raises(NotConvertibleError, match=re.escape(words)):
        SklearnFramework().convert(model.fit(rows, kind), rows, target="kind")
