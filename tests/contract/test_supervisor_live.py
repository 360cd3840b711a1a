"""A supervisor and its workers as real processes on loopback: swaps, crashes, hangs and stops, under load."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import grpc
import httpx
import msgspec
import numpy as np
import pytest
from faults import children, workers
from grpc_server import Caller
from sums import AT, keep_numbers, sums_graph

from golive import plugins
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import RunningSupervisor, running, start_supervisor, stop
from golive.control.running.run_files import RunFile, RunFolder
from golive.domain.digest import Digest
from golive.domain.policy import Verdict
from golive.domain.release import Share
from golive.domain.serving import Placed, Route, Shift, Start, TrafficTable
from golive.errors import UnavailableError, UsageError
from golive.monitoring.records import read_records
from golive.security.keys import make_key
from golive.serving.grpc.protos import Messages
from golive.store.bundles import BundleStore
from golive.store.ledger import Ledger

ROW = {"instances": [{"a": 1.0, "b": 2.0}]}


def keep(state: Path, content: bytes) -> Digest:
    return keep_numbers(state, "sums", content, {"a": 1.0, "b": 2.0})


def all_to(version: int) -> TrafficTable:
    return (Route("sums", (Share(version, 1.0),)),)


def self_signed(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "chain.pem", folder / "key.pem"
    subject = ("-subj", "/CN=golive test", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject)
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


class Place:
    """A state folder with bundles that answer 3 x version to the row of these tests."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.digests = {version: keep(state, sums_graph(float(version))) for version in (1, 2, 3)}
        self.target = plugins.load("targets", "local").at(state)

    def placed(self, *versions: int) -> tuple[Placed, ...]:
        return tuple(Placed("sums", version, self.digests[version]) for version in versions)

    def order(self, **changes) -> SupervisorOrder:
        parts = {
            "state": str(self.state),
            "port": 0,
            "admin_port": 0,
            "workers": 1,
            "ledger": False,
            "placed": self.placed(1),
            "traffic": all_to(1),
            "drain_s": 2.0,
            "probe_every_s": 0.3,
            "probe_limit_s": 1.5,
            "reconcile_s": 0.3,
        }
        return SupervisorOrder(**(parts | changes))

    def start(self, **changes) -> RunningSupervisor:
        return start_supervisor(
            self.order(**changes), detach=True, log=self.state / "run" / "supervisor.log", timeout_s=30
        )

    @property
    def log(self) -> str:
        return (self.state / "run" / "supervisor.log").read_text()

    def release(self, ledger: Ledger, version: int) -> None:
        digest = self.digests[version]
        verdict = Verdict(bundle=digest, outcome="pass", policy=digest)
        assert ledger.add_release("sums", digest, verdict, at=AT, by="test").version == version

    def wish(self, ledger: Ledger, version: int) -> int:
        split = (Share(version, 1.0),)
        return ledger.add_deployment("sums", "local", split, strategy="direct", reason="", at=AT, by="test").number


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "state")
    yield made
    stop(made.state, timeout_s=20)


def predict(url: str, **headers: str) -> float:
    answer = httpx.post(f"{url}/v1/models/sums:predict", json=ROW, headers=headers)
    answer.raise_for_status()
    return answer.json()["predictions"][0]


