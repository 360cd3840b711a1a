"""Columns: what each column of the test rows holds, beside training; for the report's table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from golive.evaluation.checks.looked import Looked, Seen
from golive.evaluation.checks.shifts import Change
from golive.ports import Float64

_MOST = 60
_FAR = 3.0
_BARS = 12
_TAIL = 0.01
_LARGEST = 1e300


def column_report(looked: Looked, changed: Mapping[str, Change]) -> list[dict[str, Any]]:
    """Describe the sixty columns that differ most from training, those first."""
    order = sorted(looked.columns, key=lambda seen: -(changed[seen.name].size if seen.name in changed else 0.0))
    return [_described(seen, changed.get(seen.name)) for seen in order[:_MOST]]


def _described(seen: Seen, change: Change | None) -> dict[str, Any]:
    present = seen.test[np.isfinite(seen.test)]
    number = seen.texts is None and len(present) > 0
    drift = None if change is None else change.drift
    return {
        "name": seen.name,
        "kind": "number" if seen.texts is None else "text",
        "missing_training": None if seen.training is None else float(np.isnan(seen.training).mean()),
        "missing_test": float(np.isnan(seen.test).mean()),
        "distinct": len(np.unique(present)),
        "minimum": float(present.min()) if number else None,
        "median": float(np.median(present)) if number else None,
        "maximum": float(present.max()) if number else None,
        "outliers": _outliers(present) if number else None,
        "psi": None if drift is None else drift.psi,
        "w1": None if drift is None or seen.texts is not None else drift.w1,
        "p": None if drift is None else drift.p,
        "bars": _bars(seen),
    }


def _outliers(values: Float64) -> float | None:
    """Give the share beyond three times the middle half's range from it; None where that range is nothing."""
    low, high = np.quantile(values, [0.25, 0.75])
    reach = _FAR * (high - low)
    return float(((values < low - reach) | (values > high + reach)).mean()) if reach > 0 else None


def _bars(seen: Seen) -> dict[str, list[float]]:
    """Give shares over at most twelve bins: of the test rows, and of training."""
    parts = [seen.test] if seen.training is None else [seen.test, seen.training]
    known = [part[np.isfinite(part)] for part in parts]
    whole = np.concatenate(known)
    if not len(whole):
        return {}
    edges = _text_edges(known) if seen.texts is not None else _number_edges(whole)
    shares = [np.histogram(np.clip(part, edges[0], edges[-1]), edges)[0] / max(len(part), 1) for part in known]
    return dict(
        zip(("test", "training"), ([round(share, 4) for share in part.tolist()] for part in shares), strict=False)
    )


def _number_edges(values: Float64) -> Float64:
    low, high = np.clip(np.quantile(values, [_TAIL, 1.0 - _TAIL]), -_LARGEST, _LARGEST).tolist()
    return np.linspace(low, high if high > low else low + max(abs(low), 1.0), _BARS + 1)


def _text_edges(parts: list[Float64]) -> Float64:
    # Codes are in order of appearance, those of training first; the last bin holds all the rest.
    most = min(int(max(part.max() for part in parts if len(part))) + 1, _BARS)
    return np.arange(most + 1, dtype=np.float64) - 0.5
