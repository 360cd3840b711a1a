import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes

from golive.statistics.bins import category_bins, category_text, count_categories, count_numbers, number_bins


def test_a_normal_column_gets_thirty_bins_of_about_equal_counts():
    values = np.random.default_rng(1).normal(size=30_000)
    edges, counts = number_bins(values)
    assert len(edges) == 31
    assert len(counts) == 33
    assert sum(counts) == 30_000
    assert counts[0] == pytest.approx(30, abs=1)
    assert counts[-2] == pytest.approx(30, abs=1)
    assert counts[-1] == 0
    assert all(count == pytest.approx(998, abs=2) for count in counts[1:-2])


def test_every_column_of_a_real_table_is_counted_whole():
    for values in load_diabetes().data.T:
        edges, counts = number_bins(values)
        assert list(edges) == sorted(set(edges))
        assert len(counts) == len(edges) + 2
        assert sum(counts) == len(values)


def test_a_spike_gets_a_bin_of_its_own():
    values = np.concatenate([np.zeros(5000), np.random.default_rng(1).lognormal(size=5000)])
    edges, counts = number_bins(values)
    assert counts[edges.index(0.0) + 1] == 5000
    assert sum(counts) == 10_000


def test_the_values_of_a_yes_no_column_are_told_apart():
    edges, counts = number_bins(np.array([0.0] * 700 + [1.0] * 300))
    assert sum(count > 0 for count in counts) == 2
    assert {700, 300} <= set(counts)
    assert count_numbers(edges, np.array([0.0, 1.0, 1.0]))[0] == 0
    assert count_numbers(edges, np.array([-1.0, 2.0]))[[0, -2]].tolist() == [1, 1]


def test_a_constant_column_has_one_inner_bin():
    edges, counts = number_bins(np.full(50, 7.0))
    assert edges[0] == 7.0
    assert counts == (0, 50, 0, 0)
    assert count_numbers(edges, np.array([6.9, 7.0, 7.1])).tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("value", [0.0, 5e-324, -1.7976931348623157e308, 1.7976931348623157e308])
def test_a_constant_at_the_end_of_the_number_line_is_counted(value):
    edges, counts = number_bins(np.full(50, value))
    assert np.isfinite(edges).all()
    assert sorted(counts) == [0, 0, 0, 50]


def test_a_column_of_missing_values_has_no_edges():
    assert number_bins(np.full(5, np.nan)) == ((), (0, 5))
    assert number_bins(np.array([])) == ((), (0, 0))
    assert count_numbers((), np.array([1.0, np.nan])).tolist() == [1, 1]


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_few_rows_work(rows):
    edges, counts = number_bins(np.arange(rows, dtype=float))
    assert sum(counts) == rows
    assert len(counts) == len(edges) + 2


def test_infinities_and_missing_values_have_their_places():
    edges, counts = number_bins(np.array([1.0, 2.0, 3.0, np.nan, np.inf, -np.inf, -np.inf]))
    assert np.isfinite(edges).all()
    assert (counts[0], counts[-2], counts[-1]) == (2, 1, 1)


@given(st.lists(st.floats(allow_infinity=False), max_size=60), st.lists(st.floats(), max_size=60))
def test_counts_of_two_windows_add_up_to_the_counts_of_both(first, second):
    edges, _ = number_bins(np.array(first, dtype=float))
    parts = [count_numbers(edges, np.array(values, dtype=float)) for values in (first, second, first + second)]
    assert (parts[0] + parts[1] == parts[2]).all()
    assert parts[2].sum() == len(first) + len(second)


def test_a_category_column_keeps_its_most_frequent_values():
    values = np.array(["b"] * 3 + ["a"] * 3 + ["c"] * 2 + ["d", None, float("nan")], dtype=object)
    assert category_bins(values, top=3) == (("a", "b", "c"), (3, 3, 2, 1, 0, 2))


def test_a_category_column_without_values_has_no_bins():
    assert category_bins(np.array([None, None], dtype=object)) == ((), (0, 0, 2))
    assert category_bins(np.array([], dtype=object)) == ((), (0, 0, 0))


def test_values_are_counted_as_known_other_unseen_or_missing():
    data = np.array(["a", "a", "z", "new", None, "new"], dtype=object)
    assert count_categories(("a", "b"), data, others=("z",)).tolist() == [2, 0, 1, 2, 1]
    assert count_categories(("a", "b"), data, others=None).tolist() == [2, 0, 3, 0, 1]
    assert count_categories(("a", "b"), data).tolist() == [2, 0, 0, 3, 1]


def test_values_that_are_not_text_are_read_as_text():
    assert [category_text(value) for value in (True, np.False_, 3, "x", None, float("nan"))] == [
        "true",
        "false",
        "3",
        "x",
        None,
        None,
    ]
