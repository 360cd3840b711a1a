"""What the exports to other frameworks share, and the recipe for TensorRT, which needs ONNX Runtime alone."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
import tensor_models
from compiled import bundle_of
from onnx import TensorProto, helper
from priced import keep

from golive.adapters.exports.frameworks import form_check, tensorrt_check
from golive.adapters.exports.frameworks.forms import cases_of, inputs_text, prove, renamed, words_of
from golive.adapters.exports.frameworks.order import Order, Told, arrays_of, sent
from golive.adapters.exports.frameworks.tensorrt import TensorrtExport, in_float32
from golive.errors import NotConvertibleError, ParityError, UsageError


@pytest.fixture
def sold(tmp_path):
    return keep(tmp_path / "store", task="classification")


def tensors(name, graph):
    manifest = tensor_models.manifest_of(name, graph)
    return bundle_of(manifest), {manifest.graph: graph}


def test_cases_are_all_rows_together_and_the_first_one_alone(sold):
    asked = cases_of(*sold)
    assert [one.name for one in asked.inputs] == ["N", "C"]
    assert len(asked.feeds) == 2
    assert asked.feeds[1]["N"].shape == (1, 4)
    assert (asked.wanted[1]["P"] == asked.wanted[0]["P"][:1]).all()
    assert prove("torch", sold[0], asked, asked.wanted) == 0.0


def test_a_form_in_float32_is_asked_numbers_that_float32_has(sold):
    asked = cases_of(*sold, is_narrow=True)
    numbers = asked.feeds[0]["N"]
    assert numbers.dtype == np.float32
    assert asked.parity["dtype"] == "float32"
    assert asked.tolerance == 1e-5
    assert not {"rows", "labels"} & set(asked.parity)


def test_another_answer_is_refused_with_its_row(sold):
    asked = cases_of(*sold)
    wrong = [{"P": wanted["P"].copy()} for wanted in asked.wanted]
    wrong[0]["P"][3] += 0.25
    with pytest.raises(ParityError, match=r"'priced' as torch gives .* for row 3 of its parity rows where golive"):
        prove("torch", sold[0], asked, wrong)
    with pytest.raises(ParityError, match=r"gives the shape \[\d+, 1\] where golive gives"):
        prove("torch", sold[0], asked, [{"P": wanted["P"][:, :1]} for wanted in asked.wanted])


def test_another_decision_is_refused_unless_it_was_a_tie(sold):
    asked = cases_of(*sold)
    asked.parity["tolerance"] = 2.0
    flipped = [{"P": wanted["P"][:, ::-1]} for wanted in asked.wanted]
    prove("torch", sold[0], asked, flipped)
    asked.parity["tolerance"] = 0.3
    near = [{"P": np.clip(wanted["P"] + (0.25, -0.25), 0, 1)} for wanted in asked.wanted]
    crossed = (asked.wanted[0]["P"][:, 1] > 0.5) != (near[0]["P"][:, 1] > 0.5)
    assert crossed.any()
    prove("torch", sold[0], asked, near)


def test_names_that_are_no_words_become_words_everywhere():
    assert words_of(["serving_default_x:0", "0/a", "a", "::"]) == {
        "serving_default_x:0": "serving_default_x_0",
        "0/a": "a",
        "a": "a_",
        "::": "tensor",
    }
    graph = tensor_models.mlp()
    asked = cases_of(*tensors("mlp", graph))
    name = asked.inputs[0].name
    other = renamed(asked, {name: "other"})
    assert "other" in other.feeds[0]
    assert all("other" in case["inputs"] and name not in case["inputs"] for case in other.parity["cases"])
    assert renamed(asked, {name: name}) is asked


def test_what_is_sent_to_another_environment_comes_back_the_same():
    arrays = {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": np.array(np.nan)}
    back = arrays_of(sent(arrays))
    assert (back["a"] == arrays["a"]).all()
    assert back["b"].shape == ()
    assert Order(form="x", inputs=(), names={}, feeds=(sent(arrays),)).feeds[0]["a"].dtype == "int8"
    assert Told().refused == ""


def test_the_readme_says_what_goes_in_and_out(sold):
    text = inputs_text(sold[0], is_narrow=True)
    assert "reads `N`, float32 `[rows, 4]`" in text
    assert "gives `P`, float32 `[rows, 2]`: no, yes" in text
    assert "the declared `steps` that come first" in text
    assert "- reads `image`: uint8" in inputs_text(tensors("image", tensor_models.image())[0])


def test_the_check_beside_a_model_finds_the_worst_place(sold):
    asked = cases_of(*sold)
    right = iter(asked.wanted)
    assert form_check.compared(asked.parity, lambda _: next(right))[0] == 0.0
    wrong = iter([{"P": wanted["P"] + (0.0, number)} for number, wanted in enumerate(asked.wanted)])
    greatest, text = form_check.compared(asked.parity, lambda _: next(wrong))
    assert greatest == pytest.approx(1.0)
    assert "; 'P' of case 1, value 1: [" in text


def test_differences_are_infinite_where_shapes_or_missing_values_differ():
    assert form_check.differences(np.zeros(2), np.zeros(3)).tolist() == [np.inf]
    assert form_check.differences(np.array([np.nan, 1.0]), np.array([np.nan, np.nan])).tolist() == [0.0, np.inf]


def test_the_recipe_has_the_graph_in_float32_and_the_shapes_of_the_signature(tmp_path, sold):
    bundle, files = sold
    TensorrtExport().write(bundle, files, tmp_path, {"lengths": "1,16,64"})
    model = onnx.load(tmp_path / "model.onnx")
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    assert kinds == {"N": TensorProto.FLOAT, "C": TensorProto.INT64, "P": TensorProto.FLOAT}
    assert not [one for one in model.graph.initializer if one.data_type == TensorProto.DOUBLE]
    build = (tmp_path / "build.sh").read_text()
    assert "--minShapes=N:1x4,C:1x1 \\\n  --optShapes=N:16x4,C:16x1 \\\n  --maxShapes=N:64x4,C:64x1" in build
    assert tensorrt_check.longest(build) == 64
    readme = (tmp_path / "README.md").read_text()
    assert "No engine is in this folder, and none was tried" in readme
    assert "take 1 to 64 and are fastest at 16" in readme


def test_the_check_of_a_recipe_says_that_the_engine_is_to_be_built_first(tmp_path, sold):
    TensorrtExport().write(*sold, tmp_path, {})
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "check.py")], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "run build.sh first, on a machine with a GPU" in done.stdout


@pytest.mark.parametrize("lengths", ["3", "3,2,1", "0,1,2", "a,b,c"])
def test_lengths_that_do_not_rise_are_refused(tmp_path, sold, lengths):
    with pytest.raises(UsageError, match="is not three rising whole numbers; write lengths=1,8,256"):
        TensorrtExport().write(*sold, tmp_path, {"lengths": lengths})


def test_a_model_of_tensors_has_a_recipe_and_fixed_shapes_need_no_lengths(tmp_path):
    TensorrtExport().write(*tensors("image", tensor_models.image()), tmp_path, {})
    assert (tmp_path / "build.sh").exists()
    assert tensorrt_check.longest("trtexec --onnx=model.onnx") > 1 << 20


def trees():
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[0], nodes_nodeids=[0], nodes_modes=["LEAF"], nodes_featureids=[0], nodes_values=[0.0],
        nodes_truenodeids=[0], nodes_falsenodeids=[0], target_treeids=[0], target_nodeids=[0], target_ids=[0],
        target_weights=[1.0],
    )  # fmt: skip
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("x", "y")]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    graph = helper.make_graph([node], "trees", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def test_operators_that_tensorrt_does_not_read_are_named_before_anything_is_written(tmp_path):
    with pytest.raises(NotConvertibleError, match=r"no operators ai\.onnx\.ml\.TreeEnsembleRegressor; trees .* onnx"):
        TensorrtExport().write(*tensors("trees", trees()), tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_constants_inside_nodes_and_casts_are_narrowed_too():
    nodes = [
        helper.make_node("Constant", [], ["k"], value=helper.make_tensor("k", TensorProto.DOUBLE, [1], [0.1])),
        helper.make_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["d", "k"], ["y"]),
    ]
    values = [helper.make_tensor_value_info("x", TensorProto.INT64, [1])]
    graph = helper.make_graph(nodes, "g", values, [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [1])])
    narrow = onnx.load_model_from_string(
        in_float32(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]))
    )
    assert narrow.graph.node[0].attribute[0].t.data_type == TensorProto.FLOAT
    assert narrow.graph.node[1].attribute[0].i == TensorProto.FLOAT
