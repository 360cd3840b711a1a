"""What is read of protobuf by hand, and the .proto files that are read at start."""

import pytest

from golive.errors import RequestError
from golive.serving.grpc import wire
from golive.serving.grpc.protos import FILES, Messages, declared, parsed


@pytest.fixture(scope="module")
def messages():
    return Messages()


@pytest.mark.parametrize("name", ["m", "a" * 127, "a" * 128, "größe"])
@pytest.mark.parametrize("version", ["", "1", "9" * 9])
@pytest.mark.parametrize("more", [{}, {"id": "7"}])
def test_the_model_of_a_message_is_seen_without_parsing_it(messages, name, version, more):
    made = messages["inference.ModelInferRequest"](model_name=name, model_version=version, **more)
    made.raw_input_contents.append(b"\0" * 200)
    assert wire.model_of(made.SerializeToString()) == (name.encode(), version.encode())


def test_the_model_is_found_in_a_message_in_any_order(messages):
    head = messages["inference.ModelInferRequest"](model_name="m", model_version="2").SerializeToString()
    body = messages["inference.ModelInferRequest"](id="7", raw_input_contents=[b"x" * 300]).SerializeToString()
    assert wire.model_of(body + head) == (b"m", b"2")
    assert wire.model_of(wire.text(2, "5") + wire.text(1, "m")) == (b"m", b"5")
    assert wire.model_of(b"") == (b"", b"")


def test_a_message_tells_whether_its_tensors_are_raw(messages):
    typed = messages["inference.ModelInferRequest"](model_name="m", inputs=[{"name": "a", "shape": [1]}])
    assert not wire.has_raw_contents(typed.SerializeToString())
    typed.raw_input_contents.append(b"")
    assert wire.has_raw_contents(typed.SerializeToString())


@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\xff", b"\x0a\x05abc", b"\x0b", b"\x2a" + b"\xff" * 11, b"\x3d\0"])
def test_bytes_that_are_no_message_are_refused(body):
    with pytest.raises(RequestError, match="ModelInferRequest"):
        wire.fields(body)


def test_fields_are_written_as_the_library_writes_them(messages):
    made = messages["inference.ModelInferRequest"](model_name="m" * 300, id="")
    assert wire.text(1, "m" * 300) + wire.text(3, "") == made.SerializeToString()


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_a_valid_proto3_file(messages, name):
    file = declared(name)
    assert file.syntax == "proto3"
    built = messages.pool.FindFileByName(name)
    assert list(built.message_types_by_name) == [each.name for each in file.message_type]
    assert list(built.services_by_name) == [each.name for each in file.service]


def test_messages_enums_maps_choices_and_streams_are_read():
    file = parsed(
        "x.proto",
        """
        syntax = "proto3"; // a comment
        package p.q;
        service S { rpc One(A) returns (stream B); rpc Two(stream A) returns (B); }
        message A {
          message In { int32 x = 1; }
          oneof choice { In first = 1; B second = 2; }
          map<string, B> by_name = 3;
          repeated double all = 4;
        }
        message B { Kind kind = 1; }
        enum Kind { NONE = 0; SOME = 1; }
        """,
    )
    one, two = file.service[0].method
    assert (one.client_streaming, one.server_streaming, one.output_type) == (False, True, ".p.q.B")
    assert (two.client_streaming, two.server_streaming, two.input_type) == (True, False, ".p.q.A")
    first, second, by_name, listed = file.message_type[0].field
    assert (first.type_name, first.oneof_index, second.type_name) == (".p.q.A.In", 0, ".p.q.B")
    assert (by_name.type_name, by_name.label, listed.label) == (".p.q.A.ByNameEntry", 3, 3)
    assert file.message_type[0].nested_type[1].options.map_entry
    assert file.message_type[1].field[0].type_name == ".p.q.Kind"


def test_the_field_numbers_are_those_of_the_open_inference_protocol(messages):
    def numbers(name):
        return {field.name: field.number for field in messages.pool.FindMessageTypeByName(f"inference.{name}").fields}

    assert numbers("ModelInferRequest") == {
        "model_name": 1,
        "model_version": 2,
        "id": 3,
        "parameters": 4,
        "inputs": 5,
        "outputs": 6,
        "raw_input_contents": 7,
    }
    assert numbers("ModelInferResponse") == {
        "model_name": 1,
        "model_version": 2,
        "id": 3,
        "parameters": 4,
        "outputs": 5,
        "raw_output_contents": 6,
    }
    assert list(numbers("InferTensorContents").values()) == list(range(1, 9))
    assert list(numbers("InferParameter").values()) == list(range(1, 6))
