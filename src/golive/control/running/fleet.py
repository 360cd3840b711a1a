"""Fleet: one inference socket, the generation of workers that serves it, and those that drain."""

import asyncio
import socket
import time

import msgspec

from golive.control.running.generation import Generation, Limits
from golive.control.running.journal import tell
from golive.control.running.member import Member
from golive.control.running.messages import AccessRules
from golive.control.running.order import SupervisorOrder, WorkerOrder, worker_count
from golive.control.running.vacancy import open_vacancy
from golive.domain.release import check_shares
from golive.domain.serving import Observed, Placed, Shift, Start, Step, TrafficTable
from golive.errors import UsageError
from golive.serving.exposition import render
from golive.serving.metrics import Snapshot, merge

_FRESH_S = 1.0
"""Counters of this age are given again, so that asking often costs the workers nothing."""


class Fleet:
    """Takes steps, one at a time.

    Args:
        order: what to serve and how.
        access: who may ask, at first.
        listening: the bound inference socket.
        records: the recording process's socket path; empty when nothing is recorded.
        crew: workers that were started already; generations take theirs from it while there are any.
    """

    def __init__(
        self,
        order: SupervisorOrder,
        access: AccessRules,
        listening: socket.socket,
        records: str,
        crew: list[Member],
    ) -> None:
        self._order = order
        self._access = access
        self._listening = listening
        self._records = records
        self._crew = crew
        self._current: Generation | None = None
        self._leaving: dict[Generation, asyncio.Task[None]] = {}
        self._ended = Snapshot()
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
        self._vacancy = await open_vacancy(self._listening)

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

    async def metrics(self) -> bytes:
        """Give the counters of all workers, living and gone, in the text format of Prometheus.

        They are at most a second old. No model runs for them.
        """
        async with self._one_count:
            if self._current is not None and time.monotonic() - self._counted_at > _FRESH_S:
                await self._current.refresh()
                self._counted_at = time.monotonic()
        generations = [*self._leaving, *([self._current] if self._current else [])]
        living = [msgspec.msgpack.decode(one, type=Snapshot) for each in generations for one in each.counts]
        return render([self._ended, *living])

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

    async def _start(self, placed: tuple[Placed, ...]) -> None:
        current = self._current
        if current is not None and placed == current.order.placed:
            return
        traffic = current.order.traffic if current else ()
        _refuse_unloaded(placed, traffic)
        generation = Generation(
            current.number + 1 if current else 1,
            self._worker_order(placed, traffic),
            self._access,
            workers=worker_count(self._order.workers),
            listening=self._listening,
            crew=self._crew,
            limits=_limits(self._order),
            on_ended=self._add_ended,
        )
        await generation.begin()
        self._close_vacancy()
        self._current = generation
        versions = ", ".join(f"{one.name}@{one.version}" for one in placed)
        tell(f"generation {generation.number} serves {versions or 'nothing'} (workers {generation.pids})")
        if current is not None:
            # The step holds once nobody of the old generation can answer any more: a shift reroutes this one only.
            await self._leave(current)

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

    def _worker_order(self, placed: tuple[Placed, ...], traffic: TrafficTable) -> WorkerOrder:
        order = self._order
        return WorkerOrder(
            state=order.state,
            placed=placed,
            traffic=traffic,
            max_body_bytes=order.max_body_bytes,
            max_rows=order.max_rows,
            sample=order.sample,
            drain_s=order.drain_s,
            tls_cert=order.tls_cert,
            tls_key=order.tls_key,
            records=self._records if order.sample > 0.0 else "",
        )

    async def _leave(self, generation: Generation) -> None:
        """Return when its last worker has ended; a caller who gives up does not stop it."""
        task = asyncio.create_task(generation.drain())
        self._leaving[generation] = task
        task.add_done_callback(lambda _: self._leaving.pop(generation, None))
        await asyncio.shield(task)

    def _add_ended(self, counts: bytes) -> None:
        if counts:
            self._ended = merge([self._ended, msgspec.msgpack.decode(counts, type=Snapshot)])

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
