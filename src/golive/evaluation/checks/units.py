"""Units: a column, or some of its rows, a known factor larger or smaller than the rest of it.

On the scale of logarithms another unit is a step to the side: the shape stays. So a shape that is the same after the
step, and not before it, is what is looked for; skewed columns have one shape and no step.
"""

import math

import msgspec
import numpy as np

from golive.domain.profile import ColumnProfile
from golive.evaluation.checks.found import Outcome, Sighting, finding, seen_in, too_few
from golive.evaluation.checks.looked import Looked, Seen
from golive.evaluation.spoilt import Spoilt, unlearned
from golive.ports import Float64

_FACTORS = (2.2046, 2.54, 3.2808, 3.6, 4.184, 10.0, 12.0, 16.0, 24.0, 25.4, 28.35, 30.48, 60.0, 100.0, 1000.0, 1440.0)
_LARGE_FACTORS = (3600.0, 10_000.0, 86_400.0, 1e6, 1e9)
_MIXED = (2.2046, 2.54, 3.2808, 3.6, 10.0, 12.0, 16.0, 24.0, 25.4, 30.48, 60.0, 100.0, 1000.0, 10_000.0, 1e6)
_FEWEST = 50
_FEWEST_MIXED = 5
_LEAST_SHARE = 0.01
_MOST_SHARE = 0.4
_LEAST_VALUES = 10
_WIDE = 2.5
"""A step of fewer standard deviations than this might be a change of what is measured."""
_ALIKE = 0.25
_OF_NORMAL = 1.349
_CLEAR = 60.0
"""Smaller factors lie among what groups of rows may differ by, so half of such a step must be empty."""
_GAP = 0.5
_LEAST_GAP = 0.35
_EMPTY = 40.0
"""Of the widest tails (Pareto's) the chance of a gap is exp(-this)."""
_WIDER = 1.6
_SEEN_THROUGH = 0.5
_MOST_POINTS = 2_000
_SURE_STEP = 0.15


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A factor that explains what is seen."""

    factor: float
    rows: tuple[int, ...] = ()
    example: float = 0.0
    edge: float = 0.0
    """The size of those values that are nearest to the others."""
    middle: float = 0.0

    def meant(self, column: str) -> Spoilt:
        """Give the values on the other side of the edge."""
        return Spoilt(column=column, least=self.edge) if self.factor > 1.0 else Spoilt(column=column, most=self.edge)


def units(looked: Looked) -> Outcome:
    """Find columns in another unit than in training, and columns in two units."""
    profile = looked.subject.profile
    known = {} if profile is None else {column.name: column for column in profile.inputs}
    numbers = [seen for seen in looked.columns if seen.texts is None]
    if numbers and looked.rows < _FEWEST:
        return too_few("unit", looked.rows, _FEWEST)
    found = []
    for seen in numbers:
        reference = seen.training if seen.training is not None else _pictured(known.get(seen.name))
        result = _degrees(seen, reference) or _whole(seen, reference) or _mixed(seen, looked)
        if result is not None:
            found.append(result)
    return seen_in("unit", found)


def _whole(seen: Seen, reference: Float64 | None) -> Sighting | None:
    if reference is None:
        return None
    before, now = _logs(reference), _logs(seen.test)
    if min(len(before), len(now)) < _FEWEST or len(np.unique(before)) < _LEAST_VALUES:
        return None
    step = float(np.median(now) - np.median(before))
    factor = _nearest(step, _FACTORS + _LARGE_FACTORS)
    if factor is None:
        return None
    wide = abs(math.log(factor)) >= _WIDE * _spread(before)
    if not wide or _apart(before + math.log(factor), now) > _ALIKE or _apart(before, now) < 2 * _ALIKE:
        return None
    told = finding(
        "unit",
        "whole",
        "stop",
        columns=(seen.name,),
        column=seen.name,
        factor=_shown(factor),
        middle=_middle(seen.test),
        before=_middle(reference),
    )
    return Sighting(finding=told, spoilt=Spoilt(column=seen.name))


def _degrees(seen: Seen, reference: Float64 | None) -> Sighting | None:
    """Tell degrees Celsius from Fahrenheit: F = 1.8 C + 32, in middle and in width."""
    if reference is None:
        return None
    before, now = reference[np.isfinite(reference)], seen.test[np.isfinite(seen.test)]
    if min(len(before), len(now)) < _FEWEST or len(np.unique(before)) < _LEAST_VALUES:
        return None
    for then, here in (("°C", "°F"), ("°F", "°C")):
        turned = before * 1.8 + 32.0 if then == "°C" else (before - 32.0) / 1.8
        if abs(float(np.median(turned) - np.median(now))) > float(turned.std()):
            continue
        in_range = _is_weather(before if then == "°C" else turned)
        if in_range and _apart(turned, now) <= _ALIKE and _apart(before, now) >= 2 * _ALIKE:
            told = finding(
                "unit",
                "degrees",
                "stop",
                columns=(seen.name,),
                column=seen.name,
                now=here,
                then=then,
                middle=_middle(now),
                before=_middle(before),
            )
            return Sighting(finding=told, spoilt=Spoilt(column=seen.name))
    return None


def _is_weather(celsius: Float64) -> bool:
    low, high = np.quantile(celsius, [0.01, 0.99])
    return bool(low >= -60 and high <= 120 and high - low >= 1)  # noqa: PLR2004 - °C in which people measure


def _mixed(seen: Seen, looked: Looked) -> Sighting | None:
    """Look among the test rows, then among those of training."""
    for values, test in ((seen.test, True), (seen.training, False)):
        if values is None:
            continue
        step = _two_units(values, seen.training if test else None)
        if step is not None:
            told = finding(
                "unit",
                "mixed",
                "stop",
                columns=(seen.name,),
                rows=looked.positions(np.array(step.rows[:20], dtype=np.int64)) if test else (),
                column=seen.name,
                count=len(step.rows),
                share=len(step.rows) / len(values),
                factor=_shown(step.factor),
                example=step.example,
                edge=step.edge,
                middle=step.middle,
            )
            meant = step.meant(seen.name)
            blameless = test and unlearned(meant, seen.field, seen.training)
            return Sighting(finding=told, spoilt=meant if blameless else None)
    return None


def _two_units(values: Float64, reference: Float64 | None) -> Step | None:
    """Find a factor between most rows and some rows of one column."""
    places = np.flatnonzero(np.isfinite(values) & (values != 0))
    if len(places) < _FEWEST:
        return None
    logs = np.log(np.abs(values[places]))
    before = None if reference is None else _logs(reference)
    # What crosses 0 has small values of its own.
    crosses = bool((values[places] > 0).any() and (values[places] < 0).any())
    for sign in (1.0,) if crosses else (1.0, -1.0):
        found = _beyond(sign * logs, None if before is None or len(before) < _FEWEST else sign * before)
        if found is not None:
            step, chosen = found
            rows = places[chosen]
            sizes = np.abs(values[rows])
            return Step(
                factor=math.exp(sign * step),
                rows=tuple(rows.tolist()),
                example=float(values[rows[0]]),
                edge=float(sizes.min() if sign > 0 else sizes.max()),
                middle=_middle(np.delete(values, rows)),
            )
    return None


def _beyond(logs: Float64, before: Float64 | None) -> tuple[float, np.ndarray[tuple[int], np.dtype[np.intp]]] | None:
    """Give the step (on the log scale) to the rows that lie above the rest, and those rows."""
    order = np.argsort(logs, kind="stable")
    ordered = logs[order]
    rows = len(ordered)
    fewest, most = max(_FEWEST_MIXED, math.ceil(_LEAST_SHARE * rows)), int(_MOST_SHARE * rows)
    starts = [start for start in _starts(ordered, before) if fewest <= rows - start <= most]
    for start in starts:
        main, other = ordered[:start], ordered[start:]
        if len(np.unique(main)) < _LEAST_VALUES:
            continue
        step = _step(main, other)
        if step is not None:
            return step, order[start:]
    return None


def _starts(ordered: Float64, before: Float64 | None) -> list[int]:
    """Say where a second unit may begin: after the widest gap, and beyond all that training holds."""
    gaps = np.diff(ordered)
    half = len(gaps) // 2
    starts = [half + int(gaps[half:].argmax()) + 1]
    if gaps[starts[0] - 1] < _LEAST_GAP:
        starts = []
    if before is not None:
        starts.append(int(np.searchsorted(ordered, before.max(), side="right")))
    return starts


def _step(main: Float64, other: Float64) -> float | None:
    """Give the logarithm of the factor by which the other rows are the main ones again."""
    moved = float(np.median(other) - np.median(main))
    step = math.log(min(_MIXED, key=lambda one: abs(moved - math.log(one))))
    gap = float(other[0] - main[-1])
    # The k highest values of a tail like a power's leave gaps of its width over k.
    wide = max(_spread(main), _tail(main))
    clear = gap * len(other) >= _EMPTY * wide and (step >= math.log(_CLEAR) or gap >= _GAP * step)
    if step < _WIDE * wide or not clear:
        return None
    # Only what the step carries beyond the main rows can be compared; the rest is hidden among them.
    visible = main[main + step > main[-1]]
    if len(visible) < _SEEN_THROUGH * len(main):
        return None
    if len(np.unique(other)) < min(_FEWEST_MIXED, len(np.unique(visible))) // 2 + 1:
        return None
    spread, sampled = _spread(main), 1.0 / math.sqrt(len(other))
    near = abs(float(np.median(other) - np.median(visible)) - step) <= spread * (_SURE_STEP + 4.0 * sampled) + 0.02
    wider = max(float(visible.std()), 1e-6) / max(float(other.std()), 1e-6)
    alike = 1.0 / _WIDER - sampled <= wider <= _WIDER + 2.0 * sampled
    return step if near and alike and _apart(visible + step, other) <= 0.1 + sampled else None


def _logs(values: Float64) -> Float64:
    usable = np.isfinite(values) & (values != 0)
    return np.asarray(np.log(np.abs(values[usable])), dtype=np.float64)


def _spread(values: Float64) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(max((high - low) / _OF_NORMAL, 0.5 * values.std(), 1e-6))


def _tail(values: Float64) -> float:
    """Give how far the upper tail reaches: its mean excess, were it a power's (an exponential one of logarithms)."""
    low, high = np.quantile(values, [0.75, 0.975])
    return float((high - low) / math.log(10.0))


