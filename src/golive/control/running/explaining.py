"""Explaining: what the process that explains answers with. It gives way to predictions, and ends where it hangs."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.control.home import Home
from golive.control.running.order import WorkerOrder
from golive.domain.serving import Placed
from golive.serving.explaining.account import Account
from golive.serving.explaining.desk import Desk, DeskBoard, DeskLimits
from golive.serving.explaining.opening import opened
from golive.store.bundles import BundleStore

_NICENESS = 10
"""A tenth of a core that predictions want, all of one that they leave."""
_MEMORY_BYTES = 4 * 2**30
"""Of memory that is written to. Address space is no measure: ONNX Runtime's threads reserve more than they use."""


def desk_board(order: WorkerOrder) -> DeskBoard:
    """Give what answers the workers' requests to explain; from here on this process gives way to others."""
    os.nice(_NICENESS)
    _bound_memory()
    store = BundleStore(Home(Path(order.state)).store)

    def open_(placed: Placed) -> Account:
        bundle = store.open(placed.bundle)
        return opened(bundle.manifest, store.files(bundle))

    return DeskBoard(Desk(open_, DeskLimits(limit_s=order.explain_s), _alarm))


def _bound_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


@contextmanager
def _alarm(limit_s: float) -> Iterator[None]:
    # Nobody handles the signal, so it ends the process, whatever that is doing; the supervisor starts another one.
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
