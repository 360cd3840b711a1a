"""App: the ordinary routes (health, metadata, documentation) and the hot handlers behind the ASGI road."""

import asyncio
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any

import msgspec
import orjson
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from golive.errors import GoliveError, NotFoundError, RequestError, UnavailableError
from golive.serving.answer import JSON_HEAD, TOLD, Answer, Ask, Handler, refusal, version_head
from golive.serving.codecs.tensors import metadata
from golive.serving.hall import Hall
from golive.serving.pages.config import config_of
from golive.serving.pages.docs import DOCS_PAGE
from golive.serving.pages.openapi import describe
from golive.serving.pages.statistics import statistics_of
from golive.serving.pages.v1 import v1_metadata, v1_status
from golive.serving.served import Served

Endpoint = Callable[[Request], Awaitable[Response]]

EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository(index)", "statistics")
"""What is answered beyond the core of the Open Inference Protocol."""
_OPEN = frozenset({"/", "/health", "/ping", "/docs", "/v2/health/live", "/v2/health/ready"})
"""Routes without authentication: they tell nothing about a model."""
_AT_ONCE_BYTES = 64 * 2**10
"""Up to here a compressed body is inflated in the event loop: a tenth of a millisecond, as much as a thread hop."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a server tells of itself."""

    title: str = "golive"
    version: str = ""
    max_rows: int = 100_000
    """Rows that one request may have."""
    health_path: str = ""
    """A further path that says whether predictions are answered; none when empty."""


def build_app(hall: Hall, about: About) -> ASGIApp:
    """Build the ASGI app of one server."""
    return Guard(Endpoints(hall, about).starlette(), hall, _OPEN | {about.health_path})


class Guard:
    """Gives every ordinary request its id and asks for its key."""

    def __init__(self, app: ASGIApp, hall: Hall, is_open: AbstractSet[str]) -> None:
        self._app = app
        self._hall = hall
        self._open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        told = {name: value for name, value in scope["headers"] if name in TOLD}
        caller = self._hall.caller(told)
        ask = Ask(self._hall.request_ids(told.get(b"x-request-id")), told, caller or "", time.perf_counter_ns())
        scope["ask"] = ask

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = ask.request_id
            await send(message)

        if scope["path"] in self._open or caller is not None:
            await self._app(scope, receive, self._hall.pack.over(stamped, ask))
        else:
            await _response(self._hall.denied(b"", ask))(scope, receive, stamped)


