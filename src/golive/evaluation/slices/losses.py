"""Losses: a truth and answers in, what each row loses and what rows of the same answer lose out."""

import msgspec
import numpy as np

from golive.domain.bundle import Decision
from golive.evaluation.subject import Subject
from golive.ports import Float64, Int64
from golive.statistics.excess import fitted, hats, knots

_SMALLEST = 1e-6
_WINSOR = 0.99
_BINARY = 2
_MOST_DECIDED = 20
_FURTHEST = 1e100
"""Squares of larger distances overflow."""
_FEWEST_DECIDED = 50
FEWEST_GROUPS = 20
"""Groups of equal size below which their differences are too badly known to find fault by."""


class Answers(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A truth and a model's answers to the same rows."""

    truth: Float64 | Int64
    predicted: Float64
    """``[n, 1]`` values, or ``[n, classes]`` probabilities."""
    decision: Decision = Decision()
    groups: Int64 | None = None
    """Codes ``[n]`` of what is independent, such as customers with several rows; None: the rows are."""

    @property
    def classifies(self) -> bool:
        """Whether the answers are probabilities."""
        return bool(self.predicted.shape[1] > 1)

    def take(self, rows: Int64) -> "Answers":
        """Give some of the rows."""
        groups = None if self.groups is None else self.groups[rows]
        return msgspec.structs.replace(self, truth=self.truth[rows], predicted=self.predicted[rows], groups=groups)

    def decided(self) -> Int64:
        """Give the class that each row is given, as an index."""
        if self.predicted.shape[1] == _BINARY:
            return np.asarray(self.predicted[:, 1] > self.decision.threshold, dtype=np.int64)
        return np.asarray(self.predicted.argmax(axis=1), dtype=np.int64)


def answers_of(subject: Subject) -> Answers:
    """Give the model's answers to the test rows."""
    return Answers(
        truth=subject.test.truth, predicted=subject.predicted, decision=subject.decision, groups=subject.groups
    )


class Loss(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A loss of every row."""

    name: str
    """``errors`` (0 or 1), ``log_loss``, ``squared`` or ``absolute``: these two in units of the spread that is usual at
    the same prediction."""
    values: Float64
    excess: Float64
    """The loss above what is usual at the same prediction, in the same unit."""
    matters: float
    """The smallest excess that a person should hear of."""


def plain_loss(answers: Answers) -> Loss:
    """Give the loss that says where a model has it hard, whatever it predicts: wrong decisions, or distances."""
    if answers.classifies:
        values = (answers.decided() != answers.truth).astype(np.float64)
        return Loss(name="errors", values=values, excess=values - values.mean(), matters=0.05)
    away = _winsorized(_away(answers))
    values = away / max(float(away.mean()), 1e-300)
    return Loss(name="absolute", values=values, excess=values - values.mean(), matters=0.25)


def losses(answers: Answers) -> list[Loss]:
    """Give two losses of every row: one that sees how far off an answer is, and one that outliers cannot move."""
    return _of_classes(answers) if answers.classifies else _of_values(answers)


def _of_classes(answers: Answers) -> list[Loss]:
    truth, p = answers.truth.astype(np.int64), np.clip(answers.predicted, _SMALLEST, 1.0)
    basis = _basis(p, answers.decided())
    surprise = _winsorized(-np.log(p[np.arange(len(p)), truth]))
    wrong = (answers.decided() != truth).astype(np.float64)
    return [
        _loss("log_loss", surprise, basis, matters=max(0.25 * float(surprise.std()), 0.1)),
        _loss("errors", wrong, basis, matters=0.05),
    ]


def _basis(p: Float64, decided: Int64) -> Float64:
    if p.shape[1] == _BINARY:
        return hats(p[:, 1], knots(p[:, 1]))
    # Of many classes: how sure an answer is, and which one it is.
    doubt = -(p * np.log(p)).sum(axis=1)
    counts = np.bincount(decided, minlength=p.shape[1])
    often = [place for place in np.argsort(-counts, kind="stable")[:_MOST_DECIDED] if counts[place] >= _FEWEST_DECIDED]
    return np.column_stack([hats(doubt, knots(doubt)), *((decided == place).astype(np.float64) for place in often[1:])])


def _of_values(answers: Answers) -> list[Loss]:
    predicted, away = answers.predicted[:, 0], _away(answers)
    basis = hats(predicted, knots(predicted))
    usual = fitted(_winsorized(away), basis)
    mean = float(_winsorized(away).mean())
    scaled = away / np.maximum(usual, 0.02 * mean) if mean > 0.0 else np.zeros_like(away)
    squared, absolute = _winsorized(scaled**2), _winsorized(scaled)
    # A root mean square that is a fifth larger than elsewhere, or a mean distance that is a quarter larger.
    return [
        _loss("squared", squared, basis, matters=max(0.44 * float(squared.mean()), 0.25 * float(squared.std()))),
        _loss("absolute", absolute, basis, matters=0.25 * float(absolute.mean())),
    ]


def _away(answers: Answers) -> Float64:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.minimum(np.abs(answers.predicted[:, 0] - answers.truth), _FURTHEST)


def _loss(name: str, values: Float64, basis: Float64, *, matters: float) -> Loss:
    return Loss(name=name, values=values, excess=values - fitted(values, basis), matters=matters)


def _winsorized(values: Float64) -> Float64:
    return np.minimum(values, np.quantile(values, _WINSOR))
