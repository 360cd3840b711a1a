"""LightGBM: how a booster is written, read from its own dump (the library itself is not imported).

Its scikit-learn estimators come here through :data:`ANSWERS`, a ``Booster`` of one's own through ``lightgbm_booster``.

Rules of the original, per feature: ``missing_type`` None reads NaN as 0; Zero reads NaN and values within 1e-35 of
zero as missing; NaN reads NaN as missing. Missing values follow each split's default direction. Splits on categories
test whether the whole part of a value is in a set; missing, negative and unknown values go right.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from golive.adapters.frameworks.booster_categories import categories_of
from golive.adapters.frameworks.categories import number_codes
from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.emitter import Emitter, Flow, FlowRule
from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.trees import Tree, sum_of_trees

ZERO = float(np.float32(1e-35))
"""How near to zero LightGBM counts a value as zero (kZeroThreshold)."""
NO_CODE = -1.0
_INFINITY = 1e300
"""How a dump writes an infinite threshold."""
BINARY, SEVERAL = "binary", ("multiclass", "multiclassova")
"""Objectives that tell two classes, or several, apart."""
EXPONENTIAL = {"poisson", "gamma", "tweedie"}
IDENTITY = {"regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom"}


def booster(emitter: Emitter, model: Any, flow: Flow) -> Block:
    """Write a fitted LGBMClassifier, LGBMRegressor or LGBMRanker."""
    return write(emitter, model, model.booster_, flow, classes=hasattr(model, "classes_"))


def write(emitter: Emitter, model: Any, native: Any, flow: Flow, *, classes: bool) -> Block:
    """Write a ``lightgbm.Booster`` up to its best iteration, as its ``predict`` does.

    Args:
        emitter: The conversion under way.
        model: What is named in refusals: the estimator or the booster itself.
        native: The ``lightgbm.Booster``.
        flow: What reaches it.
        classes: Whether the answer is one probability a class, ``[rows, classes]``; otherwise ``[rows, 1]`` values.

    Raises:
        NotConvertibleError: it has linear leaves, an objective without an exact form, or reads missing values of one
            feature in two ways.
    """
    dump = native.dump_model()
    block = _numbers(emitter, model, native, flow)
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
    return _linked(emitter, model, objective_of(dump), raw, classes=classes)


def objective_of(dump: Mapping[str, Any]) -> str:
    """Give the objective and its options as LightGBM writes them (``binary sigmoid:1``); ``custom`` without one."""
    return str(dump.get("objective") or "custom")


def _numbers(emitter: Emitter, model: Any, native: Any, flow: Flow) -> Block:
    """Give the numbers the booster reads; category columns of a frame become the booster's own codes."""
    if isinstance(flow, Block) or not native.pandas_categorical:
        return emitter.block(model, flow)
    own = categories_of(native, [emitter.inputs.is_text(name) for name in flow.names])
    if own is None:
        raise emitter.refusal(
            model, "reads category columns that it does not name (of one value each)", "cast their categories to str"
        )
    return emitter.graph.join(
        [
            _recoded(emitter, name, own[place]) if place in own else emitter.inputs.numbers(emitter.graph, [name])
            for place, name in enumerate(flow.names)
        ]
    )


def _recoded(emitter: Emitter, name: str, known: list[Any]) -> Block:
    if not emitter.inputs.is_text(name):
        values = np.asarray(known, np.float64)
        order = np.argsort(values)
        places = number_codes(emitter, emitter.inputs.numbers(emitter.graph, [name]), [values[order]])
        table = np.asarray([*order, np.nan, np.nan], np.float64)
        return Block(lookup(emitter.graph, [table], places), 1)
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
    if node.get("decision_type") != "<=":
        return 0.0
    threshold = float(node["threshold"])
    # What parts missing values from all others is an infinity, which the dump writes as the largest number it knows.
    if threshold >= _INFINITY:
        return math.inf
    # Every value that counts as zero is on zero's side of a split.
    if -ZERO <= threshold < 0.0:
        return math.nextafter(-ZERO, -math.inf)
    return ZERO if 0.0 <= threshold < ZERO else threshold


def _linked(emitter: Emitter, model: Any, objective: str, raw: Block, *, classes: bool) -> Block:
    name, *words = objective.split()
    options = dict(word.partition(":")[::2] for word in words)
    answer = _shares(emitter.graph, name, options, raw) if classes else _value(emitter.graph, name, options, raw)
    if answer is None:
        raise emitter.refusal(model, f"was fitted with the objective {objective!r}", "use a standard objective")
    return answer


def _shares(graph: Graph, name: str, options: Mapping[str, str], raw: Block) -> Block | None:
    """Write the probabilities of classes."""
    if name == "multiclass":
        return graph.each("Softmax", raw, axis=1)
    if name == "multiclassova":
        return graph.sigmoid(graph.by_row("Mul", raw, float(options["sigmoid"])))
    if name == BINARY:
        return graph.with_complement(graph.sigmoid(graph.by_row("Mul", raw, float(options["sigmoid"]))))
    return None


def _value(graph: Graph, name: str, options: Mapping[str, str], raw: Block) -> Block | None:
    """Write one value a row."""
    if raw.width > 1:
        return None
    if name in EXPONENTIAL:
        return graph.each("Exp", raw)
    if name == "cross_entropy":
        return graph.sigmoid(raw)
    if "sqrt" in options:
        return graph.each("Mul", Block(graph.op("Sign", raw.tensor), 1), graph.op("Mul", raw.tensor, raw.tensor))
    return raw if name in IDENTITY else None


ANSWERS: Mapping[str, FlowRule] = dict.fromkeys(("LGBMClassifier", "LGBMRegressor", "LGBMRanker"), booster)
"""Class name of an estimator of LightGBM -> how it is written."""
