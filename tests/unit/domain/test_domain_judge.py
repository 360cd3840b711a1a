"""The judge: rules that a person can read aloud, and what they say of evidence."""

import pytest

from golive.domain.digest import Digest
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import USUAL_KINDS, Finding
from golive.domain.policy import Policy, Reason
from golive.errors import PolicyError
from golive.judge import judge, read_rule

BUNDLE = Digest("sha256:" + "0" * 64)
LEAK = Finding(kind="leakage", severity="stop", code="alone", text="'total' alone gives the target away.")


def evidence(**more: object) -> Evidence:
    """Make evidence of a few measures."""
    measures = (
        Measure(name="auc", value=0.9, lower=0.85, upper=0.95, rows=500),
        Measure(name="fairness.sex.selection_ratio", value=0.7, lower=0.6, upper=0.8, rows=500),
        Measure(name="robustness.missing_10.auc_drop", value=0.01, rows=500),
    )
    return Evidence(
        bundle=BUNDLE,
        kind="evaluation",
        measured_at="2026-11-22T00:00:00Z",
        code="x",
        rows=500,
        measures=measures,
        **more,
    )


def reason(rule: str, given: Evidence) -> Reason:
    """Give what one rule found."""
    return judge(given, Policy(rules=(rule,))).reasons[0]


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ("auc.lower >= 0.80", "pass"),
        ("fairness.sex.selection_ratio >= 0.8", "fail"),
        ("fairness.sex.selection_ratio.upper >= 0.8", "pass"),
        ("robustness.missing_10.auc_drop <= 0.02", "pass"),
        ("fairness.age.selection_ratio >= 0.8", "not-enough-data"),
    ],
)
def test_a_rule_about_any_part_of_an_evaluation_is_applied(rule: str, outcome: str) -> None:
    assert reason(rule, evidence()).outcome == outcome


def test_a_kind_that_was_looked_for_and_not_found_passes() -> None:
    assert reason("leakage == none", evidence(checked=("leakage",))).outcome == "pass"


def test_a_kind_that_was_not_looked_for_is_not_none() -> None:
    assert reason("leakage == none", evidence(checked=("duplicates",))).outcome == "not-enough-data"
    assert reason("findings == none", evidence()).outcome == "not-enough-data"


def test_no_finding_at_all_is_said_only_of_what_was_looked_for_whole() -> None:
    assert reason("findings == none", evidence(checked=USUAL_KINDS)).outcome == "pass"
    few = reason("findings == none", evidence(checked=USUAL_KINDS[:-2]))
    assert few.outcome == "not-enough-data"
    assert few.text == "weak_slice, rows were not looked for"


def test_a_finding_stands_against_the_model_with_its_sentence() -> None:
    given = evidence(checked=("leakage",), findings=(LEAK,))
    assert reason("leakage == none", given).outcome == "fail"
    assert reason("findings == none", given).outcome == "fail"
    assert "'total' alone gives the target away" in reason("leakage == none", given).text
    assert reason("duplicates == none", evidence(checked=("duplicates",), findings=(LEAK,))).outcome == "pass"


def test_a_note_does_not_stand_against_a_model() -> None:
    note = Finding(kind="leakage", severity="note", code="alone", text="worth a look")
    assert reason("leakage == none", evidence(checked=("leakage",), findings=(note,))).outcome == "pass"


@pytest.mark.parametrize("rule", ["leaks == none", "auc == none", "leakage == 0", "leakage != none", "== none"])
def test_what_is_no_rule_is_refused_with_an_example(rule: str) -> None:
    with pytest.raises(PolicyError, match="leakage"):
        read_rule(rule)


def test_a_kind_that_was_not_looked_for_is_named_with_the_reason_where_there_is_one() -> None:
    few = {"code": "slices.few_rows", "kinds": ["weak_slice", "label_noise"], "text": "200 rows are needed."}
    kinds = tuple(kind for kind in USUAL_KINDS if kind not in {"weak_slice", "label_noise", "unit"})
    found = reason("findings == none", evidence(checked=kinds, details={"notes": [few]}))
    assert found.outcome == "not-enough-data"
    assert found.text == ("unit was not looked for; label_noise, weak_slice were not looked for (200 rows are needed)")
