"""Order: whether the test rows are later than those of training, where that matters, and how the error moves on."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from golive.domain.finding import Finding
from golive.evaluation.checks.found import SURE, Outcome, finding
from golive.evaluation.checks.looked import codes_of, sample
from golive.evaluation.checks.shifts import compare, matters
from golive.evaluation.moments import Moments, moments, written
from golive.evaluation.subject import Subject
from golive.ports import Column, Float64, Int64
from golive.statistics.metrics import decide

_LATEST = 0.99
_LEAST_EARLIER = 0.05
_LEAST_READABLE = 0.5
_SPANS = 10
_LEAST_IN_SPAN = 25
_FEWEST = 100
_GROWN = 1.25
_MOST_ROWS = 10_000
_MOST_COLUMNS = 200
_NAMED = 3
_Z95 = 1.959964


class Timed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """When the test rows were, and those of training."""

    name: str
    test: Moments
    training: Moments | None
    number: bool


def in_time(subject: Subject) -> Outcome:
    """Check the order in time where a time column is declared."""
    name = subject.declared.time
    if not name:
        return Outcome()
    column = subject.test.column(name)
    if column is None:
        return Outcome(findings=(finding("rows", "time_absent", "warn", columns=(name,), column=name),))
    training = None if subject.training is None else subject.training.column(name)
    timed = Timed(
        name=name,
        test=moments(column),
        training=None if training is None else moments(training),
        number=column.dtype.kind in "biuf",
    )
    if not np.isfinite(timed.test.values).any() and not timed.test.unreadable:
        return Outcome(findings=(finding("rows", "time_empty", "warn", columns=(name,), column=name),))
    broken = _unreadable(timed, len(column))
    if np.isfinite(timed.test.values).mean() < _LEAST_READABLE:
        return Outcome(findings=broken)
    share, early = _earlier(subject, timed)
    grown, details = _errors(subject, timed)
    found = [*broken, *(one for one in (early, grown) if one is not None)]
    return Outcome(
        findings=tuple(found),
        checked=("time",) if share is not None else (),
        details={"time": {**details, "earlier": share}} if details else {},
    )


def later(subject: Subject) -> bool:
    """Say whether the test rows come after the training rows, by the declared time column."""
    name, training = subject.declared.time, subject.training
    here, there = subject.test.column(name), None if training is None else training.column(name)
    if not name or here is None or there is None:
        return False
    test, known = moments(here).values, moments(there).values
    test, known = test[np.isfinite(test)], known[np.isfinite(known)]
    if not len(test) or len(known) < _FEWEST:
        return False
    return float((test < np.quantile(known, _LATEST, method="lower")).mean()) < _LEAST_EARLIER


def _unreadable(timed: Timed, rows: int) -> tuple[Finding, ...]:
    broken = timed.test.unreadable
    if not broken:
        return ()
    return (
        finding(
            "rows",
            "time_unreadable",
            "warn",
            columns=(timed.name,),
            column=timed.name,
            count=broken,
            share=broken / rows,
            example=timed.test.example[:40],
        ),
    )


def _earlier(subject: Subject, timed: Timed) -> tuple[float | None, Finding | None]:
    """Give the share of test rows before the latest training rows, and a finding where time changes the rows."""
    training = subject.training
    if timed.training is None or training is None:
        return None, None
    known = timed.training.values[np.isfinite(timed.training.values)]
    if len(known) < _FEWEST:
        return None, None
    # One wrong date far ahead must not make all rows early.
    latest = float(np.quantile(known, _LATEST, method="lower"))
    test = timed.test.values
    early = np.isfinite(test) & (test < latest)
    share = float(early.sum() / np.isfinite(test).sum())
    changing = _changing(subject, timed.training.values) if share >= _LEAST_EARLIER else []
    if not changing:
        return share, None
    rows = tuple(int(row) for row in subject.kept[np.flatnonzero(early)[:20]])
    named = changing[:_NAMED]
    early_rows = finding(
        "time",
        "earlier",
        "warn",
        columns=(timed.name,),
        rows=rows,
        column=timed.name,
        share=share,
        latest=written(latest, number=timed.number),
        changing=", ".join(named),
    )
    return share, msgspec.structs.replace(early_rows, values={**early_rows.values, "changing": named})


def _changing(subject: Subject, when: Float64) -> list[str]:
    """Name what is distributed otherwise in the later half of the training rows: the target, then inputs."""
    training = subject.training
    if training is None:
        return []
    usable = np.flatnonzero(np.isfinite(when))
    chosen = usable[sample(len(usable), _MOST_ROWS, np.random.default_rng([subject.seed, 3]))]
    order = chosen[np.argsort(when[chosen], kind="stable")]
    early, late = np.array_split(order, 2)
    truth: Column = training.truth.astype(np.float64)
    classes = subject.signature.task == "classification"
    truth = np.where(truth < 0, np.nan, truth) if classes else truth
    tried: dict[str, tuple[Float64, bool]] = {subject.signature.target: (truth, classes)}
    for name in subject.signature.names[:_MOST_COLUMNS]:
        if name in training.columns and name != subject.declared.time:
            (codes,), texts = codes_of(training.columns[name])
            tried[name] = (codes, texts is not None)
    return [
        name
        for name, (values, text) in tried.items()
        if matters(compare(values[early], values[late], text=text), text=text, chance=SURE / len(tried))
    ]


def _errors(subject: Subject, timed: Timed) -> tuple[Finding | None, Mapping[str, Any]]:
    """Give the error by span of time, and a finding where it grows."""
    when = timed.test.values
    rows = np.flatnonzero(np.isfinite(when))
    spans = min(_SPANS, len(rows) // _LEAST_IN_SPAN)
    if spans < 2:  # noqa: PLR2004 - a line needs two points
        return None, {}
    order: Int64 = rows[np.argsort(when[rows], kind="stable")]
    error = _error(subject)[order]
    parts = np.array_split(np.arange(len(order)), spans)
    means = np.array([error[part].mean() for part in parts])
    half = np.array([_Z95 * error[part].std(ddof=1) / np.sqrt(len(part)) for part in parts])
    details = {
        "column": timed.name,
        "first": written(float(when[order[0]]), number=timed.number),
        "last": written(float(when[order[-1]]), number=timed.number),
        "error": means.tolist(),
        "lower": np.maximum(means - half, 0.0).tolist(),
        "upper": (means + half).tolist(),
    }
    return _grown(error, timed.name, subject.signature.task), details


def _grown(error: Float64, name: str, task: str) -> Finding | None:
    third = len(error) // 3
    early, late = error[:third], error[-third:]
    if third < _FEWEST:
        return None
    unsure = float(np.hypot(early.std(ddof=1), late.std(ddof=1)) / np.sqrt(third))
    first, last = float(early.mean()), float(late.mean())
    # Five standard errors, since errors have heavy tails: one chance in a million if they were normal.
    if unsure == 0 or last - first < 5.0 * unsure or last < _GROWN * first:
        return None
    code = "error_grows" if task == "regression" else "mistakes_grow"
    return finding("time", code, "warn", columns=(name,), column=name, early=first, late=last)


def _error(subject: Subject) -> Float64:
    if subject.signature.task == "regression":
        return np.asarray(np.abs(subject.predicted[:, 0] - subject.test.truth), dtype=np.float64)
    chosen = decide(subject.predicted, subject.decision.threshold)
    return np.asarray(chosen != subject.test.truth, dtype=np.float64)
