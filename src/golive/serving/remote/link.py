"""Link: the way from one process to a group of models in another, which comes and goes."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from golive.errors import DeadlineError, UnavailableError
from golive.serving.remote.exchange import Exchange, Wire, ended_early

Want = Callable[[int, int], None]
"""Told that a group is wanted: its number, and the serial of the start that was lost (0: none was)."""


class LinkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one link may hold."""

    wait_s: float = 30.0
    """How long a request waits for its group to start."""
    waiting: int = 1000
    """Requests that wait for it."""
    waiting_bytes: int = 64 << 20
    """The bodies of those."""
    connections: int = 128


class Link:
    """Sends requests to a group while it runs, and keeps them while it is started.

    A request whose connection is lost before a byte of the answer came is sent once more, and to the next start of
    the group if that one is lost too: a process that is killed may accept connections for a moment after it has lost
    all it had. Predicting twice does no harm. One loop, nothing locked.

    Args:
        group: the number of the group.
        want: is told, once, when a request comes while the group is not there.
    """

    def __init__(self, group: int, want: Want, limits: LinkLimits) -> None:
        self._group = group
        self._want = want
        self._limits = limits
        self._standing = ("", 0, "")
        self._is_up = False
        self._has_asked = False
        self._idle: list[Wire] = []
        self._open: set[Wire] = set()
        self._dialing: set[asyncio.Task[None]] = set()
        self._waiting: dict[Exchange, asyncio.TimerHandle] = {}
        self._waiting_bytes = 0
        self._under_way = 0
        self._used_at = 0.0
        self._onward: Callable[[Exchange], None] | None = None

    @property
    def idle_s(self) -> float:
        """How long ago it was last needed, in seconds."""
        return 0.0 if self._waiting or self._under_way else time.monotonic() - self._used_at

    def submit(self, exchange: Exchange) -> None:
        """Have a request answered, now or when the group is there."""
        self._used_at = time.monotonic()
        self._under_way += 1
        exchange.future.add_done_callback(self._settled)
        if self._idle:
            self._idle.pop().send(exchange, time.perf_counter_ns())
        else:
            self._queue(exchange)

    def point(self, path: str, serial: int, error: str) -> None:
        """Take where the group is now.

        Args:
            path: its socket; empty while it does not run.
            serial: counts its starts; connections to an earlier one are ended once they are idle.
            error: why it cannot be started; empty otherwise.
        """
        if (path, serial, error) == self._standing:
            return
        self._standing = (path, serial, error)
        self._is_up = bool(path)
        self._has_asked = False
        self._hang_up()
        self._go_on()

    def leave(self, onward: Callable[[Exchange], None]) -> None:
        """Send nothing more this way: what waits, and what comes back unanswered, goes on to somebody else."""
        self._onward = onward
        for exchange in tuple(self._waiting):
            self._unqueue(exchange)
            onward(exchange)
        self.point("", -1, "")

    def _queue(self, exchange: Exchange) -> None:
        if self._onward is not None:
            self._onward(exchange)
            return
        limits = self._limits
        size = len(exchange.body)
        if len(self._waiting) >= limits.waiting or self._waiting_bytes + size > limits.waiting_bytes:
            message = (
                f"{len(self._waiting)} requests wait for this model's process already; come back in a second, or "
                "raise serving.memory_mb"
            )
            exchange.fail(UnavailableError(message))
            return
        wait_s, too_late = limits.wait_s, self._too_long
        if exchange.deadline_ns is not None:
            left_s = (exchange.deadline_ns - time.perf_counter_ns()) / 1e9
            wait_s, too_late = min((wait_s, too_late), (left_s, _past_deadline), key=lambda each: each[0])
        self._waiting[exchange] = asyncio.get_running_loop().call_later(wait_s, too_late, exchange)
        self._waiting_bytes += size
        exchange.future.add_done_callback(lambda _: self._unqueue(exchange))
        self._go_on()

    def _unqueue(self, exchange: Exchange) -> bool:
        timer = self._waiting.pop(exchange, None)
        if timer is None:
            return False
        timer.cancel()
        self._waiting_bytes -= len(exchange.body)
        return True

    def _too_long(self, exchange: Exchange) -> None:
        message = f"the process of this model was not ready within {self._limits.wait_s:g} s; come back in a while"
        exchange.fail(UnavailableError(message))

    def _go_on(self) -> None:
        """Do what the waiting requests need next: a connection, the group itself, or an end to the waiting."""
        error = self._standing[2]
        if error:
            for exchange in tuple(self._waiting):
                exchange.fail(UnavailableError(error))
        elif self._is_up:
            room = self._limits.connections - len(self._open)
            for _ in range(min(room, len(self._waiting)) - len(self._dialing)):
                task = asyncio.get_running_loop().create_task(self._dial())
                self._dialing.add(task)
                task.add_done_callback(self._dialing.discard)
        elif self._waiting and not self._has_asked:
            self._has_asked = True
            self._want(self._group, 0)

    async def _dial(self) -> None:
        path, serial, _ = self._standing
        try:
            _, wire = await asyncio.get_running_loop().create_unix_connection(
                lambda: Wire(serial, self._free, self._lost), path
            )
        except OSError:
            self._lose(serial)
            return
        self._open.add(wire)
        self._free(wire)

    def _free(self, wire: Wire) -> None:
        if wire.is_closing or not self._is_up or wire.serial != self._standing[1]:
            wire.close()
            return
        for exchange in self._waiting:
            self._unqueue(exchange)
            wire.send(exchange, time.perf_counter_ns())
            return
        self._idle.append(wire)

    def _lost(self, wire: Wire, exchange: Exchange | None, has_begun: bool) -> None:
        self._open.discard(wire)
        if wire in self._idle:
            self._idle.remove(wire)
        if exchange is None or exchange.future.done():
            self._go_on()
        elif has_begun or exchange.lost_by not in (None, wire.serial):
            exchange.fail(ended_early())
            self._go_on()
        else:
            if exchange.lost_by is not None:
                self._lose(wire.serial)
            exchange.lost_by = wire.serial
            self._queue(exchange)

    def _lose(self, serial: int) -> None:
        """The group cannot be reached although it should be there: it is gone, or about to be."""
        if serial != self._standing[1] or not self._is_up:
            return
        self._is_up = False
        self._has_asked = True
        self._hang_up()
        self._want(self._group, serial)

    def _hang_up(self) -> None:
        idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()

    def _settled(self, _: object) -> None:
        self._under_way -= 1
        self._used_at = time.monotonic()


def _past_deadline(exchange: Exchange) -> None:
    message = "the process of this model was not ready before the deadline of the request; allow more time"
    exchange.fail(DeadlineError(message))
