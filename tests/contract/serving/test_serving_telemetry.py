"""What a real server tells of its work: compressed answers, metrics that other programs read, spans in a collector."""

import contextlib
import gzip
import http.server
import shutil
import subprocess
import threading
import time
import zlib
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from grpc_server import Caller
from onnx import TensorProto, helper, numpy_helper
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import start_supervisor, stop
from golive.control.running.run_files import RunFolder
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.domain.signature import Field, Signature
from golive.serving.grpc.protos import Messages
from golive.store.bundles import BundleStore

ROADS = pytest.mark.parametrize("road", ["", "?a=1"], ids=["hot", "ordinary"])
LENGTHS = pytest.mark.parametrize("rows", [200, 4000], ids=["at-once", "aside"])
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED, UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01", f"00-{TRACE}-00f067aa0ba902b7-00"


def flowers(rows):
    return {"features": [[1 + i % 7, 1, 1, 1] for i in range(rows)]}


def raw(client, path, content, **headers):
    """Give the answer and its body as it was sent."""
    with client.stream("POST", path, json=content, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@ROADS
@LENGTHS
@pytest.mark.parametrize(("coding", "read"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_a_long_answer_comes_compressed_to_whoever_accepts_it(client, road, rows, coding, read):
    plain, body = raw(client, f"/predict/iris{road}", flowers(rows), **{"accept-encoding": "identity"})
    assert (plain.headers["vary"], "content-encoding" in plain.headers) == ("accept-encoding", False)
    answer, packed = raw(client, f"/predict/iris{road}", flowers(rows), **{"accept-encoding": coding})
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (coding, "accept-encoding")
    assert int(answer.headers["content-length"]) == len(packed) < len(body)
    assert read(packed) == body
    assert answer.headers["x-model-version"] == "1"


@ROADS
def test_a_model_with_a_queue_answers_compressed_too(client, road):
    answer, packed = raw(client, f"/predict/large{road}", flowers(1000), **{"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert b'"model_name":"large"' in gzip.decompress(packed)


@ROADS
def test_a_short_answer_is_never_compressed(client, road):
    answer, body = raw(client, f"/predict/iris{road}", flowers(1), **{"accept-encoding": "gzip"})
    assert ("content-encoding" in answer.headers, "vary" in answer.headers) == (False, False)
    assert body.startswith(b"{")


def test_requests_behind_a_long_answer_are_answered_in_their_order(server):
    long, short = (httpx.Request("POST", server.url, json=flowers(rows)).content for rows in (4000, 1))
    with server.wire() as wire:
        wire.send(
            b"".join(
                b"POST /predict/iris HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\nx-request-id: %d\r\n"
                b"content-length: %d\r\n\r\n%b" % (number, len(body), body)
                for number, body in enumerate((long, short, long))
            )
        )
        replies = [wire.reply() for _ in range(3)]
    assert [headers["x-request-id"] for _, headers, _ in replies] == ["0", "1", "2"]
    assert [headers.get("content-encoding") for _, headers, _ in replies] == ["gzip", None, "gzip"]
    assert gzip.decompress(replies[0][2]) == gzip.decompress(replies[2][2])


def test_the_size_of_the_json_before_binary_tensors_is_that_of_the_plain_body(client):
    request = {
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [600, 4], "data": [1.0] * 2400}],
        "parameters": {"binary_data_output": True},
    }
    plain, body = raw(client, "/v2/models/iris/infer", request, **{"accept-encoding": "identity"})
    answer, packed = raw(client, "/v2/models/iris/infer", request, **{"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == body
    size = "inference-header-content-length"
    assert answer.headers[size] == plain.headers[size]
    assert body[int(answer.headers[size]) - 1 :].startswith(b"}")


def test_a_page_is_compressed_too(client):
    answer = client.get("/openapi.json", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["openapi"].startswith("3.")


def test_open_connections_are_counted(running):
    with running() as server:
        assert server.board.snapshot().connections == 0
        with server.wire() as one, server.wire() as other:
            for wire in (one, other):
                wire.send(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
                wire.reply()
            assert server.board.snapshot().connections == 2
        assert eventually(lambda: server.board.snapshot().connections == 0)


def eventually(holds, limit_s=15.0):
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


class Collector:
    """A collector of traces that keeps the spans it is sent, or refuses all."""

    def __init__(self):
        self.spans, self.resources, self.headers, self.status = [], [], [], 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.take(self.path, dict(self.headers), body)
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def take(self, path, headers, body):
        assert path == "/v1/traces"
        self.headers.append(headers)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append({each.key: each.value.string_value for each in resource.resource.attributes})
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def requests(self):
        """Give the attributes of the server spans, by request id."""
        found = {}
        for span in self.spans:
            if span.name.startswith("predict "):
                values = {each.key: each.value for each in span.attributes}
                found[values["golive.request_id"].string_value] = span, values
        return found


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


def sums(state: Path) -> Placed:
    weights = numpy_helper.from_array(np.full((2, 1), 3.0), "W")
    body = helper.make_graph(
        [helper.make_node("MatMul", ["N", "W"], ["P"])],
        "sums",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 2])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        [weights],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()
    signature = Signature(
        inputs=tuple(Field(name=name, dtype="float64", example=1.0) for name in "ab"), task="regression", target="y"
    )
    manifest = Manifest(name="sums", signature=signature, preparation=Preparation(numbers=("a", "b")))
    bundle = BundleStore(state / "store").write(manifest, {"model.onnx": model}, created_at="2026-01-01T00:00:00Z")
    return Placed("sums", 3, bundle.digest)


@contextlib.contextmanager
def started(state, **changes):
    """Run a supervisor with one worker for one model; gives it and the client of its inference listener."""
    placed = sums(state)
    parts = {
        "state": str(state),
        "port": 0,
        "admin_port": 0,
        "workers": 1,
        "ledger": False,
        "placed": (placed,),
        "traffic": (Route("sums", (Share(3, 1.0),)),),
        "sample": 0.0,
        "drain_s": 2.0,
    }
    order = SupervisorOrder(**(parts | changes))
    server = start_supervisor(order, detach=True, log=state / "run" / "supervisor.log", timeout_s=60)
    try:
        with httpx.Client(base_url=server.url, timeout=20) as client:
            yield server, client
    finally:
        stop(state, timeout_s=20)


def predict(client, request_id, traceparent=None, rows=2, **headers):
    told = {"x-request-id": request_id} | ({"traceparent": traceparent} if traceparent else {}) | headers
    return client.post("/v1/models/sums:predict", json={"instances": [[1.0, 2.0]] * rows}, headers=told)


def test_sampled_requests_become_spans_in_the_collector_and_others_do_not(tmp_path, monkeypatch, collector):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.url}/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=blue")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "adding")
    with started(tmp_path / "state", grpc_port=0) as (_, client):
        began_ns = time.time_ns()
        answer = predict(client, "sampled", SAMPLED, tracestate="vendor=7")
        assert "traceparent" not in answer.headers
        predict(client, "unsampled", UNSAMPLED)
        predict(client, "untraced")
        predict(client, "refused", SAMPLED, rows=0)
        predict(client, "long", SAMPLED, rows=5000)
        call(RunFolder(tmp_path / "state").read().grpc, "called")
        ended_ns = time.time_ns()
        assert eventually(lambda: {"sampled", "refused", "long", "called"} <= collector.requests().keys())
    found = collector.requests()
    assert found.keys() == {"sampled", "refused", "long", "called"}
    span, values = found["sampled"]
    assert (span.name, span.kind, span.trace_id.hex(), span.parent_span_id.hex()) == (
        "predict sums",
        span.SPAN_KIND_SERVER,
        TRACE,
        "00f067aa0ba902b7",
    )
    assert span.trace_state == "vendor=7"
    assert (values["golive.model"].string_value, values["golive.version"].int_value) == ("sums", 3)
    assert (values["golive.rows"].int_value, values["http.response.status_code"].int_value) == (2, 200)
    children = [each for each in collector.spans if each.parent_span_id == span.span_id]
    assert [child.name for child in children] == ["decode", "compute", "encode"]
    times = [span.start_time_unix_nano, *(child.end_time_unix_nano for child in children)]
    assert times == sorted(times)
    assert began_ns <= times[0] <= times[-1] == span.end_time_unix_nano <= ended_ns
    refused, told = found["refused"]
    assert (told["error.type"].string_value, told["http.response.status_code"].int_value) == ("bad_request", 400)
    assert [each for each in collector.spans if each.parent_span_id == refused.span_id] == []
    assert found["long"][1]["golive.rows"].int_value == 5000
    assert found["called"][0].trace_id.hex() == TRACE
    assert {each["service.name"] for each in collector.resources} == {"adding"}
    assert {each["x-team"] for each in collector.headers} == {"blue"}


def call(target, request_id):
    messages = Messages()
    request = messages["inference.ModelInferRequest"](model_name="sums")
    request.inputs.add(name="input", datatype="FP64", shape=[1, 2])
    request.raw_input_contents.append(np.array([[1.0, 2.0]]).tobytes())
    metadata = (("traceparent", SAMPLED), ("x-request-id", request_id))
    with grpc.insecure_channel(target.removeprefix("grpc://")) as channel:
        Caller(channel, messages).infer(request, metadata=metadata)


def test_what_waits_at_the_end_is_exported_and_the_counters_say_what_was(tmp_path, monkeypatch, collector):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
    with started(tmp_path / "state") as (server, client):
        predict(client, "first", SAMPLED)
        assert eventually(lambda: samples(server)["golive_traces_total"] == 1)
        collector.status = 400
        predict(client, "second", SAMPLED)
        assert eventually(lambda: samples(server)["golive_traces_dropped_total"] == 1)
        collector.status = 200
        predict(client, "last", SAMPLED)
    assert collector.requests().keys() == {"first", "second", "last"}
    log = (tmp_path / "state" / "run" / "supervisor.log").read_text()
    assert log.count("traces do not reach their collector") == 1
    assert "Traceback" not in log


def samples(server):
    text = httpx.get(f"{server.admin_url}/metrics").text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_an_endpoint_that_is_no_url_is_named_and_predictions_are_answered(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4317")
    with started(tmp_path / "state") as (_, client):
        assert predict(client, "a", SAMPLED).json()["predictions"] == [9.0, 9.0]
    log = (tmp_path / "state" / "run" / "supervisor.log").read_text()
    assert log.count("traces are off: the OTLP endpoint 'localhost:4317' is no URL") == 1


def test_the_metrics_page_says_what_workers_take_and_the_linter_of_prometheus_accepts_it(tmp_path):
    with started(tmp_path / "state") as (server, client):
        for number in range(3):
            predict(client, f"r{number}")
        assert eventually(lambda: samples(server).get('golive_rows_total{model="sums",version="3"}') == 6)
        while (told := samples(server))["golive_workers_cpu_seconds_total"] == 0.0:
            # A fork has taken no time yet; it is counted in hundredths of a second.
            assert client.get("/v2/health/live").status_code == 200
        page = httpx.get(f"{server.admin_url}/metrics").text
        triton = httpx.get(f"{server.admin_url}/metrics/triton").text
        assert client.get("/metrics").status_code == 404
    assert (told["golive_workers"], told["golive_connections"]) == (1, 1)
    assert told["golive_workers_memory_bytes"] > 10e6
    assert 'nv_inference_count{model="sums",version="3"} 6.0' in triton.splitlines()
    assert "nv_inference" not in page
    assert {line for line in page.splitlines() if line.startswith("# TYPE")} < set(triton.splitlines())
    if tool := shutil.which("promtool"):
        done = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
