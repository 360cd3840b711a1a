"""Lapse: wrong labels put a floor under the rate of errors, and overconfidence does not."""

import numpy as np
import pytest
from scipy.special import expit

from golive.statistics.lapse import lapse


def drawn(seed, rows=4000, stretch=1.0, missed=0.0, invented=0.0):
    rng = np.random.default_rng(seed)
    true_odds = rng.normal(0.5, 3.0, rows)
    came_true = rng.random(rows) < expit(true_odds)
    noted = np.where(came_true, rng.random(rows) >= missed, rng.random(rows) < invented)
    return true_odds * stretch, noted


@pytest.mark.parametrize("stretch", [0.4, 1.0, 3.0])
def test_a_model_that_is_too_sure_or_too_unsure_has_no_lapse(stretch):
    seen = [lapse(*drawn(seed, stretch=stretch)).p for seed in range(8)]

    assert min(seen) > 0.005


@pytest.mark.parametrize("stretch", [0.4, 1.0, 3.0])
def test_labels_that_are_wrong_at_random_are_found_however_sure_the_model_is(stretch):
    found = lapse(*drawn(1, stretch=stretch, missed=0.05, invented=0.1))

    assert found.p < 1e-6
    assert found.missed == pytest.approx(0.05, abs=0.025)
    assert found.invented == pytest.approx(0.1, abs=0.04)


def test_the_surest_contradiction_is_the_most_doubtful():
    found = lapse(*drawn(1, missed=0.05, invented=0.05))

    doubt = found.doubt(np.array([4.0, 1.0, 4.0]), np.array([False, False, True]))

    assert doubt[0] > 0.5 > doubt[1] > doubt[2]
