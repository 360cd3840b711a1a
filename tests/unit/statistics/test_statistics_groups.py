"""Intervals of gaps between groups hold the true gap as often as they say, also where pairs are chosen by the rows."""

import numpy as np
import pytest
from scipy.stats import norm

from golive.statistics.groups import (
    Means,
    difference_bounds,
    either,
    least_tail,
    level_ratio,
    mean_difference,
    pair_tail,
    ratio_bounds,
    share_difference,
    share_ratio,
    wilson_bounds,
)
from golive.statistics.intervals import Z, wilson


def array(*values):
    return np.array(values, dtype=np.float64)


def test_bounds_of_one_share_are_those_of_wilson():
    lower, upper = wilson_bounds(array(0, 3, 10), array(10, 10, 10), Z)
    expected = [wilson(hits, 10) for hits in (0, 3, 10)]
    assert np.stack([lower, upper], axis=1) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "rows", "expected"),
    [
        # Newcombe 1998, table II, method 10.
        ((56, 48), (70, 80), (0.0524, 0.3339)),
        ((9, 3), (10, 10), (0.1705, 0.8090)),
        ((10, 0), (10, 10), (0.6075, 1.0)),
    ],
)
def test_differences_of_two_shares_have_the_published_intervals(hits, rows, expected):
    lower, upper = difference_bounds(array(*hits), array(*rows), Z)
    assert (lower[0, 1], min(upper[0, 1], 1.0)) == pytest.approx(expected, abs=5e-5)


def test_a_ratio_and_its_inverse_have_inverse_bounds():
    lower, upper = ratio_bounds(array(30, 50), array(100, 90), Z)
    assert lower[0, 1] == pytest.approx(1 / upper[1, 0], rel=1e-9)
    assert upper[0, 1] == pytest.approx(1 / lower[1, 0], rel=1e-9)
    assert lower[0, 1] < 30 / 100 / (50 / 90) < upper[0, 1]


@pytest.mark.parametrize(
    ("rates", "rows", "most"),
    [
        ((0.3, 0.5), (100, 400), 0.97),
        ((0.05, 0.15), (300, 3000), 0.97),
        # All pairs at once: groups that are nearly equal, or more than two, are held more often.
        ((0.4, 0.4), (80, 200), 1.0),
        ((0.3, 0.5, 0.5, 0.48), (150, 300, 300, 80), 1.0),
    ],
)
def test_intervals_of_ratio_and_difference_hold_the_truth_in_95_of_100_tables(rates, rows, most):
    rng = np.random.default_rng(11)
    tables = rng.binomial(rows, rates, size=(1000, len(rows))).astype(np.float64)
    ratio, difference = min(rates) / max(rates), max(rates) - min(rates)
    found = [(share_ratio(table, array(*rows)), share_difference(table, array(*rows))) for table in tables]
    held = np.mean([[r.lower <= ratio <= r.upper, d.lower <= difference <= d.upper] for r, d in found], axis=0)
    assert (held >= 0.93).all()
    assert (held <= most).all()


def test_intervals_of_means_hold_the_truth_in_95_of_100_tables():
    rng = np.random.default_rng(5)
    rows, truth = array(40, 120), (1.0, 1.5)
    held = []
    for _ in range(600):
        groups = [rng.normal(mean, 1 + place, int(n)) for place, (mean, n) in enumerate(zip(truth, rows, strict=True))]
        means = Means(
            values=array(*(group.mean() for group in groups)),
            variances=array(*(group.var(ddof=1) / len(group) for group in groups)),
            rows=rows,
        )
        found = mean_difference(means)
        held.append(found.lower <= 0.5 <= found.upper)
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_furthest_two_are_named():
    found = share_ratio(array(30, 10, 20), array(50, 50, 50))
    assert (found.least, found.most, found.value) == (1, 0, pytest.approx(1 / 3))
    assert share_difference(array(30, 10, 20), array(50, 50, 50)).value == pytest.approx(0.4)


def test_shares_that_are_all_zero_have_no_ratio_and_levels_of_zero_neither():
    assert share_ratio(array(0, 0), array(50, 50)) is None
    assert level_ratio(Means(values=array(0.0, 1.0), variances=array(0.1, 0.1), rows=array(9, 9))) is None


def test_a_group_without_hits_has_a_ratio_of_zero_with_an_upper_bound():
    found = share_ratio(array(0, 40), array(60, 80))
    assert (found.value, found.lower) == (0.0, 0.0)
    assert 0.0 < found.upper < 0.25


def test_shares_of_one_and_half_give_finite_ordered_bounds():
    found = share_ratio(array(2, 4), array(4, 4))
    assert 0.0 <= found.lower <= found.value <= found.upper <= 1.0


def test_the_greater_of_two_differences_lies_between_the_greater_ends():
    small, large = share_difference(array(30, 33), array(60, 60)), share_difference(array(10, 40), array(60, 60))
    both = either(small, large)
    assert (both.value, both.lower, both.upper) == (large.value, large.lower, max(small.upper, large.upper))


def test_the_error_is_shared_among_both_ends_of_all_pairs():
    assert pair_tail(2) == 0.025
    assert pair_tail(4) == pytest.approx(0.05 / 12)


def test_the_least_tail_is_where_an_interval_stops_to_show_something():
    assert least_tail(lambda tail: norm.isf(tail) < 5.0, 0.01) == pytest.approx(norm.sf(5.0), rel=1e-6)


def test_level_ratio_lies_within_its_interval():
    found = level_ratio(Means(values=array(2.0, 3.0), variances=array(0.01, 0.02), rows=array(50, 60)))
    assert (found.value, found.least, found.most) == (pytest.approx(2 / 3), 0, 1)
    assert found.lower < found.value < found.upper < 1.0
