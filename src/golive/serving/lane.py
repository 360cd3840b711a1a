"""Lane: one version of one model, with everything that a request needs decided before the first one comes."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import GoliveError, InvalidRowError, TooLargeError
from golive.inference.road import Road
from golive.ports import Float64, Int64
from golive.serving.answer import Answer, Ask, Handler, deadline_ns_of, refusal, version_head
from golive.serving.aside import Aside
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.ticket import Outcome
from golive.serving.codecs.codec import Codec, Columns, Given, Labels, PredictionWriter
from golive.serving.codecs.examples import ExamplesCodec
from golive.serving.codecs.features import FeaturesCodec
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.codecs.invocations import InvocationsCodec
from golive.serving.codecs.rowtypes import Rows
from golive.serving.codecs.tensors import TensorsCodec
from golive.serving.telemetry.metrics import LaneMetrics, LaneSnapshot
from golive.serving.telemetry.recorder import Recorder
from golive.serving.telemetry.tracing import Tracer

CallsCodec = Callable[[Placed, Signature, Labels], Codec]
"""Makes the codec of infer requests over gRPC for a lane."""

MAX_ROWS = 100_000
"""Rows that one request may have, unless told otherwise."""
SHORT_BYTES = 16 * 2**10
"""Up to here a body is decoded at once. Measured on iris: 940 rows as lists take 5 ms, a thread hop 0.1 ms."""
_TIMING = b"server-timing: decode;dur=%.3f, queue;dur=%.3f, compute;dur=%.3f, encode;dur=%.3f\r\n"
"""Written in one go it takes a quarter of the time of its parts: 0.5 microseconds."""
_SLICE_ROWS = 256
"""A long request goes through its model in slices, so that the event loop is never away for longer than one of them.
The number is fixed, for the last bits of a prediction may depend on it."""


class Lane:
    """Answers requests for one placed version.

    A small model runs inline, in the event loop: decode, run, encode, count, record is one straight line, for a thread
    hop costs more than such a model. A larger one has a batcher, and its answers come later. A long request is decoded
    and encoded aside in either case, and goes through its model slice by slice.

    Args:
        placed: which version it is.
        road: the opened bundle.
        recorder: keeps what was predicted; None for nothing.
        calls: makes the codec of infer requests over gRPC; None leaves that protocol off.
        batcher: the queue of a model that is too large to run inline; only its thread runs the session then.
        aside: the thread for long requests, which the lanes of a process share.
        tracer: takes the requests of sampled traces; None for nothing.
        max_rows: rows that one request may have.
    """

    def __init__(
        self,
        placed: Placed,
        road: Road,
        recorder: Recorder | None = None,
        *,
        calls: CallsCodec | None = None,
        batcher: Batcher | None = None,
        aside: Aside | None = None,
        tracer: Tracer | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.placed = placed
        self.road = road
        self._keep = None if recorder is None else recorder.add
        self._tracer = tracer
        self._batcher = batcher
        self._aside = aside or Aside()
        self._max_rows = max_rows
        self._metrics = LaneMetrics()
        self._version_head = version_head(placed.version)
        self._log = logging.getLogger("golive.serving")
        signature = road.signature
        write = PredictionWriter(placed, signature, road.labels)
        self.instances = self.handler(InstancesCodec(signature, write))
        self.features = self.handler(FeaturesCodec(signature, write))
        self.examples = self.handler(ExamplesCodec(signature, road.labels))
        self.invocations = self.handler(InvocationsCodec(signature, write, road.labels, max_rows))
        self.tensors = self.handler(TensorsCodec(placed, signature, road.labels))
        self.calls = None if calls is None else self.handler(calls(placed, signature, road.labels))

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.road.signature

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

    async def run(self, rows: Rows) -> Float64:
        """Predict rows by the way that requests take, and count nothing.

        Raises:
            InvalidRowError: a value does not fit the signature.
            UnavailableError: the model's queue is full.
        """
        tensors = self.road.front.rows(rows)
        return self.road.session.run(*tensors) if self._batcher is None else _outputs(await self._queue(tensors))

    def handler(self, codec: Codec) -> Handler:
        """Answer the requests of one protocol."""
        return self._inline(codec) if self._batcher is None else self._queued(codec)

    def _inline(self, codec: Codec) -> Handler:
        read, encode, run, clock = self._read, codec.encode, self.road.session.run, time.perf_counter_ns

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
        batcher, clock = cast("Batcher", self._batcher), time.perf_counter_ns

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
        front = self.road.front
        if isinstance(given, Columns):
            return given, form, front.columns(given.values, given.matrix)
        return given, form, front.rows(given)

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
            outputs.append(self.road.session.run(numbers[piece], codes[piece]))
            # Whatever else has come in is answered between two slices.
            await asyncio.sleep(0)
        return np.concatenate(outputs)

    async def _queue(self, tensors: tuple[Float64, Int64], ask: Ask | None = None) -> Outcome:
        """Wait for the outcome of a batch; whoever stops waiting cancels it."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        batcher = cast("Batcher", self._batcher)
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
