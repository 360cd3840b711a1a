"""Resample: the Poisson bootstrap. Every statistic reads the same row weights, so differences are paired.

A statistic is made once from the rows (sorting, binning) and then takes weights uint8 ``[resamples, n]`` and gives
one number for each resample, float64 ``[resamples, ...]``. Poisson(1) weights of rows are the bootstrap of a table
whose number of rows is itself random (Chamandy et al. 2012); rows need not be copied or drawn.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from golive.ports import Float64, Int64
from golive.statistics.intervals import Interval, Z
from golive.statistics.metrics import CALIBRATION_BINS, Bool, calibration_bin
from golive.statistics.tails import poisson_shares, t_above

Weights = npt.NDArray[np.uint8]
Statistic = Callable[[Weights], Float64]

RANK_BINS = 2000
"""Scores are put into this many bins of equal count: the area under the ROC curve then is wrong by about 1e-6, the
precision-recall area by 4e-4, and both errors are taken out again by :func:`interval`."""
_BLOCK = 4_000_000
_MANY_ROWS = 20_000


def row_weights(rows: int, resamples: int, seed: int) -> Iterator[Weights]:
    """Yield Poisson(1) weights in blocks ``[some, rows]``, ``resamples`` in all."""
    rng = np.random.default_rng(seed)
    # Sixteen random bits choose from a table: ten times faster than exact draws, off by at most 2**-16.
    quantiles = (np.arange(65536) + 0.5) / 65536
    table = np.searchsorted(poisson_shares(12, 1.0), quantiles).astype(np.uint8)
    height = max(_BLOCK // max(rows, 1), 1)
    for start in range(0, resamples, height):
        yield table[rng.integers(0, 65536, size=(min(height, resamples - start), rows), dtype=np.uint16)]


def resample(
    statistics: Mapping[str, Statistic], *, rows: int, resamples: int, seed: int, groups: Int64 | None = None
) -> dict[str, Float64]:
    """Compute each statistic on the rows as they are (first) and on the same resamples: ``[1 + resamples, ...]``.

    With ``groups`` int64 ``[rows]``, codes from 0, all the rows of a group get the same weight: groups are drawn.
    """
    ones = np.ones((1, rows), dtype=np.uint8)
    parts: dict[str, list[Float64]] = {name: [statistic(ones)] for name, statistic in statistics.items()}
    for weights in _weights(rows, resamples, seed, groups):
        for name, statistic in statistics.items():
            parts[name].append(statistic(weights))
    return {name: np.concatenate(part) for name, part in parts.items()}


def _weights(rows: int, resamples: int, seed: int, groups: Int64 | None) -> Iterator[Weights]:
    if groups is None:
        yield from row_weights(rows, resamples, seed)
        return
    # As many resamples at a time as of rows, though groups are fewer.
    height = max(_BLOCK // max(rows, 1), 1)
    for drawn in row_weights(int(groups.max()) + 1, resamples, seed):
        for start in range(0, len(drawn), height):
            yield drawn[start : start + height][:, groups]


def interval(value: float, drawn: Float64, units: int | None = None) -> Interval | None:
    """Percentile interval from a row of :func:`resample` ``[1 + resamples]``, moved to the exact ``value``.

    Of B resamples the percentiles are those of B + 1 places (Davison and Hinkley 1997, section 5.2): with 250 of
    them the usual ones would hold 94 %, not 95.
    ``units`` is how many rows the number rests on, where they are few: percentiles are too narrow then by what
    Student's t is wider than the normal distribution (Hesterberg 2015), so the interval is stretched by that.
    Resamples in which the statistic does not exist are left out; None when fewer than half are left.
    """
    center, rest = drawn[0], drawn[1:]
    rest = rest[np.isfinite(rest)]
    if not np.isfinite(center) or len(rest) * 2 < len(drawn):
        return None
    lower, upper = np.quantile(rest, [0.025, 0.975], method="weibull") - center
    stretch = 1.0
    if units is not None and units > 1:
        stretch = float(t_above(0.025, units - 1)) / Z * (units / (units - 1)) ** 0.5
    return float(value + stretch * lower), float(value + stretch * upper)


def explained(truth: Float64, predicted: Float64) -> Statistic:
    """Make the statistic R squared."""
    centered = truth - truth.mean()
    columns = np.stack([np.ones_like(truth), centered, centered**2, (predicted - truth) ** 2], axis=1)

    def statistic(weights: Weights) -> Float64:
        total, first, second, error = (weights.astype(np.float64) @ columns).T
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = 1.0 - error / (second - first**2 / total)
        return np.where(np.isfinite(shares), shares, np.nan)

    return statistic


def median(values: Float64) -> Statistic:
    """Make the statistic median of ``values`` ``[n]``."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    if len(values) > _MANY_ROWS:
        return _median_of_bins(order, ordered)

    def statistic(weights: Weights) -> Float64:
        running = np.cumsum(weights[:, order], axis=1, dtype=np.int32)
        below = (2 * running < running[:, -1:]).sum(axis=1)
        return np.asarray(ordered[np.minimum(below, len(ordered) - 1)], dtype=np.float64)

    return statistic


