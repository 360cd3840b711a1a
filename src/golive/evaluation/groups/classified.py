"""Classified: rates of each group and the gaps between groups, of answers that are classes."""

from typing import Any

import msgspec
import numpy as np

from golive.evaluation.groups.gaps import (
    LEAST_OUTCOMES,
    LEAST_ROWS,
    MEANS,
    RATIOS,
    SHARES,
    Gap,
    comparable,
    gap,
    interval,
)
from golive.evaluation.groups.membership import Grouping
from golive.evaluation.groups.outcomes import Rate, Tally
from golive.ports import Float64
from golive.statistics.groups import Extremes, Means, either, mean_difference, pair_tail, share_difference, share_ratio
from golive.statistics.intervals import Z, wilson
from golive.statistics.metrics import Bool

Counts = tuple[Rate, Bool]
"""A share by group, and which groups are compared by it."""
_RESAMPLES = 400


def group_rows(counts: Tally, grouping: Grouping, seed: int) -> list[dict[str, Any]]:
    """Give the rates of every group, each with its interval."""
    drawn = _drawn_errors(counts, seed)
    return [
        {
            "name": grouping.names[place],
            "rows": int(counts.rows[place]),
            "few": bool(counts.rows[place] < LEAST_ROWS),
            "few_deserved": bool(counts.deserved[place] < LEAST_OUTCOMES),
            "compared": grouping.people[place] and bool(counts.rows[place] >= LEAST_ROWS),
            "base_rate": _share(counts.base_rate, place),
            "selection_rate": _share(counts.selection_rate, place),
            "tpr": _share(counts.tpr, place),
            "fpr": _share(counts.fpr, place),
            "precision": _share(counts.precision, place),
            "accuracy": _share(counts.accuracy, place),
            "calibration": _excess(counts, place),
            "ece": _unbiased(drawn[:, place]),
        }
        for place in range(len(grouping.names))
    ]


def gaps_of(counts: Tally, grouping: Grouping) -> list[Gap]:
    """Compare the groups: rows decide who is compared, and of TPR and FPR the rows of that true class as well."""
    enough = comparable(grouping)
    selection = selections(counts, grouping)
    found = [
        _ratio("selection_ratio", grouping, *selection),
        _difference("selection_difference", grouping, *selection),
        *_odds(grouping, hits(counts, grouping), _alarms(counts, grouping)),
        _difference("accuracy_difference", grouping, counts.accuracy, enough),
        _calibration(counts, grouping, enough),
    ]
    return [one for one in found if one is not None]


def selections(counts: Tally, grouping: Grouping) -> Counts:
    """Give who got the favorable answer, of whom, and which groups are compared by it."""
    return counts.selection_rate, comparable(grouping)


def hits(counts: Tally, grouping: Grouping) -> Counts:
    """Give the same of those who deserved it."""
    return counts.tpr, comparable(grouping) & (counts.deserved >= LEAST_OUTCOMES)


def _alarms(counts: Tally, grouping: Grouping) -> Counts:
    return counts.fpr, comparable(grouping) & (counts.undeserved >= LEAST_OUTCOMES)


def _odds(grouping: Grouping, deserving: Counts, others: Counts) -> list[Gap | None]:
    found = [
        _difference("tpr_difference", grouping, *deserving),
        _difference("fpr_difference", grouping, *others),
        _ratio("tpr_ratio", grouping, *deserving),
        _ratio("fpr_ratio", grouping, *others),
    ]
    first, second = found[:2]
    if first is None or second is None:
        return found
    # Both at once: each of the two at half the error.
    worse = second if second.found.value > first.found.value else first
    both = either(*(_at_half_the_error(*counts) for counts in (deserving, others)))
    whole = msgspec.structs.replace(both, least=worse.found.least, most=worse.found.most)
    return [*found, msgspec.structs.replace(worse, name="equalized_odds_difference", found=whole)]


def _at_half_the_error(rate: Rate, chosen: Bool) -> Extremes:
    return share_difference(*rate.some(chosen), pair_tail(int(chosen.sum()), 0.025), rate.units_of(chosen))


def _difference(name: str, grouping: Grouping, rate: Rate, chosen: Bool) -> Gap | None:
    def measured(some: Bool) -> Extremes:
        return share_difference(*rate.some(some), units=rate.units_of(some))

    return gap(name, grouping, chosen, _rates(rate), measured, method=SHARES)


def _ratio(name: str, grouping: Grouping, rate: Rate, chosen: Bool) -> Gap | None:
    def measured(some: Bool) -> Extremes | None:
        return share_ratio(*rate.some(some), units=rate.units_of(some))

    return gap(name, grouping, chosen, _rates(rate), measured, method=RATIOS, better="higher")


def _calibration(counts: Tally, grouping: Grouping, chosen: Bool) -> Gap | None:
    means = counts.excess / np.maximum(counts.rows, 1)

    def measured(some: Bool) -> Extremes:
        variances, units = counts.excess_variances[some], counts.excess_units[some]
        return mean_difference(Means(values=means[some], variances=variances, rows=units))

    return gap("calibration_difference", grouping, chosen, means, measured, method=MEANS)


def _rates(rate: Rate) -> Float64:
    rows = rate.rows
    return np.asarray(np.divide(rate.above, rows, out=np.full(len(rows), np.nan), where=rows > 0), dtype=np.float64)


def _share(rate: Rate, place: int) -> dict[str, Any]:
    rows = rate.rows[place]
    if rows == 0:
        return {**interval(np.nan, None), "of": 0}
    above, counted = (float((part * rate.worth)[place]) for part in (rate.above, rate.rows))
    return {**interval(float(rate.above[place] / rows), wilson(above, counted)), "of": int(rows)}


def _excess(counts: Tally, place: int) -> dict[str, Any]:
    rows = counts.rows[place]
    value = counts.excess[place] / rows
    half = Z * float(np.sqrt(counts.excess_variances[place]))
    return interval(value, (value - half, value + half) if rows >= LEAST_ROWS else None)


def _unbiased(drawn: Float64) -> dict[str, Any]:
    # Noise adds up in a sum of distances, so resamples lie above the value: they are moved back to it.
    value, middle = float(drawn[0]), float(np.median(drawn[1:]))
    lower, upper = np.quantile(drawn[1:], [0.025, 0.975]) + (value - middle)
    return interval(value, (max(float(lower), 0.0), float(upper)))


def _drawn_errors(counts: Tally, seed: int) -> Float64:
    """Expected calibration error of each group ``[1 + resamples, groups]``.

    In a Poisson bootstrap the sum of a cell varies as its squares add up, so cells are drawn in place of rows: the
    cost does not grow with the rows.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((_RESAMPLES, *counts.cells.shape)) * np.sqrt(counts.cells_squared)
    sums = np.concatenate([counts.cells[None], counts.cells + noise])
    return np.asarray(np.abs(sums).sum(axis=2) / np.maximum(counts.rows, 1), dtype=np.float64)
