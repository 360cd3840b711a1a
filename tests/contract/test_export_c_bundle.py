"""Export ``c`` as its README says: compiled with the printed line, checked by its own program, asked from C."""

import ctypes
import math
import re
import shlex
import subprocess
from datetime import datetime, timedelta

import numpy as np
import pytest
from compiled import FLAGS, asked, compiler, library, source_of
from onnx import TensorProto, helper
from priced import ROWS, keep, road_of, values

from golive.adapters.exports.c_source.export import CExport
from golive.domain.bundle import Manifest
from golive.domain.preparation import (
    Bound,
    Combine,
    DateParts,
    Normalize,
    Preparation,
    Recode,
    TextCounts,
    Vocabulary,
)
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError
from golive.inference.front import compile_front


@pytest.fixture
def exported(tmp_path):
    bundle, files = keep(tmp_path / "store", task="classification")
    out = tmp_path / "out"
    out.mkdir()
    CExport().write(bundle, files, out, {})
    return out


def run(words, folder):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def built(folder):
    """Run the command of the README, with all warnings as errors."""
    line = next(line for line in (folder / "README.md").read_text().splitlines() if line.startswith("cc "))
    words = [compiler(), "-Wall", "-Wextra", "-Werror", *shlex.split(line)[1:]]
    done = run(words, folder)
    assert done.returncode == 0, done.stderr
    return run(["./check"], folder)


def test_the_commands_of_the_readme_build_a_check_that_passes(exported):
    done = built(exported)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^1\d\d rows: the greatest difference is [\d.e-]+, 0 decisions differ$", done.stdout.strip())


def test_the_check_leaves_with_one_where_a_number_of_the_model_changed(exported):
    source = exported / "priced.c"
    changed = source.read_text().replace("0.01, 0.3,", "0.01, 0.31,")
    assert changed != source.read_text()
    source.write_text(changed)
    done = built(exported)
    assert done.returncode == 1
    assert re.search(r"the worst is row \d+ of parity.json", done.stdout)


def test_the_example_of_the_readme_compiles_and_runs(exported):
    code = (exported / "README.md").read_text().split("```c\n")[1].split("```")[0]
    (exported / "example.c").write_text(code)
    done = run([compiler(), *FLAGS, "-o", "example", "example.c", "priced.c", "-lm"], exported)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d.e-]+, the winner is [01]\n", run(["./example"], exported).stdout)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    exported = tmp_path_factory.mktemp("model")
    bundle, files = keep(exported / "store", task="classification")
    CExport().write(bundle, files, exported, {})
    done = run([compiler(), *FLAGS, "-shared", "-fPIC", "-o", "priced.so", "priced.c", "-lm"], exported)
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(exported / "priced.so"))
    loaded.priced_code.argtypes, loaded.priced_code.restype = [ctypes.c_int, ctypes.c_char_p], ctypes.c_int64
    loaded.priced_code_of_number.restype = ctypes.c_int64
    loaded.priced_code_of_number.argtypes = [ctypes.c_int, ctypes.c_double]
    return loaded


def test_texts_find_their_codes(model):
    texts = [b"north", b"20", b"20.0", b"", None, "nörth".encode()]
    assert [model.priced_code(0, text) for text in texts] == [0, 1, 2, 2, 3, 2]
    assert (model.priced_code(1, b"north"), model.priced_code_of_number(0, 20.0)) == (-1, -1)


def predicted(model, numbers, code):
    made = (ctypes.c_double * 2)(7.0, 7.0)
    refused = model.priced_predict((ctypes.c_double * 4)(*numbers), (ctypes.c_int64 * 1)(code), made)
    return refused, list(made)


def test_a_row_is_answered_as_the_server_answers_it(model, tmp_path):
    road = road_of(*keep(tmp_path / "store", task="classification"))
    numbers, codes = road.front.rows(values(ROWS))
    for row, code, wanted in zip(numbers.tolist(), codes[:, 0].tolist(), road.rows(values(ROWS)), strict=True):
        refused, got = predicted(model, row, code)
        assert refused == 0
        np.testing.assert_allclose(got, wanted, rtol=1e-15)


