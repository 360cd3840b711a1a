"""Vitals: what a worker's process takes, added to its counters."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from golive.serving.telemetry.metrics import Snapshot
from golive.serving.telemetry.tracing import Tracer

_STATM = Path("/proc/self/statm")


def living(counts: Snapshot, tracer: Tracer | None) -> Snapshot:
    """Add what this process takes and traces to the counters of its models."""
    times = os.times()
    return msgspec.structs.replace(
        counts,
        processes=1,
        cpu_s=times.user + times.system,
        memory_bytes=_resident_bytes(),
        traces=tracer.sent if tracer else 0,
        traces_dropped=tracer.dropped if tracer else 0,
    )


def _resident_bytes() -> int:
    """Give the resident memory, which costs no walk through the pages; 0 where the system does not say (not Linux)."""
    with suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
