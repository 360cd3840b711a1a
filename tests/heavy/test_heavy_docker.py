"""The image of ``golive export --to docker``, built and run for real, as its README says."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from priced import ROWS, keep, road_of, values

from golive import plugins

pytestmark = pytest.mark.heavy

KEY = "a-long-secret-of-the-tests"
TAG = "golive-test/priced:1"
HARDENED = (
    *("--read-only", "--tmpfs", "/srv/golive/run:uid=10001", "--tmpfs", "/tmp"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)


@pytest.fixture(scope="module")
def image(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("priced")
    bundle, files = keep(folder / "store")
    out = folder / "out"
    out.mkdir()
    plugins.load("exports", "docker").write(bundle, files, out, {"base": "golive-test-base:1"})
    engine.build(TAG, out)
    return road_of(bundle, files).rows(values(ROWS))[:, 0].tolist()


@contextmanager
def running(engine, *words: str) -> Iterator[str]:
    name = engine.out("run", "--detach", *HARDENED, "-p", "127.0.0.1::8080", "-p", "127.0.0.1::8082", *words)
    try:
        yield name
    finally:
        engine.run("rm", "--force", name)


def ready(engine, name: str) -> str:
    """Wait until a container answers; gives its URL."""
    url = f"http://127.0.0.1:{engine.port(name, 8080)}"
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert engine.inspect(name)["State"]["Running"], engine.run("logs", name).stderr
        try:
            if httpx.get(f"{url}/v2/health/ready", timeout=5).status_code == 200:
                return url
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(engine.run("logs", name).stderr)


def ask(url: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/v1/models/priced:predict", json={"instances": ROWS}, headers=headers, timeout=20)


def test_the_image_answers_behind_its_key_is_watched_becomes_healthy_and_ends_gracefully(engine, image):
    with running(engine, "-e", f"GOLIVE_API_KEY={KEY}", TAG) as name:
        url = ready(engine, name)
        assert ask(url).status_code == 401
        assert ask(url, Authorization="Bearer wrong").status_code == 401
        answer = ask(url, Authorization=f"Bearer {KEY}")
        assert answer.json()["predictions"] == image

        admin = f"http://127.0.0.1:{engine.port(name, 8082)}"
        assert httpx.get(f"{admin}/health", timeout=10).status_code == 200
        assert httpx.get(f"{admin}/ready", timeout=10).json() == {"ready": True}
        assert "golive_requests_total" in httpx.get(f"{admin}/metrics", timeout=10).text

        until = time.monotonic() + 60
        while engine.inspect(name)["State"]["Health"]["Status"] == "starting" and time.monotonic() < until:
            time.sleep(0.5)
        assert engine.inspect(name)["State"]["Health"]["Status"] == "healthy"

        assert engine.out("exec", name, "id", "-u") == "10001"
        assert engine.run("exec", name, "sh", "-c", "echo x > /opt/golive/x", check=False).returncode != 0

        began = time.monotonic()
        engine.run("stop", name)
        assert time.monotonic() - began < 10
        state = engine.inspect(name)["State"]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
        logs = engine.run("logs", name)
        assert "Traceback" not in logs.stderr + logs.stdout
        assert "telemetry" not in logs.stderr + logs.stdout


def test_the_key_may_come_from_a_mounted_file(engine, image, tmp_path):
    secret = tmp_path / "api-key"
    secret.write_text(KEY + "\n", "utf-8")
    secret.chmod(0o644)
    mounted = ("-v", f"{secret}:/run/secrets/api-key:ro", "-e", "GOLIVE_API_KEY_FILE=/run/secrets/api-key")
    with running(engine, *mounted, TAG) as name:
        url = ready(engine, name)
        assert ask(url).status_code == 401
        assert ask(url, **{"X-API-Key": KEY}).json()["predictions"] == image


def test_without_a_key_the_image_does_not_start_and_says_what_to_do(engine, image):
    done = engine.run("run", "--rm", *HARDENED, TAG, check=False)
    assert done.returncode == 2
    assert "set GOLIVE_API_KEY" in done.stderr


def test_the_image_needs_no_network_and_is_small(engine, image, record_property):
    with running(engine, "--network", "none", "-e", f"GOLIVE_API_KEY={KEY}", TAG) as name:
        asked = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8082/ready').status)"
        until = time.monotonic() + 60
        while (done := engine.run("exec", name, "python", "-S", "-c", asked, check=False)).returncode:
            assert time.monotonic() < until, done.stderr
            time.sleep(0.3)
        assert done.stdout.strip() == "200"
    added = engine.inspect(TAG)["Size"] - engine.inspect("golive-test-base:1")["Size"]
    record_property("megabytes_over_the_base_image", added // 10**6)
    print(f"\nthe image adds {added / 1e6:.0f} MB to its base")
    assert added < 300e6
    listed = engine.out("run", "--rm", "--entrypoint", "find", TAG, "/opt/libraries", "-type", "d", "-name", "tests")
    assert listed == ""