@pytest.mark.parametrize(
    ("numbers", "code", "refused"),
    [
        ((1.0, math.nan, 2010.0, math.nan), 0, 0),
        ((math.nan, 1.0, 2010.0, 1.0), 0, 1),
        ((1.0, math.inf, 2010.0, 1.0), 0, 1),
        ((1.0, 1.0, 2010.0, 1.0), -1, 2),
        ((1.0, 1.0, 2010.0, 1.0), 4, 2),
    ],
)
def test_what_a_server_refuses_is_refused_and_nothing_is_written(model, numbers, code, refused):
    told, made = predicted(model, numbers, code)
    assert told == refused
    assert (made == [7.0, 7.0]) == bool(refused)


def test_the_greater_probability_wins_above_the_threshold(model):
    for second in (0.5, math.nextafter(0.5, 1.0)):
        assert model.priced_decide((ctypes.c_double * 2)(1.0 - second, second)) == int(second > 0.5)


def test_rounding_to_float_outlives_a_compiler_that_vectorizes(tmp_path):
    nodes = [
        helper.make_node("Cast", ["N"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["f"], ["P"], to=TensorProto.DOUBLE),
    ]
    sides = [[helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, 4])] for name in "NP"]
    graph = helper.make_model(helper.make_graph(nodes, "g", *sides)).SerializeToString()
    names = ("a", "b", "c", "d")
    inputs = tuple(Field(name=name, dtype="float64") for name in names)
    signature = Signature(inputs=inputs, task="regression", target="y")
    manifest = Manifest(name="m", signature=signature, preparation=Preparation(numbers=names))
    rows = np.random.default_rng(0).normal(size=(20, 4))
    got = asked(library([source_of(manifest, graph, "m")], tmp_path), "m", rows, np.empty((20, 0)), 4)
    np.testing.assert_array_equal(got, rows.astype(np.float32).astype(np.float64))


