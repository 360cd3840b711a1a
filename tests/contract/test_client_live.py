"""The client over sockets: against a server written from the specification, and against golive itself."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oip_server import Listening, Model, Server
from priced import INPUTS, ROWS, keep

from golive import AsyncClient, Client
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import start_supervisor, stop
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.errors import (
    DeadlineError,
    DeniedError,
    InvalidRowError,
    NotFoundError,
    RequestError,
    TooLargeError,
    UnavailableError,
)

SUMS = Model(inputs=(("a", "FP64", 1), ("b", "FP64", 1)))
HOUSES = Model(
    inputs=(("area", "FP64", 1), ("rooms", "INT64", 1), ("pool", "BOOL", 1), ("zone", "BYTES", 1)),
    classes=("low", "mid", "high"),
)
HOUSE = {"area": 100.5, "rooms": 3, "pool": True, "zone": "north"}
BUSY = (503, {"retry-after": "0"}, b'{"error":"full","code":"unavailable"}')


class Awaited:
    """The asynchronous client with the methods of the other one."""

    def __init__(self, url, **options):
        self._runner = asyncio.Runner()
        self._client = AsyncClient(url, **options)

    def __enter__(self):
        self._runner.run(self._client.__aenter__())
        return self

    def __exit__(self, *_):
        self._runner.run(self._client.__aexit__(None, None, None))
        self._runner.close()

    def __getattr__(self, name):
        return lambda *args, **options: self._runner.run(getattr(self._client, name)(*args, **options))


@pytest.fixture(params=[Client, Awaited], ids=["blocking", "awaiting"])
def client_of(request):
    return request.param


@pytest.fixture
def server():
    placed = Server()
    placed.place("sums", "1", SUMS)
    placed.place("houses", "3", HOUSES)
    return placed


@pytest.fixture
def there(server):
    with Listening(server) as listening:
        yield listening


def self_signed(folder):
    certificate, key = folder / "chain.pem", folder / "key.pem"
    subject = ("-subj", "/CN=golive test", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject)
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def drop(handler):
    """Close the connection in the place of an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def drip(handler):
    """Send an answer that never ends, a byte at a time."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    for _ in range(40):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return
        time.sleep(0.05)


def test_a_client_asks_everything(there, client_of):
    with client_of(there.url) as client:
        assert client.live()
        assert client.ready()
        assert client.models() == ["houses", "sums"]
        assert [each.name for each in client.metadata("houses").inputs] == ["area", "rooms", "pool", "zone"]
        assert client.predict("sums", np.array([[1.0, 2.0]])).values.tolist() == [5.0]
        prediction = client.predict("houses", [HOUSE, {**HOUSE, "zone": None}], timings=True)
        assert len(prediction.values) == 2
        assert prediction.probabilities.shape == (2, 3)
        assert prediction.timings["compute"] == 1.5


def test_a_table_in_pieces_comes_back_in_order(there, client_of):
    rows = np.arange(20_000.0).reshape(-1, 2)
    with client_of(there.url) as client:
        assert client.predict("sums", rows, batch_rows=3_000).values.tolist() == (rows @ [1.0, 2.0]).tolist()


def test_calls_share_a_connection(there, server, client_of):
    ports = set()
    original = server.answer

    def noted(method, path, headers, body):
        def write(handler):
            ports.add(handler.client_address)
            status, own, answered = original(method, path, headers, body)
            handler.send_response(status)
            for name, value in {**own, "content-length": str(len(answered))}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(answered)

        return write

    server.answer = noted
    with client_of(there.url) as client:
        for _ in range(3):
            client.predict("sums", {"a": 1.0, "b": 2.0})
    assert len(ports) == 1


def test_a_dropped_connection_and_a_busy_server_are_asked_again(there, server, client_of):
    with client_of(there.url) as client:
        client.predict("sums", {"a": 1.0, "b": 2.0})
        server.before = [drop, BUSY]
        assert client.predict("sums", {"a": 1.0, "b": 2.0}).values.tolist() == [5.0]
    ids = [headers["x-request-id"] for method, _, headers, _ in server.seen if method == "POST"]
    assert len(ids) == 4
    assert len(set(ids[1:])) == 1


def test_an_answer_that_drips_is_cut_at_the_deadline(there, server, client_of):
    with client_of(there.url, retries=0) as client:
        client.predict("sums", {"a": 1.0, "b": 2.0})
        server.before = [drip]
        with pytest.raises(DeadlineError):
            client.predict("sums", {"a": 1.0, "b": 2.0}, timeout_s=0.3)
        assert client.predict("sums", {"a": 1.0, "b": 2.0}).values.tolist() == [5.0]


def test_a_server_that_says_nothing_is_left_at_the_deadline(client_of):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with client_of(url, timeout_s=0.2) as client:
            with pytest.raises(DeadlineError, match=r"0\.2 s"):
                client.predict("sums", {"a": 1.0})
            assert not client.live()


def test_a_connection_that_the_server_closed_meanwhile_costs_no_retry(there, server, client_of):
    def closing(handler):
        body = b'{"live":true}'
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        drop(handler)

    with client_of(there.url, retries=0) as client:
        for _ in range(3):
            server.before = [closing]
            assert client.live()
            assert client.models() == ["houses", "sums"]


def test_what_comes_unasked_is_not_taken_for_the_next_answer(there, server, client_of):
    def twice(handler):
        for body in (b'{"models":["right"]}', b'{"models":["wrong"]}'):
            handler.send_response(200)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            time.sleep(0.05)

    with client_of(there.url, retries=0) as client:
        server.before = [twice]
        assert client.models() == ["right"]
        time.sleep(0.1)
        assert client.models() == ["houses", "sums"]


def test_a_refusal_before_the_whole_body_was_read_is_heard(client_of):
    def refuse(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            body = b'{"error":"too much","code":"too_large"}'
            head = f"HTTP/1.1 413 Payload Too Large\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 20):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        with client_of(f"http://127.0.0.1:{listener.getsockname()[1]}") as client, pytest.raises(TooLargeError):
            client.models()
        thread.join(10)


def test_a_url_may_have_a_path_of_its_own(there, server, client_of):
    with client_of(f"{there.url}/base/") as client, pytest.raises(NotFoundError):
        client.models()
    assert server.seen[-1][1] == "/base/v1/models"


def test_over_tls_the_server_has_to_be_who_it_says(server, client_of, tmp_path):
    certificate, key = self_signed(tmp_path)
    with Listening(server, certificate=certificate, key=key) as there:
        with client_of(there.url, tls=ssl.create_default_context(cafile=certificate)) as client:
            for _ in range(3):
                assert client.predict("sums", {"a": 1.0, "b": 2.0}).values.tolist() == [5.0]
        with client_of(there.url, retries=0) as client, pytest.raises(UnavailableError, match="certificate"):
            client.models()


def test_a_client_outlives_its_event_loop(there):
    client = AsyncClient(there.url)
    for _ in range(2):
        assert asyncio.run(client.models()) == ["houses", "sums"]
    asyncio.run(client.close())


def test_where_nothing_listens_the_error_names_the_address(client_of):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with client_of(url, retries=1) as client:
        assert not client.ready()
        with pytest.raises(UnavailableError, match=url) as caught:
            client.predict("sums", {"a": 1.0})
        assert caught.value.request_id


def test_a_client_is_used_from_many_threads(there):
    with Client(there.url) as client:
        said = {}

        def ask(number):
            said[number] = client.predict("sums", {"a": float(number), "b": 0.0}).values.tolist()

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == {number: [float(number)] for number in range(8)}


def test_many_tasks_ask_at_once(there):
    async def ask():
        async with AsyncClient(there.url) as client:
            asked = [client.predict("sums", {"a": float(number), "b": 0.0}) for number in range(8)]
            return [prediction.values.tolist() for prediction in await asyncio.gather(*asked)]

    assert asyncio.run(ask()) == [[float(number)] for number in range(8)]


def test_a_cancelled_task_leaves_the_client_usable(there, server):
    async def ask():
        async with AsyncClient(there.url) as client:
            await client.predict("sums", {"a": 1.0, "b": 2.0})
            server.before = [drip]
            task = asyncio.create_task(client.predict("sums", {"a": 1.0, "b": 2.0}))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return (await client.predict("sums", {"a": 1.0, "b": 2.0})).values.tolist()

    assert asyncio.run(ask()) == [5.0]


KEY = "glv_of_the_client_tests"


@pytest.fixture(scope="module")
def golive_url(tmp_path_factory):
    """Give the address of a real server of two models that wants a key and takes 500 rows at once."""
    state = tmp_path_factory.mktemp("client") / "state"
    placed, traffic = [], []
    for name, task in (("priced", "regression"), ("sells", "classification")):
        bundle, _ = keep(state / "store", name=name, task=task)
        placed.append(Placed(name, 1, bundle.digest))
        traffic.append(Route(name, (Share(1, 1.0),)))
    order = SupervisorOrder(
        state=str(state),
        port=0,
        admin_port=0,
        workers=1,
        ledger=False,
        placed=tuple(placed),
        traffic=tuple(traffic),
        max_rows=500,
        drain_s=2.0,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLIVE_API_KEY", KEY)
        running = start_supervisor(order, detach=True, log=state / "run" / "supervisor.log", timeout_s=60)
        yield running.url
        stop(state, timeout_s=20)


def said_in_json(url, model, rows):
    """Ask the same of the v1 route."""
    answer = httpx.post(f"{url}/v1/models/{model}:predict", json={"instances": rows}, headers={"x-api-key": KEY})
    return answer.json()


FRAME = pd.DataFrame(
    {
        "garden": pd.array([True, False, None, True], dtype="boolean"),
        "area": [120.5, 80.0, 61.25, 1e-3],
        "rooms": [4, np.nan, 2, 1],
        "sold": ["2011-07-25", "2009-01-02T13:00:00", "2010-12-31", "2024-02-29"],
        "hood": ["north", "Atlantis", None, "20"],
    }
)


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        [[row[field.name] for field in INPUTS] for row in ROWS],
        {field.name: [row[field.name] for row in ROWS] for field in INPUTS},
        FRAME,
        FRAME.assign(sold=pd.to_datetime(FRAME["sold"], format="ISO8601")),
        FRAME.astype({"rooms": "Int64", "hood": "category"}),
        FRAME[[field.name for field in INPUTS]].to_numpy(),
    ],
    ids=["dicts", "lists", "columns", "frame", "dates", "extension types", "array"],
)
def test_golive_answers_every_form_of_a_table_as_it_answers_json(golive_url, client_of, data):
    with client_of(golive_url, api_key=KEY) as client:
        for model in ("priced", "sells"):
            told, prediction = said_in_json(golive_url, model, ROWS), client.predict(model, data)
            assert list(prediction.values) == told["predictions"]
            assert (prediction.model, prediction.version) == (model, "1")
            if model == "sells":
                assert prediction.probabilities.tolist() == told["probabilities"]
                assert isinstance(prediction.values, list)


def test_golive_answers_the_other_questions(golive_url, client_of):
    with client_of(golive_url, api_key=KEY) as client:
        assert client.live()
        assert client.ready()
        assert sorted(client.models()) == ["priced", "sells"]
        assert [spec.name for spec in client.metadata("priced").inputs] == [field.name for field in INPUTS]
        assert client.predict("priced", ROWS, timings=True).timings["compute"] > 0


def test_golive_is_asked_in_bytes(golive_url):
    with Client(golive_url, api_key=KEY) as client:
        extensions = httpx.get(f"{golive_url}/v2", headers={"x-api-key": KEY}).json()["extensions"]
        assert "binary_tensor_data" in extensions
        assert client.predict("priced", ROWS[0]).outputs["predict"].shape == (1, 1)


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"area": None}, InvalidRowError, "$.inputs[0].area"),
        ({"area": "wide"}, RequestError, "area[0]"),
        ({"rooms": 2.5}, RequestError, "rooms[0]"),
        ({"garden": "yes"}, RequestError, "garden[0]"),
        ({"aera": 1.0}, RequestError, "aera"),
    ],
)
def test_what_golive_refuses_is_the_same_error_here(golive_url, client_of, change, kind, field):
    with client_of(golive_url, api_key=KEY) as client, pytest.raises(kind) as caught:
        client.predict("priced", {**ROWS[0], **change})
    assert caught.value.field == field
    assert "aera" in change or caught.value.request_id


def test_golives_refusals_have_their_classes(golive_url, client_of):
    with client_of(golive_url, api_key=KEY) as client:
        with pytest.raises(NotFoundError, match="served are"):
            client.predict("nothing", ROWS)
        with pytest.raises(NotFoundError):
            client.predict("priced", ROWS, version=7)
        with pytest.raises(TooLargeError, match=r"501 rows.*batch_rows="):
            client.predict("priced", [ROWS[0]] * 501)
        assert len(client.predict("priced", [ROWS[0]] * 1201, batch_rows=500)) == 1201
    with client_of(golive_url, api_key="another") as stranger, pytest.raises(DeniedError):
        stranger.predict("priced", ROWS)


VALUES = {
    "area": st.floats(-1e9, 1e9) | st.integers(-(2**40), 2**40),
    "rooms": st.none() | st.integers(-(2**40), 2**40) | st.just(3.0),
    "sold": st.datetimes().map(lambda at: at.isoformat()),
    "hood": st.none()
    | st.sampled_from(["north", "20"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "garden": st.none() | st.booleans(),
}


@given(rows=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_any_table_gives_the_same_values_in_bytes_and_in_json(golive_url, rows):
    with Client(golive_url, api_key=KEY) as client:
        told, prediction = said_in_json(golive_url, "priced", rows), client.predict("priced", rows)
    assert prediction.values.tolist() == told["predictions"]
