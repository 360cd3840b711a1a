"""Broken: test rows whose values mean something else than they say, so that errors on them are no fault of the model's.

These are values in another unit, and numbers that stand for missing ones.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from golive.domain.finding import Finding
from golive.evaluation.checks.hidden import hidden_missing
from golive.evaluation.checks.looked import look
from golive.evaluation.checks.units import units
from golive.evaluation.subject import Subject
from golive.ports import Column
from golive.statistics.excess import Bool


def broken(subject: Subject) -> Mapping[str, Bool]:
    """Give each column that holds such values, and the test rows ``[rows]`` that do; findings speak of them."""
    looked = look(subject)
    with np.errstate(all="ignore"):
        findings = (*units(looked).findings, *hidden_missing(looked).findings)
    rows: dict[str, Bool] = {}
    for name, held in _rows(findings, subject):
        rows[name] = rows[name] | held if name in rows else held
    return rows


def _rows(findings: tuple[Finding, ...], subject: Subject) -> Iterator[tuple[str, Bool]]:
    for one in findings:
        name = one.values.get("column")
        if isinstance(name, str) and (held := _meant(one, subject.test.columns[name])) is not None and held.any():
            yield name, held


def _meant(one: Finding, column: Column) -> Bool | None:
    if one.code in {"whole", "degrees"}:
        return np.ones(len(column), dtype=np.bool_)
    if one.code == "mixed" and one.rows:
        sizes, edge = np.abs(column), float(one.values["edge"])
        beyond = sizes >= edge if one.values["factor"] > 1 else (sizes <= edge) & (sizes > 0)
        return np.asarray(beyond, dtype=np.bool_)
    if one.kind == "hidden_missing" and one.code == "code":
        return np.asarray(column == one.values["value"], dtype=np.bool_)
    return None
