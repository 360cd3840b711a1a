"""Tails agree with scipy.stats, also far out, where a complement would lose all digits."""

import numpy as np
import pytest
from scipy import stats

from golive.statistics import tails


@pytest.mark.parametrize("tail", [0.5, 0.025, 1e-6, 1e-12])
def test_what_a_tail_begins_at_and_how_probable_it_is(tail):
    assert tails.normal_above(tail) == pytest.approx(stats.norm.isf(tail), rel=1e-9, abs=1e-12)
    assert tails.normal_tail(tails.normal_above(tail)) == pytest.approx(tail, rel=1e-9)
    for freedom in (1.0, 4.5, 300.0):
        above = float(tails.t_above(tail, freedom))
        assert above == pytest.approx(stats.t.isf(tail, freedom), rel=1e-9, abs=1e-9)
        assert tails.t_tail(above, freedom) == pytest.approx(tail, rel=1e-7)


def test_several_degrees_of_freedom_at_once():
    freedom = np.array([1.0, 2.0, 30.0])
    assert tails.t_above(0.025, freedom) == pytest.approx(stats.t.isf(0.025, freedom), rel=1e-9)


def test_chi_squared_and_the_binomial():
    for value, freedom in ((0.0, 2), (3.2, 1), (80.0, 5)):
        assert tails.chi2_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-9)
    for count, trials, rate in ((0, 10, 0.1), (1, 10, 0.1), (10, 10, 0.1), (11, 10, 0.1), (60, 500, 0.02), (3, 9, 0.0)):
        assert tails.binomial_tail(count, trials, rate) == pytest.approx(
            stats.binom.sf(count - 1, trials, rate), rel=1e-9
        )


def test_the_count_below_which_a_share_of_the_binomial_lies():
    for trials in range(1, 400):
        assert tails.binomial_below(0.025, trials, 0.5) == stats.binom.ppf(0.025, trials, 0.5), trials


def test_the_shares_of_poisson_counts():
    assert tails.poisson_shares(12, 1.0) == pytest.approx(stats.poisson.cdf(np.arange(12), 1.0), rel=1e-12)


@pytest.mark.parametrize("values", [[3.0, 1.0, 3.0, 2.0, 3.0], [1.0], [], [2.0, 2.0]])
def test_equal_values_share_the_mean_of_their_ranks(values):
    assert tails.midranks(np.array(values)) == pytest.approx(stats.rankdata(values))
