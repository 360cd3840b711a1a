"""Streams: sends from one event loop, over connections that are kept."""

import asyncio
import ssl
from typing import cast

from golive.client.address import Address
from golive.client.exchange import Late, Lost, Reply, Send
from golive.client.wire import Incoming, request_bytes
from golive.errors import VerificationError


class Streams:
    """The connections of one client that are not in use at the moment.

    Args:
        address: Where the server is.
        tls: How to speak over https; None for plain http.
    """

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._tls = tls
        self._idle: list[_Connection] = []

    async def send(self, step: Send) -> Reply | Lost | Late:
        """Send a request and read its answer; the connection is kept where the server keeps it."""
        data = request_bytes(step, self._address)
        try:
            async with asyncio.timeout(step.timeout_s):
                answer = await self._over_kept(data)
                return answer if answer is not None else await self._over(await self._connect(), data)
        except TimeoutError:
            return Late()
        except (OSError, VerificationError) as error:
            return Lost(str(error) or type(error).__name__)

    async def close(self) -> None:
        """Close the connections."""
        loop = asyncio.get_running_loop()
        here = [connection for connection in self._idle if connection.loop is loop]
        self._idle.clear()
        await asyncio.gather(*(connection.close() for connection in here))

    async def _over_kept(self, data: bytes) -> Reply | None:
        """Use a kept connection; None where there is none that the server has not closed."""
        loop = asyncio.get_running_loop()
        if self._idle:
            # By its second turn the loop has told the connections what came: an end, or what no one asked for.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        while self._idle:
            connection = self._idle.pop()
            # One that was opened in another event loop, such as that of an earlier asyncio.run, cannot be used here.
            if connection.is_open and connection.loop is loop:
                try:
                    return await self._over(connection, data)
                except ConnectionError:
                    if connection.incoming.has_begun:
                        raise
        return None

    async def _over(self, connection: "_Connection", data: bytes) -> Reply:
        try:
            reply = await connection.ask(data)
        except BaseException:
            # Also when the caller is cancelled: what still comes would be read as the next answer.
            connection.abort()
            raise
        if connection.incoming.keeps_alive and connection.is_open:
            self._idle.append(connection)
        else:
            connection.abort()
        return reply

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            _Connection,
            self._address.host,
            self._address.port,
            ssl=self._tls,
            server_hostname=self._address.host if self._tls else None,
        )
        return connection


class _Connection(asyncio.Protocol):
    """One connection, one question at a time."""

    def __init__(self) -> None:
        self.incoming = Incoming()
        self.is_open = False
        self._answer: asyncio.Future[Reply] | None = None

    async def ask(self, data: bytes) -> Reply:
        """Send a request and wait for the whole answer.

        Raises:
            ConnectionError: the connection ended before.
            VerificationError: what came is not HTTP.
        """
        self.incoming = Incoming()
        self._answer = self.loop.create_future()
        self._transport.write(data)
        return await self._answer

    def abort(self) -> None:
        """Close at once."""
        self.is_open = False
        self._transport.abort()

    async def close(self) -> None:
        """Close, and wait until it is."""
        self.is_open = False
        self._transport.close()
        await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self.loop.create_future()
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Read on."""
        answer = self._answer
        if answer is None or answer.done():
            # Nothing was asked, so nothing that comes can be trusted.
            self.abort()
            return
        try:
            self.incoming.feed(data)
        except VerificationError as error:
            answer.set_exception(error)
            return
        if self.incoming.is_whole:
            answer.set_result(self.incoming.reply())

    def connection_lost(self, exc: Exception | None) -> None:
        """End; what was asked has no answer, unless the end was the end of it."""
        self.is_open = False
        if not self._ended.done():
            self._ended.set_result(None)
        answer = self._answer
        if answer is None or answer.done():
            return
        if self.incoming.end():
            answer.set_result(self.incoming.reply())
        else:
            answer.set_exception(exc or ConnectionError("the server closed the connection"))
