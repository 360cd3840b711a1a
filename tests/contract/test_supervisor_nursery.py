"""The nursery and its zygote: real processes, and what holds when the zygote is killed."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from faults import PATH, Place, body, children, eventually, workers

from golive.control.running.forked import UNKNOWN_CODE
from golive.control.running.listeners import Listening
from golive.control.running.messages import Count
from golive.control.running.nursery import Nursery

ZYGOTE = "golive.control.running.zygote"
LIMIT_S = 60.0


@asynccontextmanager
async def nursed() -> AsyncIterator[tuple[Nursery, Listening]]:
    nursery = Nursery()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        try:
            yield nursery, (listening,)
        finally:
            await nursery.end()


def zygote() -> int:
    (pid,) = children(os.getpid(), ZYGOTE)
    return pid


def run(scene: Callable[[Nursery, Listening], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with nursed() as (nursery, listening), asyncio.timeout(LIMIT_S):
            await scene(nursery, listening)

    asyncio.run(whole())
    assert children(os.getpid(), ZYGOTE) == []


def test_workers_are_forks_of_one_process_and_their_ends_are_told() -> None:
    async def scene(nursery: Nursery, listening: Listening) -> None:
        one, other = await asyncio.gather(nursery.worker(listening), nursery.worker(listening))
        assert set(children(zygote(), ZYGOTE)) == {one.pid, other.pid}
        assert os.getpgid(one.pid) == one.pid
        await one.ask(Count, LIMIT_S)
        os.kill(one.pid, signal.SIGKILL)
        assert await one.process.wait() == -signal.SIGKILL
        await one.end()
        await other.end(grace_s=LIMIT_S)
        assert other.process.returncode == 0

    run(scene)


def test_a_worker_whose_zygote_was_killed_goes_on_and_the_next_one_has_another() -> None:
    async def scene(nursery: Nursery, listening: Listening) -> None:
        first = await nursery.worker(listening)
        lost = zygote()
        os.kill(lost, signal.SIGKILL)
        second = await nursery.worker(listening)
        assert zygote() != lost
        await first.ask(Count, LIMIT_S)
        os.kill(first.pid, signal.SIGKILL)
        assert await first.process.wait() == UNKNOWN_CODE
        await first.end()
        await second.end()

    run(scene)


def test_a_worker_is_there_though_the_zygote_is_killed_while_it_should_fork() -> None:
    async def scene(nursery: Nursery, listening: Listening) -> None:
        await nursery.begin()
        os.kill(zygote(), signal.SIGSTOP)
        asked = asyncio.create_task(nursery.worker(listening))
        await asyncio.sleep(0)
        os.kill(zygote(), signal.SIGKILL)
        member = await asked
        assert children(zygote(), ZYGOTE) == [member.pid]
        await member.end()

    run(scene)


def test_a_zygote_outlives_what_is_sent_to_all_processes() -> None:
    async def scene(nursery: Nursery, listening: Listening) -> None:
        first = await nursery.worker(listening)
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(zygote(), number)
        second = await nursery.worker(listening)
        assert len(children(zygote(), ZYGOTE)) == 2
        await second.ask(Count, LIMIT_S)
        # The workers themselves take the one for an order to drain.
        os.kill(second.pid, signal.SIGTERM)
        assert await second.process.wait() == 0
        await first.end()
        await second.end()

    run(scene)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "state")
    yield place
    place.end()


def test_a_server_answers_on_without_its_zygote_and_replaces_a_worker_after_it(place: Place) -> None:
    supervisor = place.start()
    (lost,) = children(supervisor.pid, ZYGOTE)
    before = workers(supervisor.pid)
    os.kill(lost, signal.SIGKILL)
    assert eventually(lambda: children(supervisor.pid, ZYGOTE) == [])
    with httpx.Client(base_url=supervisor.url, timeout=30) as client:
        assert client.post(PATH, content=body(1.0)).status_code == 200
        os.kill(before[0], signal.SIGKILL)
        assert eventually(lambda: len(workers(supervisor.pid)) == 1 and place.log.count("serves") >= 1, LIMIT_S)
        assert client.post(PATH, content=body(1.0)).status_code == 200
    assert f"ended with code {UNKNOWN_CODE}" in place.log
