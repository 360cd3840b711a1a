"""Compute: where the batches of a process run, one at a time, and the turns that models take there."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

from golive.serving.batching.batch import Batch
from golive.serving.batching.pace import Pace

_LONGEST_TURN_NS = 50_000_000
"""The longest that runs follow each other in the event loop without a break."""


class Loop(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Callable[[], object], /) -> object:
        """Call it after what the loop has at hand."""
        ...

    def call_soon_threadsafe(self, callback: Callable[[], object], /) -> object:
        """The same, from another thread."""
        ...


class Hands(Protocol):
    """Does one piece of work after the other, somewhere else."""

    def start(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Do the work and call ``then`` in the event loop; returns at once."""
        ...

    def close(self) -> None:
        """Take no more work."""
        ...


class Source(Protocol):
    """A model with requests that wait."""

    def next_batch(self, now_ns: int) -> Batch | None:
        """Take the next run out of the queue; None when nothing in it is worth a run."""
        ...

    def is_waiting(self) -> bool:
        """Say whether requests wait."""
        ...

    def backlog_ns(self) -> float:
        """Predict the time until each waiting request has had its turn, were the thread its own."""
        ...

    def learn(self, batch: Batch, taken_ns: int) -> None:
        """Take note of how long a run kept the next one waiting: the model, and the way there and back."""
        ...

    def deliver(self, batch: Batch) -> None:
        """Hand the results of a run to those who asked."""
        ...

    def refuse_all(self) -> None:
        """Refuse whatever waits, for the process ends."""
        ...


class ComputeThread:
    """A thread that works for an event loop. It is a daemon: a model that hangs does not keep a process from ending."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[tuple[Callable[[], None], Callable[[], None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="golive-compute", daemon=True)

    def start(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Do the work and call ``then`` in the event loop; returns at once."""
        # Most processes have no model that needs the thread.
        if self._thread.ident is None:
            self._thread.start()
        self._jobs.put((work, then))

    def close(self) -> None:
        """Take no more work; what runs comes to its end."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, then = job
            work()
            try:
                self._loop.call_soon_threadsafe(then)
            except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
                return


class LoopHands:
    """Works in the event loop itself, which is away for as long as the work waited for it, and at least for one run.

    The better choice unless single rows take milliseconds: there is no hop, and the loop and the model never compete
    for the interpreter's lock. Measured at full load: nearly twice the goodput of a thread. When more comes in than can
    be answered, reading and refusing get no more of the loop than the model does.

    Args:
        loop: the event loop.
        clock: nanoseconds.
    """

    def __init__(self, loop: Loop, clock: Callable[[], int]) -> None:
        self._loop = loop
        self._clock = clock
        self._job: tuple[Callable[[], None], Callable[[], None]] | None = None
        self._waiting_since_ns = 0
        self._is_at_work = False

    def start(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Do the work in the loop's next turn, or at once after other work that is due to go on."""
        self._job = (work, then)
        if not self._is_at_work:
            self._come_back()

    def close(self) -> None:
        """Take no more work; there is nothing to end."""

    def _come_back(self) -> None:
        self._waiting_since_ns = self._clock()
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        began = self._clock()
        until = began + min(began - self._waiting_since_ns, _LONGEST_TURN_NS)
        self._is_at_work = True
        while (job := self._job) is not None:
            work, then = job
            self._job = None
            work()
            then()
            if self._clock() >= until:
                break
        self._is_at_work = False
        if self._job is not None:
            self._come_back()


class Compute:
    """Runs one batch at a time. Its methods belong to the event loop's thread, and nothing here takes a lock.

    A request that finds it free starts when the loop has read what else has arrived by then. There is no
    timer: the next batch is what came while the last one ran. Models with waiting requests take turns.

    Args:
        loop: the event loop.
        hands: does the work: a :class:`ComputeThread`, or :class:`LoopHands`.
        clock: nanoseconds; deadlines are on it.
    """

    def __init__(self, loop: Loop, hands: Hands, clock: Callable[[], int]) -> None:
        self.loop = loop
        self.clock = clock
        self.is_closed = False
        self._hands = hands
        self._pace = Pace()
        self._waiting: OrderedDict[Source, None] = OrderedDict()
        self._running: Batch | None = None
        self._running_since_ns = 0
        self._is_awake = False

    def wake(self, source: Source) -> None:
        """Have a model's requests run, as soon as it is its turn."""
        if source not in self._waiting:
            self._waiting[source] = None
        if self._running is None and not self._is_awake:
            self._is_awake = True
            self.loop.call_soon(self._next)

    def wait_ns(self, source: Source, own_ns: float) -> float:
        """Predict how long a request waits whose own model has so much to run before it."""
        wait = own_ns
        for other in self._waiting:
            # Models take turns: while this one runs what is before the request, each other gets about as much.
            if other is not source:
                wait += min(own_ns, other.backlog_ns())
        wait *= self._pace.stretch
        if self._running is not None:
            expected_ns = self._running.expected_ns * self._pace.stretch
            wait += max(0.0, expected_ns - (self.clock() - self._running_since_ns))
        return wait

    def stretched(self, run_ns: float) -> float:
        """Predict when a run will have ended that begins as soon as it is its turn, in nanoseconds from now."""
        return run_ns * self._pace.stretch

    def busy_ns(self) -> int:
        """Say for how long the run under way has lasted; 0 when there is none."""
        return 0 if self._running is None else self.clock() - self._running_since_ns

    def close(self) -> None:
        """Refuse what waits, and run nothing more; what runs is delivered."""
        self.is_closed = True
        for source in tuple(self._waiting):
            source.refuse_all()
        self._waiting.clear()
        self._hands.close()

    def _next(self) -> None:
        self._is_awake = False
        while self._waiting and self._running is None:
            source, _ = self._waiting.popitem(last=False)
            now = self.clock()
            batch = source.next_batch(now)
            if source.is_waiting():
                self._waiting[source] = None
            if batch is not None:
                self._running, self._running_since_ns = batch, now
                self._hands.start(batch.work, partial(self._ended, source, batch))

    def _ended(self, source: Source, batch: Batch) -> None:
        taken_ns = self.clock() - self._running_since_ns
        self._running = None
        self._pace.learn(taken_ns, batch.expected_ns)
        source.learn(batch, taken_ns)
        # The next batch goes first: a thread runs it while the answers of the last one are written.
        self._next()
        source.deliver(batch)
