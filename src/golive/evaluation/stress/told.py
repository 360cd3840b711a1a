"""Told: trials in, what the report's chapter draws out, as JSON values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.metric import better
from golive.evaluation.stress.bench import Bench, Trial
from golive.evaluation.stress.family import Family
from golive.evaluation.stress.flips import STRENGTHS, Flips
from golive.evaluation.stress.limits import Level, Limit
from golive.evaluation.stress.named import MOST, flip_kind, ratio_of, reached, shown
from golive.evaluation.stress.scores import score
from golive.evaluation.stress.singles import Single
from golive.statistics.intervals import Interval

_SHOWN_SINGLES = 40
_SHOWN_COLUMNS = 5
_NEAR = (0.1, 0.2, 0.5)


def clean_details(bench: Bench) -> dict[str, float | None]:
    """Give the main metrics of the bench's rows without stress."""
    rows = np.arange(bench.rows, dtype=np.int64)
    answered = bench.answered(bench.subject.predicted[bench.places], rows)
    return {name: _finite(score(name, answered).value) for name in shown(bench)}


def family_details(bench: Bench, family: Family, levels: Sequence[Level]) -> dict[str, Any]:
    """Give what every strength of a family did."""
    return {
        "name": family.name,
        "form": family.form,
        "columns": len(family.columns),
        "points": [
            {
                "strength": level.strength,
                "rows": level.trial.rows,
                "refused": level.trial.refused,
                "broken": level.trial.broken,
                "drops": _drops(bench, level.trial),
            }
            for level in levels
            if level.family == family.name
        ],
    }


def single_details(bench: Bench, found: Sequence[Single]) -> dict[str, Any]:
    """Give the stresses of one column that did most harm, the worst first."""
    main = _main(bench, found)
    rows = [_single(single, main) for single in found]
    rows.sort(key=_harm, reverse=True)
    return {
        "metric": main,
        "better": better(main),
        "rows": bench.rows,
        "tried": len(rows),
        "table": rows[:_SHOWN_SINGLES],
    }


def flip_details(bench: Bench, found: Flips) -> dict[str, Any]:
    """Give how far single columns reach, and which of them most easily."""
    return {
        "kind": flip_kind(bench),
        "rows": bench.rows,
        "columns": len(found.columns),
        "refused": list(found.refused),
        "steps": [
            {"strength": reach.strength, "value": reach.value, **_bounds(reach.around)}
            for reach in reached(bench, found)
        ],
        "by_column": _by_column(found, regression=flip_kind(bench) == "change") if found.columns else [],
    }


def limit_details(limit: Limit) -> dict[str, Any]:
    """Give a rule, and the smallest stress of every family that breaks it."""
    return {
        "rule": limit.rule.text,
        "term": limit.rule.term,
        "clean": limit.clean,
        "holds": limit.holds,
        "breaks": [
            {
                "family": level.family,
                "form": level.form,
                "strength": level.strength,
                "value": term,
                "answered": 1.0 - level.trial.refused,
            }
            for level, term in limit.breaks
        ],
    }


def _drops(bench: Bench, trial: Trial) -> dict[str, dict[str, float | None]]:
    found = {name: trial.drop(name) for name in shown(bench)}
    return {name: {"value": drop, **_bounds(around)} for name, (drop, around) in found.items() if math.isfinite(drop)}


def _single(single: Single, main: str) -> dict[str, Any]:
    drop, around = single.trial.drop(main)
    return {
        "kind": single.kind,
        "stress": single.stress,
        "columns": list(single.columns),
        "drop": _finite(drop),
        **_bounds(around),
        "ratio": _finite(ratio_of(single.trial)[0]),
        "refused": single.trial.refused,
        "broken": single.trial.broken,
    }


def _main(bench: Bench, found: Sequence[Single]) -> str:
    # With one class in the test rows there is no area under a curve.
    names = shown(bench)
    return next((name for name in names if any(math.isfinite(one.trial.drop(name)[0]) for one in found)), names[0])


def _harm(row: Mapping[str, Any]) -> tuple[float, float]:
    return row["broken"], -math.inf if row["drop"] is None else row["drop"]


def _by_column(found: Flips, *, regression: bool) -> list[dict[str, Any]]:
    """Give the columns that it is easiest with, at the smallest strength from 0.1 on where any does something."""
    for strength in _NEAR:
        change = found.change[:, :, STRENGTHS.index(strength)]
        force = np.quantile(change, MOST, axis=0) if regression else found.share(strength)
        if force.max() > 0.0:
            order = np.argsort(-force, kind="stable")[:_SHOWN_COLUMNS]
            return [
                {"column": found.columns[column], "strength": strength, "value": float(force[column])}
                for column in order.tolist()
                if force[column] > 0.0
            ]
    return []


def _bounds(around: Interval | None) -> dict[str, float | None]:
    lower, upper = around or (None, None)
    return {"lower": lower, "upper": upper}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
