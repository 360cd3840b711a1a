"""Admin: the routes through which a supervisor is seen and told. Everything on a Unix socket, reading only on TCP."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from golive.control.running.journal import tell
from golive.control.running.messages import Readiness, Refusal
from golive.domain.serving import Observed, Step
from golive.errors import GoliveError, UsageError
from golive.serving.exposition import CONTENT_TYPE

_JSON = "application/json"
Handler = Callable[[Request], Awaitable[Response]]


class Supervised(Protocol):
    """What the routes ask of a supervisor."""

    def observe(self) -> Observed: ...  # noqa: D102

    async def apply(self, step: Step) -> Observed: ...  # noqa: D102

    async def metrics(self) -> bytes: ...  # noqa: D102


def reading_app(supervisor: Supervised) -> Starlette:
    """Build what anyone who reaches the listener may read: metrics, health, readiness."""
    return Starlette(routes=_reading(supervisor))


def admin_app(supervisor: Supervised) -> Starlette:
    """Build the whole administration, for the Unix socket of the user who runs the supervisor."""

    async def observed(_: Request) -> Response:
        return _json(supervisor.observe())

    async def apply(request: Request) -> Response:
        try:
            step = msgspec.json.decode(await request.body(), type=Step)
        except msgspec.DecodeError as error:
            return _refused(UsageError(f"the step cannot be read ({error}); send a Start or a Shift as JSON"))
        return _json(await supervisor.apply(step))

    routes = [
        *_reading(supervisor),
        Route("/observed", observed, methods=["GET"]),
        Route("/apply", _guarded(apply), methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _reading(supervisor: Supervised) -> list[Route]:
    async def metrics(_: Request) -> Response:
        return Response(await supervisor.metrics(), headers={"content-type": CONTENT_TYPE})

    async def health(_: Request) -> Response:
        return Response(b'{"status":"healthy"}', media_type=_JSON)

    async def ready(_: Request) -> Response:
        healthy = supervisor.observe().healthy
        return _json(Readiness(ready=healthy), 200 if healthy else 503)

    return [
        Route("/metrics", metrics, methods=["GET"]),
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


def _json(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=_JSON)


def _refused(error: GoliveError) -> Response:
    return _json(Refusal(error=error.message, code=error.code), error.status)
