"""Planted: a few faults put into real data are found, and nothing in a clean run; all of them run in the heavy tests."""

from pathlib import Path
from typing import Any

import pytest
from clean_tables import clean_table
from clean_tables import evaluated as evaluated_clean
from planted import FAULTS, Case, case, evaluated, finds, fitted, planted


@pytest.fixture(scope="module")
def loan() -> tuple[Case, Any]:
    found = case("credit_data")
    return found, fitted(found)


@pytest.mark.parametrize("title", ["unit, all test rows", "duplicate rows", "group gap"])
def test_a_planted_fault_is_found(title, loan, tmp_path: Path):
    fault = FAULTS[title]
    changed, model = planted(fault, *loan)
    findings = evaluated(changed, model, str(tmp_path)).findings
    assert finds(fault, changed, findings), [one.text for one in findings]


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path):
    assert [one.text for one in evaluated_clean(clean_table(4), str(tmp_path)).findings] == []
