"""How much a network may learn, and which graphs have nothing to learn; the learning itself needs torch."""

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestClassifier

from golive.adapters.optimizers.fine_tuning import (
    LEAST_PASSES,
    LEAST_ROWS,
    MOST_PASSES,
    MOST_ROWS,
    FineTuneOptimizer,
    multiplications,
    passes,
    rows_for,
)


def network(size):
    """A convolution of 4 channels over images of so many pixels a side, and a product of what it gives."""
    constants = {
        "shape": np.array([-1, 1, size, size]),
        "k": np.ones((4, 1, 3, 3), np.float32),
        "w": np.ones((4 * size * size, 2), np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["N"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["x", "shape"], ["image"]),
        helper.make_node("Conv", ["image", "k"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
        helper.make_node("Cast", ["y"], ["P"], to=TensorProto.DOUBLE),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, size * size])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


@pytest.mark.parametrize("size", [4, 20])
def test_a_convolution_multiplies_at_each_place_and_a_product_once(size):
    assert multiplications(network(size)) == 1 + 4 * 9 * size * size + 4 * size * size * 2


def test_small_networks_see_enough_rows_often_and_large_ones_fewer():
    small, large = network(8), network(400)
    assert rows_for(small) == MOST_ROWS
    assert passes(small, MOST_ROWS) == MOST_PASSES
    assert LEAST_ROWS <= rows_for(large) < MOST_ROWS
    assert passes(large, rows_for(large)) == LEAST_PASSES


def test_a_forest_has_nothing_to_learn_again(subject_of):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))
    forest = RandomForestClassifier(4, max_depth=3, random_state=0).fit(rows, rows["a"] > 0)
    assert not list(FineTuneOptimizer().candidates(subject_of(forest, rows)))
