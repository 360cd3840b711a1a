"""Orders of groups agree with scikit-learn and with their definitions."""

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import average_precision_score, ndcg_score

from golive.statistics.ordering import average_precision_at, ndcg, pair_accuracy, reciprocal_rank


def queries(seed=3, count=40):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(count), rng.integers(2, 15, count)))
    relevance = rng.integers(0, 4, len(groups)).astype(float)
    return groups, relevance, np.round(relevance + rng.normal(0, 2, len(groups)), 1)


@pytest.mark.parametrize("top", [1, 3, 10])
def test_ndcg_agrees_with_scikit_learn_ties_included(top):
    groups, relevance, score = queries()
    found = ndcg(relevance, np.round(score), groups, top)
    for group in range(groups.max() + 1):
        rows = groups == group
        if relevance[rows].any():
            expected = ndcg_score(relevance[None, rows], np.round(score)[None, rows], k=top)
            assert found[group] == pytest.approx(expected, abs=1e-9)
        else:
            assert np.isnan(found[group])


def test_average_precision_without_ties_agrees_with_scikit_learn():
    groups, relevance, _ = queries()
    score = np.random.default_rng(1).permutation(len(groups)) * 1.0
    relevant = (relevance > 1).astype(float)
    found = average_precision_at(relevant, score, groups, 100)
    for group in range(groups.max() + 1):
        rows = groups == group
        if relevant[rows].any():
            assert found[group] == pytest.approx(average_precision_score(relevant[rows], score[rows]), abs=1e-9)


def test_the_reciprocal_rank_is_of_the_first_relevant_row_and_ties_count_against_it():
    groups = np.array([0, 0, 0, 1, 1, 2])
    relevant = np.array([0.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    found = reciprocal_rank(relevant, np.array([3.0, 2.0, 1.0, 5.0, 5.0, 1.0]), groups)
    assert found[:2].tolist() == [0.5, 0.5]
    assert np.isnan(found[2])


def test_pairs_in_order_are_kendalls_tau_over_pairs_that_differ():
    groups, relevance, _ = queries()
    score = np.random.default_rng(1).permutation(len(groups)) * 1.0
    found = pair_accuracy(relevance, score, groups, 0)
    rows = groups == 0
    distinct = np.arange(rows.sum()) * 1.0
    assert pair_accuracy(distinct, score[rows], groups[rows], 0)[0] == pytest.approx(
        (kendalltau(distinct, score[rows]).statistic + 1) / 2, abs=1e-9
    )
    assert (found[np.isfinite(found)] <= 1).all()
    assert pair_accuracy(relevance[rows], np.zeros(rows.sum()), groups[rows], 0)[0] == 0.5


def test_a_constant_answer_does_not_profit_from_the_order_of_the_rows():
    groups, relevance = np.zeros(6, dtype=np.int64), np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    same = np.ones(6)
    assert average_precision_at(relevance, same, groups, 6)[0] < 0.4
    assert reciprocal_rank(relevance, same, groups)[0] == 0.2
    assert ndcg(relevance, same, groups, 6)[0] == pytest.approx(ndcg_score(relevance[None], same[None]), abs=1e-9)


def test_a_large_group_is_sampled_and_the_same_every_time():
    rng = np.random.default_rng(0)
    relevance = rng.normal(size=3000)
    score = relevance + rng.normal(size=3000)
    groups = np.zeros(3000, dtype=np.int64)
    one, two = (pair_accuracy(relevance, score, groups, 5)[0] for _ in range(2))
    assert one == two
    assert one == pytest.approx(0.75, abs=0.04)
