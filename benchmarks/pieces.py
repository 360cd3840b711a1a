"""Pieces: what the parts of a request cost in processor time, one process, no network.

The whole request goes through the protocol class of a connection whose transport throws the answer away.
"""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import orjson
import uvloop
from onnx import TensorProto, helper, numpy_helper
from uvicorn.config import Config
from uvicorn.server import ServerState

from benchmarks.iris import QUESTION, package_iris
from golive import plugins
from golive.control.home import Home
from golive.control.running.loading import opened
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.domain.signature import Field, Signature
from golive.serving.answer import Ask, RequestIds
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute, ComputeThread, Hands, LoopHands
from golive.serving.batching.limits import BatchLimits
from golive.serving.codecs.tensors import TensorsCodec
from golive.serving.hall import Hall, Limits
from golive.serving.lane import Lane
from golive.serving.protocol import protocol_class
from golive.serving.switchboard import Switchboard
from golive.serving.telemetry.metrics import LaneMetrics
from golive.serving.telemetry.recorder import Recorder
from golive.store.bundles import BundleStore

ROUNDS, REQUESTS = 15, 4000
ROWS, FIELDS = 1000, 30
HIDDEN, SUBMITTERS, BATCHED_S = 1024, 64, 3.0
OTHER_WORK_S = 20e-6
"""What the HTTP of one request takes of the loop, in the measurement of batches."""
HEAD = (
    b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:8080\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
)


class Sink(asyncio.Transport):
    """Takes answers and forgets them."""

    def write(self, data: Any) -> None:
        """Forget it."""

    def is_closing(self) -> bool:
        """Stay open."""
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Know nothing."""
        del name
        return default


def measure() -> dict[str, object]:
    """Measure every piece on one core; microseconds of processor time, the least of many rounds."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return _measured()
    finally:
        os.sched_setaffinity(0, cores)


def _measured() -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="golive-pieces-") as name:
        package_iris(Path(name))
        store = BundleStore(Home(Path(name)).store)
        bundle = store.list()[0]
        placed = Placed(bundle.name, 1, bundle.digest)
        request = uvloop.run(_request(placed, store))
    return {
        "unit": "microseconds of processor time, the least of 15 rounds",
        "request": request,
        "tensors": _tensors(),
        "batches": {
            "setting": f"perceptron of 2 x {HIDDEN} in double precision, {SUBMITTERS} requests of one row at a time, "
            f"{OTHER_WORK_S * 1e6:.0f} us of other work in the loop for each; one process on one core",
            "rows_per_s": {place: uvloop.run(_batched(place)) for place in ("alone", "loop", "thread")},
        },
    }


async def _request(placed: Placed, store: BundleStore) -> dict[str, float]:
    """One row of iris as JSON: known head, parsed head, and what counting, timing and recording add."""
    recorder = Recorder(1.0, 10**7, lambda _: True, Random(1))
    plain, kept = (_connection(Lane(placed, opened(placed, store), each)) for each in (None, recorder))
    known, parsed, timed = (
        HEAD % (more, len(QUESTION)) + QUESTION for more in (b"", b"x-request-id: a\r\n", b"x-request-timing: 1\r\n")
    )
    counters, times = LaneMetrics(), (1500, 0, 4000, 1200)

    def recorded() -> None:
        for _ in range(REQUESTS):
            kept(known)
        recorder.flush()

    known_us = _least(lambda: plain(known), REQUESTS)
    return {
        "known_head": known_us,
        "parsed_head": _least(lambda: plain(parsed), REQUESTS),
        "with_server_timing": _least(lambda: plain(timed), REQUESTS),
        "with_recording_in_the_worker": round(_least(recorded, 1) / REQUESTS, 2),
        "of_which_counting": _least(lambda: counters.answered(1, times), REQUESTS),
    }


def _connection(lane: Lane) -> Callable[[bytes], None]:
    board = Switchboard([lane], (Route(lane.placed.name, (Share(1, 1.0),)),))
    hall = Hall(board, Limits(), None, RequestIds("abc"))

    async def app(scope: object, receive: object, send: object) -> None:
        """Answer nothing: the ordinary road is not measured."""
        del scope, receive, send

    config = Config(app, http=protocol_class(hall), ws="none", lifespan="off", interface="asgi3", log_config=None)
    protocol = protocol_class(hall)(config, ServerState(), {})
    protocol.connection_made(Sink())
    return protocol.data_received


def _tensors() -> dict[str, object]:
    """Read 1,000 rows of 30 numbers, fused in one tensor."""
    inputs = tuple(Field(name=f"x{number}", dtype="float64") for number in range(FIELDS))
    signature = Signature(inputs=inputs, task="regression", target="y")
    codec = TensorsCodec(Placed("m", 1, "sha256:0"), signature, lambda outputs: outputs[:, 0].tolist())
    rows = np.random.default_rng(0).normal(size=(ROWS, FIELDS))
    tensor = {"name": "input", "shape": [ROWS, FIELDS], "datatype": "FP64"}
    text = orjson.dumps({"inputs": [{**tensor, "data": rows.ravel().tolist()}]})
    head = orjson.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": rows.nbytes}}]})
    ask, binary = Ask("r"), Ask("r", {b"inference-header-content-length": str(len(head)).encode()})
    octets = head + rows.tobytes()
    return {
        "rows": ROWS,
        "fields": FIELDS,
        "json": _least(lambda: codec.decode(text, ask), 5),
        "binary": _least(lambda: codec.decode(octets, binary), 500),
    }


async def _batched(place: str) -> int:
    """Give the rows a second that submitters get who ask again at once, each after a little other work."""
    session = plugins.load("runtimes", "onnxruntime").open(_perceptron(), threads=1)
    loop = asyncio.get_running_loop()
    hands: Hands = ComputeThread(loop) if place == "thread" else LoopHands(loop, time.perf_counter_ns)
    compute = Compute(loop, hands, time.perf_counter_ns)
    batcher = Batcher(session.run, compute, BatchLimits(wait_s=60), is_joining=place != "alone")
    row, codes = np.ones((1, 30)), np.zeros((1, 0), dtype=np.int64)
    answered, until = 0, time.perf_counter() + BATCHED_S

    async def submitter() -> None:
        nonlocal answered
        while time.perf_counter() < until:
            began = time.perf_counter()
            while time.perf_counter() - began < OTHER_WORK_S:
                pass
            future = loop.create_future()
            batcher.submit(row, codes, done=future.set_result)
            await future
            answered += 1

    await asyncio.gather(*(submitter() for _ in range(SUBMITTERS)))
    return round(answered / BATCHED_S)


def _perceptron() -> bytes:
    widths = (FIELDS, HIDDEN, HIDDEN, 2)
    random = np.random.default_rng(7)
    weights = [
        numpy_helper.from_array(random.normal(size=shape) / HIDDEN, f"W{layer}")
        for layer, shape in enumerate(itertools.pairwise(widths))
    ]
    nodes = []
    for layer, given in enumerate(("N", "T0", "T1")):
        nodes.append(helper.make_node("MatMul", [given, f"W{layer}"], ["P" if layer == 2 else f"H{layer}"]))
        if layer < 2:
            nodes.append(helper.make_node("Tanh", [f"H{layer}"], [f"T{layer}"]))
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", width])]
        for name, width in (("N", FIELDS), ("P", 2))
    ]
    graph = helper.make_graph(nodes, "perceptron", *ends, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return model.SerializeToString()


def _least(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        taken.append((time.process_time() - began) / times)
    return round(min(taken) * 1e6, 2)
