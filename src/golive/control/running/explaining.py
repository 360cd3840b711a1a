"""Explaining: what the process that explains answers with. It gives way to predictions, and ends where it hangs."""

import os
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


def desk_board(order: WorkerOrder) -> DeskBoard:
    """Give what answers the workers' requests to explain; from here on this process gives way to others."""
    os.nice(_NICENESS)
    store = BundleStore(Home(Path(order.state)).store)

    def open_(placed: Placed) -> Account:
        bundle = store.open(placed.bundle)
        return opened(bundle.manifest, store.files(bundle))

    return DeskBoard(Desk(open_, DeskLimits(limit_s=order.explain_s), _alarm))


@contextmanager
def _alarm(limit_s: float) -> Iterator[None]:
    # Nobody handles the signal, so it ends the process, whatever that is doing; the supervisor starts another one.
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
