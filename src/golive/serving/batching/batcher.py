"""Batcher: requests for one model in, outcomes out."""

import logging
from collections.abc import Callable
from functools import partial
from math import ceil

import msgspec

from golive.errors import DeadlineError, GoliveError, RequestError
from golive.ports import Float64, Int64
from golive.serving.batching.batch import Batch
from golive.serving.batching.compute import Compute
from golive.serving.batching.cost import Cost, Run, rows_of_a_run
from golive.serving.batching.fair_queue import FairQueue, Piece
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.refusal import OverloadedError, ended, overloaded, too_late
from golive.serving.batching.ticket import Outcome, Ticket

_NS_PER_S = 1e9
_MARGIN = 1.25
"""Half of all runs take longer than is predicted, and an answer that is late was computed for nothing."""


class BatchCounts(msgspec.Struct):
    """What a batcher has done since it was made."""

    runs: int = 0
    rows: int = 0
    """Rows that ran."""
    overloaded: int = 0
    """Requests refused because the queue was full."""
    late: int = 0
    """Requests refused for their deadline."""


class Batcher:
    """The queue of one model, or of one shape of its inputs: whatever is in one batcher may run together.

    Belongs to the event loop's thread.

    Args:
        run: the model. Called in the compute thread only, one call at a time.
        compute: the thread, which the models of a process share.
        limits: bounds of the queue and of the runs.
        cost: what is known of the model's cost already.
        is_joining: whether requests may run together, and one may run in slices; ``proof.follows_rows`` says so.
            If not, each runs alone and whole.
    """

    def __init__(
        self, run: Run, compute: Compute, limits: BatchLimits, *, cost: Cost | None = None, is_joining: bool = True
    ) -> None:
        self.cost = cost or Cost()
        self.counts = BatchCounts()
        self._run = run
        self._compute = compute
        self._limits = limits
        self._is_joining = is_joining
        self._queue = FairQueue()
        self._most = rows_of_a_run(self.cost, limits)
        self._is_barren = False
        self._refused_last: OverloadedError | DeadlineError | None = None
        """The refusal that stands until the next run is taken out of the queue."""
        self._late_wait_ns = 0.0
        self._log = logging.getLogger("golive.serving")

    def turned_away(self, caller: str, deadline_ns: int | None) -> GoliveError | None:
        """Say at little cost that a request would be refused, before anything of it is read: none is since nothing ran.

        Args:
            caller: whose request it is; one that has less than its share in the queue is not turned away here.
            deadline_ns: when the answer is of no more use.
        """
        error = self._refused_last
        if error is None or not self._queue.rows or self._queue.is_below_share(caller):
            return None
        if isinstance(error, OverloadedError):
            self.counts.overloaded += 1
            return error
        if deadline_ns is None or self._compute.clock() + self._late_wait_ns < deadline_ns:
            return None
        self.counts.late += 1
        return error

    @property
    def waiting_rows(self) -> int:
        """Rows in the queue."""
        return self._queue.rows

    @property
    def waiting_requests(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    def submit(
        self,
        numbers: Float64,
        codes: Int64,
        *,
        done: Callable[[Outcome], None],
        is_gone: Callable[[], bool] = bool,
        caller: str = "",
        deadline_ns: int | None = None,
    ) -> Ticket:
        """Queue a request.

        Args:
            numbers: float64 ``[n, numbers]``; not to be changed until the outcome is there.
            codes: int64 ``[n, categories]`` of the same rows; the same.
            done: called exactly once, in the event loop's thread and never from within this call, unless the ticket
                is cancelled first: then it is never called.
            is_gone: says that the ticket is about to be cancelled: it is not run any more.
            caller: whose request it is; callers share the model fairly.
            deadline_ns: when the answer is of no more use, on the compute's clock.

        Raises:
            OverloadedError: the queue is full and this caller has at least its share of it.
            DeadlineError: the answer would come too late.
            UnavailableError: the process is ending.
            RequestError: there is no row.
        """
        compute, queue = self._compute, self._queue
        if compute.is_closed:
            raise ended()
        rows = len(numbers)
        if not rows:
            message = "the request has no rows; send at least one"
            raise RequestError(message)
        now = compute.clock()
        turn = min(rows, self._most) if self._is_joining else rows
        if deadline_ns is not None:
            # Before anything is made for the request: under overload this is what most of them meet.
            self._check_deadline(caller, turn, deadline_ns, now)
        ticket = Ticket(
            numbers,
            codes,
            caller=caller,
            deadline_ns=deadline_ns,
            done=done,
            is_gone=is_gone,
            submitted_ns=now,
            turn=turn,
            leave=queue.leave,
        )
        if not self._fits(ticket, queue.rows, queue.size_bytes, queue.turns):
            self._make_room(ticket)
        queue.add(ticket)
        compute.wake(self)
        return ticket

    def next_batch(self, now_ns: int) -> Batch | None:
        """Take the next run out of the queue; None when nothing in it is worth a run."""
        queue = self._queue
        self._refused_last = None
        ready_ns = self._ready_ns(now_ns)
        taken = queue.take(self._most, ready_ns) if self._is_joining else queue.take_alone(ready_ns)
        for ticket, deadline_ns in taken.late:
            self.counts.late += 1
            self._refuse(ticket, too_late(ready_ns - deadline_ns))
        self._is_barren = not taken.pieces
        if not taken.pieces:
            return None
        rows = sum(len(piece.numbers) for piece in taken.pieces)
        return Batch(taken.pieces, self._run, self.cost.of(rows), self._compute.clock)

    def is_waiting(self) -> bool:
        """Say whether requests wait."""
        return len(self._queue) > 0

    def backlog_ns(self) -> float:
        """Predict the time until each waiting request has had its turn, were the thread its own."""
        return self._time_of(self._queue.turns)

    def learn(self, batch: Batch, taken_ns: int) -> None:
        """Take note of how long a run kept the next one waiting: the model, and the way there and back."""
        self.counts.runs += 1
        self.counts.rows += batch.rows
        if batch.is_clean:
            self.cost.learn(batch.rows, taken_ns)
            self._most = rows_of_a_run(self.cost, self._limits)

    def deliver(self, batch: Batch) -> None:
        """Hand the results of a run to those who asked."""
        now = self._compute.clock()
        for piece, result in zip(batch.pieces, batch.results, strict=True):
            ticket = piece.ticket
            if ticket.settled:
                continue
            ticket.count(batch, batch.taken_ns, batch.rows)
            try:
                self._settle(piece, result, now)
            except Exception:  # noqa: BLE001  the border to the caller
                # One caller's callback must not cost the others of the batch their answers.
                self._log.exception("the answer of a batched request could not be handed over")

    def refuse_all(self) -> None:
        """Refuse whatever waits, for the process ends."""
        for ticket in self._queue.take_all():
            self._refuse(ticket, ended())

    def _ready_ns(self, now_ns: int) -> float:
        # A request that is alone is run in any case, and so is one after everybody was found to be late: were nothing
        # run for a prediction that is too high, it would never be put right.
        if len(self._queue) == 1 or self._is_barren or not self.cost.is_known:
            return now_ns
        return now_ns + _MARGIN * self._compute.stretched(self.cost.of(min(self._most, self._queue.rows)))

    def _settle(self, piece: Piece, result: Float64 | Exception, now_ns: int) -> None:
        ticket = piece.ticket
        if isinstance(result, Exception):
            self._fail(ticket, result, now_ns)
        elif len(result) == ticket.rows:
            ticket.settle(result, None, now_ns)
        else:
            try:
                is_whole = ticket.gather(piece.start, result)
            except GoliveError as error:
                self._fail(ticket, error, now_ns)
                return
            if is_whole:
                ticket.settle(ticket.outputs, None, now_ns)

    def _fail(self, ticket: Ticket, error: Exception, now_ns: int) -> None:
        self._queue.leave(ticket)
        ticket.settle(None, error, now_ns)

    def _refuse(self, ticket: Ticket, error: GoliveError) -> None:
        # Later, for it may come from within another request's submission.
        self._compute.loop.call_soon(partial(ticket.settle, None, error, self._compute.clock()))

    def _check_deadline(self, caller: str, turn: int, deadline_ns: int, now_ns: int) -> None:
        ready_ns: float = now_ns
        if self._queue.rows and self.cost.is_known:
            before = self._time_of(self._queue.ahead_of(caller, turn))
            ready_ns += _MARGIN * self._compute.wait_ns(self, before + self.cost.of(turn))
        if ready_ns >= deadline_ns:
            self.counts.late += 1
            error = too_late(ready_ns - deadline_ns)
            if self._refused_last is None or ready_ns - now_ns < self._late_wait_ns:
                self._refused_last, self._late_wait_ns = error, ready_ns - now_ns
            raise error

    def _fits(self, ticket: Ticket, rows: int, size_bytes: int, turns: int) -> bool:
        """Say whether there is room for a request in a queue that holds so much."""
        limits = self._limits
        return rows == 0 or (
            rows + ticket.rows <= limits.queue_rows
            and size_bytes + ticket.size_bytes <= limits.queue_bytes
            and self._compute.wait_ns(self, self._time_of(turns)) <= limits.wait_s * _NS_PER_S
        )

    def _make_room(self, ticket: Ticket) -> None:
        """Refuse the newest requests of the caller that holds the most, or this one where that is its own caller."""
        for victim in self._victims(ticket):
            self._queue.leave(victim)
            self.counts.overloaded += 1
            self._refuse(victim, self._overloaded())

    def _victims(self, ticket: Ticket) -> list[Ticket]:
        queue = self._queue
        line = queue.largest()
        if line.caller != ticket.caller:
            rows, size_bytes, turns = queue.rows, queue.size_bytes, queue.turns
            spare = line.rows - queue.rows_of(ticket.caller) - ticket.rows
            victims: list[Ticket] = []
            for victim in line.newest_unbegun():
                spare -= victim.rows
                # A caller is not brought below what the newcomer's would hold: that would only turn the tables.
                if spare < 0:
                    break
                victims.append(victim)
                rows, size_bytes, turns = rows - victim.rows, size_bytes - victim.size_bytes, turns - victim.turn
                if self._fits(ticket, rows, size_bytes, turns):
                    return victims
        self.counts.overloaded += 1
        self._refused_last = error = self._overloaded()
        raise error

    def _overloaded(self) -> OverloadedError:
        rows = self._queue.rows
        return overloaded(rows, self._compute.wait_ns(self, self._time_of(rows)))

    def _time_of(self, rows: int) -> float:
        if not self.cost.is_known:
            return 0.0
        runs = ceil(rows / self._most) if self._is_joining else len(self._queue)
        return runs * self.cost.fixed_ns + rows * self.cost.row_ns
