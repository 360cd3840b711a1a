"""Requests of sampled traces become spans; all others cost a look at one header."""

import threading

import pytest
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, StatusCode

from golive.domain.serving import Placed
from golive.serving.answer import Ask
from golive.serving.telemetry.otlp import SpanMaker
from golive.serving.telemetry.tracing import Context, Traced, Tracer, context_of

PLACED = Placed("iris", 3, "sha256:ab")
TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
SAMPLED = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = SAMPLED[:-1] + b"0"
TIMES = (1000, 0, 5000, 2000)


@pytest.mark.parametrize(
    ("sent", "context"),
    [
        (SAMPLED, Context(TRACE, SPAN)),
        (UNSAMPLED, Context(TRACE, SPAN)),
        (b"cc" + SAMPLED[2:] + b"-what-the-future-adds", Context(TRACE, SPAN)),
        (SAMPLED + b"-more", None),
        (SAMPLED + b"\n", None),
        (b"ff" + SAMPLED[2:], None),
        (SAMPLED.upper(), None),
        (SAMPLED[:-3], None),
        (b"00-" + b"0" * 32 + SAMPLED[35:], None),
        (SAMPLED[:36] + b"0" * 16 + b"-01", None),
        (b"", None),
    ],
)
def test_a_trace_context_is_read_as_its_specification_says(sent, context):
    assert context_of(sent) == context


def asked(traceparent, **others):
    headers = {b"traceparent": traceparent} if traceparent else {}
    return Ask("r-1", headers | {name.encode(): value for name, value in others.items()})


def exported(act, queue=8):
    """Give what a tracer exports of what ``act`` does to it, and the tracer."""
    batches = []
    tracer = Tracer(lambda batch: not batches.append(batch), queue=queue, round_s=60.0)
    act(tracer)
    tracer.close()
    return [request for batch in batches for request in batch], tracer


def test_only_what_the_caller_samples_is_traced():
    def act(tracer):
        for sent in (SAMPLED, UNSAMPLED, None, b"", b"nonsense", SAMPLED[:-2] + b"03"):
            tracer.answered(PLACED, asked(sent), 1, TIMES)

    requests, tracer = exported(act)
    assert [request.traceparent[-2:] for request in requests] == [b"01", b"03"]
    assert (tracer.sent, tracer.dropped) == (2, 0)


def test_a_full_queue_drops_and_counts():
    def act(tracer):
        for _ in range(5):
            tracer.answered(PLACED, asked(SAMPLED), 1, TIMES)

    requests, tracer = exported(act, queue=3)
    assert (len(requests), tracer.sent, tracer.dropped) == (3, 3, 2)


@pytest.mark.parametrize("fails", [lambda _: False, lambda batch: batch["nothing"]], ids=["refused", "raised"])
def test_what_the_collector_does_not_take_is_counted_and_the_thread_goes_on(fails, caplog):
    tracer = Tracer(fails, round_s=60.0)
    tracer.refused(PLACED, asked(SAMPLED), 422, "invalid_row", 1000)
    tracer.close()
    assert (tracer.sent, tracer.dropped) == (0, 1)
    assert [record.message[:42] for record in caplog.records] == ["traces do not reach their collector; goliv"]


def test_failing_is_said_once_and_so_is_its_end(caplog):
    outcomes, rounds = iter((False, False, True, True)), threading.Semaphore(0)

    def export(_):
        rounds.release()
        return next(outcomes)

    tracer = Tracer(export, round_s=0.001)
    for _ in range(4):
        tracer.answered(PLACED, asked(SAMPLED), 1, TIMES)
        assert rounds.acquire(timeout=5)
    tracer.close()
    assert [record.message.split(";")[0] for record in caplog.records] == [
        "traces do not reach their collector",
        "traces reach their collector again",
    ]
    assert (tracer.sent, tracer.dropped) == (2, 2)


def traced(**changes):
    values = {
        "placed": PLACED,
        "traceparent": SAMPLED,
        "tracestate": b"vendor=1,other=2",
        "request_id": "r-1",
        "rows": 2,
        "status": 200,
        "code": "",
        "times_ns": TIMES,
        "ended_ns": 1_000_000,
    }
    return Traced(**(values | changes))


def spans_of(**changes):
    return list(SpanMaker("1.2", RandomIdGenerator())(traced(**changes)))


def test_an_answered_request_is_a_server_span_with_a_child_for_each_phase_that_took_time():
    server, *phases = spans_of()
    assert (server.name, server.kind, server.status.status_code) == (
        "predict iris",
        SpanKind.SERVER,
        StatusCode.UNSET,
    )
    assert (server.parent.trace_id, server.parent.span_id, server.parent.is_remote) == (TRACE, SPAN, True)
    assert dict(server.context.trace_state) == {"vendor": "1", "other": "2"}
    assert (server.start_time, server.end_time) == (992_000, 1_000_000)
    assert dict(server.attributes) == {
        "golive.model": "iris",
        "golive.version": 3,
        "golive.rows": 2,
        "golive.request_id": "r-1",
        "http.response.status_code": 200,
    }
    assert [(phase.name, phase.start_time, phase.end_time) for phase in phases] == [
        ("decode", 992_000, 993_000),
        ("compute", 993_000, 998_000),
        ("encode", 998_000, 1_000_000),
    ]
    assert [phase.parent for phase in phases] == [server.context] * 3
    assert {span.context.trace_id for span in (server, *phases)} == {TRACE}
    assert len({span.context.span_id for span in (server, *phases)} - {SPAN}) == 4


@pytest.mark.parametrize(("status", "told"), [(422, StatusCode.UNSET), (503, StatusCode.ERROR)])
def test_a_refused_request_is_one_span_that_names_the_error(status, told):
    (server,) = spans_of(status=status, code="invalid_row", rows=0, times_ns=(1000,))
    assert (server.attributes["error.type"], server.status.status_code) == ("invalid_row", told)
    assert (server.attributes["http.response.status_code"], server.start_time) == (status, 999_000)


def test_a_request_without_a_valid_context_has_no_spans():
    assert spans_of(traceparent=b"00-zz") == []


def test_a_tracestate_that_is_none_costs_only_itself():
    server, *_ = spans_of(tracestate=b"\xff===,,")
    assert (dict(server.context.trace_state), server.context.trace_id) == ({}, TRACE)


def test_the_environment_names_the_service(monkeypatch):
    assert spans_of()[0].resource.attributes["service.name"] == "golive"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "prices")
    assert spans_of()[0].resource.attributes["service.name"] == "prices"
