"""The sklearn framework, found by its entry point, keeps what the port promises."""

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from golive import plugins
from golive.errors import NotConvertibleError
from golive.ports import Framework


@pytest.fixture
def framework() -> Framework:
    return plugins.load("frameworks", "sklearn")


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])


def test_sklearn_is_found_and_recognizes_its_own_models(framework, rows):
    assert framework.name == "sklearn"
    assert framework.recognizes(LinearRegression())
    assert not framework.recognizes("a text")
    assert not framework.recognizes(rows)


def test_the_graph_has_the_agreed_inputs_output_and_versions(framework, rows):
    model = LogisticRegression().fit(rows, rows["a"] > 0)
    converted = framework.convert(model, rows, target="positive")
    graph = onnx.load_from_string(converted.graph)
    onnx.checker.check_model(graph)
    assert [(entry.name, entry.type.tensor_type.elem_type) for entry in graph.graph.input] == [("N", 11)]
    assert [(entry.name, entry.type.tensor_type.elem_type) for entry in graph.graph.output] == [("P", 11)]
    assert graph.ir_version == 10
    assert {entry.domain: entry.version for entry in graph.opset_import} == {"": 21, "ai.onnx.ml": 5}


def test_signature_and_preparation_name_the_same_columns(framework, rows):
    converted = framework.convert(LinearRegression().fit(rows, rows["a"]), rows, target="a_again")
    assert converted.signature.names == converted.preparation.numbers == ("a", "b", "c")
    assert converted.signature.target == "a_again"
    assert converted.signature.task == "regression"
    assert converted.preparation.steps == ()


def test_the_original_answers_in_two_axes(framework, rows):
    value = framework.predict(LinearRegression().fit(rows, rows["a"]), rows)
    shares = framework.predict(LogisticRegression().fit(rows, rows["a"] > 0), rows)
    assert (value.shape, value.dtype) == ((60, 1), np.float64)
    assert (shares.shape, shares.dtype) == ((60, 2), np.float64)


def test_several_targets_are_refused(framework, rows):
    model = LinearRegression().fit(rows, rows[["a", "b"]])
    with pytest.raises(NotConvertibleError, match="LinearRegression predicts 2 targets"):
        framework.convert(model, rows, target="y")
