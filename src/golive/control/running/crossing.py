"""Crossing: in a worker, the ways to the groups of models that other processes run."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from golive.control.running.grouping import Group
from golive.control.running.messages import Standings, Wanted
from golive.domain.serving import Placed
from golive.errors import UnavailableError
from golive.serving.remote.exchange import Exchange
from golive.serving.remote.lane import KINDS, RemoteLane, inner_path
from golive.serving.remote.link import Link, LinkLimits
from golive.serving.telemetry.metrics import Snapshot, merge
from golive.store.bundles import BundleStore


class Crossing:
    """One link for each group, and the lanes that lead over them.

    Args:
        store: where the bundles say what their models take; no model is opened.
        wait_s: how long a request waits for its group to start.
        send: takes a note to the supervisor.
        has_calls: whether infer requests come over gRPC, too.
    """

    def __init__(
        self, store: BundleStore, wait_s: float, send: Callable[[msgspec.Struct], Awaitable[None]], *, has_calls: bool
    ) -> None:
        self._store = store
        self._limits = LinkLimits(wait_s=wait_s)
        self._send = send
        self._has_calls = has_calls
        self._links: dict[int, Link] = {}
        self._lanes: dict[Placed, RemoteLane] = {}
        self._ways: dict[bytes, RemoteLane] = {}
        self._notes: set[asyncio.Future[None]] = set()
        self.ended = Snapshot()
        """What the lanes counted that are gone."""

    @property
    def lanes(self) -> tuple[RemoteLane, ...]:
        """The lanes of all models that other processes run."""
        return tuple(self._lanes.values())

    def has(self, placed: Placed) -> bool:
        """Say whether another process runs a placed version."""
        return placed in self._lanes

    def regroup(self, groups: tuple[Group, ...]) -> None:
        """Hand on to these groups from now on; what waits for another one moves to where its model is now.

        Raises:
            NotFoundError: a bundle is not in the store; nothing changes.
            DigestMismatchError: a manifest was damaged or altered; nothing changes.
        """
        links = {
            group.number: self._links.get(group.number) or Link(group.number, self._want, self._limits)
            for group in groups
        }
        lanes = {placed: self._lane(placed, links[group.number]) for group in groups for placed in group.placed}
        for group in groups:
            for placed in group.placed:
                lanes[placed].link = links[group.number]
        gone = [lane.snapshot() for placed, lane in self._lanes.items() if placed not in lanes]
        self.ended = merge([self.ended, Snapshot(lanes=tuple(gone))])
        left = [link for number, link in self._links.items() if number not in links]
        self._links, self._lanes = links, lanes
        self._ways = {inner_path(kind, placed): lane for placed, lane in lanes.items() for kind in KINDS}
        for link in left:
            link.leave(self._onward)

    def point(self, table: Standings) -> None:
        """Take where the groups are now."""
        for standing in table:
            link = self._links.get(standing.group)
            if link is not None:
                link.point(standing.path, standing.serial, standing.error)

    def idle_s(self) -> dict[int, float]:
        """Give how long ago each group was last needed, in seconds."""
        return {group: link.idle_s for group, link in self._links.items()}

    def close(self) -> None:
        """Hang up, and refuse what still waits."""
        self.regroup(())

    def _lane(self, placed: Placed, link: Link) -> RemoteLane:
        known = self._lanes.get(placed)
        if known is not None:
            return known
        return RemoteLane(placed, self._store.open(placed.bundle).signature, link, has_calls=self._has_calls)

    def _onward(self, exchange: Exchange) -> None:
        lane = self._ways.get(exchange.path)
        if lane is not None:
            lane.link.submit(exchange)
        else:
            exchange.fail(UnavailableError("this model was taken out of service just now; ask what is served"))

    def _want(self, group: int, lost: int) -> None:
        note = asyncio.ensure_future(self._send(Wanted(number=0, group=group, lost=lost)))
        self._notes.add(note)
        note.add_done_callback(self._noted)

    def _noted(self, note: "asyncio.Future[None]") -> None:
        self._notes.discard(note)
        # A supervisor that is gone ends this worker anyway.
        if not note.cancelled():
            note.exception()
