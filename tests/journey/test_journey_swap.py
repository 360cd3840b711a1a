"""Versions change under full load, as real processes: no request fails, whatever the new version is like."""

import os
import signal
from pathlib import Path

import pytest
from faults import PATH, Place, all_to, body, eventually, keep, port_of, right, workers
from load import Load

from golive.domain.serving import Placed, Shift, Start
from golive.errors import UnavailableError

ROWS = [(float(number), number / 4) for number in range(20)]
BODIES = [body(*row) for row in ROWS]


@pytest.fixture
def place(tmp_path: Path):
    made = Place(tmp_path / "state", versions=4)
    yield made
    made.end()


def answers(*versions: int) -> tuple[dict[str, bytes], ...]:
    return tuple({str(version): right(*row, version) for version in versions} for row in ROWS)


def go_on(load: Load, count: int = 500) -> None:
    goal = load.so_far + count
    assert eventually(lambda: load.so_far >= goal)


def test_versions_are_swapped_under_full_load_and_every_answer_is_right(place):
    server = place.start(queue_s=30.0)
    with Load(port_of(server), PATH, BODIES, right=answers(1, 2, 3, 4), connections=16) as load:
        go_on(load)
        for version in (2, 3, 4, 1):
            previous = version - 1 or 4
            place.target.apply(Start(place.placed(previous, version)))
            place.target.apply(Shift(all_to(version)))
            go_on(load)
        place.target.apply(Start(place.placed(1)))
        go_on(load)
    assert load.failures == []
    assert load.report.answered == load.report.begun > 5000
    assert load.versions == {"1", "2", "3", "4"}
    assert len(workers(server.pid)) == 2


@pytest.mark.parametrize(
    "content", [b"this is not a graph", b""], ids=["a graph that is none", "a bundle that is not there"]
)
def test_a_version_that_does_not_load_changes_nothing_for_those_who_ask(place, content):
    server = place.start(queue_s=30.0)
    before = workers(server.pid)
    digest = keep(place.state, content) if content else place.digests[1][:-4] + "0000"
    with Load(port_of(server), PATH, BODIES, right=answers(1), connections=8) as load:
        go_on(load)
        for _ in range(2):
            with pytest.raises(UnavailableError, match="sums@9"):
                place.target.apply(Start((*place.placed(1), Placed("sums", 9, digest))))
            go_on(load)
    assert load.failures == []
    assert load.report.answered == load.report.begun
    assert set(workers(server.pid)) == set(before)


def test_a_worker_that_is_killed_takes_only_the_requests_on_it_along(place):
    server = place.start(queue_s=30.0)
    connections = 12
    with Load(port_of(server), PATH, BODIES, right=answers(1), connections=connections) as load:
        go_on(load)
        victim, other = workers(server.pid)
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: len(set(workers(server.pid)) - {victim}) == 2)
        go_on(load, 2000)
    report = load.report
    # Each connection has one request under way, and those of the other worker lose nothing.
    assert report.resets + report.short <= connections
    assert report.failed == report.resets + report.short
    assert report.answered + report.failed == report.begun
    assert other in workers(server.pid)


def test_a_worker_that_is_killed_while_the_next_generation_loads_does_not_stop_the_swap(place):
    server = place.start(queue_s=30.0)
    with Load(port_of(server), PATH, BODIES, right=answers(1, 2), connections=12) as load:
        go_on(load)
        os.kill(workers(server.pid)[0], signal.SIGKILL)
        place.target.apply(Start(place.placed(1, 2)))
        place.target.apply(Shift(all_to(2)))
        go_on(load)
    report = load.report
    assert report.failed == report.resets + report.short <= 12
    assert report.answered + report.failed == report.begun
    # What was under way when the traffic was shifted may be the first version's.
    assert report.versions["2"] >= 500 - 12
    assert report.statuses == {}
