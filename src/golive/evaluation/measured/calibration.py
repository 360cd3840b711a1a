"""Calibration: whether the probabilities that a model states are what happens."""

from typing import Any

import numpy as np

from golive.domain.evidence import Measure
from golive.domain.finding import Finding
from golive.evaluation.measured.classification import proper_rows
from golive.evaluation.measured.notes import FEW_OF_CLASS
from golive.evaluation.subject import Section, Subject
from golive.ports import Float64
from golive.statistics import clusters
from golive.statistics.calibrated import Binned, Recalibration, binned, recalibration, spiegelhalter
from golive.statistics.intervals import Z
from golive.statistics.metrics import Bool, confidence

LARGE_ERROR = 0.05
"""Less than this, root mean square over the rows and beyond chance, is no finding whatever its significance."""
SMALL_ERROR, FLAT = 0.02, 2 / 3
"""Where few rows are of one class, so little is an error already if the line through the logits is surely flatter."""
RARE = 0.001
"""How often chance alone may make a finding."""
SURE = 3.3
"""Standard errors that chance alone passes once in two thousand times."""


def calibration(subject: Subject) -> Section:
    """Test the second class's probability of two, or of more classes the greatest one; nothing for a regression.

    A finding is made where either test (Cox's line, Hosmer and Lemeshow's bins, each at half of ``RARE``) says no and
    the debiased error is ``LARGE_ERROR`` or more, or ``SMALL_ERROR`` of a model that is surely far too sure (the
    line's slope is below ``FLAT``). Rows of declared groups count as fewer ones.
    """
    if subject.signature.task != "classification" or not proper_rows(subject.predicted).all():
        return Section()
    stated, came_true = confidence(subject.test.truth.astype(np.int64), np.clip(subject.predicted, 0.0, 1.0))
    hits = int(came_true.sum())
    if min(hits, len(stated) - hits) < FEW_OF_CLASS // 5:
        return Section()
    line, bins = recalibration(stated, came_true), binned(stated, came_true)
    worth = clusters.worth(came_true - stated, subject.groups)
    p = _corrected(line, bins, worth)
    steepest = line.slope + SURE * line.slope_error / worth**0.5
    least = SMALL_ERROR if steepest < FLAT else LARGE_ERROR
    found = p < RARE and bins.debiased_error >= least
    return Section(
        measures=_measures(line, len(stated), worth),
        details=_details(line, bins, stated, came_true, p),
        findings=(_finding(stated, came_true, bins, p, several=subject.predicted.shape[1] > 2),) if found else (),  # noqa: PLR2004  of two classes the second's is stated
        checked=("calibration",),
    )


def _corrected(line: Recalibration, bins: Binned, worth: float) -> float:
    from_chi2 = [p for p in (line.p, bins.p) if np.isfinite(p)]
    # A p-value of rows that are worth less is weaker by the same power, as the tails of both tests are exponential.
    return float(min(1.0, 2 * min(from_chi2) ** worth))


def _measures(line: Recalibration, rows: int, worth: float) -> tuple[Measure, ...]:
    named = (("intercept", line.intercept, line.intercept_error), ("slope", line.slope, line.slope_error))
    return tuple(
        Measure(
            name=f"calibration.{name}",
            value=value,
            lower=value - Z * error / worth**0.5,
            upper=value + Z * error / worth**0.5,
            rows=rows,
            method="logistic line through the logits",
            note="0 where it is right" if name == "intercept" else "1 where it is right; below: too sure",
        )
        for name, value, error in named
        if np.isfinite([value, error]).all()
    )


def _details(line: Recalibration, bins: Binned, stated: Float64, came_true: Bool, p: float) -> dict[str, Any]:
    z, z_p = spiegelhalter(stated, came_true)
    return {
        "intercept": _plain(line.intercept),
        "slope": _plain(line.slope),
        "line_p": _plain(line.p),
        "bins_p": bins.p,
        "spiegelhalter_z": _plain(z),
        "spiegelhalter_p": _plain(z_p),
        "p": p,
        "debiased_error": bins.debiased_error,
        "bins": [
            {"rows": int(rows), "stated": float(one), "observed": float(two)}
            for rows, one, two in zip(bins.rows, bins.stated, bins.observed, strict=True)
        ],
    }


def _finding(stated: Float64, came_true: Bool, bins: Binned, p: float, *, several: bool) -> Finding:
    gaps = np.abs(bins.observed - bins.stated)
    worst = int(np.argmax(gaps * np.sqrt(bins.rows)))
    values = {
        "error": f"{bins.debiased_error:.3f}",
        "stated": f"{float(stated.mean()):.3f}",
        "observed": f"{float(came_true.mean()):.3f}",
        "worst_stated": f"{bins.stated[worst]:.2f}",
        "worst_observed": f"{bins.observed[worst]:.2f}",
        "rows": int(bins.rows[worst]),
    }
    subject = "Probabilities of the class decided for" if several else "Stated probabilities"
    text = (
        f"{subject} are off by {values['error']} (root mean square beyond chance): {values['stated']} is stated on "
        f"average and {values['observed']} comes true; among {values['rows']} rows with about "
        f"{values['worst_stated']} it is {values['worst_observed']}. Recalibrate the model on validation rows before "
        "its probabilities are used."
    )
    return Finding(
        kind="calibration", severity="warn", code="several" if several else "stated", text=text, values=values, p=p
    )


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None
