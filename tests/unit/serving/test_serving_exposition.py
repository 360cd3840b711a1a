"""The pages of metrics hold what other programs read: valid histograms, and the names of Triton for its dashboards."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from golive.serving.telemetry.exposition import render
from golive.serving.telemetry.metrics import LaneMetrics, Snapshot

LABELS = {"model": "iris", "version": "1"}


def busy():
    metrics = LaneMetrics()
    for times in ((900, 0, 100, 10), (20_000, 3_000_000, 500_000, 9_000), (1_000, 2**36, 2**35, 1_000)):
        metrics.answered(2, times)
    for status, code in ((422, "invalid_row"), (503, "overloaded"), (503, "unavailable"), (500, "failed")):
        metrics.refused(status, code, 7_000)
    lane = metrics.snapshot("iris", 1, "sha256:ab", batches=2, waiting=5)
    return Snapshot(lanes=(lane,), rejected={"denied": 1}, processes=2, connections=9, memory_bytes=2**20, cpu_s=1.5)


def families(**options):
    return {family.name: family for family in text_string_to_metric_families(render([busy()], **options).decode())}


def values(family):
    return {
        tuple(value for name, value in sample.labels.items() if name not in LABELS): sample.value
        for sample in family.samples
    }


@pytest.mark.parametrize("name", ["golive_request_duration_seconds", "golive_phase_duration_seconds"])
def test_a_histogram_grows_to_its_count(name):
    series = {}
    for sample in families()[name].samples:
        phase = sample.labels.get("phase", "")
        if sample.name.endswith("_bucket"):
            series.setdefault(phase, []).append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_count"):
            assert series[phase][-1] == (float("inf"), sample.value)
    for buckets in series.values():
        assert buckets == sorted(buckets)
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)


def test_requests_longer_than_the_last_edge_are_in_the_count_alone():
    samples = families()["golive_request_duration_seconds"].samples
    inside, whole = (sample.value for sample in samples if sample.labels.get("le") in {"17.1799", "+Inf"})
    assert (inside, whole) == (6, 7)


def test_processes_are_told_apart_from_what_they_did():
    told = families()
    assert values(told["golive_workers"]) == {(): 2}
    assert values(told["golive_connections"]) == {(): 9}
    assert values(told["golive_workers_memory_bytes"]) == {(): 2**20}
    assert values(told["golive_workers_cpu_seconds"]) == {(): 1.5}


def test_the_names_of_triton_are_there_only_when_asked_for():
    assert not [name for name in families() if name.startswith("nv_")]
    told = families(with_triton=True)
    assert families().keys() < told.keys()
    assert {name: values(family) for name, family in told.items() if name.startswith("nv_")} == {
        "nv_inference_request_success": {(): 3},
        "nv_inference_request_failure": {("REJECTED",): 2, ("BACKEND",): 1, ("OTHER",): 1},
        "nv_inference_count": {(): 6},
        "nv_inference_exec_count": {(): 2},
        "nv_inference_pending_request_count": {(): 5},
        "nv_inference_request_duration_us": {(): (2**36 + 2**35 + 3_532_010 + 28_000) // 1000},
        "nv_inference_queue_duration_us": {(): (2**36 + 3_000_000) // 1000},
        "nv_inference_compute_input_duration_us": {(): 21},
        "nv_inference_compute_infer_duration_us": {(): (2**35 + 500_100) // 1000},
        "nv_inference_compute_output_duration_us": {(): 10},
    }
    assert {tuple(sample.labels.items())[:2] for sample in told["nv_inference_count"].samples} == {
        tuple(LABELS.items())
    }


def test_the_linter_of_prometheus_accepts_the_page_where_it_is_installed():
    tool = shutil.which("promtool")
    complaints = b""
    if tool is not None:
        done = subprocess.run([tool, "check", "metrics"], input=render([busy()]), capture_output=True, check=False)
        complaints = done.stdout + done.stderr
    assert complaints == b""
