"""Per class: the numbers of every class, as measures that gate rules can name."""

from collections.abc import Mapping, Sequence
from typing import Any

from golive.domain.evidence import Measure
from golive.domain.metric import rule_names

_MOST_CLASSES = 20
"""With more classes the numbers stand in the report only."""
_NAMES = ("precision", "recall", "f1", "auc", "pr_auc")


def class_measures(per_class: Sequence[Mapping[str, Any]], rows: int) -> list[Measure]:
    """Name the numbers of each class ``class.LABEL.recall`` and so on; those that do not exist are left out."""
    if len(per_class) > _MOST_CLASSES:
        return []
    names = rule_names(row["label"] for row in per_class)
    return [
        _measure(f"class.{label}.{name}", row, name, rows)
        for label, row in zip(names, per_class, strict=True)
        for name in _NAMES
        if row[name] is not None and row["rows"]
    ]


def _measure(full: str, row: Mapping[str, Any], name: str, rows: int) -> Measure:
    bounds = row["intervals"][name]
    method = {"precision": "Wilson", "recall": "Wilson", "f1": "Wilson"}.get(name, "influence of rows")
    return Measure(
        name=full,
        value=row[name],
        lower=bounds[0] if bounds else None,
        upper=bounds[1] if bounds else None,
        rows=rows,
        method=method if bounds else "",
        better="higher",
        note=f"{row['rows']} rows are of this class",
    )
