"""Models in processes of their own under a memory budget: real processes, real requests, real memory."""

import gzip
import json
import os
import signal
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
from faults import workers
from grpc_server import Caller
from sums import keep_numbers, sums_graph

from golive import plugins
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import RunningSupervisor, start_supervisor, stop
from golive.control.running.run_files import RunFile
from golive.domain.digest import Digest
from golive.domain.release import Share
from golive.domain.serving import Placed, Route, Shift, Start
from golive.errors import UnavailableError, UsageError
from golive.monitoring.records import read_records
from golive.serving.grpc.protos import Messages
from golive.store.bundles import BundleStore

NAMES = tuple("abcdef")
TABLE_ROWS = 6 << 20
"""Of 8 bytes each: a graph of 48 MB."""
BUDGET_MB = 340
"""Two processes with one such model, not three."""


def keep(state: Path, name: str, content: bytes) -> Digest:
    return keep_numbers(state, name, content, {"x": 1.0, "y": 2.0}, target="z")


class Place:
    """A state folder with six big models; the n-th one answers n * (x + y)."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.placed = tuple(
            Placed(name, 1, keep(state, name, sums_graph(float(number), TABLE_ROWS)))
            for number, name in enumerate(NAMES, start=1)
        )
        self.target = plugins.load("targets", "local").at(state)

    def start(self, names: str = "abcdef", **changes) -> RunningSupervisor:
        parts = {
            "state": str(self.state),
            "port": 0,
            "admin_port": 0,
            "workers": 2,
            "ledger": False,
            "placed": tuple(one for one in self.placed if one.name in names),
            "traffic": tuple(Route(name, (Share(1, 1.0),)) for name in names),
            "memory_mb": BUDGET_MB,
            "group_stay_s": 0.2,
            "sample": 0.0,
            "drain_s": 5.0,
            "probe_every_s": 0.3,
            "probe_limit_s": 2.0,
        }
        order = SupervisorOrder(**(parts | changes))
        return start_supervisor(order, detach=True, log=self.state / "run" / "supervisor.log", timeout_s=60)

    @property
    def log(self) -> str:
        return (self.state / "run" / "supervisor.log").read_text()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("groups") / "state")


@pytest.fixture
def place(bundles: Place) -> Iterator[Place]:
    yield bundles
    stop(bundles.state, timeout_s=30)
    (bundles.state / "run" / "supervisor.log").unlink()


def ask(client: httpx.Client, name: str, x: float) -> httpx.Response:
    return client.post(f"/v1/models/{name}:predict", json={"instances": [{"x": x, "y": 1.0}]})


def right(name: str, x: float) -> float:
    return (NAMES.index(name) + 1) * (x + 1.0)


def admin(supervisor: RunningSupervisor) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(supervisor.admin))
    return httpx.Client(transport=transport, base_url="http://supervisor", timeout=60)


def groups(supervisor: RunningSupervisor) -> dict[str, dict]:
    with admin(supervisor) as client:
        seen = client.get("/groups").json()["groups"]
    return {"".join(model.partition("@")[0] for model in group["models"]): group for group in seen}


def resident(supervisor: RunningSupervisor) -> set[str]:
    return {name for name, group in groups(supervisor).items() if group["state"] == "resident"}


def eventually(holds: Callable[[], bool], limit_s: float = 20.0) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def resident_pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


class Load:
    """Callers that ask for every model in turn, each from another one on."""

    def __init__(self, url: str, names: str = "abcdef", threads: int = 4) -> None:
        self.url, self.names = url, names
        self.answered = 0
        self.wrong: list[str] = []
        self.failed: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, offset: int) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            turn = offset
            while not self._over.is_set():
                name, x = self.names[turn % len(self.names)], float(turn)
                turn += 1
                try:
                    answer = ask(client, name, x)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    continue
                if answer.status_code != 200:
                    self.failed.append(f"{answer.status_code} {answer.text}")
                elif answer.json()["predictions"] != [right(name, x)]:
                    self.wrong.append(answer.text)
                self.answered += 1


def test_more_models_than_fit_answer_in_turn_and_the_least_recently_used_makes_room(place: Place) -> None:
    # None stays for having started just now: the two that fit start side by side, and either may be the younger one.
    supervisor = place.start(group_stay_s=0.0)
    most = 0
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        for turn in range(12):
            name = NAMES[turn % 6]
            answer = ask(client, name, float(turn))
            assert (answer.status_code, answer.json().get("predictions")) == (200, [right(name, float(turn))])
            most = max(most, len(workers(supervisor.pid)) - 2)
            # The last one that was used is there beside the one before it.
            assert resident(supervisor) == {name, NAMES[(turn - 1) % 6]} or turn == 0
    assert most == 2


def test_no_request_fails_while_groups_come_and_go_under_load(place: Place) -> None:
    supervisor = place.start()
    most, taken = 0, 0.0
    with Load(supervisor.url) as load:
        until = time.monotonic() + 12.0
        while time.monotonic() < until:
            most = max(most, len(workers(supervisor.pid)) - 2)
            taken = max(taken, sum(group["memory_mb"] for group in groups(supervisor).values() if group["pid"]))
            time.sleep(0.1)
    assert (load.failed, load.wrong) == ([], [])
    assert load.answered >= 20
    assert most == 2
    assert 100 < taken <= BUDGET_MB
    assert place.log.count("ended; its") >= 4


def test_a_killed_group_gives_no_wrong_answer_and_comes_back(place: Place) -> None:
    supervisor = place.start("ab", workers=3)
    with Load(supervisor.url, "ab") as load:
        for _ in range(3):
            for group in groups(supervisor).values():
                if group["pid"]:
                    os.kill(group["pid"], signal.SIGKILL)
            count = load.answered
            until = time.monotonic() + 20
            while load.answered < count + 50 and time.monotonic() < until:
                time.sleep(0.05)
            assert load.answered >= count + 50
    assert load.wrong == []
    assert [failure for failure in load.failed if not failure.startswith("503 ")] == []
    assert place.log.count("ended with code -9; it is started again when it is wanted") >= 3


def test_a_hung_group_is_found_and_its_request_answered_by_the_next_one(place: Place) -> None:
    supervisor = place.start("abc", probe_limit_s=2.5)
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        assert ask(client, "a", 1.0).status_code == 200
        os.kill(groups(supervisor)["a"]["pid"], signal.SIGSTOP)
        answer = ask(client, "a", 2.0)
        assert answer.status_code == 200, answer.text + place.log
        assert answer.json()["predictions"] == [3.0]
    assert "failed its probe" in place.log


def test_counters_of_ended_groups_are_kept_and_none_counts_twice(place: Place) -> None:
    supervisor = place.start()
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        for name in "abcabc":
            assert ask(client, name, 1.0).status_code == 200
        assert ask(client, "a", 1.0).headers["x-model-version"] == "1"
        bad = client.post("/v1/models/a:predict", json={"instances": [{"x": 1.0}]})
        assert bad.status_code == 422
    time.sleep(1.1)
    text = httpx.get(f"{supervisor.admin_url}/metrics").text
    for name, count in (("a", 3), ("b", 2), ("c", 2)):
        assert f'golive_requests_total{{model="{name}",status="200",version="1"}} {count}.0' in text
    assert 'golive_requests_total{model="a",status="422",version="1"} 1.0' in text
    assert 'golive_rows_total{model="a",version="1"} 3.0' in text


def test_every_protocol_of_a_remote_model_answers_as_a_near_one_does(place: Place) -> None:
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [2.0, 3.0]}
    requests = [
        ("/v1/models/a:predict", {"instances": [{"x": 2.0, "y": 3.0}]}),
        ("/v1/models/a/versions/1:predict", {"instances": [[2.0, 3.0]]}),
        ("/v2/models/a/infer", {"id": "7", "inputs": [tensor]}),
        ("/predict", {"features": [[2.0, 3.0]]}),
        ("/invocations", {"dataframe_records": [{"x": 2.0, "y": 3.0}]}),
        ("/invocations", {"dataframe_records": []}),
        ("/predict", {"features": [[2.0, 3.0]] * 200_000}),
        ("/predict", {"features": "x" * 2_000_000}),
    ]

    def answers(**changes) -> list[tuple[int, str, object]]:
        supervisor = place.start("a", **changes)
        with httpx.Client(base_url=supervisor.url, timeout=60, headers={"x-request-id": "me"}) as client:
            given = [client.post(path, json=body) for path, body in requests]
            metadata = client.get("/v2/models/a").json()
            openapi = client.get("/openapi.json").json()["paths"]
        stop(place.state, timeout_s=30)
        heads = [sorted(name for name in answer.headers) for answer in given]
        return [
            *((answer.status_code, answer.text, head) for answer, head in zip(given, heads, strict=True)),
            metadata,
            openapi,
        ]

    assert answers(memory_mb=200, workers=3) == answers(memory_mb=0, workers=1)


def test_calls_over_grpc_reach_remote_models_and_so_do_their_refusals(place: Place) -> None:
    place.start(grpc_port=0)
    address = msgspec.json.decode((place.state / "run" / "supervisor.json").read_bytes(), type=RunFile).grpc
    messages = Messages()
    with grpc.insecure_channel(address) as channel:
        caller = Caller(channel, messages)
        for name in ("a", "f", "c"):
            request = messages["inference.ModelInferRequest"](model_name=name)
            request.inputs.add(name="input", datatype="FP64", shape=[1, 2])
            request.raw_input_contents.append(np.array([[2.0, 1.0]]).tobytes())
            answer, _ = caller.infer(request, timeout=60)
            assert np.frombuffer(answer.raw_output_contents[0]).tolist() == [right(name, 2.0)]
        del request.raw_input_contents[:]
        assert caller.refusal(request).code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_binary_request_and_a_compressed_answer_go_through(place: Place) -> None:
    rows = np.arange(4000.0).reshape(-1, 2)
    tensor = {"name": "input", "shape": [2000, 2], "datatype": "FP64", "parameters": {"binary_data_size": rows.nbytes}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    supervisor = place.start()
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        answer = client.post(
            "/v2/models/b/infer",
            content=head + rows.tobytes(),
            headers={"inference-header-content-length": str(len(head)), "accept-encoding": "identity"},
        )
        length = int(answer.headers["inference-header-content-length"])
        assert np.array_equal(np.frombuffer(answer.content[length:]), 2.0 * rows.sum(axis=1))
        body = {"features": rows.tolist()}
        packed = client.post("/predict/b", json=body, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json()["predictions"] == (2.0 * rows.sum(axis=1)).tolist()
        sent = {"content-encoding": "gzip", "content-type": "application/json", "accept-encoding": "identity"}
        inflated = client.post("/predict/b", content=gzip.compress(json.dumps(body).encode()), headers=sent)
        assert inflated.json() == packed.json()


def test_a_request_waits_no_longer_than_its_deadline_for_its_group(place: Place) -> None:
    supervisor = place.start("abc", group_stay_s=3.0)
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        absent = next(iter(set("abc") - resident(supervisor)))
        body = {"instances": [{"x": 1.0, "y": 1.0}]}
        late = client.post(f"/v1/models/{absent}:predict", json=body, headers={"x-request-timeout-ms": "50"})
        assert (late.status_code, late.json()["code"]) == (503, "deadline_exceeded")
        assert late.headers["retry-after"] == "1"
        assert ask(client, absent, 1.0).status_code == 200


def test_a_model_larger_than_the_budget_is_refused_and_so_is_a_broken_one(place: Place) -> None:
    with pytest.raises(UsageError, match=r"a@1 needs about 162 MB .*, and memory_mb allows 100 MB .* raise"):
        place.start(memory_mb=100)
    supervisor = place.start("abc")
    broken = Placed("a", 2, keep(place.state, "a", b"this is no graph" * 2**20))
    placed = tuple(one for one in place.placed if one.name in "abc")
    with pytest.raises(UnavailableError, match=r"a@2 \(bundle .*\) does not load: .*not a graph"):
        place.target.apply(Start((*placed, broken)))
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        assert ask(client, "a", 1.0).status_code == 200
    assert set(groups(supervisor)) == {"a", "b", "c"}


def test_a_model_that_does_not_start_is_refused_with_the_reason_until_it_does(place: Place) -> None:
    supervisor = place.start()
    bundle = BundleStore(place.state / "store").open(place.placed[5].bundle)
    blob = place.state / "store" / "blobs" / "sha256" / bundle.files[0].digest.removeprefix("sha256:")
    aside = blob.rename(blob.with_name("aside"))
    try:
        with httpx.Client(base_url=supervisor.url, timeout=60) as client:
            refused = ask(client, "f", 1.0)
            assert refused.status_code == 503
            assert "f@1 (bundle" in refused.json()["error"]
            assert "does not load" in refused.json()["error"]
            assert groups(supervisor)["f"]["state"] == "absent"
            assert ask(client, "e", 1.0).status_code == 200
            aside.rename(blob)
            assert eventually(lambda: ask(client, "f", 1.0).status_code == 200)
    finally:
        if aside.exists():
            aside.rename(blob)


def test_a_new_version_is_swapped_in_under_load_while_the_other_groups_stay(place: Place) -> None:
    supervisor = place.start("ab", memory_mb=520, workers=4)
    new = Placed("a", 2, keep(place.state, "a", sums_graph(10.0, TABLE_ROWS)))
    stays = groups(supervisor)["b"]["pid"]
    placed = tuple(one for one in place.placed if one.name in "ab")
    traffic = (Route("a", (Share(2, 1.0),)), Route("b", (Share(1, 1.0),)))
    with Load(supervisor.url, "ab") as load:
        place.target.apply(Start((*placed, new)))
        assert load.wrong == []
        place.target.apply(Shift(traffic))
        time.sleep(0.5)
    assert load.failed == []
    assert groups(supervisor)["b"]["pid"] == stays
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        assert ask(client, "a", 1.0).json()["predictions"] == [20.0]


def test_models_move_into_groups_and_back_into_the_workers_under_load(place: Place) -> None:
    supervisor = place.start("ab", workers=1)
    near = tuple(one for one in place.placed if one.name in "ab")
    with Load(supervisor.url, "ab") as load:
        assert groups(supervisor) == {}
        place.target.apply(Start(place.placed))
        assert len(groups(supervisor)) == 6
        count = load.answered
        assert eventually(lambda: load.answered > count + 20)
        place.target.apply(Start(near))
        assert groups(supervisor) == {}
        count = load.answered
        assert eventually(lambda: load.answered > count + 20)
    assert (load.failed, load.wrong) == ([], [])
    assert eventually(lambda: len(workers(supervisor.pid)) == 1)


def test_a_killed_worker_is_replaced_by_one_that_knows_the_groups(place: Place) -> None:
    supervisor = place.start("abcdef", workers=1)
    with admin(supervisor) as client:
        assert client.post("/v2/repository/models/c/unload").status_code == 200
    front = next(iter(set(workers(supervisor.pid)) - {group["pid"] for group in groups(supervisor).values()}))
    os.kill(front, signal.SIGKILL)
    assert eventually(lambda: front not in workers(supervisor.pid))
    assert eventually(lambda: place.target.observe().healthy)
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        for name in "abdef":
            assert ask(client, name, 1.0).json()["predictions"] == [right(name, 1.0)]
        assert ask(client, "c", 1.0).status_code == 404


def test_predictions_of_remote_models_are_recorded_once(place: Place) -> None:
    supervisor = place.start("abc", sample=1.0)
    with httpx.Client(base_url=supervisor.url, timeout=60) as client:
        for turn in range(6):
            assert ask(client, "abc"[turn % 3], float(turn)).status_code == 200
    stop(place.state, timeout_s=30)
    for index, name in enumerate("abc"):
        kept = read_records(place.state / "records", name)
        assert sorted(kept["x"].tolist()) == [float(index), float(index + 3)]


def test_a_name_is_unloaded_and_loaded_by_the_repository_extension(place: Place) -> None:
    supervisor = place.start("abc", group_stay_s=0.0)
    with admin(supervisor) as client, httpx.Client(base_url=supervisor.url, timeout=60) as caller:
        assert ask(caller, "a", 1.0).status_code == 200
        pid = groups(supervisor)["a"]["pid"]
        assert client.post("/v2/repository/models/a/unload", json={}).status_code == 200
        assert not Path(f"/proc/{pid}").exists()
        assert ask(caller, "a", 1.0).status_code == 404
        assert ask(caller, "b", 1.0).json()["predictions"] == [4.0]
        index = client.post("/v2/repository/index", json={}).json()
        assert index[0] == {"name": "a", "version": "1", "state": "UNAVAILABLE", "reason": "unloaded"}
        assert [entry["name"] for entry in client.post("/v2/repository/index", json={"ready": True}).json()] == [
            "b",
            "c",
        ]
        reading = httpx.post(f"{supervisor.admin_url}/v2/repository/index")
        assert reading.json() == index
        assert httpx.post(f"{supervisor.admin_url}/v2/repository/models/a/load").status_code == 404
        assert client.post("/v2/repository/models/a/load").status_code == 200
        assert ask(caller, "a", 1.0).json()["predictions"] == [2.0]
        unknown = client.post("/v2/repository/models/z/load", json={})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
        for parameter in ("config", "file:1/model.onnx"):
            upload = client.post("/v2/repository/models/a/load", json={"parameters": {parameter: "x"}})
            assert upload.status_code == 400
            assert parameter in upload.json()["error"]


def test_a_server_that_follows_a_ledger_is_not_told_by_callers_what_to_serve(place: Place) -> None:
    supervisor = place.start(ledger=True, placed=(), traffic=())
    with admin(supervisor) as client:
        for verb in ("load", "unload"):
            refused = client.post(f"/v2/repository/models/a/{verb}")
            assert refused.status_code == 400
            assert "golive deploy a" in refused.json()["error"]


@pytest.mark.heavy
def test_loading_and_unloading_again_and_again_takes_no_memory(place: Place) -> None:
    supervisor = place.start(group_stay_s=0.0)

    def cycle(times: int) -> tuple[int, int]:
        with admin(supervisor) as client:
            for _ in range(times):
                for verb in ("unload", "load"):
                    assert client.post(f"/v2/repository/models/a/{verb}").status_code == 200
        fronts = [
            pid for pid in workers(supervisor.pid) if pid not in {one["pid"] for one in groups(supervisor).values()}
        ]
        return resident_pages(supervisor.pid), sum(map(resident_pages, fronts))

    before = cycle(5)
    after = cycle(25)
    assert after[0] <= before[0] * 1.05
    assert after[1] <= before[1] * 1.05
