"""Where traces go is decided once, and said when it is nowhere."""

import subprocess
import sys

import pytest

from golive.control.running.collector import collector_of
from golive.settings import read_settings


@pytest.mark.parametrize(
    ("environ", "collector"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/base/"}, "http://c:4318/base/v1/traces"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/own"},
            "http://t/own",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "True"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, ""),
    ],
)
def test_the_variables_of_opentelemetry_name_the_collector(environ, collector):
    assert read_settings(environ).collector == collector
    assert collector_of(collector) == collector


def test_without_the_extra_tracing_is_off_and_one_line_names_it():
    # What the interpreter finds for a library that is not installed.
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from golive.control.running.collector import collector_of\n"
        "print(repr(collector_of('http://c:4318/v1/traces')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "''"
    told = [line for line in (done.stdout + done.stderr).splitlines() if "golive[otel]" in line]
    assert len(told) == 1
