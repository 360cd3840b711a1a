"""Means and differences of shares are as sure as the shares, and go together as their rows do."""

import numpy as np
import pytest

from golive.statistics.combined import (
    difference_of_numbers,
    difference_of_parts,
    f1_part,
    mean_of_parts,
    plain_variance,
    share_part,
)
from golive.statistics.intervals import f1_interval, mean_error, share_interval


def hits(right, rows):
    return np.arange(rows) < right


def test_a_mean_of_independent_shares_adds_the_squares_of_their_distances_to_their_bounds():
    one, two = share_part(hits(9, 10)), share_part(hits(1800, 2000))
    lower, upper = mean_of_parts(0.9, (one.variance + two.variance) / 4, [one, two], 2)
    assert 0.9 - lower == pytest.approx(np.hypot(0.9 - one.bounds[0], 0.9 - two.bounds[0]) / 2)
    assert upper - 0.9 == pytest.approx(np.hypot(one.bounds[1] - 0.9, two.bounds[1] - 0.9) / 2)


def test_shares_that_do_not_vary_on_the_rows_are_combined_as_independent():
    one, two = share_part(hits(10, 10)), share_part(hits(0, 20))
    lower, upper = mean_of_parts(0.5, 0.0, [one, two], 2)
    assert (lower, upper) == pytest.approx((0.5 - (1 - one.bounds[0]) / 2, 0.5 + two.bounds[1] / 2))


def test_a_mean_less_one_that_errs_alike_has_no_width_and_one_that_errs_apart_has_that_of_both():
    parts = [share_part(hits(9, 10)), share_part(hits(15, 20))]
    alone = sum(part.variance for part in parts) / 4
    assert difference_of_parts(0.0, 0.0, parts, parts, 2) == (0.0, 0.0)
    lower, upper = difference_of_parts(0.0, 2 * alone, parts, parts, 2)
    single = mean_of_parts(0.825, alone, parts, 2)
    assert (lower, upper) == pytest.approx(difference_of_numbers(0.825, single, 0.825, single))


def test_the_parts_are_the_share_and_f1_with_their_own_intervals_and_none_without_rows():
    true, decided = hits(30, 100), hits(50, 100)[::-1] | hits(20, 100)
    groups = np.arange(100) // 5
    found = f1_part(true, decided, groups)
    assert found.value == pytest.approx(2 * 20 / (30 + 70))
    assert found.bounds == f1_interval(true, decided, groups)
    assert share_part(true).bounds == share_interval(true)
    assert share_part(true[:0]) is None
    assert f1_part(true & False, decided & False) is None
    assert share_part(true, np.zeros(100, dtype=np.int64)).bounds == (0.0, 1.0)


def test_a_plain_variance_is_the_squared_error_of_the_mean_without_the_correction_for_few():
    values, groups = np.random.default_rng(3).normal(size=60), np.arange(60) // 6
    assert plain_variance(values) == pytest.approx(mean_error(values) ** 2 * 59 / 60)
    assert plain_variance(values, groups) == pytest.approx(mean_error(values, groups) ** 2 * 9 / 10)
