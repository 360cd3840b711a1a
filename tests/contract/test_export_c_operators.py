"""Every operator that C source has, compiled, against ONNX Runtime: on numbers, missing ones and signed zeros."""

import numpy as np
import pytest
from compiled import asked, compiler, library, source_of
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.exports.c_source.source import RULES
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation, Vocabulary
from golive.domain.signature import Field, Signature

WIDTH, CODES = 6, 3
ROWS = 60
T = TensorProto
CHANCE = np.random.default_rng(7)
MATRIX = CHANCE.normal(size=(WIDTH, 4))
POSITIVE = [("Abs", ["N"], "a", {}), ("Add", ["a", np.array(0.25)], "x", {})]
SMALL = [("Tanh", ["N"], "t", {}), ("Cast", ["t"], "x", {"to": T.FLOAT})]
CUBE = [("Reshape", ["N", np.array([1, 2, 3])], "x", {})]
ONE = [("Identity", ["N"], "x", {})]
SINGLE = [("Cast", ["N"], "x", {"to": T.FLOAT})]
WHOLE = [("Round", ["N"], "r", {}), ("Cast", ["r"], "x", {"to": T.INT64})]
BOOLS = [("Greater", ["N", np.array([[0.3]])], "x", {}), ("IsNaN", ["N"], "y", {})]


def plain(kind, before=ONE, **options):
    return [*before, (kind, ["x"], "P", options)]


