"""Compiled trees answer exactly as ONNX Runtime does, one row or many, and say what they cannot run."""

import itertools
import shutil

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from golive import plugins
from golive.adapters.runtimes.compiled import program
from golive.adapters.runtimes.compiled.runtime import LEAST_ROWS, CompiledRuntime
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import VerificationError
from golive.inference.front import compile_front
from golive.inference.table import columns_of
from golive.testing import check_runtime

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler (cc, gcc or clang)"
)
AT_MOST, MEMBER = 0, 6
SPECIAL = np.array(
    [-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 31.0, 32.0, 40.0, 0.1, np.float32(0.1), np.nan, np.inf]
)


def stumps(mode, *, splits=(0.0, 0.1, 1.0, 32.0), missing=None, members=None, dtype=np.float64, before=(), **changed):
    """One tree of one question for each split; each answers 1, 2, 4, ... where it is true, and less where not."""
    count = len(splits)
    told = {
        "aggregate_function": 1,
        "post_transform": 0,
        "n_targets": 2,
        "tree_roots": list(range(count)),
        "nodes_modes": numpy_helper.from_array(np.full(count, mode, np.uint8), "modes"),
        "nodes_splits": numpy_helper.from_array(np.array(splits, dtype), "splits"),
        "nodes_featureids": [tree % 2 for tree in range(count)],
        "nodes_truenodeids": [2 * tree for tree in range(count)],
        "nodes_trueleafs": [1] * count,
        "nodes_falsenodeids": [2 * tree + 1 for tree in range(count)],
        "nodes_falseleafs": [1] * count,
        "leaf_targetids": [0, 1] * count,
        "leaf_weights": numpy_helper.from_array(2.0 ** np.arange(2 * count, dtype=dtype), "weights"),
    }
    if missing is not None:
        told["nodes_missing_value_tracks_true"] = [missing] * count
    if members is not None:
        told["membership_values"] = numpy_helper.from_array(np.array(members, dtype), "members")
    told |= changed
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        *before,
        helper.make_node("Cast", ["n" if before else "N"], ["x"], to=kind),
        helper.make_node("TreeEnsemble", ["x"], ["t"], domain="ai.onnx.ml", **told),
        helper.make_node("Cast", ["t"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["wide", "two"], ["P"]),
    ]
    return graph(nodes)


def graph(nodes):
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "trees",
        [value("N", TensorProto.DOUBLE, [None, 2])],
        [value("P", TensorProto.DOUBLE, [None, 2])],
        [numpy_helper.from_array(np.array(2.0), "two")],
    )
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(made, opset_imports=versions, ir_version=10).SerializeToString()


ROWS = np.array(list(itertools.product(SPECIAL, repeat=2)))
NO_CODES = np.zeros((len(ROWS), 0), np.int64)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    return CompiledRuntime().sharing(tmp_path_factory.mktemp("shared"))


def answers(runtime, content, rows=ROWS):
    return runtime.open(content, threads=1).run(rows, np.zeros((len(rows), 0), np.int64))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("missing", [None, 0, 1])
@pytest.mark.parametrize("mode", range(4))
def test_every_comparison_decides_as_onnx_runtime_does_at_its_border_and_where_nothing_is_known(
    runtime, mode, missing, dtype
):
    content = stumps(mode, missing=missing, dtype=dtype)
    np.testing.assert_array_equal(answers(runtime, content), answers(OnnxRuntime(), content))


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("mode", [4, 5])
def test_equal_and_unequal_decide_as_they_do_there(runtime, mode, missing):
    content = stumps(mode, splits=(0.0, 1.0, 32.0), missing=missing)
    np.testing.assert_array_equal(answers(runtime, content), answers(OnnxRuntime(), content))


