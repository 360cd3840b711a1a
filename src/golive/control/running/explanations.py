"""Explanations: the one process that explains, as the supervisor sees it; it is started when somebody asks."""

import asyncio
import socket
import time
from pathlib import Path

from golive.control.running.journal import tell
from golive.control.running.listeners import bind_unix
from golive.control.running.member import Member
from golive.control.running.messages import Accept, AccessRules, Load
from golive.control.running.nursery import Nursery
from golive.control.running.order import SupervisorOrder, WorkerOrder
from golive.errors import UnavailableError

_START_S = 60.0
_DRAIN_S = 2.0
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 10.0
_MOMENT_S = 0.5
_STABLE_S = 30.0
"""A process that lived this long is started again at once when it has ended; one that did not, after a growing wait."""


class Explanations:
    """Keeps the explaining process alive from the first request on; its socket outlives it.

    Workers connect to the socket whenever they like: what they send waits in it until the process listens.

    Args:
        path: where workers connect.
        order: of the server.
        nursery: where the process comes from.
    """

    def __init__(self, path: Path, order: SupervisorOrder, nursery: Nursery) -> None:
        self.path = path
        self._order = explaining_order(order)
        self._probe_every_s, self._probe_limit_s = order.probe_every_s, order.probe_limit_s
        self._nursery = nursery
        self._socket: socket.socket = bind_unix(path)
        self._keeper: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to watch the socket; no process is started for it."""
        self._keeper = asyncio.create_task(self._keep())

    async def end(self) -> None:
        """End the process. To be called when the workers have ended."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    async def _keep(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            await self._asked()
            began = time.monotonic()
            try:
                code = await self._live()
                tell(f"the explaining process ended with code {code}; it is started again when it is asked for")
            except (UnavailableError, OSError) as error:
                # An error of the system's passes like another: this task must outlive it.
                tell(f"the explaining process does not serve and was ended ({error})")
            wait_s = _FIRST_WAIT_S if time.monotonic() - began > _STABLE_S else min(2 * wait_s, _LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def _asked(self) -> None:
        """Wait until a worker connects, without taking the connection."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._socket, asked.set)
        try:
            await asked.wait()
        finally:
            loop.remove_reader(self._socket)

    async def _live(self) -> int:
        """Start the process and wait for its end; gives its exit code, or a signal's number below zero.

        Raises:
            UnavailableError: it does not come up, or does not answer any more.
        """
        member = await self._nursery.worker((self._socket,))
        try:
            await member.ask(Load, _START_S, order=self._order, access=AccessRules())
            await member.ask(Accept, _START_S)
            return await self._ended(member)
        finally:
            await member.end()

    async def _ended(self, member: Member) -> int:
        """Wait for its end; raises UnavailableError when it lives and does not answer."""
        ending = asyncio.create_task(member.process.wait())
        try:
            while not (await asyncio.wait({ending}, timeout=self._probe_every_s))[0]:
                try:
                    await member.probe(self._probe_limit_s)
                except UnavailableError:
                    # Its end is told a moment later than the loss of what it was asked.
                    if not (await asyncio.wait({ending}, timeout=_MOMENT_S))[0]:
                        raise
            return ending.result()
        finally:
            ending.cancel()


def explaining_order(order: SupervisorOrder) -> WorkerOrder:
    """Tell the process what it needs to know: it serves no version, for every request names its own."""
    return WorkerOrder(
        state=order.state,
        placed=(),
        traffic=(),
        max_body_bytes=order.max_body_bytes,
        max_rows=order.max_rows,
        queue_s=order.queue_s,
        threads=1,
        sample=0.0,
        drain_s=_DRAIN_S,
        has_calls=False,
        tls_cert="",
        tls_key="",
        records="",
        explains=True,
        explain_s=order.explain_s,
    )
