"""Crew: tasks in, what became of them out, in order, by as many processes as are asked for."""

import selectors
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, cast

import msgspec

from golive.control.predict.hands import Hands
from golive.control.predict.order import Done, Order, Task
from golive.control.predict.scorer import Scorer
from golive.errors import UnavailableError

_AHEAD = 2
"""Tasks that a process has at once: the one it works on, and the next."""
_END_S = 5.0
_READ_BYTES = 1 << 16


def scored(order: Order, tasks: Sequence[Task], *, workers: int, hands: Hands) -> Iterator[Done]:
    """Score tasks and give the results in their order; at most ``3 * workers`` wait for their turn.

    Raises:
        UnavailableError: a process ended by itself.
    """
    if min(workers, len(tasks)) <= 1:
        scorer = Scorer(order)
        yield from map(scorer.score, tasks)
        return
    with _started(order, min(workers, len(tasks)), hands) as crew:
        yield from _in_order(crew, tasks)


class _Process:
    """One process of the crew."""

    def __init__(self, order: Order, hands: Hands) -> None:
        self._process = hands.take()
        self.stdout = cast("IO[bytes]", self._process.stdout)
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._held = b""
        self.tasks = 0
        self._send(msgspec.json.encode(order))

    def give(self, task: Task) -> None:
        self.tasks += 1
        self._send(msgspec.json.encode(task))

    def take(self) -> list[Done]:
        """Read what it has told.

        Raises:
            UnavailableError: it ended.
        """
        chunk = self.stdout.read1(_READ_BYTES)  # type: ignore[attr-defined]
        if not chunk:
            raise self._ended()
        *lines, self._held = (self._held + chunk).split(b"\n")
        self.tasks -= len(lines)
        return [msgspec.json.decode(line, type=Done) for line in lines]

    def end(self) -> None:
        self._process.kill()
        self._process.wait(_END_S)
        self.stdout.close()
        self._stdin.close()

    def _send(self, line: bytes) -> None:
        try:
            self._stdin.write(line + b"\n")
            self._stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self) -> UnavailableError:
        code = self._process.wait(_END_S)
        why = f"signal {-code}, perhaps for want of memory" if code < 0 else f"exit code {code}"
        return UnavailableError(
            f"a process of the run ended ({why}); what is done is kept: use --resume, with fewer --workers"
        )


@contextmanager
def _started(order: Order, count: int, hands: Hands) -> Iterator[list[_Process]]:
    crew: list[_Process] = []
    try:
        crew.extend(_Process(order, hands) for _ in range(count))
        yield crew
    finally:
        for process in crew:
            process.end()


def _in_order(crew: Sequence[_Process], tasks: Sequence[Task]) -> Iterator[Done]:
    waiting = iter(tasks)
    early: dict[int, Done] = {}
    given = told = 0
    with selectors.DefaultSelector() as selector:
        for process in crew:
            selector.register(process.stdout, selectors.EVENT_READ, process)
        while told < len(tasks):
            while given < len(tasks) and given - told < 3 * len(crew):
                free = min(crew, key=lambda process: process.tasks)
                if free.tasks >= _AHEAD:
                    break
                free.give(next(waiting))
                given += 1
            for key, _ in selector.select():
                for done in key.data.take():
                    early[done.number] = done
            while told < len(tasks) and tasks[told].number in early:
                yield early.pop(tasks[told].number)
                told += 1