CASES = {
    **{kind: plain(kind) for kind in ("Neg", "Abs", "Exp", "Tanh", "Floor", "Ceil", "Round", "Sin", "Cos")},
    **{kind: plain(kind) for kind in ("Identity", "Sigmoid", "Reciprocal")},
    **{kind: plain(kind) for kind in ("Flatten", "Relu", "Sign")},
    **{kind: plain(kind, POSITIVE) for kind in ("Log", "Sqrt")},
    **{f"{kind} in float": plain(kind, SMALL) for kind in ("Asin", "Acos", "Atanh")},
    **{f"{kind} in float": plain(kind, SINGLE) for kind in ("Erf", "Tan", "Atan", "Sinh", "Cosh", "Asinh")},
    "Acosh in float": [
        *SINGLE,
        ("Mul", ["x", "x"], "y", {}),
        ("Add", ["y", np.float32(1)], "z", {}),
        ("Acosh", ["z"], "P", {}),
    ],
    **{
        f"{kind} in float": plain(kind, SINGLE)
        for kind in ("Exp", "Softplus", "Elu", "Selu", "LeakyRelu", "HardSigmoid", "Gelu", "Sigmoid", "Tanh", "Relu")
    },
    **{
        kind: [(kind, ["N", MATRIX[:, 0]], "P", {})]
        for kind in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Equal", "Less", "LessOrEqual", "Greater")
    },
    "GreaterOrEqual": [("GreaterOrEqual", ["N", "N"], "P", {})],
    "And": [*BOOLS, ("And", ["x", "y"], "P", {})],
    "Or": [*BOOLS, ("Or", ["x", "y"], "P", {})],
    "Xor": [*BOOLS, ("Xor", ["x", "y"], "P", {})],
    "Not": [*BOOLS, ("Not", ["x"], "P", {})],
    "IsNaN": [("IsNaN", ["N"], "P", {})],
    "Where": [*BOOLS, ("Where", ["y", np.zeros((1, 1)), "N"], "P", {})],
    "Pow": [*POSITIVE, ("Pow", ["x", np.array(1.7)], "P", {})],
    "Pow of two": [("Pow", ["N", np.array(2.0)], "P", {})],
    "Clip": [("Clip", ["N", np.array(-0.5), np.array(0.75)], "P", {})],
    "Cast": [*WHOLE, ("Cast", ["x"], "P", {"to": T.DOUBLE})],
    "Cast through float": [*SINGLE, ("Cast", ["x"], "P", {"to": T.DOUBLE})],
    "Mod": [("Mod", ["C", np.array([[2, -3, 2]])], "P", {})],
    "Mod of floats": [("Mod", ["N", np.array(0.7)], "P", {"fmod": 1})],
    "Shape": [
        ("Shape", ["N"], "s", {}),
        ("Slice", ["s", np.array([1]), np.array([2])], "e", {}),
        ("Add", ["C", "e"], "P", {}),
    ],
    "Reshape": [*CUBE, ("Reshape", ["x", np.array([0, -1])], "P", {})],
    "Unsqueeze": [("Unsqueeze", ["N", np.array([0, -1])], "x", {}), ("Mul", ["x", MATRIX], "P", {})],
    "Squeeze": [("Unsqueeze", ["N", np.array([0])], "x", {}), ("Squeeze", ["x", np.array([0])], "P", {})],
    "Transpose": [*CUBE, ("Transpose", ["x"], "P", {"perm": [0, 2, 1]})],
    "Expand": [("Unsqueeze", ["N", np.array([1])], "x", {}), ("Expand", ["x", np.array([1, 2, 1])], "P", {})],
    "Slice": [
        *CUBE,
        ("Slice", ["x", np.array([2, 0]), np.array([-9, 2]), np.array([2, 1]), np.array([-1, 1])], "P", {}),
    ],
    "Split": [("Split", ["N", np.array([2, 4])], "x,y", {"axis": 1}), ("Concat", ["y", "x"], "P", {"axis": 1})],
    "Concat": [*CUBE, ("Concat", ["x", np.ones((1, 2, 1)), "x"], "P", {"axis": 2})],
    "Gather": [("Gather", [CHANCE.normal(size=(5, 2)), "C"], "P", {})],
    "Gather of columns": [("Gather", ["N", np.array([3, -1, 0])], "P", {"axis": 1})],
    "GatherElements": [("Neg", ["N"], "n", {}), ("GatherElements", ["n", "C"], "P", {"axis": 1})],
    "ArrayFeatureExtractor": [("ml.ArrayFeatureExtractor", ["N", np.array([4, 1])], "P", {})],
    **{
        kind: [*CUBE, (kind, ["x", np.array([1])], "P", {"keepdims": 0})]
        for kind in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ReduceL1")
    },
    "ReduceL2": [*CUBE, ("ReduceL2", ["x"], "P", {})],
    "ReduceLogSum": [*POSITIVE, ("ReduceLogSum", ["x", np.array([1])], "P", {})],
    "ReduceLogSumExp": [*CUBE, ("ReduceLogSumExp", ["x", np.array([2])], "P", {})],
    "Softmax": [*CUBE, ("Softmax", ["x"], "P", {"axis": 1})],
    "ArgMax": [*CUBE, ("ArgMax", ["x"], "P", {"axis": 2, "keepdims": 0})],
    "ArgMin": [("Mod", ["C", np.array([[2]])], "x", {}), ("ArgMin", ["x"], "P", {"axis": 1, "select_last_index": 1})],
    "CumSum": [*CUBE, ("CumSum", ["x", np.array(1)], "P", {"exclusive": 1, "reverse": 1})],
    "MatMul": [("MatMul", ["N", MATRIX], "P", {})],
    "MatMul of stacks": [*CUBE, ("MatMul", ["x", CHANCE.normal(size=(2, 3, 2))], "P", {})],
    "MatMul of a vector": [("MatMul", ["N", MATRIX[:, 0]], "P", {})],
    "MatMulInteger": [
        ("Cast", ["C"], "x", {"to": T.INT8}),
        ("MatMulInteger", ["x", np.array([[1], [-2], [3]], np.int8)], "P", {}),
    ],
    "Gemm": [("Gemm", ["N", MATRIX.T.copy(), MATRIX[0]], "P", {"alpha": 0.5, "beta": 2.0, "transB": 1})],
}


