"""Calibration is told from chance: by tests that keep their size and see what was planted."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from golive.statistics.calibrated import binned, recalibration, spiegelhalter


def stated_rows(seed, count=2000, slope=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    stated = expit(rng.normal(-0.5, 1.5, count))
    return stated, rng.random(count) < expit(shift + slope * logit(stated))


def test_the_line_is_the_unpenalized_logistic_regression_on_the_logits():
    stated, came_true = stated_rows(1, slope=0.6, shift=0.3)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(stated)[:, None], came_true)
    found = recalibration(stated, came_true)
    assert found.slope == pytest.approx(oracle.coef_[0, 0], abs=1e-5)
    assert found.intercept == pytest.approx(oracle.intercept_[0], abs=1e-5)
    assert found.p < 1e-6
    assert abs(found.slope - 0.6) < 4 * found.slope_error


def test_right_probabilities_are_rejected_about_as_often_as_the_level_says():
    drawn = [stated_rows(seed, 800) for seed in range(400)]
    for p in (
        [recalibration(*rows).p for rows in drawn],
        [binned(*rows).p for rows in drawn],
        [spiegelhalter(*rows)[1] for rows in drawn],
    ):
        assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_the_debiased_error_is_small_where_the_plain_one_is_not():
    errors = [binned(*stated_rows(seed, 300)).debiased_error for seed in range(50)]
    assert np.median(errors) < 0.03
    assert binned(*stated_rows(3, 20_000, slope=0.4)).debiased_error > 0.08


def test_rare_outcomes_are_tested_over_fewer_bins_so_that_the_size_is_kept():
    rng = np.random.default_rng(0)
    p = [binned(stated, rng.random(400) < stated).p for stated in (rng.uniform(0.0, 0.06, 400) for _ in range(400))]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_one_stated_probability_has_an_intercept_and_no_slope():
    rng = np.random.default_rng(0)
    found = recalibration(np.full(500, 0.3), rng.random(500) < 0.5)
    assert np.isnan(found.slope)
    assert found.intercept == pytest.approx(logit(0.5) - logit(0.3), abs=0.3)
    assert found.p < 1e-6


def test_a_perfect_order_has_no_line():
    stated = np.linspace(0.1, 0.9, 100)
    assert np.isnan(recalibration(stated, stated > 0.5).p)
    assert np.isnan(recalibration(stated, np.ones(100, dtype=bool)).p)


def test_probabilities_of_zero_and_one_that_come_true_are_no_evidence_against_themselves():
    stated = np.repeat([0.0, 1.0], 200)
    assert binned(stated, stated == 1.0).p == 1.0
    assert np.isnan(spiegelhalter(stated, stated == 1.0)[0])
    reversed_ = stated == 0.0
    assert binned(stated, reversed_).debiased_error == 1.0
    assert recalibration(stated, reversed_ ^ (np.arange(400) % 9 == 0)).p < 1e-9
