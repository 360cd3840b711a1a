"""A real server on a free port, with two real ONNX models, for tests over sockets."""

import random
import socket
import threading
import time
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from threaded import Threaded

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation, Vocabulary
from golive.domain.record import Texts
from golive.domain.record_frame import records_of
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.domain.signature import Field, Signature
from golive.inference.road import open_road
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute, ComputeThread
from golive.serving.batching.limits import BatchLimits
from golive.serving.lane import Lane
from golive.serving.server import ServerConfig, serve
from golive.serving.switchboard import Switchboard
from golive.serving.telemetry.recorder import Recorder

PLACED = {"iris": 1, "houses": 3, "large": 4}
IRIS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def graph_bytes(nodes, inputs, outputs, constants):
    values = [
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in side]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "g", *values, [numpy_helper.from_array(v, n) for n, v in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


def iris_road(intercept=0.0):
    weights = np.array([[0.5, 0.1, -0.6], [1.0, -0.2, -0.8], [-2.0, 0.3, 1.7], [-1.0, -0.7, 1.7]])
    nodes = [
        helper.make_node("MatMul", ["N", "W"], ["n"]),
        helper.make_node("Add", ["n", "b"], ["z"]),
        helper.make_node("Softmax", ["z"], ["P"], axis=1),
    ]
    graph = graph_bytes(
        nodes,
        [("N", TensorProto.DOUBLE, 4)],
        [("P", TensorProto.DOUBLE, 3)],
        {"W": weights, "b": np.array([intercept, 1.0, -3.0])},
    )
    signature = Signature(
        inputs=tuple(Field(name=name, dtype="float64", unit="cm", minimum=0.1, maximum=8.0) for name in IRIS),
        task="classification",
        target="species",
        classes=("0", "1", "2"),
        class_dtype="int64",
    )
    manifest = Manifest(name="iris", signature=signature, preparation=Preparation(numbers=IRIS))
    return open_road(manifest, graph, OnnxRuntime())


def houses_road():
    nodes = [
        helper.make_node("MatMul", ["N", "W"], ["n"]),
        helper.make_node("Gather", ["T", "C"], ["t"], axis=0),
        helper.make_node("Add", ["n", "t"], ["P"]),
    ]
    graph = graph_bytes(
        nodes,
        [("N", TensorProto.DOUBLE, 3), ("C", TensorProto.INT64, 1)],
        [("P", TensorProto.DOUBLE, 1)],
        {"W": np.array([[100.0], [0.5], [1000.0]]), "T": np.array([10.0, 20.0, 0.0, 5.0])},
    )
    signature = Signature(
        inputs=(
            Field(name="area", dtype="float64", example=150.0, unit="m2"),
            Field(name="year_built", dtype="int64", example=1999),
            Field(name="pool", dtype="bool", example=False),
            Field(name="zone", dtype="string", nullable=True, categories=("north", "south")),
        ),
        task="regression",
        target="price",
        unit="USD",
    )
    preparation = Preparation(
        numbers=("area", "year_built", "pool"), categories=(Vocabulary("zone", ("north", "south")),)
    )
    return open_road(Manifest(name="houses", signature=signature, preparation=preparation), graph, OnnxRuntime())


def recorded_rows(records):
    """Read columns of records as rows, for tests that look at single ones."""
    columns = [_listed(values, len(records)) for values in (records.ids, *records.inputs)]
    for (name, *inputs), outputs in zip(zip(*columns, strict=True), records.outputs.T.tolist(), strict=True):
        yield SimpleNamespace(
            id=name, name=records.name, version=records.version, inputs=tuple(inputs), outputs=tuple(outputs)
        )


def _listed(values, count):
    if not isinstance(values, Texts):
        return [None] * count if values is None else values.tolist()
    ends = np.maximum(values.lengths, 0).cumsum().tolist()
    sizes = values.lengths.tolist()
    text = bytes(values.utf8)
    return [None if size < 0 else text[end - size : end].decode() for end, size in zip(ends, sizes, strict=True)]


class Gate:
    """A session that answers only while it is open, and counts its runs."""

    def __init__(self, session):
        self._session = session
        self.runs = []
        self.opened = threading.Event()
        self.opened.set()

    def run(self, numbers, codes):
        self.runs.append(len(numbers))
        assert self.opened.wait(20)
        return self._session.run(numbers, codes)


class Running(Threaded):
    """A server in a thread of its own."""

    def __init__(self, config=None, traffic=None, sample=1.0, send=None, limits=None):
        super().__init__()
        self.frames = []
        self.recorder = Recorder(
            sample, 10_000, send or (lambda frame: not self.frames.append(frame)), random.Random(7)
        )
        lanes = [
            Lane(Placed("iris", 1, "sha256:" + "1" * 64), iris_road(), self.recorder),
            Lane(Placed("iris", 2, "sha256:" + "2" * 64), iris_road(50.0), self.recorder),
            Lane(Placed("houses", 3, "sha256:" + "3" * 64), houses_road(), self.recorder),
        ]
        large = iris_road()
        self.gate = large.session = Gate(large.session)
        compute = Compute(self.loop, ComputeThread(self.loop), time.perf_counter_ns)
        self.batcher = Batcher(self.gate.run, compute, limits or BatchLimits())
        lanes.append(Lane(Placed("large", 4, "sha256:" + "4" * 64), large, self.recorder, batcher=self.batcher))
        if traffic is None:
            traffic = tuple(Route(name, (Share(version, 1.0),)) for name, version in PLACED.items())
        self.board = Switchboard(lanes, traffic, recorder=self.recorder)
        self.config = config or ServerConfig(drain_s=0.5, max_body_bytes=50_000, title="test", version="1")
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def answer(self, on_ready, stop):
        await serve(self.board, self.sock, self.config, on_ready=on_ready, stop=stop)

    def records(self):
        """Give what was recorded, a line for each row."""
        return [row for frame in self.frames for row in recorded_rows(records_of(frame))]

    def client(self, **kwargs):
        return httpx.Client(base_url=self.url, timeout=10, **kwargs)

    def wire(self):
        return Wire(self.port)


class Wire:
    """A bare socket that reads whole replies."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def reply(self):
        """Give (status, headers, body) of the next reply."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(first.split()[1]), headers, body

    def is_closed(self):
        return self.sock.recv(65536) == b""

    def is_ended(self):
        """Read what still comes; say whether the server closes the connection then."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def _more(self):
        part = self.sock.recv(65536)
        assert part, f"the server closed the connection after {self.buffer!r}"
        self.buffer += part


@pytest.fixture(scope="session")
def server():
    with Running() as running:
        yield running


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


@pytest.fixture
def running():
    return Running
