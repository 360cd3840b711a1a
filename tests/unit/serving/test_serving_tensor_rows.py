"""Tensors as rows: what batches do with them, what is proved of a model, what is asked of a request."""

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper
from tensor_models import MODELS, graph_of, road_of

from golive.domain.signature import Signature, Tensor
from golive.errors import GoliveError, InvalidRowError, RequestError, TooLargeError, VerificationError
from golive.serving.tensorial.entrance import Entrance, TensorLimits
from golive.serving.tensorial.examples import tensors_of
from golive.serving.tensorial.json_arrays import JsonReader, array_json, rows_json
from golive.serving.tensorial.proof import follows_rows
from golive.serving.tensorial.tensor_road import TensorRoad, open_tensor_road
from golive.serving.tensorial.tensor_rows import TensorRows
from golive.serving.tensorial.trial import trial_of


def rows(*numbers):
    return TensorRows({"x": np.array(numbers), "t": np.array([str(n) for n in numbers], dtype=object)}, len(numbers))


def listed(given):
    return {name: array.tolist() for name, array in given.arrays.items()}


def test_parts_that_are_joined_and_sliced_are_what_they_were():
    joined = np.concatenate([rows(1, 2), rows(3), rows(4, 5)])
    assert (len(joined), listed(joined[2:4])) == (5, {"x": [3, 4], "t": ["3", "4"]})
    assert len(joined[2:99]) == 3
    assert listed(joined[np.array([4, 0])]) == {"x": [5, 1], "t": ["5", "1"]}


def test_slices_are_written_to_their_place():
    whole = np.empty_like(rows(1), shape=(3, *rows(1).shape[1:]))
    whole[0:1], whole[1:3] = rows(7), rows(8, 9)
    assert listed(whole) == {"x": [7, 8, 9], "t": ["7", "8", "9"]}


def test_rows_of_other_shapes_are_told_apart():
    wide = TensorRows({"x": np.zeros((2, 3))}, 2)
    assert wide.shape == (2, ("x", np.dtype(float), (3,)))
    assert wide.shape[1:] != TensorRows({"x": np.zeros((2, 4))}, 2).shape[1:]
    assert wide.shape[1:] == TensorRows({"x": np.zeros((9, 3))}, 9).shape[1:]


def test_other_functions_of_numpy_are_refused():
    with pytest.raises(TypeError):
        np.stack([rows(1), rows(2)])


FOUND = {
    "mlp": "",
    "two": "",
    "image": "",
    "lookup": "",
    "sideways": "the output 'y' has the shape [4, 1] for one row",
    "mixing": "its outputs were alike for all rows that were tried, which proves nothing",
    "scalar": "the first axis of 'x' is not open",
}


@pytest.mark.parametrize("name", FOUND)
def test_requests_run_together_only_where_the_first_axes_are_rows(name):
    road = road_of(name)
    proof = follows_rows(road.whole, road.signature, rows=8)
    assert proof.reason == (f"the model is not batched: {FOUND[name]}" if FOUND[name] else "")
    assert proof.follows == (not FOUND[name])


def test_a_model_that_looks_at_the_company_of_a_row_is_found_out():
    nodes = [
        helper.make_node("ReduceMax", ["x", "axes"], ["m"], keepdims=1),
        helper.make_node("Mul", ["x", "small"], ["s"]),
        helper.make_node("Add", ["s", "m"], ["y"]),
    ]
    constants = {"axes": np.array([0]), "small": np.array([0.5], np.float32)}
    graph = graph_of(nodes, [("x", T.FLOAT, ["n", 4])], [("y", T.FLOAT, ["n", 4])], constants)
    road = road_of("company", graph)
    proof = follows_rows(road.whole, road.signature, rows=8)
    assert proof.reason == "the model is not batched: the output 'y' of a row depends on the rows beside it"


def test_weights_rounded_by_the_whole_batch_are_found_out():
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    road = road_of("rounded", graph_of(nodes, [("x", T.FLOAT, ["n", 4])], [("y", T.FLOAT, ["n", 4])]))
    assert not follows_rows(road.whole, road.signature, rows=8).follows


def test_a_table_of_few_entries_is_tried_with_entries_that_it_has():
    road = road_of("lookup")
    with pytest.raises(RequestError):
        road.whole(tensors_of(road.signature, "varied", rows=4, length=8))
    assert trial_of(road).proof.follows


def test_a_model_that_runs_on_nothing_made_up_is_served_unproved():
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    road = road_of(
        "wanting",
        graph_of(nodes, [("x", T.FLOAT, ["n"])], [("y", T.FLOAT, ["n", 97])], {"shape": np.array([-1, 97])}),
    )
    trial = trial_of(road)
    assert (trial.example, trial.place, trial.proof.follows) == (None, "thread", False)