def ensemble(modes, *, aggregate=1):
    """Two trees that go down one node a mode: each asks one number, and gives a leaf where the answer is yes."""
    count, sets = len(modes), []
    for mode in modes:
        sets += [2.0, 1.0, np.nan] if mode == 6 else []
    last = count - 1
    options = {
        "aggregate_function": aggregate,
        "n_targets": 2,
        "leaf_targetids": [place % 2 for place in range(count)] + [1],
        "leaf_weights": numpy_helper.from_array(np.arange(1.0, count + 2) / 8),
        "nodes_featureids": [(place * 5) % WIDTH for place in range(count)],
        "nodes_modes": numpy_helper.from_array(np.array(modes, np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.array([0.5, 1.0, -0.25, 0.1, 1.0, 0.0, 0.0][:count])),
        "nodes_missing_value_tracks_true": [place % 2 for place in range(count)],
        "nodes_trueleafs": [1] * count,
        "nodes_truenodeids": list(range(count)),
        "nodes_falseleafs": [0] * last + [1],
        "nodes_falsenodeids": list(range(1, count + 1)),
        "tree_roots": [0, count // 2],
    }
    if sets:
        options["membership_values"] = numpy_helper.from_array(np.array(sets))
    return [("ml.TreeEnsemble", ["N"], "P", options)]


IMAGE = [("Concat", ["N", "N", "N", "N"], "w", {"axis": 1}), ("Reshape", ["w", np.array([1, 2, 3, 4])], "x", {})]
SINGLE_IMAGE = [*IMAGE[:1], ("Reshape", ["w", np.array([1, 2, 3, 4])], "d", {}), ("Cast", ["d"], "x", {"to": T.FLOAT})]
KERNEL = CHANCE.normal(size=(4, 2, 2, 3)).astype(np.float32)
CASES |= {
    "Conv in float": [*SINGLE_IMAGE, ("Conv", ["x", KERNEL, KERNEL[:, 0, 0, 0].copy()], "P", {"pads": [1, 0, 1, 2]})],
    "Conv of groups in float": [
        *SINGLE_IMAGE,
        ("Conv", ["x", KERNEL[:, :1].copy()], "P", {"group": 2, "strides": [2, 1], "dilations": [1, 1]}),
    ],
    "Conv that jumps in float": [*SINGLE_IMAGE, ("Conv", ["x", KERNEL[..., :2].copy()], "P", {"dilations": [2, 3]})],
    "MaxPool": [*IMAGE, ("MaxPool", ["x"], "P", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1})],
    "MaxPool with a border": [*IMAGE, ("MaxPool", ["x"], "P", {"kernel_shape": [3, 2], "pads": [1, 1, 1, 0]})],
    "AveragePool in float": [
        *SINGLE_IMAGE,
        ("AveragePool", ["x"], "P", {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1], "count_include_pad": 1}),
    ],
    "AveragePool of what is there in float": [
        *SINGLE_IMAGE,
        ("AveragePool", ["x"], "P", {"kernel_shape": [2, 3], "pads": [1, 1, 0, 1], "strides": [2, 1]}),
    ],
    "GlobalAveragePool in float": [*SINGLE_IMAGE, ("GlobalAveragePool", ["x"], "P", {})],
    "BatchNormalization": [
        *IMAGE,
        (
            "BatchNormalization",
            ["x", *(np.array(each) for each in ([2.0, 3.0], [0.1, 0.2], [1.0, -1.0], [0.5, 4.0]))],
            "P",
            {},
        ),
    ],
    "trees of one mode": ensemble([1, 1, 1, 1]),
    "trees of all comparisons": ensemble([0, 1, 2, 3, 4, 5]),
    "trees with sets": ensemble([0, 6, 1, 6]),
    "trees of the average": ensemble([0, 1, 0], aggregate=0),
}


