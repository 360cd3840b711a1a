"""How much worse a candidate is: the metric's worsening as a share, its interval, and decisions that flip."""

import numpy as np
import pytest

from golive.domain.metric import COMPARED
from golive.errors import DataError, UsageError
from golive.optimization.loss import Judge

ROWS = 400


def probabilities(seed, classes):
    rng = np.random.default_rng(seed)
    raw = rng.random((ROWS, classes)) + 0.01
    return raw / raw.sum(axis=1, keepdims=True)


def labels(answers, seed=1):
    rng = np.random.default_rng(seed)
    truth = answers.argmax(axis=1)
    noisy = rng.random(len(truth)) < 0.3
    return np.where(noisy, rng.integers(0, answers.shape[1], len(truth)), truth).astype(np.int64)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("metric", COMPARED["classification"])
def test_the_same_answers_lose_nothing_by_any_metric_of_classes(metric, classes):
    answers = probabilities(0, classes)
    judge = Judge(task="classification", metric=metric, truth=labels(answers), original=answers)
    loss = judge.loss(answers)
    assert (loss.share, loss.lower, loss.upper, loss.flipped, loss.rows) == (0.0, 0.0, 0.0, 0, ROWS)
    assert loss.original == loss.candidate


@pytest.mark.parametrize("metric", COMPARED["regression"])
def test_a_regression_that_errs_more_loses_by_any_metric(metric):
    rng = np.random.default_rng(0)
    truth = rng.normal(10.0, 3.0, ROWS)
    error = rng.normal(0.0, 1.0, ROWS)
    judge = Judge(task="regression", metric=metric, truth=truth, original=(truth + error)[:, None])
    loss = judge.loss((truth + 1.5 * error)[:, None])
    assert loss.share > 0.02
    assert loss.lower is not None
    assert loss.upper is not None
    assert 0 < loss.lower < loss.share < loss.upper
    assert loss.flipped == 0


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("metric", COMPARED["classification"])
def test_answers_without_knowledge_lose_by_any_metric_of_classes(metric, classes):
    answers = probabilities(0, classes)
    truth = labels(answers)
    sure = 0.98 * np.eye(classes)[answers.argmax(axis=1)] + 0.02 / classes
    right = np.where((answers.argmax(axis=1) == truth)[:, None], sure, 1 / classes)
    loss = Judge(task="classification", metric=metric, truth=truth, original=right).loss(probabilities(5, classes))
    assert loss.share > 0.05
    assert loss.lower is not None
    assert loss.lower > 0


def test_the_share_is_of_the_originals_own_value():
    truth = np.array([0, 1] * 50)
    original = np.where(truth[:, None] == [0, 1], 0.9, 0.1)
    original[:20] = original[:20, ::-1]
    candidate = original.copy()
    candidate[20:24] = candidate[20:24, ::-1]
    loss = Judge(task="classification", metric="accuracy", truth=truth, original=original).loss(candidate)
    assert (loss.original, loss.candidate, loss.flipped) == (0.8, 0.76, 4)
    assert loss.share == pytest.approx(0.04 / 0.8)


def test_decisions_follow_the_threshold_of_the_bundle():
    truth = np.array([0, 1] * 50)
    original = np.tile([0.7, 0.3], (100, 1))
    candidate = np.tile([0.75, 0.25], (100, 1))
    plain = Judge(task="classification", metric="log_loss", truth=truth, original=original)
    strict = Judge(task="classification", metric="log_loss", truth=truth, original=original, threshold=0.28)
    assert (plain.loss(candidate).flipped, strict.loss(candidate).flipped) == (0, 100)


def test_rows_without_a_known_truth_are_left_out():
    answers = probabilities(0, 2)
    truth = labels(answers)
    truth[:100] = -1
    candidate = answers.copy()
    candidate[:100] = candidate[:100, ::-1]
    loss = Judge(task="classification", metric="accuracy", truth=truth, original=answers).loss(candidate)
    assert (loss.share, loss.flipped, loss.rows) == (0.0, 0, ROWS - 100)


def test_an_error_of_zero_can_only_get_infinitely_worse():
    truth = np.arange(10.0)
    judge = Judge(task="regression", metric="rmse", truth=truth, original=truth[:, None])
    assert judge.loss(truth[:, None]).share == 0.0
    assert judge.loss(truth[:, None] + 1).share == np.inf


def test_what_cannot_be_judged_is_refused_with_the_way_out():
    answers = probabilities(0, 2)
    with pytest.raises(UsageError, match="the metric 'rmse' is none for a classification; choose one of accuracy"):
        Judge(task="classification", metric="rmse", truth=labels(answers), original=answers)
    with pytest.raises(DataError, match="no row has a known true answer"):
        Judge(task="classification", metric="accuracy", truth=np.full(ROWS, -1), original=answers)
    with pytest.raises(DataError, match="auc does not exist on these 400 rows"):
        Judge(task="classification", metric="auc", truth=np.ones(ROWS, np.int64), original=answers)
