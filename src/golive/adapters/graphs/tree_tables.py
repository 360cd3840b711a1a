"""Tree tables: a TreeEnsemble as look-ups in tables, for libraries that have no trees.

All trees walk at once, one level a step: the place where each tree stands is an index, and what is compared there, and
where it leads to, are looked up. A leaf leads to itself.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.tree_ensemble import (
    ABOVE,
    AT_LEAST,
    AT_MOST,
    AVERAGE,
    BELOW,
    EQUAL,
    MEMBER,
    SUM,
    UNEQUAL,
    TreeEnsemble,
    depth,
    in_single_precision,
    read,
)
from golive.errors import NotConvertibleError

_COMPARE = {
    AT_MOST: "less_equal",
    BELOW: "less",
    AT_LEAST: "greater_equal",
    ABOVE: "greater",
    EQUAL: "equal",
    UNEQUAL: "not_equal",
}
"""Mode of a node -> numpy's name of the comparison."""
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


def tables(ensemble: TreeEnsemble) -> Tables:
    """Lay out an ensemble.

    Raises:
        NotConvertibleError: it is of a form without tables; the message says which.
    """
    if ensemble.aggregate not in {AVERAGE, SUM} or ensemble.transform:
        message = (
            f"the TreeEnsemble aggregates by {ensemble.aggregate} and transforms by {ensemble.transform}, where sums "
            "and averages as they are can be told; export it as onnx, which takes the graph as it is"
        )
        raise NotConvertibleError(message)
    inner, weights = ensemble.nodes, ensemble.weights
    leaves = np.arange(inner, inner + len(weights))
    members, set_of = _members(ensemble)
    return Tables(
        roots=ensemble.roots,
        features=_filled(ensemble.features, len(leaves)),
        splits=_filled(ensemble.splits, len(leaves)),
        modes=np.concatenate([ensemble.modes, np.full(len(leaves), ensemble.modes[0])]),
        missing=_filled(ensemble.missing, len(leaves)),
        met=np.concatenate([ensemble.met, leaves]),
        unmet=np.concatenate([ensemble.unmet, leaves]),
        depth=depth(ensemble),
        weights=np.concatenate([np.zeros(inner, weights.dtype), weights]),
        targets=np.concatenate([np.zeros(inner, np.int64), ensemble.targets]),
        set_of=_filled(set_of, len(leaves)),
        members=members,
        outputs=ensemble.outputs,
        share=1.0 / ensemble.trees if ensemble.aggregate == AVERAGE else 1.0,
    )


def trees(b: Backend, x: Any, attributes: Mapping[str, Any]) -> Any:
    """Tell a TreeEnsemble to a backend: ``[rows, features]`` in, ``[rows, outputs]`` out."""
    ensemble, dtype = read(attributes), b.dtype(x)
    table = tables(in_single_precision(ensemble) if np.dtype(dtype) == np.float32 else ensemble)
    held = {
        name: b.constant(getattr(table, name)) for name in ("features", "met", "unmet", "modes", "missing", "set_of")
    }
    held |= {"splits": b.constant(table.splits.astype(dtype)), "members": b.constant(table.members.reshape(-1))}
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
        | ({"set_of"} if MEMBER in modes else set())
        | ({"missing"} if table.missing.any() else set())
    )


def _is_met(b: Backend, table: Tables, here: Mapping[str, Any], value: Any, members: Any) -> Any:
    found = None
    for one in sorted(set(table.modes.tolist())):
        if one == MEMBER:
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


def _is_member(b: Backend, table: Tables, set_of: Any, value: Any, members: Any) -> Any:
    count = table.members.shape[1]
    # What is no code of the table (missing, unseen, a fraction) stands in the last column, which is in no set.
    zero, last = (b.constant(np.asarray(number, b.dtype(value))) for number in (0, count - 1))
    is_code = b.binary("logical_and", b.binary("greater_equal", value, zero), b.binary("less", value, last))
    is_code = b.binary("logical_and", is_code, b.binary("equal", value, b.unary("floor", value)))
    code = b.cast(b.where(is_code, value, last), np.int64)
    return b.take(members, b.binary("add", b.binary("multiply", set_of, b.constant(np.int64(count))), code), 0)


def _summed(b: Backend, table: Tables, found: Any, place: Any, dtype: Any) -> Any:
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


def _filled(values: Array, leaves: int) -> Array:
    return np.concatenate([values, np.zeros(leaves, values.dtype)])


def _members(ensemble: TreeEnsemble) -> tuple[Array, Array]:
    """Give the sets as a table of codes, and which set each node tests."""
    nodes = np.flatnonzero(ensemble.modes == MEMBER)
    set_of = np.zeros(ensemble.nodes, np.int64)
    set_of[nodes] = np.arange(len(nodes))
    if not len(nodes):
        return np.zeros((1, 1), np.bool_), set_of
    # Below zero stands what nobody sends: a set that is empty.
    codes = [np.unique(values[values >= 0]) for values in ensemble.sets]
    most = max((int(one.max()) for one in codes if len(one)), default=0)
    if any((one != np.floor(one)).any() for one in codes) or most >= _MOST_CODES or len(nodes) * most > _MOST_CELLS:
        message = "the TreeEnsemble tests for sets of values that are no small codes; export it as onnx"
        raise NotConvertibleError(message)
    members = np.zeros((len(nodes), most + 2), np.bool_)
    for row, one in enumerate(codes):
        members[row, one.astype(np.int64)] = True
    return members, set_of
