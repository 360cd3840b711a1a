"""CatBoost's target statistics (CTRs): tables by the hash of a category, or of a combination, become look-ups.

A combination is made of categories, of "category c is v" and of "number x is above b". Each part has codes, and a
combination's number is its codes as digits. The model keeps a hash of each combination that training saw; trying all
combinations (or, where there are too many, those of the sample) finds which these are. Any other has the statistic of
something never seen. A statistic is ``((good + prior) / (total + prior's weight) + shift) * scale``, in float32.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.adapters.frameworks.catboost_hash import UInt64, combined
from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.trees import search_sorted
from golive.ports import Float64, Int64

EMPTY = (1 << 64) - 1
"""The hash of an unused place in a model's table."""
TRIED = 4_000_000
"""So many combinations of one statistic are tried at most."""
DENSE = 16_384
"""Up to here a combination's number is its place in the table; above it is searched for."""
LARGEST = 2**53
"""Numbers up to here are exact in double precision."""
TWO_CLASSES = 2


class Part(msgspec.Struct, frozen=True):
    """One part of combinations: its code in the graph, and the hash of each code."""

    tensor: str
    """int64 ``[rows, 1]``"""
    hashes: UInt64
    """``[known]``"""
    sample: Int64
    """The codes of the sample's rows, ``[rows]``."""
    size: int
    """How many codes there are; those from ``len(hashes)`` on are values that training did not see."""


class Combination(msgspec.Struct, frozen=True):
    """Some parts, and where each of the known combinations has its place in the model's table."""

    parts: tuple[int, ...]
    numbers: Int64
    """Ascending, one a known combination."""
    buckets: Int64


PartOf = Callable[[Mapping[str, Any]], int]
"""Gives the place of a part among all, for an element of a combination in the model's JSON."""


class UncoveredError(Exception):
    """The model knows combinations that neither trying nor the sample tells; the message counts them."""


def written(graph: Graph, model: Mapping[str, Any], parts: Sequence[Part], part_of: PartOf) -> Block:
    """Write all statistics of a model, a column each, in its order.

    Raises:
        UncoveredError: the values behind some of the model's hashes cannot be found.
    """
    statistics = model["features_info"]["ctrs"]
    found: dict[str, Combination] = {}
    for statistic in statistics:
        key = table_key(statistic)
        if key not in found:
            own = tuple(part_of(element) for element in statistic["elements"])
            found[key] = _combination(parts, own, model["ctr_data"][key])
    numbers = _numbers(graph, parts, list(found.values()))
    places = _places(graph, numbers, [*found.values()], [_size(parts, each) for each in found.values()])
    keys = list(found)
    chosen = graph.op("Gather", places, np.asarray([keys.index(table_key(each)) for each in statistics]), axis=1)
    tables = [_table(each, model, found[table_key(each)], parts) for each in statistics]
    return Block(lookup(graph, tables, chosen), len(statistics))


def table_key(statistic: Mapping[str, Any]) -> str:
    """Give the name of the table that a statistic reads."""
    return str(statistic["identifier"])


def _size(parts: Sequence[Part], combination: Combination) -> int:
    return math.prod(parts[place].size for place in combination.parts)


def _strides(parts: Sequence[Part], places: Sequence[int]) -> Int64:
    sizes = [parts[place].size for place in places]
    return np.asarray([math.prod(sizes[position + 1 :]) for position in range(len(sizes))], np.int64)


def _combination(parts: Sequence[Part], places: tuple[int, ...], table: Mapping[str, Any]) -> Combination:
    hashes = _hashes(table)
    known = hashes != np.uint64(EMPTY)
    buckets, wanted = np.flatnonzero(known), hashes[known]
    order = np.argsort(wanted)
    codes = _candidates(parts, places)
    tried = combined([parts[place].hashes[code] for place, code in zip(places, codes, strict=True)])
    spot = np.minimum(np.searchsorted(wanted[order], tried), len(order) - 1)
    hit = wanted[order][spot] == tried
    missed = len(wanted) - len(np.unique(spot[hit]))
    if missed:
        raise UncoveredError(missed)
    numbers = np.stack([code[hit] for code in codes], axis=1) @ _strides(parts, places)
    numbers, first = np.unique(numbers, return_index=True)
    return Combination(places, numbers, buckets[order][spot[hit]][first])


