"""Serve: bundles by reference, without a ledger, and with as little imported as that takes."""

import signal
from collections.abc import Sequence
from pathlib import Path

from golive import plugins
from golive.control.home import Home, home_of
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import START_S, RunningSupervisor, start_supervisor
from golive.control.stored import find_stored, is_bare, names_release
from golive.domain.bundle import Bundle
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.errors import UsageError
from golive.settings import read_settings
from golive.store.bundles import BundleStore


def serve(
    references: Sequence[str],
    *,
    host: str,
    port: int,
    admin_host: str,
    admin_port: int,
    workers: int,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> RunningSupervisor:
    """Serve bundles by reference, without following a ledger: each under its own name, as version 1.

    A bare name means what a ledger that is there says: what serves, else the newest release.

    Raises:
        NotFoundError: a reference leads nowhere.
        UsageError: two bundles have one name, or only one of the TLS files is given.
    """
    if (tls_cert is None) != (tls_key is None):
        message = "TLS needs both --tls-cert and --tls-key"
        raise UsageError(message)
    home = home_of(None, read_settings())
    bundles = [_served(reference, home) for reference in references]
    names = [bundle.name for bundle in bundles]
    if len(set(names)) < len(names):
        message = f"two of the bundles have the same name ({', '.join(sorted(names))}); deploy them as releases instead"
        raise UsageError(message)
    order = SupervisorOrder(
        state=str(home.folder),
        host=host,
        port=port,
        admin_host=admin_host,
        admin_port=admin_port,
        workers=workers,
        tls_cert=str(tls_cert.absolute()) if tls_cert else "",
        tls_key=str(tls_key.absolute()) if tls_key else "",
        ledger=False,
        placed=tuple(Placed(bundle.name, 1, bundle.digest) for bundle in bundles),
        traffic=tuple(Route(bundle.name, (Share(1, 1.0),)) for bundle in bundles),
    )
    return start_supervisor(order, detach=False, log=home.log, timeout_s=START_S)


def wait_for(supervisor: RunningSupervisor) -> int:
    """Stay until the server ends; Ctrl-C and SIGTERM end it gracefully. Gives the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    return supervisor.wait()


def _served(reference: str, home: Home) -> Bundle:
    # A server's state may be read-only, as in a container: the ledger is opened only where it alone has the answer.
    if names_release(reference) or (is_bare(reference) and home.ledger.is_file()):
        bundle: Bundle = plugins.verb("refs", "find_used")(reference, plugins.verb("rooms", "open_rooms")())
        return bundle
    return find_stored(reference, BundleStore(home.store))
