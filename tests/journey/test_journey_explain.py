"""Explanations of a live server: right, and of no harm to predictions whatever happens to the process that makes them."""

import contextlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from faults import FOREVER, NAME, Place, all_to, eventually, right, workers

from golive.inference.explaining.background import BACKGROUND, background_file
from golive.store.bundles import BundleStore

EXPLAIN = f"/v1/models/{NAME}:explain"
PREDICT = f"/predict/{NAME}"
SEEN = {"a": np.arange(50.0), "b": np.arange(50.0)[::-1].copy(), "c": np.zeros(50)}


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path / "state", versions=2)
    store = BundleStore(made.state / "store")
    for number, digest in made.digests.items():
        bundle = store.open(digest)
        files = store.files(bundle) | {BACKGROUND: background_file(bundle.signature, SEEN)}
        made.digests[number] = store.write(bundle.manifest, files, created_at="2026-01-01T00:00:00Z").digest
    yield made
    made.end()


def rows(*values) -> dict[str, list[dict[str, float]]]:
    return {"instances": [dict(zip("abc", map(float, row), strict=True)) for row in values]}


def explained(server, body, path=EXPLAIN, **headers) -> httpx.Response:
    return httpx.post(server.url + path, json=body, timeout=30, headers=headers)


def predicted(server) -> bytes:
    return httpx.post(server.url + PREDICT, json={"features": [[1.0, 2.0, 0.0]]}, timeout=10).content


def explaining(server, others: set[int]) -> int | None:
    return next(iter(set(workers(server.pid)) - others), None)


def test_contributions_and_base_are_the_answer_that_predict_gives(place):
    server = place.start(workers=1)
    others = set(workers(server.pid))
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
    # It was started for the first request, and gives way to the workers.
    (pid,) = set(workers(server.pid)) - others
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, next(iter(others)))


def test_a_counterfactual_gets_the_wanted_answer_from_the_server_itself(place):
    server = place.start(workers=1)
    body = rows((10, 20, 0)) | {"target": {"at_least": 50.0}, "immutable": ["b", "c"]}
    (one,) = explained(server, body).json()["explanations"]
    (found,) = one["counterfactual"]["found"]
    (change,) = found["changes"]
    assert (change["input"], change["before"]) == ("a", 10.0)
    again = httpx.post(server.url + PREDICT, json={"features": [[change["after"], 20.0, 0.0]]}).json()
    assert again["predictions"] == [found["prediction"]]
    assert again["predictions"][0] >= 50.0


def test_a_version_that_is_deployed_is_explained_without_a_start(place):
    server = place.start(workers=1, placed=place.placed(1, 2), traffic=all_to(1))
    assert explained(server, rows((1, 2, 0))).json()["explanations"][0]["prediction"] == 3.0
    two = explained(server, rows((1, 2, 0)), path=f"/v1/models/{NAME}/versions/2:explain").json()
    assert (two["model_version"], two["explanations"][0]["prediction"]) == ("2", 6.0)


def test_a_bad_request_is_refused_as_by_predict(place):
    server = place.start(workers=1)
    for body in ({"instances": [{"a": "x", "b": 1.0, "c": 1.0}]}, {"instances": [{"a": 1.0}]}, {"instances": []}, {}):
        ours = explained(server, body)
        theirs = explained(server, body, path=f"/v1/models/{NAME}:predict")
        assert ours.status_code == theirs.status_code
        assert ours.json() | {"request_id": ""} == theirs.json() | {"request_id": ""}
    many = explained(server, rows(*[(1, 2, 0)] * 101))
    assert (many.status_code, many.json()["code"]) == (413, "too_large")
    assert "at most 100 can be explained" in many.json()["error"]
    assert explained(server, rows((1, 2, 0)), path="/v1/models/nothing:explain").status_code == 404


def test_a_killed_process_costs_explanations_only_and_they_come_back(place):
    server = place.start(workers=1)
    others = set(workers(server.pid))
    assert explained(server, rows((1, 2, 0))).status_code == 200
    first = explaining(server, others)
    os.kill(first, signal.SIGKILL)
    assert predicted(server) == right(1.0, 2.0, 1)
    assert eventually(lambda: explained(server, rows((1, 2, 0))).status_code == 200)
    assert explaining(server, others) not in {None, first}
    assert set(workers(server.pid)) >= others
    assert "the explaining process ended with code -9" in place.log


def test_work_that_hangs_ends_its_process_and_predictions_never_notice(place):
    server = place.start(workers=1, explain_s=0.2)
    others = set(workers(server.pid))
    told = explained(server, rows((1, 2, FOREVER)))
    assert (told.status_code, told.json()["code"]) == (503, "unavailable")
    assert "predictions go on" in told.json()["error"]
    assert told.headers["retry-after"]
    assert predicted(server) == right(1.0, 2.0, 1)
    assert eventually(lambda: explained(server, rows((1, 2, 0))).status_code == 200)
    assert set(workers(server.pid)) >= others
    assert "the explaining process ended with code -14" in place.log


def test_what_takes_too_long_is_told_so(place):
    server = place.start(workers=1, explain_s=0.2)
    assert explained(server, rows((1, 2, 0))).status_code == 200
    # Hundreds of thousands of steps for every eight rows, and a hundred rows.
    told = explained(server, rows(*[(1, 2, 100)] * 100))
    assert (told.status_code, told.json()["code"]) == (503, "deadline_exceeded")
    assert "explain fewer rows" in told.json()["error"]


def test_too_many_requests_at_once_are_told_to_come_back_and_predictions_are_answered(place):
    server = place.start(workers=1)
    others = set(workers(server.pid))
    assert explained(server, rows((1, 2, 0))).status_code == 200
    place.freeze(explaining(server, others))
    with ThreadPoolExecutor(40) as many:
        body = rows((1, 2, 0))
        asked = [many.submit(explained, server, body, **{"x-request-timeout-ms": "3000"}) for _ in range(40)]
        assert eventually(lambda: sum(one.done() for one in asked) >= 24)
        assert predicted(server) == right(1.0, 2.0, 1)
        told = [one.result() for one in asked]
    assert {one.status_code for one in told} == {503}
    assert sum(one.json()["code"] == "overloaded" for one in told) == 24
    assert all(one.headers["retry-after"] for one in told)


def test_a_server_that_is_told_not_to_explain_says_so_and_starts_nothing(place):
    server = place.start(workers=1, explain=False)
    others = set(workers(server.pid))
    told = explained(server, rows((1, 2, 0)))
    assert (told.status_code, told.json()["code"]) == (501, "not_explainable")
    assert "serving.explain" in told.json()["error"]
    assert set(workers(server.pid)) == others


def test_a_bundle_without_background_rows_says_what_to_do(tmp_path):
    place = Place(tmp_path / "state")
    with contextlib.ExitStack() as stack:
        stack.callback(place.end)
        told = explained(place.start(workers=1), rows((1, 2, 0)))
    assert (told.status_code, told.json()["code"]) == (501, "not_explainable")
    assert "package the model again" in told.json()["error"]


def test_models_in_processes_of_their_own_are_explained_too(place):
    server = place.start(workers=1, placed=place.placed(1, 2), memory_mb=100)
    assert explained(server, rows((10, 20, 0))).json()["explanations"][0]["prediction"] == 30.0