def graph_of(cases):
    """Write the nodes of all cases as one graph; what each gives is a row of doubles, and they stand side by side."""
    constants, made, rows = [], [], []

    def named(case, operand):
        if isinstance(operand, str):
            return operand if operand in {"N", "C"} else f"{case}_{operand}"
        constants.append(numpy_helper.from_array(np.asarray(operand), f"k{len(constants)}"))
        return constants[-1].name

    for case, nodes in enumerate(cases.values()):
        for kind, operands, outputs, options in nodes:
            names = [named(case, operand) for operand in operands]
            given = [named(case, output) for output in outputs.split(",")]
            domain = "ai.onnx.ml" if kind.startswith("ml.") else ""
            made.append(helper.make_node(kind.removeprefix("ml."), names, given, domain=domain, **options))
        rows.append(f"{case}_row")
        made += [
            helper.make_node("Cast", [f"{case}_P"], [f"{case}_double"], to=T.DOUBLE),
            helper.make_node("Reshape", [f"{case}_double", "row"], [rows[-1]]),
        ]
    made.append(helper.make_node("Concat", rows, ["P"], axis=1))
    constants.append(numpy_helper.from_array(np.array([1, -1]), "row"))
    given = [
        helper.make_tensor_value_info("N", T.DOUBLE, [1, WIDTH]),
        helper.make_tensor_value_info("C", T.INT64, [1, CODES]),
    ]
    gives = [helper.make_tensor_value_info(name, T.DOUBLE, [1, None]) for name in ("P", *rows)]
    graph = helper.make_graph(made, "g", given, gives, constants)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def manifest() -> Manifest:
    numbers = tuple(f"n{place}" for place in range(WIDTH))
    texts = tuple(f"c{place}" for place in range(CODES))
    inputs = (
        *(Field(name=name, dtype="float64", nullable=True) for name in numbers),
        *(Field(name=name, dtype="string", nullable=True) for name in texts),
    )
    preparation = Preparation(numbers=numbers, categories=tuple(Vocabulary(name, ("a", "b", "c")) for name in texts))
    return Manifest(
        name="m", signature=Signature(inputs=inputs, task="regression", target="y"), preparation=preparation
    )


def rows():
    """Random numbers, some of them whole, zero of both signs, huge or missing; codes of all known values."""
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(ROWS, WIDTH)) * 1.5
    odd = rng.choice([0.0, -0.0, 1.0, -2.0, 0.5, 1.5, 2.5, np.nan, 0.1], numbers.shape)
    numbers = np.where(rng.random(numbers.shape) < 0.3, odd, numbers)
    numbers[: ROWS // 2] = np.nan_to_num(numbers[: ROWS // 2])
    return numbers, rng.integers(0, 5, (ROWS, CODES))


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Case -> what ONNX Runtime and the compiled source answer to all rows."""
    compiler()
    graph = graph_of(CASES)
    session = OnnxRuntime()._session(graph, 1)
    numbers, codes = rows()
    wanted = [session.run(None, {"N": row[None], "C": code[None]}) for row, code in zip(numbers, codes, strict=True)]
    together = np.concatenate([row[0] for row in wanted])
    models = library([source_of(manifest(), graph, "all")], tmp_path_factory.mktemp("c"))
    got = asked(models, "all", numbers, codes, together.shape[1])
    starts = np.cumsum([each.shape[1] for each in wanted[0][1:]])[:-1]
    pairs = zip(np.split(together, starts, axis=1), np.split(got, starts, axis=1), strict=True)
    return dict(zip(CASES, pairs, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_an_operator_answers_as_onnx_runtime_does(name, answers):
    wanted, got = answers[name]
    if name.startswith("Arg"):
        # Which of several missing numbers is the greatest, nobody says.
        wanted, got = wanted[: ROWS // 2], got[: ROWS // 2]
    within = 1e-6 if name.endswith("in float") else 1e-14
    np.testing.assert_allclose(got, wanted, rtol=within, atol=within)


def test_every_operator_with_a_rule_is_tried_somewhere():
    tried = {kind.removeprefix("ml.") for nodes in CASES.values() for kind, *_ in nodes}
    elsewhere = {"Scan", "Dropout"}
    assert {kind for _, kind in RULES} == tried | elsewhere
