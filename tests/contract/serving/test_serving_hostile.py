"""What an attacker sends is refused or cut off, takes nothing from others, and the next honest request is answered.

Many of these were found in other model servers: what happened there is sent here again, and must end well.
"""

import gzip
import os
import pickle
import random
import re
import socket
import time
import zlib

import orjson
import pytest

from golive.serving.server import ServerConfig

FLOWER = b'{"features": [[5.1, 3.5, 1.4, 0.2]]}'
KEY = b"x-api-key: good"


def post(body=FLOWER, path=b"/predict/iris", *headers):
    lines = [b"POST %b HTTP/1.1" % path, b"host: x", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def last(body=FLOWER, path=b"/predict/iris", *headers):
    """A request whose answer ends the connection, so that nobody waits for more."""
    return post(body, path, b"connection: close", *headers)


def everything(server, data, *, more=b"", wait_s=0.4):
    """Send bytes, perhaps in two pieces, and give all that comes back until it is silent or closed."""
    found = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait_s) as sock:
        try:
            sock.sendall(data)
            if more:
                time.sleep(0.05)
                sock.sendall(more)
            while part := sock.recv(1 << 16):
                found += part
        except TimeoutError:
            return found, False
        except OSError:
            pass
    return found, True


def statuses(found):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", found)]


def is_well(server):
    with server.wire() as wire:
        wire.send(post())
        return wire.reply()[0] == 200


@pytest.fixture
def keyed(running):
    def authorize(authorization, api_key):
        return "me" if api_key == b"good" or authorization == b"Bearer good" else None

    with running(ServerConfig(authorize=authorize, drain_s=0.2)) as server:
        yield server


SMUGGLED = b"POST /predict/iris HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "data",
    [
        SMUGGLED + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        SMUGGLED + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        SMUGGLED + b"content-length: 36\r\ncontent-length: 37\r\n\r\n" + FLOWER,
        SMUGGLED + b"content-length: 36\r\ncontent-length: 36\r\n\r\n" + FLOWER,
        SMUGGLED + b"content-length: 36, 36\r\n\r\n" + FLOWER,
        SMUGGLED + b"content-length: +36\r\n\r\n" + FLOWER,
        SMUGGLED + b"content-length: -1\r\n\r\n",
        SMUGGLED + b"content-length: 0x24\r\n\r\n" + FLOWER,
        SMUGGLED + b"content-length: 3 6\r\n\r\n" + FLOWER,
        SMUGGLED + b"content-length: 1_0\r\n\r\n" + b"a" * 10,
        SMUGGLED + b"content-length: \r\n\r\n",
        SMUGGLED + b"content-length : 36\r\n\r\n" + FLOWER,
        SMUGGLED + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        SMUGGLED + b"transfer-encoding: identity\r\n\r\n",
        SMUGGLED + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        SMUGGLED + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        SMUGGLED + b"transfer-encoding: chunked\r\n\r\n0x24\r\n" + FLOWER + b"\r\n0\r\n\r\n",
        SMUGGLED + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n\r\n",
        SMUGGLED + b"transfer-encoding: chunked\r\n\r\n24\n" + FLOWER + b"\n0\n\n",
        SMUGGLED + b"transfer-encoding: chunked\r\n\r\n24\r\n" + FLOWER + b"XX0\r\n\r\n",
        SMUGGLED + b" folded: 1\r\n\r\n",
        SMUGGLED + b"a: b\r\n\tc\r\n\r\n",
        SMUGGLED.replace(b"\r\n", b"\n") + b"content-length: 36\n\n" + FLOWER,
        SMUGGLED + b"a\x00b: c\r\n\r\n",
        SMUGGLED + b"a: b\x00c\r\n\r\n",
        SMUGGLED + b"a\r: c\r\n\r\n",
        SMUGGLED + b": nameless\r\n\r\n",
        b"POST /predict/iris\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /predict/iris HTTP/1.2\r\nhost: x\r\n\r\n",
        b"POST /predict/iris HTTP/2.0\r\nhost: x\r\n\r\n",
        b"POST /predict/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT inside:80 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
    ],
)
def test_a_request_that_two_servers_could_read_differently_is_refused_and_ends_its_connection(server, data):
    behind = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    found, closed = everything(server, data + behind)
    # Nothing behind it is answered: where it ends is not certain.
    assert statuses(found) in ([400], [413])
    assert closed
    assert is_well(server)


def test_a_trailer_is_no_header(keyed):
    head = b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n%b\r\n"
    chunks = b"%x\r\n%b\r\n0\r\n" % (len(FLOWER), FLOWER)
    assert statuses(everything(keyed, head % b"" + chunks + KEY + b"\r\n\r\n")[0]) == [401]
    found, _ = everything(keyed, head % (KEY + b"\r\n") + chunks + b"content-encoding: gzip\r\nx-request-id: t\r\n\r\n")
    assert statuses(found) == [200]
    assert b"x-request-id: t\r\n" not in found


