"""CatBoost without the library: hashes, and trees from the JSON that it writes."""

import numpy as np
import pytest

from golive.adapters.frameworks.catboost import CatboostFramework
from golive.adapters.frameworks.catboost_hash import category_hash, city_hash, combined
from golive.adapters.frameworks.catboost_trees import Split, splits_of, trees_of, with_values

LONG = "dCCPlupVq日ZuRzOwq日qEHQENSWvAgUYTbbt日onNJjlgFHvAMxwxEDtUxcAbcGunJQGQiAzéjzRQtjimjM日mzNUIHa日WgrEAPspkjPQVécxxtVq日Yeauh"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 797982799),
        ("O", 47654806),
        ("30", -2140459198),
        ("sBsZ", -1310082850),
        ("日aTnxVk", -1514107410),
        ("freelance", 1987504336),
        ("efRWijc日fS日IRz日T", -734647514),
        ("t日DdZéZAmJOf日UiazRAuanaTWaé", 771950900),
        ("w日KiKTruébzEHicfKwxaemThQIEcu日buziWOrAQjMjztGdkiiETPTWUcUéHcé", 353196336),
        (LONG, 1332818352),
    ],
)
def test_a_category_has_the_number_that_catboost_gives_it(text, number):
    assert category_hash(text) == number


def test_every_byte_of_a_text_counts():
    for size in (3, 4, 8, 9, 16, 17, 32, 33, 64, 65, 128, 200):
        data = bytes(range(size))
        changed = {city_hash(data[:place] + b"\xff" + data[place + 1 :]) for place in range(size)}
        assert len(changed - {city_hash(data)}) == size


def test_a_combination_depends_on_the_order_of_its_parts():
    one, two = np.asarray([1], np.uint64), np.asarray([2], np.uint64)
    assert combined([one, two]) != combined([two, one])
    assert combined([np.arange(3, dtype=np.uint64)[:, None], two[None, :]]).shape == (3, 1)


MODEL = {
    "features_info": {
        "float_features": [
            {"borders": [0.1, 2.5], "nan_value_treatment": "AsTrue"},
            {"borders": None, "nan_value_treatment": "AsIs"},
        ],
        "categorical_features": [{"values": [7, 9]}, {}],
        "ctrs": [{"borders": [1.5]}],
    },
    "scale_and_bias": [1, [0]],
}


def test_questions_are_numbered_as_catboost_numbers_them():
    assert splits_of(MODEL) == (
        Split(0, border=float(np.float32(0.1)), missing_right=True),
        Split(0, border=2.5, missing_right=True),
        Split(2, value=1),
        Split(2, value=2),
        Split(3, border=1.5),
    )


def answered(tree, row):
    """Follow a tree as the graph does: a set's members and what is at most the border go left."""
    node = 0
    while not tree.leaf[node]:
        value = row[tree.feature[node]]
        yes = value in tree.sets[node] if node in tree.sets else value <= tree.threshold[node]
        node = tree.left[node] if yes else tree.right[node]
    return tree.value[node]


def test_the_first_question_of_a_symmetric_tree_is_the_lowest_bit_of_a_leaf_s_number():
    told = MODEL | {
        "oblivious_trees": [{"splits": [{"split_index": 1}, {"split_index": 3}], "leaf_values": [0.5, 1.5, 2.5, 3.5]}]
    }
    [(tree, values)] = trees_of(told, splits_of(told))
    tree = with_values(tree, values[:, 0])
    rows = [(2.5, 0, 0, 0), (2.6, 0, 1, 0), (2.5, 0, 2, 0), (2.6, 0, 2, 0)]
    assert [answered(tree, row) for row in rows] == [0.5, 1.5, 2.5, 3.5]


def test_a_tree_of_one_leaf_and_a_nested_tree_keep_their_values():
    single = MODEL | {"oblivious_trees": [{"splits": None, "leaf_values": [4.0]}]}
    [(tree, values)] = trees_of(single, splits_of(single))
    assert answered(with_values(tree, values[:, 0]), ()) == 4.0
    leaf = {"left": {"value": 1.0}, "right": {"value": 2.0}, "split": {"split_index": 2}}
    nested = MODEL | {"trees": [{"left": leaf, "right": {"value": 3.0}, "split": {"split_index": 4}}]}
    [(tree, values)] = trees_of(nested, splits_of(nested))
    tree = with_values(tree, values[:, 0])
    assert [answered(tree, (0, 0, kind, above)) for kind, above in ((0, 1), (1, 1), (1, 2))] == [1.0, 2.0, 3.0]


def test_a_model_is_recognized_by_its_class_and_module_only():
    stranger = type("CatBoost", (), {})
    assert not CatboostFramework().recognizes(stranger())
    known = type("CatBoost", (), {"__module__": "catboost.core"})
    assert CatboostFramework().recognizes(type("CatBoostClassifier", (known,), {"__module__": "catboost.core"})())
