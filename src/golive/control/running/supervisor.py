"""Supervisor: owns the sockets. ``python -m golive.control.running.supervisor ORDER.json [READY_FD [LIFELINE_FD]]``.

It starts the zygote before anything else, so that it loads the workers' libraries while the supervisor loads its own.
"""

import asyncio
import ssl
import sys
from pathlib import Path

import msgspec

from golive import plugins
from golive.control.running.journal import tell
from golive.control.running.listeners import Listening, Sockets, bind, bind_unix
from golive.control.running.nursery import Nursery
from golive.control.running.order import SupervisorOrder
from golive.control.running.run_files import RunFolder, Started, Starter
from golive.errors import GoliveError, UnavailableError, UsageError
from golive.store.files import write_whole

_ORPHANS_S = 10.0
"""How long the workers of a killed supervisor may hold on to its port."""


async def run_supervisor(
    order: SupervisorOrder, run: RunFolder, starter: Starter, lifeline_fd: int | None = None
) -> None:
    """Bind, start the zygote, then supervise until asked to stop.

    Raises:
        UnavailableError: a port is taken, or the models of an order without a ledger do not load.
        UsageError: the host is beyond loopback and there is no API key, or the TLS files cannot be used.
    """
    _refuse_bad_tls(order)
    sockets = _bind(order, run)
    nursery = Nursery()
    try:
        await nursery.begin()
        supervise = plugins.attribute("golive.control.running.supervision", "supervise")
        await supervise(order, run, sockets, nursery, starter, lifeline_fd)
    finally:
        await nursery.end()


def _refuse_bad_tls(order: SupervisorOrder) -> None:
    if not order.tls_cert and not order.tls_key:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(order.tls_cert, order.tls_key)
    except OSError as error:
        message = (
            f"the certificate {order.tls_cert!r} and key {order.tls_key!r} cannot be used "
            f"({error.strerror or error}); give two readable PEM files that belong together"
        )
        raise UsageError(message) from error


def _bind(order: SupervisorOrder, run: RunFolder) -> Sockets:
    # A run file that is still there belongs to a supervisor that was killed.
    patience_s = _ORPHANS_S if run.read() is not None else 0.0
    return Sockets(
        inference=_bind_inference(order, patience_s),
        reading=bind(order.admin_host, order.admin_port, option="--admin-port", patience_s=patience_s),
        admin=bind_unix(run.socket("admin")),
    )


def _bind_inference(order: SupervisorOrder, patience_s: float) -> Listening:
    http = bind(order.host, order.port, option="--port", patience_s=patience_s)
    if order.grpc_port is None:
        return (http,)
    plugins.library("hpack")
    return http, bind(order.host, order.grpc_port, option="--grpc-port", patience_s=patience_s)


def main(arguments: list[str]) -> int:
    """Run a supervisor and give its exit code."""
    written = Path(arguments[0]).read_bytes()
    order = msgspec.json.decode(written, type=SupervisorOrder)
    ready_fd, lifeline_fd, *_ = *(int(number) for number in arguments[1:]), None, None
    run, starter = RunFolder(Path(order.state)), Starter(ready_fd)
    try:
        run.make()
        lock = run.lock()
        if lock is None:
            message = (
                f"a server already runs for {order.state!r} (pid {run.holder()}); `golive status` shows it and "
                "`golive down` stops it"
            )
            raise UnavailableError(message)
        write_whole(run.order, written)
        with asyncio.Runner() as runner:
            runner.run(run_supervisor(order, run, starter, lifeline_fd))
    except GoliveError as error:
        is_heard = starter.tell(Started(error=error.message, code=error.code))
        # In the foreground the starter says it on the same terminal.
        if lifeline_fd is None or not is_heard:
            tell(f"error: {error.message}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
