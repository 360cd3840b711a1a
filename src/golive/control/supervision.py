"""Supervision: what a supervisor does once its sockets are bound and its first workers begin."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette

from golive.control.access import refuse_unguarded, rules_for
from golive.control.admin import admin_app, reading_app
from golive.control.clock import utc_now
from golive.control.fleet import Fleet
from golive.control.home import Home
from golive.control.journal import tell
from golive.control.listeners import url_of
from golive.control.order import SupervisorOrder
from golive.control.run_files import RunFile, RunFolder, Started
from golive.control.scribe import Scribe, can_record
from golive.control.wishes import Wishes
from golive.domain.serving import Shift, Start
from golive.settings import read_settings, secret_key

_ORPHANS_S = 10.0
"""How long the workers of a killed supervisor may hold on to its port."""


class _AdminServer(uvicorn.Server):
    """uvicorn without its signal handlers: this process has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


async def supervise(order: SupervisorOrder, run: RunFolder, ready_fd: int | None) -> None:
    """Serve until asked to stop.

    Raises:
        UnavailableError: a port is taken, or the models of an order without a ledger do not load.
        UsageError: the host is beyond loopback and there is no API key, or the TLS files cannot be used.
    """
    home, secret = Home(Path(order.state)), secret_key(read_settings())
    # Without an order to follow it, a ledger that is there still has the API keys.
    has_ledger = order.ledger or home.ledger.is_file()
    wishes = Wishes(home.ledger, host=order.host, secret=secret, now=utc_now) if has_ledger else None
    access = wishes.access() if wishes else rules_for(order.host, (), secret)
    refuse_unguarded(order.host, access)
    _refuse_bad_tls(order)
    sockets = _bind(order, run)
    scribe = _scribe(order, run)
    fleet = Fleet(order, access, sockets.inference, str(scribe.path) if scribe else "")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, fleet.ask_to_stop)
    await fleet.open()
    servers = [_server(admin_app(fleet)), _server(reading_app(fleet))]
    serving = [
        asyncio.create_task(server.serve([bound]))
        for server, bound in zip(servers, (sockets.admin, sockets.reading), strict=True)
    ]
    try:
        await _settle_in(order, fleet, wishes)
        if scribe is not None:
            # Only now: its imports would take time from the workers that callers wait for.
            scribe.begin()
        found = _run_file(order, run, sockets)
        run.write(found)
        _announce(ready_fd, Started(run=found))
        tell(f"ready at {found.url}, metrics at {found.admin_url}/metrics, pid {found.pid}")
        await _watch(order, fleet, wishes)
    finally:
        tell("stopping")
        run.remove()
        await fleet.end()
        if scribe is not None:
            await scribe.end()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving, return_exceptions=True)
        run.socket("admin").unlink(missing_ok=True)


def _scribe(order: SupervisorOrder, run: RunFolder) -> Scribe | None:
    if order.sample == 0.0:
        return None
    if not can_record():
        tell("records are off: pyarrow is not installed; pip install 'golive[train]' brings it")
        return None
    return Scribe(run.socket("records"), order.state, keep_days=order.keep_days)


async def _settle_in(order: SupervisorOrder, fleet: Fleet, wishes: Wishes | None) -> None:
    if wishes is not None and order.ledger:
        await wishes.settle_in(fleet)
        return
    await fleet.apply(Start(order.placed))
    await fleet.apply(Shift(order.traffic))


async def _watch(order: SupervisorOrder, fleet: Fleet, wishes: Wishes | None) -> None:
    """Compare with the ledger every few seconds until asked to stop."""
    while not await fleet.until_stopped(order.reconcile_s):
        if wishes is None:
            continue
        try:
            await (wishes.tick(fleet) if order.ledger else wishes.follow_access(fleet))
        except Exception as error:  # noqa: BLE001 - the border: a ledger that is locked, full or gone ends nothing
            tell(f"the ledger could not be followed just now ({type(error).__name__}: {error})")


def _run_file(order: SupervisorOrder, run: RunFolder, sockets: Sockets) -> RunFile:
    return RunFile(
        pid=os.getpid(),
        url=url_of("https" if order.tls_cert else "http", sockets.inference),
        admin=str(run.socket("admin")),
        admin_url=url_of("http", sockets.reading),
        started_at=utc_now(),
    )


def _server(app: Starlette) -> uvicorn.Server:
    return _AdminServer(
        uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=2)
    )


def _announce(ready_fd: int | None, started: Started) -> None:
    """Tell the process that started this one how it went; it may have gone."""
    if ready_fd is not None:
        with suppress(OSError):
            os.write(ready_fd, msgspec.json.encode(started))
            os.close(ready_fd)
