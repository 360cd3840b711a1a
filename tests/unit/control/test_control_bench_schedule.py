"""Schedules: how many starts, where they stand, and that parts make up the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive.control.load.schedule import Rate, moments_ns


@given(st.floats(0.5, 5_000.0), st.floats(0.01, 1.0), st.integers(1, 5))
def test_constant_parts_take_turns_and_make_up_the_whole(per_s, seconds, parts):
    rate = Rate(per_s=per_s, arrivals="constant")
    whole = list(moments_ns(rate, seconds))
    shared = [list(moments_ns(rate, seconds, part=part, parts=parts)) for part in range(parts)]
    assert sorted(moment for part in shared for moment in part) == whole
    assert all(part == whole[number::parts] for number, part in enumerate(shared))
    assert abs(len(whole) - per_s * seconds) <= 1


def test_constant_starts_are_equally_far_apart():
    assert list(moments_ns(Rate(per_s=4.0, arrivals="constant"), 1.0)) == [0, 250_000_000, 500_000_000, 750_000_000]


@pytest.mark.parametrize("parts", [1, 3])
def test_poisson_parts_together_have_the_rate_and_exponential_gaps(parts):
    rate = Rate(per_s=10_000.0, seed=3)
    shared = [moments_ns(rate, 4.0, part=part, parts=parts) for part in range(parts)]
    starts = np.sort(np.concatenate([np.array(part) for part in shared])) / 1e9
    gaps = np.diff(starts)
    assert len(starts) == pytest.approx(40_000, abs=5 * 200)
    assert starts[-1] < 4.0
    # Of exponential gaps the standard deviation is the mean, and 1/e of them are longer than the mean.
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)
    assert (gaps > gaps.mean()).mean() == pytest.approx(np.exp(-1), abs=0.01)


def test_equal_seeds_give_equal_starts_and_others_do_not():
    first, again, other = (moments_ns(Rate(per_s=1000.0, seed=seed), 0.5) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_parts_of_a_seed_differ():
    rate = Rate(per_s=1000.0, seed=1)
    assert moments_ns(rate, 0.5, part=0, parts=2) != moments_ns(rate, 0.5, part=1, parts=2)
