"""NVIDIA's tritonclient, in an environment of its own, asks models of tensors over HTTP and gRPC."""

import numpy as np
import pytest
from tensor_models import road_of
from tensor_server import TensorServer
from venvs import told

pytestmark = pytest.mark.heavy

ROWS = [[1, 2, 3, 4, 5, 6], [0, -1, 0.5, 2, 1, 0]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    names = ("mlp", "two", "image", "lookup", "half")
    with TensorServer(tmp_path_factory.mktemp("tensors"), names) as server:
        addresses = {"address": f"127.0.0.1:{server.port}", "grpc": f"127.0.0.1:{server.grpc_port}"}
        return told("triton_any", "triton", rows=ROWS, **addresses)


@pytest.fixture(params=["http", "grpc"])
def door(request, seen):
    return seen[request.param]


def test_arrays_of_any_type_and_shape_get_the_answer_of_the_graph(door):
    wanted = road_of("mlp").session.run({"x": np.array(ROWS, np.float32)})["scores"]
    assert set(door["dtypes"]) == {"float32"}
    for found in door["scores"]:
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    image = np.arange(2 * 3 * 4 * 3, dtype=np.float32).reshape(2, 12, 3)
    np.testing.assert_allclose(door["color"], image.mean(axis=1), rtol=1e-5)
    assert door["half"] == [[1.0, 2.0]]


def test_several_inputs_and_texts_come_back_by_name(door):
    assert all(found == [[6.0], ["ü!"]] for found in door["two"])


def test_the_metadata_says_what_the_graph_takes(door):
    (described,) = door["metadata"]["inputs"]
    assert (described["name"], described["datatype"], list(map(int, described["shape"]))) == (
        "image",
        "UINT8",
        [-1, -1, -1, 3],
    )


def test_what_does_not_fit_is_told_in_our_words(door):
    assert door["datatype"].startswith("tensor 'x' wants datatype FP32, got 'FP64'")
    assert door["shape"].startswith("tensor 'x' wants shape [-1, 6], got [2, 5]")
    assert "idx=99" in door["token"]
