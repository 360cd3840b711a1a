"""Slopes are the derivatives of the scores, so influences say how much a row moves them."""

import numpy as np
import pytest

from golive.statistics.metrics import class_counts, scores_of_counts
from golive.statistics.slopes import row_influence, score_slopes

STEP = 1e-4


def decisions(classes, rows=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    return truth, np.where(rng.random(rows) < 0.6, truth, rng.integers(0, classes, rows))


@pytest.mark.parametrize("classes", [2, 4])
def test_slopes_are_how_much_each_score_moves_when_a_count_does(classes):
    counts = class_counts(*decisions(classes), classes)

    for name, slopes in score_slopes(counts).items():
        for place in np.ndindex(counts.shape):
            moved = np.zeros_like(counts)
            moved[place] = STEP
            rise = scores_of_counts(counts + moved)[name] - scores_of_counts(counts - moved)[name]
            assert slopes[place] == pytest.approx(rise / (2 * STEP), abs=1e-9), (name, place)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_influence_of_a_row_is_how_much_the_score_moves_when_the_row_weighs_more(classes):
    truth, decided = decisions(classes)
    counts = class_counts(truth, decided, classes)
    heavier = class_counts(np.append(truth, truth[7]), np.append(decided, decided[7]), classes)

    for name, slopes in score_slopes(counts).items():
        influence = row_influence(slopes, truth, decided)
        rise = scores_of_counts(heavier)[name] - scores_of_counts(counts)[name]
        assert influence[7] / len(truth) == pytest.approx(rise, rel=0.03), name
        assert influence.mean() == pytest.approx(0.0, abs=1e-12)


def test_no_row_moves_a_ratio_with_nothing_below_the_line():
    truth = np.array([0, 0, 1, 1])
    never = np.zeros(4, dtype=np.int64)
    slopes = score_slopes(class_counts(truth, never, 2))

    for name in ("precision", "mcc"):
        assert not row_influence(slopes[name], truth, never).any()
    assert row_influence(slopes["accuracy"], truth, never).tolist() == [0.5, 0.5, -0.5, -0.5]
