"""`golive bench` from the outside: private and running servers, servers that fail, interruption, and bad input."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from priced import keep

from golive.control.load.cores import Used
from golive.control.load.crew import run_load
from golive.control.load.orders import LoadOrder
from golive.control.load.points import Load, point_of
from golive.control.load.requests import Body, request_of
from golive.control.load.schedule import Rate

QUICK = ("--seconds", "0.4", "--warmup", "0.1")
KEY = "a key for this test only"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    keep(folder / "store")
    return folder


def environment(home: Path, **extra: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    return {**inherited, "GOLIVE_HOME": str(home), **extra}


def begin(home: Path, *words: str, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "golive", *words],
        cwd=home,
        env=environment(home, **extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run that was put into the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )


def bench(home: Path, *words: str, **extra: str) -> tuple[int, str, str]:
    process = begin(home, "bench", *words, **extra)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@contextmanager
def serving(home: Path, *words: str, **extra: str):
    """A running server; gives its URL."""
    process = begin(home, "serve", "priced", "--port", "0", "--admin-port", "0", "--workers", "1", *words, **extra)
    try:
        yield re.search(r"serving at (\S+)", process.stdout.readline())[1]
    finally:
        process.terminate()
        process.communicate(timeout=60)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answered(metrics: str) -> float:
    text = httpx.get(metrics).text
    return sum(map(float, re.findall(r'^golive_requests_total{.*status="200",.*} (\S+)$', text, re.MULTILINE)))


def test_a_bundle_is_measured_on_a_server_of_its_own_that_ends_with_the_bench(home):
    before = sorted(str(path.relative_to(home)) for path in home.rglob("*"))
    code, out, err = bench(
        home, "priced", *QUICK, "--connections", "2,4", "--sweep", "50", "--rows", "3",
        "--generators", "2", "--json", "figures.json", "--plot", "plot.svg",
    )  # fmt: skip
    assert code == 0, err
    figures = json.loads((home / "figures.json").read_text("utf-8"))
    closed, _, opened = points = figures["points"]
    assert [point["loop"] for point in points] == ["closed", "closed", "open"]
    assert [point["load"]["connections"] for point in points] == [2, 4, 64]
    for point in points:
        assert point["requests"] > 0
        assert point["statuses"] == {"200": point["requests"]}
        assert (point["errors"], point["failed"], point["seconds"]) == (0, False, 0.4)
        times = point["latencies"]
        assert 0 < times["p50"] <= times["p90"] <= times["p99"] <= times["p999"] <= times["max"]
    assert opened["load"]["rate"]["per_s"] == pytest.approx(max(point["throughput"] for point in points[:2]) / 2)
    assert closed["cost_per_million"] == pytest.approx(
        closed["server_cpu_s"] / (closed["throughput"] * 0.4 * 3) * 1e6 * 0.05 / 3600
    )
    lines = out.splitlines()
    assert lines[0].startswith("priced sha256:")
    assert [line.split("  ")[0] for line in lines[2:4]] == ["closed, 2 connections", "closed, 4 connections"]
    assert "queueing does not show" in out
    assert ET.parse(home / "plot.svg").getroot().tag.endswith("svg")
    for name in ("figures.json", "plot.svg"):
        (home / name).unlink()
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*")) == before
    assert not lives(int(re.search(r"ready at .* pid (\d+)", err)[1]))


@pytest.mark.parametrize("form", ["tensors", "binary"])
def test_tensors_are_sent_as_well_and_json_goes_to_standard_output_alone(home, form):
    code, out, err = bench(
        home, "priced", *QUICK, "--connections", "1", "--sweep", "", "--form", form, "--rows", "2", "--json", "-"
    )
    assert (code, err.count("error:")) == (0, 0), err
    assert [point["errors"] for point in json.loads(out)["points"]] == [0]


def test_a_running_server_is_measured_from_its_own_description(home):
    with serving(home) as url:
        code, out, err = bench(home, "--url", url, *QUICK, "--connections", "2", "--sweep", "", "--json", "-")
        assert code == 0, err
        figures = json.loads(out)
        assert (figures["service"]["model"], figures["service"]["private"]) == ("priced", False)
        # It runs for this state folder, so its processes are known.
        assert figures["points"][0]["server_cpu_s"] is not None
        code, _, err = bench(home, "--url", url, "--model", "prised", *QUICK)
        assert code == 5, err
        assert "name one with --model: priced" in err


def test_a_server_that_asks_for_a_key_is_measured_with_it_and_not_without(home):
    with serving(home, GOLIVE_API_KEY=KEY) as url:
        for extra, said in (({}, "asks for an API key"), ({"GOLIVE_API_KEY": "wrong"}, "does not take the API key")):
            code, out, err = bench(home, "priced", "--url", url, *QUICK, **extra)
            assert (code, out) == (2, ""), err
            assert said in err
            assert "wrong" not in err
        code, out, err = bench(
            home, "priced", "--url", url, *QUICK, "--connections", "1", "--sweep", "", GOLIVE_API_KEY=KEY
        )
        assert code == 0, err
        assert KEY not in out + err


def test_a_server_with_a_certificate_of_its_own_is_measured_once_it_is_trusted(home, tmp_path):
    certificate, key = str(tmp_path / "chain.pem"), str(tmp_path / "key.pem")
    subject = ("-subj", "/CN=golive test", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject)
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with serving(home, "--tls-cert", certificate, "--tls-key", key) as url:
        assert url.startswith("https://")
        words = ("priced", "--url", url, *QUICK, "--connections", "2", "--sweep", "30", "--json", "-")
        code, out, err = bench(home, *words)
        assert (code, out) == (6, ""), err
        assert "no server answers" in err
        code, out, err = bench(home, *words, "--tls-ca", str(home / "nothing.pem"))
        assert (code, out) == (2, ""), err
        assert "give a PEM file" in err
        code, out, err = bench(home, *words, "--tls-ca", certificate)
        assert code == 0, err
        assert [point["errors"] for point in json.loads(out)["points"]] == [0, 0]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "--url http://HOST:PORT"),
        (("nobody",), 5, "there is no bundle named 'nobody'"),
        (("priced@7",), 5, "no release"),
        (("--url", "127.0.0.1:1"), 2, "is not the URL of a server"),
        (("--url", "http://127.0.0.1:1"), 6, "no server answers at http://127.0.0.1:1"),
        (("priced", "--rows", "100000"), 2, "--rows takes 1 to 65,536"),
        (("priced", "--connections", "many"), 2, "--connections takes numbers with commas between them"),
        (("priced", "--connections", "1.5"), 2, "--connections takes numbers"),
        (("priced", "--seconds", "nan"), 2, "--seconds"),
        (("priced", "--plot", "no/such/folder.svg"), 2, "give a file in a folder that is there"),
        (("priced", "--connections", "", "--sweep", "50"), 2, "needs --rates"),
    ],
)
def test_bad_input_is_answered_with_one_sentence(home, words, code, said):
    ended, out, err = bench(home, *words)
    assert (ended, out) == (code, ""), err
    assert said in err
    assert "Traceback" not in err


def test_ctrl_c_gives_what_was_measured_so_far_and_stops_the_server(home):
    process = begin(home, "bench", "priced", "--connections", "1,2", "--seconds", "60", "--warmup", "0")
    while "ready at" not in (line := process.stderr.readline()):
        assert process.poll() is None
    metrics, server = re.search(r"metrics at (\S+),", line)[1], int(re.search(r"pid (\d+)", line)[1])
    # Before the load, each of 256 bodies is tried once.
    while answered(metrics) < 1000:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    measured = next(line for line in out.splitlines() if line.startswith("closed, 1 connection (cut short)"))
    assert int(measured.split()[5].replace(",", "")) > 0
    assert measured.split()[6] == "0"
    assert "closed, 2" not in out
    assert not lives(server)


def test_a_server_that_ends_meanwhile_leaves_what_was_measured_before_and_why_it_broke_off(home):
    process = begin(home, "bench", "priced", "--connections", "1,2", "--seconds", "2", "--warmup", "0")
    while "ready at" not in (line := process.stderr.readline()):
        assert process.poll() is None
    metrics, server = re.search(r"metrics at (\S+),", line)[1], int(re.search(r"pid (\d+)", line)[1])
    while answered(metrics) < 300:
        assert process.poll() is None
    os.kill(server, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 6, err
    assert "closed, 1 connection" in out
    assert "first failure: no connection" in out
    assert "the load generator cannot connect to the server" in err


def test_a_killed_bench_leaves_no_server(home):
    process = begin(home, "bench", "priced", "--seconds", "60")
    while "ready at" not in (line := process.stderr.readline()):
        assert process.poll() is None
    server = int(re.search(r"pid (\d+)", line)[1])
    process.kill()
    process.communicate(timeout=60)
    until = time.monotonic() + 30
    while lives(server) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives(server)


class Moody(asyncio.Protocol):
    """A server of which every tenth answer is a 500, every twentieth a 503, and every hundredth a cut connection."""

    served = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        cls = type(self)
        cls.served += 1
        if cls.served % 100 == 0:
            self.transport.abort()
            return
        status = b"503" if cls.served % 20 == 0 else b"500" if cls.served % 10 == 0 else b"200"
        self.transport.write(b"HTTP/1.1 " + status + b" X\r\ncontent-length: 2\r\n\r\n{}")


class Stalling(asyncio.Protocol):
    """A server that answers at once, but stands still for 0.3 s at its twentieth request."""

    served = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        cls = type(self)
        cls.served += 1
        if cls.served == 20:
            time.sleep(0.3)
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


class Silent(asyncio.Protocol):
    """A server that takes requests and never answers."""

    def connection_made(self, transport):
        self.transport = transport


@contextmanager
def listening(protocol):
    """Serve in a thread; gives the port."""
    bound = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()

    async def serve():
        async with await loop.create_server(protocol, sock=bound):
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def measured(port: int, *, rate: Rate | None = None, grace_s: float = 5.0):
    request = request_of(Body(b"{}"), host="a", path="/", headers={})
    order = LoadOrder(
        host="127.0.0.1", port=port, requests=(request,), connections=3, rate=rate, warmup_s=0.0, seconds=0.5,
        grace_s=grace_s,
    )  # fmt: skip
    run = run_load([order], lambda: Used(server_s=None, machine_s=None))
    return point_of(Load(connections=3, rate=rate), 1, 0.05, run)


@pytest.mark.parametrize("rate", [None, Rate(per_s=1000.0)], ids=["closed", "open"])
def test_bad_statuses_and_cut_connections_are_counted(rate):
    class Fresh(Moody):
        served = 0

    with listening(Fresh) as port:
        seen = measured(port, rate=rate)
    assert seen.requests > 200
    assert seen.unanswered == 0
    assert seen.requests == Fresh.served
    assert seen.disconnects == Fresh.served // 100
    assert seen.statuses[503] == Fresh.served // 20 - Fresh.served // 100
    assert seen.statuses[500] == Fresh.served // 10 - Fresh.served // 20
    assert seen.errors == seen.requests - seen.statuses[200]
    assert seen.failed


def test_a_server_that_stands_still_shows_in_the_latency_of_every_request_that_was_due_meanwhile():
    """At 500 requests a second, 100 of the 250 are due in the first 0.2 s of the stall and wait for more than 0.1 s."""
    with listening(Stalling) as port:
        seen = measured(port, rate=Rate(per_s=500.0, arrivals="constant"))
    assert (seen.requests, seen.errors) == (250, 0)
    assert seen.latencies.p90 > 100.0
    assert seen.latencies.max >= 290.0


def test_requests_that_a_silent_server_never_answers_are_counted_by_the_schedule():
    with listening(Silent) as port:
        opened = measured(port, rate=Rate(per_s=100.0, arrivals="constant"), grace_s=0.2)
        closed = measured(port, grace_s=0.2)
    # Three connections are busy from the first three requests on; the others wait, and are not forgotten.
    assert (opened.unanswered, opened.errors, opened.throughput) == (50, 50, 0.0)
    assert opened.latencies.max > opened.latencies.p50 > 200.0
    assert (closed.unanswered, closed.statuses) == (3, {})
