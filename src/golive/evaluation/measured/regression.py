"""Regression: true values and everybody's predictions in, metrics and details out."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from golive.evaluation.measured.comparison import MODEL, Metric, mean_metric, resampled_metric, resamples_for
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.intervals import rmse_difference_interval, rmse_interval
from golive.statistics.resample import explained, median, resample

DRAWN_ROWS = 1000
"""Rows in the report's scatter plots."""
_WORST = 10


def regression_metrics(truth: Float64, answers: Mapping[str, Float64], seed: int) -> list[Metric]:
    """Measure predictions ``[n]`` by role against ``truth`` ``[n]``; all are finite and there is a row."""
    errors = {role: predicted - truth for role, predicted in answers.items()}
    return [
        _rmse(truth, answers, errors),
        mean_metric("mae", {role: np.abs(error) for role, error in errors.items()}),
        *_resampled(truth, answers, errors, seed),
        *_mape(truth, errors),
        mean_metric("mse", {role: error**2 for role, error in errors.items()}),
    ]


def regression_details(truth: Float64, predicted: Float64, kept: Int64, seed: int) -> dict[str, Any]:
    """Give what the report draws: a sample of rows, error by decile of the prediction, the worst rows.

    ``kept`` holds the row numbers of the caller's table.
    """
    rows = np.arange(len(truth))
    if len(truth) > DRAWN_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(truth), DRAWN_ROWS, replace=False))
    worst = np.argsort(-np.abs(predicted - truth), kind="stable")[:_WORST]
    return {
        "scatter": {"truth": truth[rows].tolist(), "predicted": predicted[rows].tolist()},
        "deciles": _deciles(truth, predicted),
        "worst": [
            {"row": int(kept[row]), "truth": float(truth[row]), "predicted": float(predicted[row])} for row in worst
        ],
    }


def _rmse(truth: Float64, answers: Mapping[str, Float64], errors: Mapping[str, Float64]) -> Metric:
    return Metric(
        name="rmse",
        values={role: metrics.rmse(truth, predicted) for role, predicted in answers.items()},
        single=lambda role: rmse_interval(errors[role]),
        paired=lambda other: rmse_difference_interval(errors[MODEL], errors[other]),
        method="delta method",
        floor=0.0,
    )


def _resampled(
    truth: Float64, answers: Mapping[str, Float64], errors: Mapping[str, Float64], seed: int
) -> list[Metric]:
    statistics = {f"r2 {role}": explained(truth, predicted) for role, predicted in answers.items()}
    statistics |= {f"median {role}": median(np.abs(error)) for role, error in errors.items()}
    drawn = resample(statistics, rows=len(truth), resamples=resamples_for(len(truth), len(answers)), seed=seed)
    r2 = {role: metrics.r2(truth, predicted) for role, predicted in answers.items()}
    middle = {role: metrics.median_absolute_error(truth, predicted) for role, predicted in answers.items()}
    return [
        resampled_metric("r2", r2, {role: drawn[f"r2 {role}"] for role in answers}, ceiling=1.0),
        resampled_metric(
            "median_absolute_error", middle, {role: drawn[f"median {role}"] for role in answers}, floor=0.0
        ),
    ]


def _mape(truth: Float64, errors: Mapping[str, Float64]) -> list[Metric]:
    usable = truth != 0.0
    if not usable.any():
        return []
    shares = {role: np.abs(error[usable] / truth[usable]) for role, error in errors.items()}
    metric = mean_metric("mape", shares)
    if usable.all():
        return [metric]
    left_out = f"{int((~usable).sum())} rows with a true value of 0 are left out"
    return [msgspec.structs.replace(metric, note=left_out)]


def _deciles(truth: Float64, predicted: Float64) -> list[dict[str, float]]:
    order = np.argsort(predicted, kind="stable")
    return [
        {
            "from": float(predicted[part[0]]),
            "to": float(predicted[part[-1]]),
            "rows": len(part),
            "mae": metrics.mae(truth[part], predicted[part]),
            "rmse": metrics.rmse(truth[part], predicted[part]),
            "bias": float(np.mean(predicted[part] - truth[part])),
        }
        for part in np.array_split(order, 10)
        if len(part)
    ]
