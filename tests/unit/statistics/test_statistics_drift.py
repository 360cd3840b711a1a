import numpy as np
import pytest
from scipy import stats

from golive.statistics.bins import count_numbers, number_bins
from golive.statistics.drift import (
    category_drift,
    discoveries,
    grouped,
    location_p,
    merged,
    number_drift,
    psi_above_null,
    rise,
    robust_w1,
    shape_p,
)


def rng():
    return np.random.default_rng(3)


def reference(rows=20_000):
    return number_bins(rng().normal(size=rows))


def test_thirty_bins_become_ten_groups_of_three_with_the_ends_in_the_outer_ones():
    assert grouped(np.ones(32)).tolist() == [4, 3, 3, 3, 3, 3, 3, 3, 3, 4]
    assert grouped(np.ones(5)).tolist() == [2, 1, 2]
    assert grouped(np.ones(3)).tolist() == [3]


def test_groups_are_merged_until_each_expects_five_rows():
    ref, now = merged(np.array([100.0, 1, 0, 50, 2]), np.array([10.0, 0, 0, 5, 0]))
    assert ref.sum() == 153
    assert now.sum() == 15
    assert (ref + now).min() * 15 / 168 >= 5 or len(ref) == 1


@pytest.mark.parametrize("rows", [(1000, 1200), (4000, 20_000)])
def test_the_shape_test_agrees_with_scipy(rows):
    generator = rng()
    window, ref = generator.multinomial(rows[0], [0.1] * 10), generator.multinomial(rows[1], [0.1] * 10)
    expected = stats.chi2_contingency(np.stack([window, ref]), lambda_="log-likelihood").pvalue
    assert shape_p(ref.astype(float), window.astype(float)) == pytest.approx(expected, rel=1e-10)


def test_few_rows_a_group_are_tested_by_pearsons_statistic():
    generator = rng()
    window, ref = generator.multinomial(100, [0.1] * 10), generator.multinomial(5000, [0.1] * 10)
    expected = stats.chi2_contingency(np.stack([window, ref]), correction=False).pvalue
    assert shape_p(ref.astype(float), window.astype(float)) == pytest.approx(expected, rel=1e-10)


def test_the_location_test_agrees_with_a_z_test_of_binned_values():
    edges = np.array([0.0, 1.0, 2.0])
    ref, window = np.array([0.0, 60, 40, 0]), np.array([0.0, 45, 55, 0])
    values = np.repeat([0.5, 1.5, 0.5, 1.5], [60, 40, 45, 55])
    z = (1.05 - 0.9) / np.sqrt(values.var() * (1 / 100 + 1 / 100))
    assert location_p(edges, ref, window) == pytest.approx(2 * stats.norm.sf(z), rel=1e-12)


def test_robust_w1_agrees_with_scipy_inside_the_range():
    generator = rng()
    first, second = generator.uniform(-1, 1, 50_000), generator.uniform(-0.8, 1.2, 50_000)
    edges, counts = number_bins(first, inner=300)
    unit = np.subtract(*np.quantile(first, [0.75, 0.25])) / 1.349
    expected = stats.wasserstein_distance(first, np.clip(second, edges[0], edges[-1])) / unit
    found = robust_w1(np.array(edges), np.array(counts[:-1], float), count_numbers(edges, second)[:-1].astype(float))
    assert found == pytest.approx(expected, rel=0.02)


def test_the_rise_test_agrees_with_the_conditional_binomial_test():
    expected = stats.binomtest(12, 12 + 30, 1000 / 21_000, alternative="greater").pvalue
    assert rise(12, 1000, 30, 20_000).p == pytest.approx(expected, rel=1e-9)
    assert rise(12, 1000, 30, 20_000).points == pytest.approx(0.012 - 0.0015)
    assert rise(0, 1000, 30, 20_000).p == 1.0
    assert rise(5, 10, 0, 0).p == 1.0


def test_a_range_read_off_a_few_rows_is_left_by_chance_as_often_as_the_test_says():
    generator = rng()
    p = []
    for _ in range(3000):
        edges, counts = number_bins(generator.normal(size=120))
        p.append(number_drift(edges, counts, count_numbers(edges, generator.normal(size=1000))).outside.p)
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(np.array(p) < 0.01) == pytest.approx(0.01, abs=0.006)


