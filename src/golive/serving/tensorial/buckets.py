"""Buckets: a batcher for each shape of a model's tensors, for only tensors of one shape run together."""

from collections.abc import Callable
from typing import Any

from golive.errors import GoliveError
from golive.ports import Float64, Int64
from golive.serving.batching.batcher import BatchCounts, Batcher
from golive.serving.batching.ticket import Outcome, Ticket

SHAPES = 8
"""How many shapes have a queue of their own."""


class Buckets:
    """Takes requests as a batcher does, and gives each to the one of its shape.

    Args:
        make: makes the batcher of a shape; they share the compute, where models with waiting requests take turns.
        alone: runs each request for itself; for shapes that come while all batchers are busy with others.
    """

    def __init__(self, make: Callable[[], Batcher], alone: Batcher) -> None:
        self._make = make
        self._alone = alone
        self._by_shape: dict[tuple[Any, ...], Batcher] = {}
        self._ended = BatchCounts()

    @property
    def counts(self) -> BatchCounts:
        """What all of them have done."""
        each = (self._ended, *(batcher.counts for batcher in self._batchers()))
        return BatchCounts(
            runs=sum(one.runs for one in each),
            rows=sum(one.rows for one in each),
            overloaded=sum(one.overloaded for one in each),
            late=sum(one.late for one in each),
        )

    @property
    def waiting_requests(self) -> int:
        """Requests in the queues."""
        return sum(batcher.waiting_requests for batcher in self._batchers())

    def turned_away(self, caller: str, deadline_ns: int | None) -> GoliveError | None:
        """Say nothing: before a request is read it is not known which queue is its own."""
        del caller, deadline_ns
        return None

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
        """Queue a request; as :meth:`Batcher.submit` does."""
        batcher = self._of(numbers.shape[1:])
        return batcher.submit(numbers, codes, done=done, is_gone=is_gone, caller=caller, deadline_ns=deadline_ns)

    def _batchers(self) -> tuple[Batcher, ...]:
        return (self._alone, *self._by_shape.values())

    def _of(self, shape: tuple[Any, ...]) -> Batcher:
        batcher = self._by_shape.get(shape)
        if batcher is not None:
            return batcher
        if len(self._by_shape) >= SHAPES and not self._let_one_go():
            return self._alone
        batcher = self._by_shape[shape] = self._make()
        return batcher

    def _let_one_go(self) -> bool:
        """End the oldest batcher that has nothing to do; a run that is under way still delivers."""
        for shape, batcher in self._by_shape.items():
            if not batcher.waiting_requests:
                del self._by_shape[shape]
                counts = batcher.counts
                self._ended = BatchCounts(
                    runs=self._ended.runs + counts.runs,
                    rows=self._ended.rows + counts.rows,
                    overloaded=self._ended.overloaded + counts.overloaded,
                    late=self._ended.late + counts.late,
                )
                return True
        return False
