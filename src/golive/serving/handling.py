"""Handling: one version of one model at work: a body in, decoded, run, encoded, counted, an answer out."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from golive.domain.serving import Placed
from golive.errors import GoliveError, InvalidRowError, TooLargeError
from golive.ports import Float64, Int64
from golive.serving.answer import Answer, Ask, Handler, deadline_ns_of, refusal, version_head
from golive.serving.aside import Aside
from golive.serving.batching.batcher import BatchCounts
from golive.serving.batching.cost import Run
from golive.serving.batching.ticket import Outcome, Ticket
from golive.serving.codecs.codec import Codec, Given
from golive.serving.telemetry.metrics import LaneMetrics, LaneSnapshot
from golive.serving.telemetry.recorder import Recorder
from golive.serving.telemetry.tracing import Tracer

MAX_ROWS = 100_000
"""Rows that one request may have, unless told otherwise."""
SHORT_BYTES = 16 * 2**10
"""Up to here a body is decoded at once. Measured on iris: 940 rows as lists take 5 ms, a thread hop 0.1 ms."""
_TIMING = b"server-timing: decode;dur=%.3f, queue;dur=%.3f, compute;dur=%.3f, encode;dur=%.3f\r\n"
"""Written in one go it takes a quarter of the time of its parts: 0.5 microseconds."""
_SLICE_ROWS = 256
"""A long request goes through its model in slices, so that the event loop is never away for longer than one of them.
The number is fixed, for the last bits of a prediction may depend on it."""


class Queue(Protocol):
    """Takes requests for a model and has them run: a :class:`~golive.serving.batching.batcher.Batcher`, or several."""

    @property
    def counts(self) -> BatchCounts:
        """What it has done."""
        ...

    @property
    def waiting_requests(self) -> int:
        """Requests that wait."""
        ...

    def turned_away(self, caller: str, deadline_ns: int | None) -> GoliveError | None:
        """Say at little cost that a request would be refused, before anything of it is read."""
        ...

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
        """Queue a request; see :meth:`~golive.serving.batching.batcher.Batcher.submit`."""
        ...


class Handling(ABC):
    """What all lanes have in common, whatever form a model's inputs have.

    A small model runs inline, in the event loop: decode, run, encode, count, record is one straight line, for a thread
    hop costs more than such a model. A larger one has a batcher, and its answers come later. A long request is decoded
    and encoded aside in either case, and goes through its model slice by slice.

    Args:
        placed: which version it is.
        run: the model.
        recorder: keeps what was predicted; None for nothing.
        batcher: the queue of a model that is too large to run inline; only its thread runs the session then.
        aside: the thread for long requests, which the lanes of a process share.
        tracer: takes the requests of sampled traces; None for nothing.
        max_rows: rows that one request may have.
    """

    def __init__(
        self,
        placed: Placed,
        run: Run,
        recorder: Recorder | None = None,
        *,
        batcher: Queue | None = None,
        aside: Aside | None = None,
        tracer: Tracer | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.placed = placed
        self._run = run
        self._keep = None if recorder is None else recorder.add
        self._tracer = tracer
        self._batcher = batcher
        self._aside = aside or Aside()
        self._max_rows = max_rows
        self._metrics = LaneMetrics()
        self._version_head = version_head(placed.version)
        self._log = logging.getLogger("golive.serving")

    def snapshot(self) -> LaneSnapshot:
        """Copy the lane's counters."""
        placed, batcher = self.placed, self._batcher
        return self._metrics.snapshot(
            placed.name,
            placed.version,
            placed.bundle,
            batches=None if batcher is None else batcher.counts.runs,
            waiting=0 if batcher is None else batcher.waiting_requests,
        )

    def handler(self, codec: Codec) -> Handler:
        """Answer the requests of one protocol."""
        return self._inline(codec) if self._batcher is None else self._queued(codec)

    def _inline(self, codec: Codec) -> Handler:
        read, encode, run, clock = self._read, codec.encode, self._run, time.perf_counter_ns

        def answer(body: bytes, ask: Ask) -> Answer | asyncio.Future[Answer]:
            started = clock()
            try:
                if len(body) > SHORT_BYTES and codec.is_slow(ask):
                    return asyncio.ensure_future(self._at_length(codec, body, ask, started))
                given, form, tensors = read(codec, body, ask)
                decoded = clock()
                if len(given) > _SLICE_ROWS:
                    return asyncio.ensure_future(self._by_slices(codec, given, form, tensors, ask, (started, decoded)))
                outputs = run(*tensors)
                computed = clock()
                head, reply = encode(outputs, form, ask)
            except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
                return self._refused(error, codec, ask, clock() - started)
            times = (decoded - started, 0, computed - decoded, clock() - computed)
            return 200, head + self._booked(given, outputs, ask, times), reply

        return answer

    def _queued(self, codec: Codec) -> Handler:
        batcher, clock = cast("Queue", self._batcher), time.perf_counter_ns

        def answer(body: bytes, ask: Ask) -> Answer | asyncio.Future[Answer]:
            started = clock()

            def done(outcome: Outcome) -> None:
                if not future.cancelled():
                    future.set_result(self._told(codec, given, form, ask, decode_ns, outcome))

            try:
                deadline_ns = deadline_ns_of(ask)
                turned_away = batcher.turned_away(ask.caller, deadline_ns)
                if turned_away is not None:
                    return self._refused(turned_away, codec, ask, clock() - started)
                if len(body) > SHORT_BYTES and codec.is_slow(ask):
                    return asyncio.ensure_future(self._at_length(codec, body, ask, started))
                given, form, tensors = self._read(codec, body, ask)
                decode_ns = clock() - started
                future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
                ticket = batcher.submit(
                    *tensors, caller=ask.caller, deadline_ns=deadline_ns, done=done, is_gone=future.cancelled
                )
            except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
                return self._refused(error, codec, ask, clock() - started)
            future.add_done_callback(lambda ended: ticket.cancel() if ended.cancelled() else None)
            return future

        return answer

    def _told(self, codec: Codec, given: Given, form: Any, ask: Ask, decode_ns: int, outcome: Outcome) -> Answer:
        """Answer with the outcome of a batch."""
        clock = time.perf_counter_ns
        computed = clock()
        try:
            head, reply = codec.encode(_outputs(outcome), form, ask)
        except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
            return self._refused(error, codec, ask, decode_ns + outcome.queue_ns + outcome.compute_ns)
        times = (decode_ns, outcome.queue_ns, outcome.compute_ns, clock() - computed)
        return 200, head + self._booked(given, _outputs(outcome), ask, times), reply

    def _read(self, codec: Codec, body: bytes, ask: Ask) -> tuple[Given, Any, tuple[Float64, Int64]]:
        given, form = codec.decode(body, ask)
        if len(given) > self._max_rows:
            raise self._too_many(len(given))
        return given, form, self._entering(given)

    @abstractmethod
    def _entering(self, given: Given) -> tuple[Float64, Int64]:
        """Give what enters the model for what a codec has read; raises InvalidRowError."""

    async def _at_length(self, codec: Codec, body: bytes, ask: Ask, started: int) -> Answer:
        """Answer a request that takes long to read; others have their turn meanwhile."""
        try:
            with self._aside.holding(len(body)):
                given, form, tensors = await self._aside.do(self._read, codec, body, ask)
                return await self._by_slices(codec, given, form, tensors, ask, (started, time.perf_counter_ns()))
        except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
            return self._refused(error, codec, ask, time.perf_counter_ns() - started)

    async def _by_slices(
        self,
        codec: Codec,
        given: Given,
        form: Any,
        tensors: tuple[Float64, Int64],
        ask: Ask,
        began: tuple[int, int],
    ) -> Answer:
        """Answer a request of many rows, read between two times; others have their turn meanwhile."""
        clock = time.perf_counter_ns
        started, decoded = began
        queue_ns = 0
        try:
            if self._batcher is None:
                outputs = await self._sliced(*tensors)
            else:
                outcome = await self._queue(tensors, ask)
                outputs, queue_ns = _outputs(outcome), outcome.queue_ns
            computed = clock()
            head, reply = await self._aside.do(codec.encode, outputs, form, ask)
        except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
            return self._refused(error, codec, ask, clock() - started)
        times = (decoded - started, queue_ns, computed - decoded - queue_ns, clock() - computed)
        return 200, head + self._booked(given, outputs, ask, times), reply

    async def _sliced(self, numbers: Float64, codes: Int64) -> Float64:
        outputs = []
        for start in range(0, len(numbers), _SLICE_ROWS):
            piece = slice(start, start + _SLICE_ROWS)
            outputs.append(self._run(numbers[piece], codes[piece]))
            # Whatever else has come in is answered between two slices.
            await asyncio.sleep(0)
        return np.concatenate(outputs)

    async def _outputs_of(self, tensors: tuple[Float64, Int64]) -> Float64:
        """Run the model by the way that requests take, and count nothing."""
        return self._run(*tensors) if self._batcher is None else _outputs(await self._queue(tensors))

    async def _queue(self, tensors: tuple[Float64, Int64], ask: Ask | None = None) -> Outcome:
        """Wait for the outcome of a batch; whoever stops waiting cancels it."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        batcher = cast("Queue", self._batcher)
        ticket = batcher.submit(
            *tensors,
            caller=ask.caller if ask else "",
            deadline_ns=deadline_ns_of(ask) if ask else None,
            done=lambda outcome: None if future.cancelled() else future.set_result(outcome),
            is_gone=future.cancelled,
        )
        try:
            return await future
        finally:
            ticket.cancel()

    def _booked(self, given: Given, outputs: Float64, ask: Ask, times: tuple[int, int, int, int]) -> bytes:
        """Count and record what was answered; gives the header lines that every answer of this lane has.

        ``times`` are nanoseconds in the order of ``metrics.PHASES``.
        """
        self._metrics.answered(len(given), times)
        if self._keep is not None:
            self._keep(self.placed.name, self.placed.version, ask.request_id, given, outputs, sum(times) / 1e3)
        if self._tracer is not None:
            self._tracer.answered(self.placed, ask, len(given), times)
        if b"x-request-timing" in ask.headers:
            return self._version_head + _timing_head(times)
        return self._version_head

    def _too_many(self, rows: int) -> TooLargeError:
        return TooLargeError(
            f"the request has {rows} rows, and the limit is {self._max_rows}; send fewer rows in one request"
        )

    def _refused(self, error: Exception, codec: Codec, ask: Ask, duration_ns: int) -> Answer:
        if not isinstance(error, GoliveError):
            # The cause stays in the log: error texts of libraries may hold paths or values.
            self._log.error("request %s of %s failed", ask.request_id, self.placed.name, exc_info=error)
            error = GoliveError(
                f"the model {self.placed.name!r} failed on this request; the server's log has the cause"
            )
        if error.field.startswith("$["):
            error.field = f"{codec.rows_path}{error.field.removeprefix('$')}"
        status = codec.row_status if isinstance(error, InvalidRowError) else error.status
        self._metrics.refused(status, error.code, duration_ns)
        if self._tracer is not None:
            self._tracer.refused(self.placed, ask, status, error.code, duration_ns)
        return refusal(error, ask.request_id, status=status, head=self._version_head)


def _outputs(outcome: Outcome) -> Float64:
    if outcome.outputs is None:
        raise outcome.error or GoliveError("the model gave neither outputs nor an error")
    return outcome.outputs


def _timing_head(times: tuple[int, int, int, int]) -> bytes:
    """Write the Server-Timing header line, in milliseconds."""
    decode_ns, queue_ns, compute_ns, encode_ns = times
    return _TIMING % (decode_ns / 1e6, queue_ns / 1e6, compute_ns / 1e6, encode_ns / 1e6)
