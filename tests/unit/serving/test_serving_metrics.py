"""Counters add up over processes and are written as Prometheus reads them."""

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from golive.serving.exposition import render
from golive.serving.metrics import EDGES_NS, LaneMetrics, Snapshot, merge


def snapshot(*durations_ns, version=1, refused=(), **totals):
    metrics = LaneMetrics()
    for duration in durations_ns:
        metrics.answered(2, duration)
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
    assert first.duration_ns == 41_000
    assert first.bins[:3] == (3, 0, 1)
    assert (total.rejected, total.records, total.records_dropped) == ({"denied": 3, "not_found": 1}, 7, 1)


def test_merging_one_snapshot_changes_nothing_and_none_gives_zeros():
    one = snapshot(5_000, rejected={"denied": 2})
    assert merge([one]) == one
    assert merge([]) == Snapshot()


def test_a_duration_on_an_edge_belongs_to_the_bin_below_it():
    lane = snapshot(EDGES_NS[0], EDGES_NS[0] + 1, EDGES_NS[-1] + 1).lanes[0]
    assert (lane.bins[0], lane.bins[1], lane.bins[-1]) == (1, 1, 1)


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
    assert told["golive_request_duration_seconds_bucket", (("le", "1e-05"), *lane)] == 2
    assert told["golive_records_total", ()] == 9
    assert told["golive_records_dropped_total", ()] == 4
    assert told["golive_model_info", (("bundle", "sha256:ab"), *lane)] == 1
