"""Collector: where the spans of traced requests are sent, if anywhere."""

import importlib.util

from golive.control.running.journal import tell


def collector_of(endpoint: str) -> str:
    """Give the URL to post spans to, or an empty text and one line that says why tracing is off."""
    if not endpoint:
        return ""
    if not endpoint.startswith(("http://", "https://")):
        tell(f"traces are off: the OTLP endpoint {endpoint!r} is no URL; give one such as http://127.0.0.1:4318")
        return ""
    if not can_trace():
        tell(
            "traces are off: OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry is not installed; "
            "pip install 'golive[otel]' brings it"
        )
        return ""
    return endpoint


def can_trace() -> bool:
    """Say whether the libraries that export spans are installed."""
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
