"""Raw tensors: bytes in, flat arrays out, and every kind of bytes that is none of a tensor."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive.domain.signature import Field
from golive.errors import InvalidRowError, RequestError
from golive.serving.codecs.raw_tensors import (
    check_range,
    count_of,
    raw_of,
    texts_of,
    values_of,
    width_of,
    wrong_datatype,
)

NUMBERS = {
    "FP64": "<f8",
    "FP32": "<f4",
    "FP16": "<f2",
    "INT64": "<i8",
    "INT32": "<i4",
    "INT16": "<i2",
    "INT8": "i1",
    "UINT64": "<u8",
    "UINT32": "<u4",
    "UINT16": "<u2",
    "UINT8": "u1",
}


def pieces(*texts):
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


@pytest.mark.parametrize(("datatype", "form"), NUMBERS.items())
def test_numbers_are_a_view_of_the_bytes(datatype, form):
    raw = np.array([0, 1, 100], dtype=form).tobytes()
    values = values_of("x", datatype, [3, 1], raw)
    assert values.dtype == np.dtype(form)
    assert values.tolist() == [0, 1, 100]
    assert not values.flags.owndata
    assert width_of(datatype) == values.itemsize


def test_numbers_at_an_odd_place_are_read_in_place():
    raw = memoryview(b"?" + np.arange(4.0).tobytes())[1:]
    values = values_of("x", "FP64", [4], raw)
    assert values.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert not values.flags.owndata


def test_bools_are_one_byte_each():
    assert values_of("x", "BOOL", [3], b"\x00\x01\x00").tolist() == [False, True, False]


@given(st.lists(st.floats(width=16), max_size=20))
def test_half_precision_is_exact(numbers):
    raw = np.array(numbers, dtype=np.float16).tobytes()
    assert np.array_equal(values_of("x", "FP16", [len(numbers)], raw), np.array(numbers, np.float16), equal_nan=True)


@pytest.mark.parametrize(("bits", "number"), [(0x3F80, 1.0), (0xC040, -3.0), (0x0000, 0.0), (0x7F80, np.inf)])
def test_a_bfloat16_is_widened(bits, number):
    assert values_of("x", "BF16", [1], struct.pack("<H", bits)).tolist() == [number]


@given(st.lists(st.text(), max_size=20))
def test_texts_survive_both_ways(texts):
    assert values_of("x", "BYTES", [len(texts)], raw_of("BYTES", texts)).tolist() == texts


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT64"])
@given(numbers=st.lists(st.integers(-(2**20), 2**20), max_size=20))
def test_numbers_survive_both_ways(datatype, numbers):
    assert values_of("x", datatype, [len(numbers)], raw_of(datatype, numbers)).tolist() == numbers


def test_bools_survive_both_ways():
    assert raw_of("BOOL", [True, False]) == b"\x01\x00"


def test_an_array_is_written_row_after_row():
    assert raw_of("FP64", np.array([[1.0, 2.0], [3.0, 4.0]]).T) == np.array([1.0, 3.0, 2.0, 4.0]).tobytes()


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "words"),
    [
        ("FP64", [2, 1], bytes(15), "has 15 bytes, but its shape [2, 1] needs 16"),
        ("FP32", [2, 1], bytes(16), "needs 8; send 4 for each value"),
        ("FP64", [-1, 1], b"", "not one of a real tensor"),
        ("FP64", [-1, -1], bytes(8), "not one of a real tensor"),
        ("FP64", [2**62, 2**62], bytes(8), f"needs {2**127}"),
        ("FP64", [2**64, 0], b"", "not one of a real tensor"),
        ("FP64", [1] * 9, bytes(8), "at most 8 dimensions"),
        ("FP128", [1], bytes(16), "unknown datatype 'FP128'"),
        ("BOOL", [2], b"\x01\x02", "element 1 of tensor 'x' (BOOL) is the byte 2; send 0 or 1"),
        ("BYTES", [2**40], b"\x00" * 8, "elements need at least"),
        ("BYTES", [1], b"", "has 0 bytes, but 1 elements need at least 4"),
        ("BYTES", [1], struct.pack("<I", 5) + b"four", "element 0 of tensor 'x' (BYTES) ends past"),
        ("BYTES", [2], pieces(b"abcdef") + b"\x01", "element 1 of tensor 'x' (BYTES) ends past"),
        ("BYTES", [1], struct.pack("<I", 2**32 - 1), "ends past the tensor's 4 bytes"),
        ("BYTES", [1], pieces(b"a", b"b"), "5 bytes after its 1 elements"),
        ("BYTES", [2], pieces(b"fine", b"\xff"), "element 1 of tensor 'x' is not UTF-8"),
        ("BYTES", [0], b"left", "4 bytes after its 0 elements"),
    ],
)
def test_bytes_that_are_not_those_of_the_tensor_are_refused(datatype, shape, raw, words):
    with pytest.raises(RequestError) as refused:
        values_of("x", datatype, shape, raw)
    assert words in refused.value.message
    assert refused.value.field.startswith("x")


def test_an_empty_tensor_has_no_values():
    for datatype in (*NUMBERS, "BF16", "BOOL", "BYTES"):
        assert values_of("x", datatype, [0, 1], b"").tolist() == []


def test_a_shape_without_dimensions_is_one_value():
    assert count_of("x", ()) == 1
    assert values_of("x", "INT8", (), b"\x07").tolist() == [7]


def test_elements_of_typed_contents_are_texts():
    assert texts_of("x", [b"a", "ü".encode()]).tolist() == ["a", "ü"]


@given(
    st.sampled_from([*NUMBERS, "BF16", "BOOL", "BYTES", "FP8", ""]),
    st.lists(st.integers(-2, 2**70) | st.integers(0, 3), max_size=10),
    st.binary(max_size=64),
)
def test_no_bytes_raise_anything_else(datatype, shape, raw):
    try:
        values = values_of("x", datatype, shape, raw)
    except RequestError:
        return
    assert len(values) == count_of("x", shape)


def test_a_data_type_that_does_not_fit_is_told_with_those_that_do():
    assert wrong_datatype("x", "UINT8", "bool").message == "tensor 'x' wants datatype BOOL, got 'UINT8'"


def test_an_unsigned_number_that_a_signed_field_cannot_hold_is_refused():
    values = np.array([1, 2**63], dtype=np.uint64)
    check_range(Field(name="x", dtype="float64"), "UINT64", values)
    check_range(Field(name="x", dtype="int64"), "UINT64", values[:1])
    with pytest.raises(InvalidRowError, match="element 1 of tensor 'x' is a whole number beyond what 64 bits hold"):
        check_range(Field(name="x", dtype="int64"), "UINT64", values)
