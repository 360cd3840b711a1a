"""The recording process forgets records that are older than golive.yaml says."""

import asyncio
from datetime import UTC, datetime

import msgspec
import numpy as np

from golive.control.home import Home
from golive.control.live import order_for
from golive.control.project.file import Monitoring, Project, Serving
from golive.control.rooms import open_rooms
from golive.control.running.record_sink import RecordSink
from golive.control.running.recording import Desk
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.record import Records, texts_of
from golive.domain.record_frame import frame_of
from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.monitoring.records import RecordWriter, read_records
from golive.settings import Settings
from golive.store.bundles import BundleStore
from golive.training.recipe import Source

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


SIGNATURE = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")


def records(number):
    return Records(
        name="houses",
        version=1,
        ids=texts_of([f"r{number}"]),
        at_ns=np.array([int(NOW.timestamp()) * 10**9 + number]),
        duration_us=np.array([3.0]),
        inputs=(np.array([1.0]),),
        outputs=np.array([[2.0]]),
    )


def test_days_over_the_age_go_and_younger_ones_stay(tmp_path):
    home = Home(tmp_path)
    for day in ("2026-03-01", "2026-03-06", "2026-03-07", "2026-03-10"):
        (home.records / "houses" / "v1" / day).mkdir(parents=True)
    Desk(home).forget(3, NOW)
    assert sorted(path.name for path in (home.records / "houses" / "v1").iterdir()) == ["2026-03-07", "2026-03-10"]


def test_small_parts_of_today_are_joined_too(tmp_path):
    home = Home(tmp_path)
    writer = RecordWriter(home.records, {"houses": SIGNATURE})
    for number in range(5):
        writer.append(records(number))
        writer.flush()
    Desk(home).tidy(3, NOW)
    assert len(list(home.records.rglob("*.parquet"))) == 1
    assert read_records(home.records, "houses")["id"].tolist() == ["r0", "r1", "r2", "r3", "r4"]


def test_a_part_that_cannot_be_joined_ends_nothing(tmp_path, capsys):
    home = Home(tmp_path)
    day = home.records / "houses" / "v1" / "2026-03-10"
    day.mkdir(parents=True)
    (day / "1-1-1.parquet").write_bytes(b"not Parquet")
    Desk(home).tidy(3, NOW)
    assert "could not be joined just now" in capsys.readouterr().err


def test_what_cannot_be_removed_ends_nothing(tmp_path, capsys):
    home = Home(tmp_path)
    (home.records / "houses" / "v1").mkdir(parents=True)
    (home.records / "houses" / "v1" / "2026-03-01").write_text("a file where a folder should be", "utf-8")
    Desk(home).forget(3, NOW)
    assert "records older than 3 days could not be removed" in capsys.readouterr().err


def test_a_project_is_served_with_its_certificate_and_its_limits(tmp_path):
    serving = Serving(tls_cert="tls/chain.pem", tls_key="/etc/key.pem", max_rows=500)
    project = Project(name="houses", data=Source(file="a.csv"), target="y", task="regression", serving=serving)
    order = order_for(project, open_rooms(tmp_path, Settings()), tmp_path)
    assert (order.tls_cert, order.tls_key) == (str(tmp_path / "tls" / "chain.pem"), "/etc/key.pem")
    assert order.max_rows == 500


def test_the_age_is_that_of_golive_yaml(tmp_path):
    project = Project(
        name="houses", data=Source(file="a.csv"), target="y", task="regression", monitoring=Monitoring(keep_days=7)
    )
    assert order_for(project, open_rooms(tmp_path, Settings()), tmp_path).keep_days == 7


def test_a_bad_frame_costs_only_itself(tmp_path, capsys):
    home = Home(tmp_path)
    manifest = Manifest(name="houses", signature=SIGNATURE, preparation=Preparation(numbers=("area",)))
    digest = BundleStore(home.store).write(manifest, {"model.onnx": b""}, created_at=NOW.isoformat()).digest
    cut = frame_of(records(1))[:-8]
    unfit = frame_of(msgspec.structs.replace(records(1), inputs=()))

    async def sent():
        desk = Desk(home)
        path = str(tmp_path / "records.sock")
        async with await asyncio.start_unix_server(desk.connected, path):
            sink = RecordSink(path, (Placed("houses", 1, digest),))
            async with asyncio.timeout(5):
                while not sink.send(frame_of(records(0))):  # noqa: ASYNC110 - it tells nobody that it is connected
                    await asyncio.sleep(0.01)
            for frame in (cut, b"noise", unfit, frame_of(records(2))):
                assert sink.send(frame)
            await sink.close()
            await desk.emptied()
        desk.flush()

    asyncio.run(sent())
    assert read_records(home.records, "houses")["id"].tolist() == ["r0", "r2"]
    lost = [line for line in capsys.readouterr().err.splitlines() if "records were lost" in line]
    assert len(lost) == 3
