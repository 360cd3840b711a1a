"""LightGBM: its scikit-learn estimators, read from the booster's own dump (the library itself is not imported).

Rules of the original, per feature: ``missing_type`` None reads NaN as 0; Zero reads NaN and values within 1e-35 of
zero as missing; NaN reads NaN as missing. Missing values follow each split's default direction. Splits on categories
test whether the whole part of a value is in a set; missing, negative and unknown values go right.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.emitter import Emitter, Flow, FlowRule
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.trees import Tree, sum_of_trees

ZERO = float(np.float32(1e-35))
"""How near to zero LightGBM counts a value as zero (kZeroThreshold)."""
NO_CODE = -1.0
EXPONENTIAL = {"poisson", "gamma", "tweedie"}
IDENTITY = {"regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom"}


def booster(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write a fitted LGBMClassifier or LGBMRegressor."""
    dump = model.booster_.dump_model()
    block = _numbers(emitter, model, flow)
    roots = [tree["tree_structure"] for tree in dump["tree_info"]]
    splits = [node for root in roots for node in _walk(root) if "split_feature" in node]
    if any("leaf_coeff" in node for root in roots for node in _walk(root)):
        raise emitter.refusal(model, "has linear models in its leaves", "fit it with linear_tree=False")
    categorical = {node["split_feature"] for node in splits if node["decision_type"] == "=="}
    block = _prepared(emitter, model, block, splits, categorical)
    outputs = int(dump["num_tree_per_iteration"])
    trees = [_tree(root) for root in roots]
    raw = sum_of_trees(emitter.graph, trees, [place % outputs for place in range(len(trees))], outputs, block)
    if dump.get("average_output"):
        raw = emitter.graph.each("Div", raw, float(len(trees) // outputs))
    return _linked(emitter, model, str(dump.get("objective", "custom")), raw)


def _numbers(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Give the numbers the booster reads; category columns of a frame become the booster's own codes."""
    known = [list(values) for values in model.booster_.pandas_categorical or []]
    if isinstance(flow, Block) or not known:
        return emitter.block(model, flow)
    text = [name for name in flow.names if emitter.inputs.is_text(name)]
    if len(text) != len(known):
        raise emitter.refusal(model, "reads category columns that are not text", "cast their categories to str")
    own = dict(zip(text, known, strict=True))
    return emitter.graph.join(
        [
            _recoded(emitter, name, own[name]) if name in own else emitter.inputs.numbers(emitter.graph, [name])
            for name in flow.names
        ]
    )


def _recoded(emitter: Emitter, name: str, known: list[Any]) -> Block:
    emitter.inputs.declare(name, known)
    vocabulary = emitter.inputs.vocabulary(name)
    codes = [float(known.index(value)) if value in known else np.nan for value in vocabulary]
    table = np.asarray([*codes, np.nan, np.nan], np.float64)
    return Block(lookup(emitter.graph, [table], emitter.inputs.codes(emitter.graph, [name])), 1)


def _prepared(emitter: Emitter, model: Any, block: Block, splits: list[Any], categorical: set[int]) -> Block:
    """Bring missing values into one form (NaN) for each feature, and categories into codes from 1."""
    graph = emitter.graph
    kinds: dict[int, str] = {}
    for node in splits:
        feature = int(node["split_feature"])
        if kinds.setdefault(feature, node["missing_type"]) != node["missing_type"]:
            raise emitter.refusal(
                model,
                f"reads missing values of feature {feature} in two ways",
                "fit it anew instead of continuing a fit",
            )
    as_zero = [feature for feature, kind in kinds.items() if kind == "None" and feature not in categorical]
    as_missing = [feature for feature, kind in kinds.items() if kind == "Zero" and feature not in categorical]
    tensor = block.tensor
    if as_zero:
        chosen = graph.op("And", graph.op("IsNaN", tensor), _mask(block.width, as_zero))
        tensor = graph.op("Where", chosen, 0.0, tensor)
    if as_missing:
        near = graph.op("And", graph.op("LessOrEqual", graph.op("Abs", tensor), ZERO), _mask(block.width, as_missing))
        tensor = graph.op("Where", near, float("nan"), tensor)
    if categorical:
        marked = _mask(block.width, sorted(categorical))
        # The whole part, as the original casts to int; NaN and negative numbers are in no set.
        valid = graph.op("GreaterOrEqual", tensor, 0.0)
        code = graph.op("Add", graph.op("Floor", graph.op("Where", valid, tensor, NO_CODE)), 1.0)
        tensor = graph.op("Where", marked, code, tensor)
    return Block(tensor, block.width, block.sources)


def _mask(width: int, columns: list[int]) -> Any:
    mask = np.zeros((1, width), np.bool_)
    mask[0, columns] = True
    return mask


def _walk(root: Any) -> Iterator[Any]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [node[side] for side in ("right_child", "left_child") if side in node]


def _tree(root: Any) -> Tree:
    nodes = list(_walk(root))
    place = {id(node): position for position, node in enumerate(nodes)}
    inner = ["split_feature" in node for node in nodes]
    sets = {
        position: tuple(float(int(code) + 1) for code in node["threshold"].split("||"))
        for position, node in enumerate(nodes)
        if node.get("decision_type") == "=="
    }
    return Tree(
        leaf=~np.asarray(inner, np.bool_),
        feature=np.asarray([node.get("split_feature", 0) for node in nodes], np.int64),
        threshold=np.asarray([_threshold(node) for node in nodes], np.float64),
        left=np.asarray([place[id(node["left_child"])] if has else -1 for node, has in zip(nodes, inner, strict=True)]),
        right=np.asarray(
            [place[id(node["right_child"])] if has else -1 for node, has in zip(nodes, inner, strict=True)]
        ),
        missing_left=np.asarray([bool(node.get("default_left", False)) for node in nodes], np.bool_),
        value=np.asarray([node.get("leaf_value", 0.0) for node in nodes], np.float64),
        sets=sets,
    )


def _threshold(node: Any) -> float:
    return float(node["threshold"]) if node.get("decision_type") == "<=" else 0.0


def _linked(emitter: Emitter, model: Any, objective: str, raw: Block) -> Block:
    graph = emitter.graph
    name, *words = objective.split()
    options = dict(word.partition(":")[::2] for word in words)
    if name == "multiclass":
        return graph.each("Softmax", raw, axis=1)
    if name == "multiclassova":
        return graph.sigmoid(graph.by_row("Mul", raw, float(options["sigmoid"])))
    if name == "binary":
        return graph.with_complement(graph.sigmoid(graph.by_row("Mul", raw, float(options["sigmoid"]))))
    if name in EXPONENTIAL:
        return graph.each("Exp", raw)
    if "sqrt" in options:
        return Block(graph.op("Mul", graph.op("Sign", raw.tensor), graph.op("Mul", raw.tensor, raw.tensor)), raw.width)
    if name in IDENTITY and not hasattr(model, "classes_"):
        return raw
    raise emitter.refusal(model, f"was fitted with the objective {objective!r}", "use a standard objective")


ANSWERS: Mapping[str, FlowRule] = {"LGBMClassifier": booster, "LGBMRegressor": booster}
"""Class name of an estimator of LightGBM -> how it is written."""
