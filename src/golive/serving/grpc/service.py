"""Service: the methods of the Open Inference Protocol, of health and of reflection, free of any transport.

A method takes the bytes of a request message and gives an :data:`~golive.serving.answer.Answer`, as every handler
does: an HTTP status, header lines and the bytes of the answer. A transport turns the status into gRPC's.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from google.protobuf.message import DecodeError

from golive.errors import GoliveError, NotFoundError, RequestError, UnavailableError
from golive.serving.answer import Answer, Ask, Handler
from golive.serving.codecs.tensors import metadata
from golive.serving.grpc import wire
from golive.serving.grpc.codec import RAW_HEADER
from golive.serving.grpc.protos import FILES, Messages
from golive.serving.grpc.status import refusal_of
from golive.serving.handling import SHORT_BYTES
from golive.serving.pages.config import config_of
from golive.serving.pages.statistics import statistics_of
from golive.serving.served import Served
from golive.serving.switchboard import Switchboard

PREDICTION = "inference.GRPCInferenceService"
"""The name of the service that predicts."""
CALL, PINNED_CALL = " {m}", " {m}/{v}"
"""Where a switchboard's routes hold the handlers of infer requests: no path of HTTP has a blank."""
EXTENSIONS = ("model_configuration", "model_repository(index)", "statistics")
"""What is answered beyond the core of the protocol."""

Method = Callable[[Any, Ask], Any]
"""A request message in, an answer message out; raises GoliveError."""
Talk = Callable[[AsyncIterator[bytes], Ask], AsyncIterator[bytes]]
"""The bytes of request messages in, the bytes of answer messages out; raises GoliveError."""

