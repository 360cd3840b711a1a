"""The table form of a network, with one that numpy runs and that is written by hand: no library of networks is needed."""

import subprocess
import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.preprocessing import StandardScaler

from golive.adapters.frameworks.networks import answers, ready_to_splice, table_form
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.network import network
from golive.errors import NotConvertibleError
from golive.inference.road import open_road
from golive.packaging.build import assemble

SAMPLE = pd.DataFrame({"a": [1.0, 2.0, 3.5, -4.0], "b": [10.0, 0.5, -3.0, 2.0]})
WEIGHTS = {
    1: np.float32([[0.5], [-1.0]]),
    2: np.float32([[0.5, 0.1], [-1.0, 2.0]]),
    3: np.float32([[1, 2, 3], [3, 2, -1]]),
}


class Dense:
    """A layer of numpy with an ONNX form; stands for what a library of networks does."""

    def __init__(self, outputs, shape=(2,)):
        self.weights = WEIGHTS[outputs]
        self.shape = shape

    def ask(self, rows):
        assert rows.shape[1:] == self.shape
        return rows.reshape(len(rows), -1) @ self.weights

    def write(self, rows, *, domain="", notes=""):
        nodes = [
            helper.make_node("Flatten", ["x"], ["flat"], doc_string=notes),
            helper.make_node("MatMul", ["flat", "w"], ["y"], domain=domain),
        ]
        graph = helper.make_graph(
            nodes,
            notes or "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, *self.shape])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, self.weights.shape[1]])],
            [numpy_helper.from_array(self.weights, "w")],
        )
        opsets = [helper.make_opsetid("", 21), *([helper.make_opsetid(domain, 1)] if domain else [])]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def converted(declared, sample=SAMPLE):
    layer = declared.module
    return table_form(declared, sample, target="t", reads="float32", ask=layer.ask, write=layer.write)


def served(declared, sample=SAMPLE):
    made = converted(declared, sample)
    road = open_road(assemble("net", made), made.graph, OnnxRuntime())
    return road.columns({name: sample[name].to_numpy() for name in sample.columns})


@pytest.mark.parametrize(
    ("outputs", "declaration"),
    [
        (1, {"gives": "values"}),
        (1, {"gives": "values", "scale": 50.0, "shift": -7.0}),
        (1, {"gives": "logits", "classes": ("no", "yes")}),
        (1, {"gives": "probabilities", "classes": ("no", "yes")}),
        (2, {"gives": "logits", "classes": (0, 1)}),
        (3, {"gives": "logits", "classes": "abc"}),
        (3, {"gives": "probabilities", "classes": "abc"}),
        (3, {"gives": "logits", "classes": "abc", "before": StandardScaler().fit(SAMPLE)}),
    ],
)
def test_a_graph_answers_as_its_network_does(outputs, declaration):
    declared = network(Dense(outputs), **declaration)
    expected = answers(declared, SAMPLE, reads="float32", ask=declared.module.ask)
    np.testing.assert_allclose(served(declared), expected, rtol=1e-6, atol=1e-7)
    assert expected.shape == (4, max(1, len(declared.classes)))


def test_one_logit_is_the_second_class():
    declared = network(Dense(1), gives="logits", classes=("no", "yes"))
    logit = SAMPLE["a"] * 0.5 - SAMPLE["b"]
    np.testing.assert_allclose(served(declared)[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-7)


def test_a_row_is_put_into_the_declared_shape():
    declared = network(Dense(3, shape=(1, 2)), gives="logits", classes="abc", shape=(1, 2))
    np.testing.assert_array_equal(served(declared), served(network(Dense(3), gives="logits", classes="abc")))


@pytest.mark.parametrize(
    ("classes", "dtype"), [(("a", "b"), "string"), ((0, 1), "int64"), ((False, True), "bool"), ((0.5, 1.5), "float64")]
)
def test_labels_come_back_in_the_type_they_were_declared_in(classes, dtype):
    assert converted(network(Dense(2), gives="logits", classes=classes)).signature.class_dtype == dtype


def test_a_scaled_value_is_proved_less_tightly_and_says_so():
    plain, scaled = (network(Dense(1), gives="values", scale=scale) for scale in (1.0, 9.0))
    assert converted(plain).tolerance == 1e-5
    assert converted(scaled).tolerance == 1e-3
    assert "allows a difference of 0.001" in converted(scaled).notes[0]


def test_a_row_outside_what_the_network_knows_is_one_that_it_cannot_answer():
    def out_of_range(rows):
        return rows[len(rows)]

    with pytest.raises(ValueError, match="out of bounds"):
        answers(network(object(), gives="values"), SAMPLE, reads="float32", ask=out_of_range)


def test_what_an_exporter_notes_of_its_machine_is_taken_out():
    model = ready_to_splice(Dense(2).write(SAMPLE, notes="/home/somebody/net.py"), network(Dense(2), gives="values"))
    assert not any(node.doc_string for node in model.graph.node)


def test_operators_that_are_not_of_onnx_are_refused():
    with pytest.raises(NotConvertibleError, match=r"Dense is written with operators of 'own\.ops'"):
        ready_to_splice(Dense(2).write(SAMPLE, domain="own.ops"), network(Dense(2), gives="values"))


def test_a_text_column_without_an_encoder_is_refused():
    with pytest.raises(NotConvertibleError, match="the column 'c' holds text; put a fitted encoder before it"):
        converted(network(Dense(1), gives="values"), SAMPLE.assign(c="x"))


def test_the_graph_keeps_single_precision_inside_and_double_outside():
    graph = onnx.load_from_string(converted(network(Dense(3), gives="logits", classes="abc")).graph).graph
    kinds = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]
    assert kinds == [TensorProto.DOUBLE, TensorProto.DOUBLE]
    assert [tensor.data_type for tensor in graph.initializer if tensor.dims == [2, 3]] == [TensorProto.FLOAT]


def test_another_librarys_model_does_not_bring_in_torch_or_keras():
    code = (
        "import sys; from sklearn.linear_model import LinearRegression\n"
        "from golive.control.packing.frameworks import framework_for\n"
        "assert framework_for(LinearRegression()).name == 'sklearn'\n"
        "assert not {'torch', 'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
