"""A recorder keeps what fits, samples evenly, and counts what is lost."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golive.domain.record import Texts
from golive.domain.record_frame import records_of
from golive.serving.codecs.codec import Columns
from golive.serving.telemetry.recorder import Recorder


class Sink:
    def __init__(self, *, takes=True):
        self.frames, self.takes = [], takes

    def __call__(self, frame):
        if self.takes:
            self.frames.append(frame)
        return self.takes

    @property
    def batches(self):
        return [records_of(frame) for frame in self.frames]

    @property
    def ids(self):
        return [text for batch in self.batches for text in listed(batch.ids)]

    def column(self, index):
        return [value for batch in self.batches for value in listed(batch.inputs[index], len(batch))]

    @property
    def outputs(self):
        return [value for batch in self.batches for value in batch.outputs.T.tolist()]


def listed(values, count=0):
    if not isinstance(values, Texts):
        return [None] * count if values is None else values.tolist()
    text, at, found = bytes(values.utf8), 0, []
    for size in values.lengths.tolist():
        found.append(None if size < 0 else text[at : at + size].decode())
        at += max(0, size)
    return found


def recorder(sink, *, sample=1.0, capacity=100):
    return Recorder(sample, capacity, sink, Random(3))


def add(recording, count, request_id="r", width=2):
    rows = [tuple(float(index) for _ in range(width)) for index in range(count)]
    recording.add("iris", 4, request_id, rows, np.arange(count, dtype=np.float64).reshape(-1, 1), 12.5)


def test_rows_of_one_request_are_told_apart_by_position():
    sink = Sink()
    recording = recorder(sink)
    add(recording, 1, "solo")
    add(recording, 2)
    recording.flush()
    assert sink.ids == ["solo", "r#0", "r#1"]
    assert sink.column(0) == sink.column(1) == [0.0, 0.0, 1.0]
    assert sink.outputs == [[0.0], [0.0], [1.0]]
    (batch,) = sink.batches
    assert (batch.name, batch.version, batch.duration_us.tolist()) == ("iris", 4, [12.5] * 3)
    assert batch.at_ns[0] <= batch.at_ns[1] == batch.at_ns[2]


def test_versions_and_forms_have_frames_of_their_own():
    sink = Sink()
    recording = recorder(sink)
    columns = Columns({"a": np.array([1.0, np.nan]), "b": np.array(["x", None], dtype=object)}, 2)
    recording.add("iris", 4, "r", [(1.0, "x")], np.zeros((1, 1)), 1.0)
    recording.add("iris", 5, "s", [(1.0, "x")], np.zeros((1, 1)), 1.0)
    recording.add("iris", 4, "t", columns, np.zeros((2, 1)), 1.0)
    recording.add(
        "iris", 4, "u", Columns({"a": np.array([3.0]), "b": np.array(["z"], object)}, 1), np.ones((1, 1)), 1.0
    )
    recording.flush()
    assert [(batch.version, listed(batch.ids)) for batch in sink.batches] == [
        (4, ["r"]),
        (5, ["s"]),
        (4, ["u", "t#0", "t#1"]),
    ]
    last = sink.batches[-1]
    np.testing.assert_array_equal(last.inputs[0], [3.0, 1.0, np.nan])
    assert listed(last.inputs[1]) == ["z", "x", None]


@pytest.mark.parametrize(
    ("values", "recorded"),
    [
        ([1.5, 2, True], [1.5, 2.0, 1.0]),
        ([2**62 + 1, -7], [2**62 + 1, -7]),
        ([2**70, 1], [float(2**70), 1.0]),
        (["a", None, "ü", ""], ["a", None, "ü", ""]),
        (["a", 20, 20.0, 0.5], ["a", "20", "20", "0.5"]),
        ([None, None], [None, None]),
        ([np.float64(0.25), 1], [0.25, 1.0]),
        ([np.str_("5")], ["5"]),
    ],
)
def test_values_are_recorded_as_numbers_or_texts_by_what_they_are(values, recorded):
    sink = Sink()
    recording = recorder(sink)
    recording.add("m", 1, "r", [(value,) for value in values], np.zeros((len(values), 1)), 1.0)
    recording.flush()
    assert sink.column(0) == recorded


def test_a_missing_number_is_not_a_number():
    sink = Sink()
    recording = recorder(sink)
    recording.add("m", 1, "r", [(None,), (1,)], np.zeros((2, 1)), 1.0)
    recording.flush()
    np.testing.assert_array_equal(sink.batches[0].inputs[0], [np.nan, 1.0])


def test_a_full_list_drops_and_counts():
    sink = Sink()
    recording = recorder(sink, capacity=5)
    add(recording, 3)
    add(recording, 4)
    add(recording, 1)
    recording.flush()
    assert sink.ids == ["r#0", "r#1", "r#2", "r#0", "r#1"]
    assert (recording.sent, recording.dropped) == (5, 3)
    add(recording, 1)
    recording.flush()
    assert recording.sent == 6


def test_a_request_without_rows_leaves_nothing():
    sink = Sink()
    recording = recorder(sink)
    recording.add("m", 1, "r", [], np.zeros((0, 1)), 1.0)
    assert recording.flush() is False
    assert (sink.frames, recording.sent, recording.dropped) == ([], 0, 0)


def test_what_the_sink_refuses_is_dropped_and_counted():
    recording = recorder(Sink(takes=False))
    add(recording, 7)
    recording.flush()
    assert (recording.sent, recording.dropped) == (0, 7)


@pytest.mark.parametrize("rows", [1, 40, 500])
def test_a_sample_keeps_its_part_and_is_no_loss(rows):
    sink = Sink()
    recording = recorder(sink, sample=0.2, capacity=10_000)
    for _ in range(2000 // rows):
        add(recording, rows)
    recording.flush()
    assert 330 < len(sink.ids) < 470
    assert recording.dropped == 0
    assert sink.ids == ["r" if rows == 1 else f"r#{int(value)}" for value in sink.column(0)]
    assert sink.outputs == [[value] for value in sink.column(0)]


def test_a_sample_of_columns_keeps_the_same_rows_of_every_column():
    sink = Sink()
    recording = recorder(sink, sample=0.3)
    columns = Columns({"a": np.arange(90.0), "b": np.array([f"t{i}" for i in range(90)], dtype=object)}, 90)
    recording.add("m", 1, "r", columns, np.arange(90.0).reshape(-1, 1), 1.0)
    recording.flush()
    assert 10 < len(sink.ids) < 50
    assert sink.ids == [f"r#{int(value)}" for value in sink.column(0)]
    assert sink.column(1) == [f"t{int(value)}" for value in sink.column(0)]


def test_a_sample_of_nothing_keeps_nothing():
    sink = Sink()
    recording = recorder(sink, sample=0.0)
    add(recording, 40)
    add(recording, 1)
    recording.flush()
    assert sink.frames == []


def test_a_frame_that_is_long_is_cut():
    sink = Sink()
    recording = recorder(sink)
    recording.add("m", 1, "r", [("x" * 300_000,)] * 9, np.zeros((9, 1)), 1.0)
    recording.flush()
    assert sink.ids == [f"r#{index}" for index in range(9)]
    assert len(sink.frames) > 2
    assert max(map(len, sink.frames)) < 1_100_000


def test_a_single_row_may_be_longer_than_a_frame_should_be():
    sink = Sink()
    recording = recorder(sink)
    recording.add("m", 1, "r", [("x" * 2_000_000,)], np.zeros((1, 1)), 1.0)
    recording.flush()
    assert (sink.ids, recording.sent) == (["r"], 1)


@pytest.mark.parametrize("bad", ["\ud800", object(), 10**400])
def test_a_row_that_cannot_be_encoded_costs_no_other_one(bad):
    sink = Sink()
    recording = recorder(sink)
    recording.add("iris", 4, "r", [(1.0,), (bad,), (3.0,)], np.arange(3.0).reshape(-1, 1), 12.5)
    recording.flush()
    add(recording, 1, "later", width=1)
    recording.flush()
    assert sink.ids == ["r#0", "r#2", "later"]
    assert sink.outputs == [[0.0], [2.0], [0.0]]
    assert (recording.sent, recording.dropped) == (3, 1)


def test_many_rows_are_handed_on_in_slices_and_none_is_lost_or_doubled():
    sink = Sink()
    recording = recorder(sink)
    add(recording, 5)
    add(recording, 3, "s")
    assert recording.flush(4) is True
    assert len(sink.ids) == 4
    add(recording, 2, "t")
    assert recording.flush(4) is True
    assert recording.flush(4) is False
    assert sink.ids == [
        *(f"r#{index}" for index in range(5)),
        *(f"s#{index}" for index in range(3)),
        *(f"t#{index}" for index in range(2)),
    ]
    assert sink.outputs == [[float(index)] for count in (5, 3, 2) for index in range(count)]


def test_of_wide_rows_fewer_are_taken_at_once():
    recording = recorder(Sink(), capacity=1000)
    add(recording, 40, width=320)
    assert recording.flush(100) is True
    assert recording.sent == 10


def test_rows_that_wait_for_a_later_slice_still_count_against_the_capacity():
    recording = recorder(Sink(), capacity=6)
    add(recording, 6)
    recording.flush(2)
    add(recording, 4)
    assert recording.dropped == 2
    recording.flush()
    assert recording.sent == 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(1, 12)), max_size=12), st.integers(1, 40))
def test_every_row_is_sent_once_or_counted_as_dropped(requests, capacity):
    sink = Sink()
    recording = recorder(sink, capacity=capacity)
    wanted = 0
    for number, (count, columnar, most) in enumerate(requests):
        values = np.arange(count) + 100.0 * number
        rows = Columns({"a": values}, count) if columnar else [(value,) for value in values.tolist()]
        recording.add("m", 1, f"q{number}", rows, values.reshape(-1, 1), 1.0)
        recording.flush(most)
        wanted += count
    recording.flush()
    assert recording.sent + recording.dropped == wanted
    assert len(set(sink.ids)) == len(sink.ids) == recording.sent
    assert [value for (value,) in sink.outputs] == sink.column(0)
