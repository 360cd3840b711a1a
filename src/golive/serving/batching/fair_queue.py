"""Fair queue: the requests that wait for one model. Callers take turns, and so do the requests of one caller."""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from golive.ports import Float64, Int64
from golive.serving.batching.ticket import Ticket


class Piece(msgspec.Struct, frozen=True):
    """Rows of a request that go into one run."""

    ticket: Ticket
    start: int
    numbers: Float64
    codes: Int64


class Taken(msgspec.Struct, frozen=True):
    """What was taken out of a queue: rows to run, and requests that are too late to be run."""

    pieces: list[Piece]
    late: list[tuple[Ticket, int]]
    """Each with its deadline."""


class Line:
    """The waiting requests of one caller."""

    __slots__ = ("caller", "rows", "tickets", "turns")

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.tickets: OrderedDict[Ticket, None] = OrderedDict()
        self.rows = 0
        self.turns = 0

    def newest_unbegun(self) -> Iterator[Ticket]:
        """Give the requests of which nothing has run, the newest first."""
        return (ticket for ticket in reversed(self.tickets) if not ticket.taken)


class FairQueue:
    """Requests in the order in which their rows will run.

    Each visit to a caller takes an equal share of a run's rows, whatever the caller holds. A request that is longer
    than a run goes behind its caller's others after every full turn, so a short one never waits for all of it.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._requests = 0
        self.rows = 0
        """Rows that wait."""
        self.size_bytes = 0
        """Bytes of the tensors that are held."""
        self.turns = 0
        """Rows of the first turns of all requests: what a request behind them waits for."""

    def __len__(self) -> int:
        return self._requests

    def add(self, ticket: Ticket) -> None:
        """Put a request at the end of its caller's line."""
        line = self._lines.get(ticket.caller)
        if line is None:
            line = self._lines[ticket.caller] = Line(ticket.caller)
        line.tickets[ticket] = None
        line.rows += ticket.rows
        line.turns += ticket.turn
        self._requests += 1
        self.rows += ticket.rows
        self.size_bytes += ticket.size_bytes
        self.turns += ticket.turn

    def leave(self, ticket: Ticket) -> None:
        """Take a request out; one that is not there is none the less gone."""
        line = self._lines.get(ticket.caller)
        if line is not None and ticket in line.tickets:
            self._remove(line, ticket)
            if not line.tickets:
                del self._lines[line.caller]

    def take(self, most: int, ready_ns: float) -> Taken:
        """Take up to so many rows, from callers in turn.

        Args:
            most: rows of the run, at least 1.
            ready_ns: when the run will have ended; a request whose deadline is not after it is late.
        """
        taken = Taken([], [])
        room = most
        share = max(1, most // max(1, len(self._lines)))
        while room and self._lines:
            line = self._first_line()
            room -= self._take_from(line, min(share, room), most, taken, ready_ns)
            self._to_the_end(line)
        return taken

    def take_alone(self, ready_ns: float) -> Taken:
        """Take one whole request, of the caller whose turn it is; late as in ``take``."""
        taken = Taken([], [])
        while self._lines and not taken.pieces:
            line = self._first_line()
            rows = next(iter(line.tickets)).rows
            self._take_from(line, rows, rows, taken, ready_ns)
            self._to_the_end(line)
        return taken

    def take_all(self) -> list[Ticket]:
        """Empty the queue."""
        tickets = [ticket for line in self._lines.values() for ticket in line.tickets]
        for ticket in tickets:
            self.leave(ticket)
        return tickets

    def ahead_of(self, caller: str, turn: int) -> int:
        """Say how many rows at most will run before a new request of this caller has had its first turn."""
        line = self._lines.get(caller)
        callers = len(self._lines) + (line is None)
        own = 0 if line is None else line.turns
        # No other caller gets more rows meanwhile than this one has and asks for.
        return min(self.turns, callers * (own + turn))

    def rows_of(self, caller: str) -> int:
        """Say how many rows of this caller wait."""
        line = self._lines.get(caller)
        return 0 if line is None else line.rows

    def is_below_share(self, caller: str) -> bool:
        """Say whether others hold more rows each, on average, than this caller."""
        return len(self._lines) > (caller in self._lines) and self.rows_of(caller) * len(self._lines) < self.rows

    def largest(self) -> Line:
        """Give the line that holds the most rows; there must be one."""
        # Looked for only when the queue is full: 4 us for a hundred callers.
        return max(self._lines.values(), key=lambda line: line.rows)

    def _first_line(self) -> Line:
        return next(iter(self._lines.values()))

    def _to_the_end(self, line: Line) -> None:
        if line.tickets:
            self._lines.move_to_end(line.caller)
        else:
            del self._lines[line.caller]

    def _take_from(self, line: Line, room: int, most: int, taken: Taken, ready_ns: float) -> int:
        begun = room
        while room and line.tickets:
            ticket = next(iter(line.tickets))
            if ticket.is_gone():
                self._remove(line, ticket)
                ticket.settled = True
                continue
            if ticket.deadline_ns is not None and ticket.deadline_ns <= ready_ns:
                self._remove(line, ticket)
                taken.late.append((ticket, ticket.deadline_ns))
                continue
            count = min(ticket.turn_left, room)
            room -= count
            taken.pieces.append(_piece(ticket, count))
            self._advance(line, ticket, count, most)
        return begun - room

    def _advance(self, line: Line, ticket: Ticket, count: int, most: int) -> None:
        ticket.turn_left -= count
        if ticket.taken + count == ticket.rows:
            self._remove(line, ticket)
            ticket.taken += count
            return
        ticket.taken += count
        line.rows -= count
        self.rows -= count
        if not ticket.turn_left:
            ticket.turn_left = min(most, ticket.rows - ticket.taken)
            line.tickets.move_to_end(ticket)

    def _remove(self, line: Line, ticket: Ticket) -> None:
        del line.tickets[ticket]
        left = ticket.rows - ticket.taken
        line.rows -= left
        line.turns -= ticket.turn
        self._requests -= 1
        self.rows -= left
        self.size_bytes -= ticket.size_bytes
        self.turns -= ticket.turn


def _piece(ticket: Ticket, count: int) -> Piece:
    start = ticket.taken
    if count == ticket.rows:
        return Piece(ticket, 0, ticket.numbers, ticket.codes)
    stop = start + count
    return Piece(ticket, start, ticket.numbers[start:stop], ticket.codes[start:stop])
