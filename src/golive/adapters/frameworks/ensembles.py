"""Ensembles: isolation forests, bagging, and AdaBoost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.graph import PAIR, Block
from golive.adapters.frameworks.trees import Tree, sum_of_trees
from golive.ports import Float64


def isolation(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write an isolation forest's decision function: below zero is an outlier, ``2 ** (-depth / usual depth)`` else.

    The path lengths of the leaves are scikit-learn's own; features are rounded to float32 as its trees do.
    """
    graph = emitter.graph
    lengths = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)  # noqa: SLF001
    depths = [np.asarray(path + average - 1.0, np.float64) for path, average in lengths]
    trees = [
        _numbered(member.tree_, features, depth)
        for member, features, depth in zip(model.estimators_, model.estimators_features_, depths, strict=True)
    ]
    total = sum_of_trees(graph, trees, [0] * len(trees), 1, graph.as_float32(block))
    usual = len(trees) * _usual_depth(int(model._max_samples))  # noqa: SLF001 - the resolved number has no public name
    exponent = graph.op("Neg", graph.op("Div", total.tensor, usual)) if usual else graph.op("Mul", total.tensor, 0.0)
    score = graph.op("Pow", 2.0, exponent) if usual else graph.op("Add", exponent, 0.5)
    return Block(graph.op("Sub", -float(model.offset_), score), 1)


