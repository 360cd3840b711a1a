"""The tensor models behind a real server, for HTTP and for calls, loaded as a worker loads them."""

import asyncio
import contextlib
import socket

import grpc
import httpx
from grpc_server import Caller
from tensor_models import MODELS, manifest_of
from threaded import Threaded

from golive.control.running.loading import Lanes
from golive.control.running.order import WorkerOrder
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.serving.grpc.calls import Calls
from golive.serving.grpc.protos import Messages
from golive.serving.server import ServerConfig, serve
from golive.serving.switchboard import Switchboard
from golive.store.bundles import BundleStore

AT = "2026-01-01T00:00:00+00:00"
LIMITS = {
    "traffic": (),
    "max_body_bytes": 1_000_000,
    "max_rows": 1000,
    "queue_s": 1.0,
    "threads": 1,
    "sample": 1.0,
    "drain_s": 1.0,
    "has_calls": True,
    "tls_cert": "",
    "tls_key": "",
    "records": "",
}


class TensorServer(Threaded):
    """A server in a thread of its own.

    Args:
        folder: empty, for the bundles.
        names: of the models that are served.
    """

    def __init__(self, folder, names=tuple(MODELS), *, config=None, **changes):
        super().__init__()
        self._store = BundleStore(folder)
        self._placed = []
        for name in names:
            graph = MODELS[name]()
            bundle = self._store.write(manifest_of(name, graph), {"model.onnx": graph}, created_at=AT)
            self._placed.append(Placed(name, 1, bundle.digest))
        self._order = WorkerOrder(state=str(folder), placed=tuple(self._placed), **{**LIMITS, **changes})
        self._config = config or ServerConfig(drain_s=0.5, max_body_bytes=1_000_000, title="test", version="1")
        self._socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.port, self.grpc_port = (sock.getsockname()[1] for sock in self._socks)
        self.lanes = {}

    async def answer(self, on_ready, stop):
        calls = Calls()
        lanes = Lanes(self._order, None, calls)
        loaded = [lanes.load(placed, self._store) for placed in self._placed]
        for lane in loaded:
            await lanes.probe(lane)
        self.lanes = {lane.placed.name: lane for lane in loaded}
        board = Switchboard(loaded, tuple(Route(placed.name, (Share(1, 1.0),)) for placed in self._placed))
        ready = asyncio.Event()
        http, gRPC = self._socks
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(board, http, self._config, on_ready=ready.set, stop=stop))
            await ready.wait()
            group.create_task(calls.serve(board, gRPC, self._config, on_ready=on_ready, stop=stop))
        lanes.close()

    def client(self, **kwargs):
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10, **kwargs)

    @contextlib.contextmanager
    def caller(self):
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            yield Caller(channel, Messages())
