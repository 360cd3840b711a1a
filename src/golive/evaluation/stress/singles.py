"""Singles: stresses of one column at a time, or of two that change places.

===================  =========================================================================
unit                 a number column in another unit: x1000, /1000, x100, x2.54, and, where its
                     name or unit speaks of a temperature, °C sent as °F and °F sent as °C
swap                 two neighboring number columns of similar range, or two neighboring text
                     columns, are exchanged
constant             a feed that died: the column is at its median, or its most frequent text
===================  =========================================================================
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from golive.evaluation.stress.bench import Bench, Trial, tried
from golive.evaluation.stress.facts import Facts
from golive.evaluation.stress.family import Changed
from golive.evaluation.stress.graded import sent
from golive.ports import Column, Float64

_SIMILAR = 0.5
_TEMPERATURE = re.compile(r"temp(?!l|o|t)|°\s?[cf]|celsius|fahrenheit|温度|气温", re.IGNORECASE)


class Single(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A stress of a column or two, and what it did."""

    kind: str
    """``unit``, ``swap`` or ``constant``."""
    stress: str
    """The kind, or which unit, such as ``x1000``."""
    columns: tuple[str, ...]
    trial: Trial


def singles(bench: Bench, facts: Sequence[Facts]) -> list[Single]:
    """Try every stress of the given columns."""
    return [
        Single(kind=kind, stress=stress, columns=columns, trial=tried(bench, changed))
        for kind, stress, columns, changed in _changes(bench, facts)
    ]


def count_of(facts: Sequence[Facts]) -> int:
    """Count, about, the stresses that :func:`singles` tries."""
    return sum(6 if fact.varies else 2 for fact in facts)


def _changes(bench: Bench, facts: Sequence[Facts]) -> Iterator[tuple[str, str, tuple[str, ...], Changed]]:
    for fact in facts:
        column = bench.table[fact.name]
        if fact.varies:
            for stress, convert in _units(fact).items():
                # A number beyond float64 could not be sent; nothing sends 1e305 times 1000 either.
                with np.errstate(over="ignore"):
                    changed = sent(fact, convert(column))
                if not np.isinf(changed).any():
                    yield "unit", stress, (fact.name,), {fact.name: changed}
        if fact.usual is not None:
            yield "constant", "constant", (fact.name,), {fact.name: _constant(fact, column)}
    for one, two in _neighbors(facts):
        swapped = {one.name: bench.table[two.name], two.name: bench.table[one.name]}
        yield "swap", "swap", (one.name, two.name), swapped


def _units(fact: Facts) -> Mapping[str, Callable[[Float64], Float64]]:
    found: dict[str, Callable[[Float64], Float64]] = {
        "x1000": lambda values: values * 1000.0,
        "/1000": lambda values: values / 1000.0,
        "x100": lambda values: values * 100.0,
        "x2.54": lambda values: values * 2.54,
    }
    if _TEMPERATURE.search(f"{fact.name} {fact.unit}"):
        found["C as F"] = lambda values: values * 1.8 + 32.0
        found["F as C"] = lambda values: (values - 32.0) / 1.8
    return found


def _constant(fact: Facts, column: Column) -> Column:
    if fact.kind in {"text", "date"}:
        changed = np.empty(len(column), dtype=object)
        changed[:] = fact.usual
        return changed
    return np.full(len(column), fact.usual, dtype=np.float64)


def _neighbors(facts: Sequence[Facts]) -> list[tuple[Facts, Facts]]:
    """Pair each column with the next one of its kind, numbers only where their middle ranges overlap by half."""
    numbers = [fact for fact in facts if fact.varies]
    texts = [fact for fact in facts if fact.kind == "text" and fact.usual is not None]
    return [pair for pair in pairwise(numbers) if _similar(*pair)] + list(pairwise(texts))


def _similar(one: Facts, two: Facts) -> bool:
    (low, high), (other_low, other_high) = _middle_range(one), _middle_range(two)
    shared, whole = min(high, other_high) - max(low, other_low), max(high, other_high) - min(low, other_low)
    return whole > 0.0 and shared >= _SIMILAR * whole


def _middle_range(fact: Facts) -> tuple[float, float]:
    low, high = np.quantile(fact.quantiles, [0.05, 0.95])
    return float(low), float(high)
