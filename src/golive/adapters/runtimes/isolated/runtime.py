"""The runtime ``isolated``: an archive with a fitted object in, a session over its own process out."""

import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from golive.adapters.runtimes.isolated.child import Child, GoneError
from golive.adapters.runtimes.isolated.environments import interpreter
from golive.adapters.runtimes.isolated.memory import SharedMemory, sealed_file
from golive.errors import UnavailableError, VerificationError
from golive.packaging.isolated import SLICE, Isolated, opened
from golive.ports import Float64, Int64, Session, TensorSession
from golive.settings import read_settings

_FIRST_WAIT_S = 0.5
_HUNG_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0


class IsolatedRuntime:
    """Opens archives with a fitted Python object. Opening one runs its code, in a process of its own."""

    name = "isolated"

    def sharing(self, folder: Path) -> "IsolatedRuntime":
        """Give itself: what such a model holds in memory belongs to its own process."""
        del folder
        return self

    def open(self, graph: bytes, *, threads: int) -> Session:
        """Open an archive and start its process, in an environment with the versions that it was packaged with.

        Raises:
            VerificationError: the bytes are no such archive, or its model does not load.
            UnavailableError: the environment cannot be made here.
        """
        return self.start(graph, threads=threads)

    def start(self, graph: bytes, *, threads: int) -> "IsolatedSession":
        """Do what :meth:`open` does, and give all that such a session can."""
        told, model = opened(graph)
        python = interpreter(told.requirements, told.python, environments_folder())
        return IsolatedSession(python, told, model, threads=threads)

    def open_tensors(self, graph: bytes, *, threads: int) -> TensorSession:
        """Refuse: an isolated model reads rows.

        Raises:
            VerificationError: always.
        """
        message = (
            f"the isolated runtime answers rows of fields, not tensors ({len(graph)} bytes, {threads} threads); "
            "package the model with a signature of fields"
        )
        raise VerificationError(message)


class IsolatedSession:
    """A model in a process of its own, which is replaced when it breaks.

    A broken process is replaced at once the first time; while no answer comes in between, after a wait that doubles
    up to 30 s. Requests during that wait are refused and nothing is started for them.
    """

    def __init__(
        self,
        python: Path,
        told: Isolated,
        model: memoryview,
        *,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._told = told
        self._clock = clock
        self._house = _House(python, told, model, threads)
        # A session that nobody holds any more takes its process along.
        self._finalizer = weakref.finalize(self, self._house.close)
        self._failures = 0
        self._not_before = clock()
        self._reason = ""
        self._no_rows = np.empty((0, told.outputs))
        try:
            self._house.child().wait_ready(told.limits.load_s)
        except GoneError as error:
            self.close()
            message = f"the isolated model {error}; package it again in an environment that has all it needs"
            raise VerificationError(message) from error

    def run(self, numbers: Float64, codes: Int64) -> Float64:
        """Predict: float64 ``[n, numbers]`` and int64 ``[n, categories]`` in, float64 ``[n, outputs]`` out.

        Many rows are asked in slices, each with a deadline of its own.

        Raises:
            InvalidRowError: the model refuses these rows.
            UnavailableError: its process broke over this request, or is being replaced.
            GoliveError: the model fails on these rows.
        """
        self._check(numbers, codes)
        count = len(numbers)
        if count <= SLICE:
            return self._asked(numbers, codes) if count else self._no_rows.copy()
        parts = range(0, count, SLICE)
        return np.concatenate([self._asked(numbers[at : at + SLICE], codes[at : at + SLICE]) for at in parts])

    def modules(self) -> tuple[tuple[str, ...], str]:
        """Name the top modules that the model has brought into its process so far, and the module of its class."""
        found = self.looked()
        return tuple(found["modules"]), str(found["model"])

    def looked(self) -> dict[str, Any]:
        """Say what the object is, see ``program.looked_at``, and which modules it has brought in."""
        return self._house.child().look()

    def close(self) -> None:
        """End the process. Doing so twice changes nothing."""
        self._finalizer()

    def _check(self, numbers: Float64, codes: Int64) -> None:
        wanted = (self._told.numbers, self._told.codes)
        if (numbers.shape[1:], codes.shape[1:]) != ((wanted[0],), (wanted[1],)) or len(numbers) != len(codes):
            message = (
                f"the isolated model reads {wanted[0]} numbers and {wanted[1]} codes a row, and the shapes "
                f"{numbers.shape} and {codes.shape} came; package the model again"
            )
            raise VerificationError(message)
        if codes.size and (codes.min() < 0 or (codes >= self._house.codes).any()):
            message = "a code is none of the column's values; package the model again"
            raise VerificationError(message)

    def _asked(self, numbers: Float64, codes: Int64) -> Float64:
        if not self._finalizer.alive:
            message = "the isolated model was closed; open the bundle again"
            raise UnavailableError(message)
        left = self._not_before - self._clock()
        if left > 0:
            message = f"the isolated model {self._reason}; it is started again in {left:.1f} s, try again then"
            raise UnavailableError(message)
        try:
            child = self._house.child()
            if not child.wait_ready(self._told.limits.call_s):
                message = "the isolated model is being started again; try again in a moment"
                raise UnavailableError(message)
            answer = child.ask(numbers, codes)
        except GoneError as error:
            self._gone(error)
            message = f"the isolated model {error}; its process is replaced, try again"
            raise UnavailableError(message) from error
        self._failures = 0
        return answer

    def _gone(self, error: GoneError) -> None:
        wait_s = waited_s(self._failures, hung=error.hung)
        self._failures += 1
        self._reason = str(error)
        self._not_before = self._clock() + wait_s
        self._house.end()
        if not wait_s:
            try:
                self._house.child()
            except GoneError:
                return  # the next request says so


def waited_s(failures: int, *, hung: bool) -> float:
    """Say how long to wait before a process is replaced that broke after ``failures`` others without an answer.

    One that hung took a whole deadline from the other models of its server, so the first one waits as well.
    """
    if not failures:
        return _HUNG_WAIT_S if hung else 0.0
    # Beyond, the power would be too large for a float.
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures, 10))


def environments_folder() -> Path:
    """Say where environments are kept: in ``GOLIVE_HOME``, else in the user's cache."""
    home = read_settings().home
    return (home / "cache" if home else Path.home() / ".cache" / "golive") / "environments"


class _House:
    """What a session holds open: the model's file, the shared memory, and at most one process."""

    def __init__(self, python: Path, told: Isolated, model: memoryview, threads: int) -> None:
        self.codes = np.array([len(column.values) + 2 for column in told.seen.columns if column.kind == "text"])
        """How many codes each column has."""
        self._python = python
        self._told = told
        self._threads = threads
        self._model_file = sealed_file(model)
        self._memory = SharedMemory()
        self._child: Child | None = None

    def child(self) -> Child:
        """Give the process, started if need be."""
        if self._child is None:
            self._child = Child(self._python, self._told, self._model_file, self._memory, threads=self._threads)
        return self._child

    def end(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def close(self) -> None:
        """End everything."""
        self.end()
        self._memory.close()
        os.close(self._model_file)
