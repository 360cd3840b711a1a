"""Excess: what is usual at the same prediction is no excess, and chance is not made out to be one."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_ind

from golive.statistics.excess import chance, excess_of, fitted, hats, knots


def test_a_line_with_knots_follows_a_curve():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 4000)
    values = np.sin(5 * x) + rng.normal(0, 0.1, 4000)

    line = fitted(values, hats(x, knots(x)))

    assert np.abs(line - np.sin(5 * x)).max() < 0.08


def test_the_entries_of_a_row_sum_to_one_and_values_beyond_the_ends_stay_at_them():
    basis = hats(np.array([-5.0, 0.0, 0.5, 1.0, 9.0]), np.array([0.0, 1.0]))

    assert basis.tolist() == [[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]


def test_one_prediction_for_all_rows_has_one_usual_loss():
    score = np.full(100, 0.3)

    assert np.allclose(fitted(np.arange(100.0), hats(score, knots(score))), 49.5)


def test_a_clear_excess_has_a_p_value_near_that_of_two_samples():
    rng = np.random.default_rng(1)
    excess, inside = rng.normal(size=2000), np.arange(2000) < 400
    excess[inside] += 0.3

    found = excess_of(excess, inside)

    assert found.lower < 0.3 < found.upper
    oracle = ttest_ind(excess[inside], excess[~inside], equal_var=False, alternative="greater").pvalue
    assert oracle <= found.p < 100 * oracle


def test_chance_shows_a_small_p_value_no_more_often_than_it_says():
    rng = np.random.default_rng(2)
    seen = [excess_of(rng.exponential(size=400) - 1.0, np.arange(400) < 30).p for _ in range(2000)]

    assert np.mean(np.array(seen) < 0.01) <= 0.015


def test_losses_without_any_spread_show_nothing():
    assert excess_of(np.zeros(10), np.arange(10) < 4).p == 1.0


def test_the_chance_of_a_count_is_that_of_it_or_more():
    assert chance(3, 10, 0.2) == pytest.approx(sum(binom.pmf(range(3, 11), 10, 0.2)))
    assert chance(0, 10, 0.2) == 1.0
