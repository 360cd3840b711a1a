"""Curve: the winner fitted again on fewer rows; whether more rows would help can be seen from its errors."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from golive.ports import Float64, Int64
from golive.statistics.intervals import mean_interval, rmse_interval
from golive.statistics.metrics import row_log_loss
from golive.training.fitted import Fitted
from golive.training.search import predictions_of

_STEPS = 4
_FEWEST = 40
_MOST = 20_000
"""Rows of the greatest new fit: all of them together cost about as much as the winner did."""
_MOST_SCORED = 5000

_Error = tuple[float, float, float]
"""A mean error and the ends of its interval."""
_Point = tuple[_Error, _Error]
"""The errors on the rows it was fitted on and on the test rows; None where it cannot be fitted."""


def learning_curve(fitted: Fitted) -> dict[str, Any]:
    """Fit the winner on growing parts of its training rows, each part holding the one before.

    Gives JSON values: ``metric`` (``rmse`` or ``log_loss``), ``rows`` ``[points]``, and under ``train`` and ``test``
    ``mean``, ``lower`` and ``upper`` ``[points]`` on the rows it was fitted on and on the test rows (at most 5,000 of
    either). Empty where there are too few rows, or a part of them cannot be fitted.
    """
    frame, target = fitted.prepare(fitted.train_raw), fitted.train_target
    test, truth = fitted.prepare(fitted.test_raw), np.asarray(fitted.test_target)
    sizes = _sizes(len(frame))
    if len(sizes) < 2 or not len(test):  # noqa: PLR2004  one point is no curve
        return {}
    order = np.random.default_rng(fitted.recipe.seed).permutation(len(frame))

    def point(size: int) -> _Point | None:
        rows = order[:size]
        model = fitted.pipeline if size == len(frame) else _fitted_on(fitted, frame.iloc[rows], target[rows])
        if model is None:
            return None
        seen = rows[:_MOST_SCORED]
        return (
            _error(fitted, model, frame.iloc[seen], target[seen]),
            _error(fitted, model, test.iloc[:_MOST_SCORED], truth[:_MOST_SCORED]),
        )

    points = _each(point, sizes)
    if len(points) < len(sizes):
        return {}
    parts = {part: _columns(errors) for part, errors in zip(("train", "test"), zip(*points, strict=True), strict=True)}
    return {"metric": "rmse" if fitted.class_values is None else "log_loss", "rows": sizes, **parts}


def _each(point: Callable[[int], _Point | None], sizes: Sequence[int]) -> list[_Point]:
    """Give the points up to the first that cannot be fitted."""
    # So few rows are fitted and answered no faster by threads, which only wait for one another where others use the
    # machine; nor are the points side by side, since most of a small fit is Python.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        found = []
        for size in sizes:
            if (one := point(size)) is None:
                break
            found.append(one)
        return found


def _sizes(rows: int) -> list[int]:
    parts = [rows // 2**step for step in range(_STEPS - 1, 0, -1)]
    return [*(size for size in parts if _FEWEST <= size <= _MOST), rows]


def _fitted_on(fitted: Fitted, frame: pd.DataFrame, target: Any) -> Any:
    """Fit a copy; None where so few rows do not allow it (a class is missing from them, a fold has none)."""
    model = clone(fitted.pipeline)
    try:
        model.fit(frame, target)
    except ValueError:
        return None
    return model


def _error(fitted: Fitted, model: Any, frame: pd.DataFrame, truth: Any) -> _Error:
    answers = predictions_of(model, frame, fitted.class_values)
    if fitted.class_values is None:
        errors = answers[:, 0] - truth.astype(np.float64)
        bounds = rmse_interval(errors)
        return _with(float(np.sqrt(np.mean(errors**2))), bounds)
    places: Int64 = np.searchsorted(fitted.class_values, truth).astype(np.int64)
    known = places < len(fitted.class_values)
    known[known] = fitted.class_values[places[known]] == truth[known]
    losses: Float64 = row_log_loss(places[known], answers[known])
    return _with(float(losses.mean()), mean_interval(losses))


def _with(value: float, bounds: tuple[float, float] | None) -> _Error:
    return (value, *bounds) if bounds else (value, value, value)


def _columns(points: Sequence[_Error]) -> Mapping[str, list[float]]:
    return {name: [point[place] for point in points] for place, name in enumerate(("mean", "lower", "upper"))}
