"""The gRPC server over real sockets: an independent client (grpcio) speaks to it."""

import asyncio
import concurrent.futures
import contextlib
import subprocess
import threading
import time

import grpc
import numpy as np
import pytest
from grpc_server import ROWS, Caller, GrpcServer

from golive.serving.grpc.server import GrpcConfig

KEY = b"let-me-in"


@pytest.fixture
def serving(running):
    def start(**kwargs):
        lanes = running()
        lanes.sock.close()
        return GrpcServer(lanes.board, **kwargs)

    return start


@pytest.fixture
def call(serving):
    with serving() as server, server.channel() as caller:
        caller.server = server
        yield caller


def probabilities(answer):
    return np.frombuffer(answer.raw_output_contents[1], "<f8").reshape(-1, 3)


def test_raw_tensors_are_answered_with_raw_tensors(call):
    answer, _ = call.infer(call.request(id="42"))
    expected = call.server.board.find("iris").road.rows(ROWS)
    assert (answer.model_name, answer.model_version, answer.id) == ("iris", "1", "42")
    assert [(each.name, each.datatype, list(each.shape)) for each in answer.outputs] == [
        ("predict", "INT64", [2, 1]),
        ("probabilities", "FP64", [2, 3]),
    ]
    assert np.array_equal(probabilities(answer), expected)
    assert np.frombuffer(answer.raw_output_contents[0], "<i8").tolist() == expected.argmax(axis=1).tolist()


def test_typed_tensors_are_answered_with_typed_tensors(call):
    answer, _ = call.infer(call.request(raw=False))
    expected = call.server.board.find("iris").road.rows(ROWS)
    assert not answer.raw_output_contents
    assert list(answer.outputs[0].contents.int64_contents) == expected.argmax(axis=1).tolist()
    assert list(answer.outputs[1].contents.fp64_contents) == expected.ravel().tolist()


def test_a_version_that_is_asked_for_answers_and_is_named(call):
    answer, about = call.infer(call.request(model_version="2"), metadata=[("x-request-id", "mine-7")])
    assert answer.model_version == "2"
    assert ("x-model-version", "2") in about.trailing_metadata()
    assert ("x-request-id", "mine-7") in about.initial_metadata()


def test_a_thousand_calls_at_a_time_on_one_channel_each_get_their_own_answer(call):
    path = "/inference.GRPCInferenceService/ModelInfer"
    stub = call.method(path, None, "inference.ModelInferResponse")
    rows = [[index / 100, 1.0, 2.0, 3.0] for index in range(1000)]
    # A session is called from one thread at a time: before the server's has anything to do.
    expected = call.server.board.find("iris").road.rows(rows)
    waiting = [stub.future(call.request([row], id=str(index)), timeout=20) for index, row in enumerate(rows)]
    for index, each in enumerate(waiting):
        answer = each.result()
        assert answer.id == str(index)
        assert np.allclose(probabilities(answer), expected[index], rtol=1e-12, atol=0)


def test_a_stream_of_requests_is_answered_in_order_and_outlives_a_wrong_one(call):
    talk = call.channel.stream_stream(
        "/inference.GRPCInferenceService/ModelStreamInfer",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=call.messages["inference.ModelStreamInferResponse"].FromString,
    )
    requests = [call.request(id="1"), call.request(model_name="nothing"), call.request(id="3", raw=False)]
    first, second, third = talk(iter(requests), timeout=10)
    assert [each.infer_response.id for each in (first, second, third)] == ["1", "", "3"]
    assert [each.error_message[:24] for each in (first, second, third)] == ["", "there is no model 'nothi", ""]


@pytest.mark.parametrize("count", [17, 300, 1000])
def test_many_rows_fill_many_frames_and_windows_in_both_directions(call, count):
    rows = np.random.default_rng(7).normal(size=(count, 4))
    answer, _ = call.infer(call.request(rows.tolist()))
    assert np.array_equal(probabilities(answer), call.server.board.find("iris").road.rows(rows.tolist()))


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_are_read(call, compression):
    rows = [[1.0, 2.0, 3.0, 4.0]] * 200
    answer, _ = call.infer(call.request(rows), compression=compression)
    assert answer.outputs[0].shape == [200, 1]


