"""ONNX files by anyone: opened in a sandbox first, and refused there with a sentence."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.formats.onnx import OnnxFormat, checked
from golive.adapters.formats.onnx_child import Sent, check
from golive.errors import DataError, NotConvertibleError
from golive.packaging.onnx_file import tensor_signature


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, constants=(), *, opset=17, **more):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)


def scaled(constant=None):
    weights = numpy_helper.from_array(np.ones((4, 1), np.float32), "w") if constant is None else constant
    return model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [None, 4])], [value("y", [None, 1])], [weights]
    )


def outside(location, *, length=16):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 1], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", location), ("offset", "0"), ("length", str(length))):
        tensor.external_data.append(onnx.StringStringEntryProto(key=key, value=text))
    return scaled(tensor)


def looked_at(made, folder=""):
    return check(Sent(made if isinstance(made, bytes) else made.SerializeToString(), str(folder)))


def test_a_file_is_opened_in_a_process_of_its_own_and_says_what_it_reads_and_gives(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(model([helper.make_node("Neg", ["x"], ["y"])], [value("x", [None, 3])], [value("y", None)]), path)
    file = OnnxFormat().read(path)
    assert file.content == path.read_bytes()
    signature = tensor_signature(file)
    assert [(one.name, one.dtype, one.shape) for one in signature.tensors] == [("x", "float32", (None, 3))]
    assert [(one.name, one.dtype, len(one.shape)) for one in signature.outputs] == [("y", "float32", 2)]


@pytest.mark.parametrize(
    "content", [b"", b"no model at all", bytes(range(256)) * 20, scaled().SerializeToString()[:-7]]
)
def test_bytes_that_are_no_whole_model_are_refused(content):
    with pytest.raises(DataError, match=r"hold no graph|no ONNX file, or one that was cut short|cannot open it"):
        looked_at(content)


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "", "absent.bin", "link.bin"])
def test_data_outside_the_folder_is_refused(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(DataError, match="which is not a file in the model's own folder"):
        looked_at(outside(location), folder)


def test_data_outside_the_file_is_refused_where_there_is_no_folder():
    with pytest.raises(DataError, match=r"the tensor 'w' stands in another file \('w.bin'\)"):
        looked_at(outside("w.bin"))


def test_data_beside_the_file_is_put_into_the_graph(tmp_path):
    (tmp_path / "w.bin").write_bytes(np.full((4, 1), 2, np.float32).tobytes())
    facts = looked_at(outside("w.bin"), tmp_path)
    [tensor] = onnx.load_model_from_string(facts.content).graph.initializer
    assert numpy_helper.to_array(tensor).tolist() == [[2.0]] * 4
    assert facts.notes == ("1 tensors that stood in other files were put into the graph",)


def test_a_file_beside_it_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(8))
    with pytest.raises((DataError, ValueError, RuntimeError, OSError)):
        looked_at(outside("w.bin"), tmp_path)
    (tmp_path / "m.onnx").write_bytes(outside("w.bin").SerializeToString())
    with pytest.raises(DataError, match=r"m.onnx"):
        OnnxFormat().read(tmp_path / "m.onnx")


def test_a_tensor_that_declares_more_than_it_holds_is_refused():
    lying = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 20, 1 << 20], raw_data=bytes(16))
    with pytest.raises(DataError, match=r"declares the shape \[1048576, 1048576\] but holds 16 bytes"):
        looked_at(scaled(lying))


def test_a_huge_declared_shape_is_refused():
    made = model([helper.make_node("Neg", ["x"], ["y"])], [value("x", [1 << 20, 1 << 20])], [value("y", None)])
    with pytest.raises(DataError, match="export the model with smaller or open axes"):
        looked_at(made)


def test_a_graph_that_fills_memory_is_refused():
    shape = numpy_helper.from_array(np.array([1 << 40]), "s")
    nodes = [helper.make_node("ConstantOfShape", ["s"], ["big"]), helper.make_node("Add", ["x", "big"], ["y"])]
    made = model(nodes, [value("x", [None])], [value("y", [None])], [shape])
    with pytest.raises(DataError, match=r"huge.onnx cannot be imported: it does not run in the memory there is"):
        checked(made.SerializeToString(), "huge.onnx")


def test_a_newer_opset_and_unknown_operators_are_named():
    with pytest.raises(DataError, match="written for opset 99"):
        looked_at(model([helper.make_node("Neg", ["x"], ["y"])], [value("x", [1])], [value("y", [1])], opset=99))
    strange = helper.make_node("Magic", ["x"], ["y"], domain="com.stranger")
    with pytest.raises(DataError, match=r"operators of 'com.stranger', which need a library of their own"):
        looked_at(model([strange], [value("x", [1])], [value("y", [1])]))
    with pytest.raises(DataError, match=r"ONNX Runtime .* cannot open it"):
        looked_at(model([helper.make_node("NoSuchOperator", ["x"], ["y"])], [value("x", [1])], [value("y", [1])]))


def test_graphs_too_deep_inside_each_other_are_refused():
    inner = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [], [value("y", [1])])
    for _ in range(20):
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=helper.make_graph([], "e", [], []))
        inner = helper.make_graph([node], "g", [], [value("y", [1])])
    made = model(list(inner.node), [value("x", [1]), value("c", [], TensorProto.BOOL)], [value("y", [1])])
    with pytest.raises(DataError, match="deep inside each other"):
        looked_at(made)


def test_a_function_that_calls_itself_is_refused():
    calls = [helper.make_node("again", ["a"], ["b"], domain="own")]
    function = helper.make_function("own", "again", ["a"], ["b"], calls, [helper.make_opsetid("own", 1)])
    made = model([helper.make_node("again", ["x"], ["y"], domain="own")], [value("x", [1])], [value("y", [1])])
    made.functions.append(function)
    made.opset_import.append(helper.make_opsetid("own", 1))
    with pytest.raises(DataError, match="'own:again' calls itself"):
        looked_at(made)


def test_a_loop_without_an_end_is_ended():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["a"], ["b"])],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("a", [1])],
        [value("on", [], TensorProto.BOOL), value("b", [1])],
    )
    yes = numpy_helper.from_array(np.array(True), "yes")
    made = model(
        [helper.make_node("Loop", ["", "yes", "x"], ["y"], body=body)], [value("x", [1])], [value("y", [1])], [yes]
    )
    with pytest.raises(
        DataError, match=r"loop.onnx was opened in a process of its own, which took longer than 2 seconds"
    ):
        checked(made.SerializeToString(), "loop.onnx", limit_s=2.0)


def test_an_output_of_another_rank_than_it_declares_is_refused():
    made = model([helper.make_node("Neg", ["x"], ["y"])], [value("x", [None, 3])], [value("y", [None])])
    with pytest.raises(DataError, match=r"declared as \[\?\] but comes as \[1, 3\]"):
        looked_at(made)


def test_an_output_of_another_length_than_it_declares_is_told():
    made = model([helper.make_node("Neg", ["x"], ["y"])], [value("x", [None, 3])], [value("y", [None, 4])])
    assert looked_at(made).notes == ("the file declares 'y' as [?, 4], but it comes as [1, 3]",)


def test_a_graph_that_cannot_be_tried_with_zeros_says_so():
    shape = numpy_helper.from_array(np.array([-1, 11]), "s")
    nodes = [helper.make_node("Reshape", ["x", "s"], ["y"])]
    facts = looked_at(model(nodes, [value("x", [None, 3])], [value("y", [None, 11])], [shape]))
    assert "could not be tried with made-up zeros" in facts.notes[0]


def test_outputs_that_are_no_tensors_are_named():
    nodes = [helper.make_node("SequenceConstruct", ["x"], ["y"])]
    sequence = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    file = checked(model(nodes, [value("x", [3])], [sequence]).SerializeToString(), "sequence.onnx")
    with pytest.raises(NotConvertibleError, match=r"the output 'y' is seq\(tensor\(float\)\)"):
        tensor_signature(file)
