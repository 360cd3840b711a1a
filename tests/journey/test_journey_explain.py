"""Explanations of a live server: right, and of no harm to predictions whatever happens to the process that makes them."""

import asyncio
import contextlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from faults import FOREVER, NAME, Place, eventually, right, workers

import golive
from golive.inference.explaining.background import BACKGROUND, background_file
from golive.store.bundles import BundleStore

EXPLAIN = f"/v1/models/{NAME}:explain"
PREDICT = f"/predict/{NAME}"
SEEN = {"a": np.arange(50.0), "b": np.arange(50.0)[::-1].copy(), "c": np.zeros(50)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("explain") / "state", versions=2)
    give_background(made)
    yield made
    made.end()


def give_background(place: Place) -> None:
    """Add background rows to every version."""
    store = BundleStore(place.state / "store")
    for number, digest in place.digests.items():
        bundle = store.open(digest)
        files = store.files(bundle) | {BACKGROUND: background_file(bundle.signature, SEEN)}
        place.digests[number] = store.write(bundle.manifest, files, created_at="2026-01-01T00:00:00Z").digest


@pytest.fixture(scope="module")
def server(place):
    """A server of one worker; what a test does to its explaining process does not outlive the test."""
    return place.start(workers=1, placed=place.placed(1, 2), explain_s=0.5)


@pytest.fixture
def worker(place, server):
    """Give the worker of a server that explains."""
    assert eventually(lambda: explained(server, rows((1, 2, 0))).status_code == 200)
    yield next(pid for pid in workers(server.pid) if not gives_way(pid))
    for pid in place.stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def gives_way(pid: int) -> bool:
    return os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, os.getpid())


def rows(*values) -> dict[str, list[dict[str, float]]]:
    return {"instances": [dict(zip("abc", map(float, row), strict=True)) for row in values]}


def explained(server, body, path=EXPLAIN, **headers) -> httpx.Response:
    return httpx.post(server.url + path, json=body, timeout=30, headers=headers)


def predicted(server) -> bytes:
    return httpx.post(server.url + PREDICT, json={"features": [[1.0, 2.0, 0.0]]}, timeout=10).content


def explaining(server) -> int | None:
    """Give the explaining process, where there is one."""
    return next((pid for pid in workers(server.pid) if gives_way(pid)), None)


@pytest.mark.usefixtures("worker")
def test_contributions_and_base_are_the_answer_that_predict_gives(server):
    told = explained(server, rows((10, 20, 0), (49, 0, 0)), **{"x-request-id": "mine"})
    assert told.status_code == 200
    answer = told.json()
    assert (answer["model_name"], answer["model_version"], answer["request_id"]) == (NAME, "1", "mine")
    assert told.headers["x-model-version"] == "1"
    assert answer["additivity_error"] < 1e-9
    for one, prediction in zip(answer["explanations"], (30.0, 49.0), strict=True):
        assert one["prediction"] == one["answer"] == prediction
        assert one["base"] + sum(one["contributions"].values()) == pytest.approx(prediction)
        assert one["contributions"]["c"] == pytest.approx(0.0, abs=1e-9)
    first = answer["explanations"][0]
    assert first["values"] == {"a": 10.0, "b": 20.0, "c": 0.0}
    assert [reason["input"] for reason in first["reasons"]] == ["a", "b"]
    assert first["reasons"][0]["effect"] == "lowers"


@pytest.mark.usefixtures("worker")
def test_a_counterfactual_gets_the_wanted_answer_from_the_server_itself(server):
    with golive.Client(server.url) as client:
        told = client.explain(NAME, [[10.0, 20.0, 0.0]], target={"at_least": 50.0}, immutable=["b", "c"])
        (found,) = told[0].counterfactual.found
        (change,) = found.changes
        assert (change.input, change.before) == ("a", 10.0)
        again = client.predict(NAME, [[change.after, 20.0, 0.0]]).values.tolist()
    assert again == [found.prediction]
    assert again[0] >= 50.0


@pytest.mark.usefixtures("worker")
def test_every_version_is_explained_and_a_client_that_awaits_asks_the_same(server):
    async def asked(version):
        async with golive.AsyncClient(server.url) as client:
            return await client.explain(NAME, {"a": 1.0, "b": 2.0, "c": 0.0}, version=version)

    for version, answer in ((None, 3.0), (1, 3.0), (2, 6.0)):
        told = asyncio.run(asked(version))
        assert (told.version, told[0].prediction) == (str(version or 1), answer)