def _nearest(step: float, factors: tuple[float, ...]) -> float | None:
    """Give the factor (or one over it) that a step is closest to."""
    logs = np.log(np.array(factors))
    place = int(np.abs(logs - abs(step)).argmin())
    if abs(logs[place] - abs(step)) > max(0.1, 0.1 * logs[place]):
        return None
    return float(factors[place]) if step > 0 else 1.0 / factors[place]


def _apart(one: Float64, other: Float64) -> float:
    """Give the greatest distance between two distribution functions (Kolmogorov 1933, Smirnov 1939)."""
    points = np.concatenate([one, other])
    first, second = (np.searchsorted(np.sort(part), points, side="right") / len(part) for part in (one, other))
    return float(np.abs(first - second).max())


def _pictured(known: ColumnProfile | None) -> Float64 | None:
    """Draw values that have the counts of a profile, evenly within each bin."""
    if known is None or len(known.edges) < 2:  # noqa: PLR2004 - two edges make a bin
        return None
    counts = np.array(known.counts[1:-2], dtype=np.float64)
    if counts.sum() == 0:
        return None
    shares = np.round(counts / counts.sum() * _MOST_POINTS).astype(np.int64)
    parts = [
        np.linspace(low, high, count + 2)[1:-1]
        for low, high, count in zip(known.edges, known.edges[1:], shares, strict=False)
    ]
    return np.concatenate(parts)


def _middle(values: Float64) -> float:
    return float(np.median(values[np.isfinite(values)]))


def _shown(factor: float) -> float:
    return float(f"{factor:.4g}")
