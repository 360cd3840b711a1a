"""Outliers: bounds fitted on training rows, and what they change."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from golive.errors import DataError
from golive.inference.steps import prepared_columns
from golive.ports import Column, Float64
from golive.training.changes import ChangeLog
from golive.training.clean import logged_step
from golive.training.declare import Bounds, cell_steps, outlier_steps
from golive.training.recipe import Recipe


def outlier_bounds(train: pd.DataFrame, recipe: Recipe) -> dict[str, tuple[float, float]]:
    """Fit (lowest, highest) for each number column, after missing codes and ranges were applied.

    ``iqr``: quartiles (linear interpolation) minus and plus factor times their distance. ``zscore``: the mean minus
    and plus factor times the standard deviation (n - 1). A column whose middle half, or whole, is one value has no
    bounds: everything else in it would be an outlier.

    Raises:
        DataError: a column that is named for outliers is not a number column of the features.
    """
    plan = recipe.cleaning.outliers
    if plan.method == "none":
        return {}
    for name in plan.columns:
        if name not in recipe.features.numbers:
            message = f"cleaning.outliers names {name!r}, which is not listed under features.numbers; list it there"
            raise DataError(message)
    names = plan.columns or recipe.features.numbers
    values = _repaired(train, recipe, names)
    fitted = {name: _bounds(values[name], plan.method, plan.factor) for name in names}
    return {name: bounds for name, bounds in fitted.items() if bounds is not None}


def without_outliers(train: pd.DataFrame, recipe: Recipe, bounds: Bounds, log: ChangeLog) -> npt.NDArray[np.bool_]:
    """Say which training rows stay (bool ``[rows]``), logging those that ``action: drop`` leaves out."""
    stay = np.ones(len(train), dtype=np.bool_)
    if recipe.cleaning.outliers.action != "drop" or not bounds:
        return stay
    rows = train.index.to_numpy()
    values = _repaired(train, recipe, tuple(bounds))
    for name, (low, high) in bounds.items():
        outside = (values[name] < low) | (values[name] > high)
        log.rows("outliers", rows[outside], column=name, values=values[name][outside])
        stay &= ~outside
    return stay


def list_outliers(frame: pd.DataFrame, recipe: Recipe, bounds: Bounds, log: ChangeLog) -> None:
    """Log the cells that the outlier steps change in these rows."""
    columns = _repaired(frame, recipe, tuple(bounds))
    for step in outlier_steps(recipe, bounds):
        logged_step(step, columns, frame.index.to_numpy(), log, "outliers")


def _repaired(frame: pd.DataFrame, recipe: Recipe, names: tuple[str, ...]) -> dict[str, Column]:
    return prepared_columns(cell_steps(recipe, frozenset(names)), {name: frame[name].to_numpy() for name in names})


def _bounds(values: Float64, method: str, factor: float) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if len(known) < 2:  # noqa: PLR2004 a spread needs two
        return None
    if method == "iqr":
        low, high = np.percentile(known, (25, 75))
        spread = high - low
    else:
        low = high = known.mean()
        spread = known.std(ddof=1)
    return None if spread == 0 else (float(low - factor * spread), float(high + factor * spread))
