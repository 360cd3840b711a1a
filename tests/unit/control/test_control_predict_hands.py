"""Processes that wait for an order: as many as a file keeps busy, and none is left behind."""

import subprocess

import pytest

from golive.control.predict.hands import Hands, hired


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "rows.parquet"
    with path.open("wb") as file:
        file.truncate(40 << 20)
    return str(path)


def waiting(hands: Hands) -> list["subprocess.Popen[bytes]"]:
    return list(hands._waiting)


def test_a_big_file_has_a_process_for_every_sixteen_megabytes_at_most_as_many_as_were_asked_for(big):
    for workers, count in ((2, 2), (8, 2)):
        with hired(big, workers) as hands:
            processes = waiting(hands)
            assert len(processes) == count
        assert all(process.poll() is not None for process in processes)


def test_a_single_worker_a_small_file_and_what_is_elsewhere_have_none(big, tmp_path):
    small = tmp_path / "small.csv"
    small.write_text("a\n1\n")
    for place, workers in ((big, 1), (str(small), 4), (str(tmp_path / "absent.csv"), 4), ("s3://bucket/key.csv", 4)):
        with hired(place, workers) as hands:
            assert waiting(hands) == []


def test_who_is_taken_is_not_dismissed_and_ends_with_its_input(big):
    with hired(big, 2) as hands:
        first, taken = waiting(hands)[0], hands.take()
        assert taken is first
    assert taken.poll() is None
    taken.communicate(timeout=60)
    assert taken.returncode == 0


def test_when_nobody_waits_another_is_started():
    hands = Hands(0)
    process = hands.take()
    process.communicate(timeout=60)
    assert process.returncode == 0
