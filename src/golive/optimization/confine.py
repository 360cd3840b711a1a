"""Confine: what a process that makes or measures candidates gives up, so that it harms nothing but itself."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

MEMORY_BYTES = 8 << 30
"""Address space; libraries of linear algebra reserve gigabytes of it that they never touch."""
_GRAPHS = 16
"""So many copies of a big graph are allowed beside that: readers and writers of graphs hold several."""
_DIE_WITH_PARENT = 1  # include/uapi/linux/prctl.h
_FIRST_TO_GO = "1000"


def memory_for(graph: bytes) -> int:
    """Say how much address space the work on a graph may take, in bytes."""
    return MEMORY_BYTES + _GRAPHS * len(graph)


def confine(memory_bytes: int) -> None:
    """Bound this process's memory, leave no core dump, and end with the one that started it.

    Where a system runs out of memory first, this process is the one that it ends (Linux).
    """
    for kind, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # macOS refuses a bound on address space that is below what it gave already.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (lowest, lowest))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, "ascii")
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
