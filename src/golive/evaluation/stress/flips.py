"""Flips: how small a change of one number column changes what is decided, found by asking about values near each row.

Values asked about are each row's own, moved either way by every strength, and the nearest quantiles of the column,
since the answers of trees change at thresholds between them. Every flip that is found is one; some can be missed.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from golive.evaluation.stress.bench import Bench
from golive.evaluation.stress.facts import Facts
from golive.ports import Float64
from golive.statistics.metrics import Bool, decide

STRENGTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Parts of a column's standard deviation."""
QUESTIONS = 2 * len(STRENGTHS) + 8
"""Asked about each row and column."""
_NEAREST = 4
_ROUNDING = 1.0 + 1e-9


class Flips(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one column at a time can do to each row's answer."""

    columns: tuple[str, ...]
    refused: tuple[str, ...]
    """Columns left out, since a server refuses values so near to those of the rows."""
    effect: Float64
    """float64 ``[rows, columns]``. Classes: the smallest change, in standard deviations, that flips the decision
    (infinite where none was found)."""
    change: Float64
    """float64 ``[rows, columns, strengths]``. Regression: the greatest change of the answer by at most so much."""

    def share(self, strength: float) -> Float64:
        """Give the share of rows that each column alone can flip, ``[columns]``."""
        return np.asarray((self.effect <= strength * _ROUNDING).mean(axis=0), dtype=np.float64)

    def flipped(self, strength: float) -> Bool:
        """Say which rows some column can flip, ``[rows]``."""
        return np.asarray((self.effect <= strength * _ROUNDING).any(axis=1), dtype=np.bool_)


def flips(bench: Bench, facts: Sequence[Facts]) -> Flips:
    """Try the given columns, which vary."""
    found = [(fact, tried) for fact in facts if (tried := _tried(bench, fact)) is not None]
    taken = {fact.name for fact, _ in found}
    rows = bench.rows
    return Flips(
        columns=tuple(fact.name for fact, _ in found),
        refused=tuple(fact.name for fact in facts if fact.name not in taken),
        effect=np.stack([effect for _, (effect, _) in found], axis=1) if found else np.empty((rows, 0)),
        change=np.stack([change for _, (_, change) in found], axis=1) if found else np.empty((rows, 0, len(STRENGTHS))),
    )


def _tried(bench: Bench, fact: Facts) -> tuple[Float64, Float64] | None:
    """Give the smallest flipping change ``[rows]`` and the greatest change by strength ``[rows, strengths]``."""
    column = bench.table[fact.name]
    values = _values(fact, column)
    answers = _asked(bench, fact, values)
    if answers is None:
        values = np.clip(values, fact.low, fact.high)
        answers = _asked(bench, fact, values)
    if answers is None:
        return None
    with np.errstate(invalid="ignore"):
        distance = np.nan_to_num(np.abs(values - column) / fact.sd, nan=0.0)
    clean = bench.subject.predicted[bench.places]
    if bench.subject.signature.task == "regression":
        moved = np.abs(answers[:, :, 0] - clean[:, 0])
        change = [np.where(distance <= strength * _ROUNDING, moved, 0.0).max(axis=0) for strength in STRENGTHS]
        return np.full(bench.rows, math.inf), np.stack(change, axis=1)
    threshold = bench.subject.decision.threshold
    before = decide(clean, threshold)
    after = np.stack([decide(part, threshold) for part in answers])
    effect = np.where(after != before, distance, math.inf).min(axis=0)
    return effect, np.zeros((bench.rows, len(STRENGTHS)))


def _asked(bench: Bench, fact: Facts, values: Float64) -> Float64 | None:
    rows = np.tile(np.arange(bench.rows, dtype=np.int64), len(values))
    answers = bench.again.whole({fact.name: values.reshape(-1)}, rows)
    return None if answers is None else answers.reshape(len(values), bench.rows, -1)


def _values(fact: Facts, column: Float64) -> Float64:
    """Give the values to ask about, float64 ``[questions, rows]``."""
    steps = np.array([sign * strength for strength in STRENGTHS for sign in (-1.0, 1.0)]) * fact.sd
    near = column + (np.trunc(steps) if fact.whole else steps)[:, None]
    place = np.searchsorted(fact.quantiles, column)
    offsets = np.array([*range(-_NEAREST, 0), *range(_NEAREST)])
    quantiles = fact.quantiles[np.clip(place + offsets[:, None], 0, len(fact.quantiles) - 1)]
    reached = np.abs(quantiles - column) <= STRENGTHS[-1] * fact.sd
    return np.concatenate([near, np.where(reached, quantiles, column)])