@pytest.mark.parametrize("name", ["mixing", "lookup", "image"])
def test_a_model_that_one_request_may_keep_busy_for_long_keeps_out_of_the_event_loop(name):
    assert trial_of(road_of(name)).place == "thread"


@pytest.mark.parametrize("name", ["mlp", "scalar"])
def test_a_small_model_of_a_known_size_runs_in_the_event_loop(name):
    assert trial_of(road_of(name)).place != "thread"


def test_an_output_without_a_row_for_each_is_an_error_of_the_model():
    road = road_of("sideways")
    with pytest.raises(GoliveError, match=r"the output 'y' of the shape \[4, 2\] for 2 rows"):
        road.rows(TensorRows({"x": np.zeros((2, 4), np.float32)}, 2))


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"name": "z"}, r"the signature has the inputs \['z'\], and the graph \['x'\]"),
        ({"dtype": "float64"}, r"the signature has the input x FP64 \[-1, 6\], and the graph x FP32"),
        ({"shape": (None, 7)}, r"the signature has the input x FP32 \[-1, 7\], and the graph x FP32 \[-1, 6\]"),
    ],
)
def test_a_graph_that_is_not_what_the_signature_says_is_not_opened(change, trouble):
    road = road_of("mlp")
    tensor = Tensor(**{"name": "x", "dtype": "float32", "shape": (None, 6), **change})
    signature = Signature(inputs=(), task="tensors", target="", tensors=(tensor,), outputs=road.signature.outputs)
    manifest = type(road.manifest)(name="mlp", signature=signature, preparation=road.manifest.preparation)

    class Same:
        def open_tensors(self, graph, *, threads):
            return road.session

    with pytest.raises(VerificationError, match=trouble):
        open_tensor_road(manifest, b"", Same())


def test_a_signature_may_bind_an_axis_that_the_graph_leaves_open():
    road = road_of("image")
    tensor = Tensor(name="image", dtype="uint8", shape=(None, 8, 8, 3))
    signature = Signature(inputs=(), task="tensors", target="", tensors=(tensor,), outputs=road.signature.outputs)
    manifest = type(road.manifest)(name="image", signature=signature, preparation=road.manifest.preparation)

    class Same:
        def open_tensors(self, graph, *, threads):
            return road.session

    assert isinstance(open_tensor_road(manifest, MODELS["image"](), Same()), TensorRoad)


SIGNATURE = Signature(
    inputs=(),
    task="tensors",
    target="",
    tensors=(
        Tensor(name="x", dtype="float32", shape=(None, 2)),
        Tensor(name="n", dtype="uint8", shape=(None,)),
    ),
    outputs=(Tensor(name="y", dtype="float32", shape=(None,)),),
)


def entrance(*, has_rows=True, elements=100):
    return Entrance(SIGNATURE, TensorLimits(elements=elements), has_rows=has_rows)


def admitted(*, has_rows=True, elements=100, **changes):
    arrays = {"x": np.zeros((2, 2), np.float32), "n": np.zeros(2, np.uint8), **changes}
    given = {name: array for name, array in arrays.items() if array is not None}
    return entrance(has_rows=has_rows, elements=elements).admit(given)


def test_what_fits_the_signature_enters_with_its_rows_counted():
    assert len(admitted()) == 2
    assert len(admitted(has_rows=False)) == 1
    assert len(admitted(n=np.zeros(5, np.uint8), has_rows=False)) == 1


def test_bytes_that_lie_askew_are_put_straight():
    raw = np.frombuffer(b"\0" + np.ones((2, 2), "<f4").tobytes(), dtype=np.uint8)[1:].view("<f4").reshape(2, 2)
    entered = admitted(x=raw).arrays["x"]
    assert entered.flags.aligned
    assert entered.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("given", "kind", "trouble"),
    [
        ({"n": None}, RequestError, "the tensor 'n' is missing; the inputs are: x FP32 [-1, 2], n UINT8 [-1]"),
        ({"x": np.zeros((2, 3))}, RequestError, "tensor 'x' wants shape [-1, 2], got [2, 3]"),
        ({"x": np.zeros(2)}, RequestError, "tensor 'x' wants shape [-1, 2], got [2]"),
        ({"n": np.zeros(3, np.uint8)}, RequestError, "must have one length, got {'x': 2, 'n': 3}"),
        ({"x": np.zeros((0, 2)), "n": np.zeros(0)}, RequestError, "the request holds no rows"),
        ({"elements": 5}, TooLargeError, "the tensors hold 6 values, and the limit is 5"),
    ],
)
def test_what_does_not_fit_is_told_with_its_name(given, kind, trouble):
    with pytest.raises(kind) as caught:
        admitted(**given)
    assert trouble in caught.value.message


