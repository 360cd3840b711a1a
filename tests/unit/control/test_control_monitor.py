"""``golive monitor``: how many rows make a look, and what is attached to the bundle."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression

import golive
from golive.control.monitor import monitor
from golive.control.rooms import Rooms, open_rooms
from golive.domain.policy import Verdict
from golive.domain.record import Records, texts_of
from golive.domain.release import Share
from golive.monitoring.records import RecordWriter
from golive.settings import Settings

AT_NS = 1_772_000_000 * 10**9


@pytest.fixture
def rooms(tmp_path, monkeypatch) -> Rooms:
    """A release of a real model that serves by the ledger, and a folder without a project to stand in."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    rooms = open_rooms(settings=Settings(home=tmp_path / "state", user="test"))
    table = load_iris(as_frame=True).data
    rows, width = table.iloc[:, :2], table.iloc[:, 3]
    bundle = golive.package(
        LinearRegression().fit(rows, width), sample=rows, target=width, name="iris", home=str(tmp_path / "state")
    )
    verdict = Verdict(bundle=bundle.digest, outcome="pass", policy=bundle.digest)
    rooms.ledger.add_release("iris", bundle.digest, verdict, at=rooms.now(), by="test")
    wish = rooms.ledger.add_deployment(
        "iris", "local", (Share(1, 1.0),), strategy="direct", reason="", at=rooms.now(), by="test"
    )
    rooms.ledger.settle(wish.number, "live", "", at=rooms.now())
    return rooms


def record(rooms: Rooms, start: int, count: int) -> None:
    signature = rooms.bundles.list()[0].signature
    rows = np.resize(load_iris().data[:, :2], (start + count, 2))[start:]
    writer = RecordWriter(rooms.home.records, {"iris": signature}, lambda: 0.0)
    writer.append(
        Records(
            name="iris",
            version=1,
            ids=texts_of([f"r{start + number}" for number in range(count)]),
            at_ns=AT_NS + start + np.arange(count),
            duration_us=np.full(count, 0.1),
            inputs=tuple(rows.T),
            outputs=np.ones((1, count)),
        )
    )
    writer.flush()


def test_look_rows_is_the_option_else_the_projects_else_a_thousand(rooms, tmp_path):
    record(rooms, 0, 600)
    assert len(monitor("iris", rooms).watch.looks) == 0
    assert len(monitor("iris", rooms, look_rows=200).watch.looks) == 3
    (tmp_path / "work" / "iris.csv").write_text("length,width\n1,2\n", "utf-8")
    (tmp_path / "work" / "golive.yaml").write_text(
        "name: iris\ndata: {file: iris.csv}\ntarget: width\ntask: regression\nmonitoring: {look_rows: 300}\n", "utf-8"
    )
    assert len(monitor("iris", rooms).watch.looks) == 2
    assert len(monitor("iris", rooms, look_rows=100).watch.looks) == 6


def test_evidence_is_attached_when_there_is_a_new_look_and_only_then(rooms):
    record(rooms, 0, 250)
    first = monitor("iris", rooms, look_rows=200)
    assert first.evidence is not None
    record(rooms, 250, 100)
    assert monitor("iris", rooms, look_rows=200).evidence is None
    record(rooms, 350, 100)
    third = monitor("iris", rooms, look_rows=200)
    assert third.evidence not in {None, first.evidence}
    assert [evidence.kind for evidence in rooms.bundles.evidence(first.bundle)].count("live") == 2
