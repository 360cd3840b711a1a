"""What SageMaker and Vertex AI ask of a container: over sockets, and once as a process with their environment."""

import os
import re
import socket
import subprocess
import sys

import httpx
import priced
import pytest

from golive.domain.release import Share
from golive.domain.serving import Route
from golive.serving.server import ServerConfig
from golive.serving.switchboard import Switchboard

HOUSE = {"area": 2.0, "year_built": 2000, "pool": True, "zone": "north"}
PRICE = 2210.0
ALONE = (Route("houses", (Share(3, 1.0),)),)


@pytest.fixture
def sagemaker(running):
    with running(traffic=ALONE) as server, httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


@pytest.mark.parametrize(
    ("accept", "kind", "body"),
    [
        ("text/csv", "text/csv; charset=utf-8", f"{PRICE}\n{PRICE}\n"),
        (
            "application/jsonlines",
            "application/jsonlines",
            f'{{"prediction":{PRICE},"probabilities":null}}\n' * 2,
        ),
        (
            "*/*",
            "application/json",
            f'{{"predictions":[{PRICE},{PRICE}],"probabilities":null,"model_name":"houses","model_version":"3"}}',
        ),
    ],
)
@pytest.mark.parametrize(
    ("sent", "rows"),
    [
        ("text/csv", "2,2000,true,north\n" * 2),
        ("application/jsonlines", '[2, 2000, true, "north"]\n' * 2),
    ],
)
def test_invocations_are_read_and_written_as_their_headers_say(sagemaker, sent, rows, accept, kind, body):
    answer = sagemaker.post("/invocations", content=rows, headers={"content-type": sent, "accept": accept})
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, kind, body)


def test_a_refusal_is_json_whatever_was_wanted(sagemaker):
    answer = sagemaker.post("/invocations", content="1\n", headers={"content-type": "text/csv", "accept": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_a_ping_fails_while_nothing_is_served(running):
    with running(traffic=()) as server, server.client() as client:
        answer = client.get("/ping")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_platforms_own_paths_are_answered_and_hide_ours(running):
    config = ServerConfig(drain_s=0.3, health_path="/", authorize=lambda *_: None)
    with running(config, traffic=()) as server, server.client() as client:
        assert client.get("/").status_code == 503
    config = ServerConfig(drain_s=0.3, health_path="/live-it")
    with running(config, traffic=ALONE) as server, server.client() as client:
        server.board = Switchboard(tuple(server.board.lanes.values()), ALONE, predict_path="/predict")
        assert client.get("/live-it").json() == {"status": "healthy"}
        assert client.post("/live-it").status_code == 405


def test_the_path_of_a_platform_takes_instances_even_where_another_protocol_has_it(running):
    with running() as server:
        lanes = tuple(server.board.lanes.values())
        for path in ("/predict", "/v1/endpoints/1/deployedModels/2:predict"):
            board = Switchboard(lanes, ALONE, predict_path=path)
            assert board.routes[path.encode()] is board.routes[b"/v1/models/houses:predict"]
        several = Switchboard(lanes, server.board.traffic, predict_path="/p")
        assert b"/p" not in several.routes
        assert "needs exactly one served model" in several.unrouted("/p").message


VERTEX = {
    "AIP_MODE": "PREDICTION",
    "AIP_HTTP_PORT": "{port}",
    "AIP_ENDPOINT_ID": "77",
    "AIP_DEPLOYED_MODEL_ID": "8",
}
MODEL = "/v1/endpoints/77/deployedModels/8"


@pytest.mark.parametrize(
    ("environment", "health", "predict", "body"),
    [
        (VERTEX, MODEL, f"{MODEL}:predict", {"instances": [priced.ROWS[0]], "parameters": {"k": 1}}),
        (
            {**VERTEX, "AIP_HEALTH_ROUTE": "/alive", "AIP_PREDICT_ROUTE": "/predict"},
            "/alive",
            "/predict",
            {"instances": [priced.ROWS[0]]},
        ),
        ({"SAGEMAKER_BIND_TO_PORT": "{port}"}, "/ping", "/invocations", {"instances": [priced.ROWS[0]]}),
    ],
    ids=["vertex", "vertex with routes of its own", "sagemaker"],
)
def test_a_container_that_is_only_told_to_serve_finds_its_model_and_its_port(
    tmp_path, environment, health, predict, body
):
    priced.keep(tmp_path / "state" / "store")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = {name: value.format(port=port) for name, value in environment.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIP_", "SAGEMAKER_", "GOLIVE_"))}
    command = (sys.executable, "-m", "golive", "serve", "--admin-port", "0", "--workers", "1")
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**kept, **told, "GOLIVE_HOME": str(tmp_path / "state")},
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("wb"),
        text=True,
    )
    try:
        said = process.stdout.readline()
        assert re.search(rf"http://127\.0\.0\.1:{port} ", said), (said, (tmp_path / "log").read_text())
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            assert client.get(health).json() == {"status": "healthy"}
            answer = client.post(predict, json=body)
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["predictions"]) == 1
        log = (tmp_path / "log").read_text()
        assert "WARNING: open without an API key on '0.0.0.0'" in log
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()
