"""Weak: rows in, the descriptions of rows on which a model errs more than it should, confirmed on rows not searched."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Literal

import msgspec
import numpy as np

from golive.evaluation.slices.beam import Found, search
from golive.evaluation.slices.conditions import Condition, Conditions, conditions_of, holds
from golive.evaluation.slices.losses import Answers, Loss, losses, plain_loss
from golive.evaluation.slices.screen import screened
from golive.evaluation.subject import mixed_rows, whole_groups
from golive.ports import Column, Int64
from golive.statistics.excess import Bool, Excess, excess_of
from golive.statistics.multiple import holm

FEWEST_ROWS = 200
"""Below this no search is made: half of the rows would be too few to find anything on."""
ALPHA = 0.002
"""Chance of any false finding, over all descriptions of one evaluation."""
_SEARCHED, _CONFIRMED = 20_000, 60_000
_CARRIED = 10
_SHARE, _FEWEST = 0.02, 15
"""A description fits that share of the rows, and so many in each half."""
_SLACK = 0.8
_SAME = 0.8
_HARD = 5

Table = Mapping[str, Column]


class Slice(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A description whose rows lose more, as measured on rows that no search has seen."""

    kind: Literal["weak", "hard"]
    """``weak``: more than rows of the same prediction; ``hard``: more than others, as the model itself says."""
    conditions: Conditions
    loss: str
    excess: Excess
    usual: float
    """The mean loss of the other rows."""
    p: float
    """After correction for all descriptions that were tried."""
    counted: Int64
    """The rows that it was confirmed on, inside and outside of it, by place."""


class Search(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a search looked at and found."""

    slices: tuple[Slice, ...]
    columns: tuple[str, ...]
    """The columns that descriptions were made of."""
    searched: int
    confirmed: int
    """How many rows each description was searched for and confirmed on."""


class _Way(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What was found on some rows and confirmed on others."""

    weak: Sequence[Slice]
    hard: Sequence[Slice]
    columns: tuple[str, ...]


def find(columns: Table, answers: Answers, *, seed: int) -> Search:
    """Search one half of the rows and confirm on the other, and the other way round; of many rows, one way only.

    No more than 80,000 rows are read. Each way has its share of the chance of a false finding.
    """
    one, other = halves(len(answers.truth), seed, answers.groups)
    ways = [(one, other), (other, one)] if len(other) <= _SEARCHED else [(one, other)]
    found = [_one_way(columns, answers, searched, confirmed, len(ways)) for searched, confirmed in ways]
    weak = _apart([one for way in found for one in way.weak], columns, ())
    hard = _apart([one for way in found for one in way.hard], columns, weak)
    return Search(
        slices=(*weak, *hard[:_HARD]),
        columns=tuple(name for name in columns if any(name in way.columns for way in found)),
        searched=len(one),
        confirmed=len(other),
    )


def _one_way(columns: Table, answers: Answers, searched: Int64, confirmed: Int64, ways: int) -> _Way:
    seen, plain = losses(answers.take(searched)), plain_loss(answers.take(searched))
    names = screened({name: column[searched] for name, column in columns.items()}, [loss.excess for loss in seen])
    table = {name: columns[name][searched] for name in names}
    fewest = max(_FEWEST, round(_SHARE * len(searched)))
    conditions = [one for name, column in table.items() for one in conditions_of(name, column, fewest=fewest)]
    masks = np.array([holds(one, table[one.column]) for one in conditions], dtype=np.bool_)

    def tried(loss: Loss, slack: float) -> list[tuple[str, Found]]:
        found = search(conditions, masks, loss.excess, fewest=fewest, matters=slack * loss.matters)
        return [(loss.name, one) for one in found[:_CARRIED]]

    weak = _merged([one for loss in seen for one in tried(loss, _SLACK)], len(searched))
    unseen, table = answers.take(confirmed), {name: columns[name][confirmed] for name in names}
    fresh = {loss.name: loss for loss in losses(unseen)}
    there = _Confirming(table=table, rows=confirmed, ways=ways, groups=unseen.groups)
    return _Way(
        weak=_confirmed("weak", weak, there, fresh),
        hard=_confirmed("hard", tried(plain, 1.0), there, {plain.name: plain_loss(unseen)}),
        columns=names,
    )


def halves(rows: int, seed: int, groups: Int64 | None = None) -> tuple[Int64, Int64]:
    """Give the places of the rows to search and of those to confirm on, at random and without overlap.

    All rows of one of ``groups`` ``[rows]`` are on one side.
    """
    order = mixed_rows(rows, groups, seed)
    cut = whole_groups(order, min(rows // 2, _SEARCHED), groups)
    return np.sort(order[:cut]), np.sort(order[cut : cut + _CONFIRMED])


def fits(conditions: Sequence[Condition], table: Table) -> Bool:
    """Say for each row of a table whether all conditions hold."""
    return reduce(np.logical_and, (holds(one, table[one.column]) for one in conditions))


def _merged(found: Sequence[tuple[str, Found]], rows: int) -> list[tuple[str, Found]]:
    """Leave out what one loss found where the other has found most of the same ``rows``."""
    kept: list[tuple[str, Found]] = []
    covered = np.zeros(rows, dtype=np.bool_)
    for name, one in sorted(found, key=lambda one: -one[1].score):
        if _mostly_new(one.rows, covered):
            kept.append((name, one))
            covered |= one.rows
    return kept


def _mostly_new(rows: Bool, covered: Bool) -> bool:
    return int((rows & covered).sum()) <= _SAME * int(rows.sum())


class _Confirming(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows that no search has seen."""

    table: Table
    rows: Int64
    ways: int
    groups: Int64 | None


def _confirmed(
    kind: Literal["weak", "hard"], found: Sequence[tuple[str, Found]], there: _Confirming, fresh: Mapping[str, Loss]
) -> list[Slice]:
    tried = []
    for name, one in found:
        inside = fits(one.conditions, there.table)
        if _FEWEST <= int(inside.sum()) <= len(inside) - _FEWEST:
            usual = float(fresh[name].values[~inside].mean())
            tried.append((name, one, usual, excess_of(fresh[name].excess, inside, there.groups)))
    adjusted = np.minimum(there.ways * holm(np.array([excess.p for *_, excess in tried])), 1.0)
    return [
        Slice(
            kind=kind,
            conditions=one.conditions,
            loss=name,
            excess=excess,
            usual=usual,
            p=float(p),
            counted=there.rows,
        )
        for (name, one, usual, excess), p in zip(tried, adjusted, strict=True)
        if p <= ALPHA and excess.value >= fresh[name].matters
    ]


def _apart(slices: Sequence[Slice], table: Table, known: Sequence[Slice]) -> list[Slice]:
    """Give the surest slices first and leave out those of mostly the same rows, or of the rows of ``known`` ones."""
    covered = np.zeros(len(next(iter(table.values()), ())), dtype=np.bool_)
    for one in known:
        covered |= fits(one.conditions, table)
    kept = []
    for one in sorted(slices, key=lambda one: one.p):
        inside = fits(one.conditions, table)
        if _mostly_new(inside, covered):
            kept.append(one)
            covered |= inside
    return kept
