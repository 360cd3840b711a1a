"""Intervals agree with their formulas' definitions, and hold the truth about as often as they say."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t

from golive.statistics import intervals, metrics, resample

RUNS = 200
AT_LEAST = 0.90
"""With 200 runs a true 95 % falls below 90 % less than once in 500."""


def test_wilson_agrees_with_scipy():
    for successes, rows in [(0, 12), (7, 12), (12, 12), (311, 1000)]:
        expected = binomtest(successes, rows).proportion_ci(0.95, method="wilson")
        assert intervals.wilson(successes, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_delong_agrees_with_its_definition_by_pairs():
    rng = np.random.default_rng(5)
    positive = rng.random(60) < 0.4
    scores = np.round(np.stack([positive + rng.normal(size=60), positive + rng.normal(size=60)]), 1)
    areas, covariance = intervals.delong(positive, scores)
    wins = [
        (s[positive][:, None] > s[~positive][None]) + 0.5 * (s[positive][:, None] == s[~positive][None]) for s in scores
    ]
    by_hits, by_others = np.array([w.mean(axis=1) for w in wins]), np.array([w.mean(axis=0) for w in wins])
    expected = np.cov(by_hits) / positive.sum() + np.cov(by_others) / (~positive).sum()
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
    np.testing.assert_allclose(areas, [metrics.auc(positive, score) for score in scores], atol=1e-12)


def test_an_interval_that_does_not_exist_is_none():
    one = np.array([1.0])
    assert intervals.mean_interval(one) is None
    assert intervals.rmse_interval(one) is None
    assert intervals.rmse_difference_interval(one, one) is None
    assert intervals.rmse_difference_interval(np.zeros(3), np.ones(3)) is None
    assert intervals.auc_interval(1.0, 0.0) is None
    assert resample.interval(0.5, np.array([np.nan, 0.4, 0.6])) is None
    assert resample.interval(0.5, np.array([0.5, np.nan, np.nan, 0.6])) is None


def test_f1_takes_wilson_of_the_right_ones_among_those_true_or_decided():
    true, decided = np.array([1, 1, 1, 0, 0, 0, 0], bool), np.array([1, 1, 0, 1, 0, 0, 0], bool)
    lower, upper = intervals.wilson(2, 4)
    expected = 2 * lower / (1 + lower), 2 * upper / (1 + upper)
    assert intervals.f1_interval(true, decided) == pytest.approx(expected)
    assert (
        intervals.f1_interval(true, decided)[0]
        < metrics.scores_of_counts(metrics.class_counts(true.astype(np.int64), decided.astype(np.int64), 2))["f1"]
        < intervals.f1_interval(true, decided)[1]
    )
    assert intervals.f1_interval(true, np.zeros(7, bool))[0] == 0.0
    assert intervals.f1_interval(np.zeros(7, bool), np.zeros(7, bool)) is None


def test_r_squared_is_bounded_by_the_ratio_of_two_mean_squares_on_the_scale_of_its_logarithm():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=300)
    centered, errors = truth - truth.mean(), 0.3 * rng.normal(size=300)
    value = 1 - np.mean(errors**2) / np.mean(centered**2)
    lower, upper = intervals.r2_interval(errors, centered)
    assert (1 - lower) / (1 - value) == pytest.approx((1 - value) / (1 - upper))
    assert lower < value < upper < 1.0
    assert intervals.r2_interval(1000 * errors, 1000 * centered) == pytest.approx((lower, upper))
    assert intervals.r2_difference_interval(errors, errors, centered) == (0.0, 0.0)
    one, two = intervals.r2_difference_interval(errors, 2 * errors, centered)
    assert (one + two) / 2 == pytest.approx(3 * np.mean(errors**2) / np.mean(centered**2))
    assert intervals.r2_interval(np.zeros(300), centered) is None
    assert intervals.r2_interval(errors, np.zeros(300)) is None
    assert intervals.r2_difference_interval(errors, errors, np.zeros(300)) is None


def test_a_median_lies_between_the_quantiles_that_the_share_below_it_allows():
    values = np.arange(1001.0)
    half = t.ppf(0.975, 1000) * np.sqrt(0.25 / 1000)
    lower, upper = intervals.median_interval(values)
    assert (lower, upper) == pytest.approx((500 - 1000 * half, 500 + 1000 * half), abs=0.5)
    whole = np.repeat(values, 4), np.repeat(np.arange(1001), 4)
    assert intervals.median_interval(*whole) == pytest.approx((lower, upper), abs=1.0)
    assert np.diff(intervals.median_interval(whole[0]))[0] == pytest.approx((upper - lower) / 2, abs=1.0)
    assert intervals.median_interval(np.array([1.0])) is None


def test_a_median_among_ties_reaches_to_the_value_that_nearly_half_of_the_rows_have():
    assert intervals.median_interval(np.array([0.0, 0, 1, 1, 1])) is None
    assert intervals.median_interval(np.array([0.0, 0, 0, 1, 1, 1, 1])) == (0.0, 1.0)
    rng, held = np.random.default_rng(29), {"ones": 0, "rounded": 0, "groups": 0}
    for _ in range(300):
        held["ones"] += _holds(intervals.median_interval((rng.random(200) < 0.48).astype(float)), 0.0)
        held["rounded"] += _holds(intervals.median_interval(np.round(rng.normal(1.0, 1.0, 200))), 1.0)
        of_groups = np.repeat(rng.random(40) < 0.45, 5).astype(float)
        held["groups"] += _holds(intervals.median_interval(of_groups, np.repeat(np.arange(40), 5)), 0.0)
    assert min(held.values()) / 300 >= 0.95, held


def test_percentiles_of_few_resamples_leave_out_as_much_as_those_of_many():
    for resamples in (199, 999):
        places = (1 + np.arange(resamples)) / (resamples + 1)
        assert resample.interval(0.5, np.append(0.5, places)) == pytest.approx((0.025, 0.975))


def test_the_difference_of_a_model_to_itself_is_exactly_zero():
    rng = np.random.default_rng(2)
    positive, errors = rng.random(400) < 0.3, rng.normal(size=400)
    score = positive + rng.normal(size=400)
    assert intervals.rmse_difference_interval(errors, errors) == (0.0, 0.0)
    assert intervals.auc_difference_interval(*intervals.delong(positive, np.stack([score, score]))) == (0.0, 0.0)
    statistics = {name: resample.ranking(positive, score) for name in ("one", "two")}
    drawn = resample.resample(statistics, rows=400, resamples=50, seed=1)
    assert resample.interval(0.0, (drawn["one"] - drawn["two"])[:, 0]) == (0.0, 0.0)


def test_row_weights_have_the_mean_and_variance_of_poisson_and_come_in_the_number_asked_for():
    weights = np.concatenate(list(resample.row_weights(50_000, 103, seed=4)))
    assert weights.shape == (103, 50_000)
    assert weights.mean() == pytest.approx(1.0, abs=0.002)
    assert weights.var() == pytest.approx(1.0, abs=0.005)


def test_statistics_of_weighted_rows_are_those_of_the_rows_written_out():
    rng = np.random.default_rng(8)
    truth, predicted = rng.normal(size=301), rng.normal(size=301)
    label, score = rng.integers(0, 2, 301), np.round(rng.random(301), 2)
    (weights,) = resample.row_weights(301, 4, seed=6)
    for place, weight in enumerate(weights):
        rows = np.repeat(np.arange(301), weight)
        positive = label[rows] == 1
        found = resample.ranking(label == 1, score)(weights)[place]
        expected = [metrics.auc(positive, score[rows]), metrics.average_precision(positive, score[rows])]
        np.testing.assert_allclose(found, expected, atol=1e-12)
        expected_r2 = metrics.r2(truth[rows], predicted[rows])
        assert resample.explained(truth, predicted)(weights)[place] == pytest.approx(expected_r2, abs=1e-12)
        expected_ece = metrics.ece(score[rows], positive)
        assert resample.calibration_error(score, label == 1)(weights)[place] == pytest.approx(expected_ece, abs=1e-12)
        counts = resample.confusion_counts(label, (score > 0.5).astype(np.int64), 2)(weights)[place]
        assert np.array_equal(counts, metrics.confusion(label[rows], (score[rows] > 0.5).astype(np.int64), 2))
        lower = np.quantile(np.abs(truth[rows]), 0.5, method="inverted_cdf")
        assert resample.median(np.abs(truth))(weights)[place] == pytest.approx(lower, abs=1e-12)


def test_binned_rankings_of_many_rows_are_close_and_the_interval_is_moved_to_the_exact_value():
    rng = np.random.default_rng(9)
    positive = rng.random(30_000) < 0.2
    score = 1.4 * positive + rng.normal(size=30_000)
    drawn = resample.resample({"r": resample.ranking(positive, score)}, rows=30_000, resamples=200, seed=1)["r"]
    exact = metrics.auc(positive, score), metrics.average_precision(positive, score)
    assert drawn[0] == pytest.approx(exact, abs=1e-3)
    for value, column in zip(exact, drawn.T, strict=True):
        lower, upper = resample.interval(value, column)
        assert lower < value < upper


def test_a_resample_is_the_same_for_the_same_seed_and_different_for_another():
    values = np.random.default_rng(0).normal(size=500)
    drawn = [
        resample.resample({"m": resample.median(values)}, rows=500, resamples=40, seed=s)["m"].tolist()
        for s in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_formula_intervals_hold_the_truth_about_95_times_of_100():
    rng = np.random.default_rng(17)
    held = {"rmse": 0, "difference": 0, "auc": 0, "auc difference": 0, "recall": 0}
    area, other_area = norm.cdf(1.4 / 2**0.5), norm.cdf(1.2 / 2**0.5)
    true_difference = 1.0 - (0.64 + 0.64) ** 0.5
    for _ in range(RUNS):
        errors = rng.normal(size=1000)
        others = 0.8 * errors + 0.8 * rng.normal(size=1000)
        held["rmse"] += _holds(intervals.rmse_interval(errors), 1.0)
        held["difference"] += _holds(intervals.rmse_difference_interval(errors, others), true_difference)
        positive = rng.random(1000) < 0.2
        noise = rng.normal(size=1000)
        scores = np.stack([d * positive + 0.8 * noise + 0.6 * rng.normal(size=1000) for d in (1.4, 1.2)])
        areas, covariance = intervals.delong(positive, scores)
        held["auc"] += _holds(intervals.auc_interval(areas[0], covariance[0, 0]), area)
        difference = intervals.auc_difference_interval(areas, covariance)
        held["auc difference"] += _holds(difference, area - other_area)
        hits = (scores[0][positive] > 1.0).sum()
        held["recall"] += _holds(intervals.wilson(hits, int(positive.sum())), norm.sf(1.0 - 1.4))
    assert all(count / RUNS >= AT_LEAST for count in held.values()), held
    assert all(count < RUNS for count in held.values()), held


def test_resampled_intervals_hold_the_truth_about_95_times_of_100():
    rng = np.random.default_rng(19)
    held = {"auc": 0, "r2": 0, "median": 0}
    for run in range(RUNS):
        positive = rng.random(600) < 0.3
        score = 1.4 * positive + rng.normal(size=600)
        signal, noise = rng.normal(size=600), rng.normal(size=600)
        statistics = {
            "ranking": resample.ranking(positive, score),
            "r2": resample.explained(signal + noise, signal),
            "median": resample.median(np.abs(noise)),
        }
        values = metrics.auc(positive, score), metrics.r2(signal + noise, signal), float(np.median(np.abs(noise)))
        truths = norm.cdf(1.4 / 2**0.5), 0.5, norm.ppf(0.75)
        drawn = resample.resample(statistics, rows=600, resamples=200, seed=run)
        drawn["auc"] = drawn.pop("ranking")[:, 0]
        for name, value, true in zip(held, values, truths, strict=True):
            held[name] += _holds(resample.interval(value, drawn[name]), true)
    assert all(count / RUNS >= AT_LEAST for count in held.values()), held
    assert all(count < RUNS for count in held.values()), held


def _holds(bounds, true):
    return bounds is not None and bounds[0] <= true <= bounds[1]
