"""Comparison: one metric of a model, its baseline and its champion in, named Measures with intervals out."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.evidence import Measure
from golive.domain.judging import Costs
from golive.domain.metric import better
from golive.evaluation.roles import MODEL, Note, note
from golive.ports import Float64, Int64
from golive.statistics.combined import difference_of_numbers
from golive.statistics.intervals import Interval, mean_interval, moved_interval, positive_mean_interval, wilson
from golive.statistics.resample import interval

FEW_ROWS = 500
"""Below this, intervals of heavy-tailed errors were seen to hold the truth 92 times of 100, not 95."""
RAREST = "Wilson on the rarest class"
BOTH = "intervals of both numbers, combined"
_ROUNDING = 1e-9
_TWO = 2


class Setting(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the measuring of rows depends on beside the rows."""

    seed: int = 17
    groups: Int64 | None = None
    """Codes from 0 of the groups that rows belong to, ``[n]``; None where rows are independent."""
    costs: Costs | None = None
    quantile: float | None = None
    resamples: int | None = None
    """At most this many; None: as many as take a few seconds."""

    def resamples_of(self, rows: int, heads: int) -> int:
        """Give a number of resamples for so many rows and statistics."""
        usual = resamples_for(rows, heads)
        return usual if self.resamples is None else min(usual, self.resamples)


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of every role, and how its intervals are made."""

    name: str
    values: Mapping[str, float]
    """Role -> value."""
    single: Callable[[str], Interval | None]
    """Role -> interval of its value."""
    paired: Callable[[str], Interval | None]
    """Other role -> interval of the model's value minus that role's."""
    method: str
    methods: Mapping[str, str] = {}
    """Roles whose interval is made otherwise."""
    paired_method: str = ""
    paired_methods: Mapping[str, str] = {}
    """Other roles whose difference is bounded otherwise."""
    note: str = ""
    notes: Mapping[str, str] = {}
    """Role -> what is said of its value alone."""
    paired_note: str = ""
    """Of the differences only."""
    floor: float = -math.inf
    ceiling: float = math.inf


def mean_metric(name: str, rows: Mapping[str, Float64], setting: Setting, *, signed: bool = False) -> Metric:
    """Make a metric that is a mean of a value ``[n]`` of each row, by role; ``signed``: it may be below 0."""
    alone = mean_interval if signed else positive_mean_interval
    return Metric(
        name=name,
        values={role: float(values.mean()) for role, values in rows.items()},
        single=lambda role: alone(rows[role], setting.groups),
        paired=lambda other: mean_interval(rows[MODEL] - rows[other], setting.groups),
        method=over_groups("t interval of the mean", setting),
        floor=-math.inf if signed else 0.0,
    )


def moved_metric(
    name: str, values: Mapping[str, float], influences: Mapping[str, Float64], setting: Setting, *, rarer: int
) -> Metric:
    """Make a metric between 0 and 1 from the influence ``[n]`` of each row, by role.

    At 0 or 1 no row moves it, which would claim certainty: there ``rarer`` bounds it, the rows of the rarest
    class, or the groups that have such rows.
    """
    at_end = {role for role, value in values.items() if is_at_end(value)}
    fixed = {role for role in values if role not in at_end and not influences[role].any()}

    def single(role: str) -> Interval | None:
        if role in at_end:
            return end_interval(values[role], rarer, setting.groups)
        return moved_interval(values[role], influences[role], setting.groups)

    def paired(other: str) -> Interval | None:
        if other in fixed:
            return less(single(MODEL), values[other])
        if at_end & {MODEL, other}:
            return apart(values, single, other)
        moved = influences[MODEL] - influences[other]
        return moved_difference(values[MODEL] - values[other], moved, setting.groups)

    usual, rarest = (over_groups(method, setting) for method in ("influence of rows, logit scale", RAREST))
    return Metric(
        name=name,
        values=values,
        single=single,
        paired=paired,
        method=usual,
        methods=dict.fromkeys(at_end, rarest),
        paired_method=over_groups("influence of rows", setting),
        paired_methods=dict.fromkeys(values if MODEL in at_end else at_end, over_groups(BOTH, setting))
        | dict.fromkeys(fixed, rarest if MODEL in at_end else usual),
        floor=0.0,
        ceiling=1.0,
    )


def is_at_end(value: float, least: float = 0.0) -> bool:
    """Whether a number from ``least`` to 1 is one of the two, but for rounding: there no row moves it."""
    return min(abs(value - least), abs(value - 1.0)) <= _ROUNDING


def end_interval(value: float, units: int, groups: Int64 | None) -> Interval | None:
    """Bound a score of 0, 1 or -1 as if it were a share of the rarest class's rows, or of the groups with such rows.

    None for one group.
    """
    if groups is not None and units < _TWO:
        return None
    lower, upper = wilson(round(abs(value)) * units, units)
    return (-upper, -lower) if value < -_ROUNDING else (lower, upper)


def apart(values: Mapping[str, float], single: Callable[[str], Interval | None], other: str) -> Interval | None:
    """Give the interval of the model's value less another from those of both."""
    one, two = single(MODEL), single(other)
    return one and two and difference_of_numbers(values[MODEL], one, values[other], two)


