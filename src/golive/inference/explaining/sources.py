"""Sources: which of a caller's columns each number and each code that enters a graph is made of."""

from collections.abc import Sequence

import msgspec
import numpy as np

from golive.domain.preparation import Preparation
from golive.inference.parts import made_of
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
    made = made_of(preparation, names)
    return Sources(
        _places([made[name] for name in preparation.numbers]),
        _places([made[vocabulary.column] for vocabulary in preparation.categories]),
    )


def _places(found: Sequence[frozenset[int]]) -> Int64:
    return np.array([min(places) if len(places) == 1 else MIXED for places in found], np.int64)
