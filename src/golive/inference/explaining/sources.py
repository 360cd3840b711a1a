"""Sources: which of a caller's columns each number and each code that enters a graph is made of."""

from collections.abc import Sequence

import msgspec
import numpy as np

from golive.domain.preparation import Combine, DateParts, DeclaredStep, Preparation, TextCounts, TextTerms
from golive.ports import Int64

MIXED = -1
"""Stands for a number that is made of several columns."""


class Sources(msgspec.Struct, frozen=True, eq=False):
    """int64 ``[numbers]`` and ``[categories]``: the place of the input that each is made of, or :data:`MIXED`."""

    numbers: Int64
    codes: Int64

    @property
    def are_single(self) -> bool:
        """Whether each is made of one input."""
        return bool((self.numbers != MIXED).all() and (self.codes != MIXED).all())


def sources_of(preparation: Preparation, names: Sequence[str]) -> Sources:
    """Follow the declared steps. ``names`` are the inputs of the signature, in order."""
    made = {name: frozenset((place,)) for place, name in enumerate(names)}
    for step in preparation.steps:
        before = frozenset[int]().union(*(made[name] for name in _reads(step)))
        made |= dict.fromkeys(_makes(step), before)
    return Sources(
        _places([made[name] for name in preparation.numbers]),
        _places([made[vocabulary.column] for vocabulary in preparation.categories]),
    )


def _places(found: Sequence[frozenset[int]]) -> Int64:
    return np.array([min(places) if len(places) == 1 else MIXED for places in found], np.int64)


def _reads(step: DeclaredStep) -> tuple[str, ...]:
    return step.columns if isinstance(step, Combine) else (step.column,)


def _makes(step: DeclaredStep) -> tuple[str, ...]:
    match step:
        case Combine():
            return (step.into,)
        case TextTerms():
            return step.into
        case DateParts():
            return tuple(f"{step.column}_{part}" for part in step.parts)
        case TextCounts():
            return f"{step.column}_chars", f"{step.column}_words"
        case _:
            return (step.column,)
