import xml.etree.ElementTree as ET

import pytest
from benchmarks.field.driving import read_wrk
from benchmarks.field.environments import PINS
from benchmarks.field.overload import _within
from benchmarks.field.plot import peers_svg
from benchmarks.serving import SETTINGS, _middle

from golive.control.load.histogram import Histogram

SAID = """Running 1s test @ http://127.0.0.1:9000/predict
  1 threads and 16 connections
  Latency Distribution
     50%  650.00us
     75%    1.20ms
     90%    2.00ms
     99%    1.50s
  1000 requests in 1.00s, 1.00MB read
{more}Requests/sec:    998.50
Transfer/sec:      1.00MB
"""


def test_what_wrk_prints_is_read_in_milliseconds():
    found = read_wrk(SAID.format(more=""))
    assert found == {"good": 1000, "refused": 0, "bad": 0, "replies_per_s": 998.5, "p50_ms": 0.65, "p99_ms": 1500.0}


def test_refused_and_broken_requests_are_not_good_ones():
    more = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 30\n"
    found = read_wrk(SAID.format(more=more))
    assert (found["good"], found["refused"], found["bad"]) == (970, 30, 37)


def test_words_that_wrk_never_says_are_an_error():
    with pytest.raises(RuntimeError, match="wrk did not print"):
        read_wrk("unable to connect")


def test_every_pin_names_one_version_and_every_contender_an_environment_that_is_pinned():
    assert all("==" in pin for steps in PINS.values() for step in steps for pin in step)
    assert {one.environment for setting in SETTINGS for one in setting.contenders} - {""} == set(PINS)


def test_only_answers_up_to_the_limit_count_as_in_time():
    latencies = Histogram()
    for milliseconds in (1, 10, 500, 900, 1100, 5000):
        latencies.record(milliseconds * 1_000_000)
    assert [_within(latencies, limit * 1_000_000) for limit in (0, 20, 1000, 9000)] == [0, 2, 4, 6]


def test_the_median_round_is_taken_by_replies_per_cpu_second():
    rounds = [
        {"cold_start_s": float(n), "memory_mib": n, "loads": {"16": {"replies_per_cpu_s": n, "p50_ms": 10 - n}}}
        for n in (3, 1, 2)
    ]
    assert _middle(rounds) == {
        "cold_start_s": 2.0,
        "memory_mib": 2,
        "rounds": 3,
        "loads": {"16": {"replies_per_cpu_s": 2, "p50_ms": 8, "spread": [1, 3]}},
    }


def test_the_plot_is_well_formed_and_names_every_server():
    servers = {
        name: {"loads": {"16": {"replies_per_cpu_s": figure}}} for name, figure in (("golive", 40_000), ("a & b", 9))
    }
    result = {"settings": {"iris": {"title": "a model", "servers": servers}}}
    texts = [node.text for node in ET.fromstring(peers_svg(result)).iter() if node.text]
    assert {"golive", "a & b", "40,000"} <= set(texts)
