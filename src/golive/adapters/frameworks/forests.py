"""Forests: scikit-learn's decision trees, forests, gradient boosting and histogram gradient boosting."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.frameworks.columns import column_transformer
from golive.adapters.frameworks.emitter import BlockRule, Emitter, Flow, FlowRule, on_blocks
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.trees import Tree, sum_of_trees
from golive.ports import Float64

WORD = 32
"""Bits in one word of histogram gradient boosting's category sets."""


def forest(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write a decision tree or a forest: the mean of the trees' values or class shares."""
    trees = [model.tree_] if hasattr(model, "tree_") else [member.tree_ for member in model.estimators_]
    if trees[0].n_outputs != 1:
        raise emitter.refusal(model, f"predicts {trees[0].n_outputs} targets", "fit one model a target")
    block = emitter.graph.as_float32(block)
    total = _class_shares(emitter, trees, block) if hasattr(model, "classes_") else _values(emitter, trees, block)
    return emitter.graph.each("Div", total, float(len(trees))) if len(trees) > 1 else total


def boosted_raw(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write what gradient boosting sums before its link: ``[rows, 1]`` or ``[rows, classes]``."""
    if model.init_ != "zero" and not type(model.init_).__name__.startswith("Dummy"):
        raise emitter.refusal(model, f"starts from {type(model.init_).__name__}", "leave init=None, or use init='zero'")
    if getattr(model.init_, "strategy", "") in {"stratified", "uniform"}:
        raise emitter.refusal(
            model, f"starts from a dummy with strategy={model.init_.strategy!r}", "leave init=None, or use init='zero'"
        )
    outputs = model.estimators_.shape[1]
    trees, targets = [], []
    for stage in model.estimators_:
        for target, member in enumerate(stage):
            trees.append(_tree(member.tree_, member.tree_.value[:, 0, 0] * model.learning_rate))
            targets.append(target)
    start = model._raw_predict_init(np.zeros((1, block.width), np.float32))  # noqa: SLF001 - no public name
    total = sum_of_trees(emitter.graph, trees, targets, outputs, emitter.graph.as_float32(block))
    return emitter.graph.by_row("Add", total, start)


def boosted(emitter: Emitter, model: Any, block: Block) -> Block:
    """Write gradient boosting's values or probabilities."""
    return _linked(emitter, model, boosted_raw(emitter, model, block))


def histogram_raw(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write what histogram gradient boosting sums before its link; its own encoder comes first where it has one."""
    bins = model._bin_mapper  # noqa: SLF001 - the fitted categories have no public name
    encoder = model._preprocessor  # noqa: SLF001
    block = emitter.block(model, flow) if encoder is None else column_transformer(emitter, encoder, flow)
    categorical = np.asarray(bins.is_categorical_, np.bool_)
    known = {int(column): frozenset(_codes(bins.bin_thresholds_[column])) for column in np.flatnonzero(categorical)}
    if known:
        # Sets of whole numbers from 1 to 64 pack into one mask in ONNX Runtime; codes start at 0.
        block = emitter.graph.by_row("Add", block, categorical.astype(np.float64))
    trees, targets = [], []
    for stage in model._predictors:  # noqa: SLF001
        for target, predictor in enumerate(stage):
            trees.append(_histogram_tree(predictor, known))
            targets.append(target)
    outputs = len(model._predictors[0])  # noqa: SLF001
    total = sum_of_trees(emitter.graph, trees, targets, outputs, block)
    return emitter.graph.by_row("Add", total, model._baseline_prediction)  # noqa: SLF001


def histogram(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write histogram gradient boosting's values or probabilities."""
    return _linked(emitter, model, histogram_raw(emitter, model, flow))


def _linked(emitter: Emitter, model: Any, raw: Block) -> Block:
    graph = emitter.graph
    match type(model._loss.link).__name__:  # noqa: SLF001 - the link has no public name
        case "IdentityLink":
            return raw
        case "LogLink":
            return graph.each("Exp", raw)
        case "LogitLink":
            return graph.with_complement(graph.sigmoid(raw))
        case "HalfLogitLink":
            return graph.with_complement(graph.sigmoid(graph.by_row("Mul", raw, 2.0)))
        case "MultinomialLogit":
            return graph.each("Softmax", raw, axis=1)
        case other:
            raise emitter.refusal(model, f"uses the link {other}", "use a standard loss")


def _values(emitter: Emitter, trees: Sequence[Any], block: Block) -> Block:
    written = [_tree(tree, tree.value[:, 0, 0]) for tree in trees]
    return sum_of_trees(emitter.graph, written, [0] * len(written), 1, block)


def _class_shares(emitter: Emitter, trees: Sequence[Any], block: Block) -> Block:
    """Write each tree once, giving the number of its leaf, and look up that leaf's class shares."""
    graph = emitter.graph
    tables: list[Float64] = []
    written: list[Tree] = []
    start = 0
    for tree in trees:
        shares = np.asarray(tree.value[:, 0, :], np.float64)
        written.append(_tree(tree, start + np.arange(len(shares), dtype=np.float64)))
        tables.append(shares)
        start += len(shares)
    leaves = graph.to_integer(sum_of_trees(graph, written, range(len(trees)), len(trees), block).tensor)
    shares_of = graph.op("Gather", np.concatenate(tables), leaves, axis=0)
    return Block(graph.row_sum(shares_of, keep=False), tables[0].shape[1])


def _tree(tree: Any, value: Float64) -> Tree:
    return Tree(
        leaf=tree.children_left == -1,
        feature=np.asarray(tree.feature, np.int64),
        threshold=np.asarray(tree.threshold, np.float64),
        left=np.asarray(tree.children_left, np.int64),
        right=np.asarray(tree.children_right, np.int64),
        missing_left=np.asarray(tree.missing_go_to_left, np.bool_),
        value=np.asarray(value, np.float64),
    )


def _histogram_tree(predictor: Any, known: Mapping[int, frozenset[int]]) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(np.bool_)
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    sets: dict[int, tuple[float, ...]] = {}
    for node in np.flatnonzero(nodes["is_categorical"].astype(np.bool_) & ~leaf):
        members = _members(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        if nodes["missing_go_to_left"][node]:
            # What is in no set goes right here, so the known values of the right side become the set.
            members = known[int(nodes["feature_idx"][node])] - members
            left[node], right[node] = right[node], left[node]
        sets[int(node)] = tuple(float(code + 1) for code in sorted(members))
    return Tree(
        leaf=leaf,
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=left,
        right=right,
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        value=nodes["value"].astype(np.float64),
        sets=sets,
    )


def _codes(values: Any) -> list[int]:
    return [int(value) for value in np.asarray(values)]


def _members(words: Any) -> frozenset[int]:
    return frozenset(
        place * WORD + bit for place, word in enumerate(words) for bit in range(WORD) if int(word) >> bit & 1
    )


BLOCK_ANSWERS: Mapping[str, BlockRule] = {
    **dict.fromkeys(
        (
            "DecisionTreeClassifier",
            "DecisionTreeRegressor",
            "RandomForestClassifier",
            "RandomForestRegressor",
            "ExtraTreesClassifier",
            "ExtraTreesRegressor",
            "ExtraTreeClassifier",
            "ExtraTreeRegressor",
        ),
        forest,
    ),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), boosted),
}

ANSWERS: Mapping[str, FlowRule] = {
    **on_blocks(BLOCK_ANSWERS),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), histogram),
}
"""Class name of a tree model -> how its values or probabilities are written."""

DECISIONS: Mapping[str, FlowRule] = {
    **on_blocks({"GradientBoostingClassifier": boosted_raw}),
    "HistGradientBoostingClassifier": histogram_raw,
}
"""Class name of a tree classifier -> how its decision function is written."""
