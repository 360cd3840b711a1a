"""Counters add up over processes and are written as Prometheus reads them."""

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from golive.serving.telemetry.exposition import render
from golive.serving.telemetry.metrics import PHASES, LaneMetrics, Snapshot, ended, merge


def snapshot(*durations_ns, version=1, refused=(), **totals):
    metrics = LaneMetrics()
    for duration in durations_ns:
        metrics.answered(2, (1000, 0, duration - 2000, 1000))
    for status, code in refused:
        metrics.refused(status, code, 1000)
    return Snapshot(lanes=(metrics.snapshot("iris", version, "sha256:ab"),), **totals)


def samples(snapshots):
    families = text_string_to_metric_families(render(snapshots).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_merging_adds_lane_by_lane():
    one = snapshot(5_000, 30_000, refused=[(422, "invalid_row")], rejected={"denied": 2}, records=3)
    other = snapshot(5_000, rejected={"denied": 1, "not_found": 1}, records=4, records_dropped=1)
    total = merge([one, other, snapshot(5_000, version=2)])
    first, second = total.lanes
    assert (first.version, first.requests, first.errors, first.rows) == (1, {200: 3, 422: 1}, {"invalid_row": 1}, 6)
    assert (second.version, second.requests) == (2, {200: 1})
    assert first.durations.total_ns == 41_000
    assert (first.durations.bins[10], first.durations.bins[13], first.durations.bins[15]) == (1, 2, 1)
    assert {name: phase.count for name, phase in first.phases.items()} == dict.fromkeys(PHASES, 3)
    assert first.phases["compute"].total_ns == 41_000 - 1000 - 3 * 2000
    assert (total.rejected, total.records, total.records_dropped) == ({"denied": 3, "not_found": 1}, 7, 1)


def test_merging_one_snapshot_changes_nothing_and_none_gives_zeros():
    one = snapshot(5_000, rejected={"denied": 2})
    assert merge([one]) == one
    assert merge([]) == Snapshot()


def test_a_bin_holds_what_is_below_its_power_of_two():
    lane = snapshot(4095, 4096, 2**40).lanes[0]
    assert (lane.durations.bins[12], lane.durations.bins[13], lane.durations.bins[41]) == (1, 1, 1)


def test_a_request_that_waited_is_in_the_histogram_of_the_queue_and_the_others_are_there_as_zero():
    metrics = LaneMetrics()
    metrics.answered(1, (10, 0, 10, 10))
    metrics.answered(1, (10, 5000, 10, 10))
    queue = metrics.snapshot("iris", 1, "sha256:ab", batches=1).phases["queue"]
    assert (queue.bins[0], queue.bins[13], queue.total_ns) == (1, 1, 5000)


def test_a_snapshot_survives_the_wire():
    one = snapshot(5_000, refused=[(400, "bad_request")], rejected={"denied": 2})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Snapshot) == one


def test_the_text_of_prometheus_holds_every_total():
    told = samples([snapshot(5_000, 2_000_000, refused=[(422, "invalid_row")], records=9, records_dropped=4)])
    lane = (("model", "iris"), ("version", "1"))
    assert told["golive_requests_total", (*lane[:1], ("status", "200"), lane[1])] == 2
    assert told["golive_requests_total", (*lane[:1], ("status", "422"), lane[1])] == 1
    assert told["golive_errors_total", (("code", "invalid_row"), *lane)] == 1
    assert told["golive_rows_total", lane] == 4
    assert told["golive_request_duration_seconds_count", lane] == 3
    assert told["golive_request_duration_seconds_sum", lane] == 2_006_000 / 1e9
    assert told["golive_request_duration_seconds_bucket", (("le", "8.192e-06"), *lane)] == 2
    assert told["golive_records_total", ()] == 9
    assert told["golive_records_dropped_total", ()] == 4
    assert told["golive_model_info", (("bundle", "sha256:ab"), *lane)] == 1


def test_a_process_that_is_gone_keeps_its_counters_and_loses_what_it_was():
    gone = snapshot(5_000, records=2, cpu_s=1.5, processes=1, connections=7, memory_bytes=100, traces=4)
    total = merge([ended(gone), snapshot(5_000, cpu_s=0.5, processes=1, connections=2, memory_bytes=50)])
    assert (total.processes, total.connections, total.memory_bytes) == (1, 2, 50)
    assert (total.records, total.cpu_s, total.traces, total.lanes[0].requests) == (2, 2.0, 4, {200: 2})


def test_requests_that_waited_in_an_ended_process_wait_no_more():
    lane = LaneMetrics().snapshot("iris", 1, "sha256:ab", waiting=3)
    assert ended(Snapshot(lanes=(lane,))).lanes[0].waiting == 0
