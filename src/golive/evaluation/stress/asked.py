"""Asked: changed rows in, the model's answers out, with the rows that a server would refuse set apart."""

import msgspec
import numpy as np

from golive.errors import InvalidRowError
from golive.evaluation.subject import Subject, Table, taken
from golive.ports import Column, Float64, Int64
from golive.statistics.metrics import Bool

_CELLS = 16_000_000
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


def ask(subject: Subject, table: Table) -> Asked:
    """Ask about rows that may be refused.

    Where all are taken this is one question; else each of 300 rows, drawn by the subject's seed, is settled by halving.
    """
    rows = length(table)
    every = np.arange(rows, dtype=np.int64)
    try:
        return Asked(places=every, answers=_answers(subject, table), tried=rows)
    except InvalidRowError:
        if rows > _PROBED:
            every = np.sort(np.random.default_rng(subject.seed).choice(rows, _PROBED, replace=False)).astype(np.int64)
    found = _halved(subject, table, every)
    places = np.concatenate([part for part, _ in found]) if found else every[:0]
    answers = np.concatenate([part for _, part in found]) if found else np.empty((0, width(subject)))
    return Asked(places=places, answers=answers, tried=len(every))


def ask_whole(subject: Subject, table: Table) -> Float64 | None:
    """Ask about rows; None where a server would refuse one of them, or an answer is no number."""
    try:
        answers = _answers(subject, table)
    except InvalidRowError:
        return None
    return answers if np.isfinite(answers).all() else None


def length(table: Table) -> int:
    """Count the rows of a table."""
    return len(next(iter(table.values())))


def repeated(table: Table, times: int) -> dict[str, Column]:
    """Put a table ``times`` times below itself."""
    return {name: np.tile(column, times) for name, column in table.items()}


def width(subject: Subject) -> int:
    """Count the numbers in an answer."""
    return len(subject.predicted[0])


def _answers(subject: Subject, table: Table) -> Float64:
    rows = length(table)
    step = max(_CELLS // max(len(table), width(subject)), 1)
    if rows <= step:
        return subject.predict(table)
    parts = [
        subject.predict({name: column[start : start + step] for name, column in table.items()})
        for start in range(0, rows, step)
    ]
    return np.concatenate(parts)


def _halved(subject: Subject, table: Table, places: Int64) -> list[tuple[Int64, Float64]]:
    try:
        return [(places, subject.predict(taken(table, places)))]
    except InvalidRowError:
        if len(places) == 1:
            return []
    middle = len(places) // 2
    return [*_halved(subject, table, places[:middle]), *_halved(subject, table, places[middle:])]
