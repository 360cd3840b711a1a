"""Plans, figures, notes and the plot of a bench."""

import math
import xml.etree.ElementTree as ET

import msgspec
import pytest

from golive.control.load.cores import Cores, Used, split
from golive.control.load.crew import Run
from golive.control.load.histogram import Histogram
from golive.control.load.orders import Measured
from golive.control.load.plan import Plan, check, loads_after, orders_of, row_count
from golive.control.load.plot import plot_svg
from golive.control.load.points import Load, cost_per_million, point_of
from golive.control.load.report import Machine, Report, Service, notes_of
from golive.control.load.requests import Body
from golive.control.load.schedule import Rate
from golive.control.load.target import checked_target, whole_requests
from golive.errors import UsageError

TARGET = checked_target("http://127.0.0.1:8080", key="")
SVG = "{http://www.w3.org/2000/svg}"


def run(*, latencies_ms=(1.0, 2.0, 10.0), server_s=0.5, machine_s=2.0, **parts) -> Run:
    latencies = Histogram()
    for value in latencies_ms:
        latencies.record(int(value * 1e6))
    seen = {"in_time": 5000, "statuses": {200: 5000}, "seconds": 2.0, "cpu_s": 0.25, **parts}
    return Run(
        measured=(Measured(**seen), Measured(**seen)),
        latencies=latencies,
        lateness=Histogram(),
        used=Used(server_s=server_s, machine_s=machine_s),
        seconds=2.0,
        cut_short=False,
    )


def point(load=None, **parts):
    return point_of(load or Load(connections=4), 2, 0.05, run(**parts))


def test_a_point_sums_up_all_generator_processes():
    seen = point()
    assert (seen.throughput, seen.requests, seen.statuses, seen.errors) == (5000.0, 10_000, {200: 10_000}, 0)
    assert (seen.latencies.p50, seen.latencies.max) == (pytest.approx(2.0, rel=0.01), 10.0)
    assert seen.answers_per_cpu_s == 20_000.0
    # 20,000 answers of 2 rows a core-second: 25 core-seconds for a million, of which 3,600 cost 0.05.
    assert seen.cost_per_million == pytest.approx(25 / 3600 * 0.05)
    assert seen.others_cpu_s == pytest.approx(1.0)


def test_the_cost_of_a_million_is_the_price_of_its_core_hours():
    assert cost_per_million(1e6 / 3600, 0.05) == pytest.approx(0.05)


def test_everything_but_a_2xx_in_time_is_an_error():
    seen = point(statuses={200: 10, 422: 1, 503: 2}, disconnects=3, unanswered=4)
    assert (seen.errors, seen.failed) == (2 * (1 + 2 + 3 + 4), True)
    assert seen.bad_statuses == {422: 2, 503: 4}


@pytest.mark.parametrize(
    ("parts", "failed"),
    [
        ({"statuses": {200: 10, 503: 5, 429: 1}, "unanswered": 7}, False),
        ({"statuses": {200: 10, 500: 1}}, True),
        ({"statuses": {200: 10}, "disconnects": 1}, True),
    ],
)
def test_beyond_its_peak_a_server_may_refuse_but_not_fail(parts, failed):
    seen = point(Load(connections=4, rate=Rate(per_s=9e9), beyond_peak=True), **parts)
    assert seen.failed is failed


def test_a_server_that_cannot_be_seen_has_no_cost():
    seen = point(server_s=None)
    assert (seen.answers_per_cpu_s, seen.cost_per_million, seen.others_cpu_s) == (None, None, None)


