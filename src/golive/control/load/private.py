"""Private server: a bundle served for one bench alone, from a state folder that goes with it."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from golive.control.home import Home
from golive.control.load.cores import pinned
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import START_S, RunningSupervisor, start_supervisor
from golive.domain.bundle import Bundle
from golive.domain.release import Share
from golive.domain.serving import Placed, Route


@contextmanager
def private_server(
    bundle: Bundle, home: Home, *, workers: int, cores: tuple[int, ...], record: bool
) -> Iterator[RunningSupervisor]:
    """Serve a bundle as ``golive serve`` does, on a free port of loopback; it ends with the block.

    It does not touch the state folder but to read bundles, so it may run beside a server of that folder, and what it
    records is thrown away.

    Args:
        bundle: what to serve, under its own name.
        home: where the bundle is stored.
        workers: processes; 0 means one for every core it may use.
        cores: the cores it may use; empty for all.
        record: whether predictions are recorded, as they are in service.

    Raises:
        UnavailableError: it did not come up.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golive-bench-")))
        Home(folder).store.symlink_to(home.store.absolute(), target_is_directory=True)
        order = SupervisorOrder(
            state=str(folder),
            port=0,
            admin_port=0,
            workers=workers,
            sample=float(record),
            ledger=False,
            placed=(Placed(bundle.name, 1, bundle.digest),),
            traffic=(Route(bundle.name, (Share(1, 1.0),)),),
        )
        with pinned(cores), _interrupts_held():
            server = start_supervisor(order, detach=False, log=Home(folder).log, timeout_s=START_S)
            stack.callback(_end, server)
        yield server


def _end(server: RunningSupervisor) -> None:
    server.ask_to_stop()
    server.wait()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back, here for a moment and in what is started meanwhile for good.

    A terminal sends it to every process of its group, and a server that drains while its load is being read off would
    spoil the last figures.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