@pytest.mark.parametrize(
    ("name", "datatype", "shape", "trouble"),
    [
        (
            "xx",
            "FP32",
            [1, 2],
            "there is no tensor 'xx'; did you mean 'x'? the inputs are: x FP32 [-1, 2], n UINT8 [-1]",
        ),
        ("x", "FP64", [1, 2], "tensor 'x' wants datatype FP32, got 'FP64'"),
        ("x", "FP32", [1, 2, 1], "tensor 'x' wants shape [-1, 2], got [1, 2, 1]"),
        ("x", "FP32", [-1, 2], "is not one of a real tensor"),
        ("x", "FP32", [2**62, 2], "and the limit is 100"),
    ],
)
def test_what_is_announced_wrongly_is_refused_before_its_values_are_read(name, datatype, shape, trouble):
    with pytest.raises(RequestError) as caught:
        entrance().announced(name, datatype, shape)
    assert trouble in caught.value.message


def read(text, dtype, depth=1):
    return JsonReader(Tensor(name="x", dtype=dtype, shape=(None,) * depth)).text(text.encode(), depth, "$.x")


@pytest.mark.parametrize(
    ("text", "dtype", "wanted"),
    [
        ("[1, 2.5, null]", "float32", [1.0, 2.5, None]),
        ("[1e-3, 65504]", "float16", [0.001, 65504.0]),
        ("[0, 255]", "uint8", [0, 255]),
        ("[18446744073709551615]", "uint64", [2**64 - 1]),
        ("[-9223372036854775808]", "int64", [-(2**63)]),
        ("[true, false]", "bool", [True, False]),
        ('["a", "\u00fc", ""]', "string", ["a", "ü", ""]),
    ],
)
def test_json_becomes_an_array_of_the_tensors_type(text, dtype, wanted):
    array = read(text, dtype)
    assert array.dtype == (object if dtype == "string" else dtype)
    found = [None if value != value else value for value in array.tolist()]
    assert found == (pytest.approx(wanted, rel=1e-3) if dtype == "float16" else wanted)


@pytest.mark.parametrize(
    ("text", "dtype", "field"),
    [
        ("[1, 256]", "uint8", "$.x"),
        ("[-1]", "uint64", "$.x"),
        ("[9223372036854775808]", "int64", "$.x"),
        ("[1, 2.5]", "int32", "$.x[1]"),
        ("[true]", "int32", "$.x[0]"),
        ("[null]", "int32", "$.x[0]"),
        ("[1]", "bool", "$.x[0]"),
        ("[1e39]", "float32", "$.x"),
        ("[70000]", "float16", "$.x"),
        ("[1]", "string", "$.x[0]"),
        ('["1"]', "float64", "$.x[0]"),
        ("1", "float64", "$.x"),
    ],
)
def test_json_that_is_none_of_the_tensors_type_is_refused_with_its_place(text, dtype, field):
    with pytest.raises(InvalidRowError) as caught:
        read(text, dtype)
    assert caught.value.field == field
    assert "'x'" in caught.value.message


@pytest.mark.parametrize("dtype", ["float32", "int64", "string"])
def test_lists_of_different_lengths_are_refused(dtype):
    text = '[["a"], ["a", "b"]]' if dtype == "string" else "[[1], [1, 2]]"
    with pytest.raises(RequestError, match="differ in length"):
        read(text, dtype, depth=2)


def test_an_empty_axis_is_a_shape_like_others():
    assert read("[[], []]", "float32", depth=2).shape == (2, 0)


def test_arrays_are_written_as_they_are_nested():
    assert array_json(np.array(2.5, np.float32)) == b"2.5"
    assert array_json(np.array([[1, np.nan], [np.inf, 0.1]], np.float32)) == b"[[1.0,null],[null,0.1]]"
    assert array_json(np.array([["a"], ["ü"]], dtype=object)) == '[["a"],["ü"]]'.encode()
    turned = np.arange(6, dtype=np.uint8).reshape(2, 3).T
    assert array_json(turned) == b"[[0,3],[1,4],[2,5]]"


def test_rows_are_written_by_name():
    arrays = {
        "a": np.array([0.1, np.nan], np.float32),
        "b": np.array([[1, 2], [3, 4]], np.int8),
        "c": np.array(["x", "y"], dtype=object),
        "d": np.array([True, False]),
        "e": np.array([0.5, 2], np.float16),
    }
    assert rows_json(arrays) == (
        b'[{"a":0.1,"b":[1,2],"c":"x","d":true,"e":0.5},{"a":null,"b":[3,4],"c":"y","d":false,"e":2.0}]'
    )
