"""OTLP: traced requests in, OpenTelemetry spans out, posted to a collector. Loaded by name; the extra is ``otel``."""

import logging
from collections.abc import Iterator, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from golive.serving.telemetry.metrics import PHASES
from golive.serving.telemetry.tracing import Context, Traced, context_of

_BROKEN = 500
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OtlpSpans:
    """Sends requests to a collector by OTLP over HTTP.

    What the OpenTelemetry SDK reads from the environment holds here too: headers, time-out, certificates and
    compression of the exporter, the name of the service and further attributes of it.

    Args:
        endpoint: the URL that spans are posted to.
        version: of golive.
    """

    def __init__(self, endpoint: str, version: str) -> None:
        self._exporter = OTLPSpanExporter(endpoint=endpoint)
        self._make = SpanMaker(version, RandomIdGenerator())
        # It says every failed attempt; the tracer says when failing begins and ends.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)

    def __call__(self, requests: Sequence[Traced]) -> bool:
        """Post the spans of requests; says whether the collector took them. It may take seconds."""
        spans = [span for request in requests for span in self._make(request)]
        return not spans or self._exporter.export(spans) is SpanExportResult.SUCCESS


class SpanMaker:
    """Makes the spans of a request.

    Args:
        version: of golive.
        ids: gives each span its id.
    """

    def __init__(self, version: str, ids: IdGenerator) -> None:
        named = Resource({"service.name": "golive", "service.version": version})
        self._resource = named.merge(OTELResourceDetector().detect())
        self._scope = InstrumentationScope("golive", version)
        self._ids = ids

    def __call__(self, request: Traced) -> Iterator[ReadableSpan]:
        """Give a server span, and a child of it for each phase that took time; nothing for no valid trace context."""
        context = context_of(request.traceparent)
        if context is not None:
            yield from self._spans(request, context)

    def _spans(self, request: Traced, context: Context) -> Iterator[ReadableSpan]:
        state = TraceState.from_header([request.tracestate.decode("latin-1")])
        parent = SpanContext(context.trace, context.span, is_remote=True, trace_flags=_SAMPLED, trace_state=state)
        own = self._context(parent)
        started_ns = request.ended_ns - sum(request.times_ns)
        yield ReadableSpan(
            f"predict {request.placed.name}",
            own,
            parent,
            self._resource,
            _attributes(request),
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if request.status >= _BROKEN else StatusCode.UNSET),
            start_time=started_ns,
            end_time=request.ended_ns,
            instrumentation_scope=self._scope,
        )
        # A refused request has one time, and no phases.
        if len(request.times_ns) == len(PHASES):
            yield from self._phases(request.times_ns, started_ns, own)

    def _phases(self, times_ns: tuple[int, ...], began_ns: int, parent: SpanContext) -> Iterator[ReadableSpan]:
        for name, spent_ns in zip(PHASES, times_ns, strict=True):
            ended_ns = began_ns + spent_ns
            if spent_ns:
                yield ReadableSpan(
                    name,
                    self._context(parent),
                    parent,
                    self._resource,
                    start_time=began_ns,
                    end_time=ended_ns,
                    instrumentation_scope=self._scope,
                )
            began_ns = ended_ns

    def _context(self, parent: SpanContext) -> SpanContext:
        return SpanContext(
            parent.trace_id,
            self._ids.generate_span_id(),
            is_remote=False,
            trace_flags=_SAMPLED,
            trace_state=parent.trace_state,
        )


def _attributes(request: Traced) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "golive.model": request.placed.name,
        "golive.version": request.placed.version,
        "golive.rows": request.rows,
        "golive.request_id": request.request_id,
        "http.response.status_code": request.status,
    }
    return attributes | ({"error.type": request.code} if request.code else {})
