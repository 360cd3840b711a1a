"""Which models may be batched."""

import re

import numpy as np
import pytest

from golive.serving.batching.proof import follows_rows

NUMBERS = np.random.default_rng(7).normal(size=(5, 3))
CODES = np.array([[0], [1], [2], [1], [0]])


def proof(run, numbers=NUMBERS, codes=CODES):
    return follows_rows(run, numbers, codes)


def test_a_model_of_each_row_may_be_batched():
    found = proof(lambda numbers, codes: np.hstack([numbers * 2, codes]))
    assert (found.follows, found.is_exact, found.reason) == (True, True, "")


def test_a_difference_in_the_last_bits_is_allowed_and_said():
    found = proof(lambda numbers, codes: numbers * (1 + 1e-14 * len(numbers)))
    assert (found.follows, found.is_exact) == (True, False)


def test_missing_outputs_are_compared_too():
    assert proof(lambda numbers, codes: np.where(numbers > 0, np.nan, numbers)).follows


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        pytest.param(lambda n, c: n - n.mean(axis=0), "the rows beside it", id="centered over the batch"),
        pytest.param(lambda n, c: n.argsort(axis=0).astype(float), "the rows beside it", id="ranked in the batch"),
        pytest.param(lambda n, c: np.cumsum(n, axis=0), "the rows beside it", id="summed down the batch"),
        pytest.param(lambda n, c: np.sort(n, axis=0), "the rows beside it", id="put in another order"),
        pytest.param(lambda n, c: n.sum(axis=1)[None, :], "for 16 rows", id="one row of many outputs"),
        pytest.param(lambda n, c: n.T, r"shape \[3, 1\] for one row", id="the other axis"),
        pytest.param(lambda n, c: n.sum(axis=1), r"shape \[1\] for one row", id="one axis only"),
        pytest.param(lambda n, c: n[:, :1] if n[0, 0] > 0 else n, "not the same for every row", id="widths that vary"),
        pytest.param(lambda n, c: n[:4], "for 16 rows", id="four rows at most"),
    ],
)
def test_a_model_that_does_not_follow_its_rows_is_not_batched(run, reason):
    found = proof(run)
    assert not found.follows
    assert found.reason.startswith("the model is not batched: ")
    assert re.search(reason, found.reason)


def test_a_graph_for_one_row_a_run_is_not_batched():
    def run(numbers, codes):
        if len(numbers) > 1:
            raise ValueError
        return numbers

    assert "it fails on 16 rows at once (ValueError)" in proof(run).reason


def test_what_a_model_raises_on_one_row_is_raised():
    def run(numbers, codes):
        raise KeyError

    with pytest.raises(KeyError):
        proof(run)


def test_one_example_is_enough_to_find_a_mixture():
    assert not proof(lambda n, c: n / np.abs(n).sum(axis=0), NUMBERS[:1], CODES[:1]).follows


def test_a_model_of_categories_alone_may_be_batched():
    assert proof(lambda n, c: c * 1.0, np.zeros((5, 0))).follows
    assert not proof(lambda n, c: (c - c.min()) * 1.0, np.zeros((5, 0))).follows
