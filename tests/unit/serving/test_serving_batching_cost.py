"""What a batcher believes of a model's cost, and how many rows it runs at once for it."""

import numpy as np
import pytest

from golive.serving.batching.cost import FIRST_ROWS, MOST_ROWS, Cost, measured, place_of, rows_of_a_run
from golive.serving.batching.limits import BatchLimits

US = 1_000


def taught(*runs):
    cost = Cost()
    for rows, taken_us in runs:
        cost.learn(rows, taken_us * US)
    return cost


def test_before_the_first_run_everything_is_free():
    assert Cost().of(1000) == 0


def test_a_few_runs_are_not_enough_to_refuse_anything_for():
    assert not taught(*[(1, 900)] * 7).is_known
    assert taught(*[(1, 900)] * 8).is_known


def test_the_fixed_part_and_the_part_of_the_rows_are_told_apart():
    cost = taught(*[(rows, 500 + 20 * rows) for rows in (1, 8, 30, 3, 12, 60, 1, 25)])
    assert cost.fixed_ns == pytest.approx(500 * US)
    assert cost.row_ns == pytest.approx(20 * US)


def test_runs_of_one_length_are_predicted_well_and_others_between_the_extremes():
    cost = taught(*[(10, 100)] * 50)
    assert cost.of(10) == pytest.approx(100 * US)
    assert 100 * US < cost.of(20) < 200 * US


def test_what_was_learned_stays_when_all_runs_have_one_length():
    cost = taught(*[(rows, 500 + 20 * rows) for rows in (1, 32) * 10], *[(32, 1140)] * 500)
    assert cost.of(1) == pytest.approx(520 * US)


def test_one_run_that_was_interrupted_changes_little():
    cost = taught(*[(rows, 500 + 20 * rows) for rows in (1, 16, 32) * 10])
    before = cost.of(16)
    cost.learn(16, 1_000_000 * US)
    assert cost.of(16) < 1.5 * before


def test_a_model_that_has_really_become_slower_is_noticed():
    cost = taught(*[(rows, 500 + 20 * rows) for rows in (1, 16, 32) * 10])
    for _ in range(60):
        for rows in (1, 16, 32):
            cost.learn(rows, 10 * (500 + 20 * rows) * US)
    assert cost.of(16) == pytest.approx(10 * 820 * US, rel=0.05)


def test_no_part_is_ever_negative():
    cost = taught((1, 900), (2, 500), (4, 100), (8, 5), (16, 1))
    assert cost.fixed_ns >= 0
    assert cost.row_ns >= 0
    assert cost.of(100) >= 0


def test_a_run_has_the_rows_it_was_told_to_have():
    assert rows_of_a_run(taught((1, 1), (10, 1)), BatchLimits(run_rows=7)) == 7


def test_a_cold_run_has_a_few_rows():
    assert rows_of_a_run(Cost(), BatchLimits()) == FIRST_ROWS


def test_a_run_is_long_enough_to_spread_the_fixed_part():
    cost = taught(*[(rows, 500 + 25 * rows) for rows in (1, 16) * 10])
    assert rows_of_a_run(cost, BatchLimits()) == pytest.approx(80, abs=1)


def test_a_run_is_no_longer_than_its_budget():
    cost = taught(*[(rows, 100 + 1000 * rows) for rows in (1, 16) * 10])
    assert rows_of_a_run(cost, BatchLimits(run_ms=5)) == pytest.approx(4, abs=1)


def test_a_run_has_at_least_one_row():
    assert rows_of_a_run(taught(*[(1, 80_000)] * 3, *[(2, 160_000)] * 3), BatchLimits(run_ms=5)) == 1


def test_rows_that_cost_nothing_run_together():
    assert rows_of_a_run(taught(*[(rows, 300) for rows in (1, 16) * 10]), BatchLimits()) == MOST_ROWS


def test_a_model_is_measured_at_load():
    now = 0

    def run(numbers, codes):
        nonlocal now
        assert len(codes) == len(numbers)
        now += 700 * US + 20 * US * len(numbers)
        return numbers

    cost = measured(run, np.zeros((3, 2)), np.zeros((3, 1), dtype=np.int64), lambda: now)
    assert cost.is_known
    assert cost.of(1) == pytest.approx(720 * US, rel=0.01)
    assert cost.of(16) == pytest.approx(1020 * US, rel=0.01)


@pytest.mark.parametrize(("one_row_us", "place"), [(6, "inline"), (40, "loop"), (700, "loop"), (20_000, "thread")])
def test_a_model_runs_where_its_cost_is_lowest(one_row_us, place):
    assert place_of(one_row_us * US) == place
