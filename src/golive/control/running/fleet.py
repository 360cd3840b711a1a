"""Fleet: one inference socket, the generation of workers that serves it, and those that drain."""

import asyncio
import time

import msgspec

from golive.control.running.generation import Generation, Limits
from golive.control.running.grouping import Group
from golive.control.running.groups import Groups
from golive.control.running.journal import tell
from golive.control.running.listeners import Listening
from golive.control.running.messages import AccessRules, Residence, Standings
from golive.control.running.nursery import Nursery
from golive.control.running.order import SupervisorOrder, WorkerOrder, core_count, worker_count
from golive.control.running.vacancy import open_vacancy
from golive.domain.release import check_shares
from golive.domain.serving import Observed, Placed, Shift, Start, Step, TrafficTable
from golive.errors import UsageError
from golive.serving.telemetry.exposition import render
from golive.serving.telemetry.metrics import Snapshot, ended, merge

_FRESH_S = 1.0
"""Counters of this age are given again, so that asking often costs the workers nothing."""


class Fleet:
    """Takes steps, one at a time.

    Args:
        order: what to serve and how.
        access: who may ask, at first.
        listening: the bound sockets for predictions: of HTTP, and of gRPC if that is on.
        records: the recording process's socket path; empty when nothing is recorded.
        nursery: where workers come from.
        collector: the URL that spans of traced requests are posted to; empty for none.
        explain: the socket path of the process that explains; empty where that is off.
    """

    def __init__(
        self,
        order: SupervisorOrder,
        access: AccessRules,
        listening: Listening,
        records: str,
        nursery: Nursery,
        collector: str = "",
        explain: str = "",
    ) -> None:
        self._order = order
        self._explain = explain
        self._access = access
        self._listening = listening
        self._records = records if order.sample > 0.0 else ""
        self._collector = collector
        self._nursery = nursery
        self._current: Generation | None = None
        self._leaving: dict[Generation, asyncio.Task[None]] = {}
        self._ended = Snapshot()
        self._groups = Groups(
            order,
            self._records,
            nursery,
            point=self._point,
            tally=self._tally,
            on_ended=self._add_ended,
            collector=collector,
        )
        self._vacancy: asyncio.Server | None = None
        self._one_step = asyncio.Lock()
        self._one_count = asyncio.Lock()
        self._counted_at = 0.0
        self._stopping = asyncio.Event()

    def is_busy(self) -> bool:
        """Whether a step is under way."""
        return self._one_step.locked()

    @property
    def access(self) -> AccessRules:
        """Who may ask now."""
        return self._access

    async def open(self) -> None:
        """Begin to answer: with 503 until the first generation accepts."""
        self._vacancy = await open_vacancy(self._listening[0])

    def observe(self) -> Observed:
        """Say what runs now."""
        current = self._current
        if current is None:
            return Observed()
        return Observed(
            generation=current.number,
            loaded=current.order.placed,
            traffic=current.order.traffic,
            healthy=current.healthy,
        )

    def residence(self) -> Residence:
        """Say which groups of models run, and what they take."""
        return self._groups.residence

    async def apply(self, step: Step) -> Observed:
        """Carry out one step; steps wait for each other, and doing one twice changes nothing more.

        Raises:
            UsageError: the step would leave a routed version unloaded, or shares do not sum to 1.
            UnavailableError: the new generation did not come up; the old one serves on.
        """
        async with self._one_step:
            if isinstance(step, Start):
                await self._start(tuple(sorted(step.placed)))
            else:
                await self._shift(step)
        return self.observe()

    async def admit(self, access: AccessRules) -> None:
        """Put new access rules in force in every worker."""
        async with self._one_step:
            self._access = access
            if self._current is not None:
                await self._current.admit(access)
        tell(f"access rules changed: {'open' if access.is_open else f'{len(access.hashes)} valid keys'}")

    async def metrics(self, *, with_triton: bool = False) -> bytes:
        """Give the counters of all workers, living and gone, in the text format of Prometheus.

        They are at most a second old. No model runs for them. ``with_triton`` adds them by Triton's names.
        """
        async with self._one_count:
            if self._current is not None and time.monotonic() - self._counted_at > _FRESH_S:
                await asyncio.gather(self._current.refresh(), self._groups.refresh())
                self._counted_at = time.monotonic()
        counts = [one for generation in self._generations() for one in generation.counts] + [*self._groups.counts]
        living = [msgspec.msgpack.decode(one, type=Snapshot) for one in counts]
        return render([self._ended, *living], with_triton=with_triton)

    def ask_to_stop(self) -> None:
        """Make ``until_stopped`` return."""
        self._stopping.set()

    async def until_stopped(self, limit_s: float | None = None) -> bool:
        """Wait until somebody asks to stop, or that long; say whether somebody did."""
        try:
            await asyncio.wait_for(self._stopping.wait(), limit_s)
        except TimeoutError:
            return False
        return True

    async def end(self) -> None:
        """Drain everything."""
        async with self._one_step:
            self._close_vacancy()
            current, self._current = self._current, None
            if current is not None:
                await self._leave(current)
        await asyncio.gather(*self._leaving.values())
        await self._groups.end()

    async def _start(self, placed: tuple[Placed, ...]) -> None:
        current = self._current
        if current is not None and placed == current.order.placed:
            return
        traffic = current.order.traffic if current else ()
        _refuse_unloaded(placed, traffic)
        before = current.order.groups if current else ()
        groups = self._groups.plan(placed, worker_count(self._order.workers), before)
        # A model is proved to load before anybody is sent to it; at the very start, as many as the budget holds.
        await self._groups.adopt(groups, while_room=current is None)
        if current is not None and before and groups:
            await current.regroup(self._worker_order(placed, traffic, groups))
            await self._groups.retire(groups)
            self._tell_served(current)
            return
        generation = self._generation(current.number + 1 if current else 1, placed, traffic, groups)
        try:
            await generation.begin()
        except BaseException:
            await asyncio.shield(self._groups.retire(before))
            raise
        self._close_vacancy()
        self._current = generation
        self._tell_served(generation)
        if current is not None:
            # The step holds once nobody of the old generation can answer any more: a shift reroutes this one only.
            await self._leave(current)
        await self._groups.retire(groups)

    def _tell_served(self, generation: Generation) -> None:
        versions = ", ".join(f"{one.name}@{one.version}" for one in generation.order.placed)
        tell(f"generation {generation.number} serves {versions or 'nothing'} (workers {generation.pids})")

    def _generation(
        self, number: int, placed: tuple[Placed, ...], traffic: TrafficTable, groups: tuple[Group, ...]
    ) -> Generation:
        return Generation(
            number,
            self._worker_order(placed, traffic, groups),
            self._access,
            workers=worker_count(self._order.workers),
            listening=self._listening,
            nursery=self._nursery,
            limits=_limits(self._order),
            on_ended=self._add_ended,
            groups=self._groups if groups else None,
        )

    async def _shift(self, step: Shift) -> None:
        current = self._current
        placed = current.order.placed if current else ()
        _refuse_unloaded(placed, step.traffic)
        for route in step.traffic:
            check_shares(route.name, route.split)
        if current is None or step.traffic == current.order.traffic:
            return
        await current.reroute(step.traffic)
        tell("traffic: " + "; ".join(_words(step.traffic)))

    def _worker_order(
        self, placed: tuple[Placed, ...], traffic: TrafficTable, groups: tuple[Group, ...]
    ) -> WorkerOrder:
        order = self._order
        return WorkerOrder(
            state=order.state,
            placed=placed,
            traffic=traffic,
            max_body_bytes=order.max_body_bytes,
            max_rows=order.max_rows,
            queue_s=order.queue_s,
            # Workers share the cores; a model's own threads get what is left to each of them.
            threads=max(1, core_count() // worker_count(order.workers)),
            sample=order.sample,
            drain_s=order.drain_s,
            has_calls=order.grpc_port is not None,
            tls_cert=order.tls_cert,
            tls_key=order.tls_key,
            # Whoever answers records and traces.
            records=self._records if not groups else "",
            collector=self._collector if not groups else "",
            groups=groups,
            group_wait_s=order.group_wait_s,
            explain=self._explain,
            health_path=order.platform.health_path if order.platform else "",
            predict_path=order.platform.predict_path if order.platform else "",
        )

    def _generations(self) -> list[Generation]:
        return [*self._leaving, *([self._current] if self._current else [])]

    async def _point(self, table: Standings) -> None:
        await asyncio.gather(*(generation.point(table) for generation in self._generations()))

    async def _tally(self) -> dict[int, float]:
        """Give how long ago each group was last needed by any worker, in seconds."""
        least: dict[int, float] = {}
        for told in await asyncio.gather(*(generation.tally() for generation in self._generations())):
            for idle_s in told:
                for group, seconds in idle_s.items():
                    least[group] = min(seconds, least.get(group, seconds))
        return least

    async def _leave(self, generation: Generation) -> None:
        """Return when its last worker has ended; a caller who gives up does not stop it."""
        task = asyncio.create_task(generation.drain())
        self._leaving[generation] = task
        task.add_done_callback(lambda _: self._leaving.pop(generation, None))
        await asyncio.shield(task)

    def _add_ended(self, counts: bytes) -> None:
        if counts:
            self._ended = merge([self._ended, ended(msgspec.msgpack.decode(counts, type=Snapshot))])

    def _close_vacancy(self) -> None:
        if self._vacancy is not None:
            self._vacancy.close()
            self._vacancy = None


def _limits(order: SupervisorOrder) -> Limits:
    return Limits(
        start_s=order.start_s,
        drain_s=order.drain_s,
        probe_every_s=order.probe_every_s,
        probe_limit_s=order.probe_limit_s,
    )


def _refuse_unloaded(placed: tuple[Placed, ...], traffic: TrafficTable) -> None:
    loaded = {(one.name, one.version) for one in placed}
    for route in traffic:
        for share in route.split:
            if (route.name, share.version) not in loaded:
                message = (
                    f"traffic goes to {route.name}@{share.version}, which would not be loaded; "
                    "start a generation that holds it before shifting, and shift before leaving it out"
                )
                raise UsageError(message)


def _words(traffic: TrafficTable) -> list[str]:
    return [
        f"{route.name} " + ", ".join(f"{share.share:.0%} to release {share.version}" for share in route.split)
        for route in traffic
    ] or ["none"]