def test_the_server_and_its_models_describe_themselves(call):
    assert call("ServerLive").live
    assert call("ServerReady").ready
    assert call("ModelReady", name="iris", version="2").ready
    assert not call("ModelReady", name="nothing").ready
    about = call("ServerMetadata")
    assert (about.name, about.version, "statistics" in about.extensions) == ("test", "1", True)
    model = call("ModelMetadata", name="houses")
    assert [(each.name, each.datatype, list(each.shape)) for each in model.inputs] == [
        ("area", "FP64", [-1, 1]),
        ("year_built", "INT64", [-1, 1]),
        ("pool", "BOOL", [-1, 1]),
        ("zone", "BYTES", [-1, 1]),
    ]
    assert list(call("ModelMetadata", name="iris").versions) == ["1", "2"]
    config = call("ModelConfig", name="houses").config
    assert [(each.name, each.data_type, list(each.dims), each.optional) for each in config.input][-1] == (
        "zone",
        13,
        [1],
        True,
    )
    assert config.max_batch_size == 1000
    index = {(each.name, each.version): each.state for each in call("RepositoryIndex").models}
    assert index.keys() == {(name, str(version)) for name, version in call.server.board.lanes}
    assert set(index.values()) == {"READY"}


def test_the_statistics_count_what_was_answered_and_refused(call):
    call.infer(call.request())
    call.refusal(call.request([[1.0, 2.0, 3.0, float("inf")]]))
    (stats,) = call("ModelStatistics", name="iris", version="1").model_stats
    assert (stats.inference_count, stats.inference_stats.success.count, stats.inference_stats.fail.count) == (2, 1, 1)
    assert stats.inference_stats.compute_infer.ns > 0
    assert len(call("ModelStatistics").model_stats) == len(call.server.board.lanes)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"model_name": "nothing"}, grpc.StatusCode.NOT_FOUND, "there is no model 'nothing'"),
        ({"model_version": "9"}, grpc.StatusCode.NOT_FOUND, "no version '9'"),
        ({"model_version": "x"}, grpc.StatusCode.NOT_FOUND, "no version 'x'"),
        ({"outputs": [{"name": "nought"}]}, grpc.StatusCode.INVALID_ARGUMENT, "there is no output 'nought'"),
    ],
)
def test_a_wrong_request_is_refused_with_the_status_and_the_reason(call, change, code, words):
    error = call.refusal(call.request(**change))
    assert error.code() is code
    assert words in error.details()


def test_a_refused_value_says_where_it_is_and_its_stable_code(call):
    error = call.refusal(call.request([[1.0, 2.0, 3.0, float("nan")]]))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "petal_width" in error.details()
    assert ("x-error-code", "invalid_row") in error.trailing_metadata()


def test_a_message_over_the_limit_is_refused_before_it_has_come(call):
    error = call.refusal(call.request([[1.0] * 4] * 5000))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "limit of 50000 bytes" in error.details()
    assert call("ServerLive").live


def test_bytes_that_are_no_message_are_refused(call):
    stub = call.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    for body in (b"", b"\xff" * 30, b"\x0a\x04iris\x2a\xff\xff\xff\xff\x0f"):
        with pytest.raises(grpc.RpcError) as caught:
            stub(body, timeout=10)
        assert caught.value.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}


def test_an_unknown_method_is_unimplemented_and_loading_belongs_to_the_administration(call):
    with pytest.raises(grpc.RpcError) as caught:
        call.channel.unary_unary("/inference.GRPCInferenceService/Nothing")(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as caught:
        call("RepositoryModelLoad", model_name="iris")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_without_a_key_only_the_health_is_told(serving):
    def caller(told):
        keys = {told.get(b"x-api-key"), told.get(b"authorization", b"").removeprefix(b"Bearer ")}
        return "a" if KEY in keys else None

    with serving(caller=caller) as server, server.channel() as call:
        assert call("ServerLive").live
        error = call.refusal(call.request())
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.RpcError):
            call("ModelMetadata", name="iris")
        for header in (("x-api-key", KEY.decode()), ("authorization", f"Bearer {KEY.decode()}")):
            assert call.infer(call.request(), metadata=[header])[0].model_name == "iris"