class Endpoints:
    """The endpoints."""

    def __init__(self, hall: Hall, about: About) -> None:
        self._hall = hall
        self._board = hall.switchboard
        self._about = about
        self._ordinary: dict[str, tuple[re.Pattern[str], ...]] = {}

    def starlette(self) -> Starlette:
        """Bind paths to endpoints."""
        own: dict[str, Endpoint] = {self._about.health_path: self.health} if self._about.health_path else {}
        # Its own path comes first, and holds even where another page has the same.
        reading = self._routes("GET", {**own, **self._server_pages(), **self._model_pages(), **own})
        asking = self._routes("POST", self._repository())
        app = Starlette(
            routes=[
                *reading,
                *asking,
                Route("/{path:path}", self.posted, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
            ],
            exception_handlers={HTTPException: _refused_method, GoliveError: _refused},
        )
        app.router.redirect_slashes = False
        return app

    def _routes(self, method: str, endpoints: Mapping[str, Endpoint]) -> list[Route]:
        routes = [Route(path, endpoint, methods=[method]) for path, endpoint in endpoints.items()]
        self._ordinary[method] = tuple(route.path_regex for route in routes)
        return routes

    def _server_pages(self) -> dict[str, Endpoint]:
        return {
            "/": self.index,
            "/health": self.health,
            "/ping": self.health,
            "/version": self.version,
            "/docs": self.docs,
            "/openapi.json": self.openapi,
            "/v1/models": self.v1_models,
            "/v2": self.v2_server,
            "/v2/health/live": self.v2_live,
            "/v2/health/ready": self.v2_ready,
            "/v2/models/stats": self.v2_statistics,
        }

    def _model_pages(self) -> dict[str, Endpoint]:
        pages: dict[str, Endpoint] = {
            "/v1/models/{name}": self.v1_model,
            "/v1/models/{name}/metadata": self.v1_metadata,
            "/v2/models/{name}": self.v2_model,
            "/v2/models/{name}/ready": self.v2_model_ready,
            "/v2/models/{name}/config": self.v2_config,
            "/v2/models/{name}/stats": self.v2_statistics,
        }
        pinned = {path.replace("{name}", "{name}/versions/{version}"): page for path, page in pages.items()}
        labels: dict[str, Endpoint] = {
            f"/v1/models/{{name}}/labels/{{label}}{rest}": self.v1_label for rest in ("", "/metadata")
        }
        return pages | pinned | labels

    def _repository(self) -> dict[str, Endpoint]:
        return {
            "/v2/repository/index": self.v2_repository,
            "/v2/repository/models/{name}/load": self.v2_unserved,
            "/v2/repository/models/{name}/unload": self.v2_unserved,
        }

    async def index(self, request: Request) -> Response:
        """Say that the server lives and where to read on."""
        del request
        return _json(
            {
                "status": "alive",
                "name": self._about.title,
                "docs": "/docs",
                "openapi": "/openapi.json",
                "health": "/health",
                "predict": "/v1/models/{model}:predict",
            }
        )

    async def health(self, request: Request) -> Response:
        """Say whether predictions are answered."""
        del request
        ready = self._is_ready()
        return _json({"status": "healthy" if ready else "unavailable"}, status=200 if ready else 503)

    async def version(self, request: Request) -> Response:
        """Give the version of this program, as plain text."""
        del request
        return Response(self._about.version, media_type="text/plain")

    async def docs(self, request: Request) -> Response:
        """Give the page that shows ``/openapi.json``."""
        del request
        return HTMLResponse(DOCS_PAGE)

    async def openapi(self, request: Request) -> Response:
        """Describe the routes of every served model."""
        del request
        signatures = {name: self._board.find(name).signature for name in self._board.names}
        secured = self._hall.caller({}) is None
        return _json(
            describe(signatures, self._about.title, self._about.version, secured=secured, explains=self._board.explains)
        )

    async def v1_models(self, request: Request) -> Response:
        """List the served names."""
        del request
        return _json({"models": list(self._board.names)})

    async def v1_model(self, request: Request) -> Response:
        """Give one object that TensorFlow Serving's and KServe's clients both read."""
        name, version = _asked(request)
        self._board.find(name, version)
        versions = self._board.versions(name) if version is None else (version,)
        return _json(v1_status(name, versions))

    async def v1_metadata(self, request: Request) -> Response:
        """Describe a model's signature in the words of TensorFlow Serving."""
        name, version = _asked(request)
        lane = self._board.find(name, version)
        return _json(v1_metadata(name, lane.placed.version, lane.signature), version=lane.placed.version)

    async def v1_label(self, request: Request) -> Response:
        """Say that versions have no labels."""
        name = request.path_params["name"]
        self._board.find(name)
        raise self._board.no_label(name, request.path_params["label"])

    async def v2_server(self, request: Request) -> Response:
        """Describe the server."""
        del request
        about = self._about
        return _json({"name": about.title, "version": about.version, "extensions": EXTENSIONS})

    async def v2_live(self, request: Request) -> Response:
        """Say that the process answers."""
        del request
        return _json({"live": True})

    async def v2_ready(self, request: Request) -> Response:
        """Say whether predictions are answered."""
        del request
        ready = self._is_ready()
        return _json({"live": True, "ready": ready}, status=200 if ready else 503)

    async def v2_model(self, request: Request) -> Response:
        """Describe a model's tensors."""
        name, version = _asked(request)
        lane = self._board.find(name, version)
        return _json(metadata(name, self._board.versions(name), lane.signature), version=lane.placed.version)

    async def v2_model_ready(self, request: Request) -> Response:
        """Say whether a model answers."""
        name, version = _asked(request)
        self._board.find(name, version)
        ready = self._is_ready()
        return _json({"name": name, "ready": ready}, status=200 if ready else 503)

    async def v2_config(self, request: Request) -> Response:
        """Give a model's configuration in the words of Triton."""
        name, version = _asked(request)
        lane = self._board.find(name, version)
        return _json(config_of(name, lane.signature, self._about.max_rows), version=lane.placed.version)

    async def v2_statistics(self, request: Request) -> Response:
        """Give what this process has done: of every version of every model, of one model, or of one version."""
        lanes: Iterable[Served] = self._board.lanes.values()
        if "name" in request.path_params:
            name, version = _asked(request)
            self._board.find(name, version)
            lanes = [lane for lane in lanes if lane.placed.name == name and version in {None, lane.placed.version}]
        return _json(statistics_of(lane.snapshot() for lane in lanes))

    async def v2_repository(self, request: Request) -> Response:
        """List the loaded versions; the body's ``ready`` changes nothing, for all of them are."""
        await self._body(request)
        return _json([{"name": name, "version": str(each), "state": "READY"} for name, each in self._board.lanes])

    async def v2_unserved(self, request: Request) -> Response:
        """Refuse to load or unload for a caller."""
        message = "models are loaded and unloaded by deploying, never by a caller; run `golive deploy`"
        ask: Ask = request.scope["ask"]
        return _response(self._board.rejected(UnavailableError(message), ask.request_id, HTTPStatus.NOT_IMPLEMENTED))

    async def posted(self, request: Request) -> Response:
        """Answer a hot route that came down this road, or say that there is no such route."""
        path = request.url.path
        handler = self._board.routes.get(path.encode("utf-8", "surrogateescape"))
        ask: Ask = request.scope["ask"]
        if request.method != "POST" and handler is not None:
            raise HTTPException(405, headers={"allow": "POST"})
        if handler is None and ":" not in path:
            for method, patterns in self._ordinary.items():
                if any(pattern.match(path) for pattern in patterns):
                    raise HTTPException(405, headers={"allow": method})
        if handler is None:
            return _response(self._board.rejected(self._board.unrouted(path), ask.request_id))
        try:
            return _response(await _answered(handler, await self._body(request), ask, request.receive))
        except RequestError as error:
            response = _response(self._board.rejected(error, ask.request_id))
            response.headers["connection"] = "close"
            return response
        except ClientDisconnect:
            return Response(status_code=400)

    async def _body(self, request: Request) -> bytes:
        limit = self._hall.limits.body_bytes
        parts, size = [], 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise self._hall.too_large()
        body = b"".join(parts)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding == "identity":
            return body
        inflating = _Inflating(body, encoding, limit, self._hall.too_large)
        # A few bytes may become the limit's worth: in the event loop all others would wait for that.
        plain = inflating.begin()
        return await self._hall.aside.do(inflating.finish) if plain is None else plain

    def _is_ready(self) -> bool:
        return bool(self._board.traffic) and not self._hall.draining


def _asked(request: Request) -> tuple[str, int | None]:
    name, version = request.path_params["name"], request.path_params.get("version")
    if version is None:
        return name, None
    # No version has more digits; a longer text would only make the error long.
    if not (version.isascii() and version.isdigit() and len(version) < 10):  # noqa: PLR2004
        message = (
            f"the version {version[:40]!r} of model {name!r} is not a whole number; GET /v2/models/{name} lists them"
        )
        raise NotFoundError(message)
    return name, int(version)


class _Inflating:
    """One compressed body on its way to a plain one."""

    def __init__(self, body: bytes, encoding: str, limit: int, too_large: Callable[[], RequestError]) -> None:
        if encoding not in {"gzip", "x-gzip", "deflate"}:
            message = f"the content encoding {encoding[:40]!r} is not known; send gzip, deflate or none"
            raise RequestError(message)
        self._rest = body
        self._encoding = encoding
        self._limit = limit
        self._too_large = too_large
        # The window bits 47 take zlib's and gzip's frames.
        self._inflater = zlib.decompressobj(wbits=47)
        self._plain = b""

    def begin(self) -> bytes | None:
        """Inflate what can be done at once; gives the whole body if that is all.

        Raises:
            RequestError: the bytes are not compressed as they should be.
        """
        self._plain = self._inflate(_AT_ONCE_BYTES)
        return self._checked() if self._inflater.eof else None

    def finish(self) -> bytes:
        """Inflate the rest.

        Raises:
            RequestError: the bytes are not compressed as they should be, or become too many.
        """
        self._plain += self._inflate(max(1, self._limit + 1 - len(self._plain)))
        return self._checked()

    def _inflate(self, most: int) -> bytes:
        try:
            plain = self._inflater.decompress(self._rest, most)
        except zlib.error as error:
            message = f"the body is not {self._encoding} as its header says; send it plain or compress it again"
            raise RequestError(message) from error
        self._rest = self._inflater.unconsumed_tail
        return plain

    def _checked(self) -> bytes:
        if len(self._plain) > self._limit:
            raise self._too_large()
        if not self._inflater.eof:
            message = f"the {self._encoding} body ends too early; send it whole"
            raise RequestError(message)
        if self._inflater.unused_data:
            left = len(self._inflater.unused_data)
            message = f"{left} bytes follow the end of the {self._encoding} body; send it as one piece"
            raise RequestError(message)
        return self._plain


async def _answered(handler: Handler, body: bytes, ask: Ask, receive: Receive) -> Answer:
    """Wait for an answer, and cancel it when the client goes.

    Raises:
        ClientDisconnect: the client is gone.
    """
    answer = handler(body, ask)
    if isinstance(answer, tuple):
        return answer
    gone = asyncio.ensure_future(receive())
    try:
        # The whole body has been received: what comes now can only be the end of the connection.
        waiting: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        gone.cancel()
        answer.cancel()


def _json(value: Any, *, status: int = 200, version: int | None = None) -> Response:
    head = JSON_HEAD if version is None else JSON_HEAD + version_head(version)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        head += b"retry-after: 1\r\n"
    return _response((status, head, orjson.dumps(value)))


def _response(answer: Answer) -> Response:
    status, head, body = answer
    return Response(body, status_code=status, headers=_headers(head))


def _headers(head: bytes) -> dict[str, str]:
    """Read header lines back into a table."""
    lines = head.decode("latin-1").split("\r\n")
    return dict(line.split(": ", 1) for line in lines if line)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, GoliveError):
        raise error
    return _response(refusal(error, request.scope["ask"].request_id))


async def _refused_method(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    mistake = RequestError(f"{request.method} is not possible on {path}; GET /docs shows what is")
    response = _response(refusal(mistake, request.scope["ask"].request_id, status=error.status_code))
    response.headers.update(error.headers or {})
    return response
