"""Goal: what should have been answered, and the model itself asked which changed rows reach it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.signature import Signature
from golive.errors import InvalidRowError, UsageError
from golive.inference.labels import labels_of
from golive.inference.road import Road
from golive.inference.values import MISSING
from golive.ports import Column, Float64

_BINARY = 2

Changed = Mapping[str, Any]
"""A row as what it changes of another: canonical values by input."""


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What should have been answered: a label, a number within bounds, or (of a classifier) just something else."""

    label: str | int | float | bool | None = None
    at_least: float | None = None
    at_most: float | None = None


def check_goal(goal: Goal, signature: Signature) -> None:
    """See whether a model could give such an answer at all.

    Raises:
        UsageError: it could not.
    """
    names = labels_of(signature)
    if names:
        _check_label(goal, [str(name) for name in names])
    else:
        _check_bounds(goal)


def _check_label(goal: Goal, names: Sequence[str]) -> None:
    if goal.at_least is not None or goal.at_most is not None:
        message = "this model answers labels, so a bound on its answer means nothing; name the label that is wanted"
        raise UsageError(message)
    if goal.label is not None and str(goal.label) not in names:
        message = f"there is no answer {goal.label!r}; the answers are: {', '.join(names)}"
        raise UsageError(message)


def _check_bounds(goal: Goal) -> None:
    if goal.label is not None:
        message = "this model answers numbers; say 'at_least' or 'at_most', not a label"
        raise UsageError(message)
    low, high = goal.at_least, goal.at_most
    if low is None and high is None:
        message = "this model answers numbers; say which one is wanted: 'at_least', 'at_most', or both"
        raise UsageError(message)
    if low is not None and high is not None and low > high:
        message = f"no number is at least {low:g} and at most {high:g}; give bounds that leave room"
        raise UsageError(message)


class Asking:
    """Asks the model about changed rows, and says how far each is from the goal."""

    def __init__(self, road: Road, row: Mapping[str, Column], goal: Goal, most: int) -> None:
        self._road = road
        self._row = row
        self._most = most
        self.asked = 0
        names = labels_of(road.signature)
        own = road.columns(row)
        self.own = road.labels(own)[0]
        self.already = ""
        """Says so where the row reaches the goal as it is."""
        self._goal = goal
        check_goal(goal, road.signature)
        if names:
            self._wanted = None if goal.label is None else [str(name) for name in names].index(str(goal.label))
            if self._wanted is not None and names[self._wanted] == self.own:
                self.already = f"the answer is {self.own!r} already"
            self._names: Sequence[Any] = names
            self.goal_text = (
                f"an answer other than {self.own!r}" if self._wanted is None else f"the answer {names[self._wanted]!r}"
            )
        else:
            if _is_between(self.own, goal):
                self.already = f"the answer is {self.own:g} already, which is within the bounds"
            self._names = ()
            parts = [
                f"{word} {bound:g}"
                for word, bound in (("at least", goal.at_least), ("at most", goal.at_most))
                if bound is not None
            ]
            self.goal_text = f"an answer of {' and '.join(parts)}"

    @property
    def left(self) -> int:
        """Rows that may still be asked about."""
        return self._most - self.asked

    def outputs(self, rows: Sequence[Changed]) -> Float64:
        """Give the model's outputs ``[rows, k]`` for the changed rows; NaN for a row that it refuses."""
        self.asked += len(rows)
        columns = self._columns(rows)
        try:
            return self._road.columns(columns)
        except InvalidRowError:
            return np.concatenate(
                [self._one({name: column[[at]] for name, column in columns.items()}) for at in range(len(rows))]
            )

    def short_of(self, outputs: Float64) -> Float64:
        """Say how far each output is from the goal: float64 ``[n]``, 0 and less where it is reached."""
        if not self._names:
            answers = outputs[:, 0]
            below = -np.inf if self._goal.at_least is None else self._goal.at_least - answers
            above = -np.inf if self._goal.at_most is None else answers - self._goal.at_most
            return self._settled(np.maximum(below, above), outputs, np.maximum(below, above) <= 0)
        labels = self._road.labels(outputs)
        own = self._names.index(self.own)
        if self._wanted is None:
            reached = np.array([label != self.own for label in labels])
            short = self._margin(outputs, own)
        else:
            reached = np.array([label == self._names[self._wanted] for label in labels])
            short = -self._margin(outputs, self._wanted)
        return self._settled(short, outputs, reached)

    def prediction(self, outputs: Float64) -> list[Any]:
        """Give the answers for outputs ``[n, k]``."""
        return self._road.labels(outputs)

    def _margin(self, outputs: Float64, label: int) -> Float64:
        """Say by how much a label is ahead of all others: float64 ``[n]``."""
        if outputs.shape[1] == _BINARY:
            above = outputs[:, 1] - self._road.manifest.decision.threshold
            return above if label else -above
        others = np.delete(outputs, label, axis=1)
        ahead: Float64 = outputs[:, label] - others.max(axis=1)
        return ahead

    def _settled(self, short: Float64, outputs: Float64, reached: npt.NDArray[np.bool_]) -> Float64:
        """The decision decides, ties included; what is not finite reaches nothing."""
        short = np.where(reached, np.minimum(short, 0.0), np.maximum(short, np.finfo(np.float64).tiny))
        return np.where(np.isfinite(outputs).all(axis=1), short, np.inf)

    def _columns(self, rows: Sequence[Changed]) -> dict[str, Column]:
        columns = {name: np.repeat(column, len(rows)) for name, column in self._row.items()}
        for at, changed in enumerate(rows):
            for name, value in changed.items():
                columns[name][at] = value
        return columns

    def _one(self, columns: Mapping[str, Column]) -> Float64:
        try:
            return self._road.columns(columns)
        except InvalidRowError:
            return np.full((1, max(1, len(self._names))), MISSING)


def _is_between(answer: float, goal: Goal) -> bool:
    return (goal.at_least is None or answer >= goal.at_least) and (goal.at_most is None or answer <= goal.at_most)
