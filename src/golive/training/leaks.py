"""Columns and a target in; columns that give the target away out, with the evidence. Names do not matter.

Every column alone tries to predict the target, by a shallow tree under cross-validation. A measured quantity
that does so almost perfectly is most likely made from the target, or known only after it.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from golive.ports import Float64, Int64

_FEWEST_ROWS = 50
_MOST_ROWS = 3000
_FOLDS = 3
_SURE_REGRESSION = 0.99
_SURE_CLASSIFICATION = 0.985
_STRONG = 0.95
_SUM_IS_EXACT = 0.999999
_MOST_PAIRED = 200
_COLLINEAR = 1e-6


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """A column that predicts the target alone, or almost."""

    column: str
    power: float
    """Share of the target's variation (regression) or of the avoidable errors (classes) that it explains alone."""
    sure: bool
    """Whether that is too good to be a real measurement; otherwise it is only worth a look."""
    sentence: str


def leaks(columns: Mapping[str, Float64], target: Float64 | Int64, *, classes: bool, seed: int = 0) -> tuple[Leak, ...]:
    """Find leaks among columns (float64 ``[n]``, NaN is missing, categories as codes); strongest first.

    At most 3,000 rows are looked at; with fewer than 50 nothing can be said and nothing is found.
    """
    rows = len(target)
    if rows < _FEWEST_ROWS:
        return ()
    picked = np.random.default_rng(seed).permutation(rows)[:_MOST_ROWS]
    found = [_alone(name, values[picked], target[picked], classes) for name, values in columns.items()]
    single = [leak for leak in found if leak is not None]
    sums = [] if classes else _pairs({k: v[picked] for k, v in columns.items()}, target[picked], single)
    return tuple(sorted((*single, *sums), key=lambda leak: -leak.power))


def _alone(name: str, values: Float64, target: npt.NDArray[np.float64 | np.int64], classes: bool) -> Leak | None:
    power = _power(values, target, classes)
    if power < _STRONG:
        return None
    sure = power >= (_SURE_CLASSIFICATION if classes else _SURE_REGRESSION)
    share = f"{np.floor(power * 1000) / 10:g} %"
    what = "of the errors that could be avoided" if classes else "of the target's variation"
    advice = "it gives the target away and is left out" if sure else "is it known before the target is?"
    return Leak(column=name, power=power, sure=sure, sentence=f"{name!r} alone explains {share} {what}; {advice}")


def _power(values: Float64, target: npt.NDArray[np.float64 | np.int64], classes: bool) -> float:
    inputs = values[:, np.newaxis]
    folds = KFold(_FOLDS, shuffle=True, random_state=0)
    if classes:
        baseline = float((target != _most_frequent(target)).mean())
        tree = DecisionTreeClassifier(max_leaf_nodes=64, min_samples_leaf=2, random_state=0)
        errors = float((cross_val_predict(tree, inputs, target, cv=folds) != target).mean())
        return 1.0 - errors / baseline if baseline > 0 else 0.0
    # Ranks keep a few huge values from deciding everything, and a straight line finds what 256 leaves blur.
    spread = float(np.var(target))
    tree = DecisionTreeRegressor(max_leaf_nodes=256, min_samples_leaf=2, random_state=0)
    by_tree = float(np.mean((cross_val_predict(tree, inputs, target, cv=folds) - target) ** 2))
    return max(1.0 - by_tree / spread, _linear_power(values, target)) if spread > 0 else 0.0


def _linear_power(values: Float64, target: npt.NDArray[np.float64 | np.int64]) -> float:
    known = np.isfinite(values)
    if known.sum() < max(_FEWEST_ROWS, 0.5 * len(values)) or np.ptp(values[known]) == 0:
        return 0.0
    return float(np.corrcoef(values[known], target[known])[0, 1] ** 2)


def _most_frequent(target: npt.NDArray[np.float64 | np.int64]) -> float:
    labels, counts = np.unique(target, return_counts=True)
    return float(labels[counts.argmax()])


def _pairs(
    columns: Mapping[str, Float64], target: npt.NDArray[np.float64 | np.int64], single: list[Leak]
) -> list[Leak]:
    """Find two columns that make up the target exactly, such as parts of a sum."""
    names = [name for name in columns if name not in {leak.column for leak in single if leak.sure}][:_MOST_PAIRED]
    frame = pd.DataFrame({name: columns[name] for name in names})
    frame = frame.loc[:, frame.notna().all() & (frame.std() > 0)]
    if frame.shape[1] < 2:  # noqa: PLR2004
        return []
    # R squared of two regressors from the three correlations (any text on multiple correlation).
    among = np.corrcoef(frame.to_numpy(), rowvar=False)
    with_target = np.array([np.corrcoef(frame[name], target)[0, 1] for name in frame.columns])
    free = 1.0 - among**2
    numerator = with_target[:, None] ** 2 + with_target[None, :] ** 2 - 2 * np.outer(with_target, with_target) * among
    explained = np.divide(numerator, free, out=np.zeros_like(free), where=free > _COLLINEAR)
    first, second = np.nonzero(np.triu(explained >= _SUM_IS_EXACT, 1))
    found: dict[str, Leak] = {}
    for left, right in zip(first.tolist(), second.tolist(), strict=True):
        pair = (str(frame.columns[left]), str(frame.columns[right]))
        for column in pair:
            sentence = f"{pair[0]!r} and {pair[1]!r} together make up the target exactly; {column!r} is left out"
            found.setdefault(column, Leak(column=column, power=1.0, sure=True, sentence=sentence))
    return list(found.values())
