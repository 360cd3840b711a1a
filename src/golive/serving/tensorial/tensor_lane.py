"""Tensor lane: one version of one model of tensors, with everything decided before the first request comes."""

from collections.abc import Callable
from typing import cast

import numpy as np

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.ports import Float64, Int64
from golive.serving.answer import Answer, Ask, Handler, refusal
from golive.serving.aside import Aside
from golive.serving.batching.cost import Run
from golive.serving.codecs.codec import Codec, Given
from golive.serving.codecs.examples import wrong_verb
from golive.serving.handling import MAX_ROWS, Handling, Queue
from golive.serving.telemetry.tracing import Tracer
from golive.serving.tensorial.answers import Answers
from golive.serving.tensorial.codec import TensorCodec
from golive.serving.tensorial.entrance import Entrance, TensorLimits
from golive.serving.tensorial.infer import InferCodec
from golive.serving.tensorial.instances import (
    TensorFeaturesCodec,
    TensorForms,
    TensorInstancesCodec,
    TensorWriter,
)
from golive.serving.tensorial.invocations import TensorInvocationsCodec
from golive.serving.tensorial.tensor_rows import TensorRows

TensorCalls = Callable[[Placed, Signature, Entrance, Answers], TensorCodec]
"""Makes the codec of infer requests over gRPC for a lane of tensors."""

NO_CODES: Int64 = np.empty((0, 0), dtype=np.int64)
"""What stands in the place of a table's categories."""


class TensorLane(Handling):
    """Answers requests for one placed version of a model of tensors. Nothing of them is recorded.

    Args:
        placed: which version it is.
        signature: what the model takes and gives.
        run: the model: :class:`TensorRows` in and out, in the place of a table's numbers.
        has_rows: whether the first axes of all tensors are rows.
        example: tensors that the model can be run on; None where none are known.
        calls: makes the codec of infer requests over gRPC; None leaves that protocol off.
        batcher: the queue of a model that is too large to run inline; only its thread runs the session then.
        aside: the thread for long requests, which the lanes of a process share.
        tracer: takes the requests of sampled traces; None for nothing.
        max_rows: rows that one request may have, where it has rows.
        limits: what else one request may ask for.
    """

    def __init__(
        self,
        placed: Placed,
        signature: Signature,
        run: Run,
        *,
        has_rows: bool,
        example: TensorRows | None,
        calls: TensorCalls | None = None,
        batcher: Queue | None = None,
        aside: Aside | None = None,
        tracer: Tracer | None = None,
        max_rows: int = MAX_ROWS,
        limits: TensorLimits | None = None,
    ) -> None:
        super().__init__(placed, run, batcher=batcher, aside=aside, tracer=tracer, max_rows=max_rows)
        self.signature = signature
        self._example = example
        limits = limits or TensorLimits()
        entrance, answers = Entrance(signature, limits, has_rows=has_rows), Answers(limits)
        forms, write = TensorForms(signature, entrance), TensorWriter(placed, signature, answers)
        self.instances = self._of(TensorInstancesCodec(forms, write))
        self.features = self._of(TensorFeaturesCodec(forms, write))
        self.invocations = self._of(TensorInvocationsCodec(signature, forms, write))
        self.tensors = self._of(InferCodec(placed, signature, entrance, answers))
        self.examples: Handler = self._no_examples
        self.calls = None if calls is None else self._of(calls(placed, signature, entrance, answers))

    async def probe(self) -> None:
        """Run the example by the way that requests take, and count nothing.

        Raises:
            UnavailableError: the model's queue is full.
        """
        if self._example is not None:
            await self._outputs_of(self._entering(cast("Given", self._example)))

    def _no_examples(self, body: bytes, ask: Ask) -> Answer:
        """Refuse to classify or regress: that is for rows of fields."""
        del body
        return refusal(wrong_verb(self.placed.name, self.signature), ask.request_id, head=self._version_head)

    def _of(self, codec: TensorCodec) -> Handler:
        # A codec of tensors has tensor rows where one of a table has rows and an array of outputs; what is between,
        # which counts, slices and joins rows, takes either.
        return self.handler(cast("Codec", codec))

    def _entering(self, given: Given) -> tuple[Float64, Int64]:
        return cast("Float64", given), NO_CODES
