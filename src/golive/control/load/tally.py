"""Tally: what came of the requests of one generator process within the measured time."""

from golive.control.load.histogram import Histogram
from golive.control.load.orders import Measured

_NEVER = 1 << 62
_OK, _NOT_OK = 200, 300


class Tally:
    """Counts answers. Times are those of ``time.perf_counter_ns``, which all processes of a machine share.

    A request belongs to the measured time when its intended start does, however late its answer is: leaving out the
    slow ones would make a server look good that stands still.
    """

    def __init__(self) -> None:
        self.latencies = Histogram()
        self.lateness = Histogram()
        self.disconnects = 0
        self.unanswered = 0
        self.in_time = 0
        self.fault = ""
        self.end_ns = _NEVER
        self._begin_ns = _NEVER
        self._statuses: dict[int, int] = {}

    def measure(self, begin_ns: int, end_ns: int) -> None:
        """Set the measured time."""
        self._begin_ns, self.end_ns = begin_ns, end_ns

    def stop(self, now_ns: int) -> None:
        """End the measured time now."""
        self.end_ns = min(self.end_ns, now_ns)

    def answered(self, status: int, due_ns: int, now_ns: int) -> None:
        """Count an answer."""
        begin_ns, good = self._begin_ns, _OK <= status < _NOT_OK
        if due_ns >= begin_ns:
            self._statuses[status] = self._statuses.get(status, 0) + 1
            if good:
                self.latencies.record(now_ns - due_ns)
        if good and begin_ns <= now_ns < self.end_ns:
            self.in_time += 1

    def late(self, due_ns: int, now_ns: int) -> None:
        """Count how late the generator itself looked at its schedule."""
        if due_ns >= self._begin_ns:
            self.lateness.record(now_ns - due_ns)

    def cut(self, due_ns: int, fault: str) -> None:
        """Count a request that was cut off, or a connection that could not be made when one was due."""
        if self._begin_ns <= due_ns < self.end_ns:
            self.disconnects += 1
            self.fault = self.fault or fault

    def open_at_end(self, due_ns: int, now_ns: int) -> None:
        """Count a request that is still without an answer; its age is the least that its latency can be."""
        if self._begin_ns <= due_ns < self.end_ns:
            self.latencies.record(now_ns - due_ns)
            self.unanswered += 1

    def report(self, *, cpu_s: float) -> Measured:
        """Give the counts."""
        return Measured(
            latencies=self.latencies.bins(),
            lateness=self.lateness.bins(),
            in_time=self.in_time,
            statuses=self._statuses,
            disconnects=self.disconnects,
            unanswered=self.unanswered,
            seconds=max(0, self.end_ns - self._begin_ns) / 1e9,
            cpu_s=cpu_s,
            fault=self.fault,
        )
