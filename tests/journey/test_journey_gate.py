"""The gate between a project and what serves: a refusal touches nothing, a forced pass is seen everywhere."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import httpx
import pytest

from golive.control.running.processes import stop

PROJECT = """
name: iris
data: {package: "sklearn:iris"}
target: target
task: classification
split: {method: stratified, test: 0.3}
candidates: [{model: logistic, parameters: {C: 1.0}}]
validation: {method: stratified, folds: 3}
search: {jobs: 1}
gate: {rules: [accuracy >= 0.8]}
serving: {port: 0, admin_port: 0, workers: 1}
"""
STRICT = PROJECT.replace("C: 1.0", "C: 0.5").replace("accuracy >= 0.8", "accuracy >= 1.5")


@pytest.fixture
def project(tmp_path: Path):
    (tmp_path / "golive.yaml").write_text(PROJECT, "utf-8")
    yield tmp_path
    stop(tmp_path / ".golive", timeout_s=30)


def golive(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    return subprocess.run(
        [sys.executable, "-m", "golive", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_refusal_leaves_what_serves_untouched_and_a_forced_pass_is_seen_everywhere(project):
    done = golive(project, "up", "--detach", "--json")
    assert done.returncode == 0, done.stderr
    live = json.loads(done.stdout)
    before = json.loads(golive(project, "status", "--json").stdout)

    (project / "golive.yaml").write_text(STRICT, "utf-8")
    refused = golive(project, "up", "--detach", "--json")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "error: the gate says 'fail' for iris" in refused.stderr
    assert ">= 1.5 does not hold" in refused.stderr
    assert json.loads(golive(project, "status", "--json").stdout) == before
    answer = httpx.get(f"{live['url']}/health")
    assert answer.json()["status"] == "healthy"

    judged = golive(project, "gate", "--junit", "verdict.xml")
    assert judged.returncode == 3
    suite = ET.parse(project / "verdict.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")

    why = "a person looked at it"
    forced = golive(project, "up", "--detach", "--force", why, "--json")
    assert forced.returncode == 0, forced.stderr
    assert json.loads(forced.stdout)["release"]["verdict"]["forced"] == why
    for words in (("status",), ("history", "iris")):
        seen = golive(project, *words).stdout
        assert f"fail (forced: {why})" in seen
    entries = json.loads(golive(project, "audit", "list", "--json").stdout)
    assert [entry["details"]["forced"] for entry in entries if entry["action"] == "release"] == ["", why]
    assert golive(project, "audit", "verify").returncode == 0
