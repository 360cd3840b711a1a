"""Counterfactual: the smallest change of a row that would have changed its answer, found by asking the model itself.

Values come from the background rows of the bundle, so a number stays among those that occur and a category is one that
is known. Single changes are tried first, then pairs and triples of those that went furthest; what reaches the goal is
moved back toward the row as far as the model lets it. A search, not a proof: a smaller change may exist.
"""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations
from typing import Any

import msgspec
import numpy as np

from golive.domain.signature import Field
from golive.errors import UsageError
from golive.inference.goal import Asking, Changed, Goal
from golive.inference.options import Option, dealt, options_of
from golive.inference.road import Road
from golive.ports import Column, Float64

Value = float | int | bool | str | None
_FURTHEST = 30
"""Changes that pairs and triples are made of."""
_OF_A_COLUMN = 4
"""How many of them may change the same column."""
_STEPS = 8
_DIGITS = (1, 2, 3, 4, 6)
"""Significant digits that a changed number is tried with, the fewest first."""
_ROUNDER = 0.1
_TINY = 1e-200


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
    asking = Asking(road, row, goal, reach.rows)
    if asking.already:
        return Counterfactuals(found=(), asked=0, reason=asking.already)
    fixed = frozenset(immutable)
    free = [
        options
        for field in signature.inputs
        if field.name not in fixed and (options := options_of(field, background[field.name], row[field.name][0]))
    ]
    # What brings a plan back toward the row is asked later, so some rows are kept for it.
    tried = dealt(free, asking.left * 3 // 4)
    found = _Search(asking, [option for options in tried for option in options], reach).run()
    if found:
        return Counterfactuals(found=found, asked=asking.asked)
    reason = _why_none(len(free), sum(map(bool, tried)), reach, asking, len(fixed))
    return Counterfactuals(found=(), asked=asking.asked, reason=reason)


def _why_none(free: int, tried: int, reach: Reach, asking: Asking, fixed: int) -> str:
    if not free:
        return "no column of this row can be changed: all are declared immutable, or have no other known value"
    of_them = f"{free} columns that may change"
    if tried < free:
        of_them = f"{tried} columns that were tried (of {of_them})"
    left = f"; {fixed} columns are immutable" if fixed else ""
    return (
        f"no change of at most {reach.columns} of the {of_them}, to values that occur, gives "
        f"{asking.goal_text}; {asking.asked:,} rows were tried{left}"
    )


_Plan = tuple[Option, ...]
"""Changes of different columns, taken together."""
_Names = frozenset[str]


def _cost(plan: _Plan) -> float:
    return sum(option.cost for option in plan)


class _Search:
    """Singles, pairs, triples, and back toward the row."""

    def __init__(self, asking: Asking, options: Sequence[Option], reach: Reach) -> None:
        self._asking = asking
        self._options = options
        self._reach = reach

    def run(self) -> tuple[Counterfactual, ...]:
        """Give the answers, the nearest first."""
        level: list[_Plan] = [(option,) for option in self._options]
        reached, short = self._tried(level)
        sets = _smallest(reached)
        if len(sets) < self._reach.answers:
            reached += self._together(self._furthest(level, short, sets), sets)
        return self._answers(reached)

    def _together(self, furthest: Sequence[Option], sets: Sequence[_Names]) -> list[_Plan]:
        """Give what reaches the goal of two and more changes of columns that alone are not enough."""
        reached: list[_Plan] = []
        best: list[_Plan] = [(option,) for option in furthest]
        for _ in range(1, self._reach.columns):
            level = self._wider(best, furthest, sets)
            more, short = self._tried(level)
            reached += more
            sets = (*sets, *_smallest(more))
            if len(sets) >= self._reach.answers:
                break
            best = self._best(level, short, sets)
        return reached

    def _tried(self, plans: Sequence[_Plan]) -> tuple[list[_Plan], Float64]:
        if not plans:
            return [], np.empty(0)
        short = self._asking.short_of(self._asking.outputs([_changed(plan) for plan in plans]))
        return [plan for plan, far in zip(plans, short.tolist(), strict=True) if far <= 0], short

    def _furthest(self, singles: Sequence[_Plan], short: Float64, sets: Sequence[_Names]) -> list[Option]:
        """Give the single changes that went furthest, a few of each column; none of a column that is enough alone."""
        chosen: list[Option] = []
        counts: dict[str, int] = {}
        for at in np.argsort(short, kind="stable").tolist():
            (option,) = singles[at]
            if _holds_any(sets, {option.field.name}):
                continue
            if counts.get(option.field.name, 0) < _OF_A_COLUMN and np.isfinite(short[at]):
                counts[option.field.name] = counts.get(option.field.name, 0) + 1
                chosen.append(option)
            if len(chosen) == _FURTHEST:
                break
        return chosen

    def _best(self, level: Sequence[_Plan], short: Float64, sets: Sequence[_Names]) -> list[_Plan]:
        """Give the plans that went furthest, of columns that are not enough already."""
        open_ = [at for at in np.argsort(short, kind="stable").tolist() if not _holds_any(sets, _columns_of(level[at]))]
        return [level[at] for at in open_[:_FURTHEST]]

    def _wider(self, plans: Sequence[_Plan], furthest: Sequence[Option], sets: Sequence[_Names]) -> list[_Plan]:
        """Add one more column to each plan; every set of changes once, and no more than the rows that are left."""
        wider: dict[frozenset[int], _Plan] = {}
        for plan in plans:
            names = {option.field.name for option in plan}
            for option in furthest:
                if option.field.name not in names and not _holds_any(sets, names | {option.field.name}):
                    together = (*plan, option)
                    wider.setdefault(frozenset(map(id, together)), together)
        return list(wider.values())[: max(0, self._asking.left // 2)]

    def _answers(self, reached: Sequence[_Plan]) -> tuple[Counterfactual, ...]:
        """Bring the nearest plan of each set of columns back toward the row, and give the nearest of those."""
        nearest: dict[_Names, _Plan] = {}
        for plan in sorted(reached, key=_cost):
            nearest.setdefault(_columns_of(plan), plan)
        sets = frozenset(_smallest(reached))
        chosen = [plan for names, plan in nearest.items() if names in sets][: 2 * self._reach.answers]
        plans = sorted((self._nearer(plan) for plan in chosen), key=_cost)
        plans = plans[: self._reach.answers]
        if not plans:
            return ()
        outputs = self._asking.outputs([_changed(plan) for plan in plans])
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


def _columns_of(plan: _Plan) -> _Names:
    return frozenset(option.field.name for option in plan)


def _smallest(reached: Sequence[_Plan]) -> list[_Names]:
    """Give the sets of columns that reach the goal; one that holds another says nothing new, and is left out."""
    sets = dict.fromkeys(_columns_of(plan) for plan in reached)
    return [
        names
        for names in sets
        if not any(frozenset(some) in sets for size in range(1, len(names)) for some in combinations(names, size))
    ]


def _holds_any(sets: Sequence[_Names], names: AbstractSet[str]) -> bool:
    return any(one <= names for one in sets)


def _changed(plan: _Plan) -> Changed:
    return {option.field.name: option.after for option in plan}


def _with(plan: _Plan, at: int, option: Option) -> _Plan:
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


def _change(option: Option) -> Change:
    return Change(option.field.name, _plain(option.field, option.before), _plain(option.field, option.after))


def _plain(field: Field, value: Any) -> Any:
    """Write a canonical value as a caller sends it."""
    if value is None or (field.dtype != "string" and math.isnan(value)):
        return None
    if field.dtype == "bool":
        return bool(value)
    return int(value) if field.dtype == "int64" else value
