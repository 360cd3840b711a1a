"""Generation: workers that all serve the same versions, kept alive until the next generation takes over."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec

from golive.control.running.journal import tell
from golive.control.running.listeners import Listening
from golive.control.running.member import Member
from golive.control.running.messages import (
    Accept,
    AccessRules,
    Admit,
    Count,
    Load,
    Point,
    Regroup,
    Reroute,
    Standings,
    Tallied,
    Tally,
    Wanted,
)
from golive.control.running.nursery import Nursery
from golive.control.running.order import WorkerOrder
from golive.domain.serving import TrafficTable
from golive.errors import UnavailableError

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0
_STABLE_S = 30.0
"""A worker that lived this long is replaced at once when it ends; one that did not, after a growing wait."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds."""

    start_s: float
    drain_s: float
    probe_every_s: float
    probe_limit_s: float


class Groups(Protocol):
    """What a generation needs of the groups that its workers hand on to."""

    @property
    def table(self) -> Standings:
        """Where they are now."""
        ...

    def want(self, note: Wanted) -> None:
        """Start one; returns at once."""
        ...


class Generation:
    """A number of workers under one order.

    Args:
        number: counts generations since the supervisor began.
        order: what each worker serves.
        access: who may ask.
        workers: how many processes.
        listening: the bound sockets that they all inherit.
        nursery: where workers come from.
        limits: how long things may take.
        on_ended: is told the last counters of each worker that is gone.
        groups: where models live that the workers do not hold themselves; None when they hold all.
    """

    def __init__(
        self,
        number: int,
        order: WorkerOrder,
        access: AccessRules,
        *,
        workers: int,
        listening: Listening,
        nursery: Nursery,
        limits: Limits,
        on_ended: Callable[[bytes], None],
        groups: Groups | None = None,
    ) -> None:
        self.number = number
        self.order = order
        self._access = access
        self._listening = listening
        self._nursery = nursery
        self._limits = limits
        self._on_ended = on_ended
        self._groups = groups
        self._slots: list[Member | None] = [None] * workers
        self._answered = [False] * workers
        self._keepers: list[asyncio.Task[None]] = []
        self._is_leaving = False

    @property
    def healthy(self) -> bool:
        """Whether every worker answered its last probe."""
        return all(self._answered)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run."""
        return tuple(member.pid for member in self._slots if member is not None)

    @property
    def counts(self) -> tuple[bytes, ...]:
        """The latest counters of the workers that run."""
        return tuple(member.counts for member in self._slots if member is not None and member.counts)

    async def begin(self) -> None:
        """Load all workers, then let all accept. None accepts before every one has loaded.

        Raises:
            UnavailableError: one could not load (the text says which model and why); all of them were ended.
        """
        loads = [asyncio.create_task(self._loaded()) for _ in self._slots]
        try:
            members = await asyncio.gather(*loads)
            await asyncio.gather(*(self._enter(slot, member) for slot, member in enumerate(members)))
        except BaseException:
            await asyncio.shield(self._abandon(loads))
            raise
        self._keepers = [asyncio.create_task(self._keep(slot)) for slot in range(len(self._slots))]

    async def reroute(self, traffic: TrafficTable) -> None:
        """Swap the traffic table in every worker; one that does not take it is replaced by one that has it."""
        self.order = msgspec.structs.replace(self.order, traffic=traffic)
        await asyncio.gather(*(self._tell_or_end(member, Reroute, traffic=traffic) for member in self._running()))

    async def admit(self, access: AccessRules) -> None:
        """Swap the access rules in every worker; one that does not take them is replaced by one that has them."""
        self._access = access
        await asyncio.gather(*(self._tell_or_end(member, Admit, access=access) for member in self._running()))

    async def regroup(self, order: WorkerOrder) -> None:
        """Hand on to other groups: the workers hold no model, so they are told instead of replaced."""
        self.order = order
        self.number += 1
        await asyncio.gather(*(self._tell_or_end(member, Regroup, **_grouping(order)) for member in self._running()))
        await self.point(self._table())

    async def point(self, table: Standings) -> None:
        """Swap the table of groups in every worker; one that does not take it is replaced by one that has it."""
        if self._groups is not None:
            await asyncio.gather(*(self._tell_or_end(member, Point, table=table) for member in self._running()))

    async def tally(self) -> list[dict[int, float]]:
        """Ask every worker how long ago it needed each group, in seconds; one that does not answer is left out."""
        answers = await asyncio.gather(
            *(member.ask(Tally, self._limits.probe_limit_s) for member in self._running()), return_exceptions=True
        )
        return [answer.idle_s for answer in answers if isinstance(answer, Tallied)]

    async def refresh(self) -> None:
        """Bring the counters up to date; a worker that does not answer keeps its last ones."""
        await asyncio.gather(
            *(member.ask(Count, self._limits.probe_limit_s) for member in self._running()), return_exceptions=True
        )

    async def drain(self) -> None:
        """Let every worker finish what is under way and end."""
        self._is_leaving = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await self.refresh()
        members = self._running()
        await asyncio.gather(*(member.drain(self._limits.drain_s) for member in members))
        for member in members:
            self._on_ended(member.counts)
        self._slots = [None] * len(self._slots)

    def _running(self) -> list[Member]:
        return [member for member in self._slots if member is not None]

    async def _loaded(self) -> Member:
        member = await self._nursery.worker(self._listening)
        if self._groups is not None:
            member.on_wanted = self._groups.want
        try:
            order, access = self.order, self._access
            await member.ask(Load, self._limits.start_s, order=order, access=access)
        except BaseException:
            await asyncio.shield(member.end())
            raise
        return member

    async def _enter(self, slot: int, member: Member) -> None:
        """Let a loaded worker accept, with the traffic and access of now rather than of when it began to load."""
        while True:
            order, access, table = self.order, self._access, self._table()
            if order.groups:
                await member.ask(Regroup, self._limits.probe_limit_s, **_grouping(order))
            await member.ask(Reroute, self._limits.probe_limit_s, traffic=order.traffic)
            await member.ask(Admit, self._limits.probe_limit_s, access=access)
            if table:
                await member.ask(Point, self._limits.probe_limit_s, table=table)
            if (order, access, table) == (self.order, self._access, self._table()):
                break
        # From here on reroute(), admit(), regroup() and point() reach it too.
        self._slots[slot] = member
        try:
            await member.ask(Accept, self._limits.start_s)
        except BaseException:
            self._slots[slot] = None
            raise
        self._answered[slot] = True

    def _table(self) -> Standings:
        return self._groups.table if self._groups is not None else ()

    async def _abandon(self, loads: list[asyncio.Task[Member]]) -> None:
        for load in loads:
            load.cancel()
        outcomes = await asyncio.gather(*loads, return_exceptions=True)
        await asyncio.gather(*(member.end() for member in outcomes if isinstance(member, Member)))
        self._slots = [None] * len(self._slots)
        self._answered = [False] * len(self._slots)

    async def _tell_or_end(
        self, member: Member, make: type[Reroute | Admit | Regroup | Point], **parts: object
    ) -> None:
        try:
            await member.ask(make, self._limits.probe_limit_s, **parts)
        except UnavailableError as error:
            if self._is_leaving:
                return
            tell(f"worker {member.pid} is replaced: {error.message}")
            with suppress(ProcessLookupError):
                member.process.kill()

    async def _keep(self, slot: int) -> None:
        """Replace the worker of a slot whenever it ends or hangs."""
        wait_s = _FIRST_WAIT_S
        while True:
            member = self._slots[slot]
            if member is not None:
                began = time.monotonic()
                why = await self._watch(slot, member)
                self._answered[slot] = False
                self._slots[slot] = None
                self._on_ended(member.counts)
                tell(f"generation {self.number}: worker {member.pid} {why}; it is replaced")
                wait_s = _FIRST_WAIT_S if time.monotonic() - began >= _STABLE_S else wait_s
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            try:
                await self._replace(slot)
            except Exception as error:  # noqa: BLE001 - the border: a slot is never given up
                tell(f"generation {self.number}: a worker could not be replaced yet: {error}")

    async def _replace(self, slot: int) -> None:
        fresh = await self._loaded()
        try:
            await self._enter(slot, fresh)
        except BaseException:
            await asyncio.shield(fresh.end())
            raise
        tell(f"generation {self.number}: worker {fresh.pid} serves")

    async def _watch(self, slot: int, member: Member) -> str:
        """Wait until a worker ends, or hangs and is killed, and say which."""
        ended = asyncio.create_task(member.process.wait())
        try:
            while True:
                done, _ = await asyncio.wait({ended}, timeout=self._limits.probe_every_s)
                if done:
                    await member.end()
                    return f"ended with code {ended.result()}"
                try:
                    await member.probe(self._limits.probe_limit_s)
                    self._answered[slot] = True
                except UnavailableError as error:
                    if not ended.done():
                        await member.end()
                        return f"failed its probe ({error.message})"
        finally:
            ended.cancel()


def _grouping(order: WorkerOrder) -> dict[str, object]:
    return {"placed": order.placed, "groups": order.groups, "traffic": order.traffic}
