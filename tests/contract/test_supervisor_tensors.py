"""Models of tensors under a supervisor, beside one of rows, each in a process of its own."""

import time

import grpc
import httpx
import numpy as np
import pytest
from grpc_server import Caller
from sums import keep_numbers, sums_graph
from tensor_models import MODELS, manifest_of, road_of

import golive
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import start_supervisor, stop
from golive.control.running.run_files import RunFolder
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.monitoring.records import read_records
from golive.serving.grpc.protos import Messages
from golive.store.bundles import BundleStore

ROWS = np.arange(12, dtype=np.float32).reshape(2, 6)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    store = BundleStore(folder / "store")
    placed = [Placed("sums", 1, keep_numbers(folder, "sums", sums_graph(1.0), {"x": 1.0, "y": 2.0}, target="z"))]
    for name in ("mlp", "mixing"):
        graph = MODELS[name]()
        bundle = store.write(manifest_of(name, graph), {"model.onnx": graph}, created_at="2026-01-01T00:00:00+00:00")
        placed.append(Placed(name, 1, bundle.digest))
    order = SupervisorOrder(
        state=str(folder),
        port=0,
        admin_port=0,
        grpc_port=0,
        workers=1,
        ledger=False,
        placed=tuple(placed),
        traffic=tuple(Route(each.name, (Share(1, 1.0),)) for each in placed),
        memory_mb=2000,
        drain_s=2.0,
        probe_every_s=0.3,
    )
    start_supervisor(order, detach=True, log=folder / "run" / "supervisor.log", timeout_s=60)
    yield folder
    stop(folder, timeout_s=20)


def test_models_of_tensors_and_of_rows_are_served_side_by_side(state):
    run = RunFolder(state).read()
    with golive.Client(run.url) as client:
        scores = client.infer("mlp", {"x": ROWS})["scores"]
        np.testing.assert_allclose(scores, road_of("mlp").session.run({"x": ROWS})["scores"], rtol=1e-5)
        mixed = client.infer("mixing", {"x": ROWS[:, :4]})["y"]
        np.testing.assert_allclose(mixed, [[-3.0] * 4, [3.0] * 4])
        assert client.predict("sums", {"x": 1.0, "y": 2.0}).values.tolist() == [3.0]
    with grpc.insecure_channel(run.grpc) as channel:
        caller = Caller(channel, Messages())
        request = caller.messages["inference.ModelInferRequest"](model_name="mlp")
        request.inputs.add(name="x", datatype="FP32", shape=[2, 6])
        request.raw_input_contents.append(ROWS.tobytes())
        answer, _ = caller.infer(request)
        np.testing.assert_allclose(np.frombuffer(answer.raw_output_contents[0], "<f4").reshape(2, 3), scores, rtol=1e-5)


def test_only_rows_are_recorded(state):
    url = RunFolder(state).read().url
    assert httpx.get(f"{url}/v2/models/mlp").json()["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 6]}]
    with golive.Client(url) as client:
        client.infer("mlp", {"x": ROWS})
        client.predict("sums", {"x": 1.0, "y": 2.0})
    until = time.monotonic() + 15
    while not len(read_records(state / "records", "sums")["at"]) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(read_records(state / "records", "sums")["at"]) > 0
    assert len(read_records(state / "records", "mlp")["at"]) == 0
