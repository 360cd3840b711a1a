"""Thresholds: what deciding for the second of two classes above each probability would cost."""

from typing import Any

import numpy as np

from golive.domain.evidence import Measure
from golive.domain.judging import Costs
from golive.evaluation.measured.comparison import resamples_for
from golive.evaluation.subject import Section, Subject
from golive.ports import Float64, Int64
from golive.statistics.resample import Statistic, Weights, cell_counts, resample

_STEPS = 100
_TWO = 2


def thresholds(subject: Subject) -> Section:
    """Give the cost per row, precision, recall and share of the second class by threshold; only for two classes.

    Costs are those of ``declared.costs``, else 1 for either mistake, which makes the cost the share of wrong rows. The
    best threshold is chosen on the rows that it is judged on, so its saving is measured on those rows that a resample
    leaves out: what is said is the saving of choosing a threshold on that many rows. A threshold to be used has to be
    chosen on validation rows.
    """
    predicted, truth = subject.predicted, subject.test.truth
    if subject.signature.task != "classification" or predicted.shape[1] != _TWO or len(np.unique(truth)) < _TWO:
        return Section()
    truth = truth.astype(np.int64)
    score, costs = np.ascontiguousarray(predicted[:, 1]), subject.declared.costs or Costs()
    at = _grid(score, subject.decision.threshold)
    price, parts = _priced(costs), cell_counts(_cells(truth, score, at), 2 * (len(at) + 1))
    drawn = resample(
        {"in": _curve(parts, len(at), price), "out": _left_out(parts, len(at), price)},
        rows=len(truth),
        resamples=resamples_for(len(truth), 2),
        seed=subject.seed,
        groups=subject.groups,
    )
    whole = drawn["in"][0]
    chosen, best = int(np.searchsorted(at, subject.decision.threshold)), int(np.argmin(whole))
    saving = _saving(drawn["in"][1:], drawn["out"][1:], chosen)
    return Section(
        measures=(
            Measure(
                name="cost.best_threshold",
                value=float(at[best]),
                rows=len(truth),
                note="cheapest on these test rows; choose the one to use on validation rows",
            ),
        ),
        details={
            **_bands(at, whole, drawn["in"][1:]),
            **_shares(parts(np.ones((1, len(truth)), dtype=np.uint8)), len(at)),
            "costs": {"false_positive": costs.false_positive, "false_negative": costs.false_negative},
            "chosen": float(at[chosen]),
            "best": float(at[best]),
            "saving": saving,
            "unit": costs.unit,
            "declared": subject.declared.costs is not None,
        },
    )


def _grid(score: Float64, threshold: float) -> Float64:
    # A threshold below every score decides for the second class always, one of 1 never.
    quantiles = np.quantile(score, np.linspace(0.0, 1.0, _STEPS + 1), method="inverted_cdf")
    even = np.linspace(0.0, 1.0, _STEPS // 4 + 1)
    return np.unique(np.concatenate([quantiles, even, [threshold, np.nextafter(score.min(), -1.0), 1.0]]))


def _cells(truth: Int64, score: Float64, at: Float64) -> Int64:
    return np.asarray(2 * np.searchsorted(at, score, side="left") + truth, dtype=np.int64)


def _priced(costs: Costs) -> Float64:
    """Cost by true class (row) and decision (column)."""
    return np.array([[costs.true_negative, costs.false_positive], [costs.false_negative, costs.true_positive]])


def _curve(parts: Statistic, steps: int, price: Float64) -> Statistic:
    def statistic(weights: Weights) -> Float64:
        return _costs(parts(weights), steps, price)

    return statistic


def _left_out(parts: Statistic, steps: int, price: Float64) -> Statistic:
    def statistic(weights: Weights) -> Float64:
        return _costs(parts((weights == 0).astype(np.uint8)), steps, price)

    return statistic


def _costs(cells: Float64, steps: int, price: Float64) -> Float64:
    """Cost per row at each threshold ``[resamples, steps]``; NaN where no row was drawn."""
    above, total = _above(cells, steps)
    below = total[:, :, None] - above
    spent = sum(price[label, 1] * above[:, label] + price[label, 0] * below[:, label] for label in range(_TWO))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(spent / total.sum(axis=1)[:, None], dtype=np.float64)


def _above(cells: Float64, steps: int) -> tuple[Float64, Float64]:
    """Count rows above each threshold by class ``[resamples, 2, steps]``, and all ``[resamples, 2]``."""
    by_class = np.moveaxis(cells.reshape(len(cells), steps + 1, _TWO), 2, 1)
    return np.cumsum(by_class[:, :, ::-1], axis=2)[:, :, ::-1][:, :, 1:], by_class.sum(axis=2)


def _saving(inside: Float64, outside: Float64, chosen: int) -> dict[str, float | None]:
    usable = np.asarray(np.isfinite(inside).all(axis=1) & np.isfinite(outside).all(axis=1))
    if usable.sum() * 2 < len(usable):
        return {"value": None, "lower": None, "upper": None}
    inside, outside = inside[usable], outside[usable]
    picked = np.argmin(inside, axis=1)
    saved = outside[:, chosen] - outside[np.arange(len(outside)), picked]
    lower, upper = np.quantile(saved, [0.025, 0.975])
    return {"value": float(saved.mean()), "lower": float(lower), "upper": float(upper)}


def _bands(at: Float64, whole: Float64, drawn: Float64) -> dict[str, Any]:
    # The rows as they are stand first, so that there is one where no resample holds rows.
    lower, upper = np.nanquantile(np.concatenate([whole[None], drawn]), [0.025, 0.975], axis=0).tolist()
    return {"threshold": at.tolist(), "cost": whole.tolist(), "lower": lower, "upper": upper}


def _shares(cells: Float64, steps: int) -> dict[str, list[float | None]]:
    """Precision (None where nothing is decided for the second class), recall and share selected, by threshold."""
    counted, totals = _above(cells, steps)
    above, total = counted[0], totals[0]
    selected = above.sum(axis=0)
    return {
        "precision": [float(hits / rows) if rows else None for hits, rows in zip(above[1], selected, strict=True)],
        "recall": (above[1] / total[1]).tolist(),
        "selected": (selected / total.sum()).tolist(),
    }
