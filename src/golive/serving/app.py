"""App: the ordinary routes (health, metadata, documentation) and the hot handlers behind the ASGI road."""

import re
import zlib
from collections.abc import Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from golive.errors import GoliveError, NotFoundError, RequestError
from golive.serving.answer import SHORT_BYTES, Answer, error_body, extra_headers
from golive.serving.docs_page import DOCS_PAGE
from golive.serving.openapi import describe
from golive.serving.protocol import Hall
from golive.serving.tensors import metadata

_OPEN = frozenset({"/", "/health", "/ping", "/docs", "/v2/health/live", "/v2/health/ready"})
"""Routes without authentication: they tell nothing about a model."""


def build_app(hall: Hall, *, title: str, version: str) -> ASGIApp:
    """Build the ASGI app of one server."""
    return Guard(Endpoints(hall, title=title, version=version).starlette(), hall)


class Guard:
    """Gives every ordinary request its id and asks for its key."""

    def __init__(self, app: ASGIApp, hall: Hall) -> None:
        self._app = app
        self._hall = hall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        sent = headers.get("x-request-id")
        request_id = self._hall.request_ids(sent.encode("latin-1") if sent is not None else None)
        scope["request_id"] = request_id

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        if scope["path"] in _OPEN or self._is_allowed(headers):
            await self._app(scope, receive, stamped)
        else:
            await _response(self._hall.denied(b"", request_id))(scope, receive, stamped)

    def _is_allowed(self, headers: Headers) -> bool:
        values = (headers.get(name) for name in ("authorization", "x-api-key"))
        return self._hall.admits(*(None if value is None else value.encode("latin-1") for value in values))


class Endpoints:
    """The endpoints."""

    def __init__(self, hall: Hall, *, title: str, version: str) -> None:
        self._hall = hall
        self._board = hall.switchboard
        self._title = title
        self._version = version
        self._ordinary: tuple[re.Pattern[str], ...] = ()

    def starlette(self) -> Starlette:
        """Bind paths to endpoints."""
        routes = {
            "/": self.index,
            "/health": self.health,
            "/ping": self.health,
            "/docs": self.docs,
            "/openapi.json": self.openapi,
            "/v1/models": self.v1_models,
            "/v1/models/{name}": self.v1_model,
            "/v1/models/{name}/versions/{version}": self.v1_model,
            "/v2": self.v2_server,
            "/v2/health/live": self.v2_live,
            "/v2/health/ready": self.v2_ready,
            "/v2/models/{name}": self.v2_model,
            "/v2/models/{name}/ready": self.v2_model_ready,
            "/v2/models/{name}/versions/{version}": self.v2_model,
            "/v2/models/{name}/versions/{version}/ready": self.v2_model_ready,
        }
        ordinary = [Route(path, endpoint, methods=["GET"]) for path, endpoint in routes.items()]
        self._ordinary = tuple(route.path_regex for route in ordinary)
        app = Starlette(
            routes=[
                *ordinary,
                Route("/{path:path}", self.posted, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
            ],
            exception_handlers={HTTPException: _refused_method, GoliveError: _refused},
        )
        app.router.redirect_slashes = False
        return app

    async def index(self, request: Request) -> Response:
        """Say that the server lives and where to read on."""
        del request
        return _json(
            {
                "status": "alive",
                "name": self._title,
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

    async def docs(self, request: Request) -> Response:
        """Give the page that shows ``/openapi.json``."""
        del request
        return HTMLResponse(DOCS_PAGE)

    async def openapi(self, request: Request) -> Response:
        """Describe the routes of every served model."""
        del request
        signatures = {name: self._board.find(name).signature for name in self._board.names}
        secured = not self._hall.admits(None, None)
        return _json(describe(signatures, title=self._title, version=self._version, secured=secured))

    async def v1_models(self, request: Request) -> Response:
        """List the served names."""
        del request
        return _json({"models": list(self._board.names)})

    async def v1_model(self, request: Request) -> Response:
        """Give one object that TensorFlow Serving's and KServe's clients both read."""
        name, version = _asked(request)
        self._board.find(name, version)
        versions = self._board.versions(name) if version is None else (version,)
        states = [
            {"version": str(each), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            for each in versions
        ]
        return _json({"name": name, "ready": True, "model_version_status": states})

    async def v2_server(self, request: Request) -> Response:
        """Describe the server."""
        del request
        return _json({"name": self._title, "version": self._version, "extensions": []})

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

    async def posted(self, request: Request) -> Response:
        """Answer a hot route that came down this road, or say that there is no such route."""
        path = request.url.path
        sent_to = path.encode("utf-8", "surrogateescape")
        handler, long_handler = self._board.routes.get(sent_to), self._board.long_routes.get(sent_to)
        request_id: str = request.scope["request_id"]
        if request.method != "POST" and handler is not None:
            raise HTTPException(405, headers={"allow": "POST"})
        if handler is None and ":" not in path and any(pattern.match(path) for pattern in self._ordinary):
            raise HTTPException(405, headers={"allow": "GET"})
        if handler is None or long_handler is None:
            error = self._board.unrouted(path)
            return _response(self._board.rejected(error, request_id))
        try:
            body = await self._body(request)
        except RequestError as error:
            response = _response(self._board.rejected(error, request_id))
            response.headers["connection"] = "close"
            return response
        except ClientDisconnect:
            return Response(status_code=400)
        return _response(
            handler(body, request_id) if len(body) <= SHORT_BYTES else await long_handler(body, request_id)
        )

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
        return body if encoding == "identity" else _inflated(body, encoding, limit, self._hall.too_large)

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


def _inflated(body: bytes, encoding: str, limit: int, too_large: Callable[[], RequestError]) -> bytes:
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        message = f"the content encoding {encoding[:40]!r} is not known; send gzip, deflate or none"
        raise RequestError(message)
    # The window bits 47 take zlib's and gzip's frames.
    inflater = zlib.decompressobj(wbits=47)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        message = f"the body is not {encoding} as its header says; send it plain or compress it again"
        raise RequestError(message) from error
    if len(plain) > limit:
        raise too_large()
    if not inflater.eof:
        message = f"the {encoding} body ends too early; send it whole"
        raise RequestError(message)
    return plain


def _json(value: Any, *, status: int = 200, version: int | None = None) -> Response:
    headers = extra_headers(status) if version is None else {"x-model-version": str(version), **extra_headers(status)}
    return Response(orjson.dumps(value), status_code=status, headers=headers, media_type="application/json")


def _response(answer: Answer) -> Response:
    status, version, body = answer
    headers = dict(extra_headers(status))
    if version:
        headers["x-model-version"] = version.decode("ascii")
    return Response(body, status_code=status, headers=headers, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, GoliveError):
        raise error
    return _response((error.status, b"", error_body(error, request.scope["request_id"])))


async def _refused_method(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    mistake = RequestError(f"{request.method} is not possible on {path}; GET /docs shows what is")
    response = _response((error.status_code, b"", error_body(mistake, request.scope["request_id"])))
    response.headers.update(error.headers or {})
    return response
