"""Planted: faults put into real data sets one at a time, and runs in which nothing is wrong; what an evaluation finds.

``python -m benchmarks planted`` takes some ten minutes. Each of eight data sets that come inside packages is split in
halves, a model is fitted on one, packaged with ``golive.package`` and judged by ``golive.evaluate`` on the other half
with the first beside it. Found is a fault that shows as a finding of its kind, on its column where it has one, that was
not there before it was planted. Clean runs are drawn from a generator (tests/support/clean_tables.py).

Labels are doubted where nothing supports them, which needs a model that is right when it is sure: on three of the sets
(``strong=False``) 8 % of wrong labels cannot be told from honest doubt by anybody, so there they are not counted.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.support import support

CLEAN_RUNS = 20
ALLOWED = 1
"""Clean runs with a finding."""


def measure() -> dict[str, object]:
    """Plant every fault in every set, and draw the clean runs."""
    sets = {name: of_set(name) for name in support("planted").SOURCES}
    clean = clean_runs(range(CLEAN_RUNS))
    outcomes = [found for one in sets.values() for found in one["faults"].values() if found is not None]
    noisy = [one for one in clean if one["findings"]]
    return {
        "sets": sets,
        "planted": len(outcomes),
        "found": sum(outcomes),
        "clean": {"runs": len(clean), "with_findings": len(noisy), "allowed": ALLOWED, "noisy": noisy},
        "within": all(outcomes) and len(noisy) <= ALLOWED,
    }


def of_set(name: str) -> dict[str, Any]:
    """Evaluate one set as it is, then with each fault; None stands for a fault that makes no sense there."""
    planted = support("planted")
    case = planted.case(name)
    model = planted.fitted(case)
    with tempfile.TemporaryDirectory() as home:
        plain = planted.evaluated(case, model, home)
        faults: dict[str, bool | None] = {}
        for title, fault in planted.FAULTS.items():
            faults[title] = None
            if planted.makes_sense(fault, case):
                changed, marred = planted.planted(fault, case, model)
                found = planted.evaluated(changed, marred, home).findings
                faults[title] = planted.finds(fault, changed, found, plain.findings)
            print(f"  {name}, {title}: {faults[title]}", flush=True)
    first = next(measure for measure in plain.measures if measure.name in {"auc", "r2"})
    return {
        "rows": len(case.test.truth),
        "columns": case.test.rows.shape[1],
        "model": case.source.model,
        first.name: round(first.value, 3),
        "faults": faults,
        "unplanted": _told(plain.findings),
    }


def clean_runs(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Evaluate runs in which nothing is wrong."""
    clean = support("clean_tables")
    runs = []
    for seed in seeds:
        table = clean.clean_table(seed)
        with tempfile.TemporaryDirectory() as home:
            found = clean.evaluated(table, home).findings
        runs.append({"seed": seed, "run": table.title, "findings": _told(found)})
        print(f"  clean run {seed} ({table.title}): {len(found)} findings", flush=True)
    return runs


def _told(findings: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {"kind": one.kind, "columns": list(one.columns), "text": one.text} for one in findings if one.severity != "note"
    ]