def less(bounds: Interval | None, fixed: float) -> Interval | None:
    """Give the interval of a difference to a number that no row moves: that of the value itself, moved by it."""
    return bounds and (bounds[0] - fixed, bounds[1] - fixed)


def moved_difference(difference: float, influence: Float64, groups: Int64 | None) -> Interval | None:
    """Give the interval of a difference from the influence ``[n]`` of each row on it."""
    found = mean_interval(influence, groups)
    # Influences have mean 0 but for rounding.
    half = (found[1] - found[0]) / 2 if found else None
    return None if half is None else (difference - half, difference + half)


def over_groups(method: str, setting: Setting) -> str:
    """Say in the name of a method that whole groups are what is independent, where they are."""
    return method if setting.groups is None else f"{method}, over groups of rows"


def resampled_metric(
    name: str, values: Mapping[str, float], drawn: Mapping[str, Float64], *, units: int | None = None, **more: Any
) -> Metric:
    """Make a metric from its values and its resamples ``[1 + resamples]``, by role.

    ``units`` is how many rows a difference rests on: of paired answers few differ.
    """
    return Metric(
        name=name,
        values=values,
        single=lambda role: interval(values[role], drawn[role]),
        paired=lambda other: interval(values[MODEL] - values[other], drawn[MODEL] - drawn[other], units),
        method=f"Poisson bootstrap, {len(drawn[MODEL]) - 1} resamples",
        **more,
    )


def measures_of(metric: Metric, rows: int) -> list[Measure]:
    """Name a metric's values and paired differences as gate rules do; those that do not exist are left out."""
    found = []
    for role, value in metric.values.items():
        full = f"{role}.{metric.name}" if role else metric.name
        bounds = _within(metric.single(role), metric.floor, metric.ceiling)
        alone = _also(metric, metric.notes.get(role, ""))
        found.append(_measure(alone, full, value, bounds, metric.methods.get(role, metric.method), rows))
        if role:
            name = f"{metric.name} - {role}.{metric.name}"
            paired, usual = metric.paired(role), metric.paired_method or metric.method
            method = metric.paired_methods.get(role, usual)
            if not _rounded_away(metric.values[MODEL], value, paired):
                both = _also(metric, metric.paired_note)
                found.append(_measure(both, name, metric.values[MODEL] - value, paired, method, rows))
    return [measure for measure in found if math.isfinite(measure.value)]


def _also(metric: Metric, remark: str) -> Metric:
    return msgspec.structs.replace(metric, note="; ".join(filter(None, (metric.note, remark)))) if remark else metric


def _rounded_away(one: float, other: float, bounds: Interval | None) -> bool:
    """Say whether two huge values differ by less than they are rounded to, so that their difference says nothing."""
    if bounds is None or not bounds[0] < bounds[1]:
        return False
    return math.ulp(max(abs(one), abs(other))) > bounds[1] - bounds[0]


def missing_values(metrics: Iterable[Metric]) -> list[Note]:
    """Note each metric that does not exist for the model on these rows."""
    return [
        note("undefined", "{metric} does not exist on these test rows", metric=metric.name)
        for metric in metrics
        if not math.isfinite(metric.values[MODEL])
    ]


def resamples_for(rows: int, heads: int) -> int:
    """Give a number of resamples that takes a few seconds at most: 1,000 for small tables, never under 250."""
    return int(np.clip(60_000_000 // max(rows * heads, 1), 250, 1000))


def _measure(metric: Metric, name: str, value: float, bounds: Interval | None, method: str, rows: int) -> Measure:
    usable = bounds is not None and all(map(math.isfinite, bounds))
    remarks = [metric.note] if metric.note else []
    if not usable:
        remarks.append("no interval exists")
    elif rows < FEW_ROWS:
        remarks.append(f"few rows ({rows}): the interval may be a little too narrow; {4 * rows} rows would halve it")
    return Measure(
        name=name,
        value=value,
        lower=bounds[0] if usable and bounds else None,
        upper=bounds[1] if usable and bounds else None,
        rows=rows,
        method=method if usable else "",
        better=better(metric.name),
        note="; ".join(remarks),
    )


def _within(bounds: Interval | None, floor: float, ceiling: float) -> Interval | None:
    if bounds is None:
        return None
    return min(max(bounds[0], floor), ceiling), min(max(bounds[1], floor), ceiling)
