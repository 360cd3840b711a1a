"""SavedModel and TFLite files are looked through without TensorFlow: hostile and hopeless ones never reach it."""

from pathlib import Path

import flatbuffers
import pytest

from golive.adapters.formats.saved_model import saved_model_facts
from golive.adapters.formats.tensorflow import TensorflowFormat, described
from golive.adapters.formats.tflite import check_tflite
from golive.errors import DataError


def varint(value):
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


def part(number, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(name, operator, *before, calls=(), listed=()):
    attributes = b"".join(
        part(5, part(1, "f") + part(2, part(10, part(1, function)))) for function in calls
    ) + b"".join(part(5, part(1, "l") + part(2, part(1, part(9, part(1, function))))) for function in listed)
    return part(1, name) + part(2, operator) + b"".join(part(3, one) for one in before) + attributes


def function(name, *nodes):
    return part(1, part(1, part(1, name)) + b"".join(part(3, one) for one in nodes))


def signature(name, *outputs):
    listed = b"".join(part(2, part(1, "y") + part(2, part(1, output) + b"\x10\x01")) for output in outputs)
    return part(5, part(1, name) + part(2, listed))


def graph(nodes, functions=(), signatures=None, saved=b""):
    told = signatures if signatures is not None else signature("serving_default", "call:0")
    inside = b"".join(part(1, one) for one in nodes) + part(2, b"".join(functions))
    return b"\x08\x01" + part(2, part(2, inside) + told + part(7, saved or part(1, part(4, b""))))


def folder(path: Path, content: bytes) -> Path:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(content)
    return path


CALL = node("call", "StatefulPartitionedCall", "x", "^hidden", calls=["f"])
X = node("x", "Placeholder")
HIDDEN = node("hidden", "NoOp")


def test_the_operators_of_the_answer_are_found_in_functions_too(tmp_path):
    functions = [
        function("f", node("a", "MatMul"), node("b", "While", listed=["g"])),
        function("g", node("c", "Tanh")),
        function("save", node("d", "SaveV2")),
    ]
    saved = folder(tmp_path / "m", graph([CALL, X, HIDDEN, node("other", "WriteFile")], functions))
    facts = saved_model_facts(saved)
    assert facts.signature == "serving_default"
    assert facts.operators == ("MatMul", "NoOp", "Placeholder", "StatefulPartitionedCall", "Tanh", "While")
    assert described(saved).kind == "SavedModel"


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ("ReadFile", "needs the operator ReadFile, which reads files"),
        ("PyFunc", "calls Python"),
        ("TextLineDataset", "which reads data"),
        ("AssignAddVariableOp", r"changes a variable with every call \(AssignAddVariableOp\).*as one more input"),
    ],
)
def test_an_answer_that_does_more_than_compute_is_refused_by_its_operator(tmp_path, operator, says):
    saved = folder(tmp_path / "m", graph([CALL, X], [function("f", node("a", operator))]))
    with pytest.raises(DataError, match=says):
        TensorflowFormat().read(saved)


@pytest.mark.parametrize(("field", "says"), [(10, "a resource such as a table"), (11, "a function that restores")])
def test_what_loading_alone_would_run_is_refused(tmp_path, field, says):
    saved = folder(tmp_path / "m", graph([CALL, X], saved=part(1, part(field, part(1, "x")))))
    with pytest.raises(DataError, match=rf"runs functions of its own while it is loaded \({says}"):
        saved_model_facts(saved)


@pytest.mark.parametrize(
    ("signatures", "says"),
    [
        (b"", "has no signature"),
        (signature("__saved_model_init_op", "call:0"), "has no signature"),
        (signature("a", "call:0") + signature("b", "call:0"), "has the signatures a, b, and 'serving_default'"),
    ],
)
def test_a_model_without_a_signature_to_serve_is_refused(tmp_path, signatures, says):
    with pytest.raises(DataError, match=says):
        saved_model_facts(folder(tmp_path / "m", graph([CALL], signatures=signatures)))


def test_the_only_signature_is_taken_whatever_its_name(tmp_path):
    assert saved_model_facts(folder(tmp_path / "m", graph([X], signatures=signature("f", "x:0")))).signature == "f"


def test_a_model_of_tensorflow_1_is_refused_with_the_way_out(tmp_path):
    content = b"\x08\x01" + part(2, part(2, part(1, X)))
    with pytest.raises(DataError, match=r"was written by TensorFlow 1, .*tf\.saved_model\.save"):
        saved_model_facts(folder(tmp_path / "m", content))


def test_a_graph_as_text_and_one_without_its_weights_are_refused(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "saved_model.pbtxt").touch()
    assert TensorflowFormat().recognizes(tmp_path / "text")
    with pytest.raises(DataError, match="has its graph as text"):
        saved_model_facts(tmp_path / "text")
    whole = folder(tmp_path / "m", graph([CALL, X], [function("f", node("v", "VarHandleOp"))]))
    with pytest.raises(DataError, match="its weights are missing; copy it whole"):
        saved_model_facts(whole)
    (whole / "variables").mkdir()
    (whole / "variables" / "variables.index").touch()
    with pytest.raises(DataError, match="its weights are missing; copy it whole"):
        saved_model_facts(whole)
    (whole / "variables" / "variables.data-00000-of-00001").touch()
    assert saved_model_facts(whole).operators[-1] == "VarHandleOp"