_VERSION_DIGITS = 9
_OK, _UNSERVED = 200, 501
_WATCH_S = 1.0
"""How often a watched health is looked at."""
_SERVING, _NOT_SERVING, _UNKNOWN = 1, 2, 3
_NOT_FOUND = 5


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a server tells of itself."""

    title: str = "golive"
    version: str = ""
    max_rows: int = 100_000
    """Rows that one request may have."""


class Service:
    """What can be called.

    Args:
        board: the lanes. Its ``routes`` hold the infer handlers under ``CALL`` and ``PINNED_CALL``.
        is_ready: says whether predictions are answered.
        messages: the message classes.
        about: what the server tells of itself.
    """

    def __init__(
        self,
        board: Switchboard,
        is_ready: Callable[[], bool],
        messages: Messages,
        about: About,
    ) -> None:
        self.board = board
        self._is_ready = is_ready
        self._messages = messages
        self._about = about
        self.open = frozenset(
            {f"/{PREDICTION}/ServerLive", f"/{PREDICTION}/ServerReady"}
            | {f"/grpc.health.v1.Health/{name}" for name in ("Check", "Watch")}
            | {f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")}
        )
        """Methods without authentication: they tell nothing about a model."""
        self.unary: dict[str, Handler] = self._unary()
        """The methods with one request and one answer, by path."""
        self.streams: dict[str, Talk] = self._streams()
        """The others, by path."""

    def infer(self, body: bytes, ask: Ask) -> Answer | asyncio.Future[Answer]:
        """Answer ``ModelInfer``: find the lane that is asked for and hand the whole message on."""
        try:
            name, version = wire.model_of(body)
            handler = self.board.routes.get(b" %b/%b" % (name, version) if version else b" " + name)
            if handler is None:
                return self.board.rejected(self._unknown(name, version), ask.request_id)
            if len(body) > SHORT_BYTES and wire.has_raw_contents(body):
                ask.headers = {**ask.headers, RAW_HEADER: b"1"}
        except RequestError as error:
            return self.board.rejected(error, ask.request_id)
        return handler(body, ask)

    def _unary(self) -> dict[str, Handler]:
        methods: dict[str, Method] = {
            "ServerLive": lambda _, __: {"live": True},
            "ServerReady": lambda _, __: {"ready": self._is_ready()},
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelConfig": self._model_config,
            "ModelStatistics": self._model_statistics,
            "RepositoryIndex": self._repository_index,
        }
        handlers = {f"/{PREDICTION}/{name}": self._handler(PREDICTION, name, each) for name, each in methods.items()}
        handlers[f"/{PREDICTION}/ModelInfer"] = self.infer
        for name in ("RepositoryModelLoad", "RepositoryModelUnload"):
            handlers[f"/{PREDICTION}/{name}"] = self._unserved
        handlers["/grpc.health.v1.Health/Check"] = self._handler("grpc.health.v1.Health", "Check", self._check)
        return handlers

    def _streams(self) -> dict[str, Talk]:
        streams: dict[str, Talk] = {
            f"/{PREDICTION}/ModelStreamInfer": self._infer_each,
            "/grpc.health.v1.Health/Watch": self._watch,
        }
        for version in ("v1", "v1alpha"):
            package = f"grpc.reflection.{version}"
            streams[f"/{package}.ServerReflection/ServerReflectionInfo"] = self._reflection(package)
        return streams

    def _handler(self, service: str, name: str, method: Method) -> Handler:
        declared = self._messages.pool.FindServiceByName(service).methods_by_name[name]
        request_class = self._messages[declared.input_type.full_name]
        answer_class = self._messages[declared.output_type.full_name]

        def answer(body: bytes, ask: Ask) -> Answer:
            try:
                given = method(_read(request_class, body), ask)
            except GoliveError as error:
                return self.board.rejected(error, ask.request_id)
            return 200, b"", answer_class(**given).SerializeToString()

        return answer

    async def _infer_each(self, requests: AsyncIterator[bytes], ask: Ask) -> AsyncIterator[bytes]:
        """Answer the requests of a stream in their order; one that is refused does not end it."""
        number = 0
        async for body in requests:
            number += 1
            own = Ask(f"{ask.request_id}-{number}", ask.headers, ask.caller, time.perf_counter_ns())
            answer = self.infer(body, own)
            code, _, reply = answer if isinstance(answer, tuple) else await answer
            yield wire.sized(2, reply) if code == _OK else wire.text(1, refusal_of(code, reply).details)

    def _unserved(self, body: bytes, ask: Ask) -> Answer:
        del body
        message = "models are loaded and unloaded by deploying, never by a caller; run `golive deploy`"
        return self.board.rejected(UnavailableError(message), ask.request_id, _UNSERVED)

    def _model_ready(self, request: Any, ask: Ask) -> Any:
        del ask
        try:
            self._lane(request)
        except NotFoundError:
            return {"ready": False}
        return {"ready": self._is_ready()}

    def _server_metadata(self, request: Any, ask: Ask) -> Any:
        del request, ask
        return {"name": self._about.title, "version": self._about.version, "extensions": EXTENSIONS}

    def _model_metadata(self, request: Any, ask: Ask) -> Any:
        del ask
        lane = self._lane(request)
        versions = (lane.placed.version,) if request.version else self.board.versions(request.name)
        return metadata(request.name, versions, lane.signature)

    def _model_config(self, request: Any, ask: Ask) -> Any:
        del ask
        lane = self._lane(request)
        return {"config": config_of(request.name, lane.signature, self._about.max_rows)}

    def _model_statistics(self, request: Any, ask: Ask) -> Any:
        del ask
        if request.name:
            self._lane(request)
        return statistics_of(
            lane.snapshot()
            for (name, version), lane in self.board.lanes.items()
            if request.name in {"", name} and request.version in {"", str(version)}
        )

    def _repository_index(self, request: Any, ask: Ask) -> Any:
        del request, ask
        return {
            "models": [
                {"name": name, "version": str(version), "state": "READY", "reason": ""}
                for name, version in self.board.lanes
            ]
        }

    def _check(self, request: Any, ask: Ask) -> Any:
        del ask
        status = self._health(request.service)
        if status == _UNKNOWN:
            message = f"there is no service {request.service[:100]!r}; ask for {PREDICTION!r} or for none"
            raise NotFoundError(message)
        return {"status": status}

    async def _watch(self, requests: AsyncIterator[bytes], ask: Ask) -> AsyncIterator[bytes]:
        del ask
        request = _read(self._messages["grpc.health.v1.HealthCheckRequest"], await anext(requests, b""))
        answer_class = self._messages["grpc.health.v1.HealthCheckResponse"]
        last = None
        while True:
            status = self._health(request.service)
            if status != last:
                last = status
                yield answer_class(status=status).SerializeToString()
            await asyncio.sleep(_WATCH_S)

    def _health(self, service: str) -> int:
        if service not in {"", *self._messages.services}:
            return _UNKNOWN
        return _SERVING if self._is_ready() else _NOT_SERVING

    def _reflection(self, package: str) -> Talk:
        request_class = self._messages[f"{package}.ServerReflectionRequest"]
        answer_class = self._messages[f"{package}.ServerReflectionResponse"]

        async def reflect(requests: AsyncIterator[bytes], ask: Ask) -> AsyncIterator[bytes]:
            del ask
            async for body in requests:
                request = _read(request_class, body)
                told = self._reflected(request)
                yield answer_class(valid_host=request.host, original_request=request, **told).SerializeToString()

        return reflect

    def _reflected(self, request: Any) -> dict[str, Any]:
        pool, wanted = self._messages.pool, request.WhichOneof("message_request")
        try:
            if wanted == "list_services":
                services = [{"name": name} for name in self._messages.services]
                return {"list_services_response": {"service": services}}
            if wanted == "file_by_filename":
                file = pool.FindFileByName(request.file_by_filename)
            elif wanted == "file_containing_symbol":
                file = pool.FindFileContainingSymbol(request.file_containing_symbol)
            elif wanted == "all_extension_numbers_of_type":
                # proto3 has no extensions; a known type has an empty list of them.
                name = pool.FindMessageTypeByName(request.all_extension_numbers_of_type).full_name
                return {"all_extension_numbers_response": {"base_type_name": name}}
            else:
                raise KeyError(wanted)  # noqa: TRY301 - the one place that says "not found" is below
        except KeyError:
            message = f"there is nothing of that name; the files are {', '.join(FILES)}"
            return {"error_response": {"error_code": _NOT_FOUND, "error_message": message}}
        return {"file_descriptor_response": {"file_descriptor_proto": [file.serialized_pb]}}

    def _lane(self, request: Any) -> Served:
        if not request.version:
            return self.board.find(request.name)
        if not _is_version(request.version):
            raise self.board.unknown(request.name, request.version[:40])
        return self.board.find(request.name, int(request.version))

    def _unknown(self, name: bytes, version: bytes) -> NotFoundError:
        asked = version[:40].decode("utf-8", "replace")
        return self.board.unknown(name[:200].decode("utf-8", "replace"), asked)


def _read(message: Any, body: bytes) -> Any:
    try:
        return message.FromString(body)
    except DecodeError:
        text = f"the body is not a {message.DESCRIPTOR.name} message; send one as the .proto file declares it"
        raise RequestError(text) from None


def _is_version(text: str) -> bool:
    # No version has more digits.
    return text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS
