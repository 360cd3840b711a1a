"""Groups: processes of models that share a memory budget, started when they are wanted and ended when others are."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from golive.control.home import Home
from golive.control.running.grouping import Group, Model, plan, victim
from golive.control.running.journal import tell
from golive.control.running.listeners import bind_unix
from golive.control.running.member import Member
from golive.control.running.memory import resident_bytes
from golive.control.running.messages import (
    Accept,
    AccessRules,
    Count,
    Load,
    Residence,
    Standings,
    Wanted,
)
from golive.control.running.nursery import Nursery
from golive.control.running.order import SupervisorOrder, WorkerOrder, core_count
from golive.control.running.place import FIRST_WAIT_S, Phase, Place
from golive.control.running.run_files import RunFolder
from golive.domain.serving import Placed
from golive.errors import GoliveError, UnavailableError
from golive.store.bundles import BundleStore

_MB = 1 << 20
_LOOK_S = 0.2
"""How often it is looked whether a group that started just now may be ended for another."""
_GONE_S = 1.0
"""How long a process that cannot be reached gets to be seen as ended."""
_LONGEST_WAIT_S = 30.0


class Groups:
    """Keeps the processes of groups within a budget.

    Starting and ending are told to the workers that hold the connections, which wait for the one and acknowledge the
    other, so no request is sent to a group that ends.

    Args:
        order: what to serve and how.
        records: the recording process's socket path; empty when nothing is recorded.
        nursery: where workers come from.
        point: swaps the table of groups in every worker.
        tally: asks every worker how long ago it needed each group.
        on_ended: is told the last counters of each process that is gone.
        collector: the URL that spans of traced requests are posted to; empty for none.
    """

    def __init__(
        self,
        order: SupervisorOrder,
        records: str,
        nursery: Nursery,
        *,
        point: Callable[[Standings], Awaitable[None]],
        tally: Callable[[], Awaitable[dict[int, float]]],
        on_ended: Callable[[bytes], None],
        collector: str = "",
    ) -> None:
        self._order = order
        self._records = records
        self._nursery = nursery
        self._collector = collector
        self._point = point
        self._tally = tally
        self._on_ended = on_ended
        self._run = RunFolder(Path(order.state))
        self._store = BundleStore(Home(Path(order.state)).store)
        self._places: dict[int, Place] = {}
        self._serials = itertools.count(1)
        self._next_number = 1
        self._one_admitted = asyncio.Lock()
        self._one_told = asyncio.Lock()
        # More starts at once would only be slower, each.
        self._starts = asyncio.Semaphore(core_count())
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def table(self) -> Standings:
        """Where every group is now."""
        return tuple(place.standing for place in self._places.values())

    @property
    def counts(self) -> tuple[bytes, ...]:
        """The latest counters of the processes that run."""
        members = (place.member for place in self._places.values())
        return tuple(member.counts for member in members if member is not None and member.counts)

    @property
    def residence(self) -> Residence:
        """Describe all groups."""
        return Residence(budget_mb=self._order.memory_mb, groups=tuple(place.seen for place in self._places.values()))

    def plan(self, placed: Sequence[Placed], workers: int, before: Sequence[Group]) -> tuple[Group, ...]:
        """Divide what is placed into groups, as far as possible into those that are there.

        Raises:
            NotFoundError: a bundle is not in the store.
            UsageError: a model is larger than the whole budget.
        """
        if not self._order.memory_mb:
            return ()
        models = [Model(one, self._store.open(one.bundle).size_bytes) for one in placed]
        groups = plan(models, self._order.memory_mb * _MB, workers, before, first=self._next_number)
        self._next_number = max([self._next_number, *(group.number + 1 for group in groups)])
        return groups

    async def adopt(self, groups: Sequence[Group], *, while_room: bool) -> None:
        """Take groups in, and start the new ones: all, one after the other, or as many as fit into the budget.

        Raises:
            UnavailableError: a model does not load (the text says which and why); the new groups are gone again.
        """
        fresh = [group for group in groups if group.number not in self._places]
        places = [self._places.setdefault(group.number, Place(group)) for group in fresh]
        try:
            if while_room:
                await asyncio.gather(*(self._brought(place) for place in self._that_fit(places)))
            else:
                for place in places:
                    await self._brought(place)
        except BaseException:
            await asyncio.shield(self._remove(places))
            raise

    async def retire(self, groups: Sequence[Group]) -> None:
        """End every group but these, and forget it; one that has lost a model is without it from its next start on."""
        kept = {group.number: group for group in groups}
        await self._remove([place for number, place in self._places.items() if number not in kept])
        for number, group in kept.items():
            self._places[number].group = group

    def want(self, note: Wanted) -> None:
        """Start a group that a request waits for, unless it is being started or cannot be; returns at once."""
        place = self._places.get(note.group)
        if place is None or place.error:
            return
        place.lost = max(place.lost, note.lost)
        if place.bringing is None:
            place.bringing = self._bring_later(place)

    async def refresh(self) -> None:
        """Bring the counters up to date; a process that does not answer keeps its last ones."""
        members = [place.member for place in self._places.values() if place.member is not None]
        limit_s = self._order.probe_limit_s
        await asyncio.gather(*(member.ask(Count, limit_s) for member in members), return_exceptions=True)

    async def end(self) -> None:
        """End them all. Nobody may want one any more."""
        await self._remove(list(self._places.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _that_fit(self, places: Sequence[Place]) -> list[Place]:
        room = self._order.memory_mb * _MB - self._taken_bytes()
        fitting = []
        for place in places:
            room -= place.size_bytes
            if room < 0:
                break
            fitting.append(place)
        return fitting

    def _taken_bytes(self) -> int:
        return sum(place.size_bytes for place in self._places.values() if place.phase != "absent")

    async def _brought(self, place: Place) -> None:
        """Return when a group is resident."""
        await asyncio.shield(place.bringing or self._bring_later(place))

    def _bring_later(self, place: Place) -> asyncio.Task[None]:
        task = asyncio.create_task(self._bring(place))
        place.bringing = task

        def done(ended: asyncio.Task[None]) -> None:
            place.bringing = None
            self._tasks.discard(ended)
            # Whoever waits for it is told; a note's task has nobody who does, and the table says what failed.
            if not ended.cancelled():
                ended.exception()

        self._tasks.add(task)
        task.add_done_callback(done)
        return task

    async def _bring(self, place: Place) -> None:
        while place.phase != "resident" or place.lost == place.serial:
            if place.phase == "resident":
                await self._look_after(place)
                continue
            async with self._one_admitted:
                await self._make_room(place)
                self._become(place, "starting")
            async with self._starts:
                await self._start(place)

    async def _look_after(self, place: Place) -> None:
        """A worker could not reach a group: wait until its end is seen, or say again where it is."""
        if place.keeper is not None:
            await asyncio.wait({place.keeper}, timeout=_GONE_S)
        if place.phase == "resident":
            place.serial = next(self._serials)
            await self._tell()

    async def _make_room(self, place: Place) -> None:
        """End groups, least recently used first, until another one fits."""
        budget = self._order.memory_mb * _MB
        while place.phase != "absent" or self._taken_bytes() + place.size_bytes > budget:
            others = [other for other in self._places.values() if other is not place]
            resident = {other.group.number: other for other in others if other.phase == "resident"}
            if place.phase == "absent" and all(other.phase == "absent" for other in others):
                # It took more than the whole budget when it ran last; _start has the last word.
                return
            self._moved.clear()
            if place.phase == "absent" and resident:
                idle_s, now = await self._tally(), time.monotonic()
                age_s = {number: now - other.began for number, other in resident.items() if other.phase == "resident"}
                chosen = victim(idle_s, age_s, self._order.group_stay_s)
                if chosen is not None:
                    await self._evict(resident[chosen])
                    continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), _LOOK_S)

    async def _start(self, place: Place) -> None:
        try:
            member = await self._spawned(place)
        except BaseException as error:
            self._become(place, "absent")
            if isinstance(error, Exception):
                why = error.message if isinstance(error, GoliveError) else f"{type(error).__name__}: {error}"
                tell(f"{place.words} does not start: {why}")
                await self._refuse_for_a_while(place, why)
            raise
        place.member, place.began = member, time.monotonic()
        place.wait_s = FIRST_WAIT_S
        self._become(place, "resident")
        place.keeper = asyncio.create_task(self._keep(place, member))
        await self._tell()
        tell(f"{place.words} serves: worker {member.pid}, {place.size_bytes / _MB:.0f} MB")

    async def _spawned(self, place: Place) -> Member:
        order = self._order
        place.serial = next(self._serials)
        place.path = str(self._run.socket(f"group-{place.serial}"))
        listening = bind_unix(Path(place.path))
        try:
            member = await self._nursery.worker((listening,))
        finally:
            # Nobody but the process listens: when it ends, connecting fails at once.
            listening.close()
        try:
            await member.ask(Load, order.start_s, order=self._group_order(place), access=AccessRules(is_open=True))
            await member.ask(Accept, order.start_s)
            place.size_bytes = resident_bytes(member.pid) or place.size_bytes
            if place.size_bytes > order.memory_mb * _MB:
                message = (
                    f"{place.words} takes {place.size_bytes / _MB:.0f} MB, more than the whole memory_mb of "
                    f"{order.memory_mb}; raise serving.memory_mb"
                )
                raise UnavailableError(message)  # noqa: TRY301 - it ends like every start that failed
        except BaseException:
            await asyncio.shield(member.end())
            place.forget_path()
            raise
        return member

    def _group_order(self, place: Place) -> WorkerOrder:
        order = self._order
        return WorkerOrder(
            state=order.state,
            placed=place.group.placed,
            traffic=(),
            max_body_bytes=order.max_body_bytes,
            max_rows=order.max_rows,
            queue_s=order.queue_s,
            threads=core_count(),
            sample=order.sample,
            drain_s=order.drain_s,
            has_calls=order.grpc_port is not None,
            tls_cert="",
            tls_key="",
            records=self._records,
            collector=self._collector,
            is_group=True,
        )

    async def _refuse_for_a_while(self, place: Place, why: str) -> None:
        """Have requests for it refused with the reason; later ones try again."""
        place.error = why
        await self._tell()
        task = asyncio.create_task(self._allow_again(place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _allow_again(self, place: Place) -> None:
        await asyncio.sleep(place.wait_s)
        place.wait_s = min(2 * place.wait_s, _LONGEST_WAIT_S)
        place.error = ""
        await self._tell()

    async def _keep(self, place: Place, member: Member) -> None:
        """Note when a process ends or hangs, and what it takes; it is started again when it is wanted."""
        ended = asyncio.create_task(member.process.wait())
        try:
            why = await self._watched(place, member, ended)
        finally:
            ended.cancel()
        await member.end()
        self._gone(place, member)
        tell(f"{place.words}: worker {member.pid} {why}; it is started again when it is wanted")
        await self._tell()

    async def _watched(self, place: Place, member: Member, ended: asyncio.Task[int]) -> str:
        while True:
            done, _ = await asyncio.wait({ended}, timeout=self._order.probe_every_s)
            if done:
                return f"ended with code {ended.result()}"
            try:
                await member.probe(self._order.probe_limit_s)
            except UnavailableError as error:
                if not ended.done():
                    return f"failed its probe ({error.message})"
            place.size_bytes = resident_bytes(member.pid) or place.size_bytes
            if self._taken_bytes() > self._order.memory_mb * _MB:
                self._trim_later(place)

    def _trim_later(self, place: Place) -> None:
        """Keep what has grown within the budget, if others can be ended for it."""
        task = asyncio.create_task(self._trim(place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _trim(self, place: Place) -> None:
        async with self._one_admitted:
            idle_s = await self._tally()
            others = [other for other in self._places.values() if other.phase == "resident" and other is not place]
            others.sort(key=lambda other: idle_s.get(other.group.number, 0.0))
            while others and self._taken_bytes() > self._order.memory_mb * _MB:
                await self._evict(others.pop())

    async def _evict(self, place: Place) -> None:
        """End a group: the workers stop sending first, then what is under way is finished."""
        member = place.member
        if member is None or place.phase != "resident":
            return
        self._become(place, "ending")
        if place.keeper is not None:
            place.keeper.cancel()
            await asyncio.gather(place.keeper, return_exceptions=True)
        await self._tell()
        await member.drain(self._order.drain_s)
        self._gone(place, member)
        tell(f"{place.words} ended; its {place.size_bytes / _MB:.0f} MB are free")

    async def _remove(self, places: Sequence[Place]) -> None:
        for place in places:
            if place.bringing is not None:
                place.bringing.cancel()
                await asyncio.gather(place.bringing, return_exceptions=True)
        await asyncio.gather(*(self._evict(place) for place in places))
        for place in places:
            self._places.pop(place.group.number, None)
        if places:
            await self._tell()

    def _gone(self, place: Place, member: Member) -> None:
        self._on_ended(member.counts)
        member.counts = b""
        place.member = None
        place.forget_path()
        self._become(place, "absent")

    def _become(self, place: Place, phase: Phase) -> None:
        place.phase = phase
        self._moved.set()

    async def _tell(self) -> None:
        async with self._one_told:
            await self._point(self.table)