@pytest.mark.parametrize(
    "beside", [b"x-a: " + b"b" * 1000 + b"\r\n", b"x-a: b\r\n", b"a" * 4096], ids=["long", "many", "one"]
)
def test_trailers_without_end_are_cut_off(server, beside):
    with server.wire() as wire:
        wire.send(b"POST /predict/iris HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        with pytest.raises(OSError):  # noqa: PT012  it is not known how soon
            for _ in range(3000):
                wire.send(beside * (20_000 // len(beside)))
                time.sleep(0.001)
    assert is_well(server)


def test_a_request_to_go_on_in_another_protocol_is_answered_in_this_one(server):
    """The parser takes such a head for the whole request: what is in its body must not become a request."""
    inner = b"GET /v2/models/iris HTTP/1.1\r\nhost: x\r\n\r\n"
    for kind in (b"h2c", b"websocket", b"anything"):
        head = post(inner, b"/predict/iris", b"connection: Upgrade, HTTP2-Settings", b"upgrade: " + kind)
        head = head.removesuffix(inner)
        for first, second in ((head + inner, b""), (head, inner), (head[:40], head[40:] + inner)):
            assert statuses(everything(server, first, more=second)[0]) == [400]
        asking = post(FLOWER, b"/predict/iris", b"connection: upgrade", b"upgrade: " + kind)
        assert statuses(everything(server, asking + last())[0]) == [200, 200]


@pytest.mark.parametrize("path", [b"/predict/large", b"/predict/large?a=1"], ids=["hot", "ordinary"])
@pytest.mark.parametrize(
    "behind",
    [
        b"garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\na: " + b"b" * 100_000,
        b"POST /predict/iris HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    ],
    ids=["garbage", "a head without end", "a length that is none"],
)
def test_what_is_wrong_behind_an_unanswered_request_is_not_told_as_its_answer(running, path, behind):
    with running(ServerConfig(drain_s=0.2)) as server:
        server.gate.opened.clear()
        data = post(FLOWER, path)
        found, _ = everything(server, data, more=behind)
        server.gate.opened.set()
        assert 400 not in statuses(found)
        assert 431 not in statuses(found)
        assert is_well(server)


PATHS = [
    b"/predict",
    b"/predict/iris",
    b"//predict/iris",
    b"/predict//iris",
    b"/health/../predict/iris",
    b"/./predict/iris",
    b"/predict/iris/",
    b"/predict/iris;health",
    b"/health;/predict/iris",
    b"/docs/../predict/iris",
    b"/%70redict/iris",
    b"/predict%2firis",
    b"/health%2f..%2fpredict%2firis",
    b"/PREDICT/iris",
    b"/predict/iris?a=/health",
    b"/predict/iris%3f",
    b"/predict/iris%00",
    b"http://localhost/predict/iris",
    b"http://localhost/health/../predict/iris",
    b"/v1/models/iris:predict",
    b"/v2/models/iris/infer",
    b"/invocations",
    b"/openapi.json",
    b"/v2/models/iris",
    b"/v1/models",
    b"\\predict\\iris",
    b"/health\\..\\predict\\iris",
    b"*",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", [b"x", b"x/predict/iris?", b"x/predict/iris#", b"[", b""], ids=str)
def test_no_way_of_writing_a_path_goes_round_the_key(keyed, path, host):
    for method in (b"POST", b"GET", b"PUT"):
        data = last(FLOWER, path).replace(b"host: x", b"host: " + host).replace(b"POST", method, 1)
        found, _ = everything(keyed, data)
        assert set(statuses(found)) <= {400, 401, 404, 405}, found
        assert b"predictions" not in found
        assert b"sepal" not in found


def test_a_request_behind_one_with_a_key_needs_its_own(keyed):
    with keyed.wire() as wire:
        for _ in range(3):
            wire.send(post(FLOWER, b"/predict/iris", KEY))
            assert wire.reply()[0] == 200
            wire.send(post())
            assert wire.reply()[0] == 401
        wire.send(post(FLOWER, b"/predict/iris", KEY) + post() + post(FLOWER, b"/predict/iris", KEY))
        assert [wire.reply()[0] for _ in range(3)] == [200, 401, 200]


NAMES = [
    b"..",
    b"../../etc/passwd",
    b"..\\..\\etc",
    b"%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    b"%252e%252e%252fetc",
    b"..%5c..%5cetc",
    b"/etc/passwd",
    b"file:%2f%2f%2fetc%2fpasswd",
    b"iris%00.onnx",
    b"iris%0d%0aset-cookie:%20a=b",
    b"%c0%ae%c0%ae/etc",
    b"C:%5cwindows",
    b"~root",
    b"$(id)",
    b"a" * 5000,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_looked_up_and_never_joined_to_a_path(server, name):
    for path in (
        b"/predict/%b",
        b"/v1/models/%b:predict",
        b"/v1/models/%b",
        b"/v2/models/%b/infer",
        b"/v2/models/%b",
        b"/v2/models/iris/versions/%b/infer",
        b"/v2/models/iris/versions/%b",
        b"/v2/repository/models/%b/load",
    ):
        for method in (b"POST", b"GET"):
            found, _ = everything(server, last(FLOWER, path % name).replace(b"POST", method, 1))
            assert set(statuses(found)) <= {400, 404, 405, 501}, found[:300]
            assert b"root:x:0" not in found
            assert b"\r\nset-cookie" not in found.lower()
            assert b"Traceback" not in found


def test_a_path_is_decoded_once(server):
    assert statuses(everything(server, last(FLOWER, b"/predict/%69ris"))[0]) == [200]
    assert statuses(everything(server, last(FLOWER, b"/predict/%2569ris"))[0]) == [404]


class Trap:
    """What runs when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "kind",
    [
        b"application/vnd.bentoml+pickle",
        b"application/octet-stream",
        b"application/python-pickle",
        b"application/json",
        b"",
    ],
)
def test_a_pickle_is_never_read(server, tmp_path, kind):
    trap = tmp_path / "sprung"
    for body in (pickle.dumps(Trap(trap)), pickle.dumps([[5.1, 3.5, 1.4, 0.2]])):
        for path in (b"/predict/iris", b"/v1/models/iris:predict", b"/v2/models/iris/infer", b"/invocations"):
            found, _ = everything(
                server, post(body, path, b"content-type: " + kind, b"payload-container: ndarray"), wait_s=0.1
            )
            assert set(statuses(found)) <= {400, 404, 415}
    assert not trap.exists()


@pytest.mark.parametrize(
    "path",
    [
        b"/v2/systemsharedmemory/region/a/register",
        b"/v2/cudasharedmemory/region/a/register",
        b"/v2/models/iris/systemsharedmemory/status",
        b"/models?url=http://127.0.0.1/model.mar",
        b"/models",
        b"/api/jobs/",
        b"/apply",
        b"/observed",
        b"/admin",
        b"/v2/logging",
        b"/v2/trace/setting",
        b"/v1/models/iris/load",
        b"/workflows/register",
        b"/upload",
        b"/metrics",
        b"/debug/pprof",
    ],
)
def test_what_others_were_taken_over_by_is_not_here(server, path):
    for method in (b"POST", b"GET", b"PUT", b"DELETE"):
        body = b'{"key": "/triton_python_backend_shm", "offset": 0, "byte_size": 64, "entrypoint": "id"}'
        found, _ = everything(server, last(body, path).replace(b"POST", method, 1))
        assert set(statuses(found)) <= {400, 404, 405, 501}, found


def test_nothing_that_is_sent_is_fetched(server):
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(0.3)
        url = b"http://127.0.0.1:%d/model" % bait.getsockname()[1]
        house = b'{"instances": [{"area": 2.0, "year_built": 2000, "pool": true, "zone": "%b"}]}' % url
        assert statuses(everything(server, last(house, b"/v1/models/houses:predict"))[0]) == [200]
        for path in (b"/predict/%b" % url, b"/v2/repository/models/x/load", url, b"/models?url=" + url):
            body = b'{"parameters": {"config": "%b", "file:1/model.onnx": "%b"}, "url": "%b"}' % (url, url, url)
            everything(server, last(body, path, b"referer: " + url, b"x-forwarded-host: " + url))
        with pytest.raises(TimeoutError):
            bait.accept()


def test_an_error_tells_nothing_from_inside(running):
    with running() as server, server.client() as client:
        server.gate._session = None
        answer = client.post("/predict/large", content=FLOWER)
        assert answer.status_code == 500
        for word in ("NoneType", "Traceback", "/", "line ", ".py", "5.1"):
            assert word not in answer.json()["error"]


@pytest.mark.parametrize(
    "path", [b"/predict/iris", b"/v1/models/iris:predict", b"/v2/models/iris/infer", b"/invocations"]
)
def test_a_refused_value_is_not_sent_back_at_length(server, path):
    secret = b"4929123412341234" * 4000
    body = b'{"features": [["%b"]], "instances": [{"sepal_length": "%b"}], "inputs": "%b"}' % (secret, secret, secret)
    found, _ = everything(server, last(body, path))
    assert 400 <= statuses(found)[0] < 500
    assert len(found) < 2000


def test_a_boundary_of_great_length_costs_nothing(server):
    began = time.process_time()
    kind = b"content-type: multipart/form-data; boundary=" + b"-" * 8000
    body = (b"--" + b"-" * 8000 + b"\r\n") * 5
    found, _ = everything(server, last(body, b"/invocations", kind))
    assert statuses(found) in ([400], [404], [415])
    assert time.process_time() - began < 2
    assert is_well(server)


BOMB = gzip.compress(b" " * 60_000_000, 9)


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b"deflate"])
def test_bombs_are_refused_at_the_limit(running, encoding):
    bomb = zlib.compress(b" " * 60_000_000, 9) if encoding == b"deflate" else BOMB
    with running(ServerConfig(drain_s=0.2, max_body_bytes=2**20)) as server:
        wires = [server.wire() for _ in range(8)]
        for wire in wires:
            wire.send(post(bomb, b"/predict/iris", b"content-encoding: " + encoding))
        assert is_well(server)
        for wire in wires:
            assert wire.reply()[0] == 413
            wire.sock.close()


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(FLOWER, mtime=0) + b"more",
        gzip.compress(FLOWER, mtime=0) * 2,
        gzip.compress(gzip.compress(FLOWER, mtime=0), mtime=0),
        b"\x1f\x8b\x08" + bytes(20),
    ],
    ids=["something behind", "twice", "within another", "only its beginning"],
)
def test_compressed_bodies_that_can_be_read_in_two_ways_are_400(server, body):
    assert statuses(everything(server, last(body, b"/predict/iris", b"content-encoding: gzip"))[0])[0] == 400


def test_many_headers_are_431_and_a_long_path_is_refused(server):
    many = b"".join(b"x-%d: %d\r\n" % (index, index) for index in range(20_000))
    for data in (
        b"POST /predict/iris HTTP/1.1\r\nhost: x\r\n" + many + b"content-length: 2\r\n\r\n{}",
        b"POST /predict/" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    ):
        assert set(statuses(everything(server, data)[0])) <= {400, 431}
    assert is_well(server)


def test_many_idle_and_half_sent_connections_leave_room_for_an_honest_one(server):
    crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
    for index, sock in enumerate(crowd):
        sock.sendall(post()[: index % 100])
    assert is_well(server)
    for sock in crowd:
        sock.close()


def test_readers_that_do_not_read_their_long_answers_keep_nobody_waiting(running):
    with running(ServerConfig(drain_s=0.2)) as server:
        rows = b",".join([b"[5.1, 3.5, 1.4, 0.2]"] * 10_000)
        crowd = [server.wire() for _ in range(6)]
        for wire in crowd:
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.send(post(b'{"features": [' + rows + b"]}"))
        for _ in range(5):
            assert is_well(server)
        for wire in crowd:
            wire.sock.close()
        assert is_well(server)


def test_a_flood_of_requests_in_one_piece_is_answered_in_order_or_cut(server):
    flood = b"GET /health HTTP/1.1\r\n\r\n" * 5000 + last()
    found, _ = everything(server, flood, wait_s=3.0)
    assert set(statuses(found)) <= {200}
    assert is_well(server)


def _random_request(chance):
    path = chance.choice(
        [b"/predict/iris", b"/v1/models/iris:predict", b"/predict/houses", b"/v2/models/iris/infer", b"/predict/none"]
    )
    body = chance.choice(
        [
            FLOWER,
            b'{"features": [[6.7, 3.1, 5.6, 2.4]]}',
            b'{"instances": [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]}',
            b'{"inputs": [{"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}',
            b'{"features": [[1, 2]]}',
            b"{",
            b"",
            b'{"features": [[120.0, 1999, true, "north"]]}',
        ]
    )
    headers = chance.sample(
        [b"accept: */*", b"user-agent: a", b"content-type: application/json", b"X-Other: 1"], chance.randrange(3)
    )
    return path, body, headers


def test_a_known_head_gives_the_same_bytes_as_the_parser_in_every_interleaving(running):
    chance = random.Random(11)
    with running(ServerConfig(drain_s=0.2)) as server, server.wire() as short, server.wire() as parsed:
        for _ in range(400):
            path, body, headers = _random_request(chance)
            data = post(body, path, *headers)
            cut = chance.choice([len(data), len(data), len(data), chance.randrange(1, len(data))])
            short.send(data[:cut])
            if cut < len(data):
                time.sleep(0.001)
                short.send(data[cut:])
            # A head with an id is parsed each time.
            parsed.send(post(body, path, *headers, b"x-request-id: told"))
            assert _without_id(short.reply()) == _without_id(parsed.reply())


def _without_id(reply):
    status, headers, body = reply
    told = orjson.loads(body)
    told.pop("request_id", None)
    headers = {name: value for name, value in headers.items() if name not in {"x-request-id", "content-length"}}
    return status, headers, told if status != 200 else body
