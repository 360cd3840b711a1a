"""XGBoost: its scikit-learn estimators, read from the booster's own JSON (the library itself is not imported).

XGBoost answers in float32: a number is rounded to float32, compared with ``<``, and the leaves of the trees are added
to the starting value one after the other, each sum rounded to float32. The graph does the same in the same order
(``CumSum`` adds in order, whatever the number of threads), so what is summed is equal to the last bit. The functions
after the sum (sigmoid, softmax, exp) are computed in double and rounded to float32; the original's ``expf`` may be
one unit in the last place away, so those models need a tolerance of :data:`LINK_TOLERANCE`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.trees import Tree, sum_of_trees

Float32 = npt.NDArray[np.float32]

LINK_TOLERANCE = 2.0**-22
"""Two units in the last place of a float32, relative to 1."""
IDENTITY = {
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:pseudohubererror",
    "reg:absoluteerror",
    "reg:quantileerror",
}
EXPONENTIAL = {"count:poisson", "reg:gamma", "reg:tweedie"}
SIGMOID = {"binary:logistic", "reg:logistic"}
SOFTMAX = {"multi:softprob"}
LARGEST_EXPONENT = np.float32(88.7)
"""Where the original cuts the sigmoid's exponent, so that it stays finite."""


def booster(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a fitted XGBClassifier or XGBRegressor (or their random-forest forms)."""
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    objective = str(learner["objective"]["name"])
    _check(emitter, model, learner, objective)
    parameters = learner["learner_model_param"]
    outputs = max(int(parameters["num_class"]), 1)
    owners, trees = _trees_in_use(model, learner["gradient_booster"]["model"])
    starts = np.broadcast_to(_starts(str(parameters["base_score"]), objective), (outputs,))
    reached = _read(emitter, model, block)
    raw = _summed(emitter.graph, [_tree(tree) for tree in trees], owners, starts, reached)
    emitter.answers_in_float32(tolerance=0.0 if objective in IDENTITY else LINK_TOLERANCE)
    return _linked(emitter.graph, objective, raw, outputs, classes=hasattr(model, "classes_"))


def _check(emitter: Emitter, model: Any, learner: Any, objective: str) -> None:
    """Refuse what is not written exactly."""
    kind = str(learner["gradient_booster"]["name"])
    if kind != "gbtree":
        raise emitter.refusal(model, f"uses booster={kind!r}", "fit it with booster='gbtree'")
    classes = hasattr(model, "classes_")
    able = SIGMOID | SOFTMAX if classes else IDENTITY | EXPONENTIAL | SIGMOID
    if objective not in able:
        raise emitter.refusal(
            model, f"was fitted with the objective {objective!r}", f"use one of {', '.join(sorted(able))}"
        )
    targets = int(learner["learner_model_param"].get("num_target", "1"))
    if targets > 1:
        raise emitter.refusal(model, f"predicts {targets} targets", "fit one model a target")
    trees = learner["gradient_booster"]["model"]["trees"]
    if any(any(tree["split_type"]) for tree in trees) or "c" in (learner.get("feature_types") or []):
        raise emitter.refusal(
            model, "splits on categories itself", "encode them before it, by OneHotEncoder for instance"
        )


def _trees_in_use(model: Any, ensemble: Any) -> tuple[list[int], list[Any]]:
    """Give the output each tree adds to, and the trees; after early stopping those up to the best iteration."""
    trees, owners = ensemble["trees"], [int(owner) for owner in ensemble["tree_info"]]
    best = getattr(model, "best_iteration", None)
    if best is None:
        return owners, trees
    end = int(ensemble["iteration_indptr"][int(best) + 1])
    return owners[:end], trees[:end]


def _starts(text: str, objective: str) -> Float32:
    """Give what the sums start from: the base score (one, or one a class), taken through the inverse of the link."""
    scores = np.asarray([float(word) for word in text.strip("[]").split(",")], np.float32)
    if objective in EXPONENTIAL:
        return np.log(scores.astype(np.float64)).astype(np.float32)
    if objective in SIGMOID:
        odds = np.float32(1.0) / scores - np.float32(1.0)
        return -np.log(odds.astype(np.float64)).astype(np.float32)
    return scores


def _read(emitter: Emitter, model: Any, block: Block) -> Block:
    """Round to float32, and turn what the model reads as missing into NaN."""
    graph = emitter.graph
    rounded = graph.as_float32(block)
    marker = float(np.float32(model.missing))
    if not np.isnan(marker):
        rounded = _with_missing(graph, rounded, marker)
    # In a sparse table the original takes what is not stored, the zeros, for missing.
    return _with_missing(graph, rounded, 0.0) if emitter.is_sparse() else rounded


def _with_missing(graph: Graph, block: Block, marker: float) -> Block:
    marked = graph.op("Equal", block.tensor, marker)
    return Block(graph.op("Where", marked, float("nan"), block.tensor), block.width, block.sources)


def _summed(graph: Graph, trees: Sequence[Tree], owners: Sequence[int], starts: Float32, block: Block) -> str:
    """Add the leaves to the starting values in order: float32 ``[rows, outputs]``.

    Each tree answers in a column of its own; the columns of one output stand in the order of its trees.
    """
    outputs = len(starts)
    added = [1] * outputs
    columns = [*range(outputs)]
    for owner in owners:
        columns.append(added[owner] * outputs + owner)
        added[owner] += 1
    depth = max(added)
    first = [_only_leaf(float(start)) for start in starts]
    leaves = sum_of_trees(graph, [*first, *trees], columns, depth * outputs, block)
    narrow = graph.op("Cast", leaves.tensor, to=TensorProto.FLOAT)
    apart = graph.op("Reshape", narrow, np.array([-1, depth, outputs]))
    running = graph.op("CumSum", apart, np.array(1))
    return graph.op("Gather", running, np.array(depth - 1), axis=1)


def _linked(graph: Graph, objective: str, raw: str, outputs: int, *, classes: bool) -> Block:
    """Take the sums to answers, rounding to float32 where the original does."""
    if objective in IDENTITY:
        return Block(graph.to_double(raw), outputs)
    if objective in EXPONENTIAL:
        return Block(graph.to_double(_exp(graph, raw)), outputs)
    one = np.float32(1.0)
    if objective in SIGMOID:
        exponent = graph.op("Min", graph.op("Neg", raw), np.asarray(LARGEST_EXPONENT))
        second = graph.op("Div", np.asarray(one), graph.op("Add", _exp(graph, exponent), np.asarray(one)))
        if not classes:
            return Block(graph.to_double(second), 1)
        both = graph.op("Concat", graph.op("Sub", np.asarray(one), second), second, axis=1)
        return Block(graph.to_double(both), 2)
    largest = graph.op("ReduceMax", raw, np.array([1]), keepdims=1)
    powers = _exp(graph, graph.op("Sub", raw, largest))
    total = graph.op("Cast", graph.row_sum(graph.to_double(powers)), to=TensorProto.FLOAT)
    return Block(graph.to_double(graph.op("Div", powers, total)), outputs)


def _exp(graph: Graph, narrow: str) -> str:
    return graph.op("Cast", graph.op("Exp", graph.to_double(narrow)), to=TensorProto.FLOAT)


def _only_leaf(value: float) -> Tree:
    none = np.array([-1])
    return Tree(
        leaf=np.array([True]),
        feature=np.array([0]),
        threshold=np.zeros(1),
        left=none,
        right=none,
        missing_left=np.array([False]),
        value=np.array([value]),
    )


def _tree(tree: Any) -> Tree:
    """Give one tree; nodes that pruning cut off are left out."""
    left, right = tree["left_children"], tree["right_children"]
    nodes = [0]
    for node in nodes:
        if left[node] >= 0:
            nodes += [left[node], right[node]]
    place = {node: position for position, node in enumerate(nodes)}
    place[-1] = -1
    values = np.asarray(tree["split_conditions"], np.float32).astype(np.float64)[nodes]
    return Tree(
        leaf=np.asarray([left[node] < 0 for node in nodes], np.bool_),
        feature=np.asarray(tree["split_indices"], np.int64)[nodes],
        threshold=values,
        left=np.asarray([place[left[node]] for node in nodes], np.int64),
        right=np.asarray([place[right[node]] for node in nodes], np.int64),
        missing_left=np.asarray(tree["default_left"], np.bool_)[nodes],
        value=values,
        strict=True,
    )


ANSWERS: Mapping[str, BlockRule] = dict.fromkeys(
    ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"), booster
)
"""Class name of an estimator of XGBoost -> how it is written."""
