"""Counterfactual: the smallest change of a row that would have changed its answer, found by asking the model itself.

Values come from the background rows of the bundle, so a number stays among those that occur and a category is one that
is known. Single changes are tried first, then pairs and triples of those that went furthest; what reaches the goal is
moved back toward the row as far as the model lets it. A search, not a proof: a smaller change may exist.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.signature import Field
from golive.errors import InvalidRowError, UsageError
from golive.inference.labels import labels_of
from golive.inference.road import Road
from golive.inference.values import MISSING
from golive.ports import Column, Float64

Value = float | int | bool | str | None
_CANDIDATES = 20
"""Values that a number is tried at."""
_CATEGORIES = 50
_COLUMN_COST = 1.0
"""A further column counts as much as moving a number by its whole spread."""
_FURTHEST = 30
"""Changes that pairs and triples are made of."""
_OF_A_COLUMN = 4
"""How many of them may change the same column."""
_STEPS = 8
_DIGITS = (1, 2, 3, 4, 6)
"""Significant digits that a changed number is tried with, the fewest first."""
_ROUNDER = 0.1
_TINY = 1e-200
_BINARY = 2


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What should have been answered: a label, a number within bounds, or (of a classifier) just something else."""

    label: str | int | float | bool | None = None
    at_least: float | None = None
    at_most: float | None = None


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far the search goes."""

    columns: int = 3
    """Columns that one answer may change."""
    answers: int = 3
    """Answers that are given, each of other columns."""
    rows: int = 4000
    """Rows that the model is asked about at most."""


class Change(msgspec.Struct, frozen=True):
    """One column of a counterfactual."""

    input: str
    before: Value
    after: Value


class Counterfactual(msgspec.Struct, frozen=True):
    """A row that gets the wanted answer, as what it changes."""

    changes: tuple[Change, ...]
    prediction: Any
    outputs: tuple[float, ...]
    """What the model gives for it: its probabilities, or the one number."""
    distance: float
    """The changed numbers in units of their spread, and one for every changed column and every changed text."""


class Counterfactuals(msgspec.Struct, frozen=True):
    """What would have changed an answer."""

    found: tuple[Counterfactual, ...]
    """The nearest first; empty when there is none within the bounds."""
    asked: int
    """Rows that the model was asked about."""
    reason: str = ""
    """Why nothing was found; empty otherwise."""


def counterfactuals(
    road: Road,
    background: Mapping[str, Column],
    row: Mapping[str, Column],
    goal: Goal,
    *,
    immutable: Sequence[str] = (),
    reach: Reach | None = None,
) -> Counterfactuals:
    """Look for the smallest changes of one row that reach a goal; the same row gives the same answers.

    Args:
        road: the opened bundle.
        background: rows that occur, as canonical columns by input name.
        row: one row, as canonical columns of length 1.
        goal: what should have been answered.
        immutable: inputs that stay as they are.
        reach: how far to look.

    Raises:
        UsageError: the goal does not fit the model, or an immutable column is unknown.
    """
    reach = reach or Reach()
    signature = road.signature
    for name in immutable:
        if name not in signature.names:
            message = f"there is no input {name!r} to leave as it is; the inputs are: {', '.join(signature.names)}"
            raise UsageError(message)
    asking = _Asking(road, row, goal, reach.rows)
    if asking.already:
        return Counterfactuals(found=(), asked=0, reason=asking.already)
    fixed = frozenset(immutable)
    options = [
        option
        for field in signature.inputs
        if field.name not in fixed
        for option in _options(field, background[field.name], row[field.name][0])
    ]
    search = _Search(asking, options, reach)
    found = search.run()
    if found:
        return Counterfactuals(found=found, asked=asking.asked)
    return Counterfactuals(found=(), asked=asking.asked, reason=_why_none(options, reach, asking, len(fixed)))


def _why_none(options: Sequence["_Option"], reach: Reach, asking: "_Asking", fixed: int) -> str:
    if not options:
        return "no column of this row can be changed: all are declared immutable, or have no other known value"
    free = len({option.field.name for option in options})
    left = f"; {fixed} columns are immutable" if fixed else ""
    return (
        f"no change of at most {reach.columns} of the {free} columns that may change, to values that occur, gives "
        f"{asking.goal_text}; {asking.asked:,} rows were tried{left}"
    )


class _Option(msgspec.Struct, frozen=True, eq=False):
    """One column at another value."""

    field: Field
    before: Any
    after: Any
    cost: float
    far: Any = None
    """The last number that occurs in the direction of the change."""

    def at(self, after: Any) -> "_Option":
        """Give the same column at a value between."""
        share = abs(after - self.before) / abs(self.after - self.before)
        moved = (self.cost - _COLUMN_COST) * share
        return _Option(self.field, self.before, after, _COLUMN_COST + moved, self.far)

    @property
    def moves(self) -> bool:
        """Whether there are values between."""
        return self.field.dtype in {"float64", "int64"} and not math.isnan(self.before)


_Plan = tuple[_Option, ...]
"""Changes of different columns, taken together."""


def _cost(plan: _Plan) -> float:
    return sum(option.cost for option in plan)


def _options(field: Field, seen: Column, before: Any) -> list[_Option]:
    """Give the values that a column is tried at."""
    if field.dtype == "string":
        return [_Option(field, before, text, _COLUMN_COST + 1.0) for text in _texts(field, seen) if text != before]
    values = np.unique(seen[~np.isnan(seen)])
    if not len(values):
        return []
    spread = _spread(np.asarray(seen, dtype=np.float64), values)
    if len(values) > _CANDIDATES:
        picked = np.linspace(0, len(values) - 1, _CANDIDATES).round().astype(np.int64)
        values = values[picked]
    is_missing = bool(np.isnan(before))
    low, high = float(values[0]), float(values[-1])
    return [
        _Option(
            field,
            float(before),
            value,
            _COLUMN_COST + (1.0 if is_missing or field.dtype == "bool" else abs(value - float(before)) / spread),
            high if value > before else low,
        )
        for value in values.tolist()
        if value != before
    ]


def _texts(field: Field, seen: Column) -> list[str]:
    if field.categories:
        return list(field.categories[:_CATEGORIES])
    known = [text for text in seen.tolist() if text is not None]
    distinct = sorted(set(known))
    # Free texts and dates hardly repeat: another row's would be no change that means anything.
    return distinct[:_CATEGORIES] if field.format == "" and len(distinct) * 2 <= len(known) else []


def _spread(seen: Float64, values: Float64) -> float:
    """Give what counts as a change of one: between the quartiles, or a quarter of the range where those are equal."""
    present = seen[~np.isnan(seen)]
    low, high = np.quantile(present, (0.25, 0.75))
    spread = float(high - low) or float(values[-1] - values[0]) / 4
    return spread or max(1.0, abs(float(values[0])))


class _Asking:
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
        if names:
            self._wanted = _wanted_label(goal, names)
            if self._wanted is not None and names[self._wanted] == self.own:
                self.already = f"the answer is {self.own!r} already"
            self._names: Sequence[Any] = names
            self.goal_text = (
                f"an answer other than {self.own!r}" if self._wanted is None else f"the answer {names[self._wanted]!r}"
            )
        else:
            _check_bounds(goal)
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

    def outputs(self, plans: Sequence[_Plan]) -> Float64:
        """Give the model's outputs ``[plans, k]`` for the changed rows; NaN for a row that it refuses."""
        self.asked += len(plans)
        columns = self._columns(plans)
        try:
            return self._road.columns(columns)
        except InvalidRowError:
            return np.concatenate(
                [self._one({name: column[[at]] for name, column in columns.items()}) for at in range(len(plans))]
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

    def _columns(self, plans: Sequence[_Plan]) -> dict[str, Column]:
        columns = {name: np.repeat(column, len(plans)) for name, column in self._row.items()}
        for at, plan in enumerate(plans):
            for option in plan:
                columns[option.field.name][at] = option.after
        return columns

    def _one(self, columns: Mapping[str, Column]) -> Float64:
        try:
            return self._road.columns(columns)
        except InvalidRowError:
            return np.full((1, max(1, len(self._names))), MISSING)


def _wanted_label(goal: Goal, names: Sequence[Any]) -> int | None:
    if goal.at_least is not None or goal.at_most is not None:
        message = "this model answers labels, so a bound on its answer means nothing; name the label that is wanted"
        raise UsageError(message)
    if goal.label is None:
        return None
    texts = [str(name) for name in names]
    wanted = str(goal.label)
    if wanted not in texts:
        message = f"there is no answer {goal.label!r}; the answers are: {', '.join(texts)}"
        raise UsageError(message)
    return texts.index(wanted)


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


def _is_between(answer: float, goal: Goal) -> bool:
    return (goal.at_least is None or answer >= goal.at_least) and (goal.at_most is None or answer <= goal.at_most)


class _Search:
    """Singles, pairs, triples, and back toward the row."""

    def __init__(self, asking: _Asking, options: Sequence[_Option], reach: Reach) -> None:
        self._asking = asking
        self._options = options
        self._reach = reach

    def run(self) -> tuple[Counterfactual, ...]:
        """Give the answers, the nearest first."""
        # What brings a plan back toward the row is asked later, so some rows are kept for it.
        singles: list[_Plan] = [(option,) for option in self._options[: max(0, self._asking.left * 3 // 4)]]
        reached, short = self._tried(singles)
        level, furthest = singles, self._furthest(singles, short)
        for _ in range(1, self._reach.columns):
            if self._enough(reached) or not furthest:
                break
            level = self._wider(self._best(level, short), furthest)
            more, short = self._tried(level)
            reached += more
        return self._answers(reached)

    def _tried(self, plans: Sequence[_Plan]) -> tuple[list[_Plan], Float64]:
        if not plans:
            return [], np.empty(0)
        short = self._asking.short_of(self._asking.outputs(plans))
        return [plan for plan, far in zip(plans, short.tolist(), strict=True) if far <= 0], short

    def _furthest(self, singles: Sequence[_Plan], short: Float64) -> list[_Option]:
        """Give the single changes that went furthest, a few of each column."""
        chosen: list[_Option] = []
        counts: dict[str, int] = {}
        for at in np.argsort(short, kind="stable").tolist():
            (option,) = singles[at]
            if counts.get(option.field.name, 0) < _OF_A_COLUMN and np.isfinite(short[at]):
                counts[option.field.name] = counts.get(option.field.name, 0) + 1
                chosen.append(option)
            if len(chosen) == _FURTHEST:
                break
        return chosen

    def _best(self, level: Sequence[_Plan], short: Float64) -> list[_Plan]:
        order = np.argsort(short, kind="stable")[:_FURTHEST]
        if level and len(level[0]) == 1:
            return [(option,) for option in self._furthest(level, short)]
        return [level[at] for at in order.tolist()]

    def _wider(self, plans: Sequence[_Plan], furthest: Sequence[_Option]) -> list[_Plan]:
        """Add one more column to each plan; every set of changes once, and no more than the rows that are left."""
        wider: dict[frozenset[int], _Plan] = {}
        for plan in plans:
            names = {option.field.name for option in plan}
            for option in furthest:
                if option.field.name not in names:
                    together = (*plan, option)
                    wider.setdefault(frozenset(map(id, together)), together)
        return list(wider.values())[: max(0, self._asking.left // 2)]

    def _enough(self, reached: Sequence[_Plan]) -> bool:
        return len({_columns_of(plan) for plan in reached}) >= self._reach.answers

    def _answers(self, reached: Sequence[_Plan]) -> tuple[Counterfactual, ...]:
        """Bring the nearest plan of each set of columns back toward the row, and give the nearest of those."""
        nearest: dict[frozenset[str], _Plan] = {}
        for plan in sorted(reached, key=_cost):
            nearest.setdefault(_columns_of(plan), plan)
        # A set that holds another one says nothing new: its further columns were not needed.
        sets = [plan for names, plan in nearest.items() if not any(other < names for other in nearest)]
        plans = sorted((self._nearer(plan) for plan in sets[: 2 * self._reach.answers]), key=_cost)
        plans = plans[: self._reach.answers]
        if not plans:
            return ()
        outputs = self._asking.outputs(plans)
        predictions = self._asking.prediction(outputs)
        return tuple(
            Counterfactual(
                changes=tuple(_change(option) for option in plan),
                prediction=prediction,
                outputs=tuple(row.tolist()),
                distance=round(_cost(plan), 6),
            )
            for plan, prediction, row in zip(plans, predictions, outputs, strict=True)
        )

    def _nearer(self, plan: _Plan) -> _Plan:
        """Move each number of a plan back toward the row for as long as the goal stays reached."""
        for at, option in enumerate(plan):
            if option.moves:
                plan = self._moved(plan, at)
        return plan

    def _moved(self, plan: _Plan, at: int) -> _Plan:
        option = plan[at]
        low, high = option.before, option.after
        for _ in range(2):
            between = _between(option.field, low, high)
            kept = self._first(plan, at, between)
            if kept is None:
                break
            reached = between.index(kept)
            low, high = (between[reached - 1] if reached else low), kept
        if high != option.after:
            plan = _with(plan, at, option.at(high))
        # A rounder number may be a little further away.
        further = high + _ROUNDER * (high - option.before)
        last = min(further, option.far) if further > high else max(further, option.far)
        rounded = [
            value
            for digits in _DIGITS
            if _is_within(value := _rounded(high, digits, up=option.after > option.before), high, last)
        ]
        kept = self._first(plan, at, rounded)
        return plan if kept is None else _with(plan, at, option.at(kept))

    def _first(self, plan: _Plan, at: int, values: Sequence[float]) -> float | None:
        """Give the first of some values of one column that still reaches the goal."""
        if not values or len(values) > self._asking.left - self._reach.answers:
            return None
        reached, _ = self._tried([_with(plan, at, plan[at].at(value)) for value in values])
        return reached[0][at].after if reached else None


def _columns_of(plan: _Plan) -> frozenset[str]:
    return frozenset(option.field.name for option in plan)


def _with(plan: _Plan, at: int, option: _Option) -> _Plan:
    return (*plan[:at], option, *plan[at + 1 :])


def _between(field: Field, low: float, high: float) -> list[float]:
    """Give values from the one end to the other, without both ends; whole numbers stay whole."""
    values = [low + (high - low) * step / _STEPS for step in range(1, _STEPS)]
    if field.dtype == "int64":
        values = [float(value) for value in dict.fromkeys(round(value) for value in values)]
    return [value for value in values if value not in {low, high}]


def _rounded(value: float, digits: int, *, up: bool) -> float:
    """Give the next number of so many significant digits, upward or downward."""
    if abs(value) < _TINY:
        return value
    place = digits - 1 - math.floor(math.log10(abs(value)))
    shifted = value * 10.0**place
    # Written and read once more: 3 * 0.1 is not the number that people write as 0.3.
    return float(f"{(math.ceil if up else math.floor)(shifted) * 10.0**-place:.{digits}g}")


def _is_within(value: float, one: float, other: float) -> bool:
    return min(one, other) <= value <= max(one, other)


def _change(option: _Option) -> Change:
    return Change(option.field.name, _plain(option.field, option.before), _plain(option.field, option.after))


def _plain(field: Field, value: Any) -> Any:
    """Write a canonical value as a caller sends it."""
    if value is None or (field.dtype != "string" and math.isnan(value)):
        return None
    if field.dtype == "bool":
        return bool(value)
    return int(value) if field.dtype == "int64" else value