def _median_of_bins(order: Int64, ordered: Float64) -> Statistic:
    """Find the bin that holds the median, and its place in the bin as if the bin's weight were even."""
    edges = np.linspace(0, len(ordered), RANK_BINS + 1).astype(np.int64)

    def statistic(weights: Weights) -> Float64:
        rows = np.add.reduceat(weights[:, order], edges[:-1], axis=1, dtype=np.int32)
        running = np.cumsum(rows, axis=1, dtype=np.int64)
        half = running[:, -1] / 2
        place = (running < half[:, None]).sum(axis=1)
        each = np.arange(len(rows))
        within = np.clip((half - (running[each, place] - rows[each, place])) / rows[each, place], 0.0, 1.0)
        found = edges[place] + within * (edges[place + 1] - edges[place])
        return np.asarray(ordered[np.minimum(found.astype(np.int64), len(ordered) - 1)], dtype=np.float64)

    return statistic


def confusion_counts(truth: Int64, decided: Int64, classes: int) -> Statistic:
    """Make the statistic confusion matrix, ``[resamples, classes, classes]``."""
    sums = _cell_sums(truth * classes + decided, classes * classes)

    def statistic(weights: Weights) -> Float64:
        return sums(weights).reshape(-1, classes, classes)

    return statistic


def ranking(positive: Bool, score: Float64) -> Statistic:
    """Make the statistics area under the ROC curve and average precision, ``[resamples, 2]``."""
    sums, bins = _ranked_cells(positive, score)

    def statistic(weights: Weights) -> Float64:
        # From the highest score down.
        cells = sums(weights).reshape(len(weights), bins, 2)[:, ::-1]
        others, hits = cells[..., 0], cells[..., 1]
        found, passed = np.cumsum(hits, axis=1), np.cumsum(others, axis=1)
        all_hits, all_others = found[:, -1], passed[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            area = (others * (found - hits / 2)).sum(axis=1) / (all_hits * all_others)
            precision = (hits * found / np.maximum(found + passed, 1)).sum(axis=1) / all_hits
        return np.stack([area, np.where(np.isfinite(area), precision, np.nan)], axis=1)

    return statistic


def curve_points(positive: Bool, score: Float64, at: Float64) -> Statistic:
    """Make the statistic two curves, ``[resamples, 2, len(at)]``.

    First the true-positive rate where the false-positive rate is ``at``, then the precision where recall is first
    ``at`` or more.
    """
    sums, bins = _ranked_cells(positive, score)

    def statistic(weights: Weights) -> Float64:
        cells = sums(weights).reshape(len(weights), bins, 2)[:, ::-1]
        passed, found = np.moveaxis(np.cumsum(cells, axis=1), 2, 0)
        out = np.full((len(weights), 2, len(at)), np.nan)
        for place in np.flatnonzero((passed[:, -1] > 0) & (found[:, -1] > 0)):
            one, two = passed[place], found[place]
            ends = np.append(0.0, one / one[-1]), np.append(0.0, two / two[-1])
            out[place, 0] = np.interp(at, *ends)
            first = np.searchsorted(two / two[-1], np.minimum(at, 1.0), side="left")
            first = np.maximum(first, np.searchsorted(two, 0.0, side="right"))
            out[place, 1] = two[first] / (one[first] + two[first])
        return out

    return statistic


def cell_counts(cells: Int64, size: int) -> Statistic:
    """Make the statistic weighted rows of every cell, ``[resamples, size]``; ``cells`` ``[n]`` are from 0."""
    return _cell_sums(cells, size)


def calibration_error(stated: Float64, came_true: Bool) -> Statistic:
    """Make the statistic expected calibration error."""
    bins = calibration_bin(stated)
    gaps = np.zeros((len(stated), CALIBRATION_BINS))
    gaps[np.arange(len(stated)), bins] = stated - came_true

    def statistic(weights: Weights) -> Float64:
        total = np.maximum(weights.sum(axis=1, dtype=np.int64), 1)
        return np.asarray(np.abs(weights.astype(np.float64) @ gaps).sum(axis=1) / total, dtype=np.float64)

    return statistic


def _ranked_cells(positive: Bool, score: Float64) -> tuple[Statistic, int]:
    inner = np.linspace(0.0, 1.0, RANK_BINS + 1)[1:-1]
    edges = np.unique(score)[1:] if len(score) <= RANK_BINS else np.unique(np.quantile(score, inner))
    bins = np.searchsorted(edges, score, side="right")
    return _cell_sums(2 * bins + positive, 2 * (len(edges) + 1)), len(edges) + 1


def _cell_sums(cells: Int64, size: int) -> Statistic:
    order = np.argsort(cells, kind="stable")
    held, starts = np.unique(cells[order], return_index=True)

    def sums(weights: Weights) -> Float64:
        out = np.zeros((len(weights), size))
        if len(starts):
            out[:, held] = np.add.reduceat(weights[:, order], starts, axis=1, dtype=np.int32)
        return out

    return sums
