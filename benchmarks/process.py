"""Whole processes: their time, and the memory of all their children together."""

import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.iris import QUESTION

PAGE_KIB = 4
LIMIT_S = 30.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def run(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command to its end: (wall seconds, greatest resident memory of the whole process tree in MiB)."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise RuntimeError(said)
    return seconds, peak[0]


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], tree_mib(process.pid))
        time.sleep(0.05)


def tree(pid: int) -> list[int]:
    """List a process and all its descendants."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            waiting += [
                int(child)
                for task in Path(f"/proc/{one}/task").iterdir()
                for child in (task / "children").read_text("ascii").split()
            ]
            found.append(one)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def tree_mib(pid: int) -> float:
    """Sum the resident memory of a process and all its descendants, shared pages counted once for each."""
    return sum(int(one[1]) for one in _fields(pid, "statm")) * PAGE_KIB / 1024


def tree_cpu_s(pid: int) -> float:
    """Sum the processor seconds that a process and its living descendants have used, in user and in kernel mode."""
    # The name in brackets may hold spaces; what follows it begins with the state, field 3.
    after_name = [" ".join(one).rpartition(")")[2].split() for one in _fields(pid, "stat")]
    return sum(int(one[11]) + int(one[12]) for one in after_name) / TICKS_PER_S


def _fields(pid: int, name: str) -> list[list[str]]:
    found = []
    for one in tree(pid):
        try:
            found.append(Path(f"/proc/{one}/{name}").read_text("utf-8").split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def free_port() -> int:
    """Give a port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Server:
    """A server under measurement: started on entry, ended with all its children on exit.

    Args:
        command: what starts it.
        folder: where it stands; its log is written there.
        port: where it will answer ``POST /predict``.
        environment: all it sees of the environment, besides PATH.
    """

    def __init__(self, command: list[str], folder: Path, port: int, environment: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}/predict"
        self._command, self._folder = command, folder
        self._environment = {"PATH": "/usr/bin:/bin", **environment}
        self._log = folder / f"server-{port}.log"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdout=log, stderr=log
            )
        self.pid = self._process.pid
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        everyone = tree(self.pid)
        self._process.terminate()
        self._process.wait(LIMIT_S)
        # What it started drains by itself; the next measurement must not meet it.
        until = time.monotonic() + LIMIT_S
        while any(_lives(one) for one in everyone) and time.monotonic() < until:
            time.sleep(0.02)

    def wait_for_answer(self) -> bytes:
        """Ask until it answers; gives the first answer."""
        until = time.perf_counter() + LIMIT_S
        while True:
            try:
                return self.ask()
            except OSError as error:
                if time.perf_counter() > until or self._process.poll() is not None:
                    raise RuntimeError(self._log.read_text("utf-8")) from error
                time.sleep(0.005)

    def ask(self) -> bytes:
        """Ask once."""
        request = urllib.request.Request(self.url, QUESTION, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read())


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
