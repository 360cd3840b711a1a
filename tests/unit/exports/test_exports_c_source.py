"""C source: numbers and texts as C reads them, loops, lookups, and what is refused before anything is written."""

import re

import numpy as np
import pytest
import tensor_models
from compiled import bundle_of, source_of
from onnx import TensorProto, helper, numpy_helper
from priced import graph, keep

from golive.adapters.exports.c_source.export import CExport
from golive.adapters.exports.c_source.literals import narrow, number, table, text
from golive.adapters.exports.c_source.loops import Nest, broadcast, packed, spread
from golive.adapters.exports.c_source.program import Program
from golive.adapters.exports.c_source.source import c_name, comment
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation, TextTerms, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import NotConvertibleError, UsageError


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (1.0, "double", "1.0"),
        (-0.0, "double", "-0.0"),
        (0.1, "double", "0.1"),
        (1e300, "double", "1e+300"),
        (float("nan"), "double", "NAN"),
        (float("-inf"), "double", "-INFINITY"),
        (np.float32(0.1), "float", "0.1f"),
        (3, "int64_t", "3"),
        (2**40, "int64_t", f"INT64_C({2**40})"),
        (-(2**63), "int64_t", "INT64_MIN"),
        (True, "unsigned char", "1"),
    ],
)
def test_a_number_is_written_so_that_a_compiler_reads_the_same_bits(value, kind, written):
    assert number(value, kind) == written


def test_a_table_says_how_long_it_is():
    assert table("k1", np.array([[1, 2], [3, 4]]), "int32_t") == "static const int32_t k1[4] = {\n    1, 2, 3, 4,\n};"


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 255], "uint8_t"), ([-1, 5], "int16_t"), ([70000], "int32_t"), ([2**40], "int64_t"), ([], "uint8_t")],
)
def test_whole_numbers_take_the_narrowest_type(values, kind):
    assert narrow(np.array(values, np.int64)) == kind


def test_a_text_cannot_leave_its_literal():
    assert text('a"b\\c') == '"a\\042b\\134c"'
    assert text("??/é\n1") == '"\\077\\077/\\303\\251\\0121"'


def test_a_name_cannot_leave_its_comment():
    assert comment("a */ int x; /* b\n") == "a * / int x; / * b "


@pytest.mark.parametrize(("name", "written"), [("House-Price", "house_price"), ("2nd", "m2nd"), ("é", "m_")])
def test_a_bundle_s_name_becomes_one_of_c(name, written):
    assert c_name(name) == written


def test_neighboring_axes_that_all_walk_alike_are_one_loop():
    nest = Nest((2, 3, 4), [packed((2, 3, 4)), packed((2, 3, 4))])
    assert nest.around("x;") == ["for (int i = 0; i < 24; i++)", "    x;"]
    assert nest.index(0) == "i"


def test_an_axis_that_repeats_keeps_its_own_loop():
    shape = broadcast([(2, 1, 4), (3, 1)])
    nest = Nest(shape, [packed(shape), spread((2, 1, 4), shape), spread((3, 1), shape)])
    assert shape == (2, 3, 4)
    assert [nest.index(place) for place in range(3)] == ["i * 12 + j * 4 + k", "i * 4 + k", "j"]


def test_one_element_needs_no_loop():
    nest = Nest((1, 1), [packed((1, 1))])
    assert nest.around("x;", "y;") == ["x;", "y;"]
    assert nest.index(0, 3) == "3"


def test_what_nothing_reads_is_not_written():
    program = Program()
    used = program.each("double", lambda a: f"-{a}", program.constant(np.array([1.0, 2.0])))
    program.end_piece()
    program.each("double", lambda a: f"exp({a})", program.constant(np.array([5.0, 6.0, 7.0])))
    program.end_piece()
    program.say(f"outputs[0] = {used.name}[0];")
    body = program.finished()
    assert "exp" not in "".join(body.lines)
    assert (len(body.tables), body.work_bytes) == (1, 16)


def test_the_same_table_is_written_once():
    program = Program()
    assert program.table(np.array([1.0, 2.0]), "double") == program.table(np.array([1.0, 2.0]), "double")
    assert program.table(np.array([1.0, 2.0]), "float") != program.table(np.array([1.0, 2.0]), "double")


def test_a_bundle_becomes_a_header_a_source_and_a_check(tmp_path):
    bundle, files = keep(tmp_path / "store", task="classification")
    CExport().write(bundle, files, tmp_path, {"name": "price"})
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"price.h", "price.c", "price_check.c", "README.md", "model.json", "parity.json"}
    source, header = (tmp_path / "price.c").read_text(), (tmp_path / "price.h").read_text()
    assert "#define PRICE_NUMBERS 4" in header
    assert "[2] sold_year" in header
    assert "return outputs[1] > 0.5;" in source
    assert "if (isinf(numbers[i]) || (c1[i] && isnan(numbers[i]))) return 1;" in source


