"""Histograms: quantiles against numpy, sums, bounds."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive.control.load.histogram import Bins, Histogram

SHARES = (0.0, 0.5, 0.9, 0.99, 0.999, 1.0)


def of(values) -> Histogram:
    made = Histogram()
    for value in values:
        made.record(int(value))
    return made


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.floats(0.0, 1.0))
def test_a_quantile_is_at_most_one_percent_from_the_exact_one(values, share):
    exact = float(np.quantile(np.array(values), share, method="inverted_cdf"))
    assert of(values).quantile_ns(share) == pytest.approx(exact, rel=0.01, abs=0.5)


def test_quantiles_of_many_latencies_agree_with_numpy():
    values = np.random.default_rng(0).lognormal(13.0, 1.5, 100_000).astype(np.int64)
    found = [of(values).quantile_ns(share) for share in SHARES]
    np.testing.assert_allclose(found, np.quantile(values, SHARES, method="inverted_cdf"), rtol=0.01)


def test_the_ninth_of_ten_is_the_ninetieth_percentile():
    assert of(range(1, 11)).quantile_ns(0.9) == 9.0


@given(st.integers(0, 255))
def test_short_durations_and_the_longest_are_exact(value):
    assert of([value]).quantile_ns(0.5) == value
    assert of([value, 10**9 + 7]).longest_ns == 10**9 + 7


@given(st.lists(st.integers(0, 10**13)), st.lists(st.integers(0, 10**13)))
def test_histograms_of_parts_add_up_to_that_of_the_whole(left, right):
    total = Histogram.of(of(left).bins())
    total.add(of(right).bins())
    assert total.bins() == of([*left, *right]).bins()
    assert total.count == len(left) + len(right)


def test_a_message_keeps_everything():
    bins = of([5, 5, 10**6, 10**10]).bins()
    assert msgspec.json.decode(msgspec.json.encode(bins), type=Bins) == bins


def test_the_size_is_bounded_whatever_is_recorded():
    values = [2**power + offset for power in range(70) for offset in (-1, 0, 1)]
    assert len(of(values).bins().counts) < 5_000
    assert of([-5, 2**80]).longest_ns == 2**42 - 1


def test_nothing_recorded_has_no_quantile():
    assert math.isnan(Histogram().quantile_ns(0.5))
