"""Rows to learn from: the real ones, and others made of them."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.optimizers.lessons import image_of, lesson
from golive.domain.preparation import Preparation, Vocabulary
from golive.errors import NotConvertibleError
from golive.ports import Subject


def graph_of(nodes, columns, constants, codes=0):
    tables = {"N": (TensorProto.DOUBLE, columns), "C": (TensorProto.INT64, codes)}
    graph = helper.make_graph(
        [*nodes, helper.make_node("ReduceSum", ["x", "over"], ["P"], keepdims=1)],
        "graph",
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, (kind, width) in tables.items() if width],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, None)],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


def subject_of_graph(graph, numbers, codes=None):
    codes = np.zeros((len(numbers), 0), np.int64) if codes is None else codes
    entries = tuple(Vocabulary(column=f"c{place}", values=("a", "b", "c")) for place in range(codes.shape[1]))
    return Subject(
        graph=graph,
        preparation=Preparation(numbers=tuple(f"x{place}" for place in range(numbers.shape[1])), categories=entries),
        task="regression",
        numbers=numbers,
        codes=codes,
        answers=np.zeros((len(numbers), 1)),
        seed=3,
    )


def images(shape):
    """Give a subject over images that each have one bright pixel in the middle."""
    nodes = [
        helper.make_node("Div", ["N", "scale"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "shape"], ["x"]),
    ]
    graph = graph_of(nodes, int(np.prod(shape)), {"scale": 16.0, "shape": [-1, *shape], "over": [1, 2, 3]})
    picture = np.zeros((30, *shape))
    picture[(slice(None), *(length // 2 for length in shape))] = np.arange(1.0, 31.0)
    return subject_of_graph(graph, picture.reshape(30, -1))


@pytest.mark.parametrize("shape", [(1, 6, 6), (6, 6, 1), (3, 6, 8)])
def test_made_images_are_real_ones_moved_by_a_pixel(shape):
    subject = images(shape)
    assert image_of(subject) == shape
    taught = lesson(subject, 200)
    assert taught.numbers.shape == (200, np.prod(shape))
    assert set(map(tuple, taught.numbers[:30])) == set(map(tuple, subject.numbers))
    height, width = (0, 1) if shape[-1] < shape[0] else (1, 2)
    places = np.argwhere(taught.numbers.reshape(200, *shape) > 0)
    assert len(places) == 200, "each still has its one pixel"
    moves = places[:, 1:] - [length // 2 for length in shape]
    assert set(moves[:, height]) == set(moves[:, width]) == {-1, 0, 1}
    np.testing.assert_allclose(taught.answers.reshape(-1), taught.numbers.sum(axis=1) / 16)


def test_made_rows_of_a_table_have_cells_of_another_row():
    numbers = np.arange(40.0)[:, None] + np.array([[0.0, 100.0, 200.0]])
    codes = np.arange(80).reshape(40, 2) % 3
    graph = graph_of([helper.make_node("Identity", ["N"], ["x"])], 3, {"over": [1]}, codes=2)
    subject = subject_of_graph(graph, numbers, codes)
    assert image_of(subject) is None
    taught = lesson(subject, 500)
    made = taught.numbers[40:] - [0, 100, 200]
    assert np.isin(made, np.arange(40)).all(), "each cell stays in its column"
    mixed = (made != made[:, :1]).any(axis=1).mean()
    assert 0.3 < mixed < 0.8
    assert taught.codes.shape == (500, 2)
    assert set(taught.codes.reshape(-1)) == {0, 1, 2}


def test_there_are_no_more_rows_than_asked_for():
    taught = lesson(images((1, 6, 6)), 12)
    assert len(taught.numbers) == len(taught.codes) == len(taught.answers) == 12


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Reshape", ["N", "shape"], ["flat"]), helper.make_node("Identity", ["flat"], ["x"])],
        [helper.make_node("Relu", ["N"], ["r"]), helper.make_node("Reshape", ["r", "shape"], ["x"])],
    ],
    ids=["a table stays a table", "other operators come first"],
)
def test_numbers_that_are_no_image_are_not_moved(nodes):
    subject = subject_of_graph(graph_of(nodes, 4, {"shape": [-1, 4], "over": [1]}), np.ones((5, 4)))
    assert image_of(subject) is None


def test_a_bundle_that_gives_no_number_teaches_nothing():
    graph = graph_of([helper.make_node("Log", ["N"], ["x"])], 2, {"over": [1]})
    with pytest.raises(NotConvertibleError, match="gives no number for some rows"):
        lesson(subject_of_graph(graph, -np.ones((5, 2))), 20)
