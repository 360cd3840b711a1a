"""Server: uvicorn on an inherited socket, with the hot protocol, a flush timer and a graceful stop."""

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable, Iterator

import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send

from golive.serving.answer import RequestIds
from golive.serving.app import About, build_app
from golive.serving.hall import Authorize, Hall, Limits
from golive.serving.listening import several
from golive.serving.protocol import protocol_class
from golive.serving.switchboard import Switchboard
from golive.serving.telemetry.recorder import Recorder

_FLUSH_S = 0.5
_FLUSH_ROWS = 1000
"""Records encoded at one go, about 2 ms; requests are answered in between."""
_BACKLOG = 4096
_FURTHER_ACCEPTS = 15
"""libuv accepts one connection for each listening descriptor in a turn of the event loop, and a turn may have a run of
a model in it: with one descriptor and 500 clients who came at once, the last one was accepted after 15 seconds."""


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How one inference server behaves. Sizes in bytes, times in seconds."""

    max_body_bytes: int = 16 * 2**20
    max_head_bytes: int = 64 * 2**10
    keep_alive_s: float = 75.0
    request_s: float = 60.0
    """How long a request may take to arrive."""
    max_connections: int = 10_000
    drain_s: float = 3.0
    """How long idle connections are kept for one last answer while the server stops."""
    stop_s: float = 10.0
    """How long, after that, running requests may take before they are cut."""
    authorize: Authorize | None = None
    """None: everyone may ask."""
    tls_certificate: str | None = None
    """Path of a PEM file with the certificate chain."""
    tls_key: str | None = None
    """Path of the PEM file with its private key."""
    title: str = "golive"
    version: str = ""
    max_rows: int = 100_000
    """Rows that one request may have, as lanes were told; the pages of models say it."""
    health_path: str = ""
    """A further path of the health check, which a platform chooses; none when empty."""


async def serve(
    switchboard: Switchboard,
    sock: socket.socket,
    config: ServerConfig,
    *,
    on_ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Answer requests on a bound socket until ``stop`` is set, then drain and hand the last records on.

    Installs no signal handlers and closes ``sock`` at the end (in this process only: other processes that
    inherited it go on). ``on_ready`` is called once connections are accepted.

    Raises:
        OSError: the certificate or key cannot be read.
    """
    hall = Hall(switchboard, limits_of(config), config.authorize, RequestIds(secrets.token_hex(6)))
    server = _Server(_uvicorn_config(hall, config), on_ready)
    flushing = asyncio.create_task(_flush_regularly(switchboard.recorder))
    stopping = asyncio.create_task(_stop_when(stop, server))
    try:
        await server.serve(sockets=several(sock, _FURTHER_ACCEPTS))
    finally:
        flushing.cancel()
        stopping.cancel()
        await asyncio.gather(flushing, stopping, return_exceptions=True)
        if switchboard.recorder is not None:
            switchboard.recorder.flush()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the root of the process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when connections are accepted."""
        await super().startup(sockets=sockets)
        self._on_ready()


def limits_of(config: ServerConfig) -> Limits:
    """Give the limits of a connection."""
    return Limits(
        body_bytes=config.max_body_bytes,
        head_bytes=config.max_head_bytes,
        keep_alive_s=config.keep_alive_s,
        request_s=config.request_s,
        connections=config.max_connections,
        drain_s=config.drain_s,
    )


def _uvicorn_config(hall: Hall, config: ServerConfig) -> uvicorn.Config:
    about = About(title=config.title, version=config.version, max_rows=config.max_rows, health_path=config.health_path)
    app = build_app(hall, about)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn tells the kinds of app apart by inspection, and knows a plain function for what it is.
        await app(scope, receive, send)

    return uvicorn.Config(
        application,
        http=protocol_class(hall),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=int(config.keep_alive_s) or 1,
        timeout_graceful_shutdown=int(config.drain_s + config.stop_s) or 1,
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=config.tls_key,
    )


async def _flush_regularly(recorder: Recorder | None) -> None:
    log = logging.getLogger("golive.serving")
    while recorder is not None:
        await asyncio.sleep(_FLUSH_S)
        try:
            while recorder.flush(_FLUSH_ROWS):  # noqa: ASYNC110 - others have their turn; nothing is waited for
                await asyncio.sleep(0)
        except Exception:  # the border: recording goes on for as long as the server does
            log.exception("records could not be handed on")


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True
