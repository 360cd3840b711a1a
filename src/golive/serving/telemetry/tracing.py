"""Tracing: requests whose caller samples a trace in, batches of them out, exported by a thread of their own.

The event loop only appends a value to a bounded queue. Everything else (reading the trace context, making spans,
sending them) is done by the thread, and at most a queue's worth of it in each round, so that tracing every request
costs no more than tracing some.
"""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from golive.domain.serving import Placed
from golive.serving.answer import Ask

QUEUE = 128
"""Requests that wait for the next round. Measured: the spans of one request take the thread 0.1 ms."""
ROUND_S = 1.0
_END_S = 3.0
"""How long the last round may take at the end of the process."""
_LAST_DIGIT = slice(54, 55)
"""Of the flags, in hexadecimal; its lowest bit says whether the caller samples."""
_SAMPLED = frozenset({b"1", b"3", b"5", b"7", b"9", b"b", b"d", b"f"})
_VERSION_0, _LENGTH_OF_0 = b"00", 55
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


class Traced(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One request of a sampled trace. It holds nothing of the inputs."""

    placed: Placed
    """What answered it."""
    traceparent: bytes
    tracestate: bytes
    request_id: str
    rows: int
    """0 for a refused request."""
    status: int
    """Of HTTP."""
    code: str
    """Of the error; empty for an answered request."""
    times_ns: tuple[int, ...]
    """How long its phases took, in the order of ``metrics.PHASES``; of a refused request, the whole of it."""
    ended_ns: int
    """When it was answered, in nanoseconds since 1970."""


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a caller says of its trace (W3C Trace Context)."""

    trace: int
    """128 bits."""
    span: int
    """64 bits: the caller's own span."""


Export = Callable[[Sequence[Traced]], bool]
"""Sends requests away and says whether they arrived. It may take long and may raise."""


class Tracer:
    """Keeps sampled requests until its thread exports them.

    What does not fit into the queue, and what could not be exported, is counted and forgotten.

    Args:
        export: sends them away.
        queue: how many may wait.
        round_s: how often they are exported, in seconds.
    """

    def __init__(self, export: Export, *, queue: int = QUEUE, round_s: float = ROUND_S) -> None:
        self.sent = 0
        """Requests that were exported."""
        self._export = export
        self._most = queue
        self._round_s = round_s
        self._waiting: deque[Traced] = deque()
        self._passed = 0
        self._failed = 0
        self._is_failing = False
        self._ending = threading.Event()
        # A daemon: a collector that does not answer must not keep the process from its end.
        self._thread = threading.Thread(target=self._go_round, name="golive-traces", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Requests of sampled traces that were not exported."""
        return self._passed + self._failed

    def answered(self, placed: Placed, ask: Ask, rows: int, times_ns: tuple[int, int, int, int]) -> None:
        """Take an answered request, if its caller samples it."""
        traceparent = ask.headers.get(b"traceparent")
        if traceparent is not None and traceparent[_LAST_DIGIT] in _SAMPLED:
            self._add(placed, traceparent, ask, (rows, 200, ""), times_ns)

    def refused(self, placed: Placed, ask: Ask, status: int, code: str, duration_ns: int) -> None:
        """Take a refused request, if its caller samples it."""
        traceparent = ask.headers.get(b"traceparent")
        if traceparent is not None and traceparent[_LAST_DIGIT] in _SAMPLED:
            self._add(placed, traceparent, ask, (0, status, code), (duration_ns,))

    def close(self) -> None:
        """Export what waits and end; a collector that does not answer is not waited for long."""
        self._ending.set()
        self._thread.join(_END_S)

    def _add(
        self, placed: Placed, traceparent: bytes, ask: Ask, outcome: tuple[int, int, str], times_ns: tuple[int, ...]
    ) -> None:
        if len(self._waiting) >= self._most:
            self._passed += 1
            return
        tracestate = ask.headers.get(b"tracestate", b"")
        self._waiting.append(
            Traced(placed, traceparent, tracestate, ask.request_id, *outcome, times_ns, time.time_ns())
        )

    def _go_round(self) -> None:
        while not self._ending.wait(self._round_s):
            self._send()
        self._send()

    def _send(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        log = logging.getLogger("golive.serving")
        arrived, cause = False, None
        try:
            arrived = self._export(batch)
        except Exception as error:  # noqa: BLE001 - the border: the next batch may go through
            cause = error
        if arrived:
            self.sent += len(batch)
        else:
            self._failed += len(batch)
        # Once, not every round: a collector may be away for days.
        if not arrived and not self._is_failing:
            log.warning("traces do not reach their collector; golive_traces_dropped counts them", exc_info=cause)
        elif arrived and self._is_failing:
            log.warning("traces reach their collector again")
        self._is_failing = not arrived


def context_of(traceparent: bytes) -> Context | None:
    """Read a ``traceparent`` header; None where it is not valid, and so nobody's trace.

    A version from the future may say more after the flags; that is passed over, as the specification wants.
    """
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or (traceparent.startswith(_VERSION_0) and len(traceparent) != _LENGTH_OF_0):
        return None
    trace, span = (int(part, 16) for part in found.groups())
    return Context(trace, span) if trace and span else None
