"""``golive deploy`` and ``golive rollback``: one road. A wish is written, then driven until the target shows it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from golive import plugins
from golive.control.live import require_running
from golive.control.rooms import Rooms
from golive.deployment.drive import drive
from golive.deployment.plan import plan
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.domain.policy import Verdict
from golive.domain.release import Deployment, Release, Share, Strategy
from golive.domain.serving import Observed, Step
from golive.errors import GoliveError, NotFoundError, UnavailableError, UsageError
from golive.ports import Target
from golive.store.files import locked


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that holds: what serves now, and the steps it took."""

    deployment: Deployment
    observed: Observed
    steps: tuple[Step, ...]


@contextmanager
def one_at_a_time(rooms: Rooms) -> Iterator[None]:
    """Have two commands on one state folder release and deploy after each other, not at once."""
    with locked(rooms.home.folder / "deploy.lock"):
        yield


def release(bundle: Bundle, verdict: Verdict, rooms: Rooms) -> Release:
    """Write down that a bundle may serve; the same bundle under the same policy keeps its version."""
    for known in rooms.ledger.releases(bundle.name):
        if known.bundle == bundle.digest and known.verdict.policy == verdict.policy and not verdict.forced:
            return known
    return rooms.ledger.add_release(bundle.name, bundle.digest, verdict, at=rooms.now(), by=rooms.actor)


def deploy(
    name: str,
    version: int,
    rooms: Rooms,
    *,
    target: str = "local",
    strategy: Strategy = "direct",
    reason: str = "",
) -> Deployed:
    """Make a release serve all traffic of its name.

    Nothing that serves is touched until the new version has loaded, warmed and answered a probe. When that fails
    the wish is marked failed and what served before goes on.

    Raises:
        NotFoundError: there is no such release.
        UnavailableError: no server runs (then nothing is written down), or the target did not take the release.
    """
    rooms.ledger.release(name, version)
    if target == "local":
        require_running(rooms.home.folder)
    split = (Share(version, 1.0),)
    bound = bound_target(target, rooms)
    newest = next((wish for wish in rooms.ledger.desired(target) if wish.name == name), None)
    if newest is not None and newest.split == split:
        observed, steps = _settle(newest, bound, rooms)
        return Deployed(deployment=newest, observed=observed, steps=steps)
    wish = rooms.ledger.add_deployment(
        name, target, split, strategy=strategy, reason=reason, at=rooms.now(), by=rooms.actor
    )
    observed, steps = _settle(wish, bound, rooms)
    return Deployed(deployment=wish, observed=observed, steps=steps)


def rollback(name: str, rooms: Rooms, *, to: int | None = None, reason: str = "") -> Deployed:
    """Make an earlier release serve again: a deployment like any other.

    Raises:
        NotFoundError: nothing serves under that name.
        UsageError: there is no earlier release to go back to.
    """
    with one_at_a_time(rooms):
        current = rooms.ledger.serving(name)
        if current is None:
            message = f"nothing serves as {name!r}, so there is nothing to roll back; `golive status` lists what serves"
            raise NotFoundError(message)
        version = to if to is not None else _before(current, rooms)
        reason = reason or "rollback"
        return deploy(name, version, rooms, target=current.target, strategy=current.strategy, reason=reason)


def placed_digests(rooms: Rooms) -> Mapping[tuple[str, int], Digest]:
    """Give the bundle of every release, by name and version."""
    return {(release.name, release.version): release.bundle for release in rooms.ledger.releases()}


def bound_target(name: str, rooms: Rooms) -> Target:
    """Give a target plug-in that looks at this state folder."""
    target: Any = plugins.load("targets", name)
    return target.at(rooms.home.folder)  # type: ignore[no-any-return]


def _settle(wish: Deployment, target: Target, rooms: Rooms) -> tuple[Observed, tuple[Step, ...]]:
    try:
        steps = plan(rooms.ledger.desired(wish.target), placed_digests(rooms), target.observe())
        drive(steps, target)
    except GoliveError as error:
        rooms.ledger.settle(wish.number, "failed", error.message, at=rooms.now())
        message = (
            f"{wish.name} release {wish.split[0].version} did not go live and nothing was changed: {error.message}"
        )
        raise UnavailableError(message) from error
    rooms.ledger.settle(wish.number, "live", "", at=rooms.now())
    return target.observe(), steps


def _before(current: Deployment, rooms: Rooms) -> int:
    lived = [wish.split[0].version for wish in rooms.ledger.lived(current.name) if wish.split]
    earlier = before_the_last(lived)
    if earlier is None:
        message = (
            f"{current.name} has no release before {current.split[0].version} to roll back to; "
            f"`golive history {current.name}` lists them, and --to chooses one"
        )
        raise UsageError(message)
    return earlier


def before_the_last(lived: Sequence[int]) -> int | None:
    """Say what a roll-back goes to, from the versions that went live in their order; None when there is nothing.

    Going back to a version forgets the ones after it, as undo does: after 1, 2, 3 and back to 2 the next one is 1.
    """
    path: list[int] = []
    for version in lived:
        if version in path:
            del path[path.index(version) + 1 :]
        else:
            path.append(version)
    return path[-2] if len(path) > 1 else None
