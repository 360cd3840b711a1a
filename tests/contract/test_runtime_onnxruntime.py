"""What any runtime promises, asked of ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from golive import plugins
from golive.adapters.runtimes.onnxruntime import rows_together
from golive.errors import VerificationError


def graph(*, output="P", kind=TensorProto.DOUBLE, numbers=3):
    """P = N @ W + table[C]: three numbers and one category in, two outputs."""
    weights = np.array([[1.0, 0.1], [2.0, 0.2], [3.0, 0.3]])
    table = np.array([[100.0, 10.0], [200.0, 20.0]])
    nodes = [
        helper.make_node("MatMul", ["N", "W"], ["n"]),
        helper.make_node("Squeeze", ["C", "axis"], ["code"]),
        helper.make_node("Gather", ["table", "code"], ["t"], axis=0),
        helper.make_node("Add", ["n", "t"], [output]),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("N", kind, [None, numbers]),
            helper.make_tensor_value_info("C", TensorProto.INT64, [None, 1]),
        ],
        [helper.make_tensor_value_info(output, kind, [None, 2])],
        [
            numpy_helper.from_array(weights.astype(helper.tensor_dtype_to_np_dtype(kind)), "W"),
            numpy_helper.from_array(table.astype(helper.tensor_dtype_to_np_dtype(kind)), "table"),
            numpy_helper.from_array(np.array([1]), "axis"),
        ],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


NUMBERS = np.arange(30, dtype=np.float64).reshape(10, 3)
CODES = np.array([[0], [1]] * 5)
EXPECTED = NUMBERS @ np.array([[1.0, 0.1], [2.0, 0.2], [3.0, 0.3]]) + np.array([[100.0, 10.0], [200.0, 20.0]] * 5)


@pytest.fixture
def runtime():
    return plugins.load("runtimes", "onnxruntime")


def test_it_is_found_by_its_own_name(runtime):
    assert runtime.name == "onnxruntime"


@pytest.mark.parametrize("threads", [1, 2])
def test_any_number_of_rows_in_any_order_gives_each_row_its_answer(runtime, threads):
    session = runtime.open(graph(), threads=threads)
    for start, stop in ((0, 1), (0, 10), (3, 4), (2, 9), (9, 10), (0, 2), (5, 6)):
        answer = session.run(NUMBERS[start:stop], CODES[start:stop])
        assert answer.dtype == np.float64
        np.testing.assert_allclose(answer, EXPECTED[start:stop], rtol=1e-15)


def test_no_row_gives_no_answer(runtime):
    assert runtime.open(graph(), threads=1).run(NUMBERS[:0], CODES[:0]).shape == (0, 2)


def test_an_answer_stays_as_it_was_when_the_next_one_is_asked_for(runtime):
    session = runtime.open(graph(), threads=1)
    answers = [session.run(NUMBERS[row : row + 1], CODES[row : row + 1]) for row in range(10)]
    np.testing.assert_allclose(np.concatenate(answers), EXPECTED, rtol=1e-15)


def test_rows_that_are_not_contiguous_are_read_right(runtime):
    session = runtime.open(graph(), threads=1)
    np.testing.assert_allclose(session.run(NUMBERS[::3], CODES[::3]), EXPECTED[::3], rtol=1e-15)
    turned = np.asfortranarray(NUMBERS)
    np.testing.assert_allclose(session.run(turned[4:5], CODES[4:5]), EXPECTED[4:5], rtol=1e-15)


def graph_of(*kinds, width=3):
    """Each kind of node in turn on ``N``, then the sum of what each gives, as one column."""
    nodes = [helper.make_node("Abs", ["N"], ["a0"])]
    nodes += [helper.make_node(kind, [f"a{place}"], [f"a{place + 1}"]) for place, kind in enumerate(kinds)]
    ones = numpy_helper.from_array(np.ones((width, 1)), "ones")
    nodes.append(helper.make_node("MatMul", [f"a{len(kinds)}", "ones"], ["P"]))
    given = helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, width])
    answer = helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])
    graph = helper.make_graph(nodes, "kinds", [given], [answer], [ones])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


@pytest.mark.parametrize(
    ("kinds", "together"),
    [((), 1), (("Sqrt", "Neg"), 1), (("Exp",), 2), (("Softmax",), 2), (("Tanh", "Sigmoid"), 2), (("Exp", "Log"), 4)],
)
def test_a_row_gets_the_same_bits_alone_and_in_batches_of_any_length(runtime, kinds, together):
    assert rows_together(graph_of(*kinds)) == together
    session = runtime.open(graph_of(*kinds), threads=1)
    numbers, codes = np.random.default_rng(0).normal(size=(1200, 3)), np.empty((1200, 0), np.int64)
    whole = session.run(numbers, codes)
    for size in (1, 2, 3, 5, 7, 33, 255, 257, 601):
        parts = [session.run(numbers[at : at + size], codes[at : at + size]) for at in range(0, 1200, size)]
        assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
        assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_two_sessions_do_not_share_anything(runtime):
    first, second = runtime.open(graph(), threads=1), runtime.open(graph(), threads=1)
    one = first.run(NUMBERS[:1], CODES[:1])
    second.run(NUMBERS[1:2], CODES[1:2])
    np.testing.assert_allclose(one, EXPECTED[:1], rtol=1e-15)


@pytest.mark.parametrize("content", [b"", b"not a graph", graph()[:-40]])
def test_bytes_that_are_no_graph_are_refused(runtime, content):
    with pytest.raises(VerificationError, match="not a graph that ONNX Runtime"):
        runtime.open(content, threads=1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (graph(output="Y"), "one output 'P' is needed"),
        (graph(kind=TensorProto.FLOAT), r"tensor\(float\)"),
        (graph(numbers=None), "a fixed width"),
    ],
)
def test_a_graph_with_other_inputs_and_outputs_is_refused(runtime, content, words):
    with pytest.raises(VerificationError, match=words):
        runtime.open(content, threads=1)


def test_the_weights_of_a_big_graph_are_mapped_from_a_file_that_processes_share(runtime, tmp_path):
    wide = 2100
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape) for shape in ((2, wide), (wide, wide), (wide, 1))]
    nodes = [
        helper.make_node("MatMul", [read, f"W{layer}"], [given])
        for layer, (read, given) in enumerate((("N", "h"), ("h", "g"), ("g", "P")))
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", width])] for name, width in (("N", 2), ("P", 1))
    ]
    held = [numpy_helper.from_array(weight, f"W{layer}") for layer, weight in enumerate(weights)]
    big = helper.make_model(
        helper.make_graph(nodes, "big", *ends, held), opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    ).SerializeToString()
    numbers, codes = random.normal(size=(3, 2)), np.zeros((3, 0), np.int64)
    alone = runtime.open(big, threads=1).run(numbers, codes)
    assert list(tmp_path.iterdir()) == []

    sharing = runtime.sharing(tmp_path / "graphs")
    first = sharing.open(big, threads=1)
    (kept,) = (tmp_path / "graphs").iterdir()
    written = (kept / "weights.bin").stat().st_mtime_ns
    second = sharing.open(big, threads=1)
    assert first.run(numbers, codes).tobytes() == second.run(numbers, codes).tobytes() == alone.tobytes()
    assert (kept / "weights.bin").stat().st_mtime_ns == written
    assert str(kept / "weights.bin") in Path("/proc/self/maps").read_text("ascii")
    sharing.open(graph(), threads=1)
    assert list((tmp_path / "graphs").iterdir()) == [kept]
