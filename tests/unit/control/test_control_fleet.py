"""What a fleet asks of its workers, and what it does not."""

import asyncio
import os
import socket

import msgspec

from golive.control.running.fleet import Fleet
from golive.control.running.messages import AccessRules, Count, Probe
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import START_S, set_aside
from golive.control.running.run_files import RunFile, Started, Starter
from golive.control.running.worker import max_connections
from golive.domain.serving import Placed, Start
from golive.serving.telemetry.metrics import LaneSnapshot, Snapshot

PLACED = Placed("houses", 1, "sha256:1")


class Process:
    returncode = None

    def __init__(self):
        self._over = asyncio.Event()

    async def wait(self):
        await self._over.wait()


class Worker:
    """A worker that does all it is asked and remembers it; each count finds one row more."""

    pid = 7

    def __init__(self):
        self.process = Process()
        self.asked = []
        self.counts = b""

    async def ask(self, make, limit_s, **parts):
        self.asked.append(make(number=1, **parts))
        rows = sum(isinstance(one, Count) for one in self.asked)
        lane = LaneSnapshot(model="houses", version=1, bundle="sha256:1", rows=rows)
        self.counts = msgspec.msgpack.encode(Snapshot(lanes=(lane,)))

    async def probe(self, limit_s):
        await self.ask(Probe, limit_s)

    async def drain(self, limit_s):
        return

    async def end(self, grace_s=0.0):
        return


class Nursery:
    """Gives one worker."""

    def __init__(self, worker):
        self._worker = worker

    async def worker(self, listening):
        return self._worker


def test_metrics_run_no_model_and_asking_often_costs_the_workers_nothing(tmp_path):
    async def asked():
        worker = Worker()
        order = SupervisorOrder(state=str(tmp_path), workers=1, probe_every_s=60.0)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            fleet = Fleet(order, AccessRules(), listening, "", Nursery(worker))
            await fleet.apply(Start((PLACED,)))
            begun = len(worker.asked)
            texts = await asyncio.gather(*(fleet.metrics() for _ in range(5)))
            seen = worker.asked[begun:]
            await fleet.end()
        return texts, seen

    texts, seen = asyncio.run(asked())
    assert [type(one) for one in seen] == [Count]
    assert all(b'golive_rows_total{model="houses",version="1"} 1.0' in text for text in texts)


def test_a_start_is_waited_for_longer_than_all_that_it_may_take():
    order = SupervisorOrder(state="s")
    # Loading and accepting have that limit each.
    assert 2 * order.start_s < START_S


def test_a_long_log_is_set_aside_and_a_short_one_goes_on(tmp_path):
    log = tmp_path / "supervisor.log"
    set_aside(log)
    log.write_bytes(b"short")
    set_aside(log)
    assert log.read_bytes() == b"short"
    for content in (b"a" * (6 << 20), b"b" * (6 << 20)):
        log.write_bytes(content)
        set_aside(log)
        assert not log.exists()
        assert (tmp_path / "supervisor.log.1").read_bytes() == content


def test_a_worker_takes_no_more_connections_than_it_may_open_files():
    assert 0 < max_connections() <= 10_000


def test_a_starter_hears_once():
    reading, writing = os.pipe()
    starter = Starter(writing)
    found = RunFile(pid=1, url="http://h:1", admin="/a", admin_url="http://h:2", started_at="2026-01-01")
    assert starter.tell(Started(run=found)) is True
    assert starter.tell(Started(error="later")) is False
    assert msgspec.json.decode(os.read(reading, 1 << 16), type=Started).run == found
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_a_starter_that_has_gone_hears_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    assert Starter(writing).tell(Started(error="late")) is False
    assert Starter(None).tell(Started(error="late")) is False
