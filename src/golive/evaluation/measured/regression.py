"""Regression: true values and everybody's predictions in, metrics and details out."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from golive.evaluation.measured.comparison import Metric, Setting, mean_metric, over_groups, resampled_metric
from golive.evaluation.roles import MODEL
from golive.ports import Float64, Int64
from golive.statistics import metrics
from golive.statistics.influence import spearman_influence
from golive.statistics.intervals import (
    Interval,
    correlation_interval,
    mean_interval,
    median_interval,
    positive_mean_interval,
    r2_difference_interval,
    r2_interval,
    rmse_difference_interval,
    rmse_interval,
    share_interval,
)
from golive.statistics.resample import median, resample

DRAWN_ROWS = 1000
"""Rows in the report's scatter plots."""
CONSTANT_R2 = "an answer that never varies explains nothing: 0, but for how far it is from the mean of these rows"
_WORST = 10


def regression_metrics(truth: Float64, answers: Mapping[str, Float64], setting: Setting) -> list[Metric]:
    """Measure predictions ``[n]`` by role against ``truth`` ``[n]``; all are finite and there is a row."""
    errors = {role: predicted - truth for role, predicted in answers.items()}
    return [
        _rmse(truth, answers, errors, setting),
        mean_metric("mae", {role: np.abs(error) for role, error in errors.items()}, setting),
        _r2(truth, answers, errors, setting),
        _median(errors, setting),
        *_mape(truth, errors, setting),
        mean_metric("mse", {role: error**2 for role, error in errors.items()}, setting),
        mean_metric("smape", {role: metrics.row_smape(truth, given) for role, given in answers.items()}, setting),
        mean_metric("bias", errors, setting, signed=True),
        _max_error(truth, answers),
        _spearman(truth, answers, setting),
        *(_quantile(truth, answers, setting.quantile, setting) if setting.quantile is not None else ()),
    ]


def regression_details(truth: Float64, predicted: Float64, kept: Int64, setting: Setting) -> dict[str, Any]:
    """Give what the report draws: a sample of rows, error by decile of the prediction, the worst rows.

    ``kept`` holds the row numbers of the caller's table.
    """
    rows = np.arange(len(truth))
    if len(truth) > DRAWN_ROWS:
        rows = np.sort(np.random.default_rng(setting.seed).choice(len(truth), DRAWN_ROWS, replace=False))
    worst = np.argsort(-np.abs(predicted - truth), kind="stable")[:_WORST]
    return {
        "scatter": {"truth": truth[rows].tolist(), "predicted": predicted[rows].tolist()},
        "deciles": _deciles(truth, predicted, setting.groups),
        "worst": [
            {"row": int(kept[row]), "truth": float(truth[row]), "predicted": float(predicted[row])} for row in worst
        ],
    }


def _rmse(truth: Float64, answers: Mapping[str, Float64], errors: Mapping[str, Float64], setting: Setting) -> Metric:
    return Metric(
        name="rmse",
        values={role: metrics.rmse(truth, predicted) for role, predicted in answers.items()},
        single=lambda role: rmse_interval(errors[role], setting.groups),
        paired=lambda other: rmse_difference_interval(errors[MODEL], errors[other], setting.groups),
        method=over_groups("delta method", setting),
        floor=0.0,
    )


def _r2(truth: Float64, answers: Mapping[str, Float64], errors: Mapping[str, Float64], setting: Setting) -> Metric:
    centered, groups = truth - truth.mean(), setting.groups
    constant = {role for role, predicted in answers.items() if np.ptp(predicted) == 0.0}
    return Metric(
        name="r2",
        values={role: metrics.r2(truth, predicted) for role, predicted in answers.items()},
        # A constant explains nothing: what is below 0 is how far it lies from the mean of these very rows.
        single=lambda role: None if role in constant else r2_interval(errors[role], centered, groups),
        paired=lambda other: r2_difference_interval(errors[MODEL], errors[other], centered, groups),
        method=over_groups("delta method, logarithm of what is unexplained", setting),
        paired_method=over_groups("delta method", setting),
        notes=dict.fromkeys(constant, CONSTANT_R2),
        ceiling=1.0,
    )


