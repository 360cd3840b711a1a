"""Lane: one version of one model, with everything that a request needs decided before the first one comes."""

from collections.abc import Callable

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.inference.road import Road
from golive.ports import Float64, Int64
from golive.serving.aside import Aside
from golive.serving.batching.batcher import Batcher
from golive.serving.codecs.codec import Codec, Columns, Given, Labels, prediction_writer
from golive.serving.codecs.examples import ExamplesCodec
from golive.serving.codecs.features import FeaturesCodec
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.codecs.invocations import InvocationsCodec
from golive.serving.codecs.rowtypes import Rows
from golive.serving.codecs.tensors import TensorsCodec
from golive.serving.handling import MAX_ROWS, Handling
from golive.serving.telemetry.recorder import Recorder
from golive.serving.telemetry.tracing import Tracer

CallsCodec = Callable[[Placed, Signature, Labels], Codec]
"""Makes the codec of infer requests over gRPC for a lane."""


class Lane(Handling):
    """Answers requests for one placed version of a model of rows.

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
        super().__init__(
            placed, road.session.run, recorder, batcher=batcher, aside=aside, tracer=tracer, max_rows=max_rows
        )
        self.road = road
        signature = road.signature
        write = prediction_writer(placed, signature, road.labels)
        self.instances = self.handler(InstancesCodec(signature, write))
        self.features = self.handler(FeaturesCodec(signature, write))
        self.examples = self.handler(ExamplesCodec(signature))
        self.invocations = self.handler(InvocationsCodec(signature, write, road.labels, max_rows))
        self.tensors = self.handler(TensorsCodec(placed, signature, road.labels))
        self.calls = None if calls is None else self.handler(calls(placed, signature, road.labels))

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        return self.road.signature

    async def run(self, rows: Rows) -> Float64:
        """Predict rows by the way that requests take, and count nothing.

        Raises:
            InvalidRowError: a value does not fit the signature.
            UnavailableError: the model's queue is full.
        """
        return await self._outputs_of(self.road.front.rows(rows))

    def _entering(self, given: Given) -> tuple[Float64, Int64]:
        front = self.road.front
        return front.columns(given.values, given.matrix) if isinstance(given, Columns) else front.rows(given)
