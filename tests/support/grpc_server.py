"""Lanes behind a real gRPC server in a thread of its own, and a caller that an independent client library carries."""

import contextlib
import socket

import grpc
import numpy as np
import pytest
from threaded import Threaded

from golive.errors import DeniedError
from golive.serving.answer import RequestIds
from golive.serving.grpc.codec import GrpcCodec
from golive.serving.grpc.hub import Gate, GrpcLimits
from golive.serving.grpc.protos import Messages
from golive.serving.grpc.server import GrpcConfig, serve_grpc
from golive.serving.grpc.service import About, Service

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]


class GrpcServer(Threaded):
    """The lanes of the HTTP tests behind gRPC, in a thread of its own."""

    def __init__(self, board, *, config=None, calls=None, caller=lambda told: "someone"):
        super().__init__()
        self.messages, self.board, self.ready = Messages(), board, True
        self.board.routes = {**board.routes, **self._calls(), **(calls or {})}
        about = About(title="test", version="1", max_rows=1000)
        self.service = Service(board, lambda: self.ready, self.messages, about)
        self.gate = Gate(caller, self._denied, RequestIds("test"))
        self.config = config or GrpcConfig(limits=GrpcLimits(message_bytes=50_000), drain_s=0.5, stop_s=5.0)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.sock.getsockname()[1]}"

    def _calls(self):
        table = {}
        for lane in self.board.lanes.values():
            placed = lane.placed
            handler = lane.handler(GrpcCodec(placed, lane.signature, lane.road.labels, self.messages))
            table.setdefault(f" {placed.name}".encode(), handler)
            table[f" {placed.name}/{placed.version}".encode()] = handler
        return table

    def _denied(self, body, ask):
        return self.board.rejected(DeniedError("this server wants an API key"), ask.request_id)

    async def answer(self, on_ready, stop):
        await serve_grpc(self.service, self.gate, self.sock, self.config, on_ready=on_ready, stop=stop)

    @contextlib.contextmanager
    def channel(self, **kwargs):
        with grpc.insecure_channel(self.address, **kwargs) as channel:
            yield Caller(channel, self.messages)


class Caller:
    """Calls methods by their short names."""

    def __init__(self, channel, messages):
        self.channel, self.messages = channel, messages

    def method(self, path, request, answer):
        return self.channel.unary_unary(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.messages[answer].FromString,
        )

    def __call__(self, name, /, timeout=10, **values):
        request = self.messages[f"inference.{name}Request"](**values)
        return self.method(f"/inference.GRPCInferenceService/{name}", request, f"inference.{name}Response")(
            request, timeout=timeout
        )

    def request(self, rows=ROWS, *, raw=True, datatype="FP64", **values):
        request = self.messages["inference.ModelInferRequest"](**{"model_name": "iris", **values})
        tensor = request.inputs.add(name="input", datatype=datatype, shape=[len(rows), 4])
        array = np.array(rows, dtype={"FP64": "<f8", "FP32": "<f4"}[datatype])
        if raw:
            request.raw_input_contents.append(array.tobytes())
        else:
            field = {"FP64": "fp64_contents", "FP32": "fp32_contents"}[datatype]
            getattr(tensor.contents, field).extend(array.ravel().tolist())
        return request

    def infer(self, request, **kwargs):
        path, answer = "/inference.GRPCInferenceService/ModelInfer", "inference.ModelInferResponse"
        return self.method(path, request, answer).with_call(request, **{"timeout": 10, **kwargs})

    def refusal(self, request, **kwargs):
        with pytest.raises(grpc.RpcError) as caught:
            self.infer(request, **kwargs)
        return caught.value
