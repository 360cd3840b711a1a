"""Repository: which models a server has, and taking names out of its traffic and back, as Triton's clients ask for it.

A server that follows a ledger serves what the ledger says; one without has what it was started with.
"""

import asyncio
from typing import Protocol, TypeVar

import msgspec

from golive.control.running.order import SupervisorOrder
from golive.domain.serving import Observed, Placed, Route, Shift, Start, Step
from golive.errors import NotFoundError, UsageError

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one model."""

    name: str
    version: str
    state: str
    """``READY`` or ``UNAVAILABLE``."""
    reason: str
    """Why it is not ready."""


class Wish(msgspec.Struct, frozen=True):
    """The body of a load or unload; none of its parameters has an effect here."""

    parameters: dict[str, msgspec.Raw] = {}


class IndexWish(msgspec.Struct, frozen=True):
    """The body of a question for the index."""

    ready: bool = False
    """Whether only what is ready is listed."""


class Driven(Protocol):
    """What a repository asks of a fleet."""

    def observe(self) -> Observed: ...  # noqa: D102

    async def apply(self, step: Step) -> Observed: ...  # noqa: D102


class Repository:
    """The models of one server.

    Args:
        fleet: serves them.
        order: what it was started with.
    """

    def __init__(self, fleet: Driven, order: SupervisorOrder) -> None:
        self._fleet = fleet
        self._order = order
        self._one_change = asyncio.Lock()

    def index(self, body: bytes) -> tuple[Entry, ...]:
        """List every version that is or was served; one whose process starts when it is asked for is ready.

        Raises:
            UsageError: the body is not a question for the index.
        """
        wish = _read(body, IndexWish)
        seen = self._fleet.observe()
        known = sorted({*seen.loaded, *self._order.placed})
        entries = [_entry(placed, seen) for placed in known]
        return tuple(entry for entry in entries if entry.state == "READY" or not wish.ready)

    async def unload(self, name: str, body: bytes) -> None:
        """Take a name out of the traffic; the memory of its models goes back to the system.

        Raises:
            NotFoundError: this server has no such model.
            UsageError: this server follows a ledger, or the body asks for something else.
            UnavailableError: the workers without it did not come up; everything serves on.
        """
        self._check(name, body, f"deploy another release with `golive deploy {name} {name}@VERSION`")
        async with self._one_change:
            seen = self._fleet.observe()
            await self._fleet.apply(Shift(tuple(route for route in seen.traffic if route.name != name)))
            await self._fleet.apply(Start(tuple(placed for placed in seen.loaded if placed.name != name)))

    async def load(self, name: str, body: bytes) -> None:
        """Bring a name back into the traffic, as the server was started with it.

        Raises:
            NotFoundError: this server was not started with such a model.
            UsageError: this server follows a ledger, or the body asks for something else.
            UnavailableError: the model does not load; everything else serves on.
        """
        self._check(name, body, f"deploy it with `golive deploy {name} {name}`")
        async with self._one_change:
            seen = self._fleet.observe()
            wanted = {*seen.loaded, *(placed for placed in self._order.placed if placed.name == name)}
            await self._fleet.apply(Start(tuple(sorted(wanted))))
            await self._fleet.apply(Shift(self._with_route(name, seen.traffic)))

    def _with_route(self, name: str, traffic: tuple[Route, ...]) -> tuple[Route, ...]:
        routed = {route.name for route in traffic} | {name}
        return tuple(route for route in self._order.traffic if route.name in routed)

    def _check(self, name: str, body: bytes, remedy: str) -> None:
        _refuse_uploads(_read(body, Wish))
        if self._order.ledger:
            message = f"this server serves what its ledger says, so a caller cannot load or unload {name!r}; {remedy}"
            raise UsageError(message)
        names = [route.name for route in self._order.traffic]
        if name not in names:
            message = f"this server was not started with a model {name!r}; it has: {', '.join(names) or 'none'}"
            raise NotFoundError(message)


def _entry(placed: Placed, seen: Observed) -> Entry:
    is_served = placed in seen.loaded
    return Entry(
        name=placed.name,
        version=str(placed.version),
        state="READY" if is_served else "UNAVAILABLE",
        reason="" if is_served else "unloaded",
    )


def _refuse_uploads(wish: Wish) -> None:
    for name in wish.parameters:
        if name == "config" or name.startswith("file:"):
            message = (
                f"the parameter {name[:100]!r} would bring a model from a caller, and models come from the store; "
                "leave it out, and pack the model with `golive package`"
            )
            raise UsageError(message)


def _read(body: bytes, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.DecodeError as error:
        message = f"the body cannot be read ({error}); send a JSON object such as {{}}, or nothing"
        raise UsageError(message) from error
