"""Tensor proof: a graph that answers like its network passes, and each way to differ is found and named."""

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper
from tensor_models import graph_of, image, mixing, mlp, weights

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import NotConvertibleError, ParityError, UsageError
from golive.packaging.tensor_proof import axes_of, example_of, feeds_of, prove_tensors

ROWS = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)


def opened(graph):
    return OnnxRuntime().open_tensors(graph, threads=1)


def network(feeds):
    return {"scores": np.maximum(feeds["x"] @ weights(6, 8), 0) @ weights(8, 3)}


def proved(original, graph, sample, *, open_axes=None, tolerance=0.0):
    feeds = feeds_of(sample)
    return prove_tensors(original, opened(graph), feeds, axes_of(feeds, open_axes), tolerance=tolerance)


def test_a_graph_that_answers_like_its_network_passes():
    proof = proved(network, mlp(), {"x": ROWS})
    (measure,) = proof.measures
    assert measure.name == "parity.difference"
    assert measure.value < 1e-6
    assert (proof.rows, proof.details["unanswered_runs"]) == (9, 0)
    assert proof.details["runs"] > 10


def test_a_number_of_rows_written_into_the_graph_is_found():
    fixed = graph_of(
        [helper.make_node("MatMul", ["x", "W"], ["scores"])],
        [("x", T.FLOAT, [9, 6])],
        [("scores", T.FLOAT, [9, 3])],
        {"W": weights(6, 3)},
    )
    with pytest.raises(ParityError, match=r"does not answer 1 rows of the sample .* open_axes"):
        proved(lambda feeds: {"scores": feeds["x"] @ weights(6, 3)}, fixed, {"x": ROWS})


def test_another_value_is_told_with_its_place():
    with pytest.raises(ParityError, match=r"'scores' is .* away .* at \[\d+, 2\] the network gives"):
        proved(lambda feeds: {"scores": network(feeds)["scores"] + np.float32([0, 0, 1])}, mlp(), {"x": ROWS})


def test_a_greater_tolerance_lets_a_small_difference_pass():
    near = {"scores": 1 + 1e-4}
    with pytest.raises(ParityError):
        proved(lambda feeds: {"scores": network(feeds)["scores"] * np.float32(near["scores"])}, mlp(), {"x": ROWS})
    proof = proved(
        lambda feeds: {"scores": network(feeds)["scores"] * np.float32(near["scores"])},
        mlp(),
        {"x": ROWS},
        tolerance=1e-3,
    )
    assert 1e-5 < proof.measures[0].value < 1e-3


def test_another_type_or_name_of_an_output_is_found():
    with pytest.raises(ParityError, match=r"'scores' as float64 \[9, 3\], the graph float32"):
        proved(lambda feeds: {"scores": network(feeds)["scores"].astype(float)}, mlp(), {"x": ROWS})
    with pytest.raises(ParityError, match=r"'probabilities' as float32 .* the graph nothing"):
        proved(lambda feeds: {"probabilities": network(feeds)["scores"]}, mlp(), {"x": ROWS})


def test_a_graph_that_mixes_its_rows_is_compared_in_the_same_company():
    proof = proved(lambda feeds: {"y": feeds["x"] - feeds["x"].mean(0)}, mixing(), {"x": ROWS[:, :4]})
    assert proof.measures[0].value < 1e-5


def test_images_of_other_sizes_are_tried_where_their_axes_are_open():
    asked = set()

    def original(feeds):
        asked.add(feeds["image"].shape)
        return {"color": feeds["image"].astype(np.float32).mean(axis=(1, 2))}

    pictures = np.random.default_rng(2).integers(0, 255, (4, 8, 6, 3), dtype=np.uint8)
    proof = proved(original, image(), {"image": pictures}, open_axes={"image": (0, 1, 2)})
    assert {(2, 17, 6, 3), (2, 8, 13, 3), (7, 8, 6, 3)} <= asked
    assert proof.details["open_axes"] == {"image": [0, 1, 2]}


def test_what_the_network_itself_cannot_answer_is_counted():
    def original(feeds):
        if abs(feeds["x"]).max() > 50:
            raise ValueError
        return network(feeds)

    assert proved(original, mlp(), {"x": ROWS}).details["unanswered_runs"] == 4


def test_a_sample_that_the_network_does_not_answer_is_refused():
    def original(feeds):
        message = "index out of range"
        raise ValueError(message)

    with pytest.raises(NotConvertibleError, match="does not answer its sample \\(index out of range\\)"):
        proved(original, mlp(), {"x": ROWS})


def test_one_array_alone_is_called_input():
    assert list(feeds_of(ROWS)) == ["input"]


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ({}, "no arrays"),
        ({"x": np.array(["a"])}, "'x' is <U1, and a network reads numbers"),
        ({"x": np.zeros((0, 3))}, r"the shape \[0, 3\] and no values"),
    ],
)
def test_a_sample_that_no_network_reads_is_refused(sample, told):
    with pytest.raises(UsageError, match=told):
        feeds_of(sample)


def test_first_axes_that_are_as_long_as_the_first_one_are_open_unless_declared():
    feeds = feeds_of({"x": np.zeros((4, 3)), "y": np.zeros((4,)), "state": np.zeros((1, 4, 2)), "scale": np.float32(2)})
    assert axes_of(feeds, None) == {"x": (0,), "y": (0,), "state": (), "scale": ()}
    declared = axes_of(feeds, {"state": (1,), "x": (0, 1)})
    assert declared == {"x": (0, 1), "y": (0,), "state": (1,), "scale": ()}


@pytest.mark.parametrize("declared", [{"z": (0,)}, {"x": (2,)}, {"x": (-1,)}])
def test_an_axis_that_is_not_there_is_refused(declared):
    with pytest.raises(
        UsageError, match=r"open_axes names the axes .* and the sample has x float64 \[4, 3\]|has x \[4, 3\]"
    ):
        axes_of(feeds_of({"x": np.zeros((4, 3))}), declared)


def test_an_example_has_two_rows_and_no_open_axis_of_one():
    feeds = feeds_of({"x": np.ones((1, 1, 5)), "state": np.ones((3, 1))})
    example = example_of(feeds, {"x": (0, 1), "state": (1,)})
    assert {name: array.shape for name, array in example.items()} == {"x": (2, 2, 5), "state": (3, 2)}
