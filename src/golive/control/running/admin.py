"""Admin: the routes through which a supervisor is seen and told. Everything on a Unix socket, reading only on TCP."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from golive.control.running.journal import tell
from golive.control.running.messages import Readiness, Refusal, Residence
from golive.control.running.repository import Entry
from golive.domain.serving import Observed, Step
from golive.errors import GoliveError, TooLargeError, UsageError
from golive.serving.telemetry.exposition import CONTENT_TYPE

_JSON = "application/json"
_BODY_BYTES = 1 << 20
"""More than a step with thousands of models."""
Handler = Callable[[Request], Awaitable[Response]]


class Supervised(Protocol):
    """What the routes ask of a supervisor."""

    def observe(self) -> Observed: ...  # noqa: D102

    async def apply(self, step: Step) -> Observed: ...  # noqa: D102

    async def metrics(self, *, with_triton: bool = False) -> bytes: ...  # noqa: D102

    def residence(self) -> Residence: ...  # noqa: D102


class Changed(Protocol):
    """What the routes ask of a repository of models."""

    def index(self, body: bytes) -> tuple[Entry, ...]: ...  # noqa: D102

    async def load(self, name: str, body: bytes) -> None: ...  # noqa: D102

    async def unload(self, name: str, body: bytes) -> None: ...  # noqa: D102


def reading_app(supervisor: Supervised, repository: Changed) -> Starlette:
    """Build what anyone who reaches the listener may read: metrics, health, readiness, the index of models."""
    return Starlette(routes=_reading(supervisor, repository))


def admin_app(supervisor: Supervised, repository: Changed) -> Starlette:
    """Build the whole administration, for the Unix socket of the user who runs the supervisor."""

    async def observed(_: Request) -> Response:
        return _json(supervisor.observe())

    async def apply(request: Request) -> Response:
        try:
            step = msgspec.json.decode(await _body(request), type=Step)
        except msgspec.DecodeError as error:
            return _refused(UsageError(f"the step cannot be read ({error}); send a Start or a Shift as JSON"))
        return _json(await supervisor.apply(step))

    async def groups(_: Request) -> Response:
        return _json(supervisor.residence())

    async def load(request: Request) -> Response:
        await repository.load(request.path_params["name"], await _body(request))
        return Response(b"{}", media_type=_JSON)

    async def unload(request: Request) -> Response:
        await repository.unload(request.path_params["name"], await _body(request))
        return Response(b"{}", media_type=_JSON)

    routes = [
        *_reading(supervisor, repository),
        Route("/observed", observed, methods=["GET"]),
        Route("/groups", groups, methods=["GET"]),
        Route("/v2/repository/models/{name}/load", _guarded(load), methods=["POST"]),
        Route("/v2/repository/models/{name}/unload", _guarded(unload), methods=["POST"]),
        Route("/apply", _guarded(apply), methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _reading(supervisor: Supervised, repository: Changed) -> list[Route]:
    async def metrics(_: Request) -> Response:
        return Response(await supervisor.metrics(), headers={"content-type": CONTENT_TYPE})

    async def metrics_of_triton(_: Request) -> Response:
        return Response(await supervisor.metrics(with_triton=True), headers={"content-type": CONTENT_TYPE})

    async def health(_: Request) -> Response:
        return Response(b'{"status":"healthy"}', media_type=_JSON)

    async def ready(_: Request) -> Response:
        healthy = supervisor.observe().healthy
        return _json(Readiness(ready=healthy), 200 if healthy else 503)

    async def index(request: Request) -> Response:
        return Response(msgspec.json.encode(repository.index(await _body(request))), media_type=_JSON)

    return [
        Route("/v2/repository/index", _guarded(index), methods=["POST"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/metrics/triton", metrics_of_triton, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
    ]


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except GoliveError as error:
            tell(f"refused: {error.message}")
            return _refused(error)

    return guarded


async def _body(request: Request) -> bytes:
    """Read a body.

    Raises:
        TooLargeError: it is longer than any step.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_BYTES:
            message = f"the body is over the limit of {_BODY_BYTES} bytes; send one step, or one request"
            raise TooLargeError(message)
    return body


def _json(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=_JSON)


def _refused(error: GoliveError) -> Response:
    return _json(Refusal(error=error.message, code=error.code), error.status)
