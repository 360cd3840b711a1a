"""Plan: (desired, releases, observed) in, steps out. Pure.

==========================================  =====================================================
what is found                               steps
==========================================  =====================================================
a wanted version is not loaded              Start(wanted + what serves now), Shift(wanted traffic)
all wanted are loaded, traffic differs      Shift(wanted traffic): a roll-back is usually this
all wanted are loaded, traffic is right     none
==========================================  =====================================================

What serves now stays in the next generation, because the traffic table still names it until the shift, and because
it makes going back to it a shift.
"""

from collections.abc import Mapping, Sequence

from golive.domain.digest import Digest
from golive.domain.release import Deployment
from golive.domain.serving import Observed, Placed, Route, Shift, Start, Step, TrafficTable
from golive.errors import NotFoundError


def plan(
    desired: Sequence[Deployment], releases: Mapping[tuple[str, int], Digest], observed: Observed
) -> tuple[Step, ...]:
    """Say which steps lead from what is observed to what is desired; none when it is there.

    Args:
        desired: the deployments of one target; of several with one name the one with the highest number counts.
        releases: the bundle of every release, by name and version.
        observed: what the target shows now.

    Raises:
        NotFoundError: a deployment names a release that does not exist.
    """
    latest = {deployment.name: deployment for deployment in sorted(desired, key=lambda one: one.number)}
    wanted = {_placed(one.name, share.version, releases) for one in latest.values() for share in one.split}
    traffic = tuple(
        Route(name, tuple(sorted(one.split, key=lambda share: share.version))) for name, one in sorted(latest.items())
    )
    steps: list[Step] = []
    if not wanted <= set(observed.loaded):
        steps.append(Start(_with_serving(wanted, observed)))
    if traffic != _ordered(observed.traffic):
        steps.append(Shift(traffic))
    return tuple(steps)


def _placed(name: str, version: int, releases: Mapping[tuple[str, int], Digest]) -> Placed:
    bundle = releases.get((name, version))
    if bundle is None:
        message = f"{name!r} has no release {version}, though a deployment names it; `golive status` lists the releases"
        raise NotFoundError(message)
    return Placed(name, version, bundle)


def _with_serving(wanted: set[Placed], observed: Observed) -> tuple[Placed, ...]:
    taken = {(placed.name, placed.version) for placed in wanted}
    routed = {(route.name, share.version) for route in observed.traffic for share in route.split}
    serving = {one for one in observed.loaded if (one.name, one.version) in routed - taken}
    return tuple(sorted(wanted | serving))


def _ordered(traffic: TrafficTable) -> TrafficTable:
    routes = (Route(route.name, tuple(sorted(route.split, key=lambda share: share.version))) for route in traffic)
    return tuple(sorted(routes, key=lambda route: route.name))
