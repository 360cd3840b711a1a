"""A worker that hangs is found by its probe and replaced; whoever asks another one does not notice."""

import httpx
import pytest
from faults import FOREVER, INLINE, LOOP, PATH, THREAD, Place, body, eventually, port_of, right, workers
from load import Load

ROWS = [(float(number), number / 4) for number in range(20)]
BODIES = [body(*row) for row in ROWS]
RIGHT = tuple({"1": right(*row, 1)} for row in ROWS)
CONNECTIONS = 12


@pytest.fixture(params=[INLINE, LOOP, THREAD], ids=["inline", "loop", "thread"])
def place(request, tmp_path):
    made = Place(tmp_path / "state", steps=request.param)
    yield made
    made.end()


def is_ready(server) -> bool:
    return httpx.get(f"{server.admin_url}/ready").status_code == 200


def begun_and_replaced(server, load: Load, hurt) -> None:
    """Hurt one worker under load, and wait until it is found, said, and replaced."""
    assert eventually(lambda: load.so_far > 500)
    before = workers(server.pid)
    assert is_ready(server)
    hurt(before[0])
    assert eventually(lambda: not is_ready(server))
    assert eventually(lambda: is_ready(server) and len(workers(server.pid)) == 2)
    assert len(set(before) & set(workers(server.pid))) == 1
    goal = load.so_far + 500
    assert eventually(lambda: load.so_far > goal)


def test_a_worker_without_any_time_is_replaced_and_only_its_own_requests_fail(place):
    server = place.start(queue_s=30.0)
    with Load(port_of(server), PATH, BODIES, right=RIGHT, connections=CONNECTIONS) as load:
        begun_and_replaced(server, load, place.freeze)
    report = load.report
    assert report.failed == report.resets + report.short <= CONNECTIONS
    assert report.answered + report.failed == report.begun
    assert "failed its probe" in place.log


def test_a_run_that_never_ends_costs_one_worker_and_only_the_requests_on_it(place):
    server = place.start(queue_s=30.0)
    endless = []

    def ask_for_ever(_):
        client = httpx.Client(timeout=30)
        endless.append(client)
        with pytest.raises(httpx.TimeoutException):
            client.post(f"{server.url}{PATH}", content=body(1.0, steps=FOREVER), timeout=0.2)

    with Load(port_of(server), PATH, BODIES, right=RIGHT, connections=CONNECTIONS) as load:
        begun_and_replaced(server, load, ask_for_ever)
    report = load.report
    assert report.failed == report.resets + report.short <= CONNECTIONS
    assert report.answered + report.failed == report.begun
    assert "failed its probe" in place.log
    for client in endless:
        client.close()
