"""Opinion: a model's odds and the inputs in, odds that the inputs have corrected out.

A model that is sure without reason is wrong on rows that its inputs tell apart; wrong labels fall anywhere. So what is
left of a floor after the inputs have had their say is the labels'.
"""

from collections.abc import Mapping

import numpy as np

from golive.evaluation.slices.conditions import missing
from golive.evaluation.slices.screen import screened
from golive.ports import Column, Float64, Int64
from golive.statistics.excess import Bool
from golive.statistics.logistic import crossed_odds

_VALUES = 8
_SHARE = 0.01
_LOOSE, _HELD = 1e-3, 4.0


def corrected(odds: Float64, came_true: Bool, columns: Mapping[str, Column], groups: Int64 | None = None) -> Float64:
    """Give log odds ``[n]`` of a logistic regression on the stated ones and on at most 60 columns.

    Each row's odds come from a fit on the other half of the rows, or of the ``groups`` that they are in.
    """
    wrong = np.abs(came_true - 1.0 / (1.0 + np.exp(-odds)))
    features = [part for name in screened(columns, [wrong]) for part in _features(columns[name])]
    own = [np.ones(len(odds)), np.maximum(odds, 0.0), np.minimum(odds, 0.0)]
    design = np.column_stack([*own, *features])
    strength = np.concatenate([np.full(len(own), _LOOSE), np.full(len(features), _HELD)])
    fold = None if groups is None else np.unique(groups, return_inverse=True)[1] % 2
    return crossed_odds(design, came_true, strength, fold)


def _features(column: Column) -> list[Float64]:
    rows = len(column)
    absent = missing(column)
    flags = [absent] if _SHARE * rows < absent.sum() < rows else []
    if column.dtype == object:
        tally: dict[object, int] = {}
        for value in column:
            tally[value] = tally.get(value, 0) + 1
        often = sorted((value for value in tally if value is not None), key=lambda value: (-tally[value], str(value)))
        flags += [column == value for value in often[:_VALUES] if _SHARE * rows < tally[value] < rows]
        return [np.asarray(flag, dtype=np.float64) for flag in flags]
    return [*_places(np.asarray(column, dtype=np.float64), absent), *(flag.astype(np.float64) for flag in flags)]


def _places(column: Float64, absent: Bool) -> list[Float64]:
    """Give the values by rank, and how far from the middle they rank: two features that outliers cannot move."""
    present = np.unique(column[~absent])
    if len(present) <= 1:
        return []
    ranks = np.zeros(len(column))
    ordered = np.sort(column[~absent])
    ranks[~absent] = 2.0 * np.searchsorted(ordered, column[~absent], side="left") / len(ordered) - 1.0
    return [ranks, np.where(absent, 0.0, ranks**2 - 1.0 / 3.0)]
