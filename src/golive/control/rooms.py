"""Rooms: the one place where the store, the ledger, the clock and the acting person are put together."""

import getpass
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from golive.control.clock import utc_now
from golive.control.home import Home, home_of
from golive.settings import Settings, read_settings
from golive.store.bundles import BundleStore
from golive.store.ledger import Ledger

_DECIDE_NUMBERS = (
    "golive",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "xgboost-cpu",
    "catboost",
    "torch",
    "keras",
)


class Rooms(msgspec.Struct, frozen=True, kw_only=True):
    """What every verb of control needs."""

    home: Home
    settings: Settings
    bundles: BundleStore
    ledger: Ledger
    now: Callable[[], str]
    """The time as ISO 8601 text in UTC."""
    actor: str
    """Who acts, for releases, deployments and the audit log."""


def open_rooms(project: Path | None = None, settings: Settings | None = None) -> Rooms:
    """Open the state of a project folder (or of the folder one stands in, or of the user)."""
    settings = read_settings() if settings is None else settings
    home = home_of(project, settings)
    # Records hold callers' rows and the ledger holds hashes of keys: they are their owner's alone.
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Rooms(
        home=home,
        settings=settings,
        bundles=BundleStore(home.store),
        ledger=Ledger(home.ledger),
        now=utc_now,
        actor=settings.user if settings.user != "unknown" else getpass.getuser(),
    )


def environment() -> dict[str, str]:
    """Give the versions of the libraries that decide the numbers."""
    found = {}
    for name in _DECIDE_NUMBERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def code_version() -> str:
    """Give golive's own version, for evidence and lineage."""
    return f"golive {version('golive')}"
