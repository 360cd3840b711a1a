"""NVIDIA's tritonclient, in an environment of its own, against the gRPC server."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from grpc_server import GrpcServer
from onnx import TensorProto, helper, numpy_helper
from priced import keep, road_of
from venvs import folder_of

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.domain.signature import Field, Signature
from golive.inference.road import open_road
from golive.serving.grpc.protos import declared
from golive.serving.lane import Lane
from golive.serving.switchboard import Switchboard

pytestmark = pytest.mark.heavy

SCRIPT = Path(__file__).parents[1] / "support" / "triton_client.py"
DIGEST = "sha256:" + "1" * 64


def pair_road():
    """P = a + 10 b."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["N", "W"], ["P"])],
        "pair",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 2])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(np.array([[1.0], [10.0]]), "W")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    signature = Signature(
        inputs=(Field(name="a", dtype="float64"), Field(name="b", dtype="float64")), task="regression", target="y"
    )
    manifest = Manifest(name="pair", signature=signature, preparation=Preparation(numbers=("a", "b")))
    return open_road(manifest, model.SerializeToString(), OnnxRuntime())


@pytest.fixture
def told(tmp_path):
    """What the client has seen, and the road that it asked."""
    priced = road_of(*keep(tmp_path / "store", task="classification"))
    rows = [[120.5, 4, "2011-07-25", "north", True], [80.0, 2, "2009-01-02", "20", False]]
    expected = priced.rows(rows)
    lanes = [Lane(Placed("priced", 1, DIGEST), priced), Lane(Placed("pair", 1, DIGEST), pair_road())]
    board = Switchboard(lanes, tuple(Route(name, (Share(1, 1.0),)) for name in ("priced", "pair")))
    python = folder_of("triton") / "bin" / "python"
    (tmp_path / "inference.pb").write_bytes(declared("inference.proto").SerializeToString())
    with GrpcServer(board) as server:
        done = subprocess.run(
            [python, SCRIPT, server.address, tmp_path / "inference.pb"],
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), expected


def test_tritonclient_reads_everything_that_the_server_says(told):
    answers, expected = told
    assert answers["differences"] == []
    assert [answers["live"], answers["ready"], answers["model_ready"], answers["unknown_ready"]] == [
        True,
        True,
        [True, True],
        False,
    ]
    assert "statistics" in answers["extensions"]
    assert answers["inputs"] == ["area", "rooms", "sold", "hood", "garden"]
    assert answers["config"] == [True, [12, 9, 13, 13, 1]]
    assert answers["index"] == [["pair", "READY"], ["priced", "READY"]]
    assert answers["fused"] == ["7", [[21.5]]]
    assert np.array_equal(answers["probabilities"], expected)
    assert answers["predict"] == [["no", "yes"][best] for best in expected.argmax(axis=1)]
    assert answers["refused"].startswith("StatusCode.INVALID_ARGUMENT: the tensor 'sold' is missing")
    assert answers["answered"] == [2, 4]
    assert answers["streamed"] == [[[31.0]]]
