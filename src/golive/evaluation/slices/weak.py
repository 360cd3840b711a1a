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
    """After correction for all descriptions that were tried on these rows."""


class Search(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a search looked at and found."""

    slices: tuple[Slice, ...]
    columns: tuple[str, ...]
    """The columns that descriptions were made of."""
    searched: Int64
    confirmed: Int64
    """Rows of each half, by place."""


def find(columns: Table, answers: Answers, *, seed: int) -> Search:
    """Search one half of the rows and confirm on the other; no more than 80,000 rows are read."""
    searched, confirmed = halves(len(answers.truth), seed)
    seen = losses(answers.take(searched))
    names = screened({name: column[searched] for name, column in columns.items()}, [loss.excess for loss in seen])
    table = {name: columns[name][searched] for name in names}
    fewest = max(_FEWEST, round(_SHARE * len(searched)))
    conditions = [one for name, column in table.items() for one in conditions_of(name, column, fewest=fewest)]
    masks = np.array([holds(one, table[one.column]) for one in conditions], dtype=np.bool_)
    weak = [
        (loss.name, found)
        for loss in seen
        for found in search(conditions, masks, loss.excess, fewest=fewest, matters=_SLACK * loss.matters)[:_CARRIED]
    ]
    plain = plain_loss(answers.take(searched))
    hard = search(conditions, masks, plain.excess, fewest=fewest, matters=plain.matters)[:_CARRIED]
    other, unseen = {name: columns[name][confirmed] for name in names}, answers.take(confirmed)
    fresh = {loss.name: loss for loss in losses(unseen)}
    found_weak = _confirmed("weak", _merged(weak, len(searched)), other, fresh)
    found_hard = _confirmed("hard", [(plain.name, one) for one in hard], other, {plain.name: plain_loss(unseen)})
    return Search(
        slices=(*found_weak, *_others(found_hard, found_weak, other)[:_HARD]),
        columns=names,
        searched=searched,
        confirmed=confirmed,
    )


def halves(rows: int, seed: int) -> tuple[Int64, Int64]:
    """Give the places of the rows to search and of those to confirm on, at random and without overlap."""
    order = np.random.default_rng(seed).permutation(rows).astype(np.int64)
    cut = min(rows // 2, _SEARCHED)
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


def _confirmed(
    kind: Literal["weak", "hard"], found: Sequence[tuple[str, Found]], table: Table, fresh: Mapping[str, Loss]
) -> list[Slice]:
    tried = []
    for name, one in found:
        inside = fits(one.conditions, table)
        if _FEWEST <= int(inside.sum()) <= len(inside) - _FEWEST:
            usual = float(fresh[name].values[~inside].mean())
            tried.append((name, one, usual, excess_of(fresh[name].excess, inside)))
    adjusted = holm(np.array([excess.p for *_, excess in tried]))
    slices = [
        Slice(kind=kind, conditions=one.conditions, loss=name, excess=excess, usual=usual, p=float(p))
        for (name, one, usual, excess), p in zip(tried, adjusted, strict=True)
        if p <= ALPHA and excess.value >= fresh[name].matters
    ]
    return sorted(slices, key=lambda one: one.p)


def _others(slices: Sequence[Slice], known: Sequence[Slice], table: Table) -> list[Slice]:
    """Leave out what is hard where it is weak, which says more."""
    covered = np.zeros(len(next(iter(table.values()))), dtype=np.bool_)
    for one in known:
        covered |= fits(one.conditions, table)
    return [one for one in slices if _mostly_new(fits(one.conditions, table), covered)]