@pytest.mark.usefixtures("worker")
def test_a_bad_request_is_refused_as_by_predict(server):
    for body in ({"instances": [{"a": "x", "b": 1.0, "c": 1.0}]}, {"instances": [{"a": 1.0}]}, {"instances": []}, {}):
        ours = explained(server, body)
        theirs = explained(server, body, path=f"/v1/models/{NAME}:predict")
        assert ours.status_code == theirs.status_code
        assert ours.json() | {"request_id": ""} == theirs.json() | {"request_id": ""}
    many = explained(server, rows(*[(1, 2, 0)] * 101))
    assert (many.status_code, many.json()["code"]) == (413, "too_large")
    assert "at most 100 can be explained" in many.json()["error"]
    assert explained(server, rows((1, 2, 0)), path="/v1/models/nothing:explain").status_code == 404


def test_a_killed_process_costs_explanations_only_and_they_come_back(place, server, worker):
    first = explaining(server)
    os.kill(first, signal.SIGKILL)
    assert predicted(server) == right(1.0, 2.0, 1)
    assert eventually(lambda: explained(server, rows((1, 2, 0))).status_code == 200)
    assert explaining(server) not in {None, first}
    assert worker in workers(server.pid)
    assert "the explaining process ended with code -9" in place.log


def test_work_that_hangs_ends_its_process_and_predictions_never_notice(place, server, worker):
    told = explained(server, rows((1, 2, FOREVER)))
    assert (told.status_code, told.json()["code"]) == (503, "unavailable")
    assert "predictions go on" in told.json()["error"]
    assert told.headers["retry-after"]
    assert predicted(server) == right(1.0, 2.0, 1)
    assert eventually(lambda: explained(server, rows((1, 2, 0))).status_code == 200)
    assert worker in workers(server.pid)
    assert "the explaining process ended with code -14" in place.log


@pytest.mark.usefixtures("worker")
def test_what_takes_too_long_is_told_so(server):
    # Hundreds of thousands of steps for every eight rows, and a hundred rows.
    told = explained(server, rows(*[(1, 2, 100)] * 100))
    assert (told.status_code, told.json()["code"]) == (503, "deadline_exceeded")
    assert "explain fewer rows" in told.json()["error"]


@pytest.mark.usefixtures("worker")
def test_too_many_requests_are_told_to_come_back_and_a_process_that_stands_still_is_replaced(place, server):
    frozen = explaining(server)
    place.freeze(frozen)
    with ThreadPoolExecutor(40) as many:
        asked = [many.submit(explained, server, rows((1, 2, 0))) for _ in range(40)]
        assert predicted(server) == right(1.0, 2.0, 1)
        told = [one.result() for one in asked]
    refused = [one for one in told if one.status_code != httpx.codes.OK]
    assert {one.status_code for one in refused} == {503}
    assert "overloaded" in {one.json()["code"] for one in refused}
    assert all(one.headers["retry-after"] for one in refused)
    assert eventually(lambda: explained(server, rows((1, 2, 0))).status_code == 200)
    assert explaining(server) not in {None, frozen}
    assert "the explaining process does not serve and was ended" in place.log


def test_a_server_that_is_told_not_to_explain_says_so_and_starts_nothing(tmp_path):
    place = Place(tmp_path / "state")
    with contextlib.ExitStack() as stack:
        stack.callback(place.end)
        server = place.start(workers=1, explain=False)
        told = explained(server, rows((1, 2, 0)))
        assert (told.status_code, told.json()["code"]) == (501, "not_explainable")
        assert "serving.explain" in told.json()["error"]
        assert explaining(server) is None


def test_the_process_starts_when_it_is_asked_and_says_what_a_bundle_without_background_rows_lacks(tmp_path):
    place = Place(tmp_path / "state")
    with contextlib.ExitStack() as stack:
        stack.callback(place.end)
        server = place.start(workers=1)
        assert explaining(server) is None
        told = explained(server, rows((1, 2, 0)))
        assert explaining(server) is not None
    assert (told.status_code, told.json()["code"]) == (501, "not_explainable")
    assert "package the model again" in told.json()["error"]


def test_models_in_processes_of_their_own_are_explained_too(tmp_path):
    place = Place(tmp_path / "state", versions=2)
    with contextlib.ExitStack() as stack:
        stack.callback(place.end)
        give_background(place)
        server = place.start(workers=1, placed=place.placed(1, 2), memory_mb=100)
        assert explained(server, rows((10, 20, 0))).json()["explanations"][0]["prediction"] == 30.0
