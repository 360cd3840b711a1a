"""Wishes: what the ledger wants of the local target, driven until the fleet shows it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from golive.control.running.access import rules_for
from golive.control.running.fleet import Fleet
from golive.control.running.journal import tell
from golive.control.running.messages import AccessRules
from golive.deployment.plan import plan
from golive.domain.digest import Digest
from golive.domain.release import Deployment
from golive.domain.serving import Observed, Step
from golive.errors import GoliveError
from golive.settings import Platform
from golive.store.deployments import SettledAs
from golive.store.ledger import Ledger

TARGET = "local"
_PATIENT_TICKS = 12


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says at one moment."""

    deployments: tuple[Deployment, ...]
    releases: dict[tuple[str, int], Digest]
    pending: tuple[int, ...]
    """The deployments among them that nobody has settled yet."""
    access: AccessRules

    def steps(self, observed: Observed) -> tuple[Step, ...]:
        """Plan the way there."""
        return plan(self.deployments, self.releases, observed)


class Wishes:
    """Reads the ledger and drives a fleet.

    Args:
        path: the ledger.
        host: where the server listens, which decides whether it may be open.
        secret: a further API key from the environment; empty for none.
        now: gives the time as ISO 8601 text.
        platform: what guards the server, so that it may be open beyond loopback too; None for nothing.
    """

    def __init__(
        self, path: Path, *, host: str, secret: str, now: Callable[[], str], platform: Platform | None = None
    ) -> None:
        self._ledger = Ledger(path)
        self._host = host
        self._secret = secret
        self._platform = platform
        self._now = now
        self._seen: tuple[tuple[Step, ...], tuple[int, ...]] = ((), ())
        self._refused: tuple[Step, ...] = ()
        self._patience = 0

    def read(self) -> Wanted:
        """Give what the ledger says now. It reads a file, so an event loop calls it in a thread."""
        wishes = self._ledger.wanted(TARGET)
        return Wanted(
            deployments=tuple(wish.deployment for wish in wishes),
            releases={(release.name, release.version): release.bundle for release in self._ledger.releases()},
            pending=tuple(wish.deployment.number for wish in wishes if wish.outcome == "pending"),
            access=self.access(),
        )

    def access(self) -> AccessRules:
        """Give who may ask, as the ledger's keys say now. It reads a file."""
        return rules_for(self._host, self._ledger.keys(), self._secret, self._platform)

    async def follow_access(self, fleet: Fleet) -> None:
        """Bring the fleet's access rules up to date, and nothing else."""
        access = await asyncio.to_thread(self.access)
        if access != fleet.access:
            await fleet.admit(access)

    async def settle_in(self, fleet: Fleet) -> None:
        """Bring a new fleet to what is wanted, or as near as the bundles allow.

        One model that no longer loads does not keep the others from being served.
        """
        wanted = await asyncio.to_thread(self.read)
        if await self._drive(fleet, wanted):
            return
        good: tuple[Deployment, ...] = ()
        wanted = await asyncio.to_thread(self.read)
        for one in wanted.deployments:
            attempt = msgspec.structs.replace(wanted, deployments=(*good, one), pending=())
            if await self._drive(fleet, attempt):
                good = attempt.deployments

    async def tick(self, fleet: Fleet) -> None:
        """Compare once. Only what was found in two looks in a row is acted on, so a deploy under way is left alone."""
        if fleet.is_busy():
            return
        wanted = await asyncio.to_thread(self.read)
        if wanted.access != fleet.access:
            await fleet.admit(wanted.access)
        steps = wanted.steps(fleet.observe())
        seen, self._seen = self._seen, (steps, wanted.pending)
        nothing_to_do = not steps and not wanted.pending
        if nothing_to_do or seen != self._seen or fleet.is_busy() or self._is_hopeless(steps):
            return
        tell("the ledger wants something else than what runs; driving there")
        await self._drive(fleet, wanted)

    def _is_hopeless(self, steps: tuple[Step, ...]) -> bool:
        """Say whether the same steps failed lately; they are tried again once in a while."""
        if not steps or steps != self._refused:
            return False
        self._patience -= 1
        return self._patience > 0

    async def _drive(self, fleet: Fleet, wanted: Wanted) -> bool:
        steps: tuple[Step, ...] = ()
        try:
            steps = wanted.steps(fleet.observe())
            for step in steps:
                await fleet.apply(step)
        except GoliveError as error:
            tell(f"not everything that is wanted could be served: {error.message}")
            self._refused, self._patience = steps, _PATIENT_TICKS
            await self._settle(wanted.pending, "failed", error.message)
            return False
        await self._settle(wanted.pending, "live", "")
        return True

    async def _settle(self, numbers: tuple[int, ...], outcome: SettledAs, text: str) -> None:
        for number in numbers:
            await asyncio.to_thread(self._ledger.settle, number, outcome, text, at=self._now(), by="supervisor")
