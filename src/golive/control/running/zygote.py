"""Zygote: the process that workers are forked from. ``python -m golive.control.running.zygote LINE_FD``.

It has imported all that a worker needs and opened nothing, so a worker begins at once, for a few milliseconds of one
core, and shares the memory of the libraries. It ends when the supervisor is gone.
"""

import gc
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress

import msgspec

from golive import plugins
from golive.control.running import worker
from golive.control.running.channel import framed
from golive.control.running.messages import Born, Died
from golive.errors import MissingExtraError
from golive.settings import forbid_telemetry

_MOST_SOCKETS = 8


class Zygote:
    """Forks a worker for every set of sockets that arrives, and tells how each of them ended.

    Args:
        line: to the supervisor, which sends the sockets of a worker with one byte, the number of the order.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()

    def run(self) -> list[int] | None:
        """Fork until the supervisor is gone; gives the sockets of a worker in that worker, and None in the zygote."""
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        # Without a handler Python would not be woken.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._line, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._woken in ready:
                self._reap()
            if self._line in ready:
                number, sockets, _, _ = socket.recv_fds(self._line, 1, _MOST_SOCKETS)
                if not number:
                    return None
                if not self._fork(number[0], sockets):
                    return sockets

    def _fork(self, number: int, sockets: list[int]) -> bool:
        """Fork; says whether this is still the zygote."""
        # What is sent to the worker before it can take it waits.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            pid = os.fork()
        except OSError as error:
            self._tell(Born(number=number, error=str(error)))
        else:
            if not pid:
                self._become_worker()
                return False
            _make_group(pid)
            self._tell(Born(number=number, pid=pid))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        for descriptor in sockets:
            os.close(descriptor)
        return True

    def _become_worker(self) -> None:
        _make_group(0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        self._selector.close()
        for end in (self._line, self._woken, self._wake):
            end.close()

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            self._woken.recv(4096)
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._tell(Died(pid=pid, code=os.waitstatus_to_exitcode(status)))

    def _tell(self, message: Born | Died) -> None:
        # Whoever does not hear it is gone, which the next look at the line shows.
        with suppress(OSError):
            self._line.sendall(framed(msgspec.msgpack.encode(message)))


def _make_group(pid: int) -> None:
    # A group of its own: Ctrl-C in a terminal goes to the supervisor only, which drains its workers. Both sides make
    # it, so it is there for whoever comes first; it may have ended already.
    with suppress(OSError):
        os.setpgid(pid, pid)


def _import_all() -> None:
    """Import what workers would import one by one while callers wait; what is not installed is not needed either."""
    forbid_telemetry()
    for module in ("onnxruntime", "golive.adapters.runtimes.onnxruntime", "golive.serving.grpc.calls"):
        with suppress(MissingExtraError):
            plugins.library(module)
    # Collecting garbage in a worker would write to these objects, and so copy them.
    gc.collect()
    gc.freeze()


def main(arguments: list[str]) -> int:
    """Run the zygote, and in each of its forks a worker; gives the exit code of either."""
    # Both go to whole groups of processes; it has to outlive those that drain.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    line = socket.socket(fileno=int(arguments[0]))
    _import_all()
    sockets = Zygote(line).run()
    return 0 if sockets is None else worker.main(sockets)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
