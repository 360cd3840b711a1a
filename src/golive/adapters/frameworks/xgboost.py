"""XGBoost: how a booster is written, read from its own JSON (the library itself is not imported).

Its scikit-learn estimators come here through :data:`ANSWERS`, a ``Booster`` of one's own through ``xgboost_booster``.

XGBoost answers in float32: a number is rounded to float32, compared with ``<``, and the leaves of the trees are added
to the starting value one after the other, each sum rounded to float32. The graph does the same in the same order
(``CumSum`` adds in order, whatever the number of threads), so what is summed is equal to the last bit. The functions
after the sum (sigmoid, softmax, exp) are computed in double and rounded to float32; the original's ``expf`` may be
one unit in the last place away, so those models need a tolerance of :data:`LINK_TOLERANCE`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
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
    "binary:logitraw",
    "rank:ndcg",
    "rank:pairwise",
    "rank:map",
}
EXPONENTIAL = {"count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"}
SIGMOID = {"binary:logistic", "reg:logistic"}
SOFTMAX = {"multi:softprob"}
LARGEST_EXPONENT = np.float32(88.7)
"""Where the original cuts the sigmoid's exponent, so that it stays finite."""


CODE_LIMIT = 2.0**24
"""A category's code at or above this goes left, as do negative ones."""
MISSING_CODE, FIRST_CODE = 1.0, 2.0
"""How category columns enter the trees: 0 is no category, 1 is missing, the category 0 is 2, and so on."""


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to write: XGBoost's own JSON, and how it is asked."""

    json: Any
    """The object ``learner`` of the JSON."""
    rounds: int | None = None
    """Only so many boosting rounds answer; None: all of them."""
    missing: float = float("nan")
    """The number that stands for a missing value."""
    classes: bool
    """Whether the answer is one probability a class."""

    @property
    def objective(self) -> str:
        """The name of what was fitted for."""
        return str(self.json["objective"]["name"])

    @property
    def outputs(self) -> int:
        """How many sums of trees there are: one, or one a class."""
        return max(int(self.json["learner_model_param"]["num_class"]), 1)

    @property
    def trees(self) -> Any:
        """The trees and what each adds to."""
        boosting = self.json["gradient_booster"]
        return boosting["gbtree"]["model"] if boosting["name"] == "dart" else boosting["model"]


def learner_of(native: Any) -> Any:
    """Give the object ``learner`` of a ``xgboost.Booster``."""
    return json.loads(native.save_raw("json"))["learner"]


