"""Gaps: how far groups lie apart, as measures and as what stands in the details."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from golive.domain.evidence import Direction, Measure
from golive.evaluation.groups.membership import Grouping
from golive.ports import Float64
from golive.statistics.groups import Extremes
from golive.statistics.metrics import Bool

LEAST_ROWS = 30
"""A group with fewer rows is shown and not compared."""
LEAST_OUTCOMES = 10
"""Nor is a rate over fewer rows of one true class."""
SHARES = "Wilson and Newcombe intervals, all pairs of groups at once"
RATIOS = "Wilson and Donner-Zou intervals, all pairs of groups at once"
MEANS = "Welch intervals, all pairs of groups at once"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A difference or a ratio of the furthest two groups."""

    name: str
    found: Extremes
    least: str
    """Name of the group with the smallest value."""
    most: str
    least_value: float
    most_value: float
    rows: int
    """Of all groups that were compared."""
    method: str
    better: Direction = "lower"

    @property
    def detail(self) -> dict[str, Any]:
        """What stands in the details."""
        return {
            "name": self.name,
            **interval(self.found.value, (self.found.lower, self.found.upper)),
            "least": self.least,
            "most": self.most,
            "least_value": self.least_value,
            "most_value": self.most_value,
        }

    def measure(self, place: str) -> Measure:
        """Give the measure; ``place`` is the name of the column or pair in it."""
        upper = self.found.upper
        return Measure(
            name=f"fairness.{place}.{self.name}",
            value=self.found.value,
            lower=self.found.lower,
            upper=upper if np.isfinite(upper) else None,
            rows=self.rows,
            method=self.method,
            better=self.better,
            note=f"{self.least} against {self.most}",
        )


def interval(value: float, bounds: tuple[float, float] | None) -> dict[str, Any]:
    """Give a value with its interval as JSON; None for what does not exist."""
    lower, upper = bounds or (np.nan, np.nan)
    return {key: _plain(number) for key, number in (("value", value), ("lower", lower), ("upper", upper))}


def comparable(grouping: Grouping) -> Bool:
    """Say which groups are compared ``[groups]``: groups of people with enough rows."""
    return np.asarray(grouping.people, dtype=bool) & (grouping.rows() >= LEAST_ROWS)


def gap(
    name: str,
    grouping: Grouping,
    chosen: Bool,
    values: Float64,
    measured: Callable[[Bool], Extremes | None],
    *,
    method: str,
    better: Direction = "lower",
) -> Gap | None:
    """Compare the chosen groups; None where fewer than two are left, or the gap does not exist.

    ``values`` are those of all groups; ``measured`` compares the chosen ones.
    """
    if chosen.sum() < 2:  # noqa: PLR2004  two lie apart
        return None
    found = measured(chosen)
    if found is None or not np.isfinite(found.value):
        return None
    if grouping.whole is not None:
        method = f"{method}, over groups of rows"
    places = np.flatnonzero(chosen)
    least, most = int(places[found.least]), int(places[found.most])
    return Gap(
        name=name,
        found=found,
        least=grouping.names[least],
        most=grouping.names[most],
        least_value=float(values[least]),
        most_value=float(values[most]),
        rows=int(grouping.rows()[chosen].sum()),
        method=method,
        better=better,
    )


def _plain(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
