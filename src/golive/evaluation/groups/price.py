"""Price: decisions before and after a mitigation in, what it closes and what it costs out."""

from typing import Any

import numpy as np

from golive.evaluation.groups.classified import gaps_of
from golive.evaluation.groups.gaps import interval
from golive.evaluation.groups.membership import Grouping
from golive.evaluation.groups.outcomes import Outcomes, tally
from golive.ports import Float64, Int64
from golive.statistics.intervals import Bool, mean_interval, share_interval

_CLOSED = ("selection_ratio", "tpr_difference", "fpr_difference")


def priced(before: Outcomes, after: Outcomes, grouping: Grouping) -> dict[str, Any]:
    """Compare decisions about the same rows: gaps before and after, and the paired change of accuracy and cost.

    A gap that does not exist, or whose groups are too small to compare, is left out.
    """
    gaps = [{gap.name: gap.detail for gap in gaps_of(tally(seen, grouping), grouping)} for seen in (before, after)]
    found: dict[str, Any] = {
        name: {"before": _short(gaps[0][name]), "after": _short(gaps[1][name])}
        for name in _CLOSED
        if all(name in one for one in gaps)
    }
    whole = grouping.whole
    found["accuracy"] = {
        "before": _share(before.right, whole),
        "after": _share(after.right, whole),
        "change": _mean(after.right.astype(np.float64) - before.right, whole),
    }
    found["selection_rate"] = {"before": _share(before.selected, whole), "after": _share(after.selected, whole)}
    if before.cost is not None and after.cost is not None:
        found["cost"] = {
            "before": _mean(before.cost, whole),
            "after": _mean(after.cost, whole),
            "change": _mean(after.cost - before.cost, whole),
        }
    return {"label": grouping.label, "rows": len(before.right), **found}


def _short(gap: dict[str, Any]) -> dict[str, Any]:
    return {key: gap[key] for key in ("value", "lower", "upper", "least", "most")}


def _share(values: Bool, whole: Int64 | None) -> dict[str, Any]:
    return interval(float(values.mean()), share_interval(values, whole))


def _mean(values: Float64, whole: Int64 | None) -> dict[str, Any]:
    return interval(float(values.mean()), mean_interval(values, whole))
