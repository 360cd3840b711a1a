"""Membership: columns of numbers and texts become groups with readable names; nothing is left out of them."""

import numpy as np
import pytest

from golive.evaluation.groups.membership import MOST_GROUPS, crossed, grouped


def texts(*values):
    return np.array(values, dtype=object)


def sizes(grouping):
    return dict(zip(grouping.names, grouping.rows().tolist(), strict=True))


def test_few_numbers_are_groups_as_they_are_in_ascending_order():
    found = grouped("children", np.array([2.0, 0.0, 10.0, 2.0]))
    assert sizes(found) == {"0": 1, "2": 2, "10": 1}


def test_flags_are_named_as_json_writes_them():
    assert grouped("married", np.array([1.0, 0.0, 1.0]), "bool").names == ("false", "true")


def test_many_numbers_are_cut_at_their_quartiles_and_named_by_their_ends():
    found = grouped("age", np.arange(18.0, 98.0))
    assert sizes(found) == {"18–37": 20, "38–57": 20, "58–77": 20, "78–97": 20}


def test_a_number_that_fills_two_quartiles_gives_fewer_groups():
    found = grouped("gain", np.array([0.0] * 60 + list(range(1, 41))))
    assert sizes(found) == {"0": 60, "1–15": 15, "16–40": 25}


def test_groups_whose_ends_are_written_alike_are_told_apart():
    values = 1000.0 + np.arange(40) / 1e7
    names = grouped("x", values).names
    assert len(set(names)) == 4


def test_missing_values_and_infinities_are_a_group_of_their_own_that_is_no_people():
    found = grouped("age", np.array([30.0, np.nan, np.inf, 40.0]))
    assert sizes(found) == {"30": 1, "40": 1, "unknown": 2}
    assert found.people == (True, True, False)
    assert grouped("age", np.array([np.nan])).names == ("unknown",)


def test_a_value_that_is_called_unknown_is_not_mixed_with_missing_ones():
    found = grouped("sex", texts("unknown", None, "f", "unknown"))
    assert sizes(found) == {"f": 1, "unknown": 2, "missing": 1}


def test_the_smallest_of_many_groups_are_put_together():
    found = grouped("town", texts(*(f"town {n:03}" for n in range(50) for _ in range(50 - n))))
    assert len(found.names) == MOST_GROUPS
    assert found.names[:2] == ("town 000", "town 001")
    assert sizes(found)["other"] == sum(range(1, 51)) - sum(range(50, 50 - (MOST_GROUPS - 1), -1))
    assert found.people[-1] is False


def test_pairs_are_the_combinations_that_occur():
    sex, age = grouped("sex", texts("f", "m", "f", None)), grouped("age", np.array([20.0, 20.0, 50.0, 50.0]))
    found = crossed(sex, age)
    assert (found.label, sizes(found)) == (
        "sex × age",
        {"f × 20": 1, "f × 50": 1, "m × 20": 1, "unknown × 50": 1},
    )
    assert found.people == (True, True, True, False)


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_every_row_has_a_group(rows):
    rng = np.random.default_rng(rows)
    found = grouped("x", rng.standard_normal(rows))
    assert found.rows().sum() == rows
    assert found.codes.min() >= 0
    assert found.codes.max() == len(found.names) - 1


def test_a_range_that_begins_below_zero_has_no_dash_beside_a_minus():
    assert next(iter(sizes(grouped("gain", np.arange(-8.0, 0.0))))) == "-8 … -7"