def lookup_of(*fields, values):
    preparation = Preparation(categories=tuple(Vocabulary(field.name, values) for field in fields))
    manifest = Manifest(
        name="m", signature=Signature(inputs=fields, task="regression", target="y"), preparation=preparation
    )
    constants = [numpy_helper.from_array(np.array([[1.0]]), "one")]
    made = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["C"], ["m"], keepdims=1),
            helper.make_node("Cast", ["m"], ["d"], to=TensorProto.DOUBLE),
            helper.make_node("Mul", ["d", "one"], ["P"]),
        ],
        "g",
        [helper.make_tensor_value_info("C", TensorProto.INT64, [None, len(fields)])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()
    return source_of(manifest, model, "m").code


def test_texts_are_sorted_by_their_bytes_beside_their_codes():
    code = lookup_of(Field(name="a", dtype="string"), values=("zebra", "Ärger", "ape"))
    assert re.search(r'texts0\[3\] = \{\s+"ape",\s+"zebra",\s+"\\303\\204rger",', code)
    assert re.search(r"codes0\[3\] = \{\s+2, 0, 1,", code)
    assert "case 0: return find_text(text, texts0, codes0, 3, 3);" in code


def test_only_a_text_that_a_number_is_written_as_has_the_code_of_that_number():
    code = lookup_of(Field(name="a", dtype="float64"), values=("20", "20.0", "x", "0.5"))
    assert re.search(r"numbers0\[2\] = \{\s+20.0, 0.5,", code)
    assert re.search(r"codes_of_numbers0\[2\] = \{\s+0, 3,", code)


def test_a_bool_has_the_codes_of_its_words():
    code = lookup_of(Field(name="a", dtype="bool"), values=("false", "1", "true"))
    assert re.search(r"numbers0\[2\] = \{\s+0.0, 1.0,", code)
    assert re.search(r"codes_of_numbers0\[2\] = \{\s+0, 2,", code)


def manifest_of(graph_bytes, numbers=1, **changed):
    names = tuple(f"n{place}" for place in range(numbers))
    inputs = tuple(Field(name=name, dtype="float64") for name in names)
    signature = Signature(inputs=inputs, task="regression", target="y")
    return bundle_of(Manifest(name="m", signature=signature, preparation=Preparation(numbers=names), **changed)), {
        "model.onnx": graph_bytes
    }


def one_node(kind, *names, width=1, constants=None, **options):
    given = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    made = helper.make_graph(
        [helper.make_node(kind, list(names), ["P"], **options)],
        "g",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, width])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        given,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (one_node("TopK", "N", "k", constants={"k": np.array([1])}), "uses the operator TopK, which has no form in C"),
        (one_node("Cast", "N", to=TensorProto.STRING), "uses the operator Cast to a type that is no number"),
        (one_node("Gelu", "N", approximate="tanh"), "uses the operator Gelu in its approximate form"),
        (
            one_node("MatMul", "N", "w", constants={"w": np.ones((1, 200_000))}),
            r"needs 1,600,000 bytes of temporary arrays for one row, and C source here stays below 1,048,576",
        ),
        (
            one_node("MatMul", "N", "w", width=500, constants={"w": np.random.default_rng(0).normal(size=(500, 900))}),
            r"would be 9,\d{3},\d{3} bytes of C source, and 8,000,000 are the most",
        ),
    ],
    ids=["operator", "texts", "approximate", "stack", "size"],
)
def test_what_has_no_form_in_c_is_refused_before_anything_is_written(made, words, tmp_path):
    bundle, files = manifest_of(made, numbers=500 if "source" in words and "be 9" in words else 1)
    with pytest.raises(NotConvertibleError, match=words):
        CExport().write(bundle, files, tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_texts_and_tensors_are_refused(tmp_path):
    signature = Signature(inputs=(), task="tensors", target="y")
    tensors = bundle_of(Manifest(name="m", signature=signature, preparation=Preparation()))
    with pytest.raises(NotConvertibleError, match="reads tensors, which C source does not carry"):
        CExport().write(tensors, {"model.onnx": tensor_models.mlp()}, tmp_path, {})
    terms = Preparation(steps=(TextTerms(column="words", into=("w",)),))
    texts = bundle_of(
        Manifest(name="m", signature=Signature(inputs=(), task="regression", target="y"), preparation=terms)
    )
    with pytest.raises(NotConvertibleError, match="declared step text_terms, which C source does not carry"):
        CExport().write(texts, {"model.onnx": graph(task="regression")}, tmp_path, {})


def test_a_name_that_is_none_of_c_is_refused_with_one_that_is(tmp_path):
    with pytest.raises(UsageError, match="'my-model' is no name of C in small letters; 'my_model' would be"):
        CExport().write(*keep(tmp_path / "store"), tmp_path, {"name": "my-model"})
