"""A frame gives back the records that went in, and one that is damaged is refused."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golive.domain.record import Records, Texts, texts_of
from golive.domain.record_frame import frame_of, records_of
from golive.errors import DataError

TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=6)


def records(rows=3, **changed):
    fields = {
        "name": "iris",
        "version": 7,
        "ids": texts_of([f"r{row}" for row in range(rows)]),
        "at_ns": np.arange(rows) + 10**18,
        "duration_us": np.arange(rows) / 4,
        "inputs": (
            np.array([0.5, np.nan, 1.5])[:rows],
            np.array([2**62 + 1, 0, -1])[:rows],
            texts_of(["a", None, "öö"][:rows]),
            None,
        ),
        "outputs": np.arange(2.0 * rows).reshape(2, rows),
    }
    return Records(**(fields | changed))


def same(left, right):
    if isinstance(left, Texts):
        return left.lengths.tolist() == right.lengths.tolist() and bytes(left.utf8) == bytes(right.utf8)
    return left is right if left is None else left.dtype == right.dtype and np.array_equal(left, right, equal_nan=True)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_records_come_back_as_they_were(rows):
    sent = records(rows)
    got = records_of(frame_of(sent))
    assert (got.name, got.version, len(got)) == ("iris", 7, rows)
    for field in ("ids", "at_ns", "duration_us", "outputs"):
        assert same(getattr(sent, field), getattr(got, field)), field
    assert len(got.inputs) == 4
    assert all(map(same, sent.inputs, got.inputs))


def test_outputs_that_lie_row_by_row_come_back_in_the_same_places():
    outputs = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]).T
    assert records_of(frame_of(records(outputs=outputs))).outputs.tolist() == outputs.tolist()


@given(st.lists(TEXTS, min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_any_texts_come_back(values):
    sent = texts_of(values)
    count = len(values)
    whole = records(
        1, ids=sent, at_ns=np.arange(count), duration_us=np.zeros(count), inputs=(), outputs=np.ones((1, count))
    )
    assert same(sent, records_of(frame_of(whole)).ids)
    sizes = [-1 if value is None else len(value.encode()) for value in values]
    assert sent.lengths.tolist() == sizes


def test_columns_are_views_that_begin_at_multiples_of_eight_bytes():
    got = records_of(frame_of(records(name="n" * 11)))
    for column in (got.at_ns, got.duration_us, got.inputs[0], got.inputs[1], got.outputs):
        assert not column.flags.owndata
        assert column.ctypes.data % 8 == 0


@pytest.mark.parametrize("cut", range(1, 240, 13))
def test_a_frame_that_is_cut_short_is_refused(cut):
    frame = frame_of(records())
    assert cut < len(frame)
    with pytest.raises(DataError, match="refused"):
        records_of(frame[:-cut])


@pytest.mark.parametrize("more", [b"\0" * 8, b"x"])
def test_a_frame_with_more_in_it_is_refused(more):
    with pytest.raises(DataError, match="holds more than its columns"):
        records_of(frame_of(records()) + more)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x01\x90", b"\0\0\0\x02\xa1\xff", b"[]"]
)
def test_other_bytes_are_no_frame(content):
    with pytest.raises(DataError, match="does not begin as one of records does"):
        records_of(content)


def altered(**changes):
    """Write a frame whose header was changed by hand."""
    frame = frame_of(records())
    end = 4 + int.from_bytes(frame[:4], "big")
    names = ("name", "version", "rows", "inputs", "outputs", "sizes")
    header = dict(zip(names, msgspec.msgpack.decode(frame[4:end]), strict=True))
    head = msgspec.msgpack.encode([changes.get(name, header[name]) for name in names])
    return len(head).to_bytes(4, "big") + head + bytes(-(4 + len(head)) % 8) + frame[end + -end % 8 :]


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 2},
        {"rows": 4},
        {"rows": 2**60},
        {"rows": 0},
        {"rows": -1},
        {"outputs": 1},
        {"outputs": 3},
        {"outputs": 0},
        {"outputs": 2**60},
        {"inputs": ["float64", "int64", "missing"]},
        {"inputs": ["float64", "int64", "int64", "missing"]},
        {"inputs": ["float64", "int64", "text", "text"]},
        {"inputs": ["float64", "int64", "object", "missing"]},
        {"sizes": []},
        {"sizes": [24, 24, 12, 6, 24, 24, 12, 5, 48, 0]},
        {"sizes": [24, 24, 12, 7, 24, 24, 12, 5, 48]},
        {"sizes": [-8, 24, 12, 6, 24, 24, 12, 5, 48]},
    ],
)
def test_a_header_that_does_not_fit_its_columns_is_refused(changes):
    assert len(records_of(altered())) == 3
    with pytest.raises(DataError, match="refused"):
        records_of(altered(**changes))


@pytest.mark.parametrize("lengths", [[-2, 3, 1], [2**31 - 1, 2**31 - 1, 6], [6, 6, -6]])
def test_text_lengths_that_cannot_be_are_refused(lengths):
    damaged = records(ids=Texts(np.array(lengths, dtype=np.int32), b"r0r1r2"))
    with pytest.raises(DataError, match="refused"):
        records_of(frame_of(damaged))


@given(st.binary(max_size=40), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_damage_anywhere_is_refused_or_gives_records_of_one_length(noise, at):
    frame = bytearray(frame_of(records()))
    frame[at : at + len(noise)] = noise
    try:
        got = records_of(bytes(frame))
    except DataError:
        return
    assert got.outputs.shape[1] == len(got.duration_us) == len(got.ids.lengths) == len(got)
