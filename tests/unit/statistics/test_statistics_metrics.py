"""Every metric agrees with scikit-learn on real data, and is honest where it does not exist."""

import math
from functools import partial

import numpy as np
import pytest
from sklearn import metrics as oracle
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from golive.statistics import curves, metrics

NEAR = 1e-10


@pytest.fixture(scope="module")
def diabetes():
    rows, truth = load_diabetes(return_X_y=True)
    return truth[::2], LinearRegression().fit(rows[1::2], truth[1::2]).predict(rows[::2])


@pytest.fixture(scope="module", params=["breast_cancer", "iris", "coarse"])
def classified(request):
    rows, truth = load_iris(return_X_y=True) if request.param == "iris" else load_breast_cancer(return_X_y=True)
    rows = rows[:, :2]
    model = LogisticRegression(max_iter=2000).fit(rows[1::2], truth[1::2])
    probabilities = model.predict_proba(rows[::2])
    if request.param == "coarse":
        second = np.round(probabilities[:, 1], 1)
        probabilities = np.stack([1 - second, second], axis=1)
    return truth[::2].astype(np.int64), probabilities


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.mse, oracle.mean_squared_error),
        (metrics.rmse, oracle.root_mean_squared_error),
        (metrics.mae, oracle.mean_absolute_error),
        (metrics.median_absolute_error, oracle.median_absolute_error),
        (metrics.r2, oracle.r2_score),
        (metrics.mape, oracle.mean_absolute_percentage_error),
        (metrics.max_error, oracle.max_error),
        (
            lambda truth, found: metrics.row_pinball(truth, found, 0.9).mean(),
            partial(oracle.mean_pinball_loss, alpha=0.9),
        ),
    ],
)
def test_a_regression_metric_agrees_with_scikit_learn(diabetes, ours, theirs):
    assert ours(*diabetes) == pytest.approx(theirs(*diabetes), abs=NEAR, rel=NEAR)


def test_decided_metrics_agree_with_scikit_learn(classified):
    truth, probabilities = classified
    classes = probabilities.shape[1]
    decided = metrics.decide(probabilities, 0.5)
    average = {"average": "binary" if classes == 2 else "macro", "zero_division": 0}
    found = metrics.scores_of_confusion(metrics.confusion(truth, decided, classes))
    expected = {
        "accuracy": oracle.accuracy_score(truth, decided),
        "balanced_accuracy": oracle.balanced_accuracy_score(truth, decided),
        "precision": oracle.precision_score(truth, decided, **average),
        "recall": oracle.recall_score(truth, decided, **average),
        "f1": oracle.f1_score(truth, decided, **average),
        "mcc": oracle.matthews_corrcoef(truth, decided),
        "specificity": np.mean(
            [
                oracle.recall_score(truth != label, decided != label)
                for label in ([1] if classes == 2 else range(classes))
            ]
        ),
    }
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, abs=NEAR)


def test_the_confusion_matrix_and_the_numbers_by_class_agree_with_scikit_learn(classified):
    truth, probabilities = classified
    decided = metrics.decide(probabilities, 0.5)
    counts = metrics.confusion(truth, decided, probabilities.shape[1])
    assert np.array_equal(counts, oracle.confusion_matrix(truth, decided))
    expected = oracle.precision_recall_fscore_support(truth, decided, zero_division=0)
    by_class = metrics.scores_by_class(metrics.class_counts(truth, decided, probabilities.shape[1]))
    found = [*(by_class[key] for key in ("precision", "recall", "f1")), counts.sum(axis=1)]
    np.testing.assert_allclose(found, expected, atol=NEAR)


def test_averages_over_classes_agree_with_scikit_learn(classified):
    truth, probabilities = classified
    decided = metrics.decide(probabilities, 0.5)
    found = metrics.averages_of_counts(metrics.class_counts(truth, decided, probabilities.shape[1]))
    for average, scores in found.items():
        expected = oracle.precision_recall_fscore_support(truth, decided, average=average, zero_division=0)[:3]
        assert list(scores.values()) == pytest.approx(expected, abs=NEAR)


def test_the_symmetric_error_and_the_bias_are_their_definitions(diabetes):
    truth, predicted = diabetes
    expected = 2 * np.abs(predicted - truth) / (np.abs(predicted) + np.abs(truth))
    assert metrics.smape(truth, predicted) == pytest.approx(expected.mean(), abs=NEAR)
    assert metrics.smape(np.zeros(3), np.zeros(3)) == 0.0
    assert metrics.bias(truth, predicted) == pytest.approx(predicted.mean() - truth.mean(), abs=NEAR)


