"""ONNX graphs by anyone behind the table form: casts around them, the graph's own answers, or a named refusal."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from golive.adapters.formats.onnx_child import Sent, check
from golive.adapters.frameworks.onnx_model import OnnxFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import NotConvertibleError
from golive.inference.road import open_road
from golive.packaging.build import assemble
from golive.packaging.onnx_file import OnnxFile

CELLS = np.random.default_rng(0).normal(size=(40, 4))
ROWS = pd.DataFrame(CELLS, columns=["a", "b", "c", "d"])
FLOAT, INT64, TEXT = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, cells, kind=np.float32):
    return numpy_helper.from_array(np.asarray(cells, kind), name)


def file_of(content, **more):
    facts = check(Sent(content))
    return OnnxFile(content=content, inputs=facts.inputs, outputs=facts.outputs, **more)


def graph_of(nodes, inputs, outputs, constants=(), *, opset=17, ml=3, **more):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml)]
    return file_of(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString(), **more)


def product(width, *after, output=None, rows=None, **more):
    """A matrix product of ``x`` into ``y``, and what stands after it."""
    weights = constant("w", np.linspace(-1, 1, 4 * width).reshape(4, width))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["raw" if after else "N"]), *after]
    shape = [rows, width] if output is None else output
    return graph_of(nodes, [value("x", [rows, 4])], [value("N", shape)], [weights], **more)


def both(file, frame, target="t"):
    """Give the converted model, its answers on the road, and the file's own."""
    framework = OnnxFramework()
    converted = framework.convert(file, frame, target=target)
    road = open_road(assemble("m", converted), converted.graph, OnnxRuntime())
    names = list(frame.columns)
    return converted, road.columns({name: frame[name].to_numpy() for name in names}), framework.predict(file, frame)


def refused(file, frame=ROWS):
    with pytest.raises(NotConvertibleError) as caught:
        OnnxFramework().convert(file, frame, target="t")
    return caught.value.message


def test_one_input_of_floats_takes_the_columns_in_their_order():
    converted, ours, theirs = both(product(1), ROWS)
    assert converted.signature.task == "regression"
    assert converted.signature.names == ("a", "b", "c", "d")
    assert np.array_equal(ours, theirs)
    assert np.allclose(theirs[:, 0], CELLS @ np.linspace(-1, 1, 4), atol=1e-6)


def test_an_answer_without_a_second_axis_becomes_one_column():
    flat = helper.make_node("Squeeze", ["raw", "axis"], ["N"])
    weights = constant("w", np.ones((4, 1)))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["raw"]), flat]
    file = graph_of(nodes, [value("x", [None, 4])], [value("N", [None])], [weights, constant("axis", [1], np.int64)])
    _, ours, theirs = both(file, ROWS)
    assert ours.shape == (40, 1)
    assert np.array_equal(ours, theirs)


def test_a_picture_can_stand_as_columns():
    weights = constant("w", np.ones((4, 1)))
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    file = graph_of(nodes, [value("x", [None, 1, 2, 2])], [value("y", [None, 1])], [weights])
    _, ours, theirs = both(file, ROWS)
    assert np.array_equal(ours, theirs)


def test_a_fixed_number_of_rows_is_opened_where_the_graph_allows_it():
    _, ours, theirs = both(product(1, rows=7), ROWS)
    assert np.array_equal(ours, theirs)


def test_a_fixed_number_of_rows_inside_the_graph_is_refused():
    stiff = helper.make_node("Reshape", ["raw", "s"], ["N"])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["raw"]), stiff]
    constants = [constant("w", np.ones((4, 1))), constant("s", [5], np.int64)]
    file = graph_of(nodes, [value("x", [5, 4])], [value("N", [5])], constants)
    assert "cannot be reshaped" in refused(file)
    assert "export it with an open first axis" in refused(file)


def test_a_graph_that_mixes_rows_is_refused():
    mean = helper.make_node("ReduceMean", ["raw"], ["m"], axes=[0], keepdims=1)
    file = product(1, mean, helper.make_node("Sub", ["raw", "m"], ["N"]))
    assert "the answer of a row depends on the rows beside it (row 0 alone: 0" in refused(file)


