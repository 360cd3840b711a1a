"""Leakage: columns that alone, or two together, tell the target almost without error.

A column predicts each row from the rows beside it in its own order, out of fold, so what it says needs no model: rows
of the same value where there are enough of them, else those of the nearest values.
"""

from collections.abc import Sequence

import numpy as np

from golive.domain.finding import Finding
from golive.evaluation.checks.found import Outcome, few, finding, note_of
from golive.evaluation.checks.looked import Looked, Seen, sample
from golive.ports import Float64, Int64

SURE_REGRESSION = 0.99
SURE_CLASSIFICATION = 0.985
"""The powers from which training leaves a column out."""
_FEWEST = 50
_FEWEST_OTHERS = 20
_MOST_ROWS = 5_000
_MOST_CELLS = 5_000_000
_MOST_LABELS = 20
_MOST_PAIRED = 200
_FOLDS = 3
_TIES = 5
_BESIDE = 2
_COLLINEAR = 1e-6
_SUM_IS_EXACT = 0.999
"""Parts of a sum may have been rounded."""
_TAIL = 0.01


def leaks(looked: Looked) -> Outcome:
    """Find what the model reads and should not have known."""
    classes = looked.subject.signature.task == "classification"
    target, rows = _pooled(looked)
    target = _frequent(target) if classes else target
    others = len(target) - _most(target) if classes else len(target)
    if len(target) < _FEWEST or others < _FEWEST_OTHERS or np.ptp(target) == 0:
        return Outcome(notes=(note_of("checks_few", kinds=["leakage"], count=len(target)),))
    limit = SURE_CLASSIFICATION if classes else SURE_REGRESSION
    columns = {seen.name: (_values(seen, looked, rows), seen.texts is not None) for seen in looked.columns}
    powers = {name: power(values, target, classes=classes, text=text) for name, (values, text) in columns.items()}
    sure = sorted((name for name in powers if powers[name] >= limit), key=lambda name: -powers[name])
    found = [finding("leakage", "alone", "stop", columns=(name,), column=name, power=powers[name]) for name in sure]
    numbers = {name: values for name, (values, text) in columns.items() if not text and name not in sure}
    pairs = [] if classes else _together(numbers, target)
    strongest = sorted(powers.items(), key=lambda pair: -pair[1])[:_MOST_LABELS]
    return Outcome(
        findings=few([*found, *pairs]),
        checked=("leakage",),
        details={"power": [{"column": name, "power": float(max(value, 0.0))} for name, value in strongest]},
    )


def power(values: Float64, target: Float64, *, classes: bool, text: bool = False) -> float:
    """Say how much of what can be predicted a column ``[n]`` tells alone.

    Of classes: the share of the errors of the most frequent class that it avoids. Of numbers: the share of the
    variation that it explains, by the rows beside it or by a straight line; a line that only a few extreme rows hold
    up does not count. At most 1, below 0 for a column that says nothing.
    """
    if classes:
        labels, place = np.unique(target, return_inverse=True)
        wrong = float((_beside(values, np.eye(len(labels))[place], text=text).argmax(axis=1) != place).mean())
        return 1.0 - wrong / (1.0 - _most(target) / len(target))
    # Ranks keep a few huge values from hiding what a column tells of all others.
    ranks = np.unique(target, return_inverse=True)[1].astype(np.float64)
    both = np.stack([target, ranks], axis=1)
    unexplained = np.mean((_beside(values, both, text=text) - both) ** 2, axis=0) / np.var(both, axis=0)
    alone = float(1.0 - unexplained.min())
    return alone if text else max(alone, _straight(values, target))


def _beside(values: Float64, target: Float64, *, text: bool) -> Float64:
    """Predict each row ``[n, k]`` by the mean of the rows beside it, from the folds that it is not in."""
    values = np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.finfo(np.float64).max)
    fold = np.arange(len(values)) % _FOLDS
    predicted = np.empty(target.shape)
    for held in range(_FOLDS):
        known, asked = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        order = known[np.argsort(values[known], kind="stable")]
        ordered = values[order]
        total = np.concatenate([np.zeros((1, target.shape[1])), target[order].cumsum(axis=0)])
        low, high = (np.searchsorted(ordered, values[asked], side) for side in ("left", "right"))
        if not text:
            thin = high - low < _TIES
            low = np.where(thin, np.maximum(low - _BESIDE, 0), low)
            high = np.where(thin, np.minimum(high + _BESIDE, len(order)), high)
        count = (high - low)[:, None]
        overall = total[-1] / len(order)
        predicted[asked] = np.where(count > 0, (total[high] - total[low]) / np.maximum(count, 1), overall)
    return predicted


