"""What `golive up` says, of a project whose data stand beside it and whose server asks for a key."""

import csv
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

from golive.control.rooms import open_rooms
from golive.control.running.processes import stop
from golive.settings import Settings

PROJECT = """
name: iris
data: {file: ../rows.csv}
target: target
task: classification
split: {method: stratified, test: 0.3}
candidates: [{model: logistic, parameters: {C: 1.0}}]
validation: {method: stratified, folds: 3}
search: {jobs: 1}
gate: {rules: [(log_loss - baseline.log_loss).upper <= 0, log_loss - champion.log_loss <= 0.1]}
serving: {port: 0, admin_port: 0, workers: 1}
"""
KEY = "a key for this test only"


@pytest.fixture
def project(tmp_path: Path):
    rows = load_iris(as_frame=True).frame
    rows.loc[3, "petal width (cm)"] = None
    rows.to_csv(tmp_path / "rows.csv", index=False)
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "golive.yaml").write_text(PROJECT, "utf-8")
    yield folder
    stop(folder / ".golive", timeout_s=30)


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    return subprocess.run(
        words,
        cwd=folder,
        env={**inherited, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def golive(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = run(folder, sys.executable, "-m", "golive", *words, **environ)
    assert done.returncode == 0, done.stderr
    return done


def line(text: str, head: str) -> str:
    return next(line for line in text.splitlines() if head in line)


def test_what_is_printed_can_be_followed(project):
    first = golive(project, "up", "--detach", GOLIVE_API_KEY=KEY)

    # Every stage that did something says how long it took, and the whole is no less than its parts.
    took = {found[1]: float(found[2]) for found in re.finditer(r"✓ (\w+) .* (\d+\.\d) s$", first.stderr, re.MULTILINE)}
    assert list(took) == ["train", "package", "evaluate", "gate", "live"]
    total = float(re.search(r"^  total .* (\d+\.\d) s$", first.stderr, re.MULTILINE)[1])
    assert total >= sum(took.values()) - 0.5

    # The headline is what the search and the gate go by, and a rule stands once in its own line.
    assert line(first.stderr, "✓ evaluate").split()[2] == "log_loss"
    rule = line(first.stdout, "baseline.log_loss")
    assert re.fullmatch(r"  ✓ \(log_loss - baseline\.log_loss\)\.upper <= 0: -\d\.\d+", rule)
    assert "no other model is live" in line(first.stdout, "champion.log_loss")

    # The list of changes stands beside the report, not in the cache.
    changes = Path(line(first.stdout, "changes ").split()[1])
    assert changes.parent == project / ".golive" / "reports"
    with changes.open(newline="") as opened:
        assert next(csv.reader(opened)) == ["row", "column", "rule", "action", "before", "after"]

    # The line to ask with names the key, also when it is printed by someone who does not have it.
    again = golive(project, "up", "--detach", "--force", "no need")
    for printed in (first, again):
        asked = line(printed.stdout, "ask ").removeprefix("ask").strip()
        assert '-H "X-API-Key: $GOLIVE_API_KEY"' in asked
        assert '"predictions":[' in run(project, "bash", "-c", asked, GOLIVE_API_KEY=KEY).stdout

    # What serves is the champion itself; a reason to force a pass is not needed and makes no release.
    assert line(again.stdout, "champion.log_loss").endswith(": this bundle is the champion itself")
    assert line(again.stderr, "= evaluate").endswith("; the champion itself unchanged")
    assert "iris release 1 at" in line(again.stderr, "live ")
    rooms = open_rooms(settings=Settings(home=project / ".golive"))
    assert [(made.version, made.verdict.forced) for made in rooms.ledger.releases("iris")] == [(1, "")]

    # What others may get to see does not tell where the data stand.
    (bundle,) = rooms.bundles.list()
    assert list(bundle.manifest.lineage.data) == ["rows.csv"]
    assert stat.S_IMODE((project / ".golive").stat().st_mode) == 0o700
