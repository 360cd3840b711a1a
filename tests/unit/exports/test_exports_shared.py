"""What exports share: rows with their answers, the description of a row, and what is refused by name."""

import json
import math
from typing import get_type_hints

import numpy as np
import pytest
import tensor_models
from compiled import bundle_of
from onnx import TensorProto, helper, numpy_helper
from priced import INPUTS, graph, keep, road_of

from golive import plugins
from golive.adapters.exports.companions.described import described
from golive.adapters.exports.companions.parity import checked_rows, jsonable, parity_json
from golive.adapters.exports.companions.precision import DOUBLE, SINGLE, tolerance_of
from golive.adapters.exports.companions.refusing import check_carried, column_of
from golive.adapters.exports.companions.splits import split_values
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.cli.registry import export
from golive.domain.bundle import Manifest
from golive.domain.preparation import Combine, DateParts, Preparation, TextTerms, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import NotConvertibleError


def tensors(graph_bytes: bytes) -> Manifest:
    session = OnnxRuntime().open_tensors(graph_bytes, threads=1)
    signature = Signature(
        inputs=(), task="tensors", target="y", tensors=tuple(session.inputs), outputs=tuple(session.outputs)
    )
    return Manifest(name="m", signature=signature, preparation=Preparation())


def test_rows_carry_what_enters_the_graph_and_what_golive_answers(tmp_path):
    bundle, files = keep(tmp_path, task="classification")
    told = json.loads(parity_json(bundle, files))
    assert (told["task"], told["difference"], told["tolerance"]) == ("classification", "absolute", DOUBLE)
    rows = [[row[field.name] for field in INPUTS] for row in told["rows"]]
    road = road_of(bundle, files)
    numbers, codes = road.front.rows(rows)
    np.testing.assert_array_equal(jsonable(numbers), told["N"])
    np.testing.assert_array_equal(codes, told["C"])
    np.testing.assert_array_equal(
        road.columns(dict(zip(road.signature.names, zip(*rows, strict=True), strict=True))), told["P"]
    )
    assert set(told["labels"]) <= {"no", "yes"}


def test_rows_meet_missing_and_unseen_values_and_extremes(tmp_path):
    rows = checked_rows(*keep(tmp_path)).rows
    assert 100 < len(rows) <= 200
    assert {None, "a value never seen in training", "north", "20"} <= {row["hood"] for row in rows}
    assert {None, True, False} == {row["garden"] for row in rows}
    assert max(abs(row["area"]) for row in rows) == 1e15
    assert all(row["rooms"] is None or isinstance(row["rooms"], int | float) for row in rows)


def test_equal_bundles_give_equal_rows(tmp_path):
    bundle, files = keep(tmp_path)
    assert parity_json(bundle, files) == parity_json(bundle, files)


def test_json_has_no_nan_and_no_infinity():
    assert jsonable(np.array([[math.nan, math.inf], [-math.inf, -0.0]])) == [[None, "Infinity"], ["-Infinity", -0.0]]
    assert float("-Infinity") == -math.inf


def test_cases_of_tensors_are_zeros_and_random_of_one_and_several():
    graph_bytes = tensor_models.mlp()
    told = json.loads(parity_json(bundle_of(tensors(graph_bytes)), {"model.onnx": graph_bytes}))
    shapes = [case["inputs"]["x"]["shape"] for case in told["cases"]]
    assert shapes == [[1, 6], [1, 6], [3, 6]]
    assert told["cases"][0]["inputs"]["x"]["data"] == [0.0] * 6
    last = told["cases"][2]
    asked = np.array(last["inputs"]["x"]["data"], np.float32).reshape(3, 6)
    answer = OnnxRuntime().open_tensors(graph_bytes, threads=1).run({"x": asked})["scores"]
    np.testing.assert_array_equal(np.array(last["outputs"]["scores"]["data"], np.float32).reshape(3, 3), answer)


def test_cases_of_texts_and_of_images_of_any_size_run():
    for graph_bytes in (tensor_models.two(), tensor_models.image()):
        told = json.loads(parity_json(bundle_of(tensors(graph_bytes)), {"model.onnx": graph_bytes}))
        assert told["cases"]
        assert told["tolerance"] == 1e-4


def test_the_description_says_how_a_value_becomes_a_code(tmp_path):
    told = described(keep(tmp_path)[0])
    assert told["numbers"] == ["area", "rooms", "sold_year", "garden"]
    (hood,) = told["categories"]
    assert hood == {"column": "hood", "from": "text", "values": ["north", "20"], "unseen": 2, "missing": 3}
    assert told["steps"] == [{"type": "date_parts", "column": "sold", "parts": ("year",)}]