def _median(errors: Mapping[str, Float64], setting: Setting) -> Metric:
    sizes = {role: np.abs(error) for role, error in errors.items()}
    rows = len(sizes[MODEL])
    drawn = resample(
        {role: median(size) for role, size in sizes.items()},
        rows=rows,
        resamples=setting.resamples_of(rows, len(sizes)),
        seed=setting.seed,
        groups=setting.groups,
    )
    plain = resampled_metric(
        "median_absolute_error",
        {role: float(np.median(size)) for role, size in sizes.items()},
        drawn,
        units=None if setting.groups is None else len(np.unique(setting.groups)),
        floor=0.0,
    )
    return msgspec.structs.replace(
        plain,
        single=lambda role: median_interval(sizes[role], setting.groups),
        method=over_groups("order statistics around the middle", setting),
        paired_method=plain.method,
    )


def _mape(truth: Float64, errors: Mapping[str, Float64], setting: Setting) -> list[Metric]:
    usable = truth != 0.0
    if not usable.any():
        return []
    shares = {role: np.abs(error[usable] / truth[usable]) for role, error in errors.items()}
    groups = None if setting.groups is None else setting.groups[usable]
    metric = mean_metric("mape", shares, msgspec.structs.replace(setting, groups=groups))
    if usable.all():
        return [metric]
    left_out = f"{int((~usable).sum())} rows with a true value of 0 are left out"
    return [msgspec.structs.replace(metric, note=left_out)]


def _max_error(truth: Float64, answers: Mapping[str, Float64]) -> Metric:
    return Metric(
        name="max_error",
        values={role: metrics.max_error(truth, predicted) for role, predicted in answers.items()},
        single=lambda _: None,
        paired=lambda _: None,
        method="",
        note="of these rows: among more rows it is larger",
    )


def _spearman(truth: Float64, answers: Mapping[str, Float64], setting: Setting) -> Metric:
    found = {role: spearman_influence(truth, predicted) for role, predicted in answers.items()}

    def paired(other: str) -> Interval | None:
        difference = found[MODEL].value - found[other].value
        bounds = mean_interval(found[MODEL].influence - found[other].influence, setting.groups)
        return bounds and (bounds[0] + difference, bounds[1] + difference)

    return Metric(
        name="spearman",
        values={role: moved.value for role, moved in found.items()},
        single=lambda role: correlation_interval(found[role].value, found[role].influence, setting.groups),
        paired=paired,
        method=over_groups("influence of rows, Fisher's z", setting),
        paired_method=over_groups("influence of rows", setting),
        floor=-1.0,
        ceiling=1.0,
    )


def _quantile(
    truth: Float64, answers: Mapping[str, Float64], quantile: float, setting: Setting
) -> tuple[Metric, Metric]:
    below = {role: truth <= predicted for role, predicted in answers.items()}
    shares = mean_metric("quantile.coverage", {role: hit.astype(np.float64) for role, hit in below.items()}, setting)
    coverage = msgspec.structs.replace(
        shares,
        single=lambda role: share_interval(below[role], setting.groups),
        method=over_groups("Wilson", setting),
        paired_method=shares.method,
        note=f"share of true values at or below the prediction; {quantile:g} is meant",
        ceiling=1.0,
    )
    losses = {role: metrics.row_pinball(truth, predicted, quantile) for role, predicted in answers.items()}
    return coverage, mean_metric("pinball", losses, setting)


def _deciles(truth: Float64, predicted: Float64, groups: Int64 | None) -> list[dict[str, Any]]:
    order = np.argsort(predicted, kind="stable")
    return [
        _decile(truth[part], predicted[part], None if groups is None else groups[part])
        for part in np.array_split(order, 10)
        if len(part)
    ]


def _decile(truth: Float64, predicted: Float64, groups: Int64 | None) -> dict[str, Any]:
    """One tenth of the rows by prediction; ``lower`` and ``upper`` are of the mean absolute error."""
    errors = predicted - truth
    bounds, leaning = positive_mean_interval(np.abs(errors), groups), mean_interval(errors, groups)
    return {
        "from": float(predicted[0]),
        "to": float(predicted[-1]),
        "rows": len(truth),
        "mae": metrics.mae(truth, predicted),
        "lower": bounds[0] if bounds else None,
        "upper": bounds[1] if bounds else None,
        "rmse": metrics.rmse(truth, predicted),
        "bias": float(np.mean(errors)),
        "bias_lower": leaning[0] if leaning else None,
        "bias_upper": leaning[1] if leaning else None,
    }
