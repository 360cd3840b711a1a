"""Memory: what a process takes, as the system counts it."""

from contextlib import suppress
from pathlib import Path

_PAGE_BYTES = 4096


def resident_bytes(pid: int) -> int:
    """Give the memory of a process, pages that it shares counted in part; 0 where the system does not say.

    Linux only: proportional set size, or the resident set size where that may not be read.
    """
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    return 0
