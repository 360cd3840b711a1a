"""Summary: one column as it came in, a few numbers about it out."""

from typing import Any

import numpy as np
import pandas as pd

from golive.domain.data_report import ColumnSummary
from golive.inference.values import text_of
from golive.ports import Column

_TOP = 5


def summary(name: str, kind: str, values: Column) -> ColumnSummary:
    """Describe a column; numbers by their range and mean, others by their most frequent values."""
    series = pd.Series(values, dtype=values.dtype, copy=False)
    missing, distinct = int(series.isna().sum()), int(series.nunique())
    if values.dtype.kind in "Ob":
        counts = series.value_counts().head(_TOP)
        top = tuple(text_of(value) or "" for value in counts.index)
        return ColumnSummary(name=name, kind=kind, missing=missing, distinct=distinct, top=top)
    if missing == len(values):
        return ColumnSummary(name=name, kind=kind, missing=missing, distinct=0)
    return ColumnSummary(
        name=name,
        kind=kind,
        missing=missing,
        distinct=distinct,
        minimum=_finite(np.nanmin(values)),
        maximum=_finite(np.nanmax(values)),
        mean=_finite(np.nanmean(values)),
    )


def _finite(value: np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
