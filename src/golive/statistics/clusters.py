"""Clusters: rows of which whole groups are independent, as the fewer rows that would tell as much (Kish 1965).

Errors of means are those between groups (Liang and Zeger 1986). Few groups, or groups of very different sizes, leave
few degrees of freedom, so what is tested takes Student's t with the number of groups of equal size that would weigh as
much.
"""

from typing import NamedTuple

import numpy as np

from golive.ports import Float64, Int64
from golive.statistics.intervals import Bool, mean_error
from golive.statistics.tails import normal_above, t_above, t_tail


class CellMeans(NamedTuple):
    """Means of a value in several cells, each ``[cells]``."""

    rows: Float64
    values: Float64
    variances: Float64
    """Of the mean; infinite where the rows are of one group."""
    units: Float64
    """How many groups of equal size the rows are worth; without groups, the rows."""


def units_of(groups: Int64) -> float:
    """Say how many groups of equal size would weigh as much as those of rows ``[n]``; 0 without rows."""
    counts = np.bincount(np.unique(groups, return_inverse=True)[1]).astype(np.float64)
    return float(counts.sum() ** 2 / max(float((counts**2).sum()), 1.0))


def worth(values: Float64, groups: Int64 | None) -> float:
    """Say how many independent rows one row is worth to the mean of ``values`` ``[n]``, above 0 and at most 1."""
    if groups is None or len(values) < 2:  # noqa: PLR2004  one row has no spread
        return 1.0
    least = 1.0 / len(values)
    if groups.min() == groups.max():
        return least
    alone, together = mean_error(values), mean_error(values, np.unique(groups, return_inverse=True)[1])
    if not (alone > 0.0 and together > 0.0):
        return max(len(np.unique(groups)) / len(values), least) if alone == 0.0 else 1.0
    return float(np.clip((alone / together) ** 2, least, 1.0))


def cell_means(values: Float64, cells: Int64, count: int, groups: Int64 | None) -> CellMeans:
    """Give the mean of a value ``[n]`` in each of ``count`` cells, codes ``[n]``; without groups of one row it is 0."""
    rows = np.bincount(cells, minlength=count).astype(np.float64)
    means = np.bincount(cells, values, count) / np.maximum(rows, 1)
    away = values - means[cells]
    if groups is None:
        spread = np.bincount(cells, away**2, count) / np.maximum(rows - 1, 1)
        return CellMeans(rows, means, spread / np.maximum(rows, 1), rows)
    cell, sums, sizes = _within(cells, away, groups)
    distinct = np.bincount(cell, minlength=count).astype(np.float64)
    spread = np.bincount(cell, sums**2, count) * distinct / np.maximum(distinct - 1, 1)
    variances = np.where(distinct > 1, spread / np.maximum(rows, 1) ** 2, np.inf)
    units = rows**2 / np.maximum(np.bincount(cell, sizes**2, count), 1.0)
    return CellMeans(rows, means, variances, units)


def cell_squares(values: Float64, cells: Int64, count: int, groups: Int64 | None) -> Float64:
    """Give how much the sum of a value ``[n]`` varies in each of ``count`` cells: squares of rows, or of groups."""
    if groups is None:
        return np.bincount(cells, values**2, count).astype(np.float64)
    cell, sums, _ = _within(cells, values, groups)
    return np.bincount(cell, sums**2, count).astype(np.float64)


def share_worth(hits: Bool, cells: Int64, count: int, groups: Int64) -> tuple[Float64, Float64]:
    """Say what one row is worth to the share of true rows ``[n]`` in each of ``count`` cells, and the units of each.

    A share of 0 or 1 has no spread: there the rows are worth the units.
    """
    found = cell_means(hits.astype(np.float64), cells, count, groups)
    rows = np.maximum(found.rows, 1)
    alone = found.values * (1 - found.values) / np.maximum(rows - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(alone > 0.0, alone / found.variances, found.units / rows)
    return np.clip(np.nan_to_num(each, nan=1.0, posinf=1.0), 1.0 / rows, 1.0), found.units


def quantiles(tail: float, units: Float64 | None) -> Float64 | float:
    """Give how many standard errors leave ``tail`` above: of the normal distribution, or of Student's t by unit."""
    if units is None:
        return normal_above(tail)
    return t_above(tail, np.maximum(units - 1, 1))


def two_sided(errors: float, units: float) -> float:
    """Give the chance of being so many standard errors away, either way, by Student's t of so many units."""
    return 2.0 * t_tail(abs(errors), max(units - 1.0, 1.0))


def within_correlation(values: Float64, groups: Int64) -> float:
    """Estimate how alike rows ``[n]`` of one group are, 0 to 1 (intraclass correlation, by analysis of variance)."""
    codes = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(codes).astype(np.float64)
    rows, count = len(values), len(sizes)
    if count < 2 or count == rows:  # noqa: PLR2004  one group, or groups of one row
        return 1.0 if count < 2 else 0.0  # noqa: PLR2004
    means = np.bincount(codes, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (count - 1)
    inside = float(((values - means[codes]) ** 2).sum()) / (rows - count)
    usual = (rows - float((sizes**2).sum()) / rows) / (count - 1)
    whole = between + (usual - 1) * inside
    return float(np.clip((between - inside) / whole, 0.0, 1.0)) if whole > 0.0 else 0.0


def _within(cells: Int64, values: Float64, groups: Int64) -> tuple[Int64, Float64, Float64]:
    """Sum a value and count rows by cell and group: the cell, the sum and the rows of each that occurs."""
    wide = int(groups.max(initial=0)) + 1
    held, place = np.unique(cells * wide + groups, return_inverse=True)
    sizes = np.bincount(place, minlength=len(held)).astype(np.float64)
    return (held // wide).astype(np.int64), np.bincount(place, values, len(held)).astype(np.float64), sizes
