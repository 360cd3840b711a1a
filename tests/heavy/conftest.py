"""A private container engine, a base image made from this machine, and what the exports need to be built on it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BASE = "golive-test-base:1"
_PIP = ("index-url", "extra-index-url", "find-links", "trusted-host", "timeout")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")


@pytest.fixture(name="eventually")
def fixture_eventually() -> Callable[..., bool]:
    return eventually


def eventually(holds: Callable[[], bool], limit_s: float = 60.0) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.1)
    return False


class Engine:
    """A dockerd of these tests alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = f"unix://{folder / 'sock'}"
        self.client = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else shutil.which("docker")
        # The classic builder needs no plug-in of the client.
        self.environment = {**os.environ, "DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "0"}

    def start(self) -> subprocess.Popen:
        log = (self.folder / "log").open("wb")
        words = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid", "-H", self.socket]
        paths = [str(self.folder / word) if word in {"data", "exec", "pid"} else word for word in words]
        return subprocess.Popen(["dockerd", *paths], stdout=log, stderr=log, start_new_session=True)

    def run(self, *words: str | Path, check: bool = True, **how) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [self.client, *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=how.pop("timeout", 300),
            check=False,
            **how,
        )
        if check:
            assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
        return done

    def out(self, *words: str | Path) -> str:
        return self.run(*words).stdout.strip()

    def inspect(self, thing: str) -> dict:
        return json.loads(self.out("inspect", thing))[0]

    def port(self, container: str, inside: int) -> int:
        return int(self.out("port", container, str(inside)).splitlines()[0].rpartition(":")[2])

    def build(self, tag: str, folder: Path) -> None:
        """Build with the network of this machine, and its proxies where it has some."""
        proxies = {name: os.environ[name] for name in (*_PROXIES, *map(str.upper, _PROXIES)) if name in os.environ}
        arguments = [word for name, value in proxies.items() for word in ("--build-arg", f"{name}={value}")]
        self.run("build", "--quiet", "--network", "host", *arguments, "--tag", tag, folder, timeout=900)


def pip_environment() -> list[str]:
    """Give this machine's pip options as environment variables, those that a container can use."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    pairs = [line.partition("=")[::2] for line in listed.stdout.splitlines() if "=" in line]
    known = {name.rpartition(".")[2]: value.strip("'\"") for name, value in pairs}
    reachable = {
        name: " ".join(
            word
            for word in known[name].split()
            if name in {"timeout", "trusted-host"} or ("://" in word and not word.startswith("file:"))
        )
        for name in _PIP
        if name in known
    }
    return [f"PIP_{name.upper().replace('-', '_')}={value}" for name, value in reachable.items() if value]


@pytest.fixture(scope="session")
def engine(tmp_path_factory) -> Iterator[Engine]:
    """Start a private dockerd with a base image, and stop it and all it ran at the end."""
    if os.getuid() != 0:
        pytest.skip("these tests start a private dockerd, which needs root")
    for part in ("dockerd", "docker", "iptables"):
        if shutil.which(part) is None:
            pytest.skip(f"{part} is not installed (.ci/install-heavy brings it), so no image can be built or run")
    had_bridge = Path("/sys/class/net/docker0").exists()
    rules = subprocess.run(["iptables-save"], check=True, capture_output=True).stdout
    engine = Engine(tmp_path_factory.mktemp("docker"))
    daemon = engine.start()
    try:
        if not eventually(lambda: daemon.poll() is not None or engine.run("info", check=False).returncode == 0, 60):
            pytest.fail((engine.folder / "log").read_text()[-3000:])
        if daemon.poll() is not None:
            reason = (engine.folder / "log").read_text().strip().splitlines()[-1]
            pytest.skip(f"dockerd does not start on this machine: {reason}")
        make = [Path(__file__).with_name("base-image.sh"), BASE, *pip_environment()]
        subprocess.run(make, env=engine.environment, check=True, timeout=300, stdout=subprocess.DEVNULL)
        yield engine
        left = engine.out("ps", "--all", "--quiet").split()
        if left:
            engine.run("rm", "--force", *left)
    finally:
        daemon.terminate()
        daemon.wait(60)
        subprocess.run(["umount", str(engine.folder / "exec/netns/default")], check=False, capture_output=True)
        shutil.rmtree(engine.folder, ignore_errors=True)
        if not had_bridge and Path("/sys/class/net/docker0").exists():
            subprocess.run(["ip", "link", "delete", "docker0"], check=False, capture_output=True)
        if b"DOCKER" not in rules:
            subprocess.run(["iptables-restore"], input=rules, check=True)
