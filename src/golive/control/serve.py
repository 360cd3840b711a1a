"""Serve: bundles by reference, without a ledger, and with as little imported as that takes."""

import signal
from collections.abc import Sequence
from pathlib import Path

from golive.control.home import home_of
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import START_S, RunningSupervisor, start_supervisor
from golive.control.stored import find_served
from golive.domain.bundle import Bundle
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.errors import UsageError
from golive.settings import Platform, read_settings
from golive.store.bundles import BundleStore

_LOOPBACK, _PORT = "127.0.0.1", 8080
_ANYWHERE = "0.0.0.0"  # noqa: S104 - a platform reaches a container from outside of it


def serve(
    references: Sequence[str],
    *,
    host: str | None,
    port: int | None,
    admin_host: str,
    admin_port: int,
    workers: int,
    memory_mb: int,
    grpc_port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> RunningSupervisor:
    """Serve bundles by reference, without following a ledger: each under its own name, as version 1.

    Without a reference it is the one bundle of the store, as in a container that is only told to ``serve``. A bare name
    means what a ledger that is there says: what serves, else the newest release. Without a host and a port it listens
    where the platform that runs it asks (Vertex AI, SageMaker), else on port 8080 of loopback.

    Raises:
        NotFoundError: a reference leads nowhere.
        UsageError: two bundles have one name, the store has not just the one to serve, or one of the TLS files lacks.
    """
    if (tls_cert is None) != (tls_key is None):
        message = "TLS needs both --tls-cert and --tls-key"
        raise UsageError(message)
    settings = read_settings()
    home, platform = home_of(None, settings), settings.platform
    bundles = [find_served(reference, home) for reference in references] or [_only(BundleStore(home.store))]
    names = [bundle.name for bundle in bundles]
    if len(set(names)) < len(names):
        message = f"two of the bundles have the same name ({', '.join(sorted(names))}); deploy them as releases instead"
        raise UsageError(message)
    _refuse_several(names, platform)
    order = SupervisorOrder(
        state=str(home.folder),
        host=host or (_ANYWHERE if platform else _LOOPBACK),
        port=_port(port, platform),
        admin_host=admin_host,
        admin_port=admin_port,
        workers=workers,
        memory_mb=memory_mb,
        grpc_port=grpc_port,
        tls_cert=str(tls_cert.absolute()) if tls_cert else "",
        tls_key=str(tls_key.absolute()) if tls_key else "",
        platform=platform,
        ledger=False,
        placed=tuple(Placed(bundle.name, 1, bundle.digest) for bundle in bundles),
        traffic=tuple(Route(bundle.name, (Share(1, 1.0),)) for bundle in bundles),
    )
    return start_supervisor(order, detach=False, log=home.log, timeout_s=START_S)


def _only(store: BundleStore) -> Bundle:
    bundles = store.list()
    if len(bundles) != 1:
        there = ", ".join(sorted({bundle.name for bundle in bundles})) or "none"
        message = f"name the bundle to serve: the store holds {len(bundles)} of them ({there})"
        raise UsageError(message)
    return bundles[0]


def _port(asked: int | None, platform: Platform | None) -> int:
    if asked is not None:
        return asked
    return platform.port if platform else _PORT


def _refuse_several(names: Sequence[str], platform: Platform | None) -> None:
    if platform is not None and len(names) > 1:
        message = (
            f"{platform.name} asks for predictions on one path, without a name, and {len(names)} models were given "
            f"({', '.join(names)}); serve one"
        )
        raise UsageError(message)


def wait_for(supervisor: RunningSupervisor) -> int:
    """Stay until the server ends; Ctrl-C and SIGTERM end it gracefully. Gives the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    return supervisor.wait()
