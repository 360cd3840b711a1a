"""Crashes, a full disk and two commands at once: what was begun is finished by the next run, and nothing is half there."""

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from golive.control.rooms import Rooms, open_rooms
from golive.control.running.processes import running, stop
from golive.control.trust import verify_audit
from golive.settings import Settings

KILLS = 10
PROJECT = """
name: homes
data: {file: homes.csv}
target: price
task: regression
candidates: [{model: linear}]
validation: {folds: 2}
search: {jobs: 1}
gate: {rules: ["(rmse - baseline.rmse).upper <= 0"]}
serving: {port: 0, admin_port: 0, workers: 1}
"""


@pytest.fixture
def project(tmp_path: Path):
    rng = np.random.default_rng(0)
    rows = rng.uniform(50, 200, (400, 2)).round(1)
    lines = [f"{area},{age},{100 + 2 * area - age + rng.normal():.3f}" for area, age in rows]
    (tmp_path / "homes.csv").write_text("area,age,price\n" + "\n".join(lines) + "\n", "utf-8")
    (tmp_path / "golive.yaml").write_text(PROJECT, "utf-8")
    yield tmp_path
    stop(tmp_path / ".golive", timeout_s=30)


def begin(folder: Path, *words: str, **options) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "golive", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def everything_is_whole(folder: Path) -> Rooms:
    """No leftovers, an unbroken audit log, and every bundle opens with every byte as its digest says."""
    rooms = open_rooms(folder, Settings())
    assert [str(path) for path in folder.rglob("*") if "unfinished" in path.name] == []
    verify_audit(rooms)
    for bundle in rooms.bundles.list():
        assert rooms.bundles.files(rooms.bundles.open(bundle.digest))
    return rooms


@pytest.mark.heavy
def test_a_run_killed_at_any_moment_is_continued_by_the_next(project):
    chance = random.Random(2)
    began = time.monotonic()
    code, _, err = finish(begin(project, "up", "--no-serve"))
    assert code == 0, err
    whole_s = time.monotonic() - began
    for number in range(KILLS):
        # A fresh seed is fresh work, so that a kill finds every stage at work and not only the first.
        (project / "golive.yaml").write_text(f"{PROJECT}seed: {number // 3}\n", "utf-8")
        process = begin(project, "up", "--detach", start_new_session=True)
        time.sleep(chance.uniform(0.2, 1.0) * whole_s)
        process.kill()
        process.communicate()
        if number % 3 == 0 and (server := running(project / ".golive")) is not None:
            os.kill(server.pid, signal.SIGKILL)
    code, out, err = finish(begin(project, "up", "--detach", "--json"))
    assert code == 0, err
    live = json.loads(out)
    rooms = everything_is_whole(project)
    releases = rooms.ledger.releases("homes")
    assert live["release"]["version"] == releases[-1].version
    assert len({(release.bundle, release.verdict.policy) for release in releases}) == len(releases)
    told = json.loads(finish(begin(project, "status", "--json"))[1])
    assert [(line["version"], line["live"]) for line in told["lines"]] == [(live["release"]["version"], True)]


@pytest.mark.parametrize(
    "limit_bytes",
    [pytest.param(0, id="of the ledger"), pytest.param(300_000, id="of the bundle", marks=pytest.mark.heavy)],
)
def test_a_full_disk_is_answered_clearly_and_a_run_with_room_succeeds(project, limit_bytes):
    """The kernel refuses to let files grow beyond the limit, as a full disk does."""
    (project / "golive.yaml").write_text(PROJECT.replace("model: linear", "model: random_forest"), "utf-8")
    code, out, err = finish(begin(project, "train"))
    assert code == 0, err
    before = sorted(str(path) for path in (project / ".golive" / "cache").iterdir())
    full = begin(
        project,
        "package",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY)),
    )
    code, out, err = finish(full)
    assert (code, out) == (6, ""), (code, out, err)
    assert "error: " in err
    assert ("ledger.db" if limit_bytes == 0 else "store") in err
    assert re.search(r"could not be (used|written) \(.*\); ", err)
    assert "Traceback" not in err
    assert list(everything_is_whole(project).bundles.list()) == []
    assert [path for path in before if not Path(path).exists()] == []
    code, out, err = finish(begin(project, "package"))
    assert code == 0, err
    [bundle] = everything_is_whole(project).bundles.list()
    assert bundle.digest in out
    assert bundle.size_bytes > limit_bytes


def test_two_runs_at_once_on_one_folder_both_end_well(project):
    both = [begin(project, "up", "--detach", "--json") for _ in range(2)]
    ended = [finish(process) for process in both]
    assert [code for code, _, _ in ended] == [0, 0], [err for _, _, err in ended]
    lives = [json.loads(out) for _, out, _ in ended]
    assert {live["release"]["version"] for live in lives} == {1}
    assert len({live["url"] for live in lives}) == 1
    rooms = everything_is_whole(project)
    assert len(rooms.ledger.releases("homes")) == len(rooms.ledger.deployments("homes")) == 1
    assert len(list(rooms.bundles.list())) == 1
