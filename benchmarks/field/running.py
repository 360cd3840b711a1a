"""A server under measurement: its whole tree of processes, what that used and holds, and its end."""

import http.client
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.process import TICKS_PER_S, tree

START_LIMIT_S, STOP_LIMIT_S = 150.0, 10.0
LOOK_S, LOOKS, IDLE_CPU_S = 0.5, 16, 0.02
LAST_WORDS = 1500


class CannotRunError(RuntimeError):
    """A server did not start, or answered wrong; the message holds its last words."""


@dataclass(frozen=True)
class Launch:
    """What starts a server, and what is asked of it."""

    command: list[str]
    port: int
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    leaves: Path | None = None
    """A folder elsewhere that it fills, to be removed after its end."""


class Running:
    """A started server, pinned to core 0; every process it leads is ended on exit.

    Args:
        launch: what starts it.
        folder: where it stands; its log is written there.
    """

    def __init__(self, launch: Launch, folder: Path) -> None:
        self.launch, self._folder = launch, folder
        self._log = folder / "server.log"

    def __enter__(self) -> Self:
        environment = {
            "PATH": f"{Path(self.launch.command[0]).parent}:/usr/sbin:/usr/bin:/bin",
            "HOME": str(self._folder),
            "OMP_NUM_THREADS": "1",
            **self.launch.environment,
        }
        self.began = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["/usr/bin/taskset", "-c", "0", *self.launch.command],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        everyone = self.processes()
        self._process.terminate()
        until = time.monotonic() + STOP_LIMIT_S
        while (left := [pid for pid in {*everyone, *self.processes()} if _lives(pid)]) and time.monotonic() < until:
            self._process.poll()
            time.sleep(0.05)
        for pid in left:
            _kill(pid)
        self._process.wait(STOP_LIMIT_S)
        if self.launch.leaves is not None:
            shutil.rmtree(self.launch.leaves, ignore_errors=True)

    def processes(self) -> set[int]:
        """Give its descendants, and whatever else shares its session (a parent may have ended before its child)."""
        return {*tree(self._process.pid), *_session(self._process.pid)}

    def cpu_s(self) -> float:
        """Sum the processor seconds that its living processes have used."""
        return sum(_cpu_ticks(pid) for pid in self.processes()) / TICKS_PER_S

    def memory_mib(self) -> float:
        """Sum its proportional memory: a page that processes share is counted once."""
        return sum(_pss_kib(pid) for pid in self.processes()) / 1024

    def settle(self) -> None:
        """Wait until what was begun is done (records written, late imports); some servers are never idle."""
        used = self.cpu_s()
        for _ in range(LOOKS):
            time.sleep(LOOK_S)
            before, used = used, self.cpu_s()
            if used - before <= IDLE_CPU_S:
                return

    def first_answer(self, body: bytes) -> float:
        """Ask until it answers well: seconds since its start.

        Raises:
            CannotRunError: it ended, or did not answer in time.
        """
        said = ""
        while time.perf_counter() - self.began < START_LIMIT_S and self._process.poll() is None:
            try:
                status, answer = self.ask(body)
            except (OSError, http.client.HTTPException) as error:
                said = repr(error)
            else:
                if status == http.HTTPStatus.OK:
                    return time.perf_counter() - self.began
                said = f"{status} {answer[:200]!r}"
            time.sleep(0.01)
        ended = self._process.poll()
        state = f"ended with {ended}" if ended is not None else f"gave no good answer in {START_LIMIT_S:.0f} s ({said})"
        message = f"{state}; its last words: {self.last_words()}"
        raise CannotRunError(message)

    def ask(self, body: bytes) -> tuple[int, bytes]:
        """Ask once: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.launch.port, timeout=20)
        try:
            headers = {"content-type": "application/json", **self.launch.headers}
            connection.request("POST", self.launch.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def last_words(self) -> str:
        """Give the end of its log."""
        return self._log.read_text("utf-8", errors="replace")[-LAST_WORDS:]


def _stat(pid: int) -> list[str]:
    """Give the fields of a process from its state on, or nothing when it is gone."""
    try:
        # The name in brackets may hold spaces.
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _session(leader: int) -> list[int]:
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in found if (stat := _stat(pid)) and int(stat[3]) == leader and stat[0] != "Z"]


def _cpu_ticks(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[11]) + int(stat[12]) if stat else 0


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _lives(pid: int) -> bool:
    stat = _stat(pid)
    return bool(stat) and stat[0] != "Z"


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