def test_health_can_be_checked_and_watched(serving):
    with serving() as server, server.channel() as call:
        path, answer = "/grpc.health.v1.Health/Check", "grpc.health.v1.HealthCheckResponse"
        request = call.messages["grpc.health.v1.HealthCheckRequest"]
        check = call.method(path, request, answer)
        assert check(request(), timeout=10).status == 1
        assert check(request(service="inference.GRPCInferenceService"), timeout=10).status == 1
        with pytest.raises(grpc.RpcError) as caught:
            check(request(service="nothing"), timeout=10)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = call.channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=call.messages[answer].FromString,
        )(request(), timeout=10)
        assert next(watch).status == 1
        server.ready = False
        assert next(watch).status == 2
        watch.cancel()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_the_services_and_gives_their_files(call, version):
    package = f"grpc.reflection.{version}"
    request, answer = (call.messages[f"{package}.ServerReflection{kind}"] for kind in ("Request", "Response"))
    talk = call.channel.stream_stream(
        f"/{package}.ServerReflection/ServerReflectionInfo",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    questions = [
        request(list_services="*"),
        request(file_containing_symbol="inference.GRPCInferenceService"),
        request(file_by_filename="nothing.proto"),
    ]
    services, file, missing = talk(iter(questions), timeout=10)
    assert "inference.GRPCInferenceService" in [each.name for each in services.list_services_response.service]
    assert b"ModelInferRequest" in file.file_descriptor_response.file_descriptor_proto[0]
    assert missing.error_response.error_code == 5


def held(futures):
    """A handler whose answer never comes by itself."""

    def handler(body, ask):
        futures.append((asyncio.get_running_loop().create_future(), ask))
        return futures[-1][0]

    return handler


def eventually(holds):
    until = time.monotonic() + 5
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def test_a_cancelled_call_cancels_its_work(serving):
    futures = []
    with serving(calls={b" iris": held(futures)}) as server, server.channel() as call:
        stub = call.method("/inference.GRPCInferenceService/ModelInfer", None, "inference.ModelInferResponse")
        waiting = stub.future(call.request(), timeout=10)
        assert eventually(lambda: len(futures) == 1)
        waiting.cancel()
        assert eventually(futures[0][0].cancelled)


def test_a_lost_connection_cancels_its_work(serving):
    futures = []
    with serving(calls={b" iris": held(futures)}) as server:
        with server.channel() as call:
            stub = call.method("/inference.GRPCInferenceService/ModelInfer", None, "inference.ModelInferResponse")
            waiting = stub.future(call.request(), timeout=10)
            assert eventually(lambda: len(futures) == 1)
        assert eventually(futures[0][0].cancelled)
        assert waiting.cancelled() or waiting.exception() is not None


def test_the_deadline_of_a_call_reaches_the_lane_and_ends_the_work(serving):
    futures = []
    with serving(calls={b" iris": held(futures)}) as server, server.channel() as call:
        error = call.refusal(call.request(), timeout=0.3)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert 1 <= int(futures[0][1].headers[b"x-request-timeout-ms"]) <= 1000  # the client rounds up
        assert eventually(futures[0][0].cancelled)


def test_an_answer_that_comes_later_is_sent_when_it_comes(serving):
    futures = []
    with serving(calls={b" iris": held(futures)}) as server, server.channel() as call:
        stub = call.method("/inference.GRPCInferenceService/ModelInfer", None, "inference.ModelInferResponse")
        waiting = stub.future(call.request(), timeout=10)
        assert eventually(lambda: len(futures) == 1)
        body = call.messages["inference.ModelInferResponse"](model_name="later").SerializeToString()
        server.loop.call_soon_threadsafe(futures[0][0].set_result, (200, b"", body))
        assert waiting.result().model_name == "later"


def test_a_stop_answers_what_is_under_way_and_loses_no_call(serving):
    futures = []
    with serving(calls={b" houses": held(futures)}) as server, server.channel() as call:
        stub = call.method("/inference.GRPCInferenceService/ModelInfer", None, "inference.ModelInferResponse")
        waiting = stub.future(call.request(model_name="houses"), timeout=10)
        assert eventually(lambda: len(futures) == 1)
        server.ask_to_stop()
        time.sleep(0.1)
        body = call.messages["inference.ModelInferResponse"](model_name="last").SerializeToString()
        server.loop.call_soon_threadsafe(futures[0][0].set_result, (200, b"", body))
        assert waiting.result().model_name == "last"


def test_calls_move_to_the_next_generation_without_an_error(running, serving):
    """Two servers take turns on one inherited socket, as the generations of workers do."""
    first, second = serving(), serving()
    second.sock.close()
    second.sock, second.address = first.sock.dup(), first.address
    done, failures = threading.Event(), []

    def ask(call):
        answers = 0
        while not done.is_set():
            try:
                call.infer(call.request())
                answers += 1
            except grpc.RpcError as error:
                failures.append(error)
        return answers

    with concurrent.futures.ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as stack:
        first.__enter__()
        asking = [pool.submit(ask, stack.enter_context(first.channel(options=[("own", index)]))) for index in range(4)]
        time.sleep(0.3)
        with second:
            first.__exit__()
            time.sleep(0.3)
            done.set()
            answers = [each.result() for each in asking]
    assert not failures
    assert min(answers) > 0


def test_tls_is_spoken_with_the_alpn_name_of_http2(serving, tmp_path):
    certificate, key = self_signed(tmp_path)
    config = GrpcConfig(drain_s=0.5, tls_certificate=str(certificate), tls_key=str(key))
    with serving(config=config) as server:
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        options = [("grpc.ssl_target_name_override", "localhost")]
        with grpc.secure_channel(server.address, credentials, options=options) as channel:
            assert Caller(channel, server.messages)("ServerLive").live


def self_signed(folder):
    certificate, key = folder / "cert.pem", folder / "key.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *kind, *name, *files], check=True, capture_output=True)
    return certificate, key
