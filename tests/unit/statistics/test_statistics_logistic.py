"""Logistic regression with a prior: agrees with scikit-learn, and no row is judged by a fit that has seen it."""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from golive.statistics.logistic import crossed_odds, ridge_logistic


def drawn(rows=1500):
    rng = np.random.default_rng(0)
    design = rng.normal(size=(rows, 4))
    return design, rng.random(rows) < expit(design @ [1.0, -2.0, 0.0, 0.5])


def test_weights_are_those_of_scikit_learn():
    design, came_true = drawn()
    oracle = LogisticRegression(C=1 / 3.0, fit_intercept=False, tol=1e-10, max_iter=500).fit(design, came_true)

    assert np.allclose(ridge_logistic(design, came_true, np.full(4, 3.0)), oracle.coef_[0], atol=1e-6)


def test_outcomes_that_columns_settle_keep_weights_finite():
    design = np.linspace(-1, 1, 200)[:, None]

    assert np.isfinite(ridge_logistic(design, design[:, 0] > 0, np.array([1e-3]))).all()


def test_a_column_of_noise_does_not_help_the_rows_outside_the_fit():
    rng = np.random.default_rng(1)
    noise, came_true = rng.normal(size=(400, 100)), rng.random(400) < 0.5
    odds = crossed_odds(noise, came_true, np.full(100, 1.0))

    assert abs(np.corrcoef(odds, came_true)[0, 1]) < 0.15