def _straight(values: Float64, target: Float64) -> float:
    known = np.isfinite(values)
    if known.sum() < max(_FEWEST, 0.5 * len(values)):
        return 0.0
    x, y = values[known], target[known]
    low, high = np.quantile(y, [_TAIL, 1.0 - _TAIL])
    inner = (y >= low) & (y <= high)
    return min(_explained(x, y), _explained(x[inner], y[inner]))


def _explained(x: Float64, y: Float64) -> float:
    if len(x) < _FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    with np.errstate(all="ignore"):
        found = float(np.corrcoef(x / np.abs(x).max(), y / np.abs(y).max())[0, 1] ** 2)
    return found if np.isfinite(found) else 0.0


def _together(columns: dict[str, Float64], target: Float64) -> list[Finding]:
    """Find two columns that make up the target exactly, such as the parts of a sum."""
    usable = {name: values for name, values in columns.items() if np.isfinite(values).all() and np.ptp(values) > 0}
    names = list(usable)[:_MOST_PAIRED]
    if len(names) < 2:  # noqa: PLR2004 - a pair
        return []
    # R squared of two regressors from the three correlations (any text on multiple correlation).
    with np.errstate(all="ignore"):
        whole = np.corrcoef(np.stack([*(_unit(usable[name]) for name in names), _unit(target)]))
    among, alone = whole[:-1, :-1], whole[:-1, -1]
    free = 1.0 - among**2
    numerator = alone[:, None] ** 2 + alone[None, :] ** 2 - 2 * np.outer(alone, alone) * among
    explained = np.divide(numerator, free, out=np.zeros_like(free), where=free > _COLLINEAR)
    exact = np.argwhere(np.triu(explained >= _SUM_IS_EXACT, 1)).tolist()
    return [
        finding(
            "leakage", "together", "stop", columns=(names[left], names[right]), first=names[left], second=names[right]
        )
        for left, right in exact
    ]


def _unit(values: Float64) -> Float64:
    return np.asarray(values / np.abs(values).max(), dtype=np.float64)


def _pooled(looked: Looked) -> tuple[Float64, Int64]:
    """Give the target of the rows that are used, and where they stand among the training and then the test rows."""
    parts: Sequence[Float64] = [looked.truth]
    parts = parts if looked.training_truth is None else [looked.training_truth, looked.truth]
    whole = np.concatenate(parts)
    usable = np.flatnonzero(np.isfinite(whole) & (whole >= 0 if _classes(looked) else np.isfinite(whole)))
    most = int(np.clip(_MOST_CELLS // max(len(looked.columns), 1), 1_000, _MOST_ROWS))
    chosen = np.random.default_rng(looked.subject.seed).permutation(usable[sample(len(usable), most, _rng(looked))])
    return whole[chosen], chosen


def _rng(looked: Looked) -> np.random.Generator:
    return np.random.default_rng([looked.subject.seed, 1])


def _classes(looked: Looked) -> bool:
    return looked.subject.signature.task == "classification"


def _values(seen: Seen, looked: Looked, rows: Int64) -> Float64:
    whole = seen.both if looked.training_truth is not None else seen.test
    return whole[rows]


def _frequent(target: Float64) -> Float64:
    """Keep the twenty most frequent classes apart, and all others as one."""
    labels, place, counts = np.unique(target, return_inverse=True, return_counts=True)
    if len(labels) <= _MOST_LABELS:
        return target
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.minimum(rank[place], _MOST_LABELS).astype(np.float64)


def _most(target: Float64 | Int64) -> int:
    return int(np.unique(target, return_counts=True)[1].max()) if len(target) else 0
