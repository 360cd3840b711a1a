"""Server: gRPC on an inherited socket, in the event loop that also answers HTTP, with a graceful stop."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

import msgspec

from golive.serving.grpc.connection import Connection
from golive.serving.grpc.hub import Gate, GrpcLimits, Hub
from golive.serving.grpc.service import Service
from golive.serving.listening import several

_BACKLOG = 4096
_FURTHER_ACCEPTS = 7
_SETTLE_S = 0.02


class GrpcConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How one gRPC server behaves. Times in seconds."""

    limits: GrpcLimits = GrpcLimits()
    drain_s: float = 3.0
    """How long clients may still send calls after they were told to send them elsewhere."""
    stop_s: float = 10.0
    """How long, after that, running calls may take before they are cut."""
    tls_certificate: str | None = None
    """Path of a PEM file with the certificate chain."""
    tls_key: str | None = None
    """Path of the PEM file with its private key."""


async def serve_grpc(
    service: Service,
    gate: Gate,
    sock: socket.socket,
    config: GrpcConfig,
    *,
    on_ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Answer calls on a bound socket until ``stop`` is set, then drain.

    Closes ``sock`` at the end (in this process only: other processes that inherited it go on). ``on_ready`` is called
    once connections are accepted.

    Raises:
        OSError: the certificate or key cannot be read.
    """
    hub = Hub(service, gate, config.limits)
    loop, tls = asyncio.get_running_loop(), _tls(config)
    servers = [
        await loop.create_server(lambda: Connection(hub), sock=each, ssl=tls, backlog=_BACKLOG)
        # One turn of the event loop accepts one connection for each of them, as on the HTTP road.
        for each in several(sock, _FURTHER_ACCEPTS)
    ]
    on_ready()
    try:
        await stop.wait()
    finally:
        for server in servers:
            server.close()
        await _drain(hub, config)


async def _drain(hub: Hub, config: GrpcConfig) -> None:
    # A connection that was accepted in the last moment shows up a turn of the loop later.
    await asyncio.sleep(_SETTLE_S)
    for connection in tuple(hub.connections):
        connection.drain()
    await _emptied(hub, config.drain_s)
    for connection in tuple(hub.connections):
        connection.finish()
    await _emptied(hub, config.stop_s)
    for connection in tuple(hub.connections):
        connection.cut()


async def _emptied(hub: Hub, limit_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hub.empty.wait(), limit_s)


def _tls(config: GrpcConfig) -> ssl.SSLContext | None:
    if config.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.tls_certificate, config.tls_key)
    context.set_alpn_protocols(["h2"])
    return context
