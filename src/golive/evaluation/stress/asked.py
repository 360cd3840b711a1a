"""Asked: changed rows in, the model's answers out, with the rows that a server would refuse set apart."""

import msgspec
import numpy as np

from golive.errors import InvalidRowError
from golive.evaluation.again import Again
from golive.evaluation.subject import Table, taken
from golive.ports import Float64, Int64
from golive.statistics.metrics import Bool

_PROBED = 300


class Asked(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Answers to some rows."""

    places: Int64
    """The rows that were taken, by their place among those asked about."""
    answers: Float64
    """Their answers, float64 ``[len(places), outputs]``; may hold what is no number."""
    tried: int
    """How many rows were asked about: where some are refused, not more than 300."""

    @property
    def refused(self) -> int:
        """How many of the tried rows a server would refuse."""
        return self.tried - len(self.places)

    @property
    def finite(self) -> Bool:
        """Which answers are numbers throughout, ``[len(places)]``."""
        return np.asarray(np.isfinite(self.answers).all(axis=1), dtype=np.bool_)


def ask(again: Again, changed: Table, seed: int) -> Asked:
    """Ask about all rows with some columns changed, where some may be refused.

    Where all are taken this is one question; else each of 300 rows, drawn by the seed, is settled by halving.
    """
    rows = len(again.clean)
    every = np.arange(rows, dtype=np.int64)
    try:
        return Asked(places=every, answers=again.answers(changed), tried=rows)
    except InvalidRowError:
        if rows > _PROBED:
            every = np.sort(np.random.default_rng(seed).choice(rows, _PROBED, replace=False)).astype(np.int64)
    found = _halved(again, changed, every)
    places = np.concatenate([part for part, _ in found]) if found else every[:0]
    answers = np.concatenate([part for _, part in found]) if found else again.clean[:0]
    return Asked(places=places, answers=answers, tried=len(every))


def length(table: Table) -> int:
    """Count the rows of a table."""
    return len(next(iter(table.values())))


def _halved(again: Again, changed: Table, places: Int64) -> list[tuple[Int64, Float64]]:
    try:
        return [(places, again.answers(taken(changed, places), places))]
    except InvalidRowError:
        if len(places) == 1:
            return []
    middle = len(places) // 2
    return [*_halved(again, changed, places[:middle]), *_halved(again, changed, places[middle:])]