def test_nothing_answered_has_no_latencies():
    seen = point(latencies_ms=(), in_time=0, statuses={}, unanswered=1)
    assert (seen.latencies, seen.throughput, seen.failed) == (None, 0.0, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"connections": (0,)}, "--connections"),
        ({"connections": (10_001,)}, "--connections"),
        ({"sweep": (0.0,)}, "--sweep"),
        ({"sweep": (math.nan,)}, "--sweep"),
        ({"rates": (-1.0,)}, "--rates"),
        ({"rates": (math.nan,)}, "--rates"),
        ({"rates": (1e7,)}, "60,000,000 requests"),
        ({"seconds": 0.0}, "--seconds"),
        ({"warmup_s": -1.0}, "--warmup"),
        ({"seconds": math.nan}, "--seconds"),
        ({"seconds": math.inf}, "--seconds"),
        ({"rows": 0}, "--rows"),
        ({"rows": 65_537}, "--rows"),
        ({"generators": 0}, "--generators"),
        ({"price_per_core_hour": -0.1}, "--price-per-core-hour"),
        ({"connections": (), "rates": ()}, "--rates"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        check(msgspec.structs.replace(Plan(), **change))


def test_the_sweep_goes_by_the_peak_and_says_what_is_beyond_it():
    loads = loads_after(Plan(sweep=(50.0, 100.0, 120.0)), 1000.0)
    assert [(load.rate.per_s, load.beyond_peak) for load in loads] == [(500.0, False), (1000.0, False), (1200.0, True)]
    assert {load.connections for load in loads} == {64}


def test_rates_take_the_place_of_the_sweep():
    loads = loads_after(Plan(connections=(), rates=(10.0,)), None)
    assert [(load.rate.per_s, load.beyond_peak) for load in loads] == [(10.0, False)]
    assert loads_after(Plan(), 0.0) == []


def test_a_load_is_shared_out_whole_among_generators_that_each_have_a_connection():
    requests = tuple(b"%d" % number for number in range(10))
    orders = orders_of(Load(connections=8), Plan(generators=3), TARGET, requests, Cores(server=(0,), generator=(1, 2)))
    assert [order.connections for order in orders] == [3, 3, 2]
    assert [order.cores for order in orders] == [(1,), (2,), (1,)]
    assert all(sorted(order.requests) == sorted(requests) for order in orders)
    assert len({order.requests[0] for order in orders}) == 3
    assert len(orders_of(Load(connections=1), Plan(generators=3), TARGET, requests, Cores())) == 1


@pytest.mark.parametrize(
    ("allowed", "pin", "server", "generator"),
    [
        ((0, 1), True, (0,), (1,)),
        ((2, 3, 5), True, (2,), (3, 5)),
        ((0,), True, (), ()),
        ((0, 1), False, (), ()),
        ((), True, (), ()),
    ],
)
def test_the_server_gets_the_first_half_of_the_cores(allowed, pin, server, generator):
    assert split(allowed, pin=pin) == Cores(server=server, generator=generator)


def test_big_requests_are_fewer():
    assert [row_count(Plan(rows=rows)) for rows in (1, 1000, 65_536)] == [256, 65_000, 65_536]


def noted(points=(), *, cores=None, is_here=True, pid=1) -> str:
    return "\n".join(notes_of(points, cores or Cores(), Plan(), is_here=is_here, pid=pid))


def test_shared_cores_are_told():
    assert "share cores" in noted()
    assert "server on core 0, generator on core 1" in noted(cores=Cores(server=(0,), generator=(1,)))
    assert "core" not in noted(is_here=False)


def test_notes_say_what_each_loop_shows_and_how_the_cost_is_made():
    closed, opened = point(machine_s=1.0), point(Load(connections=4, rate=Rate(per_s=10.0)), machine_s=1.0)
    assert "queueing does not show" in noted([closed])
    assert "queueing does not show" not in noted([opened])
    assert "was to start by the schedule" in noted([opened])
    assert "x 0.05 for a core-hour / 3,600" in noted([closed])
    assert "cost are not known" in noted([closed], pid=0)


def test_notes_doubt_what_the_generator_or_others_spoiled():
    assert "the generator was the limit" in noted([point(cpu_s=1.99)])
    assert "other programs used up to 0.5 cores" in noted([point(machine_s=2.0)])
    assert "other programs" not in noted([point(machine_s=1.0)])
    assert "first failure: it spoke French" in noted([point(fault="it spoke French")])


def report(points) -> Report:
    return Report(
        golive="1.0",
        at="2026-01-01T00:00:00+00:00",
        service=Service(model="a&b", bundle="", url="http://a", private=False, record=None),
        machine=Machine(cpu="", system="Linux", cores=2, server_cores=(), generator_cores=()),
        plan=Plan(),
        points=tuple(points),
        notes=(),
        cut_short=False,
        broken="",
    )


def test_a_report_fails_with_a_point_or_when_it_could_not_go_on():
    assert not report([point()]).is_failed
    assert report([point(), point(disconnects=1)]).is_failed
    assert msgspec.structs.replace(report([point()]), broken="the server ended").is_failed


def test_the_plot_shows_every_point():
    points = [point(), *(point(Load(connections=4, rate=Rate(per_s=rate))) for rate in (10.0, 20.0, 30.0))]
    drawn = ET.fromstring(plot_svg(report(points)))
    lines = drawn.findall(f".//{SVG}polyline")
    assert [len(line.get("points").split()) for line in lines] == [3, 3, 3]
    assert len(drawn.findall(f".//{SVG}circle[@class='ring']")) == 3
    assert any(text.text == "a&b: latency over throughput" for text in drawn.iter(f"{SVG}text"))


def test_the_plot_of_nothing_is_still_a_plot():
    nothing = point(latencies_ms=(), in_time=0, statuses={}, unanswered=1)
    assert ET.fromstring(plot_svg(report([nothing]))).findall(f".//{SVG}circle[@class='ring']") == []
    assert ET.fromstring(plot_svg(report([]))).tag == f"{SVG}svg"


def test_a_report_can_be_kept_as_json_with_its_figures():
    kept = msgspec.json.decode(msgspec.json.encode(report([point()])))
    assert kept["points"][0]["answers_per_cpu_s"] == 20_000.0
    assert kept["points"][0]["statuses"] == {"200": 10_000}


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://a", "http://", "http://a:99999", "http://[::1"])
def test_what_is_no_url_of_a_server_is_refused(url):
    with pytest.raises(UsageError, match="http://HOST:PORT"):
        checked_target(url, key="")


@pytest.mark.parametrize("key", ["a\r\nx-evil: 1", "schlüssel"])
def test_a_key_that_no_header_may_hold_is_refused_without_being_shown(key):
    with pytest.raises(UsageError, match="GOLIVE_API_KEY") as caught:
        checked_target("http://a", key=key)
    assert key not in caught.value.message


def test_a_target_knows_its_port_its_prefix_and_its_key():
    target = checked_target("https://models.example/base/", key="k")
    assert (target.host, target.port, target.tls, target.is_here) == ("models.example", 443, True, False)
    (request,) = whole_requests(target, "/v1/models/a:predict", [Body(b"{}")])
    assert request.startswith(b"POST /base/v1/models/a:predict HTTP/1.1\r\nhost: models.example\r\n")
    assert b"\r\nauthorization: Bearer k\r\n" in request
    assert TARGET.is_here
