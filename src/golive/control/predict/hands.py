"""Hands: the processes of a run, started before anything else is, so that all load their libraries at the same time.

This module loads nothing of its own: the first of them starts while the run itself still has to find its bundle.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BYTES_EACH = 16 << 20
"""So much of a file is worth a process: less is read sooner than it starts."""
_END_S = 5.0


class Hands:
    """Processes that wait for an order. They end when their standard input does."""

    def __init__(self, count: int) -> None:
        self._waiting = [_started() for _ in range(count)]

    def take(self) -> "subprocess.Popen[bytes]":
        """Give one that waits, or start another."""
        return self._waiting.pop(0) if self._waiting else _started()

    def dismiss(self) -> None:
        """End those that nobody took."""
        for process in self._waiting:
            process.kill()
        for process in self._waiting:
            process.communicate(timeout=_END_S)
        self._waiting.clear()


@contextmanager
def hired(place: str, workers: int) -> Iterator[Hands]:
    """Start as many processes as a file keeps busy, at most ``workers`` (0: one a core); none for what is elsewhere."""
    most = workers or len(os.sched_getaffinity(0))
    hands = Hands(min(most, _size(place) // _BYTES_EACH) if most > 1 else 0)
    try:
        yield hands
    finally:
        hands.dismiss()


def _size(place: str) -> int:
    try:
        return 0 if "://" in place else Path(place).stat().st_size
    except OSError:
        # What is wrong with it is said by whoever reads it.
        return 0


def _started() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "golive.control.predict.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
