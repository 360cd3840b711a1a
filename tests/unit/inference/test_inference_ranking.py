"""Ranking: the most probable labels, the best first."""

import numpy as np
import pytest

from golive.domain.signature import Signature
from golive.inference.labels import labels_of
from golive.inference.ranking import ranking_columns, ranking_of


def signature(top_k, classes=("1", "2", "3"), dtype="int64"):
    return Signature(inputs=(), task="classification", target="y", classes=classes, class_dtype=dtype, top_k=top_k)


def test_a_model_that_is_not_asked_for_it_ranks_nothing():
    assert ranking_of(signature(0)) is None
    assert ranking_columns(0) == ()


def test_the_best_come_first_and_of_equals_the_first():
    ranked = ranking_of(signature(2))(np.array([[0.2, 0.5, 0.3], [0.25, 0.25, 0.5], [0.4, 0.4, 0.2]]))
    assert ranked.labels == [[2, 3], [3, 1], [1, 2]]
    assert ranked.probabilities.tolist() == [[0.5, 0.3], [0.5, 0.25], [0.4, 0.4]]
    assert ranked.pairs()[0] == [{"label": 2, "probability": 0.5}, {"label": 3, "probability": 0.3}]


def test_what_is_no_number_comes_last():
    assert ranking_of(signature(3))(np.array([[np.nan, 0.1, 0.9]])).labels == [[3, 2, 1]]


def test_no_rows_give_no_ranks():
    ranked = ranking_of(signature(2))(np.empty((0, 3)))
    assert (ranked.labels, ranked.probabilities.shape, ranked.pairs()) == ([], (0, 2), [])


def test_in_tables_every_rank_has_two_columns():
    assert ranking_columns(2) == ("top_1", "top_1_probability", "top_2", "top_2_probability")


@pytest.mark.parametrize(
    ("classes", "dtype", "labels"),
    [
        (("0", "1.0"), "int64", (0, 1)),
        (("0.5", "2"), "float64", (0.5, 2.0)),
        (("False", "True"), "bool", (False, True)),
        (("a", "b"), "string", ("a", "b")),
    ],
)
def test_labels_come_in_the_type_of_the_signature(classes, dtype, labels):
    found = labels_of(signature(0, classes, dtype))
    assert found == labels
    assert [type(one) for one in found] == [type(one) for one in labels]
