"""Influences are derivatives of their numbers, DeLong's placements, and add up over groups."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from golive.statistics import intervals, metrics
from golive.statistics.influence import ranking_influence, spearman_influence


def rows(seed=4, count=240):
    rng = np.random.default_rng(seed)
    positive = rng.random(count) < 0.3
    return positive, np.round(1.2 * positive + rng.normal(size=count), 1)


def jackknifed(number, count):
    """The empirical influence of each row: what leaving it out changes."""
    whole = number(np.arange(count))
    return np.array([(count - 1) * (whole - number(np.delete(np.arange(count), row))) for row in range(count)])


def test_the_areas_are_the_metrics_ties_included():
    positive, score = rows()
    area, precision = ranking_influence(positive, score)
    assert area.value == pytest.approx(metrics.auc(positive, score), abs=1e-12)
    assert precision.value == pytest.approx(metrics.average_precision(positive, score), abs=1e-12)


def test_the_influence_on_average_precision_is_what_leaving_a_row_out_changes():
    positive, score = rows()
    found = ranking_influence(positive, score)[1].influence
    expected = jackknifed(lambda kept: metrics.average_precision(positive[kept], score[kept]), len(score))
    assert np.corrcoef(found, expected)[0, 1] > 0.998
    assert found.std() == pytest.approx(expected.std(), rel=0.06)
    assert found.mean() == pytest.approx(0.0, abs=1e-12)


def test_the_influence_on_the_area_gives_delongs_variance():
    positive, score = rows()
    area, covariance = intervals.delong(positive, score[None])
    found = ranking_influence(positive, score)[0]
    assert found.value == pytest.approx(area[0], abs=1e-12)
    assert np.sum(found.influence**2) / len(score) ** 2 == pytest.approx(covariance[0, 0], rel=1e-9)


def test_spearman_agrees_with_scipy_and_its_influence_with_leaving_rows_out():
    rng = np.random.default_rng(2)
    truth = np.round(rng.normal(size=200), 1)
    predicted = np.round(truth + rng.normal(size=200), 0)
    found = spearman_influence(truth, predicted)
    assert found.value == pytest.approx(spearmanr(truth, predicted).statistic, abs=1e-9)
    expected = jackknifed(lambda kept: spearmanr(truth[kept], predicted[kept]).statistic, 200)
    assert np.corrcoef(found.influence, expected)[0, 1] > 0.999
    assert found.influence.std() == pytest.approx(expected.std(), rel=0.03)


def test_answers_that_are_all_the_same_order_nothing():
    positive, _ = rows()
    area, precision = ranking_influence(positive, np.full(len(positive), 0.3))
    assert (area.value, np.ptp(area.influence)) == (0.5, 0.0)
    assert precision.value == pytest.approx(positive.mean())
    assert np.isnan(spearman_influence(np.arange(5.0), np.ones(5)).value)


def test_rows_written_twice_in_groups_of_two_have_the_interval_of_the_rows_written_once():
    values = np.random.default_rng(1).normal(5.0, 2.0, 90)
    groups = np.repeat(np.arange(90), 2)
    twice = np.repeat(values, 2)
    assert intervals.mean_interval(twice, groups) == pytest.approx(intervals.mean_interval(values), rel=1e-9)
    assert intervals.positive_mean_interval(twice**2, groups) == pytest.approx(
        intervals.positive_mean_interval(values**2), rel=1e-9
    )
    hits = values > 5.0
    found = intervals.share_interval(np.repeat(hits, 2), groups)
    assert found == pytest.approx(intervals.share_interval(hits), rel=0.01)


def test_a_share_of_all_or_none_of_the_rows_is_as_sure_as_there_are_groups():
    hits, groups = np.ones(60, dtype=bool), np.repeat(np.arange(6), 10)
    assert intervals.share_interval(hits, groups) == intervals.wilson(6, 6)
    assert intervals.share_interval(hits) == intervals.wilson(60, 60)
    assert intervals.share_interval(hits[:0]) is None


def test_rows_of_a_single_group_bound_no_share_no_f1_and_no_median():
    hits, one = np.arange(40) % 3 == 0, np.zeros(40, dtype=np.int64)
    assert intervals.share_interval(hits, one) is None
    assert intervals.f1_interval(hits, ~hits, one) is None
    assert intervals.median_interval(np.arange(40.0), one) is None


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_share_is_held_95_times_of_100_however_few_its_groups(count):
    rng, groups, held = np.random.default_rng(37), np.repeat(np.arange(count), 50), 0
    for _ in range(300):
        hits = rng.random(50 * count) < np.clip(0.5 + 0.2 * rng.normal(size=count), 0, 1)[groups]
        held += _holds(intervals.share_interval(hits, groups), 0.5)
    assert held / 300 >= 0.93


def test_groups_of_very_different_sizes_count_as_the_few_that_weigh_as_much():
    hits, even = np.arange(200) % 2 == 0, np.repeat(np.arange(20), 10)
    uneven = np.append(np.zeros(105, dtype=np.int64), 1 + np.arange(95) // 5)
    widths = [np.diff(intervals.share_interval(hits, groups))[0] for groups in (even, uneven)]
    assert widths[1] > 1.2 * widths[0]


def test_heavy_tails_make_an_interval_of_few_rows_wider_than_even_rows_of_the_same_spread():
    even = np.tile([0.0, 2.0], 20)
    spiked = np.append(np.ones(39), 1.0 + np.sqrt(even.var(ddof=1) * 39) * np.sqrt(40 / 39))
    assert spiked.std(ddof=1) == pytest.approx(even.std(ddof=1))
    widths = [np.diff(intervals.mean_interval(values))[0] for values in (even, spiked)]
    assert widths[1] > 1.3 * widths[0]


def test_intervals_by_influence_hold_the_truth_about_95_times_of_100():
    rng = np.random.default_rng(23)
    many = rng.random(400_000) < 0.2
    truth = ranking_influence(many, 1.5 * many + rng.normal(size=400_000))[1].value
    groups = np.repeat(np.arange(60), 5)
    held = {"precision": 0, "groups": 0, "rows in groups": 0, "squares": 0, "rank": 0}
    for _ in range(300):
        positive = rng.random(400) < 0.2
        found = ranking_influence(positive, 1.5 * positive + rng.normal(size=400))[1]
        held["precision"] += _holds(intervals.moved_interval(found.value, found.influence), truth)
        values = rng.normal(size=60)[groups] + rng.normal(size=300)
        held["groups"] += _holds(intervals.mean_interval(values, groups), 0.0)
        held["rows in groups"] += _holds(intervals.mean_interval(values), 0.0)
        held["squares"] += _holds(intervals.positive_mean_interval(rng.standard_t(6, 500) ** 2), 1.5)
        one = rng.normal(size=300)
        moved = spearman_influence(one, one + rng.normal(size=300))
        # Of two normal variables with correlation r it is 6/pi times the arc sine of r/2.
        expected = 6 / np.pi * np.arcsin(0.5**0.5 / 2)
        held["rank"] += _holds(intervals.correlation_interval(moved.value, moved.influence), expected)
    naive = held.pop("rows in groups")
    assert all(0.915 <= count / 300 < 0.985 for count in held.values()), held
    assert naive / 300 < 0.8


def _holds(bounds, true):
    return bounds is not None and bounds[0] <= true <= bounds[1]
