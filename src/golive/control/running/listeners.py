"""Listeners: the sockets a supervisor binds, once, for as long as it lives."""

import errno
import os
import socket
import time
from pathlib import Path

import msgspec

from golive.errors import UnavailableError, UsageError

BACKLOG = 4096
_RETRY_S = 0.1


Listening = tuple[socket.socket, ...]
"""The bound sockets that a worker answers on: of HTTP, and of gRPC if that is on."""


class Sockets(msgspec.Struct, frozen=True):
    """What a supervisor listens on."""

    inference: Listening
    reading: socket.socket
    """Of the read-only administration, on TCP."""
    admin: socket.socket
    """Of the whole administration, on a Unix socket."""


def bind(host: str, port: int, *, option: str, patience_s: float = 0.0) -> socket.socket:
    """Bind and listen; port 0 takes a free one.

    Args:
        host: a name or address.
        port: from 0 to 65535.
        option: what a person would change, for the message (``--port``).
        patience_s: how long to wait for a port that the last supervisor's workers are about to let go.

    Raises:
        UnavailableError: the port is taken, or this user may not have it.
        UsageError: the host is not an address of this machine.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return _listening(host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(_RETRY_S)
                continue
            raise _refusal(host, port, option, error) from error


def bind_unix(path: Path) -> socket.socket:
    """Bind and listen on a Unix socket that only this user may use, in place of what was left there.

    Raises:
        UnavailableError: the path cannot be bound.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        bound.bind(str(path))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        message = (
            f"the socket {str(path)!r} cannot be made ({error.strerror}); remove it or choose another state folder"
        )
        raise UnavailableError(message) from error
    finally:
        os.umask(before)
    return bound


def address_of(bound: socket.socket) -> tuple[str, int]:
    """Give the host and port of a bound socket."""
    host, port = bound.getsockname()[:2]
    return str(host), int(port)


def url_of(scheme: str, bound: socket.socket) -> str:
    """Write a bound socket's address as a URL that this machine can open."""
    host, port = address_of(bound)
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is compared, not bound
    return f"{scheme}://[{here}]:{port}" if ":" in here else f"{scheme}://{here}:{port}"


def target_of(bound: socket.socket) -> str:
    """Write a bound socket's address as gRPC clients take it: ``host:port``."""
    return url_of("", bound).removeprefix("://")


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _refusal(host: str, port: int, option: str, error: OSError) -> UnavailableError | UsageError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"the host {host!r} is not an address of this machine; use 127.0.0.1 or one of its own")
    if error.errno == errno.EADDRINUSE:
        return UnavailableError(
            f"port {port} on {host} is in use by another program; stop that one or choose another with {option} "
            f"({option} 0 takes a free one)"
        )
    if error.errno == errno.EACCES:
        return UnavailableError(f"this user may not bind port {port}; choose one above 1023 with {option}")
    return UnavailableError(f"port {port} on {host} cannot be bound ({error.strerror or error})")
