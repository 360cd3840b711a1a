"""The judge: rules that a person can read aloud, and what they say of evidence."""

import msgspec
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


@pytest.mark.parametrize(
    "rule",
    [
        "accuracy - baseline.accuracy.lower >= 0",
        "accuracy.upper - baseline.accuracy >= 0",
        "(accuracy - baseline.accuracy.lower) >= 0",
    ],
)
def test_a_bound_of_one_side_of_a_difference_is_refused_with_what_there_is(rule: str) -> None:
    with pytest.raises(
        PolicyError, match=r"'\(accuracy - baseline.accuracy\).\w+ >= 0', or .*'accuracy - baseline.acc"
    ):
        read_rule(rule)


def test_an_evaluation_without_rows_never_passes() -> None:
    nothing = msgspec.structs.replace(evidence(), rows=0)
    verdict = judge(nothing, Policy(rules=("auc >= 0.1",)))
    assert verdict.outcome == judge(nothing, Policy()).outcome == "not-enough-data"
    assert "no row with a known answer" in verdict.reasons[0].text
    assert judge(evidence(), Policy()).outcome == "pass"
    live = msgspec.structs.replace(nothing, kind="live")
    assert judge(live, Policy(rules=("auc >= 0.1",))).outcome == "pass"


def test_what_was_not_measured_is_told_with_the_reason_where_the_evidence_has_one() -> None:
    refused = Measure(name="robustness.missing_5.refused", value=0.4, rows=500)
    noted = {"code": "undefined", "metric": "recall", "text": "recall does not exist on these test rows"}
    base = evidence(details={"notes": [noted]})
    given = msgspec.structs.replace(base, measures=(*base.measures, refused))
    assert reason("robustness.missing_5.auc_drop <= 0.1", given).text.endswith(
        "a server refuses 40% of the rows under that stress)"
    )
    assert reason("recall >= 0.1", given).text == "recall was not measured (recall does not exist on these test rows)"
    assert "measured were fairness.sex.selection_ratio" in reason("fairness.age.selection_ratio >= 0.8", given).text
    assert reason("robustness.missing_10.auc_drop.upper <= 1", given).text == (
        "robustness.missing_10.auc_drop has no interval on these rows"
    )


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