def test_rankings_agree_with_scikit_learn_for_every_class_ties_included(classified):
    truth, probabilities = classified
    for label in range(probabilities.shape[1]):
        positive, score = truth == label, probabilities[:, label]
        assert metrics.auc(positive, score) == pytest.approx(oracle.roc_auc_score(positive, score), abs=NEAR)
        expected = oracle.average_precision_score(positive, score)
        assert metrics.average_precision(positive, score) == pytest.approx(expected, abs=NEAR)


def test_log_loss_and_brier_agree_with_scikit_learn(classified):
    truth, probabilities = classified
    several = probabilities.shape[1] > 2
    assert metrics.log_loss(truth, probabilities) == pytest.approx(oracle.log_loss(truth, probabilities), abs=NEAR)
    expected = (
        oracle.brier_score_loss(truth, probabilities, labels=[0, 1, 2], scale_by_half=False)
        if several
        else oracle.brier_score_loss(truth, probabilities[:, 1])
    )
    assert metrics.brier(truth, probabilities) == pytest.approx(expected, abs=NEAR)


def test_the_roc_curve_passes_through_the_points_of_scikit_learn(classified):
    truth, probabilities = classified
    positive, score = truth == 1, probabilities[:, 1]
    curve = curves.roc(positive, score, points=10_000)
    rates = oracle.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose([curve.x, curve.y], rates[:2], atol=NEAR)
    assert oracle.auc(curve.x, curve.y) == pytest.approx(metrics.auc(positive, score), abs=NEAR)


def test_a_thinned_curve_keeps_its_ends_and_its_area():
    rng = np.random.default_rng(3)
    positive = rng.random(20_000) < 0.3
    score = positive + rng.normal(size=20_000)
    curve = curves.roc(positive, score, points=200)
    assert len(curve.x) <= 202
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert oracle.auc(curve.x, curve.y) == pytest.approx(metrics.auc(positive, score), abs=1e-3)


def test_the_precision_recall_curve_holds_the_points_of_scikit_learn(classified):
    truth, probabilities = classified
    positive, score = truth == 1, probabilities[:, 1]
    curve = curves.precision_recall(positive, score, points=10_000)
    precision, recall, _ = oracle.precision_recall_curve(positive, score)
    np.testing.assert_allclose([curve.x, curve.y], [recall[:-1][::-1], precision[:-1][::-1]], atol=NEAR)


def test_calibration_bins_hold_every_row_and_add_up_to_the_calibration_error(classified):
    stated, came_true = metrics.confidence(*classified)
    bins = curves.calibration(stated, came_true)
    assert sum(part.rows for part in bins) == len(stated)
    gap = sum(part.rows * abs(part.stated - part.observed) for part in bins) / len(stated)
    assert metrics.ece(stated, came_true) == pytest.approx(gap, abs=NEAR)
    assert all(part.lower <= part.observed <= part.upper for part in bins)


def test_a_probability_at_the_threshold_decides_for_the_first_class():
    probabilities = np.array([[0.5, 0.5], [0.49, 0.51], [0.7, 0.3]])
    assert metrics.decide(probabilities, 0.5).tolist() == [0, 1, 0]
    assert metrics.decide(probabilities, 0.2).tolist() == [1, 1, 1]


def test_a_metric_that_does_not_exist_is_not_a_number():
    same = np.full(5, 3.0)
    alone = np.ones(5, dtype=bool)
    values = [
        metrics.r2(same, same),
        metrics.mape(np.zeros(5), same),
        metrics.auc(alone, same),
        metrics.average_precision(alone, same),
        metrics.auc(~alone, same),
    ]
    assert all(map(math.isnan, values))


def test_mape_leaves_out_rows_whose_true_value_is_zero():
    assert metrics.mape(np.array([0.0, 10.0]), np.array([1.0, 12.0])) == pytest.approx(0.2)


def test_a_log_loss_of_a_probability_of_zero_is_large_but_finite():
    assert 30 < metrics.log_loss(np.array([0]), np.array([[0.0, 1.0]])) < 40


def test_classes_that_occur_nowhere_do_not_count_in_a_mean_of_classes():
    counts = metrics.confusion(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 5)
    found = metrics.scores_of_confusion(counts)
    assert float(found["specificity"]) == pytest.approx((1.0 + 0.5) / 2)
    assert all(0.0 <= float(value) <= 1.0 for value in found.values())
