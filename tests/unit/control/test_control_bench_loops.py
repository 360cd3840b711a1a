"""Loops and their tally: what is sent when, and from which moment its latency counts."""

from array import array
from itertools import cycle
from time import perf_counter_ns

import pytest

from golive.control.load.histogram import Histogram
from golive.control.load.loops import ClosedLoop, OpenLoop
from golive.control.load.tally import Tally

MS = 1_000_000


class Line:
    """A connection that remembers what it was sent."""

    def __init__(self):
        self.due_ns = 0
        self.closes = False
        self.fault = ""
        self.sent = []
        self.is_closed = False

    def send(self, request, due_ns):
        assert not self.due_ns, "two requests at once"
        self.sent.append(request)
        self.due_ns = due_ns

    def close(self):
        self.is_closed = True


def measuring(begin_ns: int, seconds: float = 60.0) -> Tally:
    tally = Tally()
    tally.measure(begin_ns, begin_ns + int(seconds * 1e9))
    return tally


def longest_ms(tally: Tally) -> float:
    return Histogram.of(tally.report(cpu_s=0.0).latencies).longest_ns / MS


@pytest.fixture
def reconnects():
    return []


def closed(tally, reconnects):
    return ClosedLoop(cycle([b"a", b"b"]), tally, lambda: reconnects.append(1))


def opened(tally, reconnects, moments):
    return OpenLoop(cycle([b"a", b"b"]), array("q", moments), tally, lambda: reconnects.append(1), events=0)


def test_a_closed_loop_asks_again_once_it_has_its_answer(reconnects):
    now = perf_counter_ns()
    tally, line = measuring(now), Line()
    load = closed(tally, reconnects)
    load.opened(line)
    assert line.sent == []
    load.begin(now)
    load.answered(line, 200, now + 3 * MS)
    load.answered(line, 200, now + 7 * MS)
    assert line.sent == [b"a", b"b", b"a"]
    report = tally.report(cpu_s=0.5)
    assert (report.statuses, report.in_time, report.cpu_s) == ({200: 2}, 2, 0.5)
    assert longest_ms(tally) == 4.0


def test_a_refusal_counts_neither_as_an_answer_nor_for_the_latencies(reconnects):
    """To refuse is quick; a server that refuses half of all requests is not twice as fast."""
    now = perf_counter_ns()
    tally = measuring(now)
    tally.answered(503, now, now + MS)
    tally.answered(200, now, now + 9 * MS)
    report = tally.report(cpu_s=0.0)
    assert (report.statuses, report.in_time) == ({503: 1, 200: 1}, 1)
    assert Histogram.of(report.latencies).count == 1


def test_a_closed_loop_asks_no_more_after_the_end(reconnects):
    now = perf_counter_ns()
    tally, line = measuring(now, 0.001), Line()
    load = closed(tally, reconnects)
    load.opened(line)
    load.begin(now)
    load.answered(line, 200, now + 5 * MS)
    assert line.sent == [b"a"]
    assert not load.owes
    # It came too late for the throughput, and its latency counts.
    assert (tally.in_time, longest_ms(tally)) == (0, 5.0)


def test_an_open_loop_counts_the_wait_of_every_request_that_was_due_while_the_server_stood_still(reconnects):
    """A closed loop would have one slow answer here; by the schedule there are ten."""
    begin = perf_counter_ns() - 1000 * MS
    tally, line = measuring(begin), Line()
    load = opened(tally, reconnects, [number * 100 * MS for number in range(10)])
    load.opened(line)
    load.begin(begin)
    for number in range(10):
        assert line.due_ns == begin + number * 100 * MS
        load.answered(line, 200, begin + 1000 * MS)
    latencies = Histogram.of(tally.report(cpu_s=0.0).latencies)
    exact = [1000 - 100 * number for number in range(10)]
    assert latencies.count == 10
    assert latencies.quantile_ns(0.5) / MS == pytest.approx(sorted(exact)[4], rel=0.01)
    assert longest_ms(tally) == 1000.0
    assert not load.owes


def test_an_open_loop_uses_every_connection_in_turn(reconnects):
    begin = perf_counter_ns() - 100 * MS
    load = opened(measuring(begin), reconnects, [0, 1, 2])
    lines = [Line(), Line(), Line()]
    for line in lines:
        load.opened(line)
    load.begin(begin)
    assert [line.sent for line in lines] == [[b"a"], [b"b"], [b"a"]]


def test_what_starts_while_it_warms_up_does_not_count(reconnects):
    now = perf_counter_ns()
    tally = measuring(now + 10 * MS)
    tally.answered(200, now, now + 5 * MS)
    tally.answered(200, now, now + 20 * MS)
    tally.answered(200, now + 10 * MS, now + 20 * MS)
    report = tally.report(cpu_s=0.0)
    assert report.statuses == {200: 1}
    # Throughput is of answers, so the one that was asked for earlier is one.
    assert report.in_time == 2


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_a_cut_connection_counts_when_an_answer_was_owed_and_is_replaced(kind, reconnects):
    begin = perf_counter_ns() - 10 * MS
    tally, line = measuring(begin), Line()
    load = closed(tally, reconnects) if kind == "closed" else opened(tally, reconnects, [0])
    load.opened(line)
    load.begin(begin)
    line.fault = "nonsense came"
    load.lost(line)
    other = Line()
    load.opened(other)
    other.due_ns = 0
    load.lost(other)
    report = tally.report(cpu_s=0.0)
    assert (report.disconnects, report.fault, len(reconnects)) == (1, "nonsense came", 2)


@pytest.mark.parametrize("kind", ["closed", "open"])
def test_a_connection_that_the_server_is_closing_is_not_used_again(kind, reconnects):
    begin = perf_counter_ns() - 10 * MS
    tally, line = measuring(begin), Line()
    load = closed(tally, reconnects) if kind == "closed" else opened(tally, reconnects, [0, 1])
    load.opened(line)
    load.begin(begin)
    line.closes = True
    load.answered(line, 200, begin + MS)
    load.lost(line)
    assert (line.sent, tally.disconnects, len(reconnects)) == ([b"a"], 0, 1)


def test_requests_without_an_answer_at_the_end_count_with_their_age(reconnects):
    begin = perf_counter_ns() - 100 * MS
    tally, line = measuring(begin), Line()
    load = opened(tally, reconnects, [0, 20 * MS])
    load.opened(line)
    load.begin(begin)
    assert load.owes
    assert sorted(load.pending()) == [begin, begin + 20 * MS]
    for due_ns in load.pending():
        tally.open_at_end(due_ns, begin + 120 * MS)
    report = tally.report(cpu_s=0.0)
    assert (report.unanswered, longest_ms(tally)) == (2, 120.0)
    load.close()
    assert line.is_closed
    assert not load.owes