def booster(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a fitted XGBClassifier, XGBRegressor or XGBRanker (or their random-forest forms)."""
    best = getattr(model, "best_iteration", None)
    learner = Learner(
        json=learner_of(model.get_booster()),
        rounds=None if best is None else int(best) + 1,
        missing=float(model.missing),
        classes=hasattr(model, "classes_"),
    )
    if categorical(learner.json):
        raise emitter.refusal(
            model,
            "splits on categories itself",
            "encode them before it, by OneHotEncoder for instance, or package its get_booster()",
        )
    return write(emitter, model, learner, block)


def write(emitter: Emitter, model: Any, learner: Learner, block: Block) -> Block:
    """Write trees and link; ``block`` holds what the model reads, with the codes of categories as numbers.

    Raises:
        NotConvertibleError: the kind of booster, the objective or the number of targets has no exact form.
    """
    _check(emitter, model, learner)
    owners, trees, weights = _trees_in_use(learner)
    objective = learner.objective
    base = str(learner.json["learner_model_param"]["base_score"])
    starts = np.broadcast_to(_starts(base, objective), (learner.outputs,))
    reached = _read(emitter, learner, block)
    written = [_tree(tree, weight) for tree, weight in zip(trees, weights, strict=True)]
    raw = _summed(emitter.graph, written, owners, starts, reached)
    emitter.answers_in_float32(tolerance=0.0 if objective in IDENTITY else LINK_TOLERANCE)
    return _linked(emitter.graph, objective, raw, learner.outputs, classes=learner.classes)


def categorical(learner: Any) -> list[int]:
    """Say which columns hold categories, given the object ``learner``."""
    kinds = learner.get("feature_types") or []
    return [place for place, kind in enumerate(kinds) if kind == "c"]


def _check(emitter: Emitter, model: Any, learner: Learner) -> None:
    """Refuse what is not written exactly."""
    kind = str(learner.json["gradient_booster"]["name"])
    if kind not in {"gbtree", "dart"}:
        raise emitter.refusal(model, f"uses booster={kind!r}", "fit it with booster='gbtree'")
    able = SIGMOID | SOFTMAX if learner.classes else IDENTITY | EXPONENTIAL | SIGMOID
    if learner.objective not in able:
        raise emitter.refusal(
            model, f"was fitted with the objective {learner.objective!r}", f"use one of {', '.join(sorted(able))}"
        )
    targets = int(learner.json["learner_model_param"].get("num_target", "1"))
    if targets > 1:
        raise emitter.refusal(model, f"predicts {targets} targets", "fit one model a target")


def _trees_in_use(learner: Learner) -> tuple[list[int], list[Any], list[float]]:
    """Give the output each tree adds to, the trees, and what the leaves of each are multiplied by."""
    ensemble = learner.trees
    trees, owners = ensemble["trees"], [int(owner) for owner in ensemble["tree_info"]]
    weights = learner.json["gradient_booster"].get("weight_drop") or [1.0] * len(trees)
    end = len(trees) if learner.rounds is None else int(ensemble["iteration_indptr"][learner.rounds])
    return owners[:end], trees[:end], weights[:end]


def _starts(text: str, objective: str) -> Float32:
    """Give what the sums start from: the base score (one, or one a class), taken through the inverse of the link."""
    scores = np.asarray([float(word) for word in text.strip("[]").split(",")], np.float32)
    if objective in EXPONENTIAL:
        return np.log(scores.astype(np.float64)).astype(np.float32)
    if objective in SIGMOID:
        odds = np.float32(1.0) / scores - np.float32(1.0)
        return -np.log(odds.astype(np.float64)).astype(np.float32)
    return scores


def _read(emitter: Emitter, learner: Learner, block: Block) -> Block:
    """Round to float32, turn what the model reads as missing into NaN, and bring categories into codes."""
    graph = emitter.graph
    rounded = graph.as_float32(block)
    marker = float(np.float32(learner.missing))
    if not np.isnan(marker):
        rounded = _with_missing(graph, rounded, marker)
    if emitter.is_sparse():
        # In a sparse table the original takes what is not stored, the zeros, for missing.
        rounded = _with_missing(graph, rounded, 0.0)
    columns = categorical(learner.json)
    return _with_codes(graph, rounded, columns) if columns else rounded


def _with_codes(graph: Graph, block: Block, columns: list[int]) -> Block:
    mask = np.zeros((1, block.width), np.bool_)
    mask[0, columns] = True
    tensor = block.tensor
    at_least, below = graph.op("GreaterOrEqual", tensor, 0.0), graph.op("Less", tensor, CODE_LIMIT)
    whole = graph.op("Add", graph.op("Floor", tensor), FIRST_CODE)
    code = graph.op("Where", graph.op("And", at_least, below), whole, 0.0)
    code = graph.op("Where", graph.op("IsNaN", tensor), MISSING_CODE, code)
    return Block(graph.op("Where", mask, code, tensor), block.width, block.sources)


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
    total = graph.op("Cast", graph.total(Block(graph.to_double(powers), outputs)), to=TensorProto.FLOAT)
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


def _tree(tree: Any, weight: float) -> Tree:
    """Give one tree; nodes that pruning cut off are left out."""
    left, right = tree["left_children"], tree["right_children"]
    nodes = [0]
    for node in nodes:
        if left[node] >= 0:
            nodes += [left[node], right[node]]
    place = {node: position for position, node in enumerate(nodes)}
    place[-1] = -1
    values = np.asarray(tree["split_conditions"], np.float32)
    sets = {place[node]: members for node, members in _sets(tree).items() if node in place}
    lefts = np.asarray([place[left[node]] for node in nodes], np.int64)
    rights = np.asarray([place[right[node]] for node in nodes], np.int64)
    swapped = list(sets)
    # The original sends the members of a set to the right.
    lefts[swapped], rights[swapped] = rights[swapped], lefts[swapped]
    return Tree(
        leaf=np.asarray([left[node] < 0 for node in nodes], np.bool_),
        feature=np.asarray(tree["split_indices"], np.int64)[nodes],
        threshold=values.astype(np.float64)[nodes],
        left=lefts,
        right=rights,
        missing_left=np.asarray(tree["default_left"], np.bool_)[nodes],
        value=(values * np.float32(weight)).astype(np.float64)[nodes],
        strict=True,
        sets=sets,
    )


def _sets(tree: Any) -> dict[int, tuple[float, ...]]:
    """Give the codes that go right, for each node that splits on categories; a missing value may be among them."""
    sets = {}
    for node, start, size in zip(
        tree.get("categories_nodes", ()),
        tree.get("categories_segments", ()),
        tree.get("categories_sizes", ()),
        strict=True,
    ):
        members = [float(code) + FIRST_CODE for code in tree["categories"][start : start + size]]
        sets[int(node)] = tuple(members if tree["default_left"][node] else [MISSING_CODE, *members])
    return sets


ANSWERS: Mapping[str, BlockRule] = dict.fromkeys(
    ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"), booster
)
"""Class name of an estimator of XGBoost -> how it is written."""
