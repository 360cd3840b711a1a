"""Planted: faults put into real data are found by the evaluation of a notebook, and nothing is found in clean runs."""

from pathlib import Path
from typing import Any

import pytest
from clean_tables import clean_table
from clean_tables import evaluated as evaluated_clean
from planted import FAULTS, Case, case, evaluated, finds, fitted, makes_sense, planted

pytestmark = pytest.mark.heavy

TOGETHER = ("duplicate rows", "label noise")
"""What is planted into the same rows of the second set: an evaluation takes a second or two."""


@pytest.fixture(scope="module")
def loan() -> tuple[Case, Any]:
    found = case("credit_data")
    return found, fitted(found)


@pytest.fixture(scope="module")
def churn() -> tuple[Case, Any]:
    found = case("mlc_churn")
    return found, fitted(found)


@pytest.mark.parametrize("title", [title for title, fault in FAULTS.items() if not fault.of_strong])
def test_a_planted_fault_is_found(title, loan, tmp_path: Path):
    fault = FAULTS[title]
    changed, model = planted(fault, *loan)
    findings = evaluated(changed, model, str(tmp_path)).findings
    assert finds(fault, changed, findings), [one.text for one in findings]


def test_a_set_in_which_nothing_was_planted_shows_none_of_the_faults(loan, tmp_path: Path):
    findings = evaluated(*loan, str(tmp_path)).findings
    assert [title for title, fault in FAULTS.items() if finds(fault, loan[0], findings)] == []


def test_several_faults_in_the_same_rows_are_found_together(churn, tmp_path: Path):
    changed, model = churn
    for title in TOGETHER:
        changed, model = planted(FAULTS[title], changed, model)
    findings = evaluated(changed, model, str(tmp_path)).findings
    assert [title for title in TOGETHER if not finds(FAULTS[title], changed, findings)] == []


def test_a_weak_slice_of_boosted_trees_is_found(churn, tmp_path: Path):
    changed, model = planted(FAULTS["weak slice"], *churn)
    assert finds(FAULTS["weak slice"], changed, evaluated(changed, model, str(tmp_path)).findings)


def test_faults_that_nobody_could_tell_are_not_asked_for(loan, churn):
    told = {
        one.source.item: [title for title, fault in FAULTS.items() if not makes_sense(fault, one)]
        for one, _ in (loan, churn)
    }
    assert told == {"credit_data": ["label noise"], "mlc_churn": []}


@pytest.mark.parametrize("seed", [1, 3, 4, 5])
def test_nothing_is_found_where_nothing_is_wrong(seed, tmp_path: Path):
    findings = evaluated_clean(clean_table(seed), str(tmp_path)).findings
    assert [one.text for one in findings] == []
