"""Sockets: sends from one thread or many, over connections that are kept."""

import socket
import ssl
import time
from contextlib import suppress

from golive.client.address import Address
from golive.client.exchange import Late, Lost, Reply, Send
from golive.client.wire import CHUNK_BYTES, Incoming, request_bytes
from golive.errors import VerificationError


class Sockets:
    """The connections of one client that are not in use at the moment.

    Args:
        address: Where the server is.
        tls: How to speak over https; None for plain http.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._tls = tls
        # A list is a stack that threads may share: append and pop are each one step.
        self._idle: list[socket.socket] = []

    def send(self, step: Send) -> Reply | Lost | Late:
        """Send a request and read its answer; the connection is kept where the server keeps it."""
        ends, data = time.monotonic() + step.timeout_s, request_bytes(step, self._address)
        try:
            answer = self._over_kept(data, ends)
            return answer if answer is not None else self._over(self._connect(ends), data, ends).reply()
        except TimeoutError:
            return Late()
        except (OSError, VerificationError) as error:
            return Lost(str(error) or type(error).__name__)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _over_kept(self, data: bytes, ends: float) -> Reply | None:
        """Use a kept connection; None where there is none that the server has not closed."""
        while self._idle:
            with suppress(IndexError):
                kept = self._idle.pop()
                if _is_quiet(kept):
                    with suppress(_UnheardError):
                        return self._over(kept, data, ends).reply()
                kept.close()
        return None

    def _over(self, connection: socket.socket, data: bytes, ends: float) -> Incoming:
        incoming = Incoming()
        try:
            _exchange(connection, data, incoming, ends)
        except (OSError, VerificationError) as error:
            connection.close()
            if incoming.has_begun or not isinstance(error, (ConnectionError, ssl.SSLEOFError)):
                raise
            raise _UnheardError(str(error)) from error
        if incoming.keeps_alive:
            self._idle.append(connection)
        else:
            connection.close()
        return incoming

    def _connect(self, ends: float) -> socket.socket:
        connection = socket.create_connection((self._address.host, self._address.port), timeout=_left_s(ends))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return connection
        try:
            connection.settimeout(_left_s(ends))
            return self._tls.wrap_socket(connection, server_hostname=self._address.host)
        except OSError:
            connection.close()
            raise


class _UnheardError(ConnectionError):
    """The connection ended before a byte of the answer came."""


def _exchange(connection: socket.socket, data: bytes, incoming: Incoming, ends: float) -> None:
    # A server that refuses a long body answers before it has read it all: what it says is still to be read.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.settimeout(_left_s(ends))
        connection.sendall(data)
    while not incoming.is_whole:
        connection.settimeout(_left_s(ends))
        if part := connection.recv(CHUNK_BYTES):
            incoming.feed(part)
        elif not incoming.end():
            message = "the server closed the connection"
            raise ConnectionError(message)


def _is_quiet(connection: socket.socket) -> bool:
    """Say whether a kept connection is still open, with nothing to be read that was not asked for."""
    connection.setblocking(False)
    try:
        # Beneath TLS, which cannot peek.
        socket.socket.recv(connection, 1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _left_s(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