STEPS = (
    Normalize("city"),
    Normalize("word", lower=False, empty_is_missing=False),
    Recode("city", ("unknown", "n/a")),
    Recode("area", (-999.0, 0.5)),
    Bound("area", 0.0, 100.0),
    Bound("rooms", 1.0, 9.0, "clip"),
    Bound("age", None, 150.0, "refuse"),
    DateParts("sold", ("year", "month", "day", "weekday", "hour", "dayofyear", "days")),
    TextCounts("word"),
    Combine("per_room", "ratio", ("area", "rooms")),
    Combine("total", "sum", ("area", "rooms", "age")),
    Combine("product", "product", ("area", "rooms")),
    Combine("gap", "difference", ("area", "age")),
    Combine("log_area", "log1p", ("area",)),
    Combine("square", "square", ("age",)),
    Combine("size", "absolute", ("age",)),
)
FIELDS = (
    Field(name="city", dtype="string", nullable=True),
    Field(name="word", dtype="string", nullable=True),
    Field(name="sold", dtype="string", nullable=True, format="date"),
    Field(name="area", dtype="float64", nullable=True),
    Field(name="rooms", dtype="int64", nullable=True),
    Field(name="age", dtype="float64"),
    Field(name="new", dtype="bool", nullable=True),
)
CITIES = ("paris", "new york", "köln", "北京")
MADE = (
    *("area", "rooms", "age", "per_room", "total", "product", "gap", "log_area", "square", "size"),
    *("word_chars", "word_words", *(f"sold_{part}" for part in STEPS[7].parts)),
)
TEXTS = {
    "city": (
        *CITIES,
        " Paris\t",
        "NEW \n York",
        "UNKNOWN",
        "n/a",
        "",
        "  ",
        "Köln",
        "köln ",
        "x" * 1024,
        "a\x1cb",
        "東京",
        None,
    ),
    "word": (
        "one",
        " two  words ",
        "",
        "a\tb\nc",
        "Zürich ist schön",
        "中文 分词",
        "a\u00a0b\u2003c\u3000d\u2028e",
        "\x1f",
        None,
    ),
    "sold": (
        *(
            "2011-07-25",
            "2000-02-29",
            "1900-02-29",
            "2011-13-01",
            "0001-01-01",
            "9999-12-31",
            "2011-07-25T13:45",
            "20110725",
        ),
        *(
            "2011-07-25 13:45:59",
            "2011-07-25T23:45:59.123456789+00:30",
            "2011-01-01T00:10:00+02:00",
            "2011-W30-1",
            "soon",
        ),
        *(
            "2012-12-31T23:59:59.5-11:30",
            "2011-07-25T24:00",
            "2011-07-25T10:00Z",
            "1969-12-31T12:00",
            "0001-01-01T00:00+01:00",
        ),
        *("2011-07-25T10:00:00.", "2011-07-25T10", "", None),
    ),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A model with every step, in C, and its front."""
    compiler()
    vocabularies = (Vocabulary("city", CITIES), Vocabulary("rooms", ("3", "20")), Vocabulary("new", ("true", "false")))
    preparation = Preparation(steps=STEPS, numbers=MADE, categories=vocabularies)
    manifest = Manifest(
        name="m", signature=Signature(inputs=FIELDS, task="regression", target="y"), preparation=preparation
    )
    sides = [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, len(MADE)])]
    sides += [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, len(MADE)])]
    graph = helper.make_graph([helper.make_node("Identity", ["N"], ["P"])], "g", sides[:1], sides[1:])
    source = source_of(manifest, helper.make_model(graph).SerializeToString(), "m")
    return library([source], tmp_path_factory.mktemp("c")), compile_front(preparation, manifest.signature)


def prepared_in_c(models, row):
    numbers, codes = (ctypes.c_double * len(MADE))(), (ctypes.c_int64 * 3)()
    given = [math.nan if value is None or isinstance(value, str) else float(value) for value in row]
    texts = [value.encode() if isinstance(value, str) else None for value in row]
    refused = models.m_prepare(
        (ctypes.c_double * len(row))(*given), (ctypes.c_char_p * len(row))(*texts), numbers, codes
    )
    return refused, np.array(numbers), list(codes)


def prepared_by_golive(front, row):
    try:
        numbers, codes = front.rows([row])
    except InvalidRowError:
        return None
    return numbers[0], codes[0].tolist()


def test_every_declared_step_gives_the_same_bits_in_c_or_says_that_it_cannot(prepared):
    models, front = prepared
    rng = np.random.default_rng(0)
    areas = (-999.0, 0.5, 3.25, 100.0, 101.0, -0.0, -5.0, None)
    told = []
    for _ in range(1500):
        row = [rng.choice(np.array(TEXTS[name], dtype=object)) for name in ("city", "word", "sold")]
        row[2] = "2011-07-25" if rng.random() < 0.4 else row[2]
        row += [areas[rng.integers(len(areas))], (None, 0, 3, 20)[rng.integers(4)]]
        row += [(30.0, 0.0, -1e200, 150.0, 151.0, None)[rng.integers(6)], (None, True, False)[rng.integers(3)]]
        refused, numbers, codes = prepared_in_c(models, row)
        told.append(refused)
        wanted = prepared_by_golive(front, row)
        if refused in {1, 3}:
            assert wanted is None, row
        elif refused == 0:
            assert wanted is not None, row
            np.testing.assert_array_equal(numbers, wanted[0])
            assert codes == wanted[1], row
    assert {told.count(each) > 50 for each in (0, 1, 3, 4)} == {True}


def test_dates_of_all_years_are_read_alike(prepared):
    models, front = prepared
    rng = np.random.default_rng(1)
    for day in rng.integers(-719162, 2932896, 1500).tolist():
        moment = datetime.fromordinal(day + 719163) + timedelta(seconds=int(rng.integers(86400)))
        offset = ("", "Z", "+05:45", "-23:59")[rng.integers(4)]
        row = [None, None, moment.isoformat() + offset, None, None, 1.0, None]
        wanted = prepared_by_golive(front, row)
        refused, numbers, _ = prepared_in_c(models, row)
        assert (refused == 3) == (wanted is None), row
        if wanted is not None:
            np.testing.assert_array_equal(numbers, wanted[0])