def bagged(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write the mean of the members' values or probabilities, each on its own columns."""
    graph = emitter.graph
    answers = []
    for place, (member, features) in enumerate(zip(model.estimators_, model.estimators_features_, strict=True)):
        with emitter.inside(f"estimator {place}"):
            if hasattr(model, "classes_") and not hasattr(member, "predict_proba"):
                raise emitter.refusal(model, "counts votes of members without probabilities", "bag members with them")
            answers.append(_spread_out(emitter, model, member, emitter.answer(member, graph.select(block, features))))
    total = answers[0]
    for answer in answers[1:]:
        total = graph.each("Add", total, answer.tensor)
    return graph.each("Div", total, float(len(answers)))


def boosted_decision(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write AdaBoost's decision function (SAMME): weighted votes, ``[rows, 1]`` for two classes."""
    votes = _votes(emitter, model, block)
    if votes.width != PAIR:
        return votes
    graph = emitter.graph
    return Block(graph.op("MatMul", votes.tensor, np.array([[-1.0], [1.0]])), 1)


def boosted_classes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write AdaBoost's probabilities: softmax of ``decision / (classes - 1)`` (Zhu et al. 2009, equation 15)."""
    graph = emitter.graph
    classes = len(model.classes_)
    decision = boosted_decision(emitter, model, block)
    if classes == PAIR:
        halves = graph.join([graph.by_row("Mul", decision, -0.5), graph.by_row("Mul", decision, 0.5)])
        return graph.each("Softmax", halves, axis=1)
    return graph.each("Softmax", graph.by_row("Div", decision, classes - 1.0), axis=1)


def boosted_value(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write AdaBoost's regression: the smallest prediction at which half of all weight is reached."""
    graph = emitter.graph
    members = []
    for place, member in enumerate(model.estimators_):
        with emitter.inside(f"estimator {place}"):
            members.append(emitter.answer(member, block))
    values = graph.join(members).tensor
    weights = np.asarray(model.estimator_weights_, np.float64)[: len(members)]
    at_most = graph.op(
        "LessOrEqual", graph.op("Unsqueeze", values, np.array([1])), graph.op("Unsqueeze", values, np.array([2]))
    )
    reached = graph.op("Squeeze", graph.op("MatMul", graph.to_double(at_most), weights[:, None]), np.array([2]))
    enough = graph.op("GreaterOrEqual", reached, 0.5 * float(np.cumsum(weights)[-1]))
    candidates = graph.op("Where", enough, values, float("inf"))
    return Block(graph.op("ReduceMin", candidates, np.array([1]), keepdims=1), 1)


def _votes(emitter: Emitter, model: Any, block: Block) -> Block:
    """Give each class's share of the weight; a member's vote against is ``-1 / (classes - 1)``."""
    graph = emitter.graph
    classes = len(model.classes_)
    weights = np.asarray(model.estimator_weights_, np.float64)
    if any(list(member.classes_) != list(model.classes_) for member in model.estimators_):
        raise emitter.refusal(model, "has a member that never saw one of the classes", "fit it with more rows a class")
    rest = -1.0 / (classes - 1)
    if all(hasattr(member, "tree_") for member in model.estimators_):
        tables = [
            np.where(np.eye(classes)[member.tree_.value[:, 0, :].argmax(axis=1)] > 0, weight, rest * weight)
            for member, weight in zip(model.estimators_, weights, strict=False)
        ]
        trees = [member.tree_ for member in model.estimators_]
        return graph.by_row("Div", _looked_up(emitter, trees, tables, block), weights.sum())
    total = ""
    for place, (member, weight) in enumerate(zip(model.estimators_, weights, strict=False)):
        with emitter.inside(f"estimator {place}"):
            best = graph.op("ArgMax", emitter.answer(member, block).tensor, axis=1, keepdims=0)
        table = np.where(np.eye(classes) > 0, weight, rest * weight)
        vote = graph.op("Gather", table, best, axis=0)
        total = graph.op("Add", total, vote) if total else vote
    return graph.by_row("Div", Block(total, classes), weights.sum())


def _looked_up(emitter: Emitter, trees: Sequence[Any], tables: Sequence[Float64], block: Block) -> Block:
    """Write each tree once, giving the number of its leaf, and sum the leaves' rows."""
    graph = emitter.graph
    starts = np.cumsum([0, *(len(table) for table in tables)])
    written = [
        _numbered(tree, None, start + np.arange(len(table), dtype=np.float64))
        for tree, table, start in zip(trees, tables, starts, strict=False)
    ]
    found = sum_of_trees(graph, written, range(len(trees)), len(trees), graph.as_float32(block))
    rows = graph.op("Gather", np.concatenate(tables), graph.to_integer(found.tensor), axis=0)
    return Block(graph.row_sum(rows, keep=False), tables[0].shape[1])


def _numbered(tree: Any, features: Any, value: Float64) -> Tree:
    """Give a tree with a number for each leaf; ``features`` are its columns' places among all columns."""
    own = np.asarray(tree.feature, np.int64)
    leaf = tree.children_left == -1
    feature = own if features is None else np.where(leaf, own, np.asarray(features, np.int64)[own])
    return Tree(
        leaf=leaf,
        feature=feature,
        threshold=np.asarray(tree.threshold, np.float64),
        left=np.asarray(tree.children_left, np.int64),
        right=np.asarray(tree.children_right, np.int64),
        missing_left=np.asarray(tree.missing_go_to_left, np.bool_),
        value=value,
    )


def _usual_depth(rows: int) -> float:
    """Give the mean path length of a search that fails in a binary tree of so many rows (Liu et al. 2008)."""
    if rows <= 1:
        return 0.0
    if rows == PAIR:
        return 1.0
    return float(2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows)


def _spread_out(emitter: Emitter, model: Any, member: Any, answer: Block) -> Block:
    """Put a member's probabilities at the places of the classes that it saw."""
    if not hasattr(model, "classes_") or len(member.classes_) == len(model.classes_):
        return answer
    places = np.zeros((len(member.classes_), len(model.classes_)))
    places[np.arange(len(places)), np.asarray(member.classes_, np.int64)] = 1.0
    return emitter.graph.product(answer, places, 0.0)


ANSWERS: Mapping[str, BlockRule] = {
    "IsolationForest": isolation,
    "BaggingClassifier": bagged,
    "BaggingRegressor": bagged,
    "AdaBoostClassifier": boosted_classes,
    "AdaBoostRegressor": boosted_value,
}
"""Class name of an ensemble -> how its values or probabilities are written."""

DECISIONS: Mapping[str, BlockRule] = {"AdaBoostClassifier": boosted_decision}
"""Class name of an ensemble -> how its decision function is written."""
