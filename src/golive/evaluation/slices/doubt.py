"""Doubt: a truth and answers in, how many truths nothing else supports out, and which."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive.evaluation.slices.losses import Answers
from golive.evaluation.slices.opinion import corrected
from golive.ports import Column, Float64, Int64
from golive.statistics.clusters import worth
from golive.statistics.excess import Bool, chance, fitted, hats, knots
from golive.statistics.lapse import Lapse, lapse

ALPHA = 0.0003
"""Chance of a false finding, for each of the two things that are looked for."""
FEWEST_ROWS = 100
LEAST_SHARE = 0.01
"""Fewer doubtful rows than that are listed, not found fault with."""
MOST_SHARE = 0.2
"""A floor that is higher is the model's: labels that are wrong so often leave nothing to judge them by."""
FAR = 6.0
"""Robust standard deviations beyond which a value is doubtful."""
FAR_BY_TAILS = 0.0065
"""Share of rows that far away where errors have tails as heavy as Student's t with three degrees of freedom."""

_MOST = 20_000
_SMALLEST = 1e-6
_BINARY = 2
_NORMAL = 1.4826
_FURTHEST = 1e100
_BULK = 0.9
_FEWEST_OTHERS = 5
_FEWEST_LEVELS = 100


class Doubt(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How many truths are doubtful."""

    share: float
    """Of the rows, beyond what miscalibration, or heavy tails, explain."""
    p: float
    ranked: Int64
    """Places of the rows, the most doubtful first."""
    weights: Float64
    """How doubtful each row is, ``[n]``: a probability, or robust standard deviations."""
    counted: int
    """Rows that confident learning, or the distance, sets apart."""
    explained: float
    """How many that would be by the stated probabilities, or by heavy tails, with every truth right."""


def of_classes(answers: Answers, columns: Mapping[str, Column]) -> Doubt | None:
    """Judge labels by stated probabilities; None where only one kind of outcome is there, or few probabilities are.

    The number comes from the floor under the rate of confident errors (:mod:`golive.statistics.lapse`), where it stays
    after the inputs have corrected the model (:mod:`golive.evaluation.slices.opinion`); the order from confident
    learning (Northcutt, Jiang and Chuang 2021): rows whose probability of another class is above that
    class's own mean, the largest margin first.
    """
    truth, p = answers.truth.astype(np.int64), answers.predicted
    odds, came_true = _stated(truth, p)
    few = np.linspace(0, len(truth) - 1, min(len(truth), _MOST)).astype(np.int64)
    # Among few levels of odds, one that is sure without reason cannot be told from a floor.
    if min(int(came_true.sum()), int((~came_true).sum())) < _FEWEST_OTHERS or len(np.unique(odds)) < _FEWEST_LEVELS:
        return None
    groups = None if answers.groups is None else answers.groups[few]
    curve = lapse(odds[few], came_true[few])
    doubt, chance_of_it = curve.doubt(odds, came_true), _weighed(curve, odds[few], came_true[few], groups)
    share = float(doubt.mean())
    if chance_of_it <= ALPHA:
        some = {name: column[few] for name, column in columns.items()}
        mended = corrected(odds[few], came_true[few], some, groups)
        second = lapse(mended, came_true[few])
        share = min(share, float(second.doubt(mended, came_true[few]).mean()))
        chance_of_it = max(chance_of_it, _weighed(second, mended, came_true[few], groups))
    other, margin, explained = confident(truth, p)
    apart = other != truth
    return Doubt(
        share=share,
        p=chance_of_it,
        ranked=np.lexsort((margin, ~apart)).astype(np.int64),
        weights=doubt,
        counted=int(apart.sum()),
        explained=explained,
    )


def _weighed(curve: Lapse, odds: Float64, came_true: Bool, groups: Int64 | None) -> float:
    """Give the chance of a floor, of rows in groups with as many rows as they are worth."""
    doubt, errors = curve.doubt(odds, came_true), came_true - curve.clean(odds)
    # With two degrees of freedom the tail is exponential: rows that are worth less weaken it by the same power.
    return float(curve.p ** min(worth(doubt, groups), worth(errors, groups)))


def confident(truth: Int64, p: Float64) -> tuple[Int64, Float64, float]:
    """Give the class that each row is confidently of, else its own, and the margin ``[n]`` of its own class.

    A class is confident where its probability is at least its mean among the rows of that class. The third value is how
    many rows would have another label than the confident one if the probabilities were right.
    """
    classes = p.shape[1]
    counts = np.bincount(truth, minlength=classes)
    own = p[np.arange(len(truth)), truth]
    means = np.bincount(truth, weights=own, minlength=classes) / np.maximum(counts, 1)
    thresholds = np.where(counts > 0, means, np.inf)
    eligible = np.where(p >= thresholds, p, -1.0)
    best = eligible.argmax(axis=1)
    sure = eligible.max(axis=1) >= 0.0
    other = np.where(sure, best, truth)
    rest = p.copy()
    rest[np.arange(len(truth)), truth] = -1.0
    explained = float((1.0 - p[np.arange(len(truth)), best])[sure].sum())
    return other.astype(np.int64), own - rest.max(axis=1), explained


def of_values(answers: Answers) -> Doubt | None:
    """Judge targets by their distance in units of the spread at the same prediction; None where there is no spread."""
    predicted = answers.predicted[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.clip(answers.truth - predicted, -_FURTHEST, _FURTHEST)
    away = np.abs(errors - np.median(errors))
    basis = hats(predicted, knots(predicted))
    usual = fitted(np.minimum(away, np.quantile(away, _BULK)), basis)
    scaled = away / np.maximum(usual, 0.05 * max(float(np.median(away)), 1e-300))
    spread = _NORMAL * float(np.median(scaled))
    if spread <= 0.0 or not np.isfinite(spread):
        return None
    distance = scaled / spread
    beyond = distance > FAR
    far = int(beyond.sum())
    each = min(worth(beyond.astype(np.float64), answers.groups), worth(np.minimum(distance, FAR), answers.groups))
    return Doubt(
        share=max(far / len(away) - FAR_BY_TAILS, 0.0),
        p=_rarity(far, len(away), FAR_BY_TAILS, each),
        ranked=np.argsort(-distance, kind="stable").astype(np.int64),
        weights=distance,
        counted=far,
        explained=FAR_BY_TAILS * len(away),
    )


def _rarity(count: int, trials: int, rate: float, each: float) -> float:
    """Give the chance of so many, where a trial is worth ``each`` of an independent one."""
    return chance(int(count * each), max(round(trials * each), 1), rate)


class Conflicts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows whose inputs are identical to others' and whose truth is not."""

    groups: int
    """Sets of rows with identical inputs."""
    conflicting: int
    """Those of them that disagree."""
    expected: float
    """How many would, by what the model states."""
    rows: tuple[int, ...]
    """Places of the rows in sets that disagree."""
    share: float
    """Their share of all rows."""
    distinct: float
    """Different inputs, as a share of the rows."""
    p: float


def conflicts(
    columns: Mapping[str, Column], truth: Float64 | Int64, judged: Answers, groups: Int64 | None = None
) -> Conflicts:
    """Look for identical rows with different answers, more than the model's doubt about ``judged`` rows explains.

    With ``groups`` ``[n]`` of these rows, all sets that begin with a row of one group count as one.
    """
    _, first, group, sizes = np.unique(
        fingerprints(columns, len(truth)), return_index=True, return_inverse=True, return_counts=True
    )
    lowest, highest = np.full(len(sizes), np.inf), np.full(len(sizes), -np.inf)
    np.minimum.at(lowest, group, truth)
    np.maximum.at(highest, group, truth)
    several = sizes > 1
    apart, disagree = _disagreement(judged)
    differing = several & (highest - lowest > apart)
    sets, found = int(several.sum()), int(differing.sum())
    rate = float((1.0 - (1.0 - disagree) ** (sizes[several] - 1)).mean()) if sets else 0.0
    rows = np.flatnonzero(differing[group])
    each = 1.0 if groups is None else len(np.unique(groups[first[several]])) / max(sets, 1)
    return Conflicts(
        groups=sets,
        conflicting=found,
        expected=rate * sets,
        rows=tuple(rows.tolist()),
        share=len(rows) / max(len(truth), 1),
        distinct=len(sizes) / max(len(truth), 1),
        p=_rarity(found, sets, rate, each) if found else 1.0,
    )


def fingerprints(columns: Mapping[str, Column], rows: int) -> Int64:
    """Give a number ``[n]`` for each row that is the same where all its values are."""
    mixed = np.zeros(rows, dtype=np.uint64)
    for column in columns.values():
        mixed = (mixed ^ _codes(column)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed.view(np.int64)


def _codes(column: Column) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    if column.dtype != object:
        # Zero has two signs and "no number" many forms.
        plain = np.where(np.isnan(column), np.nan, column + 0.0).astype(np.float64)
        bits = plain.view(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray(bits ^ (bits >> np.uint64(31)))
    seen: dict[object, int] = {}
    return np.fromiter((seen.setdefault(value, len(seen) + 1) for value in column), np.uint64, len(column))


def _disagreement(judged: Answers) -> tuple[float, float]:
    """Give how far two truths may be apart, and how often two of the same inputs are further apart by chance."""
    if judged.classifies:
        return 0.0, float(np.clip(1.0 - (judged.predicted**2).sum(axis=1).mean(), 0.001, 0.999))
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.clip(judged.truth - judged.predicted[:, 0], -_FURTHEST, _FURTHEST)
    spread = _NORMAL * float(np.median(np.abs(errors - np.median(errors))))
    return FAR * spread * float(np.sqrt(2.0)), FAR_BY_TAILS


def _stated(truth: Int64, p: Float64) -> tuple[Float64, Bool]:
    """Give log odds and outcomes: of the second of two classes, of the most probable one of many."""
    if p.shape[1] == _BINARY:
        stated, came_true = p[:, 1], truth == 1
    else:
        pick = p.argmax(axis=1)
        stated, came_true = p[np.arange(len(p)), pick], pick == truth
    return log_odds(stated), np.asarray(came_true, dtype=np.bool_)


def log_odds(stated: Float64) -> Float64:
    """Give finite log odds ``[n]``; 0 and 1 stand one step beyond the surest probabilities between them."""
    smallest = float(np.min(stated[stated > 0.0], initial=0.5)) / 2
    largest = float(np.min(1.0 - stated[stated < 1.0], initial=0.5)) / 2
    low, high = max(smallest, _SMALLEST), max(largest, _SMALLEST)
    inner = np.clip(stated, low, 1.0 - high)
    return np.asarray(np.log(inner / (1.0 - inner)))
