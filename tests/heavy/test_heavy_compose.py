"""The folder of ``golive export --to compose``: read by Compose and promtool, and brought up for real."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from priced import ROWS, keep

from golive import plugins

pytestmark = pytest.mark.heavy

PROMETHEUS = "golive-test/prometheus:1"


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (.ci/install-heavy brings it)")


def export(folder: Path, **options: str) -> Path:
    out = folder / "out"
    out.mkdir()
    plugins.load("exports", "compose").write(*keep(folder / "store"), out, options)
    (out / "api_key.txt").write_text("a-long-secret-of-the-tests\n", "utf-8")
    return out


def compose(folder: Path, *words: str, **how) -> subprocess.CompletedProcess:
    done = subprocess.run(
        ["docker-compose", "-f", "compose.yaml", "-p", "golivetest", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **how,
    )
    assert done.returncode == 0, done.stderr
    return done


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def test_compose_reads_the_file_and_promtool_what_is_scraped(tmp_path):
    need("docker-compose", "promtool")
    out = export(tmp_path)
    read = compose(out, "config").stdout
    assert "127.0.0.1:8080:8080" in read
    assert "read_only: true" in read
    subprocess.run(["promtool", "check", "config", out / "prometheus.yml"], check=True, capture_output=True, timeout=60)


def test_prometheus_sees_the_requests_that_the_model_answers(engine, tmp_path, eventually):
    need("docker-compose", "prometheus")
    watcher = tmp_path / "prometheus"
    watcher.mkdir()
    shutil.copy(shutil.which("prometheus"), watcher / "prometheus")
    (watcher / "Dockerfile").write_text(
        "FROM golive-test-base:1\nCOPY prometheus /bin/prometheus\nENTRYPOINT"
        ' ["/bin/prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/tmp/data"]\n'
    )
    engine.build(PROMETHEUS, watcher)
    out = export(tmp_path, base="golive-test-base:1", image="golive-test/priced:1", prometheus=PROMETHEUS)
    engine.build("golive-test/priced:1", out / "image")
    ports = {"GOLIVE_PORT": str(free_port()), "PROMETHEUS_PORT": str(free_port())}
    url, prometheus = (f"http://127.0.0.1:{port}" for port in ports.values())
    environment = engine.environment | ports

    def answers() -> bool:
        headers = {"X-API-Key": "a-long-secret-of-the-tests"}
        try:
            found = httpx.post(f"{url}/v1/models/priced:predict", json={"instances": ROWS}, headers=headers, timeout=5)
        except httpx.TransportError:
            return False
        return found.status_code == 200

    def seen(query: str) -> float:
        try:
            found = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=5)
        except httpx.TransportError:
            return 0.0
        results = json.loads(found.text)["data"]["result"] if found.status_code == 200 else []
        return max((float(result["value"][1]) for result in results), default=0.0)

    try:
        compose(out, "up", "--detach", "--no-build", env=environment)
        assert eventually(answers, 90), compose(out, "logs", "--no-color", env=environment).stdout
        assert eventually(lambda: seen('up{job="golive",deployment="priced"}') == 1.0, 60)
        assert eventually(lambda: seen("golive_requests_total") >= 1.0, 60)
    finally:
        compose(out, "down", "--volumes", "--timeout", "10", env=environment)
