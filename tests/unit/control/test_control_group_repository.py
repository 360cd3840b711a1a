"""What Triton's repository extension may do to a server."""

import asyncio

import pytest

from golive.control.running.order import SupervisorOrder
from golive.control.running.repository import Entry, Repository
from golive.domain.release import Share
from golive.domain.serving import Observed, Placed, Route, Shift, Start, Step
from golive.errors import NotFoundError, UsageError

A, B = Placed("a", 1, "sha256:a"), Placed("b", 1, "sha256:b")
TO_A, TO_B = Route("a", (Share(1, 1.0),)), Route("b", (Share(1, 1.0),))


class Fleet:
    """Takes every step and remembers it."""

    def __init__(self) -> None:
        self.seen = Observed(generation=1, loaded=(A, B), traffic=(TO_A, TO_B), healthy=True)
        self.steps: list[Step] = []

    def observe(self) -> Observed:
        return self.seen

    async def apply(self, step: Step) -> Observed:
        self.steps.append(step)
        loaded = step.placed if isinstance(step, Start) else self.seen.loaded
        traffic = step.traffic if isinstance(step, Shift) else self.seen.traffic
        self.seen = Observed(generation=1, loaded=loaded, traffic=traffic, healthy=True)
        return self.seen


def repository(fleet: Fleet, *, ledger: bool = False) -> Repository:
    order = SupervisorOrder(state="s", ledger=ledger, placed=(A, B), traffic=(TO_A, TO_B))
    return Repository(fleet, order)


def test_unloading_takes_the_traffic_away_before_the_model() -> None:
    fleet = Fleet()
    asyncio.run(repository(fleet).unload("a", b'{"parameters":{"unload_dependents":true}}'))
    assert fleet.steps == [Shift((TO_B,)), Start((B,))]


def test_loading_brings_the_model_back_before_the_traffic() -> None:
    fleet = Fleet()
    changed = repository(fleet)
    asyncio.run(changed.unload("a", b""))
    fleet.steps.clear()
    asyncio.run(changed.load("a", b"{}"))
    assert fleet.steps == [Start((A, B)), Shift((TO_A, TO_B))]


def test_the_index_says_what_is_ready_and_what_was_unloaded() -> None:
    fleet = Fleet()
    changed = repository(fleet)
    asyncio.run(changed.unload("a", b""))
    ready = Entry(name="b", version="1", state="READY", reason="")
    assert changed.index(b"") == (Entry(name="a", version="1", state="UNAVAILABLE", reason="unloaded"), ready)
    assert changed.index(b'{"ready":true}') == (ready,)


@pytest.mark.parametrize("parameter", ["config", "file:1/model.onnx"])
def test_a_model_that_a_caller_brings_is_refused(parameter: str) -> None:
    fleet = Fleet()
    with pytest.raises(UsageError, match=f"'{parameter}' would bring a model"):
        asyncio.run(repository(fleet).load("a", b'{"parameters":{"%b":"eA=="}}' % parameter.encode()))
    assert fleet.steps == []


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"parameters":[]}', b"\xff"])
def test_a_body_that_is_no_wish_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError, match="the body cannot be read"):
        asyncio.run(repository(Fleet()).unload("a", body))


def test_a_name_that_the_server_was_not_started_with_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="not started with a model 'z'; it has: a, b"):
        asyncio.run(repository(Fleet()).load("z", b""))


def test_a_ledger_is_not_overruled_by_callers() -> None:
    fleet = Fleet()
    with pytest.raises(UsageError, match="golive deploy a"):
        asyncio.run(repository(fleet, ledger=True).unload("a", b""))
    assert fleet.steps == []
