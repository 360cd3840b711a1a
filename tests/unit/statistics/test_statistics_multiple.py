"""P-values of many tests: what is held agrees with a hand calculation."""

import numpy as np

from golive.statistics.multiple import holm


def test_holm_multiplies_by_the_number_of_tests_that_are_left():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == [0.03, 0.06, 0.06]


def test_an_adjusted_value_is_one_at_most_and_never_less_than_a_smaller_one():
    adjusted = holm(np.array([0.5, 0.9, 0.4, 0.001]))

    assert adjusted.tolist() == [1.0, 1.0, 1.0, 0.004]


def test_no_test_gives_no_value():
    assert holm(np.array([])).tolist() == []
