"""An event loop, a compute thread and a clock that a test moves by hand."""

from collections import deque
from collections.abc import Callable


class ManualClock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class SteppedLoop:
    """Callbacks run when told; one round runs those that stand there at its start, as an event loop does."""

    def __init__(self) -> None:
        self.ready: deque[Callable[[], object]] = deque()

    def call_soon(self, callback: Callable[[], object], /) -> None:
        self.ready.append(callback)

    call_soon_threadsafe = call_soon

    def turn(self) -> None:
        for _ in range(len(self.ready)):
            self.ready.popleft()()

    def settle(self) -> None:
        while self.ready:
            self.turn()


class SteppedHands:
    """Work is done when told; it takes as long as the test says."""

    def __init__(self, loop: SteppedLoop) -> None:
        self._loop = loop
        self.jobs: deque[tuple[Callable[[], None], Callable[[], None]]] = deque()
        self.is_closed = False

    def start(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        assert not self.jobs, "one run at a time"
        self.jobs.append((work, then))

    def close(self) -> None:
        self.is_closed = True

    def finish(self) -> None:
        work, then = self.jobs.popleft()
        work()
        self._loop.call_soon_threadsafe(then)
