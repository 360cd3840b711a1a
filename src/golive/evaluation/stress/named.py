"""Named: trials in, the measures that gate rules speak of out (``stress.part`` lists their names)."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from golive.domain.evidence import Measure
from golive.evaluation.stress.bench import Bench, Trial
from golive.evaluation.stress.family import plain_name
from golive.evaluation.stress.flips import STRENGTHS, Flips
from golive.evaluation.stress.limits import Level
from golive.evaluation.stress.scores import main_metrics, ratio
from golive.evaluation.stress.singles import Single
from golive.ports import Int64
from golive.statistics.intervals import Interval, share_interval, wilson

MOST = 0.95
"""Share of rows that stay below a stated change of the answer."""


class Reach(NamedTuple):
    """What one column can do to the answers when it moves by at most ``strength`` standard deviations."""

    strength: float
    value: float
    """Share of rows whose decision it flips, or change of the answer in standard deviations of the truth."""
    around: Interval | None


def level_measures(bench: Bench, levels: Sequence[Level]) -> Iterator[Measure]:
    """Name what every level did to the main metrics, and how many rows it had refused."""
    for level in levels:
        full, trial = f"robustness.{level.name}", level.trial
        if trial.refused:
            # Which rows of a group are refused is not kept, so of groups there is no interval.
            around = None if bench.groups is not None else wilson(trial.refused * trial.tried, trial.tried)
            yield _measure(f"{full}.refused", trial.refused, around, trial.tried, method="Wilson")
        remark = "rows that a server refuses are not counted" if trial.refused else ""
        for name in shown(bench):
            yield from _drop(f"{full}.{name}_drop", *trial.drop(name), trial, remark)
        yield from _drop(f"{full}.rmse_ratio", *ratio_of(trial), trial, remark)


def worst_measures(bench: Bench, found: Sequence[Single]) -> Iterator[Measure]:
    """Name the worst that a stress of each kind did to the main metrics; none where it broke answers altogether."""
    for kind in dict.fromkeys(single.kind for single in found):
        those = [single for single in found if single.kind == kind]
        if any(single.trial.broken for single in those):
            continue
        for name in shown(bench):
            drops = [(single, *single.trial.drop(name)) for single in those]
            yield from _worst(f"robustness.{kind}.worst_{name}_drop", drops)
        yield from _worst(
            f"robustness.{kind}.worst_rmse_ratio", [(single, *ratio_of(single.trial)) for single in those]
        )


def flip_measures(bench: Bench, found: Flips) -> Iterator[Measure]:
    """Name what single columns can do by small changes."""
    for reach in reached(bench, found):
        name = f"robustness.{flip_kind(bench)}_{plain_name(reach.strength)}"
        yield _measure(name, reach.value, reach.around, bench.rows, method=_over_groups("Wilson", bench.groups))


def reached(bench: Bench, found: Flips) -> list[Reach]:
    """Say how far single columns reach, by strength; nothing where none could be moved or the truth is constant.

    A change of the answer is the one that 19 of 20 rows stay below, in standard deviations of the truth.
    """
    if not found.columns:
        return []
    if flip_kind(bench) == "flips":
        flipped = [found.flipped(strength) for strength in STRENGTHS]
        return [
            Reach(strength, float(rows.mean()), share_interval(rows, bench.groups))
            for strength, rows in zip(STRENGTHS, flipped, strict=True)
        ]
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(bench.subject.test.truth))
    if not 0.0 < spread < math.inf:
        return []
    changes = np.quantile(found.change.max(axis=1), MOST, axis=0) / spread
    return [
        Reach(strength, float(change), None)
        for strength, change in zip(STRENGTHS, changes, strict=True)
        if math.isfinite(change)
    ]


def flip_kind(bench: Bench) -> str:
    """Say what small changes of a column do: ``flips`` of decisions, or ``change`` of a number."""
    return "change" if bench.subject.signature.task == "regression" else "flips"


def ratio_of(trial: Trial) -> tuple[float, Interval | None]:
    """Give the root mean squared error as a multiple of that without stress; NaN where it is not measured."""
    if "rmse" not in trial.stressed:
        return math.nan, None
    return ratio(trial.stressed["rmse"], trial.clean["rmse"], trial.groups)


def shown(bench: Bench) -> tuple[str, ...]:
    """Name the metrics that are measures under stress."""
    return main_metrics(bench.subject.signature.task, bench.subject.predicted.shape[1])


def _worst(name: str, found: Sequence[tuple[Single, float, Interval | None]]) -> Iterator[Measure]:
    usable = [part for part in found if math.isfinite(part[1])]
    if usable:
        single, value, around = max(usable, key=lambda part: part[1])
        where = f"{', '.join(single.columns)} ({single.stress}), the worst of {len(usable)}"
        yield from _drop(name, value, around, single.trial, where)


def _drop(name: str, value: float, around: Interval | None, trial: Trial, remark: str) -> Iterator[Measure]:
    if math.isfinite(value):
        yield _measure(
            name, value, around, trial.rows, method=_over_groups("delta method, paired", trial.groups), remark=remark
        )


def _over_groups(method: str, groups: Int64 | None) -> str:
    return method if groups is None else f"{method}, over groups of rows"


def _measure(name: str, value: float, around: Interval | None, rows: int, *, method: str, remark: str = "") -> Measure:
    return Measure(
        name=name,
        value=value,
        lower=around[0] if around else None,
        upper=around[1] if around else None,
        rows=rows,
        method=method if around else "",
        better="lower",
        note=remark if around else "; ".join(filter(None, (remark, "no interval exists"))),
    )