def test_probabilities_take_the_sample_s_answers_for_names_and_say_so():
    file = product(3, helper.make_node("Softmax", ["raw"], ["N"], axis=1), answers=("x", "y", "z"))
    converted, ours, theirs = both(file, ROWS)
    assert converted.signature.classes == ("x", "y", "z")
    assert converted.notes == (
        "the graph does not name its classes: they are taken in the order of the sample's answers (x, y, z)",
    )
    assert np.array_equal(ours, theirs)


def test_a_sigmoid_with_two_known_answers_is_the_second_one_s_probability():
    file = product(1, helper.make_node("Sigmoid", ["raw"], ["N"]), answers=("no", "yes"))
    converted, ours, theirs = both(file, ROWS)
    assert converted.signature.classes == ("no", "yes")
    assert np.array_equal(ours, theirs)
    assert np.allclose(ours.sum(axis=1), 1)
    assert both(product(1, helper.make_node("Sigmoid", ["raw"], ["N"])), ROWS)[0].signature.task == "regression"


def test_numbers_that_are_no_probabilities_are_refused():
    assert "that are no probabilities" in refused(product(3, answers=("x", "y", "z")))
    assert "3 probabilities without names" in refused(product(3, helper.make_node("Softmax", ["raw"], ["N"])))


def labeled(labels, **more):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["p"], axis=1),
        helper.make_node("ArgMax", ["p"], ["best"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["best"], ["label"], domain="ai.onnx.ml", keys_int64s=[0, 1, 2], values_strings=labels
        ),
        helper.make_node("ZipMap", ["p"], ["maps"], domain="ai.onnx.ml", classlabels_strings=["n", "m", "k"]),
    ]
    maps = helper.make_map_type_proto(TEXT, helper.make_tensor_type_proto(FLOAT, []))
    outputs = [value("label", [None], TEXT), helper.make_value_info("maps", helper.make_sequence_type_proto(maps))]
    return graph_of(
        nodes, [value("x", [None, 4])], outputs, [constant("w", np.linspace(-1, 1, 12).reshape(4, 3))], **more
    )


def test_maps_are_cut_off_and_name_the_classes_in_the_order_of_the_graph():
    converted, ours, theirs = both(labeled(["n", "m", "k"]), ROWS)
    assert converted.signature.classes == ("n", "m", "k")
    assert np.array_equal(ours, theirs)
    assert not [
        node
        for node in onnx.load_model_from_string(converted.graph).graph.node
        if node.op_type in {"ZipMap", "LabelEncoder"}
    ]


def test_a_label_that_contradicts_the_names_is_refused():
    assert "the graph's own label of a row is" in refused(labeled(["k", "m", "n"]))


def test_several_outputs_and_labels_alone_are_named():
    two = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Abs", ["x"], ["z"])]
    file = graph_of(two, [value("x", [None, 4])], [value("y", [None, 4]), value("z", [None, 4])])
    assert "the graph gives 'y' (tensor(float)), 'z' (tensor(float))" in refused(file)
    only = graph_of(
        [helper.make_node("ArgMax", ["x"], ["y"], axis=1)], [value("x", [None, 4])], [value("y", [None, 1], INT64)]
    )
    assert "export the classifier with its probabilities" in refused(only)


def test_a_sample_of_another_width_is_refused_with_both_widths():
    assert "reads [4] a row, and the sample has 3 columns for it" in refused(product(1), ROWS[["a", "b", "c"]])


def test_text_where_the_graph_reads_numbers_is_refused():
    assert "the column 'b' of the sample holds text, but the graph reads float32 there" in refused(
        product(1), ROWS.assign(b="x")
    )


