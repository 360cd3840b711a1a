"""Served: one version of one model as a switchboard sees it, wherever it runs."""

from typing import Protocol

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.serving.answer import Handler
from golive.serving.codecs.codec import Codec, Labels
from golive.serving.telemetry.metrics import LaneSnapshot
from golive.serving.tensorial.answers import Answers
from golive.serving.tensorial.codec import TensorCodec
from golive.serving.tensorial.entrance import Entrance


class Served(Protocol):
    """A :class:`~golive.serving.lane.Lane`, or one that hands on to another process."""

    placed: Placed
    instances: Handler
    examples: Handler
    features: Handler
    invocations: Handler
    tensors: Handler

    @property
    def calls(self) -> Handler | None:
        """Answers infer requests over gRPC; None where that protocol is off."""
        ...

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        ...

    def snapshot(self) -> LaneSnapshot:
        """Copy the counters of this process."""
        ...


class CallsCodecs(Protocol):
    """Makes the codecs of lanes whose infer requests come over gRPC."""

    def codec(self, placed: Placed, signature: Signature, labels: Labels) -> Codec:
        """Make that of a lane of rows."""
        ...

    def tensor_codec(self, placed: Placed, signature: Signature, entrance: Entrance, answers: Answers) -> TensorCodec:
        """Make that of a lane of tensors."""
        ...
