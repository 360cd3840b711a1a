"""Graded: stresses of a whole table, at several strengths.

==============  =====================================================================================
noise           every number column: normal noise of so many of its standard deviations
missing         so many of all cells are left out; where a column must be there, the row is refused
out_of_range    in every row one number column stands so far beyond its range (a share of the range)
unseen          so many of the category cells hold a value that never was before
misspelt        so many of them have letters swapped, dropped or doubled
case            so many of them in capitals or in small letters
whitespace      so many of them with a blank, a no-break space or a tab before or after
encoding        so many of them in full-width letters, or as UTF-8 read as Latin-1
==============  =====================================================================================
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from golive.evaluation.stress.asked import length
from golive.evaluation.stress.facts import Facts, numbers_that_vary
from golive.evaluation.stress.family import Changed, Family
from golive.evaluation.stress.spelling import Respell, encoded, misspelt, never_seen, other_case, respelt, spaced
from golive.evaluation.subject import Table
from golive.ports import Column, Float64
from golive.statistics.metrics import Bool

NOISE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
MISSING = (0.01, 0.05, 0.1, 0.2, 0.5)
_BEYOND = (0.1, 0.5, 1.0)
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
_FEEDS = (0.01, 0.1, 1.0)


def graded_families(
    facts: Sequence[Facts], table: Table, seed: int, *, known: Mapping[str, frozenset[str]]
) -> list[Family]:
    """Give the families that have a column to change; ``known`` holds the values of each text column to respell."""
    numbers = numbers_that_vary(facts)
    found = [_missing(facts, table, seed)]
    if numbers:
        found = [_noise(numbers, table, seed), *found, _out_of_range(numbers, table, seed)]
    texts = [fact for fact in facts if fact.kind == "text" and fact.name in known]
    return [*found, *_texts(texts, table, seed, known)] if texts else found


def _noise(numbers: Sequence[Facts], table: Table, seed: int) -> Family:
    drawn = np.random.default_rng([seed, 1]).standard_normal((len(numbers), length(table)))

    def change(strength: float) -> Changed:
        return {
            fact.name: sent(fact, table[fact.name] + strength * fact.sd * drawn[place])
            for place, fact in enumerate(numbers)
        }

    return Family(name="noise", strengths=NOISE, columns=_names(numbers), change=change, form="plain")


def _missing(facts: Sequence[Facts], table: Table, seed: int) -> Family:
    drawn = np.random.default_rng([seed, 2]).random((len(facts), length(table)), dtype=np.float32)
    needed = np.array([not fact.nullable for fact in facts])

    def change(strength: float) -> Changed:
        return {
            fact.name: _emptied(fact, table[fact.name], drawn[place] < strength)
            for place, fact in enumerate(facts)
            if fact.nullable
        }

    def refused(strength: float) -> float:
        return float((drawn[needed] < strength).any(axis=0).mean())

    return Family(
        name="missing",
        strengths=MISSING,
        columns=_names([fact for fact in facts if fact.nullable]),
        change=change,
        refused=refused,
    )


def _out_of_range(numbers: Sequence[Facts], table: Table, seed: int) -> Family:
    rng = np.random.default_rng([seed, 3])
    chosen = rng.integers(0, len(numbers), length(table))
    above = rng.random(length(table)) < 0.5  # noqa: PLR2004  one half
    moved = set(chosen.tolist())

    def change(strength: float) -> Changed:
        return {
            fact.name: np.where(chosen == place, _beyond(fact, above, strength), table[fact.name])
            for place, fact in enumerate(numbers)
            if place in moved
        }

    return Family(name="out_of_range", strengths=_BEYOND, columns=_names(numbers), change=change)


def _beyond(fact: Facts, above: Bool, strength: float) -> Float64:
    far = strength * (fact.high - fact.low)
    outside = np.where(above, fact.high + far, fact.low - far)
    return np.where(above, np.ceil(outside), np.floor(outside)) if fact.whole else outside


def _texts(texts: Sequence[Facts], table: Table, seed: int, known: Mapping[str, frozenset[str]]) -> list[Family]:
    unseen = {fact.name: never_seen(known[fact.name]) for fact in texts}
    makers: Mapping[str, tuple[tuple[float, ...], Callable[[str], Respell]]] = {
        "unseen": (_SHARES, lambda name: lambda _text, _variant: unseen[name]),
        "misspelt": (_SHARES, lambda _name: misspelt),
        "case": (_FEEDS, lambda _name: other_case),
        "whitespace": (_FEEDS, lambda _name: spaced),
        "encoding": (_FEEDS, lambda _name: encoded),
    }
    rng = np.random.default_rng([seed, 4])
    drawn = rng.random((len(texts), length(table)))
    variants = rng.integers(0, 12, (len(texts), length(table)))

    def family(name: str, strengths: tuple[float, ...], maker: Callable[[str], Respell]) -> Family:
        def change(strength: float) -> Changed:
            return {
                fact.name: respelt(
                    table[fact.name],
                    np.flatnonzero(drawn[place] < strength),
                    maker(fact.name),
                    variants[place],
                )
                for place, fact in enumerate(texts)
            }

        return Family(name=name, strengths=strengths, columns=_names(texts), change=change)

    return [family(name, *how) for name, how in makers.items()]


def sent(fact: Facts, values: Float64) -> Float64:
    """Round numbers where only whole ones are sent."""
    return np.round(values) if fact.whole else values


def _emptied(fact: Facts, column: Column, cells: Bool) -> Column:
    changed = column.copy()
    changed[cells] = None if fact.kind in {"text", "date"} else np.nan
    return changed


def _names(facts: Sequence[Facts]) -> tuple[str, ...]:
    return tuple(fact.name for fact in facts)
