"""Pruned networks learn again what the bundle answers, in torch."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_diabetes, load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.optimizers.fine_tuning import FineTuneOptimizer, fine_tuned
from golive.adapters.optimizers.lessons import Lesson
from golive.adapters.optimizers.pruning import PruneOptimizer
from golive.adapters.optimizers.torch_graph import TorchGraph
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.preparation import Preparation
from golive.errors import NotConvertibleError
from golive.ports import Subject
from golive.testing import check_optimizer

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'golive[torch]')")
pytestmark = pytest.mark.heavy

COLUMNS = 72
IMAGE = (2, 6, 6)


def answers_of(graph, numbers):
    return OnnxRuntime().open(graph, threads=1).run(numbers, np.zeros((len(numbers), 0), np.int64))


def subject_of(model, rows, task):
    graph = SklearnFramework().convert(model, rows, target="y").graph
    numbers = rows.to_numpy(np.float64)
    return Subject(
        graph=graph,
        preparation=Preparation(numbers=tuple(rows.columns)),
        task=task,
        numbers=numbers,
        codes=np.zeros((len(rows), 0), np.int64),
        answers=answers_of(graph, numbers),
        seed=0,
    )


def network(between, *, from_image):
    """A network with some operators between two products; they read ``a`` and give ``h`` with 72 columns."""
    rng = np.random.default_rng(0)
    constants = {
        "w1": rng.normal(size=(COLUMNS, COLUMNS)) / 8,
        "b1": rng.normal(size=COLUMNS),
        "w2": rng.normal(size=(COLUMNS, 2)) / 8,
        "v": rng.random(2) + 0.5,
        "k": rng.normal(size=(2, 2, 3, 3)),
        "k1": rng.normal(size=(2, 1, 3, 3)),
        "image": np.array([-1, *IMAGE]),
        "flat": np.array([0, -1]),
        "ends": np.array([1]),
        "two": np.array([2, 3]),
        "low": np.array(-0.5),
        "high": np.array(0.5),
        "from": np.array([6]),
        "to": np.array([42]),
    }
    constants = {
        name: value.astype(np.float32) if value.dtype == np.float64 else value for name, value in constants.items()
    }
    first = [helper.make_node("Reshape", ["g", "image"], ["a"])] if from_image else []
    nodes = [
        helper.make_node("Cast", ["N"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Gemm", ["x", "w1", "b1"], ["g" if from_image else "a"]),
        *first,
        *between,
        helper.make_node("MatMul", ["h", "w2"], ["y"]),
        helper.make_node("Cast", ["y"], ["P"], to=TensorProto.DOUBLE),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, COLUMNS])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def one(kind, inputs="a", output="h", **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def then_flat(*nodes):
    """Make what images become a table of 72 columns again."""
    return [*nodes, one("Flatten", "z", "f"), one("Concat", "f f f f f f f f f", "h", axis=1)]


CELLS = [
    *([one(kind)] for kind in ("Identity", "Relu", "Tanh", "Sigmoid", "Exp", "Neg", "Abs", "Erf", "Softplus")),
    *([one(kind)] for kind in ("Softsign", "Mish", "HardSwish", "HardSigmoid", "Selu", "Gelu", "LogSoftmax")),
    [one("LeakyRelu", alpha=0.2)],
    [one("Elu", alpha=0.7)],
    [one("Gelu", approximate="tanh")],
    [one("Softmax", axis=1)],
    [one("Clip", "a low high")],
    [one("Clip", "a low")],
    [one("PRelu", "a b1")],
    [one("Abs", output="p"), one("Sqrt", "p")],
    [one("Exp", output="p"), one("Log", "p")],
    [one("Exp", output="p"), one("Reciprocal", "p")],
    [one("Max", "a b1", "m"), one("Min", "m b1", "n"), one("Div", "n b1", "d"), one("Sub", "d a")],
    [one("Mul", "a a", "q"), one("Pow", "q high")],
    [one("ReduceMean", "a ends", "m", keepdims=1), one("Sub", "a m")],
    [one("ReduceSum", "a ends", "m", keepdims=0), one("Unsqueeze", "m ends", "u"), one("Add", "a u")],
    [one("Slice", "a from to ends", "s"), one("Concat", "s s", axis=1)],
]
IMAGES = [
    then_flat(one("MaxPool", output="z", kernel_shape=[3, 3], strides=[3, 3])),
    then_flat(one("AveragePool", output="z", kernel_shape=[3, 3], strides=[3, 3])),
    then_flat(one("AveragePool", output="z", kernel_shape=[3, 3], strides=[3, 3], pads=[1, 1, 0, 0])),
    then_flat(
        one("Conv", "a k", "c", kernel_shape=[3, 3], pads=[1, 0, 1, 0], strides=[3, 2]),
        one("MaxPool", "c", "z", kernel_shape=[1, 1]),
    ),
    then_flat(
        one("Conv", "a k1", "c", kernel_shape=[3, 3], group=2, dilations=[2, 2]),
        one("BatchNormalization", "c v v v v", "z"),
    ),
    then_flat(
        one("Transpose", output="t", perm=[0, 2, 3, 1]),
        one("Transpose", "t", "u", perm=[0, 3, 1, 2]),
        one("MaxPool", "u", "z", kernel_shape=[3, 3], pads=[1, 1, 0, 0], strides=[3, 3]),
    ),
    [
        one("GlobalAveragePool", output="m"),
        one("Squeeze", "m two", "s"),
        one("Concat", " ".join(["s"] * 36), axis=1),
    ],
]


CASES = [*((nodes, False) for nodes in CELLS), *((nodes, True) for nodes in IMAGES)]
NAMES = [f"{place} {'-'.join(node.op_type for node in nodes)}" for place, (nodes, _) in enumerate(CASES)]


@pytest.mark.parametrize(("between", "from_image"), CASES, ids=NAMES)
def test_torch_computes_what_the_graph_says(between, from_image):
    graph = network(between, from_image=from_image)
    rows = np.random.default_rng(1).normal(size=(7, COLUMNS))
    read = TorchGraph(graph)
    assert read.inputs == ["x"]
    answers = read.answers([torch.from_numpy(rows).float()])
    np.testing.assert_allclose(answers.detach().numpy(), answers_of(graph, rows), rtol=1e-4, atol=1e-4)
    answers.sum().backward()
    assert all(weight.grad is not None for weight in read.trained.values())
    assert read.bytes(), "it can be written again"


def test_an_operator_that_is_not_known_is_named():
    between = [one("Hardmax")]
    with pytest.raises(NotConvertibleError, match="needs Hardmax, which are not known here; pruned without fine-tun"):
        TorchGraph(network(between, from_image=False))


def test_pooling_in_a_form_that_is_not_known_is_refused():
    pool = one("MaxPool", output="z", kernel_shape=[4, 4], strides=[3, 3], ceil_mode=1)
    read = TorchGraph(network(then_flat(pool), from_image=True))
    with pytest.raises(NotConvertibleError, match=r"MaxPool \(z\) rounds lengths up .*; pruned without fine-tuning"):
        read.answers([torch.zeros((2, COLUMNS))])


def taught(graph):
    numbers = np.random.default_rng(1).normal(size=(7, COLUMNS))
    return Lesson(numbers, np.zeros((7, 0), np.int64), answers_of(graph, numbers))


def test_a_network_whose_products_are_rounded_is_refused():
    rounded = [one("Cast", "a", "i", to=TensorProto.INT64), one("Cast", "i", to=TensorProto.FLOAT)]
    graph = network(rounded, from_image=False)
    model = onnx.load_model_from_string(graph)
    # Nothing of the second product reaches the answer.
    del model.graph.node[-2:]
    model.graph.node.append(one("Cast", "h", "P", to=TensorProto.DOUBLE))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = COLUMNS
    content = model.SerializeToString()
    with pytest.raises(NotConvertibleError, match="rounds or compares what its products give"):
        fine_tuned(content, taught(content), is_classification=False, seed=0)


def test_a_network_of_an_old_opset_learns_too():
    model = onnx.load_model_from_string(network([one("Relu")], from_image=False))
    model.opset_import[0].version = 11
    content = model.SerializeToString()
    lesson = taught(content)
    moved = Lesson(lesson.numbers, lesson.codes, lesson.answers + 1.0)
    tuned = fine_tuned(content, moved, is_classification=False, seed=0)
    apart = [np.abs(answers_of(graph, moved.numbers) - moved.answers).mean() for graph in (content, tuned)]
    assert apart[1] < apart[0]


def test_constants_that_nodes_hold_stay_constants():
    held = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array([-1, *IMAGE])))
    graph = network([held, one("Reshape", "a c", "i"), one("Flatten", "i")], from_image=False)
    read = TorchGraph(graph)
    assert read.inputs == ["x"]
    rows = np.random.default_rng(1).normal(size=(3, COLUMNS))
    np.testing.assert_allclose(
        read.answers([torch.from_numpy(rows).float()]).detach().numpy(), answers_of(graph, rows), rtol=1e-4, atol=1e-4
    )


def test_a_pruned_network_that_learned_again_decides_more_like_the_whole():
    rows, labels = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=400, random_state=0))
    model.fit(rows[:900], labels[:900])
    subject = subject_of(model, rows[:900], "classification")
    expected = model.predict(rows[900:])

    def alike(optimizer):
        return {
            candidate.name: (answers_of(candidate.graph, rows[900:].to_numpy()).argmax(axis=1) == expected).mean()
            for candidate in optimizer.candidates(subject)
        }

    plain, tuned = alike(PruneOptimizer()), alike(FineTuneOptimizer())
    for share in ("50 %", "75 %"):
        assert tuned[f"pruned {share}, fine-tuned"] > plain[f"pruned {share}"]
    assert tuned["pruned 50 %, fine-tuned, int8 weights"] > 0.96


def test_a_regression_learns_its_values_again():
    rows, target = load_diabetes(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 32), max_iter=2000, random_state=0))
    model.fit(rows[:300], 1000 * target[:300])
    subject = subject_of(model, rows[:300], "regression")
    check_optimizer(FineTuneOptimizer(), subject, OnnxRuntime())
    candidate = next(FineTuneOptimizer().candidates(subject))
    expected = model.predict(rows[300:])
    apart = answers_of(candidate.graph, rows[300:].to_numpy())[:, 0] - expected
    assert np.sqrt((apart**2).mean()) < 0.2 * expected.std()