def _candidates(parts: Sequence[Part], places: Sequence[int]) -> list[Int64]:
    """Give combinations to try, as one array of codes a part: all of them, or those of the sample."""
    known = [len(parts[place].hashes) for place in places]
    if math.prod(parts[place].size for place in places) > LARGEST:
        raise UncoveredError(LARGEST)
    if math.prod(known) <= TRIED:
        return [axis.ravel().astype(np.int64) for axis in np.indices(known)]
    rows = np.unique(np.stack([parts[place].sample for place in places], axis=1), axis=0)
    rows = rows[(rows < np.asarray(known)).all(axis=1)]
    return [rows[:, position] for position in range(len(places))]


def _hashes(table: Mapping[str, Any]) -> UInt64:
    return np.asarray([int(text) for text in table["hash_map"][:: table["hash_stride"]]], np.uint64)


def _numbers(graph: Graph, parts: Sequence[Part], combinations: Sequence[Combination]) -> str:
    """Give each combination's number, int64 ``[rows, combinations]``."""
    weights = np.zeros((len(parts), len(combinations)), np.int64)
    for column, combination in enumerate(combinations):
        weights[list(combination.parts), column] = _strides(parts, combination.parts)
    codes = graph.op("Concat", *(part.tensor for part in parts), axis=1)
    return graph.op("MatMul", codes, weights)


def _places(graph: Graph, numbers: str, combinations: Sequence[Combination], sizes: Sequence[int]) -> str:
    """Give each combination's place in its table, int64 ``[rows, combinations]``: its number, or where it was found."""
    sparse = [position for position, size in enumerate(sizes) if size > DENSE]
    if not sparse:
        return numbers
    dense = [position for position, size in enumerate(sizes) if size <= DENSE]
    wanted = graph.to_double(graph.op("Gather", numbers, np.asarray(sparse), axis=1))
    edges = [combinations[position].numbers.astype(np.float64) for position in sparse]
    near = search_sorted(graph, Block(wanted, len(sparse)), edges, right=False)
    there = lookup(graph, [np.append(values, np.nan) for values in edges], near)
    nowhere = np.asarray([[len(values) for values in edges]], np.int64)
    places = graph.op("Where", graph.op("Equal", there, wanted), near, nowhere)
    if dense:
        places = graph.op("Concat", graph.op("Gather", numbers, np.asarray(dense), axis=1), places, axis=1)
    return graph.op("Gather", places, np.argsort([*dense, *sparse]), axis=1)


def _table(
    statistic: Mapping[str, Any], model: Mapping[str, Any], combination: Combination, parts: Sequence[Part]
) -> Float64:
    """Give what a statistic is at each place."""
    counted = _counted(statistic, model["ctr_data"][table_key(statistic)])
    values = counted[combination.buckets]
    size = _size(parts, combination)
    if size > DENSE:
        return np.append(values, counted[-1:])
    table = np.full(size, counted[-1], np.float64)
    table[combination.numbers] = values
    return table


def _counted(statistic: Mapping[str, Any], table: Mapping[str, Any]) -> Float64:
    """Give the statistic of each bucket, and last that of something never seen."""
    good, total = _counts(statistic, table)
    prior = np.float32(statistic["prior_numerator"])
    weight = np.float32(statistic["prior_denomerator"])  # the model file spells it so
    with np.errstate(all="ignore"):
        share = (good.astype(np.float32) + prior) / (total.astype(np.float32) + weight)
        moved = (share + np.float32(statistic["shift"])) * np.float32(statistic["scale"])
    return moved.astype(np.float32).astype(np.float64)


def _counts(statistic: Mapping[str, Any], table: Mapping[str, Any]) -> tuple[Float64, Float64]:
    stride = table["hash_stride"]
    cells = np.asarray([float(cell) for cell in table["hash_map"]], np.float64).reshape(-1, stride)[:, 1:]
    seen_by_none = np.zeros((1, stride - 1))
    cells = np.concatenate([cells, seen_by_none])
    kind, border = statistic["ctr_type"], int(statistic["target_border_idx"])
    if kind in {"Counter", "FeatureFreq"}:
        return cells[:, 0], np.full(len(cells), float(table["counter_denominator"]))
    if kind in {"BinarizedTargetMeanValue", "FloatTargetMeanValue"}:
        return cells[:, 0], cells[:, 1]
    if kind == "Buckets":
        return cells[:, border], cells.sum(axis=1)
    first = border + 1 if cells.shape[1] > TWO_CLASSES else 1
    return cells[:, first:].sum(axis=1), cells.sum(axis=1)
