"""Tree tables: a TreeEnsemble as look-ups in tables, for libraries that have no trees.

All trees walk at once, one level a step: the place where each tree stands is an index, and what is compared there, and
where it leads to, are looked up. A leaf leads to itself.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.errors import NotConvertibleError

TREES = "TreeEnsemble"
_COMPARE = {0: "less_equal", 1: "less", 2: "greater_equal", 3: "greater", 4: "equal", 5: "not_equal"}
"""Mode of ai.onnx.ml 5 -> numpy's name of the comparison."""
_ROUNDED = {0: -1, 1: 1, 2: 1, 3: -1}
"""Mode -> to which side a threshold in float32 is rounded, so that no float32 value changes sides."""
_MEMBER = 6
_AVERAGE, _SUM = 0, 1
_MOST_CODES = 1 << 16
_MOST_CELLS = 1 << 26

Array = npt.NDArray[Any]


class Tables(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One row for each inner node, then one for each leaf."""

    roots: Array
    features: Array
    splits: Array
    modes: Array
    missing: Array
    """Whether a missing value takes the branch of the met condition."""
    met: Array
    unmet: Array
    depth: int
    weights: Array
    """Of a leaf; 0 for inner nodes."""
    targets: Array
    set_of: Array
    """Which row of ``members`` an inner node tests."""
    members: Array
    """bool ``[sets, codes]``."""
    outputs: int
    share: float
    """What the sum is multiplied with."""


def tables(attributes: Mapping[str, Any]) -> Tables:
    """Read the attributes of a TreeEnsemble node.

    Raises:
        NotConvertibleError: it is of a form without tables; the message says which.
    """
    aggregate, transform = attributes.get("aggregate_function", _SUM), attributes.get("post_transform", 0)
    if aggregate not in {_AVERAGE, _SUM} or transform:
        message = (
            f"the TreeEnsemble aggregates by {aggregate} and transforms by {transform}, where sums and averages as "
            "they are can be told; export it as onnx, which takes the graph as it is"
        )
        raise NotConvertibleError(message)
    modes = np.asarray(attributes["nodes_modes"]).astype(np.int64)
    inner, weights = len(modes), np.asarray(attributes["leaf_weights"])
    leaves = np.arange(inner, inner + len(weights))
    branches = [np.concatenate([_branch(attributes, side, inner), leaves]) for side in ("true", "false")]
    missing = attributes.get("nodes_missing_value_tracks_true")
    members, set_of = _members(modes, attributes.get("membership_values"))
    roots = _integers(attributes, "tree_roots")
    return Tables(
        roots=roots,
        features=_filled(_integers(attributes, "nodes_featureids"), len(leaves)),
        splits=_filled(np.asarray(attributes["nodes_splits"]), len(leaves)),
        modes=np.concatenate([modes, np.full(len(leaves), modes[0])]),
        missing=_filled(np.zeros(inner, np.bool_) if missing is None else np.asarray(missing) > 0, len(leaves)),
        met=branches[0],
        unmet=branches[1],
        depth=_depth(roots, branches[0], branches[1], inner),
        weights=np.concatenate([np.zeros(inner, weights.dtype), weights]),
        targets=np.concatenate([np.zeros(inner, np.int64), _integers(attributes, "leaf_targetids")]),
        set_of=_filled(set_of, len(leaves)),
        members=members,
        outputs=int(attributes.get("n_targets", 1)),
        share=1.0 / len(roots) if aggregate == _AVERAGE else 1.0,
    )


def trees(b: Any, x: Any, attributes: Mapping[str, Any]) -> Any:
    """Tell a TreeEnsemble to a backend: ``[rows, features]`` in, ``[rows, outputs]`` out."""
    table = tables(attributes)
    dtype = b.dtype(x)
    splits = (narrowed(table) if np.dtype(dtype) == np.float32 else table.splits).astype(dtype)
    held = {
        name: b.constant(getattr(table, name)) for name in ("features", "met", "unmet", "modes", "missing", "set_of")
    }
    held |= {"splits": b.constant(splits), "members": b.constant(table.members.reshape(-1))}
    rows = b.lengths(x)[0]
    place = b.expand(b.constant(table.roots[None, :]), [rows, len(table.roots)])
    for _ in range(table.depth):
        here = {name: b.take(values, place, 0) for name, values in held.items() if name in _needed(table)}
        value = b.take_along(x, here["features"], 1)
        is_met = _is_met(b, table, here, value, held["members"])
        place = b.where(is_met, here["met"], here["unmet"])
    found = b.take(b.constant(table.weights.astype(dtype)), place, 0)
    return _summed(b, table, found, place, dtype)


def _needed(table: Tables) -> set[str]:
    """Say which tables are looked up at every step."""
    needed = {"features", "splits", "met", "unmet"}
    modes = set(table.modes.tolist())
    return needed | (
        ({"modes"} if len(modes) > 1 else set())
        | ({"set_of"} if _MEMBER in modes else set())
        | ({"missing"} if table.missing.any() else set())
    )


def narrowed(table: Tables) -> Array:
    """Round thresholds to float32 so that every float32 value stays on its side."""
    near = table.splits.astype(np.float32)
    for mode, side in _ROUNDED.items():
        wrong = (table.modes == mode) & ((near > table.splits) if side < 0 else (near < table.splits))
        near[wrong] = np.nextafter(near[wrong], np.float32(side * np.inf))
    return near


def _is_met(b: Any, table: Tables, here: Mapping[str, Any], value: Any, members: Any) -> Any:
    found = None
    for one in sorted(set(table.modes.tolist())):
        if one == _MEMBER:
            met = _is_member(b, table, here["set_of"], value, members)
        elif one in _COMPARE:
            met = b.binary(_COMPARE[one], value, here["splits"])
        else:
            message = f"the TreeEnsemble compares by mode {one}, which has no table; export it as onnx"
            raise NotConvertibleError(message)
        found = (
            met if found is None else b.where(b.binary("equal", here["modes"], b.constant(np.int64(one))), met, found)
        )
    if "missing" not in here:
        return found
    return b.binary("logical_or", found, b.binary("logical_and", b.unary("isnan", value), here["missing"]))


def _is_member(b: Any, table: Tables, set_of: Any, value: Any, members: Any) -> Any:
    count = table.members.shape[1]
    # What is no code of the table (missing, unseen, a fraction) stands in the last column, which is in no set.
    zero, last = (b.constant(np.asarray(number, b.dtype(value))) for number in (0, count - 1))
    is_code = b.binary("logical_and", b.binary("greater_equal", value, zero), b.binary("less", value, last))
    is_code = b.binary("logical_and", is_code, b.binary("equal", value, b.unary("floor", value)))
    code = b.cast(b.where(is_code, value, last), np.int64)
    return b.take(members, b.binary("add", b.binary("multiply", set_of, b.constant(np.int64(count))), code), 0)


def _summed(b: Any, table: Tables, found: Any, place: Any, dtype: Any) -> Any:
    """Add the leaves of each output."""
    if table.outputs == 1:
        whole = b.reduce("sum", found, [1], keep=True)
    else:
        targets = b.take(b.constant(table.targets), place, 0)
        zero = b.constant(np.asarray(0, dtype))
        parts = [
            b.reduce("sum", b.where(b.binary("equal", targets, b.constant(np.int64(one))), found, zero), [1], keep=True)
            for one in range(table.outputs)
        ]
        whole = b.concat(parts, 1)
    return whole if table.share == 1.0 else b.binary("multiply", whole, b.constant(np.asarray(table.share, dtype)))


def _branch(attributes: Mapping[str, Any], side: str, inner: int) -> Array:
    is_leaf = _integers(attributes, f"nodes_{side}leafs") > 0
    places: Array = _integers(attributes, f"nodes_{side}nodeids") + inner * is_leaf
    return places


def _integers(attributes: Mapping[str, Any], name: str) -> Array:
    return np.asarray(attributes[name], np.int64)


def _filled(values: Array, leaves: int) -> Array:
    return np.concatenate([values, np.zeros(leaves, values.dtype)])


def _depth(roots: Array, met: Array, unmet: Array, inner: int) -> int:
    """Count the levels of the deepest tree."""
    front, depth = np.unique(roots), 0
    while (front < inner).any():
        front = np.unique(np.concatenate([met[front], unmet[front]]))
        depth += 1
        if depth > inner:
            message = "the TreeEnsemble has a branch that leads back to itself; import the model anew"
            raise NotConvertibleError(message)
    return depth


def _members(modes: Array, values: Any) -> tuple[Array, Array]:
    """Give the sets as a table of codes, and which set each node tests."""
    nodes = np.flatnonzero(modes == _MEMBER)
    set_of = np.zeros(len(modes), np.int64)
    set_of[nodes] = np.arange(len(nodes))
    if not len(nodes):
        return np.zeros((1, 1), np.bool_), set_of
    listed = np.asarray(values, np.float64)
    sets = np.split(listed, np.flatnonzero(np.isnan(listed)) + 1)[: len(nodes)]
    codes = [np.unique(one[~np.isnan(one)]) for one in sets]
    # Below zero stands what nobody sends: a set that is empty.
    codes = [one[one >= 0] for one in codes]
    most = max((int(one.max()) for one in codes if len(one)), default=0)
    if any((one != np.floor(one)).any() for one in codes) or most >= _MOST_CODES or len(nodes) * most > _MOST_CELLS:
        message = "the TreeEnsemble tests for sets of values that are no small codes; export it as onnx"
        raise NotConvertibleError(message)
    members = np.zeros((len(nodes), most + 2), np.bool_)
    for row, one in enumerate(codes):
        members[row, one.astype(np.int64)] = True
    return members, set_of
