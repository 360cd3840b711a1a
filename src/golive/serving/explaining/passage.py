"""Passage: the way from a worker to the process that explains, which comes and goes.

Its socket stays: a connection that is made while no process listens waits until one is started. What a process that
ends had under way is lost, and said to be; nothing is sent twice, for the request itself may be what ended it.
"""

import asyncio
import time
from collections import deque

import msgspec

from golive.errors import DeadlineError, GoliveError, TooLargeError, UnavailableError, UnexplainableError
from golive.serving.answer import Answer, Ask, Handler, refusal, version_head
from golive.serving.batching.refusal import OverloadedError
from golive.serving.explaining.paths import inner_path
from golive.serving.remote.exchange import Exchange, Wire
from golive.serving.served import Served


class PassageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker has under way."""

    wait_s: float = 10.0
    """How long a request waits for its answer, the start of the process and the opening of the model included."""
    waiting: int = 16
    """Requests that wait for an answer; a further one is told to come back."""
    body_bytes: int = 1 << 20
    connections: int = 4


class Passage:
    """Hands requests to the process that explains, and gives back its answers.

    Args:
        path: its socket; empty where explanations are turned off.
        limits: what may be under way.
    """

    def __init__(self, path: str, limits: PassageLimits | None = None) -> None:
        self._path = path
        self._limits = limits or PassageLimits()
        self._idle: list[Wire] = []
        self._carrying: dict[Exchange, Wire] = {}
        self._queue: deque[Exchange] = deque()
        self._open = 0
        self._under_way = 0
        self._dialing: set[asyncio.Task[None]] = set()

    def handler(self, lane: Served) -> Handler:
        """Answer the requests to explain what a lane predicts."""
        placed = lane.placed
        path = inner_path(placed)
        off = _turned_off(self._path, lane)

        def refuse(error: GoliveError, ask: Ask) -> Answer:
            return refusal(error, ask.request_id, head=version_head(placed.version))

        def answer(body: bytes, ask: Ask) -> Answer | asyncio.Future[Answer]:
            error = off or self._too_much(body)
            if error is not None:
                return refuse(error, ask)
            exchange = Exchange(path, body, ask, refuse)
            self._submit(exchange)
            return exchange.future

        return answer

    def close(self) -> None:
        """Hang up."""
        for wire in (*self._idle, *self._carrying.values()):
            wire.close()

    def _too_much(self, body: bytes) -> GoliveError | None:
        limits = self._limits
        if len(body) > limits.body_bytes:
            message = f"the body is over the limit of {limits.body_bytes} bytes of :explain; send fewer rows"
            return TooLargeError(message)
        if self._under_way >= limits.waiting:
            message = f"{self._under_way} requests wait to be explained already; come back in a second"
            return OverloadedError(message, retry_after_s=1)
        return None

    def _submit(self, exchange: Exchange) -> None:
        self._under_way += 1
        wait_s = self._limits.wait_s
        if exchange.deadline_ns is not None:
            wait_s = min(wait_s, max(0.0, (exchange.deadline_ns - time.perf_counter_ns()) / 1e9))
        timer = asyncio.get_running_loop().call_later(wait_s, self._too_late, exchange)
        exchange.future.add_done_callback(lambda _: self._settled(timer))
        self._queue.append(exchange)
        self._go_on()

    def _settled(self, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        self._under_way -= 1

    def _go_on(self) -> None:
        """Send what waits over what is idle, and open another connection for the rest."""
        while self._queue and self._idle:
            self._carry(self._idle.pop(), self._queue.popleft())
        wanted = min(len(self._queue), self._limits.connections) - len(self._dialing)
        for _ in range(min(wanted, self._limits.connections - self._open - len(self._dialing))):
            task = asyncio.get_running_loop().create_task(self._dial())
            self._dialing.add(task)
            task.add_done_callback(self._dialing.discard)

    def _carry(self, wire: Wire, exchange: Exchange) -> None:
        if exchange.future.done():
            self._free(wire)
            return
        self._carrying[exchange] = wire
        exchange.future.add_done_callback(lambda _: self._carrying.pop(exchange, None))
        wire.send(exchange, time.perf_counter_ns())

    async def _dial(self) -> None:
        try:
            _, wire = await asyncio.get_running_loop().create_unix_connection(
                lambda: Wire(0, self._free, self._lost), self._path
            )
        except OSError as error:
            message = f"explanations cannot be reached ({error.strerror or error}); come back in a while"
            self._give_up(UnavailableError(message))
            return
        self._open += 1
        self._free(wire)

    def _free(self, wire: Wire) -> None:
        if wire.is_closing:
            wire.close()
            return
        self._idle.append(wire)
        self._go_on()

    def _lost(self, wire: Wire, exchange: Exchange | None, has_begun: bool) -> None:
        del has_begun
        self._open -= 1
        if wire in self._idle:
            self._idle.remove(wire)
        if exchange is not None:
            message = (
                "the process that explains ended before it had answered, and is started again; predictions go on. "
                "Send the request once more, with fewer rows if that ends it again"
            )
            exchange.fail(UnavailableError(message))
        self._go_on()

    def _too_late(self, exchange: Exchange) -> None:
        wire = self._carrying.get(exchange)
        message = "the explanation did not come in time; allow more time, or explain fewer rows in one request"
        exchange.fail(DeadlineError(message))
        if wire is not None:
            # The other side sees it, and ends the work.
            wire.close()
        elif exchange in self._queue:
            self._queue.remove(exchange)

    def _give_up(self, error: GoliveError) -> None:
        while self._queue:
            self._queue.popleft().fail(error)


def _turned_off(path: str, lane: Served) -> GoliveError | None:
    if lane.signature.task == "tensors":
        message = (
            f"the model {lane.placed.name!r} takes tensors, which have no columns that could be explained; "
            "explain it where it was trained"
        )
        return UnexplainableError(message)
    if not path:
        return UnexplainableError("explanations are turned off on this server; set serving.explain in golive.yaml")
    return None