def test_a_graph_cut_anywhere_is_refused_with_a_sentence_or_read(tmp_path):
    content = graph([CALL, X], [function("f", node("a", "MatMul"))])
    place = folder(tmp_path / "m", content)
    refused = 0
    for end in range(len(content)):
        (place / "saved_model.pb").write_bytes(content[:end])
        with pytest.raises(DataError):
            saved_model_facts(place)
        refused += 1
    assert refused == len(content)


@pytest.mark.parametrize("content", [b"\xff" * 40, b"\x12\xff\xff\xff\xff\x0f", b"\x0b", b"\x09" + b"\0" * 8 + b"\x0d"])
def test_bytes_that_are_no_message_are_refused(tmp_path, content):
    with pytest.raises(DataError, match="is no SavedModel of TensorFlow, or one that was cut short"):
        saved_model_facts(folder(tmp_path / "m", content))


def test_more_parts_than_any_model_has_are_refused(tmp_path):
    place = folder(tmp_path / "m", b"\x12\0" * 1000)
    with pytest.raises(DataError, match="has more parts than any model"):
        saved_model_facts(place, most_parts=999)


def lite(codes, operators=None, variables=(), custom=""):
    """Write a TFLite file with one tensor for each operator, of these numbers."""
    made = flatbuffers.Builder(0)

    def table(fields):
        made.StartObject(8)
        for slot, (kind, value) in fields.items():
            if kind == "offset":
                made.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                getattr(made, f"Prepend{kind}Slot")(slot, value, 0)
        return made.EndObject()

    def vector(offsets):
        made.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            made.PrependUOffsetTRelative(offset)
        return made.EndVector()

    def numbers(values):
        made.StartVector(4, len(values), 4)
        for value in reversed(values):
            made.PrependInt32(value)
        return made.EndVector()

    name = made.CreateString(custom) if custom else None
    listed = [
        table({0: ("Int8", min(code, 127)), 3: ("Int32", code), **({1: ("offset", name)} if name else {})})
        for code in codes
    ]
    operator_codes = vector(listed)
    tensors = vector([table({5: ("Bool", place in variables)}) for place in range(len(codes))])
    inputs = [numbers([place]) for place in range(len(codes))]
    called = [
        table({0: ("Uint32", position), 1: ("offset", inputs[place])})
        for place, position in enumerate(operators if operators is not None else range(len(codes)))
    ]
    subgraph = table({0: ("offset", tensors), 3: ("offset", vector(called))})
    made.Finish(table({0: ("Uint32", 3), 1: ("offset", operator_codes), 2: ("offset", vector([subgraph]))}), b"TFL3")
    return bytes(made.Output())


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_that_only_computes_passes(tmp_path):
    path = written(tmp_path / "m.bin", lite([0, 9, 150]))
    check_tflite(path)
    assert TensorflowFormat().recognizes(path)
    assert described(path).kind == "TFLite"


@pytest.mark.parametrize(
    ("codes", "variables", "says"),
    [
        ([142, 0, 144], (), r"\(ASSIGN_VARIABLE, VAR_HANDLE\).*ai-edge-litert"),
        ([44], (0,), r"\(UNIDIRECTIONAL_SEQUENCE_LSTM\)"),
        ([3], (0,), r"\(the built-in operator 3 with a variable tensor\)"),
    ],
)
def test_a_file_that_keeps_state_is_refused_by_its_operators(tmp_path, codes, variables, says):
    with pytest.raises(DataError, match=rf"keeps values from one call to the next {says}"):
        TensorflowFormat().read(written(tmp_path / "m.tflite", lite(codes, variables=variables)))


def test_a_recurrent_layer_without_a_variable_passes(tmp_path):
    check_tflite(written(tmp_path / "m.tflite", lite([44])))


def test_an_operator_that_is_not_tflites_own_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="needs the operators FlexReadFile, which are not TFLite's own"):
        check_tflite(written(tmp_path / "m.tflite", lite([32], custom="FlexReadFile")))


def test_a_file_cut_anywhere_or_bent_is_refused_and_never_read_beyond(tmp_path):
    content = lite([0, 142], custom="")
    path = tmp_path / "m.tflite"
    for end in range(8, len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(DataError):
            check_tflite(path)
    for place in range(8, len(content)):
        for value in (0x7F, 0xFF):
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            try:
                check_tflite(path)
            except DataError:
                continue


def test_another_kind_of_file_an_empty_graph_and_a_wild_operator_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not begin as a TFLite file does"):
        check_tflite(written(tmp_path / "a.tflite", b"\0" * 40))
    with pytest.raises(DataError, match=r"damaged TFLite file.*it holds no graph"):
        check_tflite(written(tmp_path / "b.tflite", lite([])))
    with pytest.raises(DataError, match=r"operator 9 of 1"):
        check_tflite(written(tmp_path / "c.tflite", lite([0], operators=[9])))
