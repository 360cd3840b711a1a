"""Loops: when a connection sends its next request. Closed: after each answer. Open: when a schedule says so."""

import asyncio
import select
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter_ns

from golive.control.load.connection import Connection
from golive.control.load.tally import Tally

_LONGEST_NAP_NS = 1_000_000
"""So that what else the event loop has to do is done."""


class ClosedLoop:
    """Every connection asks as soon as it has its answer, so a slow server is asked less.

    Args:
        requests: gives one after the other, without end.
        tally: counts.
        reconnect: asks for one more connection.
    """

    def __init__(self, requests: Iterator[bytes], tally: Tally, reconnect: Callable[[], None]) -> None:
        self._next = requests.__next__
        self._tally = tally
        self._reconnect = reconnect
        self._begun = False
        self._connections: set[Connection] = set()

    def begin(self, now_ns: int) -> None:
        """Let every connection send."""
        self._begun = True
        for connection in self._connections:
            connection.send(self._next(), now_ns)

    def opened(self, connection: Connection) -> None:
        """Take a connection that may send."""
        self._connections.add(connection)
        now_ns = perf_counter_ns()
        if self._begun and now_ns < self._tally.end_ns:
            connection.send(self._next(), now_ns)

    def answered(self, connection: Connection, status: int, now_ns: int) -> None:
        """Count, and ask again."""
        self._tally.answered(status, connection.due_ns, now_ns)
        connection.due_ns = 0
        if now_ns < self._tally.end_ns and not connection.closes:
            connection.send(self._next(), now_ns)

    def lost(self, connection: Connection) -> None:
        """Count what was cut off, and ask for another connection."""
        self._connections.discard(connection)
        if connection.due_ns:
            self._tally.cut(connection.due_ns, connection.fault)
        self._reconnect()

    @property
    def owes(self) -> bool:
        """Whether some request has no answer yet."""
        return any(connection.due_ns for connection in self._connections)

    def pending(self) -> list[int]:
        """Give the starts of the requests that have no answer yet."""
        return [connection.due_ns for connection in self._connections if connection.due_ns]

    def close(self) -> None:
        """Cut every connection."""
        _close(self._connections)


class OpenLoop:
    """Requests start when they are due; one that finds every connection busy waits, and the wait counts.

    Args:
        requests: gives one after the other, without end.
        moments: the starts, in nanoseconds from the beginning, ascending.
        tally: counts.
        reconnect: asks for one more connection.
        events: the file descriptor that becomes readable when the event loop has something to do.
    """

    def __init__(
        self,
        requests: Iterator[bytes],
        moments: "array[int]",
        tally: Tally,
        reconnect: Callable[[], None],
        *,
        events: int,
    ) -> None:
        self._next = requests.__next__
        self._moments = moments
        self._tally = tally
        self._reconnect = reconnect
        self._events = (events,)
        self._place = 0
        self._begin_ns = 0
        self._connections: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        self._waiting: deque[int] = deque()

    def begin(self, now_ns: int) -> None:
        """Begin the schedule."""
        self._begin_ns = now_ns
        self._pace()

    def opened(self, connection: Connection) -> None:
        """Take a connection that may send."""
        self._connections.add(connection)
        self._use(connection)

    def answered(self, connection: Connection, status: int, now_ns: int) -> None:
        """Count, and send what waits."""
        self._tally.answered(status, connection.due_ns, now_ns)
        connection.due_ns = 0
        if not connection.closes:
            self._use(connection)

    def lost(self, connection: Connection) -> None:
        """Count what was cut off, and ask for another connection."""
        self._connections.discard(connection)
        if connection.due_ns:
            self._tally.cut(connection.due_ns, connection.fault)
        elif connection in self._idle:
            self._idle.remove(connection)
        self._reconnect()

    @property
    def owes(self) -> bool:
        """Whether some request has no answer yet, sent or not."""
        return self.is_unfinished or bool(self._waiting) or any(one.due_ns for one in self._connections)

    def pending(self) -> list[int]:
        """Give the starts of the requests that have no answer yet, sent or not."""
        unsent = [self._begin_ns + moment for moment in self._moments[self._place :]]
        return [*(one.due_ns for one in self._connections if one.due_ns), *self._waiting, *unsent]

    def close(self) -> None:
        """Cut every connection."""
        self._place = len(self._moments)
        self._waiting.clear()
        _close(self._connections)

    @property
    def is_unfinished(self) -> bool:
        """Whether some request has not started."""
        return self._place < len(self._moments)

    def _use(self, connection: Connection) -> None:
        if self._waiting:
            connection.send(self._next(), self._waiting.popleft())
        else:
            self._idle.append(connection)

    def _pace(self) -> None:
        moments, begin_ns, place = self._moments, self._begin_ns, self._place
        now_ns = perf_counter_ns()
        while place < len(moments) and begin_ns + moments[place] <= now_ns:
            due_ns = begin_ns + moments[place]
            place += 1
            self._tally.late(due_ns, now_ns)
            # What waits already goes first: a connection is never idle while something waits.
            if self._idle:
                self._idle.popleft().send(self._next(), due_ns)
            else:
                self._waiting.append(due_ns)
        self._place = place
        if place < len(moments):
            # Not in this turn of the event loop: what was written goes out at its end.
            asyncio.get_running_loop().call_soon(self._rest)

    def _rest(self) -> None:
        """Sleep until the next start or until an answer comes.

        Timers of the event loop are good to 1 ms, which is longer than most gaps; looking at the clock without pause
        takes a core, and where others want that core too, the system then makes the generator wait the longest.
        """
        gap_ns = self._begin_ns + self._moments[self._place] - perf_counter_ns() if self.is_unfinished else 0
        if gap_ns > 0:
            select.select(self._events, (), (), min(gap_ns, _LONGEST_NAP_NS) / 1e9)
        asyncio.get_running_loop().call_soon(self._pace)


def _close(connections: set[Connection]) -> None:
    for connection in tuple(connections):
        connection.due_ns = 0
        connection.close()
