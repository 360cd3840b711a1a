"""Making: an optimizer that works in a process of its own; a crash, a hang or a flood of memory is an answer too."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np

from golive.optimization import maker
from golive.optimization.confine import memory_for
from golive.optimization.measuring import RefusedError
from golive.ports import Candidate, Optimizer, Subject

_STDERR = "stderr.txt"
_READ = 65536
_END_S = 5.0


class FailedError(Exception):
    """An optimizer's process did not do what it should; the message says why, to follow the optimizer's name."""


class Apart:
    """An optimizer whose candidates are made in a process of its own, each when it is asked for.

    Args:
        optimizer: an installed one; it is loaded again, by name, in that process.
        limit_s: how long one candidate may take, in seconds.
        memory_bytes: the most address space of that process; by default enough for the graph.
    """

    def __init__(self, optimizer: Optimizer, *, limit_s: float, memory_bytes: int | None = None) -> None:
        self.name = optimizer.name
        self.effort_s = optimizer.effort_s
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give the optimizer's candidates.

        Raises:
            RefusedError: it says that it can do nothing with this graph.
            FailedError: its process crashed, took longer than it may, needs more memory, or has a bug.
        """
        with tempfile.TemporaryDirectory(prefix="golive-maker-") as name:
            folder = Path(name)
            self._lay_out(folder, subject)
            with (folder / _STDERR).open("wb") as stderr:
                process = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-m", "golive.optimization.maker", str(folder)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    start_new_session=True,
                )
            try:
                while self._asked(process, folder) == maker.MADE:
                    yield msgspec.msgpack.decode((folder / maker.CANDIDATE).read_bytes(), type=Candidate)
            except msgspec.DecodeError as error:
                message = f"gave something that is no candidate ({error})"
                raise FailedError(message) from error
            finally:
                _end(process)

    def _lay_out(self, folder: Path, subject: Subject) -> None:
        order = maker.Order(
            optimizer=self.name,
            preparation=subject.preparation,
            task=subject.task,
            seed=subject.seed,
            memory_bytes=memory_for(subject.graph) if self._memory_bytes is None else self._memory_bytes,
        )
        (folder / maker.ORDER).write_bytes(msgspec.json.encode(order))
        (folder / maker.GRAPH).write_bytes(subject.graph)
        for name in maker.ARRAYS:
            np.save(folder / f"{name}.npy", getattr(subject, name))

    def _answer(self, process: subprocess.Popen[bytes]) -> bytes:
        if process.stdin is None or process.stdout is None:
            return b""
        with suppress(BrokenPipeError):
            os.write(process.stdin.fileno(), maker.NEXT)
        ready, _, _ = select.select([process.stdout], [], [], self._limit_s)
        if not ready:
            message = f"took longer than {self._limit_s:.0f} seconds to make a candidate"
            raise FailedError(message)
        return os.read(process.stdout.fileno(), 1)

    def _asked(self, process: subprocess.Popen[bytes], folder: Path) -> bytes:
        """Ask for one more and wait for what is said to it."""
        said = self._answer(process)
        if said == maker.BROKEN:
            failure = msgspec.json.decode((folder / maker.ERROR).read_bytes(), type=maker.Failure)
            raise (RefusedError if failure.outcome == "refused" else FailedError)(failure.message)
        if said not in {maker.MADE, maker.DONE}:
            raise FailedError(_end_of(process, folder))
        return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _end_of(process: subprocess.Popen[bytes], folder: Path) -> str:
    try:
        code = process.wait(_END_S)
    except subprocess.TimeoutExpired:
        return "closed its connection"
    if code < 0:
        return f"ended its process ({signal.Signals(-code).name})"
    last = (folder / _STDERR).read_bytes()[-_READ:].decode(errors="replace").strip().splitlines()
    return f"ended its process ({last[-1] if last else f'exit code {code}'})"