@pytest.mark.parametrize("missing", [0, 1])
def test_sets_hold_what_they_hold_there(runtime, missing):
    members = [0.0, 2.0, 31.0, np.nan, 32.0, 40.0, np.nan, 1.0, np.nan]
    content = stumps(MEMBER, splits=(0.0, 0.0, 0.0), members=members, missing=missing)
    is_whole = ((np.round(ROWS) == ROWS) | np.isnan(ROWS)).all(axis=1)
    whole = ROWS[is_whole]
    np.testing.assert_array_equal(answers(runtime, content, whole), answers(OnnxRuntime(), content, whole))
    # Of some sets ONNX Runtime takes 0.5 for the 0 in them, of others not; here it is in none.
    half, minus_one = (answers(runtime, content, np.full((LEAST_ROWS, 2), value)) for value in (0.5, -1.0))
    np.testing.assert_array_equal(half, minus_one)


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=20, categorical_features="from_dtype", random_state=0),
        LGBMRegressor(n_estimators=20, verbose=-1, random_state=0),
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["kind"]),
                remainder=SimpleImputer(),
            ),
            RandomForestClassifier(20, random_state=0),
        ),
    ],
    ids=["boosting", "lightgbm", "forest"],
)
def test_real_models_answer_exactly_as_with_onnx_runtime(runtime, model):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(400, 4)).round(1), columns=list("abcd"))
    rows.loc[::5, "b"] = np.nan
    rows["kind"] = pd.Categorical(rng.choice(["x", "y", "z"], 400))
    converted = plugins.load("frameworks", "sklearn").convert(
        model.fit(rows, (rows["a"] * rows["c"] > 0).astype(int)), rows, target="target"
    )
    front = compile_front(converted.preparation, converted.signature)
    tensors = front.columns(columns_of(converted.signature, {name: rows[name].to_numpy() for name in rows}))
    found, expected = (one.open(converted.graph, threads=1).run(*tensors) for one in (runtime, OnnxRuntime()))
    np.testing.assert_array_equal(found, expected)


def test_what_comes_before_the_trees_comes_before_them_here_too(runtime):
    before = [helper.make_node("Mul", ["N", "two"], ["n"])]
    content = stumps(AT_MOST, before=before)
    np.testing.assert_array_equal(answers(runtime, content), answers(OnnxRuntime(), content))


def test_a_row_answers_alike_alone_among_few_and_among_many(runtime):
    session = runtime.open(stumps(AT_MOST), threads=1)
    whole = session.run(ROWS, NO_CODES)
    for count in (1, LEAST_ROWS - 1, LEAST_ROWS, LEAST_ROWS + 1, 257):
        rows = np.resize(ROWS, (count, 2))
        np.testing.assert_array_equal(session.run(rows, NO_CODES[:1].repeat(count, 0)), np.resize(whole, (count, 2)))
    assert session.run(ROWS[:0], NO_CODES[:0]).shape == (0, 2)


def test_a_column_that_rows_do_not_have_is_never_read(runtime):
    with pytest.raises(VerificationError, match="read 8 columns, and rows have 2"):
        answers(runtime, stumps(AT_MOST, nodes_featureids=[0, 7, 0, 1]))


def test_a_column_that_no_row_has_is_refused_at_once(runtime):
    with pytest.raises(VerificationError, match="reads the column -3"):
        runtime.open(stumps(AT_MOST, nodes_featureids=[0, -3, 0, 1]), threads=1)


def test_it_keeps_what_every_runtime_promises():
    content, rows = stumps(AT_MOST), ROWS[np.isfinite(ROWS).all(axis=1)]
    runtime = plugins.load("runtimes", "compiled")
    assert runtime.name == "compiled"
    check_runtime(runtime, content, rows, answers(OnnxRuntime(), content, rows))


def test_the_program_is_compiled_once_for_a_folder(tmp_path):
    CompiledRuntime(tmp_path).open(stumps(AT_MOST), threads=1)
    [made] = tmp_path.glob("*.so")
    first = made.stat().st_mtime_ns
    CompiledRuntime(tmp_path).open(stumps(AT_MOST), threads=1)
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [first]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no graph", "the 8 bytes are not a graph"),
        (
            graph([helper.make_node("Mul", ["N", "two"], ["P"])]),
            "the graph has 0 nodes TreeEnsemble, and one is compiled",
        ),
        (stumps(AT_MOST, aggregate_function=3), "these trees are not just added up"),
        (stumps(4, splits=(0.5,)), "a tree asks for other numbers than small whole ones"),
    ],
)
def test_what_it_cannot_run_is_refused_with_the_reason(runtime, content, told):
    with pytest.raises(VerificationError, match=told):
        runtime.open(content, threads=1)


def test_a_graph_of_tensors_is_refused(runtime):
    with pytest.raises(VerificationError, match="package the model for onnxruntime"):
        runtime.open_tensors(b"graph", threads=1)


def test_without_a_compiler_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VerificationError, match="there is none of cc, gcc and clang on this machine; install one"):
        CompiledRuntime().open(stumps(AT_MOST), threads=1)


def test_a_compiler_that_fails_is_quoted(tmp_path, monkeypatch):
    (tmp_path / "cc").write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(VerificationError, match=r"cannot compile trees.c \(no space left\)"):
        program.walk(None)