def mixed():
    """Columns by name: a float, an integer of 8 bits, and a text looked up in a table."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["town"],
            ["code"],
            domain="ai.onnx.ml",
            keys_strings=["ulm", "bonn"],
            values_floats=[10.0, 20.0],
            default_float=-1.0,
        ),
        helper.make_node("Cast", ["rooms"], ["many"], to=FLOAT),
        helper.make_node("Sum", ["area", "code", "many"], ["y"]),
    ]
    inputs = [value("area", [None, 1]), value("town", [None, 1], TEXT), value("rooms", [None, 1], TensorProto.INT8)]
    return graph_of(nodes, inputs, [value("y", [None, 1])])


def test_columns_find_the_inputs_of_their_names_and_texts_their_tables():
    frame = pd.DataFrame({"Town": ["ulm", "bonn", "rom", None], "rooms": [1.0, 2, 3, 4], "AREA": [1.5, 2.5, np.nan, 1]})
    converted = OnnxFramework().convert(mixed(), frame, target="price")
    road = open_road(assemble("m", converted), converted.graph, OnnxRuntime())
    fields = {field.name: field for field in converted.signature.inputs}
    assert fields["Town"].categories == ("bonn", "rom", "ulm")
    assert not fields["Town"].nullable
    assert (fields["rooms"].dtype, fields["AREA"].nullable) == ("int64", True)
    names = [field.name for field in converted.signature.inputs]
    row = {"Town": "ulm", "rooms": 3, "AREA": 1.5}
    assert road.rows([[row[name] for name in names]]).tolist() == [[14.5]]
    row["Town"] = "a town that nobody knows"
    assert road.rows([[row[name] for name in names]]).tolist() == [[3.5]]
    row["rooms"] = 300
    with pytest.raises(Exception, match="rooms"):
        road.rows([[row[name] for name in names]])


def test_fractions_where_the_graph_reads_integers_are_refused():
    frame = pd.DataFrame({"town": ["ulm"], "rooms": [1.5], "area": [1.0]})
    assert "the column 'rooms' of the sample holds fractions, but the graph reads int8" in refused(mixed(), frame)


def test_a_column_that_the_graph_reads_and_the_sample_lacks_is_named():
    assert "the graph reads 'area', which is no column of the sample" in refused(mixed(), ROWS)


def test_a_graph_that_looks_inside_texts_is_refused():
    node = helper.make_node("StringNormalizer", ["a"], ["y"], is_case_sensitive=1, stopwords=["the"])
    length = helper.make_node(
        "LabelEncoder", ["y"], ["z"], domain="ai.onnx.ml", keys_strings=["k"], values_floats=[1.0]
    )
    file = graph_of([node, length], [value("a", [None], TEXT)], [value("z", [None])])
    assert "read by StringNormalizer, which may look inside it" in refused(file, pd.DataFrame({"a": ["k", "K"]}))


def test_pipelines_that_skl2onnx_wrote_answer_as_their_files_do():
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx comes with the extra convert")
    types = pytest.importorskip("skl2onnx.common.data_types")
    rows, species = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[species]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows.to_numpy(), names)
    content = skl2onnx.to_onnx(pipeline, rows.to_numpy()[:1].astype(np.float32), target_opset=17).SerializeToString()
    converted, ours, theirs = both(file_of(content), rows)
    assert converted.signature.classes == ("setosa", "versicolor", "virginica")
    assert np.array_equal(ours, theirs)
    frame = pd.DataFrame({"age": np.arange(60.0), "city": [*"abc"] * 20})
    priced = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), (StandardScaler(), ["age"]))
    model = make_pipeline(priced, Ridge()).fit(frame, np.arange(60.0))
    kinds = [("age", types.FloatTensorType([None, 1])), ("city", types.StringTensorType([None, 1]))]
    content = skl2onnx.convert_sklearn(model, initial_types=kinds, target_opset=17).SerializeToString()
    _, ours, theirs = both(file_of(content), frame)
    assert np.array_equal(ours, theirs)


def test_a_graph_of_2018_with_maps_and_a_fixed_batch_of_three_answers_as_a_table():
    content = (Path(onnxruntime.__file__).parent / "datasets" / "logreg_iris.onnx").read_bytes()
    rows = load_iris(as_frame=True).frame.iloc[:, :2]
    converted, ours, theirs = both(file_of(content), rows)
    assert converted.signature.classes == ("0", "1", "2")
    assert converted.signature.class_dtype == "int64"
    assert np.array_equal(ours, theirs)
    assert len(ours) == 150
