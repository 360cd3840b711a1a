"""Processes: starting, finding and stopping the supervisor of a state folder, from outside it."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from golive.control.running.order import SupervisorOrder
from golive.control.running.run_files import RunFile, RunFolder, Started
from golive.errors import GoliveError, UnavailableError, UsageError

START_S = 300.0
"""How long a supervisor may take to be ready: longer than all of its own limits, so that it can say what was slow."""
_LOG_BYTES = 5 << 20
"""A longer log is set aside when a server starts."""
_LOOK_S = 0.05
_READ_BYTES = 1 << 16


class RunningSupervisor:
    """A supervisor that is ready.

    Args:
        found: what it says of itself.
        child: its process, when this process started it.
    """

    def __init__(self, found: RunFile, run: RunFolder, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = found.pid
        self.url = found.url
        self.grpc = found.grpc
        """Where it is asked over gRPC, as ``host:port``; empty where that is off."""
        self.admin = Path(found.admin)
        self.admin_url = found.admin_url
        self.started_at = found.started_at
        self._run = run
        self._child = child

    def ask_to_stop(self) -> None:
        """Have it drain and end; returns at once."""
        if self._run.holder() == self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """Stay until it ends, and give its exit code (0 for one that this process did not start)."""
        if self._child is not None:
            return self._child.wait()
        while self._run.holder() == self.pid:
            time.sleep(_LOOK_S)
        return 0


def start_supervisor(order: SupervisorOrder, *, detach: bool, log: Path, timeout_s: float) -> RunningSupervisor:
    """Start a supervisor and return when it is ready.

    Args:
        order: what it is to do.
        detach: whether it lives on by itself, writing to ``log``; if not, it writes to this terminal and ends with
            this process.
        log: the file for a detached one.
        timeout_s: how long it may take to be ready.

    Raises:
        UnavailableError: it did not come up; the text is its own.
        UsageError: it may not listen where it was told to.
    """
    run = RunFolder(Path(order.state))
    run.make()
    if detach and not run.holder():
        set_aside(log)
    reading, writing = os.pipe()
    try:
        child = _spawn(order, run.folder, writing, log if detach else None)
    finally:
        os.close(writing)
    try:
        found = _first_word(reading, child, timeout_s, str(log) if detach else "the text above")
    except GoliveError:
        with suppress(ProcessLookupError):
            child.terminate()
        child.wait()
        raise
    finally:
        os.close(reading)
    return RunningSupervisor(found, run, child)


def running(state: Path) -> RunningSupervisor | None:
    """Give the supervisor of a state folder, or None; files that a killed one left behind do not count."""
    run = RunFolder(state)
    found = run.read()
    return RunningSupervisor(found, run) if found is not None and found.pid == run.holder() else None


def stop(state: Path, *, timeout_s: float) -> bool:
    """Drain and end the supervisor of a state folder; says whether one was running.

    Raises:
        UnavailableError: it did not end in time.
    """
    run = RunFolder(state)
    pid = run.holder()
    if not pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + timeout_s
    while run.holder() == pid:
        if time.monotonic() > until:
            message = f"the server (pid {pid}) did not end within {timeout_s:g} s; `kill -9 {pid}` ends it at once"
            raise UnavailableError(message)
        time.sleep(_LOOK_S)
    return True


def set_aside(log: Path) -> None:
    """Begin a new log when this one has grown long; one older log is kept, as ``supervisor.log.1``."""
    with suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))


def _spawn(order: SupervisorOrder, folder: Path, ready_fd: int, log: Path | None) -> subprocess.Popen[bytes]:
    # A file without a name: only the supervisor that gets the lock may leave its order where others read it.
    with tempfile.TemporaryFile(dir=folder) as given:
        given.write(msgspec.json.encode(order))
        given.seek(0)
        return _spawn_with(given.fileno(), ready_fd, log)


def _spawn_with(order_fd: int, ready_fd: int, log: Path | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "golive.control.running.supervisor", f"/dev/fd/{order_fd}", str(ready_fd)]
    inherited = (order_fd, ready_fd)
    if log is None:
        # Its standard input is a lifeline: when this process is gone, however it went, the server drains and ends.
        return subprocess.Popen([*command, "0"], pass_fds=inherited, stdin=subprocess.PIPE)  # noqa: S603 - our own
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603 - our own program
            command,
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _first_word(reading: int, child: subprocess.Popen[bytes], timeout_s: float, told: str) -> RunFile:
    if not select.select([reading], [], [], timeout_s)[0]:
        message = (
            f"the server (pid {child.pid}) was not ready within {timeout_s:g} s and was stopped; {told} may say why"
        )
        raise UnavailableError(message)
    word = os.read(reading, _READ_BYTES)
    if not word:
        message = f"the server ended with code {child.wait()} before it was ready; {told} may say why"
        raise UnavailableError(message)
    started = msgspec.json.decode(word, type=Started)
    if started.run is None:
        raise UsageError(started.error) if started.code == UsageError.code else UnavailableError(started.error)
    return started.run
