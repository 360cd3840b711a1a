"""Remote lane: one version of one model that another process runs; here is only what describes it."""

import asyncio
import time

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import GoliveError
from golive.serving.answer import Answer, Ask, Handler, refusal, version_head
from golive.serving.remote.exchange import Exchange
from golive.serving.remote.link import Link
from golive.serving.switchboard import Switchboard
from golive.serving.telemetry.metrics import LaneMetrics, LaneSnapshot

KINDS = ("instances", "examples", "features", "invocations", "tensors", "calls")
"""The handlers that a lane has."""


class RemoteLane:
    """Hands requests on as they are and gives back the answers as they come.

    The other process counts and records what it answers; this one counts only what never came to it.

    Args:
        placed: which version it is.
        signature: what the model takes and gives.
        link: the way to the group that has the model.
        has_calls: whether infer requests come over gRPC, too.
    """

    def __init__(self, placed: Placed, signature: Signature, link: Link, *, has_calls: bool = False) -> None:
        self.placed = placed
        self.signature = signature
        self.link = link
        """May be replaced while it serves."""
        self._metrics = LaneMetrics()
        self._version_head = version_head(placed.version)
        self.instances, self.examples, self.features, self.invocations, self.tensors, calls = map(self.handler, KINDS)
        self.calls = calls if has_calls else None

    def snapshot(self) -> LaneSnapshot:
        """Copy the lane's counters."""
        return self._metrics.snapshot(self.placed.name, self.placed.version, self.placed.bundle)

    def handler(self, kind: str) -> Handler:
        """Answer the requests of one protocol by way of the other process's handler of that name."""
        path, refused = inner_path(kind, self.placed), self._refused

        def answer(body: bytes, ask: Ask) -> asyncio.Future[Answer]:
            exchange = Exchange(path, body, ask, refused)
            self.link.submit(exchange)
            return exchange.future

        return answer

    def _refused(self, error: GoliveError, ask: Ask) -> Answer:
        self._metrics.refused(error.status, error.code, time.perf_counter_ns() - ask.arrived_ns)
        return refusal(error, ask.request_id, head=self._version_head)


class Backroom(Switchboard):
    """The switchboard of a process that answers remote lanes, and nobody else: a path for each of their handlers."""

    def _pinned(self) -> dict[bytes, Handler]:
        handlers = {(kind, lane.placed): getattr(lane, kind) for lane in self.lanes.values() for kind in KINDS}
        return {inner_path(*of): handler for of, handler in handlers.items() if handler is not None}


def inner_path(kind: str, placed: Placed) -> bytes:
    """Give the path of a handler in the process that has the model."""
    return f"/{kind}/{placed.name}/{placed.version}".encode()
