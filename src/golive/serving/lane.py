"""Lane: one version of one model, with everything that a request needs decided before the first one comes."""

import logging
import time
from collections.abc import Callable

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import GoliveError, RequestError
from golive.inference.road import Road
from golive.serving.answer import Answer, Handler, error_body
from golive.serving.codec import Codec, PredictionWriter
from golive.serving.features import FeaturesCodec
from golive.serving.instances import InstancesCodec
from golive.serving.invocations import InvocationsCodec
from golive.serving.metrics import LaneMetrics, LaneSnapshot
from golive.serving.recorder import Recorder
from golive.serving.tensors import TensorsCodec


class Lane:
    """Answers requests for one placed version.

    A handler is one straight line: decode, run, encode, count, record. It runs inline in the event loop, for a
    thread hop costs more than a small model. The seam for batching is the call of ``road.rows`` in ``_handler``:
    a batching lane would give its rows to a queue there and answer from a callback.
    """

    def __init__(self, placed: Placed, road: Road, recorder: Recorder | None = None) -> None:
        self.placed = placed
        self.road = road
        self._recorder = recorder
        self._metrics = LaneMetrics()
        self._log = logging.getLogger("golive.serving")
        signature = road.signature
        write = PredictionWriter(placed, signature, road.labels)
        self.instances: Handler = self._handler(InstancesCodec(signature, write))
        self.features: Handler = self._handler(FeaturesCodec(signature, write))
        self.invocations: Handler = self._handler(InvocationsCodec(signature, write))
        self.tensors: Handler = self._handler(TensorsCodec(placed, signature, road.labels))

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.road.signature

    def snapshot(self) -> LaneSnapshot:
        """Copy the lane's counters."""
        return self._metrics.snapshot(self.placed.name, self.placed.version, self.placed.bundle)

    def _handler(self, codec: Codec) -> Handler:
        decode, encode, predict = codec.decode, codec.encode, self.road.rows
        answered, keep, clock = self._metrics.answered, self._keep(), time.perf_counter_ns
        version = str(self.placed.version).encode("ascii")

        def answer(body: bytes, request_id: str) -> Answer:
            started = clock()
            try:
                rows, form = decode(body)
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
        status = min(error.status, codec.row_status) if isinstance(error, RequestError) else error.status
        self._metrics.refused(status, error.code, duration_ns)
        return status, str(self.placed.version).encode("ascii"), error_body(error, request_id)
