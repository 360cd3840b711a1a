"""Ticket: one request on its way through a batcher."""

from collections.abc import Callable

import msgspec
import numpy as np

from golive.errors import GoliveError
from golive.ports import Float64, Int64


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a request: its outputs or an error, and where its time went."""

    outputs: Float64 | None
    """float64 ``[n, k]``, exactly the rows of the request in their order; None when there is an error."""
    error: Exception | None
    """A :class:`~golive.errors.GoliveError` for a request that was not run, else whatever the model raised."""
    queue_ns: int
    """Time from the submission to the outcome in which no run held rows of the request."""
    compute_ns: int
    """Time of the runs that held its rows, those of its neighbors included."""
    batch_rows: int
    """Rows of the fullest run that held its rows; 0 when it was not run."""


class Ticket:
    """A request in the queue or in a run. Belongs to the event loop's thread.

    Every ticket comes to exactly one end: ``done`` is called once, or it was cancelled and ``done`` is never called.
    """

    __slots__ = (
        "caller",
        "codes",
        "compute_ns",
        "deadline_ns",
        "done",
        "fullest",
        "is_gone",
        "last_batch",
        "leave",
        "numbers",
        "outputs",
        "rows",
        "run_rows",
        "settled",
        "size_bytes",
        "submitted_ns",
        "taken",
        "turn",
        "turn_left",
    )

    def __init__(
        self,
        numbers: Float64,
        codes: Int64,
        *,
        caller: str,
        deadline_ns: int | None,
        done: Callable[[Outcome], None],
        is_gone: Callable[[], bool],
        submitted_ns: int,
        turn: int,
        leave: Callable[["Ticket"], None],
    ) -> None:
        self.numbers = numbers
        self.codes = codes
        self.caller = caller
        self.deadline_ns = deadline_ns
        self.done = done
        self.is_gone = is_gone
        """Whether nobody waits for the outcome any more, although it was not cancelled yet."""
        self.submitted_ns = submitted_ns
        self.turn = turn
        """Rows of its first turn, which is what a request behind it waits for."""
        self.turn_left = turn
        self.leave = leave
        """Takes it out of the queue, if it is there."""
        self.rows = len(numbers)
        self.size_bytes = numbers.nbytes + codes.nbytes
        self.taken = 0
        """Rows that were given to runs."""
        self.run_rows = 0
        """Rows whose run has ended."""
        self.outputs: Float64 | None = None
        """Outputs so far, when they come from more than one run."""
        self.compute_ns = 0
        self.fullest = 0
        self.last_batch: object = None
        """The run that was counted last: one run may hold two pieces of a request."""
        self.settled = False

    def cancel(self) -> None:
        """Give up the request: it leaves the queue, or its run's result is ignored. Any number of times is fine."""
        if not self.settled:
            self.settled = True
            self.leave(self)

    def count(self, batch: object, taken_ns: int, rows: int) -> None:
        """Count the time of a run that held rows of the request."""
        if self.last_batch is not batch:
            self.last_batch = batch
            self.compute_ns += taken_ns
            self.fullest = max(self.fullest, rows)

    def gather(self, start: int, outputs: Float64) -> bool:
        """Put the outputs of some rows in their place, and say whether those of all rows are there.

        Raises:
            GoliveError: they are not as wide as the outputs before them.
        """
        if self.outputs is None:
            self.outputs = np.empty_like(outputs, shape=(self.rows, *outputs.shape[1:]))
        if self.outputs.shape[1:] != outputs.shape[1:]:
            message = (
                f"the model gave outputs of shape {list(outputs.shape[1:])} for some rows of a request and "
                f"{list(self.outputs.shape[1:])} for others; package a model whose outputs have one width"
            )
            raise GoliveError(message)
        self.outputs[start : start + len(outputs)] = outputs
        self.run_rows += len(outputs)
        return self.run_rows == self.rows

    def settle(self, outputs: Float64 | None, error: Exception | None, now_ns: int) -> None:
        """Bring the request to its end, unless it has come there already."""
        if self.settled:
            return
        self.settled = True
        # The run knows its requests: each would be kept until the collector ends the cycle.
        self.last_batch = None
        waited = now_ns - self.submitted_ns - self.compute_ns
        self.done(Outcome(outputs, error, max(0, waited), self.compute_ns, self.fullest))
