"""Rows set apart for the test, and folds inside the training part."""

import numpy as np
import pytest

from golive.errors import DataError
from golive.training.folds import folds_of
from golive.training.recipe import Features, Recipe, Split, Validation
from golive.training.split import split_rows


def recipe(method="random", task="regression", validation="kfold", folds=5, **split):
    return Recipe(
        target="y",
        task=task,
        features=Features(numbers=("x",)),
        split=Split(method=method, **split),
        validation=Validation(method=validation, folds=folds),
    )


LABELS = np.array(["a"] * 80 + ["b"] * 20, dtype=object)
NUMBERS = np.arange(100.0)


def test_a_random_split_has_the_asked_share_and_no_row_twice():
    train, test = split_rows(recipe(test=0.25), NUMBERS, None)
    assert len(test) == 25
    assert sorted([*train, *test]) == list(range(100))


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    first, again, other = (split_rows(recipe(seed=seed), NUMBERS, None)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_a_stratified_split_keeps_the_shares_of_classes():
    train, test = split_rows(recipe("stratified", "classification"), LABELS, None)
    assert (LABELS[test] == "b").sum() == 4
    assert (LABELS[train] == "b").sum() == 16


def test_a_time_split_tests_on_the_latest_rows_and_orders_the_others():
    order = np.array([f"2014-01-{day:02d}" for day in (5, 3, 1, 4, 2)], dtype=object)
    train, test = split_rows(recipe("time", column="when"), NUMBERS[:5], order)
    assert (train.tolist(), test.tolist()) == ([2, 4, 1, 3], [0])


def test_rows_of_one_moment_are_on_one_side():
    train, test = split_rows(recipe("time", column="when"), NUMBERS[:6], np.array([1, 1, 2, 2, 2, 2]))
    assert (train.tolist(), test.tolist()) == ([0, 1], [2, 3, 4, 5])


def test_no_group_is_on_both_sides():
    groups = np.repeat([f"g{n}" for n in range(10)], 10).astype(object)
    train, test = split_rows(recipe("group", column="who"), NUMBERS, groups)
    assert set(groups[train]).isdisjoint(groups[test])
    assert len(set(groups[test])) == 2


@pytest.mark.parametrize(
    ("plan", "target", "order", "match"),
    [
        (
            recipe("stratified", "classification"),
            np.array(["a"] * 9 + ["b"], dtype=object),
            None,
            "'b' .* one row each",
        ),
        (recipe("stratified"), NUMBERS, None, "the task is regression"),
        (recipe("stratified", "classification"), np.array(list("aabbcc"), dtype=object), None, "cannot hold all 3"),
        (recipe("time", column="when"), NUMBERS[:3], np.array([1, 1, 1]), "too few different values"),
        (
            recipe("time", column="when"),
            NUMBERS[:3],
            np.array(["1/2", "3/4", "x"], dtype=object),
            "cannot be read in 3",
        ),
        (recipe("time", column="when"), NUMBERS[:3], np.array([1.0, np.nan, 2.0]), "cannot be read in 1"),
        (recipe("time"), NUMBERS[:3], None, "needs split.column"),
        (recipe("group", column="who"), NUMBERS[:3], np.array(["a"] * 3, dtype=object), "one group only"),
        (recipe("group", column="who"), NUMBERS[:2], np.array(["a", None], dtype=object), "missing in 1 rows"),
        (recipe(), NUMBERS[:1], None, "1 row is left"),
        (recipe(task="classification", test=0.5), np.array(list("aaaabc"), dtype=object), None, "in test rows only"),
    ],
)
def test_a_split_that_is_impossible_is_refused_in_a_sentence(plan, target, order, match):
    with pytest.raises(DataError, match=match):
        split_rows(plan, target, order)


@pytest.mark.parametrize("method", ["kfold", "leave_one_out"])
def test_every_row_is_scored_once(method):
    folds = folds_of(recipe(validation=method, folds=4), NUMBERS, None)
    assert len(folds) == (4 if method == "kfold" else 100)
    assert sorted(np.concatenate([scored for _, scored in folds])) == list(range(100))
    assert all(set(fit).isdisjoint(scored) for fit, scored in folds)


def test_stratified_folds_all_have_every_class():
    folds = folds_of(recipe(task="classification", validation="stratified"), LABELS, None)
    assert [(LABELS[scored] == "b").sum() for _, scored in folds] == [4] * 5


def test_time_folds_are_fitted_on_the_past_only():
    order = np.arange(100.0)[::-1]
    folds = folds_of(recipe("time", validation="time", column="when"), NUMBERS, order)
    assert all(order[fit].max() < order[scored].min() for fit, scored in folds)


def test_group_folds_keep_groups_whole():
    groups = np.repeat([f"g{n}" for n in range(10)], 10).astype(object)
    folds = folds_of(recipe("group", validation="group", column="who"), NUMBERS, groups)
    assert all(set(groups[fit]).isdisjoint(groups[scored]) for fit, scored in folds)


@pytest.mark.parametrize(
    ("plan", "rows", "match"),
    [
        (recipe(folds=5), 5, "5 training rows are too few for 5 folds"),
        (recipe(validation="stratified"), 100, "the task is regression"),
        (recipe(validation="group"), 100, "needs the groups of the split"),
        (recipe(validation="leave_one_out"), 2, "too few to leave one out"),
        (recipe(validation="leave_one_out"), 5001, "would fit 5,001 models"),
    ],
)
def test_folds_that_are_impossible_are_refused_in_a_sentence(plan, rows, match):
    with pytest.raises(DataError, match=match):
        folds_of(plan, np.arange(float(rows)), None)


def test_a_class_with_fewer_members_than_folds_is_named():
    target = np.array(["a"] * 20 + ["b"] * 3, dtype=object)
    with pytest.raises(DataError, match=r"class 'b' .* 3 training rows"):
        folds_of(recipe(task="classification", validation="stratified"), target, None)


def test_too_few_groups_for_the_folds_are_refused():
    groups = np.array(["a", "b"] * 50, dtype=object)
    with pytest.raises(DataError, match="2 groups, too few for 5 folds"):
        folds_of(recipe("group", validation="group", column="who"), NUMBERS, groups)
