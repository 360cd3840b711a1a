"""Rows, compiled from signatures with awkward names and types."""

import msgspec
import pytest

from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError
from golive.serving.codecs.rowtypes import columns_type, decoding, explained, positional_type, row_type, rows_of_columns
from golive.serving.codecs.tensors import metadata, takes_fused
from golive.serving.pages.openapi import describe
from golive.serving.pages.schemas import row_schema

AWKWARD = Signature(
    inputs=(
        Field(name="class", dtype="float64"),
        Field(name="1st Flr SF", dtype="int64", nullable=True),
        Field(name="größe", dtype="string"),
        Field(name="f0", dtype="bool"),
    ),
    task="regression",
    target="price",
)


def test_fields_may_have_any_name():
    body = '{"f0": true, "größe": "S", "class": 1, "1st Flr SF": 20.0}'.encode()
    row = msgspec.json.decode(body, type=row_type(AWKWARD))
    assert msgspec.structs.astuple(row) == (1.0, 20.0, "S", True)


def test_a_positional_row_needs_every_value_even_a_nullable_one():
    kind = positional_type(AWKWARD)
    assert msgspec.structs.astuple(msgspec.json.decode(b'[1, null, "S", false]', type=kind)) == (1.0, None, "S", False)
    with pytest.raises(InvalidRowError, match="4 values in this order: class, 1st Flr SF, größe, f0; got 3"):
        decoding(msgspec.json.Decoder(kind).decode, b'[1, null, "S"]', AWKWARD)


def test_a_column_that_was_left_out_is_missing_in_every_row():
    columns = msgspec.json.decode(
        '{"class": [1, 2], "größe": ["S", "M"], "f0": [true, false]}'.encode(), type=columns_type(AWKWARD)
    )
    assert rows_of_columns(columns, AWKWARD) == [(1.0, None, "S", True), (2.0, None, "M", False)]


def test_an_unknown_kind_of_trouble_is_still_told():
    trouble = explained("Something new - at `$.instances[3].class`", AWKWARD)
    assert isinstance(trouble, InvalidRowError)
    assert trouble.field == "$.instances[3].class"
    assert "something new" in trouble.message


def test_trouble_with_the_envelope_is_not_trouble_with_a_row():
    trouble = explained("Expected `array`, got `int` - at `$.instances`", AWKWARD)
    assert type(trouble) is RequestError
    assert trouble.message == "$.instances wants a list, got a whole number"


def test_only_a_model_of_numbers_takes_a_fused_tensor():
    assert not takes_fused(AWKWARD)
    assert takes_fused(Signature(inputs=AWKWARD.inputs[:2], task="regression", target="price"))


def test_metadata_of_a_classifier_shows_labels_and_probabilities():
    signature = Signature(
        inputs=AWKWARD.inputs[:1], task="classification", target="kind", classes=("a", "b"), class_dtype="string"
    )
    assert metadata("m", (1, 2), signature)["outputs"] == [
        {"name": "predict", "datatype": "BYTES", "shape": [-1, 1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
    ]


def test_the_schema_says_what_is_required_and_what_may_be_null():
    schema = row_schema(AWKWARD)
    assert schema["required"] == ["class", "größe", "f0"]
    assert schema["properties"]["1st Flr SF"]["type"] == ["integer", "null"]
    assert schema["additionalProperties"] is False


def test_a_description_says_whether_a_key_is_needed():
    assert "security" not in describe({"m": AWKWARD}, title="t", version="1", secured=False)
    assert describe({"m": AWKWARD}, title="t", version="1", secured=True)["security"] == [
        {"key": []},
        {"header": []},
    ]


def test_a_category_of_codes_may_be_sent_as_numbers_and_another_may_not():
    codes = Signature(
        inputs=(
            Field(name="zone", dtype="string", categories=("20", "60"), nullable=True),
            Field(name="size", dtype="string", categories=("S", "M")),
        ),
        task="regression",
        target="price",
    )
    row = msgspec.json.decode(b'{"zone": 20, "size": "S"}', type=row_type(codes))
    assert msgspec.structs.astuple(row) == (20, "S")
    with pytest.raises(msgspec.ValidationError, match="size"):
        msgspec.json.decode(b'{"zone": "20", "size": 7}', type=row_type(codes))
    for beyond in (b"18446744073709551616", b"9223372036854775808", b"-9223372036854775809"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(b'{"zone": %b, "size": "S"}' % beyond, type=row_type(codes))
