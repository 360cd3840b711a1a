"""``golive serve`` as an image runs it: from a store alone, behind keys, over TLS; and ``golive export``."""

import json
import os
import secrets
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from priced import AT, ROWS, keep, road_of, values

from golive.security.keys import make_key
from golive.store.ledger import Ledger

GOLIVE = [sys.executable, "-m", "golive"]
FREE_PORTS = ("--port", "0", "--admin-port", "0", "--workers", "1")


def environment(state: Path, **more: str) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("GOLIVE_")}
    return plain | {"GOLIVE_HOME": str(state), **more}


@contextmanager
def served(state: Path, *words: str, **more: str) -> Iterator[str]:
    """Serve until the block ends; gives the URL."""
    process = subprocess.Popen(
        [*GOLIVE, "serve", *words, *FREE_PORTS],
        env=environment(state, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield first_url(process)
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0, rest


def first_url(process: subprocess.Popen) -> str:
    seen = ""
    too_late = threading.Timer(60, process.kill)
    too_late.start()
    try:
        for line in process.stdout:
            seen += line
            if line.startswith("serving at "):
                return line.split()[2]
    finally:
        too_late.cancel()
    raise AssertionError(seen)


def golive(state: Path, *words: str, cwd: Path | None = None, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*GOLIVE, *words],
        env=environment(state),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def ask(url: str, **how) -> list[float]:
    answer = httpx.post(f"{url}/v1/models/priced:predict", json={"instances": ROWS}, timeout=20, **how)
    answer.raise_for_status()
    return answer.json()["predictions"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    keep(tmp_path / "state" / "store")
    return tmp_path / "state"


def expected(state: Path) -> list[float]:
    return road_of(*keep(state / "store")).rows(values(ROWS))[:, 0].tolist()


def test_serving_a_bundle_makes_no_ledger_and_gives_its_numbers(state):
    with served(state, "priced") as url:
        assert ask(url) == expected(state)
    assert not list(state.glob("ledger*"))


def test_the_keys_of_a_ledger_that_is_there_guard_a_served_bundle(state):
    made = make_key(secrets.token_bytes)
    ledger = Ledger(state / "ledger.db")
    ledger.add_key(made.id, made.hash, label="ci", at=AT, by="test")
    with served(state, "priced") as url:
        assert httpx.post(f"{url}/v1/models/priced:predict", json={"instances": ROWS}).status_code == 401
        assert ask(url, headers={"X-API-Key": made.secret}) == expected(state)


def test_two_flags_turn_tls_on(state, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there is no certificate to serve with")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*made, *names, "-out", certificate, "-keyout", key], check=True, capture_output=True, timeout=60)
    with served(state, "priced", "--tls-cert", str(certificate), "--tls-key", str(key)) as url:
        assert url.startswith("https://127.0.0.1:")
        assert ask(url, verify=ssl.create_default_context(cafile=certificate)) == expected(state)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(url)
        with pytest.raises(httpx.TransportError):
            ask(url.replace("https:", "http:"))


def test_beyond_loopback_without_a_key_it_does_not_start(state):
    done = golive(state, "serve", "priced", "--host", "0.0.0.0", *FREE_PORTS)
    assert done.returncode == 2
    assert "set GOLIVE_API_KEY" in done.stderr


def test_export_prints_the_paths_it_wrote(state, tmp_path):
    done = golive(state, "export", "priced", "--to", "kubernetes", "-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    paths = json.loads(done.stdout)
    assert "out/deployment.yaml" in paths
    assert sorted(paths) == sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*"))


def test_export_refuses_a_folder_that_holds_something_and_a_file(state, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    full = golive(state, "export", "priced", "--to", "script", "-o", str(tmp_path / "full"))
    file = golive(state, "export", "priced", "--to", "script", "-o", str(tmp_path / "full" / "mine.txt"))
    assert (full.returncode, file.returncode) == (2, 2)
    assert "is not empty; give a new or empty folder with -o" in full.stderr
    assert "is a file" in file.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_export_into_an_empty_folder_fills_it(state, tmp_path):
    (tmp_path / "out").mkdir()
    assert golive(state, "export", "priced", "--to", "script", "-o", str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out" / "predict.pyz").is_file()


def test_an_export_that_meets_a_full_disk_leaves_nothing_under_its_name(tmp_path):
    state = tmp_path / "state"
    keep(state / "store", note=secrets.token_hex(2 << 20))
    # A limit on the size of files refuses the archive in the middle, as a full disk does.
    limited = (
        f"ulimit -f 1024; trap '' XFSZ; exec {sys.executable} -m golive export priced --to script -o {tmp_path / 'out'}"
    )
    done = subprocess.run(
        ["bash", "-c", limited], env=environment(state), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 6, done.stderr
    assert "could not be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert golive(state, "export", "priced", "--to", "script", "-o", str(tmp_path / "out")).returncode == 0


def test_an_export_that_is_killed_leaves_no_folder_of_its_name_and_the_next_one_works(state, tmp_path):
    out = tmp_path / "out"
    for delay in (0.25, 0.5, 0.75, 1.0):
        process = subprocess.Popen(
            [*GOLIVE, "export", "priced", "--to", "docker", "-o", str(out)],
            env=environment(state),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if out.exists():
            assert (out / "state" / "store" / "index.json").is_file()
            shutil.rmtree(out)
    assert golive(state, "export", "priced", "--to", "docker", "-o", str(out)).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "state"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o755


def test_opening_a_model_reports_to_nobody(state, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    keep(state / "store", name="two")
    code = (
        "import sys; from pathlib import Path; from golive import plugins;"
        "plugins.load('runtimes', 'onnxruntime').open(Path(sys.argv[1]).read_bytes(), threads=1)"
    )
    graph = tmp_path / "model.onnx"
    graph.write_bytes(keep(state / "store")[1]["model.onnx"])
    unset = {key: value for key, value in os.environ.items() if key not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    subprocess.run([sys.executable, "-c", code, str(graph)], env=unset | {"HOME": str(home)}, check=True, timeout=60)
    assert list(home.rglob("*")) == []
