"""Files that appear whole or not at all, and a lock between processes."""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.errors import UnavailableError

TEMPORARY = ".unfinished-"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old content or all of the new one, also after a crash or power cut.

    Raises:
        UnavailableError: the disk is full or refuses; what was there before is unchanged.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> UnavailableError:
    """Say why a path could not be written and what helps."""
    remedies = {
        errno.ENOSPC: "free some disk space",
        errno.EDQUOT: "free some of the disk quota",
        errno.EFBIG: "raise the file size limit (ulimit -f)",
        errno.EACCES: "give this user the right to write there",
        errno.EROFS: "choose a folder that can be written",
    }
    remedy = remedies.get(error.errno or 0, "see that the disk is healthy")
    return UnavailableError(f"{str(path)!r} could not be written ({error.strerror or error}); {remedy} and try again")


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what :func:`write_whole` of killed processes left behind in a folder; living ones are let be."""
    for path in folder.glob(f"{TEMPORARY}*"):
        pid = path.name.removeprefix(TEMPORARY).partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock among threads and processes; a dying process lets go of it.

    Raises:
        UnavailableError: the lock file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise refused(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
