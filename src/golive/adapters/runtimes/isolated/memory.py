"""Memory: a file without a name that two processes map: rows go one way through it, answers the other."""

import fcntl
import os
import tempfile
from mmap import mmap

_PAGE = 1 << 16


class SharedMemory:
    """Shared memory that grows. Whoever else has it can write to it, but not make it shorter (on Linux)."""

    def __init__(self) -> None:
        self.number = sealed_file()
        """The number of the open file, to be inherited."""
        self._map: mmap | None = None

    def grown(self, size_bytes: int) -> mmap:
        """Give the memory with at least so many bytes. Do not keep views of it for the next call."""
        if self._map is None or len(self._map) < size_bytes:
            size = _PAGE
            while size < size_bytes:
                size *= 2
            os.ftruncate(self.number, size)
            self._map = mmap(self.number, size)
        return self._map

    def close(self) -> None:
        """Let go of the memory; the system takes it back once nobody has it."""
        self._map = None
        os.close(self.number)


def sealed_file(content: bytes | memoryview | None = None) -> int:
    """Open a file without a name; with content, one that nobody can write to. The number is the caller's to close.

    Reading a map beyond the end of a shortened file ends the process that reads: so nobody may shorten it.
    """
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            if content is not None:
                file.write(content)
            return os.dup(file.fileno())
    number = os.memfd_create("golive", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    if content is None:
        seals = fcntl.F_SEAL_SHRINK
    else:
        _write_all(number, memoryview(content))
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(number, fcntl.F_ADD_SEALS, seals | fcntl.F_SEAL_SEAL)
    return number


def _write_all(number: int, content: memoryview) -> None:
    while content:
        content = content[os.write(number, content) :]
