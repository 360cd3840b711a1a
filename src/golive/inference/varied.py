"""Varied: rows that are prepared once, and asked about again and again with other values in some of their columns."""

from collections.abc import Mapping

import numpy as np

from golive.inference.parts import Part, Parts
from golive.inference.pieces import run_in_pieces
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.ports import Column, Float64, Int64

_CELLS = 16_000_000
"""Numbers and codes that are prepared at once; a text makes thousands of them a row."""


class Varied:
    """Rows of a road; only what is made of a changed column is worked out again, with the same bits.

    Call it from one thread at a time, as its road asks.
    """

    def __init__(self, road: Road, columns: Mapping[str, Column]) -> None:
        """Prepare the rows, by input, as ``golive.inference.table.columns_of`` takes them.

        Raises:
            RequestError: a required column is not there.
            InvalidRowError: a value does not fit the signature.
        """
        self._road = road
        self._columns = columns_of(road.signature, columns)
        self._numbers, self._codes = road.front.columns(self._columns)
        self._parts = Parts(road.manifest.preparation, road.signature)
        self._step = max(_CELLS // max(self._numbers.shape[1] + self._codes.shape[1], 1), 1)
        self._compiled: dict[frozenset[str], Part] = {}

    def ask(self, places: Int64, changed: Mapping[str, Column]) -> Float64:
        """Predict the rows at ``places`` ``[m]`` with these canonical columns ``[m]`` instead of their own.

        Gives float64 ``[m, outputs]``.

        Raises:
            InvalidRowError: a changed value does not fit the signature, or a step refuses it.
        """
        part = self._part(frozenset(changed))
        pieces = [slice(start, start + self._step) for start in range(0, len(places), self._step)] or [slice(0)]
        return np.concatenate(
            [
                self._asked(part, places[some], {name: column[some] for name, column in changed.items()})
                for some in pieces
            ]
        )

    def _asked(self, part: Part, places: Int64, changed: Mapping[str, Column]) -> Float64:
        given = {name: changed[name] if name in changed else self._columns[name][places] for name in part.names}
        numbers, codes = self._numbers[places], self._codes[places]
        numbers[:, part.numbers], codes[:, part.codes] = part.front.columns(given)
        return run_in_pieces(self._road.session, numbers, codes)

    def _part(self, names: frozenset[str]) -> Part:
        if names not in self._compiled:
            self._compiled[names] = self._parts.touched_by(names)
        return self._compiled[names]