def test_discoveries_agree_with_scipys_adjusted_p_values():
    p = rng().uniform(size=50) ** 4
    for level in (0.01, 0.05, 0.2):
        assert discoveries(p.tolist(), level) == tuple(stats.false_discovery_control(p) <= level)
    assert discoveries([], 0.01) == ()
    assert discoveries([0.5, 0.9], 0.01) == (False, False)


def test_sampling_alone_gives_a_mean_of_zero_and_the_nominal_size():
    generator = rng()
    runs = [
        (generator.multinomial(20_000, [0.1] * 10).astype(float), generator.multinomial(1000, [0.1] * 10).astype(float))
        for _ in range(2000)
    ]
    assert np.mean([psi_above_null(ref, now) for ref, now in runs]) == pytest.approx(0.0, abs=3e-4)
    assert np.mean([shape_p(ref, now) < 0.05 for ref, now in runs]) == pytest.approx(0.05, abs=0.015)


def test_the_same_rows_show_no_drift():
    edges, counts = reference()
    drift = number_drift(edges, counts, counts)
    assert drift.w1 == 0
    assert drift.psi < 0
    assert drift.p == 1
    assert drift.missing.points == 0


@pytest.mark.parametrize("shift", [0.2, 0.3, 0.5])
def test_w1_of_a_shifted_normal_column_is_the_shift(shift):
    edges, counts = reference()
    drift = number_drift(edges, counts, count_numbers(edges, rng().normal(loc=shift, size=50_000)))
    assert drift.w1 == pytest.approx(shift, abs=0.02)
    assert drift.p < 1e-12


def test_one_value_of_a_million_moves_nothing_but_its_own_count():
    edges, counts = reference()
    window = rng().normal(size=1000)
    before = number_drift(edges, counts, count_numbers(edges, window))
    window[0] = 1e6
    after = number_drift(edges, counts, count_numbers(edges, window))
    assert after.w1 == pytest.approx(before.w1, abs=0.01)
    assert after.psi == pytest.approx(before.psi, abs=0.01)


def test_a_change_of_unit_is_severe():
    edges, counts = reference()
    drift = number_drift(edges, counts, count_numbers(edges, 1000 * rng().normal(loc=3, size=1000)))
    assert drift.psi > 1
    assert drift.p < 1e-9
    assert drift.outside.share > 0.9


def test_a_new_category_value_shows_as_unseen_and_as_a_change_of_shape():
    drift = category_drift((600, 400, 0, 0, 0), (300, 200, 0, 100, 0))
    assert drift.unseen.share == pytest.approx(1 / 6)
    assert drift.unseen.p < 1e-12
    assert drift.psi > 0.1
    assert drift.p < 1e-12


@pytest.mark.parametrize(
    "drift",
    [
        number_drift((), (0, 5), (3, 2)),
        number_drift((), (0, 0), (0, 0)),
        number_drift((7.0, 7.5), (0, 50, 0, 0), (10, 0, 40, 0)),
        number_drift((7.0, 7.5), (0, 50, 0, 0), (0, 0, 0, 40)),
        number_drift((1e300, np.nextafter(1e300, np.inf)), (0, 50, 0, 0), (10, 0, 40, 0)),
        number_drift((-1e308, 1e308), (1, 5, 1, 0), (3, 2, 1, 1)),
        category_drift((0, 0, 5), (0, 3, 2)),
        category_drift((0, 0, 0), (0, 0, 0)),
        category_drift((5, 0, 0, 0), (0, 0, 5, 5)),
    ],
)
def test_columns_with_hardly_any_shape_give_finite_numbers(drift):
    assert np.isfinite([drift.psi, drift.w1, drift.p, drift.missing.p, drift.missing.points]).all()
    assert 0 <= drift.p <= 1


def test_a_constant_column_that_changes_is_found_as_outside():
    edges, counts = number_bins(np.full(5000, 7.0))
    drift = number_drift(edges, counts, count_numbers(edges, np.full(1000, 8.0)))
    assert drift.outside.share == 1
    assert drift.outside.p < 1e-9


def test_a_share_of_a_yes_no_column_that_moves_is_found():
    edges, counts = number_bins((rng().uniform(size=20_000) < 0.3).astype(float))
    drift = number_drift(edges, counts, count_numbers(edges, (rng().uniform(size=1000) < 0.5).astype(float)))
    assert drift.w1 > 0.15
    assert drift.p < 1e-12
