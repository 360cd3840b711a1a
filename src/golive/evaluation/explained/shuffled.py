"""Shuffled: how much worse a model answers when one column's values are dealt out anew among the rows.

Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019), on rows that were not trained on. Columns that
say the same share their importance: shuffling one leaves the other.
"""

from typing import Any

import numpy as np

from golive.evaluation.again import Again
from golive.evaluation.explained.contributed import chosen_rows
from golive.evaluation.subject import Subject
from golive.ports import Float64, Int64
from golive.statistics.intervals import mean_interval
from golive.statistics.metrics import row_log_loss

_MOST_ROWS, _FEWEST_ROWS = 2_000, 50
_CELLS = 300_000_000
_REPEATS = 3
_MANY = 60
"""Columns above which each is shuffled once only."""


def shuffled(subject: Subject) -> dict[str, Any] | None:
    """Give the rise of the loss for each input, with its interval.

    None: too many columns, too few rows, rows of one declared group, or losses that are too large for a number.
    """
    names = subject.signature.names
    repeats = _REPEATS if len(names) <= _MANY else 1
    rows = min(subject.rows, _MOST_ROWS, _CELLS // max(1, repeats * len(names) ** 2))
    if rows < _FEWEST_ROWS:
        return None
    places = chosen_rows(subject, rows)
    groups = None if subject.groups is None else subject.groups[places]
    if groups is not None and groups.min() == groups.max():
        return None
    again = Again(subject, places)
    truth = subject.test.truth[places]
    before = _losses(subject, truth, again.clean)
    rng = np.random.default_rng(subject.seed)
    orders = np.stack([rng.permutation(rows) for _ in range(repeats)])
    listed = []
    for name in names:
        rises = np.zeros(rows)
        for order in orders:
            answers = again.whole({name: again.table[name][order]})
            if answers is None:
                return None
            rises += (_losses(subject, truth, answers) - before) / repeats
        if not np.isfinite(rises).all():
            return None
        listed.append(_rise(subject, before, rises, groups))
    value, lower, upper = np.array(listed).T.tolist()
    metric = "log_loss" if subject.signature.classes else "rmse"
    return {"metric": metric, "rows": rows, "names": list(names), "values": value, "lower": lower, "upper": upper}


def _losses(subject: Subject, truth: Any, answers: Float64) -> Float64:
    if subject.signature.classes:
        return row_log_loss(truth.astype(np.int64), answers)
    with np.errstate(over="ignore", invalid="ignore"):
        errors: Float64 = (answers[:, 0] - truth) ** 2
    return np.where(np.isfinite(errors), errors, np.nan)


def _rise(subject: Subject, before: Float64, rises: Float64, groups: Int64 | None) -> tuple[float, float, float]:
    """Give the rise of the metric and its 95 % interval: that of the mean over rows, and for a root its slope."""
    mean, bounds = float(rises.mean()), mean_interval(rises, groups)
    reach = (bounds[1] - bounds[0]) / 2 if bounds else 0.0
    if subject.signature.classes:
        return mean, mean - reach, mean + reach
    start = float(np.sqrt(before.mean()))
    after = float(np.sqrt(max(0.0, before.mean() + mean)))
    slope = 1.0 / max(start + after, np.finfo(np.float64).tiny)
    return after - start, (mean - reach) * slope, (mean + reach) * slope
