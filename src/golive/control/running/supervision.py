"""Supervision: what a supervisor does once its sockets are bound and its first workers begin."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import uvicorn
from starlette.applications import Starlette

from golive import plugins
from golive.control.clock import utc_now
from golive.control.home import Home
from golive.control.running.access import refuse_unguarded, rules_for, warn_of_openness
from golive.control.running.admin import admin_app, reading_app
from golive.control.running.collector import collector_of
from golive.control.running.explanations import Explanations
from golive.control.running.fleet import Fleet
from golive.control.running.journal import tell
from golive.control.running.listeners import Sockets, target_of, url_of
from golive.control.running.messages import AccessRules
from golive.control.running.nursery import Nursery
from golive.control.running.order import SupervisorOrder
from golive.control.running.repository import Repository
from golive.control.running.run_files import RunFile, RunFolder, Started, Starter
from golive.control.running.scribe import Scribe, can_record
from golive.domain.serving import Shift, Start
from golive.settings import read_settings, secret_key


class _Wishes(Protocol):
    """What is asked of :class:`golive.control.running.wishes.Wishes`; a server without a ledger does not import it."""

    def access(self) -> AccessRules: ...

    async def follow_access(self, fleet: Fleet) -> None: ...

    async def settle_in(self, fleet: Fleet) -> None: ...

    async def tick(self, fleet: Fleet) -> None: ...


class _AdminServer(uvicorn.Server):
    """uvicorn without its signal handlers: this process has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


async def supervise(
    order: SupervisorOrder,
    run: RunFolder,
    sockets: Sockets,
    nursery: Nursery,
    starter: Starter,
    lifeline_fd: int | None,
) -> None:
    """Serve until asked to stop.

    Args:
        order: what to serve and how.
        run: where it says that it runs.
        sockets: what it listens on.
        nursery: where workers come from.
        starter: is told when it is ready.
        lifeline_fd: a pipe whose other end its starter holds; when that one is gone, it drains and ends.

    Raises:
        UnavailableError: the models of an order without a ledger do not load.
        UsageError: the host is beyond loopback and there is no API key.
    """
    settings = read_settings()
    secret = secret_key(settings)
    wishes = _wishes(order, secret)
    access = wishes.access() if wishes else rules_for(order.host, (), secret, order.platform)
    refuse_unguarded(order.host, access)
    warn_of_openness(order.host, access, order.platform)
    scribe = _scribe(order, run)
    records = str(scribe.path) if scribe else ""
    explanations = _explanations(order, run, nursery)
    explain = str(explanations.path) if explanations else ""
    sides = [side for side in (scribe, explanations) if side is not None]
    fleet = Fleet(order, access, sockets.inference, records, nursery, collector_of(settings.collector), explain)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, fleet.ask_to_stop)
    if lifeline_fd is not None:
        loop.add_reader(lifeline_fd, _let_go, loop, lifeline_fd, fleet)
    await fleet.open()
    async with _administered(fleet, order, run, sockets):
        try:
            await _settle_in(order, fleet, wishes)
            for side in sides:
                # Only now: its imports would take time from the workers that callers wait for.
                side.begin()
            _say_ready(order, run, sockets, starter)
            await _watch(order, fleet, wishes)
        finally:
            tell("stopping")
            run.remove()
            await fleet.end()
            for side in sides:
                await side.end()


@asynccontextmanager
async def _administered(fleet: Fleet, order: SupervisorOrder, run: RunFolder, sockets: Sockets) -> AsyncIterator[None]:
    """Answer on the admin socket and on the reading port, until the fleet has ended."""
    repository = Repository(fleet, order)
    servers = [_server(admin_app(fleet, repository)), _server(reading_app(fleet, repository))]
    serving = [
        asyncio.create_task(server.serve([bound]))
        for server, bound in zip(servers, (sockets.admin, sockets.reading), strict=True)
    ]
    try:
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving, return_exceptions=True)
        run.socket("admin").unlink(missing_ok=True)


def _say_ready(order: SupervisorOrder, run: RunFolder, sockets: Sockets, starter: Starter) -> None:
    found = _run_file(order, run, sockets)
    run.write(found)
    starter.tell(Started(run=found))
    calls = f", gRPC at {found.grpc}" if found.grpc else ""
    tell(f"ready at {found.url}{calls}, metrics at {found.admin_url}/metrics, pid {found.pid}")


def _let_go(loop: asyncio.AbstractEventLoop, lifeline_fd: int, fleet: Fleet) -> None:
    loop.remove_reader(lifeline_fd)
    tell("the process that started this server is gone")
    fleet.ask_to_stop()


def _wishes(order: SupervisorOrder, secret: str) -> _Wishes | None:
    ledger = Home(Path(order.state)).ledger
    # Without an order to follow it, a ledger that is there still has the API keys.
    if not order.ledger and not ledger.is_file():
        return None
    make = plugins.attribute("golive.control.running.wishes", "Wishes")
    return make(ledger, host=order.host, secret=secret, now=utc_now, platform=order.platform)  # type: ignore[no-any-return]


def _scribe(order: SupervisorOrder, run: RunFolder) -> Scribe | None:
    if order.sample == 0.0:
        return None
    if not can_record():
        tell("records are off: pyarrow is not installed; pip install 'golive[train]' brings it")
        return None
    return Scribe(run.socket("records"), order.state, keep_days=order.keep_days)


def _explanations(order: SupervisorOrder, run: RunFolder, nursery: Nursery) -> Explanations | None:
    return Explanations(run.socket("explain"), order, nursery) if order.explain else None


async def _settle_in(order: SupervisorOrder, fleet: Fleet, wishes: _Wishes | None) -> None:
    if wishes is not None and order.ledger:
        await wishes.settle_in(fleet)
        return
    await fleet.apply(Start(order.placed))
    await fleet.apply(Shift(order.traffic))


async def _watch(order: SupervisorOrder, fleet: Fleet, wishes: _Wishes | None) -> None:
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
        url=url_of("https" if order.tls_cert else "http", sockets.inference[0]),
        grpc=target_of(sockets.inference[1]) if len(sockets.inference) > 1 else "",
        admin=str(run.socket("admin")),
        admin_url=url_of("http", sockets.reading),
        started_at=utc_now(),
    )


def _server(app: Starlette) -> uvicorn.Server:
    return _AdminServer(
        # Unlike httptools, h11 ends a head that is too long; nothing here is asked often.
        uvicorn.Config(app, http="h11", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=2)
    )
