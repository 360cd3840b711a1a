"""``golive status`` and ``golive history``: what serves now, and how it came to that."""

from contextlib import suppress
from typing import Protocol

import msgspec

from golive import plugins
from golive.control.rooms import Rooms
from golive.control.running.messages import Residence
from golive.control.running.processes import running
from golive.domain.release import Deployment, Release
from golive.domain.serving import Observed
from golive.errors import GoliveError, NotFoundError, UnavailableError


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One serving version of one name."""

    name: str
    version: int
    share: float
    bundle: str
    parent: str
    """The bundle that it was optimized from; empty where it was not."""
    verdict: str
    forced: str
    target: str
    since: str
    by: str
    live: bool
    """Whether the target shows it, rather than the ledger alone."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger wishes and what the local target shows."""

    lines: tuple[Line, ...]
    url: str = ""
    pid: int = 0
    observed: Observed = Observed()
    residence: Residence = Residence()
    """The processes of models under a memory budget."""


class _Local(Protocol):
    def observe(self) -> Observed: ...

    def residence(self) -> Residence: ...


def status(rooms: Rooms) -> Status:
    """Compare what should serve with what does."""
    supervisor = running(rooms.home.folder)
    observed, residence = Observed(), Residence()
    if supervisor is not None:
        local: _Local = plugins.load("targets", "local").at(rooms.home.folder)
        with suppress(UnavailableError):
            observed, residence = local.observe(), local.residence()
    lines = tuple(
        _line(deployment, share.version, share.share, rooms, observed)
        for deployment in rooms.ledger.desired("local")
        for share in deployment.split
    )
    return Status(
        lines=lines,
        url=supervisor.url if supervisor else "",
        pid=supervisor.pid if supervisor else 0,
        observed=observed,
        residence=residence,
    )


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Every release and deployment of one name, oldest first."""

    name: str
    releases: tuple[Release, ...]
    deployments: tuple[Deployment, ...]
    outcomes: dict[int, str]
    """Deployment number -> ``live``, ``failed: ...`` or ``pending``."""


def history(name: str, rooms: Rooms) -> History:
    """Give everything that was ever released or deployed under a name.

    Raises:
        NotFoundError: nothing ever was.
    """
    releases = rooms.ledger.releases(name)
    if not releases:
        message = f"nothing was ever released as {name!r}; `golive status` lists what serves"
        raise NotFoundError(message)
    wishes = rooms.ledger.wishes(name)
    return History(
        name=name,
        releases=releases,
        deployments=tuple(wish.deployment for wish in wishes),
        outcomes={wish.deployment.number: wish.words for wish in wishes},
    )


def _parent(digest: str, rooms: Rooms) -> str:
    try:
        return rooms.bundles.find(digest).manifest.lineage.parent or ""
    except GoliveError:
        # What serves is told also where its bundle has been deleted or damaged.
        return ""


def _line(deployment: Deployment, version: int, share: float, rooms: Rooms, observed: Observed) -> Line:
    made = rooms.ledger.release(deployment.name, version)
    shown = any(
        route.name == deployment.name and any(part.version == version for part in route.split)
        for route in observed.traffic
    )
    return Line(
        name=deployment.name,
        version=version,
        share=share,
        bundle=made.bundle,
        parent=_parent(made.bundle, rooms),
        verdict=made.verdict.outcome,
        forced=made.verdict.forced,
        target=deployment.target,
        since=deployment.created_at,
        by=deployment.created_by,
        live=shown and observed.healthy,
    )
