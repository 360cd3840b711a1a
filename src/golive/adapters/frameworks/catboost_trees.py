"""CatBoost's trees: its JSON in, trees over one block of columns out.

A split asks whether a number is above a border, whether a category is a certain value, or whether a target statistic
is above a border. The block that the trees read has the number columns first, then a column for each category column
with certain values (0: none of them, 1: the first, ...), then one for each target statistic.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.adapters.frameworks.trees import Tree
from golive.ports import Float64

LARGEST = np.finfo(np.float32).max


class Split(msgspec.Struct, frozen=True):
    """One question; what answers yes goes right."""

    column: int
    border: float = 0.0
    value: int = 0
    """Where not 0: the column must be equal to it; otherwise it must be above the border."""
    missing_right: bool = False


def splits_of(model: Mapping[str, Any]) -> tuple[Split, ...]:
    """List every question that a model can ask, in the order in which its trees number them."""
    features = model["features_info"]
    numbers, categories = features.get("float_features", []), features.get("categorical_features", [])
    splits = [
        Split(place, border=border_of(border), missing_right=feature["nan_value_treatment"] == "AsTrue")
        for place, feature in enumerate(numbers)
        for border in feature.get("borders") or ()
    ]
    certain = [feature for feature in categories if feature.get("values")]
    for place, feature in enumerate(certain, start=len(numbers)):
        splits += [Split(place, value=number) for number, _ in enumerate(feature["values"], start=1)]
    for place, statistic in enumerate(features.get("ctrs", []), start=len(numbers) + len(certain)):
        splits += [Split(place, border=border_of(border)) for border in statistic["borders"]]
    return tuple(splits)


def trees_of(model: Mapping[str, Any], splits: Sequence[Split]) -> Iterator[tuple[Tree, Float64]]:
    """Yield every tree, whose leaves give their number, and what each leaf adds: float64 ``[leaves, outputs]``.

    Symmetric trees come as ``oblivious_trees`` (one question a level), others as ``trees``.
    """
    outputs = len(model["scale_and_bias"][1])
    for tree in model.get("oblivious_trees", ()):
        values = np.asarray(tree["leaf_values"], np.float64).reshape(-1, outputs)
        yield _symmetric([splits[entry["split_index"]] for entry in tree.get("splits") or ()]), values
    for root in model.get("trees", ()):
        nodes = _walked(root)
        leaves = [np.atleast_1d(node["value"]) for node in nodes if "split" not in node]
        yield _nested(nodes, splits), np.asarray(leaves, np.float64).reshape(-1, outputs)


def with_values(tree: Tree, values: Float64) -> Tree:
    """Let leaves give these values, ``[leaves]``, in place of their numbers."""
    return msgspec.structs.replace(tree, value=np.where(tree.leaf, values[tree.value.astype(np.int64)], 0.0))


def border_of(told: float) -> float:
    """Give a border; what sets missing values apart is the extreme of float32, which has a neighbor on one side only.

    A number between it and the next float32 asks the same of float32 values, and the rows that the parity proof tries
    beside it are finite.
    """
    border = np.float32(told)
    if border == LARGEST:
        return float(np.nextafter(np.float64(border), np.inf))
    if border == -LARGEST:
        return float(np.nextafter(np.float64(np.nextafter(border, np.float32(0.0))), -np.inf))
    return float(border)


def _symmetric(levels: Sequence[Split]) -> Tree:
    """Give the full tree: the last question is the root, since it is the highest bit of a leaf's number."""
    inner = (1 << len(levels)) - 1
    asked = [split for depth, split in enumerate(reversed(levels)) for _ in range(1 << depth)]
    left = [2 * node + 1 for node in range(inner)] + [-1] * (inner + 1)
    right = [2 * node + 2 for node in range(inner)] + [-1] * (inner + 1)
    return _tree(asked, left, right)


def _nested(nodes: Sequence[Mapping[str, Any]], splits: Sequence[Split]) -> Tree:
    inner = [node for node in nodes if "split" in node]
    leaves = [node for node in nodes if "split" not in node]
    place = {id(node): position for position, node in enumerate([*inner, *leaves])}
    no_child = [-1] * len(leaves)
    return _tree(
        [splits[node["split"]["split_index"]] for node in inner],
        [place[id(node["left"])] for node in inner] + no_child,
        [place[id(node["right"])] for node in inner] + no_child,
    )


def _walked(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nodes = [root]
    for node in nodes:
        nodes += [node[side] for side in ("left", "right") if "split" in node]
    return nodes


def _tree(asked: Sequence[Split], left: Sequence[int], right: Sequence[int]) -> Tree:
    """Give a tree whose inner nodes come first; its leaves give their numbers."""
    count = len(left)
    padding = count - len(asked)
    lefts, rights = np.asarray(left, np.int64), np.asarray(right, np.int64)
    equal = [node for node, split in enumerate(asked) if split.value]
    # In this house the members of a set go left.
    lefts[equal], rights[equal] = rights[equal], lefts[equal]
    return Tree(
        leaf=np.arange(count) >= len(asked),
        feature=np.asarray([split.column for split in asked] + [0] * padding, np.int64),
        threshold=np.asarray([split.border for split in asked] + [0.0] * padding, np.float64),
        left=lefts,
        right=rights,
        missing_left=np.asarray([not split.missing_right for split in asked] + [False] * padding, np.bool_),
        value=np.maximum(np.arange(count) - len(asked), 0).astype(np.float64),
        sets={node: (float(asked[node].value),) for node in equal},
    )
