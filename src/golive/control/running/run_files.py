"""Run files: what a running supervisor leaves in the state folder so that others find it."""

import fcntl
import hashlib
import os
import tempfile
import time
from pathlib import Path

import msgspec

from golive.errors import UnavailableError
from golive.store.files import write_whole

_LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 107, and a path beyond it cannot be bound."""

_TRIES = 5
_TRY_S = 0.05


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """``run/supervisor.json``: there from when the server is ready until it stops."""

    pid: int
    url: str
    """Where predictions are asked for."""
    grpc: str = ""
    """Where they are asked for over gRPC, as ``host:port``; empty where that is off."""
    admin: str
    """The path of the administration socket."""
    admin_url: str
    """Where metrics and health can be read."""
    started_at: str


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """How a start went, as a supervisor tells whoever started it."""

    run: RunFile | None = None
    error: str = ""
    code: str = ""


class RunFolder:
    """The ``run`` folder of a state folder."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "run"

    @property
    def order(self) -> Path:
        """The order of the supervisor that runs, or ran last; written under the lock."""
        return self.folder / "order.json"

    def make(self) -> None:
        """Make the folder, for this user only.

        Raises:
            UnavailableError: it cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"the folder {str(self.folder)!r} cannot be made ({error.strerror}); choose one you may write to"
            raise UnavailableError(message) from error

    def socket(self, name: str) -> Path:
        """Give the path of a Unix socket: in the folder, or a short one where that is too long to bind."""
        path = self.folder / f"{name}.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        key = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"golive-{os.getuid()}-{key}.sock"

    def lock(self) -> int | None:
        """Take the lock that one supervisor holds for its whole life; None when another has it."""
        descriptor = self._try_lock()
        for _ in range(_TRIES):
            if descriptor is not None:
                break
            # Whoever only looks who holds the lock has it for a moment.
            time.sleep(_TRY_S)
            descriptor = self._try_lock()
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        return descriptor

    def holder(self) -> int:
        """Give the process id of the supervisor that lives here, ready or not; 0 when there is none.

        A killed supervisor loses the lock with its life, so what it left in files deceives nobody.
        """
        if not self._lock.exists():
            return 0
        descriptor = self._try_lock()
        if descriptor is not None:
            os.close(descriptor)
            return 0
        return int(self._lock.read_text("ascii") or 0)

    def write(self, found: RunFile) -> None:
        """Say that the server is ready."""
        write_whole(self._path, msgspec.json.encode(found))

    def read(self) -> RunFile | None:
        """Give what the last supervisor wrote, which may have been killed since; None when it stopped orderly."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=RunFile)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def remove(self) -> None:
        """Say that the server has stopped."""
        self._path.unlink(missing_ok=True)

    def _try_lock(self) -> int | None:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @property
    def _lock(self) -> Path:
        return self.folder / "supervisor.lock"

    @property
    def _path(self) -> Path:
        return self.folder / "supervisor.json"


class Starter:
    """The process that started this one and waits to hear how it went; it hears once, and may have gone.

    Args:
        ready_fd: the pipe to it, or None when nobody waits.
    """

    def __init__(self, ready_fd: int | None) -> None:
        self._ready_fd = ready_fd

    def tell(self, started: Started) -> bool:
        """Say how it went; gives whether it was heard."""
        ready_fd, self._ready_fd = self._ready_fd, None
        if ready_fd is None:
            return False
        try:
            os.write(ready_fd, msgspec.json.encode(started))
        except OSError:
            return False
        finally:
            os.close(ready_fd)
        return True
