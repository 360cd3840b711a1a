"""A recorder keeps what fits, samples evenly, and counts what is lost."""

from random import Random

import msgspec
import numpy as np

from golive.domain.record import Record
from golive.serving.recorder import Recorder

DECODE = msgspec.msgpack.Decoder(list[Record]).decode


class Sink:
    def __init__(self, *, takes=True):
        self.frames, self.takes = [], takes

    def __call__(self, frame):
        if self.takes:
            self.frames.append(frame)
        return self.takes

    @property
    def records(self):
        return [record for frame in self.frames for record in DECODE(frame)]


def recorder(sink, *, sample=1.0, capacity=100):
    return Recorder(sample, capacity, sink, Random(3))


def add(recording, count, request_id="r", width=2):
    rows = [tuple(float(index) for _ in range(width)) for index in range(count)]
    recording.add("iris", 4, request_id, rows, np.arange(count, dtype=np.float64).reshape(-1, 1), 12.5)


def test_rows_of_one_request_are_told_apart_by_position():
    sink = Sink()
    recording = recorder(sink)
    add(recording, 2)
    add(recording, 1, "solo")
    recording.flush()
    assert [(record.id, record.inputs, record.outputs) for record in sink.records] == [
        ("r#0", (0.0, 0.0), (0.0,)),
        ("r#1", (1.0, 1.0), (1.0,)),
        ("solo", (0.0, 0.0), (0.0,)),
    ]
    assert {(record.name, record.version, record.duration_us) for record in sink.records} == {("iris", 4, 12.5)}


def test_a_full_list_drops_and_counts():
    sink = Sink()
    recording = recorder(sink, capacity=5)
    add(recording, 3)
    add(recording, 4)
    add(recording, 1)
    recording.flush()
    assert [record.id for record in sink.records] == ["r#0", "r#1", "r#2", "r#0", "r#1"]
    assert (recording.sent, recording.dropped) == (5, 3)
    add(recording, 1)
    recording.flush()
    assert recording.sent == 6


def test_what_the_sink_refuses_is_dropped_and_counted():
    recording = recorder(Sink(takes=False))
    add(recording, 7)
    recording.flush()
    assert (recording.sent, recording.dropped) == (0, 7)


def test_a_sample_keeps_its_part_and_is_no_loss():
    sink = Sink()
    recording = recorder(sink, sample=0.2, capacity=10_000)
    for _ in range(50):
        add(recording, 40)
    recording.flush()
    assert 330 < len(sink.records) < 470
    assert recording.dropped == 0
    assert all(record.id == f"r#{int(record.inputs[0])}" for record in sink.records)


def test_a_sample_of_nothing_keeps_nothing():
    sink = Sink()
    recording = recorder(sink, sample=0.0)
    add(recording, 40)
    recording.flush()
    assert sink.frames == []


def test_frames_stay_small():
    sink = Sink()
    recording = recorder(sink, capacity=10_000)
    for _ in range(20):
        add(recording, 100, width=30)
    recording.flush()
    assert len(sink.records) == 2000
    assert len(sink.frames) > 5
    assert max(map(len, sink.frames)) < 65_536


def test_a_row_that_cannot_be_encoded_costs_no_other_one():
    sink = Sink()
    recording = recorder(sink)
    outputs = np.zeros((3, 1))
    recording.add("iris", 4, "r", [(1.0,), (2**70,), (3.0,)], outputs, 12.5)
    recording.flush()
    add(recording, 1, "later")
    recording.flush()
    assert [record.id for record in sink.records] == ["r#0", "r#2", "later"]
    assert (recording.sent, recording.dropped) == (3, 1)


def test_many_rows_are_encoded_in_slices_and_none_is_lost_or_doubled():
    sink = Sink()
    recording = recorder(sink)
    add(recording, 5)
    add(recording, 3, "s")
    assert recording.flush(4) is True
    assert len(sink.records) == 4
    add(recording, 2, "t")
    assert recording.flush(4) is True
    assert recording.flush(4) is False
    assert [record.id for record in sink.records] == [
        *(f"r#{index}" for index in range(5)),
        *(f"s#{index}" for index in range(3)),
        *(f"t#{index}" for index in range(2)),
    ]


def test_rows_that_wait_for_a_later_slice_still_count_against_the_capacity():
    recording = recorder(Sink(), capacity=6)
    add(recording, 6)
    recording.flush(2)
    add(recording, 4)
    assert recording.dropped == 2
    recording.flush()
    assert recording.sent == 8
