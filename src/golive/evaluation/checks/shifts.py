"""Shifts: columns, and the answers, that are distributed otherwise than in training. Effect and evidence are needed.

The test rows stand beside the training rows, or beside the counts that the bundle holds of them. A change is found
where it is large enough to matter and so unlikely by chance that no clean evaluation should show one, whatever the
number of columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.finding import Finding
from golive.domain.profile import ColumnProfile
from golive.evaluation.checks.found import SURE, Outcome, few, finding, note_of, too_few
from golive.evaluation.checks.looked import Looked, Seen
from golive.evaluation.roles import BASELINE
from golive.ports import Float64, Int64
from golive.statistics.bins import count_categories, count_numbers, number_bins
from golive.statistics.drift import (
    ColumnDrift,
    Rise,
    category_drift,
    grouped,
    location_p,
    merged,
    number_drift,
    rise,
    shape_p,
)

W1, PSI_NUMBER, PSI_CATEGORY = 0.15, 0.1, 0.02
_MISSING, _UNSEEN, _OUTSIDE = 0.01, 0.01, 0.02
_TESTS = 4
_FEWEST = 30
_TOP = 28
_FREQUENT, _FREQUENT_SHARE = 20, 0.005
_SHAPES = ("shape", "categories")
_APART, _NAMED = 3, 3
"""More columns of another shape than this are one finding, which names the worst."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """How one column of the test rows differs from training."""

    name: str
    text: bool
    drift: ColumnDrift
    edges: tuple[float, ...] = ()
    reference: tuple[int, ...] = ()
    window: tuple[int, ...] = ()

    @property
    def size(self) -> float:
        """How large it is, in thresholds."""
        shape = self.drift.psi / (PSI_CATEGORY if self.text else PSI_NUMBER)
        return max(shape, self.drift.w1 / W1, self.drift.missing.points / _MISSING)


def changes(looked: Looked) -> dict[str, Change]:
    """Compare every column that has a reference."""
    profile = looked.subject.profile
    known = {} if profile is None else {column.name: column for column in profile.inputs}
    found = {}
    for seen in looked.columns:
        change = _beside_rows(seen) if seen.training is not None else _beside_counts(seen, known.get(seen.name))
        if change is not None:
            found[seen.name] = change
    return found


def shifts(looked: Looked, changed: Mapping[str, Change], *, explained: Sequence[str] = ()) -> Outcome:
    """Find changes that matter; columns whose change is ``explained`` already are left out."""
    if looked.rows < _FEWEST:
        return too_few("shift", looked.rows, _FEWEST)
    if not changed:
        return Outcome(notes=(note_of("unlooked.no_reference", kinds=["shift"]),))
    dates = [seen.name for seen in looked.columns if seen.field.format == "date"]
    exempt = {*explained, *dates, *looked.subject.declared.identifiers, looked.subject.declared.time}
    hypotheses = _TESTS * len(changed) + 1
    ordered = sorted(changed.values(), key=lambda change: (-change.size, change.name))
    found = [
        result for change in ordered if change.name not in exempt and (result := _found(change, hypotheses)) is not None
    ]
    answers = _answers(looked, hypotheses)
    return Outcome(findings=(*few(_joined(found)), *answers), checked=("shift",))


def _joined(found: Sequence[Finding]) -> list[Finding]:
    """Put columns of another shape together where they are many: whole rows are then other ones."""
    shapes = [one for one in found if one.code in _SHAPES]
    if len(shapes) <= _APART:
        return list(found)
    shapes.sort(key=lambda one: -float(one.values["psi"]))
    worst = [f"{one.values['column']} ({one.values['psi']:.2f})" for one in shapes[:_NAMED]]
    several = finding(
        "shift",
        "several",
        "warn",
        columns=tuple(name for one in shapes for name in one.columns),
        p=max(one.p or 0.0 for one in shapes),
        count=len(shapes),
        worst=", ".join(worst),
    )
    told = msgspec.structs.replace(several, values={**several.values, "worst": worst})
    return [told, *(one for one in found if one.code not in _SHAPES)]


def compare(reference: Float64, window: Float64, *, text: bool) -> ColumnDrift:
    """Compare values, or codes of texts, of two sets of rows; NaN is missing."""
    if not text:
        edges, counts = number_bins(reference)
        return _number_drift(edges, counts, count_numbers(edges, window))
    return category_drift(*_frequent(*_category_counts(reference, window)[:2]))


def matters(drift: ColumnDrift, *, text: bool, chance: float) -> bool:
    """Say whether a change of shape or place is large, and less likely than ``chance``."""
    large = drift.psi >= PSI_CATEGORY if text else drift.psi >= PSI_NUMBER or drift.w1 >= W1
    return large and drift.p <= chance


def _beside_rows(seen: Seen) -> Change | None:
    reference = seen.training
    if reference is None or len(reference) < _FEWEST:
        return None
    if seen.texts is None:
        edges, counts = number_bins(reference)
        window = count_numbers(edges, seen.test)
        drift = _number_drift(edges, counts, window)
        return Change(
            name=seen.name, text=False, drift=drift, edges=edges, reference=counts, window=tuple(window.tolist())
        )
    before, now, once = _category_counts(reference, seen.test)
    drift = category_drift(*_frequent(before, now))
    unseen = _new(seen.test, np.isin(seen.test, reference), once, sum(before[:-1]))
    drift = msgspec.structs.replace(drift, unseen=unseen)
    return Change(name=seen.name, text=True, drift=drift, reference=tuple(before), window=tuple(now.tolist()))


def _category_counts(reference: Float64, window: Float64) -> tuple[tuple[int, ...], Int64, int]:
    """Give ``[values..., other, unseen, missing]`` of both, and how many values the reference has once."""
    values, counts = np.unique(reference[~np.isnan(reference)].astype(np.int64), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    top, rest = values[order[:_TOP]], values[order[_TOP:]]
    now = window[~np.isnan(window)].astype(np.int64)
    tally = np.array([(now == value).sum() for value in top], dtype=np.int64)
    other = int(np.isin(now, rest).sum())
    unseen = len(now) - int(tally.sum()) - other
    before = (*counts[order[:_TOP]].tolist(), int(counts[order[_TOP:]].sum()), 0, int(np.isnan(reference).sum()))
    here = np.array([*tally.tolist(), other, unseen, int(np.isnan(window).sum())], dtype=np.int64)
    return before, here, int((counts == 1).sum())


def _number_drift(edges: Sequence[float], reference: Sequence[int], window: Int64) -> ColumnDrift:
    """Compare a number column with evidence that heavy tails do not spoil: of places in the order, not of values."""
    drift = number_drift(edges, reference, window)
    before, now = (np.asarray(counts, dtype=np.float64)[:-1] for counts in (reference, window))
    if not before.sum() or not now.sum() or len(edges) < 2:  # noqa: PLR2004 - two edges make a bin
        return drift
    places = np.cumsum(before + now)[:-1]
    shape = shape_p(*merged(grouped(before), grouped(now)))
    return msgspec.structs.replace(drift, p=min(1.0, 2.0 * min(shape, location_p(places, before, now))))


def _new(window: Float64, known: npt.NDArray[np.bool_], once: int, reference_rows: int) -> Rise:
    """Say whether more values are new than rare ones explain.

    A value that the reference holds once would have been new without that row, so as many new values are to be
    expected (Good 1953). Rows come in groups by value, so values are counted, and the most frequent new one is asked
    for by itself: it would have all its rows here and none there.
    """
    present = ~np.isnan(window)
    values = np.unique(window[present])
    counts = np.unique(window[present & ~known], return_counts=True)[1]
    rows = float(present.sum())
    if not len(counts) or not reference_rows:
        return rise(0.0, rows, float(once), float(reference_rows))
    many = rise(float(len(counts)), rows, float(once), float(reference_rows)).p
    one = min(1.0, (rows / (rows + reference_rows)) ** float(counts.max()) * len(values))
    return Rise(share=float(counts.sum()) / rows, reference=once / reference_rows, p=min(1.0, 2.0 * min(many, one)))


def _frequent(before: Sequence[int], now: Int64) -> tuple[tuple[int, ...], Int64]:
    """Keep the values that are frequent in the reference, and count all others, new ones too, together.

    Rare values were chosen because the reference has them, so the window has fewer of them by chance alone.
    """
    counts = np.array(before, dtype=np.int64)
    least = max(_FREQUENT, _FREQUENT_SHARE * float(counts[:-1].sum()))
    kept = np.flatnonzero(counts[:-3] >= least)
    folded = [
        np.concatenate([part[kept], [part[:-1].sum() - part[kept].sum(), 0, part[-1]]]).astype(np.int64)
        for part in (counts, now)
    ]
    return tuple(folded[0].tolist()), folded[1]


def _beside_counts(seen: Seen, known: ColumnProfile | None) -> Change | None:
    if known is None or sum(known.counts) < _FEWEST:
        return None
    if seen.texts is None and known.edges:
        window = count_numbers(known.edges, seen.test)
        drift = _number_drift(known.edges, known.counts, window)
        counts = tuple(window.tolist())
        return Change(name=seen.name, text=False, drift=drift, edges=known.edges, reference=known.counts, window=counts)
    if seen.texts is None or not known.values:
        return None
    texts = np.array([*seen.texts, None], dtype=object)
    words = texts[np.nan_to_num(seen.test, nan=len(seen.texts)).astype(np.int64)]
    others = seen.field.categories or None
    now = count_categories(known.values, words, others=others)
    drift = category_drift(*_frequent(known.counts, now))
    # Any value without a count of its own may have been there once.
    once = 0 if others is None else len(set(others) - set(known.values))
    old = np.array([text in others for text in seen.texts] if others else [True] * len(seen.texts), dtype=np.bool_)
    unseen = _new(seen.test, np.isin(seen.test, np.flatnonzero(old)), once, sum(known.counts[:-1]))
    drift = msgspec.structs.replace(drift, unseen=unseen)
    return Change(name=seen.name, text=True, drift=drift, reference=known.counts, window=tuple(now.tolist()))


def _found(change: Change, hypotheses: int) -> Finding | None:
    """Give the plainest statement that is true: new values, another shape, more missing ones, values out of range."""
    drift, chance = change.drift, SURE / hypotheses
    if _rose(drift.unseen, _UNSEEN, chance):
        return _risen(change.name, "unseen", drift.unseen, hypotheses)
    if matters(drift, text=change.text, chance=chance):
        p = min(1.0, drift.p * hypotheses)
        about: dict[str, Any] = {"columns": (change.name,), "p": p, "column": change.name, "psi": drift.psi}
        if change.text:
            return finding("shift", "categories", "warn", **about)
        return finding("shift", "shape", "warn", w1=drift.w1, **about)
    if _rose(drift.missing, _MISSING, chance):
        return _risen(change.name, "missing", drift.missing, hypotheses)
    if _rose(drift.outside, _OUTSIDE, chance):
        return _risen(change.name, "outside", drift.outside, hypotheses)
    return None


def _rose(rose: Rise | None, least: float, chance: float) -> TypeGuard[Rise]:
    return rose is not None and rose.points >= least and rose.p <= chance


def _risen(name: str, code: str, rose: Rise, hypotheses: int) -> Finding:
    return finding(
        "shift",
        code,
        "warn",
        columns=(name,),
        p=min(1.0, rose.p * hypotheses),
        column=name,
        share=rose.share,
        before=rose.reference,
    )


def _answers(looked: Looked, hypotheses: int) -> list[Finding]:
    """Compare the true answers with those of training."""
    if looked.subject.signature.task == "classification":
        return _classes(looked, hypotheses)
    if looked.training_truth is None or len(looked.training_truth) < _FEWEST:
        return []
    before = looked.training_truth[np.isfinite(looked.training_truth)]
    drift = compare(before, looked.truth, text=False)
    if not matters(drift, text=False, chance=SURE / hypotheses):
        return []
    p = min(1.0, drift.p * hypotheses)
    return [finding("shift", "target", "warn", p=p, now=float(looked.truth.mean()), before=float(before.mean()))]


def _classes(looked: Looked, hypotheses: int) -> list[Finding]:
    subject = looked.subject
    labels = subject.signature.data_classes
    now = np.bincount(looked.truth.astype(np.int64), minlength=len(labels))
    if looked.training_truth is not None:
        truth = looked.training_truth
        before = np.bincount(truth[truth >= 0].astype(np.int64), minlength=len(labels))
    elif subject.profile is not None and BASELINE in subject.answers:
        # The baseline answers with the shares of training.
        before = np.round(subject.answers[BASELINE][0] * subject.profile.rows).astype(np.int64)
    else:
        return []
    if before.sum() < _FEWEST:
        return []
    drift = category_drift((*before.tolist(), 0, 0, 0), np.append(now, [0, 0, 0]))
    if not matters(drift, text=True, chance=SURE / hypotheses):
        return []
    shares, then = now / now.sum(), before / before.sum()
    most = int(np.abs(shares - then).argmax())
    return [
        finding(
            "shift",
            "classes",
            "warn",
            p=min(1.0, drift.p * hypotheses),
            label=labels[most],
            now=float(shares[most]),
            before=float(then[most]),
        )
    ]