def test_the_description_knows_numbers_and_bools_that_are_categories():
    inputs = (Field(name="size", dtype="int64"), Field(name="new", dtype="bool"), Field(name="day", dtype="string"))
    names = ("size", "new", "day_weekday", "both")
    preparation = Preparation(
        steps=(DateParts(column="day", parts=("weekday",)), Combine("both", "sum", ("size", "new"))),
        categories=tuple(Vocabulary(name, ("1", "true")) for name in names),
    )
    manifest = Manifest(
        name="m", signature=Signature(inputs=inputs, task="regression", target="y"), preparation=preparation
    )
    assert [each["from"] for each in described(bundle_of(manifest))["categories"]] == [
        "number",
        "bool",
        "number",
        "number",
    ]


def manifest_with(*steps, **changed) -> Manifest:
    inputs = (Field(name="words", dtype="string"), Field(name="area", dtype="float64"))
    return Manifest(
        name="m",
        signature=Signature(inputs=inputs, task="regression", target="y"),
        preparation=Preparation(steps=steps),
        **changed,
    )


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (manifest_with(TextTerms(column="words", into=("w",))), "'words' goes through the declared step text_terms"),
        (manifest_with(runtime="isolated"), "holds Python code and no graph, so there is no C source of it"),
        (tensors(tensor_models.mlp()), "reads tensors, which C source does not carry; import it with --sample"),
    ],
)
def test_what_a_form_cannot_carry_is_refused_by_name(manifest, words):
    with pytest.raises(NotConvertibleError, match=words):
        check_carried(bundle_of(manifest), "C source", tensors=False)


def test_what_a_form_carries_passes():
    both = Combine("both", "sum", ("area", "area"))
    check_carried(bundle_of(manifest_with(both)), "it", tensors=False)
    check_carried(bundle_of(tensors(tensor_models.mlp())), "it", tensors=True)
    assert column_of(both) == "both"


def trees_of(nodes, numbers):
    """Give a graph whose nodes lead from N to x, and a tree of one split at 1.5 on each column of x."""
    attributes = {
        "n_targets": 1,
        "leaf_targetids": [0, 0],
        "leaf_weights": numpy_helper.from_array(np.array([1.0, 2.0])),
        "nodes_featureids": [0],
        "nodes_modes": numpy_helper.from_array(np.array([0], np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.array([1.5])),
        "nodes_trueleafs": [1],
        "nodes_truenodeids": [0],
        "nodes_falseleafs": [1],
        "nodes_falsenodeids": [1],
        "tree_roots": [0],
    }
    made = [*nodes, helper.make_node("TreeEnsemble", ["x"], ["P"], domain="ai.onnx.ml", **attributes)]
    constants = {"two": np.array([[2.0]]), "last": np.array([1]), "gap": np.array([[9.0]]), "wide": np.ones((1, 5))}
    return helper.make_model(
        helper.make_graph(
            made,
            "g",
            [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, numbers])],
            [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)],
    ).SerializeToString()


def node(kind, *names, **options):
    return helper.make_node(kind, list(names[:-1]), [names[-1]], **options)


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([node("Identity", "N", "x")], {"a": (1.5,)}),
        ([node("Gather", "N", "last", "x", axis=1)], {"b": (1.5,)}),
        ([node("Mul", "N", "two", "y"), node("Sub", "y", "two", "x")], {"a": (1.75,)}),
        ([node("Div", "N", "two", "y"), node("Add", "y", "two", "x")], {"a": (-1.0,)}),
        ([node("IsNaN", "N", "m"), node("Where", "m", "gap", "N", "x")], {"a": (1.5,)}),
        ([node("Concat", "N", "N", "x", axis=1)], {"a": (1.5,)}),
        ([node("Exp", "N", "x")], {}),
        ([node("Gather", "N", "last", "x", axis=0)], {}),
        ([node("Mul", "N", "wide", "x")], {}),
    ],
)
def test_the_splits_of_trees_are_followed_back_to_the_column(nodes, found):
    assert split_values(trees_of(nodes, 2), Preparation(numbers=("a", "b"))) == found


def test_a_graph_that_multiplies_in_float32_has_a_wider_tolerance():
    narrow = [node("Cast", "N", "y", to=TensorProto.FLOAT), node("Mul", "y", "y", "z")]
    wide = node("Cast", "z", "x", to=TensorProto.DOUBLE)
    assert tolerance_of(trees_of([*narrow, wide], 1)) == SINGLE
    rounded = [node("Cast", "N", "z", to=TensorProto.FLOAT), wide]
    assert tolerance_of(trees_of(rounded, 1)) == DOUBLE
    assert tolerance_of(graph(task="regression")) == DOUBLE


def test_the_help_of_the_command_names_every_kind():
    told = get_type_hints(export, include_extras=True)["to"].__metadata__[0].help
    assert set(plugins.names("exports")) <= set(told.removeprefix("One of: ").removesuffix(".").split(", "))
