"""Rows in groups: they count as the fewer rows that tell as much, in means, shares and what is tested."""

import numpy as np
import pytest

from golive.statistics.clusters import cell_means, share_worth, two_sided, units_of, within_correlation, worth
from golive.statistics.excess import excess_of
from golive.statistics.groups import share_difference
from golive.statistics.intervals import mean_interval


def test_groups_of_equal_size_are_as_many_units_and_one_large_group_is_hardly_more_than_one():
    assert units_of(np.repeat(np.arange(8), 5)) == 8.0
    assert units_of(np.concatenate([np.zeros(1000, np.int64), np.arange(1, 11)])) < 1.1


def test_rows_that_repeat_within_a_group_are_worth_as_much_as_one_of_them():
    rng = np.random.default_rng(0)
    groups, values = np.repeat(np.arange(400), 10), np.repeat(rng.normal(size=400), 10)

    assert worth(values, groups) == pytest.approx(0.1, abs=0.002)
    assert worth(rng.normal(size=4000), groups) > 0.85
    assert worth(values, None) == 1.0


def test_the_mean_of_each_cell_has_the_error_of_its_groups():
    rng = np.random.default_rng(1)
    groups, cells = np.repeat(np.arange(60), 50), np.repeat(np.arange(60) % 2, 50)
    found = cell_means(np.repeat(rng.normal(size=60), 50), cells, 3, groups)

    assert found.units.tolist() == [30.0, 30.0, 0.0]
    assert found.variances[:2] == pytest.approx(1 / 30, rel=0.6)
    assert cell_means(rng.normal(size=50), cells[:50], 2, groups[:50]).variances[0] == np.inf


def test_without_groups_the_error_of_a_cell_is_that_of_its_rows():
    values = np.array([1.0, 2.0, 4.0, 3.0, 3.0])
    found = cell_means(values, np.array([0, 0, 0, 1, 1]), 2, None)

    assert found.variances == pytest.approx([values[:3].var(ddof=1) / 3, 0.0])


def test_a_share_of_none_or_all_is_worth_its_groups():
    groups, cells = np.repeat(np.arange(10), 20), np.zeros(200, np.int64)
    each, units = share_worth(np.zeros(200, bool), cells, 1, groups)

    assert each.tolist() == [0.05]
    assert units.tolist() == [10.0]


def test_few_groups_widen_the_interval_of_a_difference():
    hits, rows = np.array([10.0, 20.0]), np.array([40.0, 40.0])
    plain, few = share_difference(hits, rows), share_difference(hits, rows, units=np.array([4.0, 4.0]))

    assert few.lower < plain.lower < plain.upper < few.upper
    assert two_sided(3.0, 4.0) > two_sided(3.0, 1000.0) == pytest.approx(0.0027, abs=0.0002)


def test_how_alike_rows_of_a_group_are_is_found_again():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(500), 6)
    values = np.repeat(rng.normal(size=500), 6) + 2.0 * rng.normal(size=3000)

    assert within_correlation(values, groups) == pytest.approx(0.2, abs=0.04)
    assert within_correlation(values, np.arange(3000)) == 0.0
    assert within_correlation(values, np.zeros(3000, np.int64)) == 1.0


def test_the_loss_of_a_few_customers_is_no_excess():
    groups, alarms = np.repeat(np.arange(60), 30), 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        losses, inside = np.repeat(rng.exponential(size=60), 30), np.repeat(rng.random(60) < 0.2, 30)
        if 2 < inside[::30].sum() < 57:
            alarms += excess_of(losses, inside, groups).p < 0.01
    assert alarms <= 6


def test_an_interval_over_some_of_the_groups_is_that_of_those_groups_alone():
    rng = np.random.default_rng(3)
    groups, values = np.repeat(np.arange(200), 5), rng.normal(size=1000)
    part = groups >= 180

    assert mean_interval(values[part], groups[part]) == mean_interval(values[part], groups[part] - 180)
