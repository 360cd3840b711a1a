"""Lane: one version of one model, with everything that a request needs decided before the first one comes."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import GoliveError, RequestError, TooLargeError
from golive.inference.road import Road
from golive.ports import Float64, Int64
from golive.serving.answer import Answer, Handler, LongHandler, error_body
from golive.serving.aside import Aside
from golive.serving.codec import Codec, PredictionWriter
from golive.serving.features import FeaturesCodec
from golive.serving.instances import InstancesCodec
from golive.serving.invocations import InvocationsCodec
from golive.serving.metrics import LaneMetrics, LaneSnapshot
from golive.serving.recorder import Recorder
from golive.serving.rowtypes import Rows
from golive.serving.tensors import TensorsCodec

MAX_ROWS = 100_000
"""Rows that one request may have, unless told otherwise."""
_SLICE_ROWS = 256
"""A long request goes through its model in slices, so that the event loop is never away for longer than one of them.
The number is fixed, for the last bits of a prediction may depend on it."""


class Handlers(msgspec.Struct, frozen=True):
    """How the requests of one protocol are answered."""

    short: Handler
    long: LongHandler


class Lane:
    """Answers requests for one placed version.

    A short request is one straight line: decode, run, encode, count, record. It runs inline in the event loop, for a
    thread hop costs more than a small model. A long one is decoded and encoded aside, and its model is run in the
    event loop all the same, slice by slice: a session is called from one thread. The seam for batching is the call
    of ``road.rows`` in ``_short``: a batching lane would give its rows to a queue there and answer from a callback.

    Args:
        placed: which version it is.
        road: the opened bundle.
        recorder: keeps what was predicted; None for nothing.
        aside: the thread for long requests, which the lanes of a process share.
        max_rows: rows that one request may have.
    """

    def __init__(
        self,
        placed: Placed,
        road: Road,
        recorder: Recorder | None = None,
        *,
        aside: Aside | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.placed = placed
        self.road = road
        self._recorder = recorder
        self._aside = aside or Aside()
        self._max_rows = max_rows
        self._metrics = LaneMetrics()
        self._log = logging.getLogger("golive.serving")
        signature = road.signature
        write = PredictionWriter(placed, signature, road.labels)
        self.instances = self._handlers(InstancesCodec(signature, write))
        self.features = self._handlers(FeaturesCodec(signature, write))
        self.invocations = self._handlers(InvocationsCodec(signature, write))
        self.tensors = self._handlers(TensorsCodec(placed, signature, road.labels))

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.road.signature

    def snapshot(self) -> LaneSnapshot:
        """Copy the lane's counters."""
        return self._metrics.snapshot(self.placed.name, self.placed.version, self.placed.bundle)

    def _handlers(self, codec: Codec) -> Handlers:
        return Handlers(self._short(codec), self._long(codec))

    def _short(self, codec: Codec) -> Handler:
        decode, encode, predict, max_rows = codec.decode, codec.encode, self.road.rows, self._max_rows
        answered, keep, clock = self._metrics.answered, self._keep(), time.perf_counter_ns
        version = str(self.placed.version).encode("ascii")

        def answer(body: bytes, request_id: str) -> Answer:
            started = clock()
            try:
                rows, form = decode(body)
                if len(rows) > max_rows:
                    raise self._too_many(rows)  # noqa: TRY301 - the one place that answers every mistake is below
                outputs = predict(rows)
                reply = encode(outputs, form)
            except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
                return self._refused(error, codec, request_id, clock() - started)
            duration_ns = clock() - started
            answered(len(rows), duration_ns)
            if keep is not None:
                keep(self.placed.name, self.placed.version, request_id, rows, outputs, duration_ns / 1e3)
            return 200, version, reply

        return answer

    def _long(self, codec: Codec) -> LongHandler:
        aside, keep, clock = self._aside, self._keep(), time.perf_counter_ns
        version = str(self.placed.version).encode("ascii")

        def read(body: bytes) -> tuple[Rows, Any, tuple[Float64, Int64]]:
            rows, form = codec.decode(body)
            if len(rows) > self._max_rows:
                raise self._too_many(rows)
            return rows, form, self.road.front.rows(rows)

        async def answer(body: bytes, request_id: str) -> Answer:
            started = clock()
            try:
                with aside.holding(len(body)):
                    rows, form, tensors = await aside.do(read, body)
                    outputs = await self._run_in_slices(*tensors)
                    reply = await aside.do(codec.encode, outputs, form)
            except Exception as error:  # noqa: BLE001  the border: a request never ends the worker
                return self._refused(error, codec, request_id, clock() - started)
            duration_ns = clock() - started
            self._metrics.answered(len(rows), duration_ns)
            if keep is not None:
                keep(self.placed.name, self.placed.version, request_id, rows, outputs, duration_ns / 1e3)
            return 200, version, reply

        return answer

    async def _run_in_slices(self, numbers: Float64, codes: Int64) -> Float64:
        outputs = []
        for start in range(0, len(numbers), _SLICE_ROWS):
            piece = slice(start, start + _SLICE_ROWS)
            outputs.append(self.road.session.run(numbers[piece], codes[piece]))
            # Whatever else has come in is answered between two slices.
            await asyncio.sleep(0)
        return np.concatenate(outputs)

    def _too_many(self, rows: Rows) -> TooLargeError:
        return TooLargeError(
            f"the request has {len(rows)} rows, and the limit is {self._max_rows}; send fewer rows in one request"
        )

    def _keep(self) -> Callable[..., None] | None:
        return None if self._recorder is None else self._recorder.add

    def _refused(self, error: Exception, codec: Codec, request_id: str, duration_ns: int) -> Answer:
        if not isinstance(error, GoliveError):
            # The cause stays in the log: error texts of libraries may hold paths or values.
            self._log.error("request %s of %s failed", request_id, self.placed.name, exc_info=error)
            error = GoliveError(
                f"the model {self.placed.name!r} failed on this request; the server's log has the cause"
            )
        if error.field.startswith("$["):
            error.field = f"{codec.rows_path}{error.field.removeprefix('$')}"
        status = error.status
        if isinstance(error, RequestError) and not isinstance(error, TooLargeError):
            status = min(status, codec.row_status)
        self._metrics.refused(status, error.code, duration_ns)
        return status, str(self.placed.version).encode("ascii"), error_body(error, request_id)
