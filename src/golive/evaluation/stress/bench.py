"""Bench: the sample of rows that stresses are tried on, and one trial of a stress on it."""

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from golive.evaluation.again import Again
from golive.evaluation.stress.asked import Asked, ask
from golive.evaluation.stress.family import Changed
from golive.evaluation.stress.scores import Answered, Score, known_metrics, main_metrics, score, worse
from golive.evaluation.subject import Subject, Table
from golive.ports import Float64, Int64
from golive.statistics.intervals import Interval


class Bench(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Some rows as they are, with their truth and the model's answers to them."""

    subject: Subject
    places: Int64
    """Which of the subject's rows these are."""
    again: Again
    """The rows, and the way to ask about them once more."""
    followed: tuple[str, ...]
    """The metrics that are computed of every trial, the main one first."""
    groups: Int64 | None
    """The declared group of each row, codes ``[rows]``; None where rows are independent."""

    @property
    def rows(self) -> int:
        """How many rows are tried."""
        return len(self.places)

    @property
    def table(self) -> Table:
        """The rows' inputs."""
        return self.again.table

    def answered(self, answers: Float64, rows: Int64) -> Answered:
        """Give answers to some of the bench's rows together with their truth."""
        return answered(self.subject, answers, self.places[rows])


class Trial(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a stress did to the answers."""

    rows: int
    """Rows that were answered."""
    tried: int = 0
    """Rows that were asked about."""
    refused: float = 0.0
    """Share of rows that a server would refuse."""
    broken: float = 0.0
    """Share of answers that are no numbers; metrics are not computed then."""
    stressed: Mapping[str, Score] = {}
    clean: Mapping[str, Score] = {}
    """The same rows unstressed."""
    answered: Int64 = np.empty(0, dtype=np.int64)
    """Places in the bench of the rows that were answered."""
    groups: Int64 | None = None
    """Their declared groups."""

    def drop(self, name: str) -> tuple[float, Interval | None]:
        """Give by how much a metric is worse, with the interval; NaN where it was not computed."""
        if name not in self.stressed:
            return math.nan, None
        return worse(name, self.stressed[name], self.clean[name], self.groups)


def bench_of(subject: Subject, most: int, more: tuple[str, ...] = ()) -> Bench:
    """Draw at most so many rows, by the subject's seed; ``more`` are metrics to follow beside the main ones."""
    places = drawn_rows(subject.rows, most, subject.seed)
    task, classes = subject.signature.task, subject.predicted.shape[1]
    known = known_metrics(task, classes)
    names = dict.fromkeys((*main_metrics(task, classes), *(name for name in more if name in known)))
    groups = subject.groups
    return Bench(
        subject=subject,
        places=places,
        again=Again(subject, places),
        followed=tuple(names),
        groups=None if groups is None else groups[places],
    )


def smaller(bench: Bench, most: int) -> Bench:
    """Draw fewer of a bench's rows."""
    rows = drawn_rows(bench.rows, most, bench.subject.seed + 1)
    if len(rows) == bench.rows:
        return bench
    places, groups = bench.places[rows], None if bench.groups is None else bench.groups[rows]
    return msgspec.structs.replace(bench, places=places, again=Again(bench.subject, places), groups=groups)


def drawn_rows(rows: int, most: int, seed: int) -> Int64:
    """Draw places of rows, in order; all of them where they are not more."""
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False)).astype(np.int64)


def answered(subject: Subject, answers: Float64, places: Int64) -> Answered:
    """Give answers to some of a subject's rows together with their truth."""
    return Answered(
        task=subject.signature.task,
        truth=subject.test.truth[places],
        answers=answers,
        threshold=subject.decision.threshold,
    )


def tried(bench: Bench, changed: Changed) -> Trial:
    """Ask about the bench's rows with some columns changed, and compare with the same rows unchanged."""
    return _trial(bench, ask(bench.again, changed, bench.subject.seed))


def _trial(bench: Bench, asked: Asked) -> Trial:
    refused = asked.refused / asked.tried if asked.tried else 0.0
    broken = float((~asked.finite).mean()) if len(asked.places) else 0.0
    if broken or not len(asked.places):
        return Trial(rows=len(asked.places), tried=asked.tried, refused=refused, broken=broken)
    stressed = bench.answered(asked.answers, asked.places)
    clean = bench.answered(bench.subject.predicted[bench.places[asked.places]], asked.places)
    return Trial(
        rows=len(asked.places),
        tried=asked.tried,
        refused=refused,
        stressed={name: score(name, stressed) for name in bench.followed},
        clean={name: score(name, clean) for name in bench.followed},
        answered=asked.places,
        groups=None if bench.groups is None else bench.groups[asked.places],
    )