def command(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def eventually(holds: Callable[[], bool], limit_s: float = 15.0) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


class Load:
    """Callers that ask without a pause, over connections they keep and over new ones."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[float] = []
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(fresh,)) for fresh in (False, True)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, fresh: bool) -> None:
        with httpx.Client(headers={"connection": "close"} if fresh else None, timeout=10) as client:
            while not self._over.is_set():
                try:
                    answer = client.post(f"{self.url}/v1/models/sums:predict", json=ROW)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                if answer.status_code == 200:
                    self.answers.append(answer.json()["predictions"][0])
                else:
                    self.failures.append(answer.text)


def test_versions_are_swapped_and_swapped_back_under_load_without_one_failed_request(place: Place) -> None:
    supervisor = place.start(workers=2)
    with Load(supervisor.url) as load:
        assert eventually(lambda: len(load.answers) > 20)
        for version in (2, 3):
            place.target.apply(Start(place.placed(version - 1, version)))
            place.target.apply(Shift(all_to(version)))
            count = len(load.answers)
            assert eventually(lambda count=count: len(load.answers) > count + 20)
        place.target.apply(Shift(all_to(2)))
        count = len(load.answers)
        assert eventually(lambda: len(load.answers) > count + 20)
        time.sleep(2.5)  # the old generations have drained by now
    assert load.failures == []
    assert load.answers[0] == 3.0
    assert set(load.answers) == {3.0, 6.0, 9.0}
    assert load.answers[-1] == 6.0
    observed = place.target.observe()
    assert (observed.generation, observed.loaded, observed.traffic) == (3, place.placed(2, 3), all_to(2))
    assert eventually(lambda: len(workers(supervisor.pid)) == 2)


class GrpcLoad(Load):
    """The same over gRPC, two callers on one channel."""

    def _ask(self, fresh: bool) -> None:
        messages = Messages()
        with grpc.insecure_channel(self.url) as channel:
            caller = Caller(channel, messages)
            while not self._over.is_set():
                request = messages["inference.ModelInferRequest"](model_name="sums")
                request.inputs.add(name="input", datatype="FP64", shape=[1, 2])
                request.raw_input_contents.append(np.array([[1.0, 2.0]]).tobytes())
                try:
                    answer, _ = caller.infer(request)
                except grpc.RpcError as error:
                    self.failures.append(f"{error.code()}: {error.details()}")
                else:
                    self.answers.append(np.frombuffer(answer.raw_output_contents[0])[0])


def test_versions_are_swapped_over_grpc_without_one_failed_call(place: Place) -> None:
    supervisor = place.start(workers=2, grpc_port=0)
    address = msgspec.json.decode((place.state / "run" / "supervisor.json").read_bytes(), type=RunFile).grpc
    assert predict(supervisor.url) == 3.0
    with GrpcLoad(address) as load:
        assert eventually(lambda: len(load.answers) > 20)
        for version in (2, 3):
            place.target.apply(Start(place.placed(version - 1, version)))
            place.target.apply(Shift(all_to(version)))
            count = len(load.answers)
            assert eventually(lambda count=count: len(load.answers) > count + 20)
    assert load.failures == []
    assert set(load.answers) == {3.0, 6.0, 9.0}
    assert load.answers[-1] == 9.0


def test_once_the_steps_hold_nobody_of_the_old_generation_answers(place: Place) -> None:
    supervisor = place.start(workers=2)
    for version in (2, 3):
        before = workers(supervisor.pid)
        place.target.apply(Start(place.placed(version - 1, version)))
        assert not set(before) & set(workers(supervisor.pid))
        place.target.apply(Shift(all_to(version)))
        answers = [httpx.post(f"{supervisor.url}/v1/models/sums:predict", json=ROW) for _ in range(30)]
        assert {answer.headers["x-model-version"] for answer in answers} == {str(version)}


@pytest.mark.parametrize("attempt", range(3))
def test_whoever_asks_while_a_server_comes_up_is_answered(place: Place, attempt: int) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    starting = threading.Thread(target=lambda: place.start(port=port, workers=2))
    starting.start()
    statuses: set[int] = set()
    until = time.monotonic() + 30
    while 200 not in statuses and time.monotonic() < until:
        with contextlib.suppress(httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
            # A connection that is accepted and not answered is a timeout, which fails the test.
            statuses.add(httpx.post(f"http://127.0.0.1:{port}/v1/models/sums:predict", json=ROW, timeout=8).status_code)
    starting.join()
    assert 200 in statuses
    assert statuses <= {200, 503, 404}


def test_doing_a_step_twice_changes_nothing_more(place: Place) -> None:
    place.start()
    step = Start(place.placed(1, 2))
    place.target.apply(step)
    once = place.target.observe()
    place.target.apply(step)
    place.target.apply(Shift(all_to(1)))
    assert place.target.observe() == once


def test_a_bundle_with_a_broken_graph_is_refused_while_the_old_one_serves(place: Place) -> None:
    supervisor = place.start()
    broken = Placed("sums", 2, keep(place.state, b"this is not a graph"))
    why = r"sums@2 \(bundle [0-9a-f]{12}\) does not load: .*not a graph"
    with Load(supervisor.url) as load, pytest.raises(UnavailableError, match=why):
        place.target.apply(Start((*place.placed(1), broken)))
    assert (load.failures, set(load.answers)) == ([], {3.0})
    assert (place.target.observe().generation, place.target.observe().healthy) == (1, True)
    assert len(workers(supervisor.pid)) == 1


def test_a_bundle_with_one_changed_byte_is_refused(place: Place) -> None:
    place.start()
    files = BundleStore(place.state / "store").open(place.digests[2]).files
    blob = next(entry.digest for entry in files if entry.path == "model.onnx")
    path = place.state / "store" / "blobs" / "sha256" / blob.removeprefix("sha256:")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    with pytest.raises(UnavailableError, match=r"sums@2 .* does not load: .*altered"):
        place.target.apply(Start(place.placed(1, 2)))


def test_steps_that_would_cut_traffic_are_refused(place: Place) -> None:
    supervisor = place.start()
    with pytest.raises(UsageError, match="traffic goes to sums@1, which would not be loaded"):
        place.target.apply(Start(place.placed(2)))
    with pytest.raises(UsageError, match="traffic goes to sums@2, which would not be loaded"):
        place.target.apply(Shift(all_to(2)))
    with pytest.raises(UsageError, match="the shares of 'sums' sum to"):
        place.target.apply(Shift((Route("sums", (Share(1, 0.5),)),)))
    assert predict(supervisor.url) == 3.0


def test_a_killed_worker_is_replaced_and_requests_go_on(place: Place) -> None:
    supervisor = place.start()
    place.target.apply(Start(place.placed(1, 2)))
    place.target.apply(Shift(all_to(2)))
    assert eventually(lambda: len(workers(supervisor.pid)) == 1)
    victim = workers(supervisor.pid)[0]
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: not place.target.observe().healthy or victim not in workers(supervisor.pid))
    assert eventually(lambda: place.target.observe().healthy and workers(supervisor.pid) != [])
    assert victim not in workers(supervisor.pid)
    assert predict(supervisor.url) == 6.0


def test_a_hung_worker_is_found_and_replaced(place: Place) -> None:
    supervisor = place.start()
    victim = workers(supervisor.pid)[0]
    os.kill(victim, signal.SIGSTOP)
    assert eventually(lambda: victim not in workers(supervisor.pid))
    assert eventually(lambda: place.target.observe().healthy)
    assert predict(supervisor.url) == 3.0
    assert "did not answer 'probe' within 1.5 s" in place.log


def test_sigterm_drains_and_ends_with_code_0(place: Place) -> None:
    run = RunFolder(place.state)
    run.make()
    path = place.state / "run" / "order.json"
    path.write_bytes(msgspec.json.encode(place.order()))
    process = subprocess.Popen([sys.executable, "-m", "golive.control.running.supervisor", str(path)])
    assert eventually(lambda: running(place.state) is not None)
    supervisor = running(place.state)
    with httpx.Client() as client:
        assert client.post(f"{supervisor.url}/v1/models/sums:predict", json=ROW).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert running(place.state) is None
    assert not (place.state / "run" / "admin.sock").exists()


def test_a_server_in_the_foreground_ends_with_the_process_that_started_it(place: Place) -> None:
    order, log = place.state / "foreground.json", place.state / "run" / "supervisor.log"
    place.state.mkdir(exist_ok=True)
    order.write_bytes(msgspec.json.encode(place.order()))
    code = (
        "import sys, time; from pathlib import Path; import msgspec; "
        "from golive.control.running.order import SupervisorOrder; from golive.control.running.processes import start_supervisor; "
        "order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=SupervisorOrder); "
        "kept = start_supervisor(order, detach=False, log=Path(sys.argv[2]), timeout_s=30); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(order), str(log)])
    assert eventually(lambda: running(place.state) is not None)
    supervisor = running(place.state)
    orphans = workers(supervisor.pid)
    assert predict(supervisor.url) == 3.0
    starter.kill()
    starter.wait()
    assert eventually(lambda: running(place.state) is None)
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))


def test_a_killed_supervisor_leaves_no_workers_and_the_next_one_does_what_the_ledger_wants(place: Place) -> None:
    ledger = Ledger(place.state / "ledger.db")
    for version in (1, 2):
        place.release(ledger, version)
    ledger.settle(place.wish(ledger, 1), "live", "", at=AT)
    supervisor = place.start(ledger=True, placed=(), traffic=())
    assert predict(supervisor.url) == 3.0
    orphans = [*workers(supervisor.pid), *children(supervisor.pid, "golive.control.running.recording")]
    assert len(orphans) == 2
    port = int(supervisor.url.rpartition(":")[2])
    os.kill(supervisor.pid, signal.SIGKILL)
    number = place.wish(ledger, 2)  # written by a `golive deploy` that died before it could drive
    again = place.start(ledger=True, placed=(), traffic=(), port=port)
    assert again.url == supervisor.url
    assert predict(again.url) == 6.0
    assert ledger.outcome(number) == "live"
    assert eventually(lambda: not any("golive" in command(orphan) for orphan in orphans))


def test_a_deploy_that_died_is_finished_within_seconds(place: Place) -> None:
    ledger = Ledger(place.state / "ledger.db")
    for version in (1, 2):
        place.release(ledger, version)
    supervisor = place.start(ledger=True, placed=(), traffic=())
    number = place.wish(ledger, 2)
    assert eventually(lambda: ledger.outcome(number) == "live")
    assert predict(supervisor.url) == 6.0


def test_a_wish_whose_bundle_does_not_load_is_marked_failed_and_the_old_release_serves(place: Place) -> None:
    ledger = Ledger(place.state / "ledger.db")
    place.release(ledger, 1)
    ledger.settle(place.wish(ledger, 1), "live", "", at=AT)
    place.digests[2] = keep(place.state, b"this is not a graph")
    place.release(ledger, 2)
    number = place.wish(ledger, 2)
    supervisor = place.start(ledger=True, placed=(), traffic=())
    assert predict(supervisor.url) == 3.0
    assert "failed: sums@2" in ledger.outcome(number)


def test_nothing_deployed_is_said_instead_of_silence(place: Place) -> None:
    supervisor = place.start(ledger=True, placed=(), traffic=())
    answer = httpx.post(f"{supervisor.url}/v1/models/sums:predict", json=ROW)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert httpx.get(f"{supervisor.admin_url}/ready").status_code == 503
    assert httpx.get(f"{supervisor.admin_url}/health").status_code == 200


def test_the_tcp_admin_listener_only_reads(place: Place) -> None:
    supervisor = place.start()
    assert httpx.get(f"{supervisor.admin_url}/ready").json() == {"ready": True}
    for path in ("/apply", "/observed"):
        assert httpx.post(supervisor.admin_url + path).status_code == 404
        assert httpx.get(supervisor.admin_url + path).status_code == 404
    assert oct(supervisor.admin.stat().st_mode & 0o777) == "0o600"


def test_counters_survive_the_generations_that_made_them(place: Place) -> None:
    supervisor = place.start()
    for _ in range(3):
        predict(supervisor.url)
    place.target.apply(Start(place.placed(1, 2)))
    place.target.apply(Shift(all_to(2)))
    predict(supervisor.url)

    def counted() -> set[str]:
        lines = httpx.get(f"{supervisor.admin_url}/metrics").text.splitlines()
        return {line for line in lines if line.startswith("golive_rows_total{")}

    expected = {
        'golive_rows_total{model="sums",version="1"} 3.0',
        'golive_rows_total{model="sums",version="2"} 1.0',
    }
    assert counted() == expected
    assert eventually(lambda: len(workers(supervisor.pid)) == 1)
    assert counted() == expected


def test_every_prediction_is_recorded(place: Place) -> None:
    supervisor = place.start(workers=2)
    for _ in range(20):
        predict(supervisor.url)
    assert stop(place.state, timeout_s=20)
    records = read_records(place.state / "records", "sums")
    assert records["prediction"].tolist() == [3.0] * 20
    assert records["b"].tolist() == [2.0] * 20


def test_a_killed_recording_process_is_replaced_and_records_go_on(place: Place) -> None:
    supervisor = place.start()
    predict(supervisor.url)
    folder = place.state / "records"
    assert eventually(lambda: len(read_records(folder, "sums")["at"]) == 1)
    victim = children(supervisor.pid, "golive.control.running.recording")[0]
    os.kill(victim, signal.SIGKILL)

    def predicted_and_recorded() -> bool:
        predict(supervisor.url)
        return len(read_records(folder, "sums")["at"]) > 1

    assert eventually(predicted_and_recorded)
    assert victim not in children(supervisor.pid, "golive.control.running.recording")


def test_a_key_made_while_serving_is_asked_for_within_seconds(place: Place) -> None:
    ledger = Ledger(place.state / "ledger.db")
    place.release(ledger, 1)
    ledger.settle(place.wish(ledger, 1), "live", "", at=AT)
    supervisor = place.start(ledger=True, placed=(), traffic=())
    assert predict(supervisor.url) == 3.0
    key = make_key(os.urandom)
    ledger.add_key(key.id, key.hash, label="", at=AT, by="test")
    url = f"{supervisor.url}/v1/models/sums:predict"
    assert eventually(lambda: httpx.post(url, json=ROW).status_code == 401)
    assert predict(supervisor.url, authorization=f"Bearer {key.secret}") == 3.0
    ledger.revoke_key(key.id, at=AT, by="test")
    assert eventually(lambda: httpx.post(url, json=ROW, headers={"x-api-key": key.secret}).status_code == 401)


def test_a_server_beyond_loopback_without_a_key_does_not_start(place: Place) -> None:
    with pytest.raises(UsageError, match="`golive key create` makes one"):
        place.start(ledger=True, host="0.0.0.0")


def test_a_port_in_use_is_named_with_the_remedy(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UnavailableError, match=rf"port {port} on 127.0.0.1 is in use .* choose another with --port"
        ):
            place.start(port=port)


def test_a_server_beyond_loopback_asks_for_the_key_of_the_environment(place: Place, monkeypatch) -> None:
    monkeypatch.setenv("GOLIVE_API_KEY", "a-secret-from-the-environment")
    supervisor = place.start(host="0.0.0.0")
    url = f"{supervisor.url}/v1/models/sums:predict"
    assert httpx.post(url, json=ROW).status_code == 401
    assert predict(supervisor.url, **{"x-api-key": "a-secret-from-the-environment"}) == 3.0


def test_tls_files_that_cannot_be_used_are_named(place: Place) -> None:
    with pytest.raises(UsageError, match=r"certificate 'none\.pem' and key 'none\.key' cannot be used"):
        place.start(tls_cert="none.pem", tls_key="none.key")


def test_a_served_bundle_that_does_not_load_ends_the_start_with_its_reason(place: Place) -> None:
    broken = Placed("sums", 1, keep(place.state, b"this is not a graph"))
    with pytest.raises(UnavailableError, match=r"sums@1 \(bundle .*\) does not load"):
        place.start(placed=(broken,))
    assert running(place.state) is None


def test_a_second_supervisor_on_the_same_state_folder_is_refused(place: Place) -> None:
    supervisor = place.start()
    order, log = RunFolder(place.state).order, place.state / "run" / "supervisor.log"
    before = order.read_bytes()
    log.write_text(log.read_text() + "x" * (6 << 20))
    with pytest.raises(UnavailableError, match=rf"a server already runs for .* \(pid {supervisor.pid}\)"):
        place.start(max_rows=7)
    assert predict(supervisor.url) == 3.0
    assert order.read_bytes() == before
    assert log.stat().st_size > 6 << 20


def test_the_order_of_the_running_server_can_be_read(place: Place) -> None:
    place.start(max_rows=7)
    order = msgspec.json.decode(RunFolder(place.state).order.read_bytes(), type=SupervisorOrder)
    assert order == place.order(max_rows=7)


def test_more_rows_than_golive_yaml_allows_are_413(place: Place) -> None:
    supervisor = place.start(max_rows=2)
    url = f"{supervisor.url}/v1/models/sums:predict"
    assert httpx.post(url, json={"instances": ROW["instances"] * 2}).status_code == 200
    assert httpx.post(url, json={"instances": ROW["instances"] * 3}).status_code == 413


def test_a_long_request_costs_neither_its_worker_nor_the_other_callers_their_answers(place: Place) -> None:
    supervisor = place.start(max_rows=1_000_000, probe_limit_s=1.0)
    body = b'{"features":[' + b",".join([b"[1,2]"] * 700_000) + b"]}"
    before = workers(supervisor.pid)
    with Load(supervisor.url) as load:
        answer = httpx.post(f"{supervisor.url}/predict", content=body, timeout=60)
        count = len(load.answers)
        assert eventually(lambda: len(load.answers) > count)
    assert answer.status_code == 200, answer.text[:300]
    assert len(answer.json()["predictions"]) == 700_000
    assert load.failures == []
    assert workers(supervisor.pid) == before
    assert "failed its probe" not in place.log


def test_an_error_in_the_foreground_is_told_once(place: Place) -> None:
    broken = Placed("sums", 1, keep(place.state, b"this is not a graph"))
    order = place.state / "foreground.json"
    order.write_bytes(msgspec.json.encode(place.order(placed=(broken,))))
    code = (
        "import sys; from pathlib import Path; import msgspec; from golive.errors import GoliveError; "
        "from golive.control.running.order import SupervisorOrder; from golive.control.running.processes import start_supervisor\n"
        "order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=SupervisorOrder)\n"
        "try: start_supervisor(order, detach=False, log=Path('unused'), timeout_s=30)\n"
        "except GoliveError as error: print(error.message)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(order)], capture_output=True, text=True, check=True)
    assert (ran.stdout + ran.stderr).count("does not load") == 1
    assert "sums@1" in ran.stdout


def test_a_server_with_a_certificate_speaks_tls(place: Place, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    supervisor = place.start(tls_cert=str(certificate), tls_key=str(key))
    assert supervisor.url.startswith("https://127.0.0.1:")
    with httpx.Client(verify=ssl.create_default_context(cafile=str(certificate))) as client:
        answer = client.post(f"{supervisor.url}/v1/models/sums:predict", json=ROW)
        long = client.post(f"{supervisor.url}/predict", json={"features": [[1.0, 2.0]] * 5000})
    assert answer.json()["predictions"] == [3.0]
    assert long.json()["predictions"] == [3.0] * 5000


def test_a_state_folder_with_a_very_long_path_has_a_short_socket(tmp_path: Path) -> None:
    place = Place(tmp_path / ("x" * 120))
    supervisor = place.start()
    assert len(str(supervisor.admin)) < 100
    assert place.target.observe().healthy
    assert stop(place.state, timeout_s=20)
    assert not supervisor.admin.exists()


def test_a_worker_carries_no_training_library(place: Place) -> None:
    supervisor = place.start()
    script = (
        "import sys, golive.control.running.worker; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules} | {n for n in sys.modules if 'golive.' in n}))"
    )
    loaded = set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"golive.inference.road", "golive.serving.server", "golive.store.bundles"} <= loaded
    heavy = {
        "pandas",
        "sklearn",
        "pyarrow",
        "scipy",
        "pydantic",
        "matplotlib",
        "joblib",
        "sqlalchemy",
        "golive.training",
    }
    assert heavy & loaded == set()
    mapped = Path(f"/proc/{workers(supervisor.pid)[0]}/maps").read_text()
    assert "onnxruntime" in mapped
    assert [name for name in ("pyarrow", "sklearn", "scipy", "pandas") if f"/{name}/" in mapped] == []
