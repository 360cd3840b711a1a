"""Findings on the page: the gravest first, each in the page's language, and what was looked for in vain."""

import re

import msgspec
import pytest

from golive.domain.digest import digest_of, digest_of_value
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Finding
from golive.domain.policy import Reason, Verdict
from golive.evaluation.numbers import Readable, alike, sent
from golive.evaluation.pages import phrases
from golive.evaluation.pages.findings import findings, sentence, worst_severity
from golive.evaluation.pages.measured import numbers
from golive.evaluation.pages.notebook import evidence_html, near
from golive.evaluation.pages.report import attached
from golive.evaluation.pages.summary import summary

_BETTER = {"recall": "higher", "ece": "lower", "f1": "higher"}

SHIFT = Finding(kind="shift", severity="warn", code="unheard-of", text="'age' <moved>.", columns=("<b>",), p=2e-9)
LEAK = Finding(kind="leakage", severity="stop", code="unheard-of", text="'id' tells.", rows=tuple(range(20)), p=0.004)
NOTE = Finding(kind="unit", severity="note", code="unheard-of", text="'km' may be 'm'.")
KNOWN = Finding(
    kind="calibration",
    severity="warn",
    code="stated",
    text="in English",
    values={
        "error": "0.1",
        "stated": "0.5",
        "observed": "0.4",
        "worst_stated": "0.9",
        "worst_observed": "0.6",
        "rows": 50,
    },
)


def evidence(*found, checked=(), **more):
    return Evidence(
        bundle=digest_of(b"bundle"),
        kind="evaluation",
        measured_at="2026-01-01T00:00:00Z",
        code="0.5.0",
        findings=found,
        checked=checked,
        **more,
    )


def text_of(markup):
    return re.sub(r"<[^>]*>", " ", markup)


def test_findings_stand_under_their_severity_the_gravest_first():
    page = findings(evidence(NOTE, SHIFT, LEAK), phrases.phrases("en"))
    assert page.index("tells.") < page.index("&lt;moved&gt;") < page.index("may be")
    assert [page.count(f'class="findings {severity}"') for severity in ("stop", "warn", "note")] == [1, 1, 1]


def test_a_finding_names_its_columns_some_of_its_rows_and_its_chance():
    page = findings(evidence(LEAK, SHIFT), phrases.phrases("en"))
    assert "<code>&lt;b&gt;</code>" in page
    assert "Rows 0, 1, 2, 3, 4, 5, 6, 7…" in page
    assert "p &lt; 0.001" in page
    assert "p = 0.004" in page


@pytest.mark.parametrize(
    ("lang", "absent", "unlooked"),
    [("en", "not found: wrong units", "order in time"), ("zh", "未发现：单位错误", "未检查")],
)
def test_what_was_looked_for_in_vain_is_said_and_what_was_not_looked_for_too(lang, absent, unlooked):
    page = text_of(findings(evidence(SHIFT, checked=("shift", "unit")), phrases.phrases(lang)))
    assert absent in page
    assert unlooked in page


def test_an_evaluation_without_checks_says_that_nothing_was_looked_for():
    assert "Nothing was looked for" in findings(evidence(), phrases.phrases("en"))


def test_a_finding_is_said_in_the_language_of_the_page_and_in_english_where_there_is_no_phrase():
    assert sentence(KNOWN, phrases.phrases("en")).startswith("Stated probabilities are off by 0.1")
    assert "校准" in sentence(KNOWN, phrases.phrases("zh"))
    assert sentence(SHIFT, phrases.phrases("zh")) == SHIFT.text


def test_a_finding_without_the_values_of_its_phrase_is_said_by_its_own_text():
    assert sentence(msgspec.structs.replace(KNOWN, values={"error": "0.1"}), phrases.phrases("en")) == "in English"


def test_the_gravest_severity_counts():
    assert worst_severity(evidence(NOTE, SHIFT)) == "warn"
    assert worst_severity(evidence()) is None


def test_every_kind_and_severity_has_a_name_in_both_languages():
    kinds = msgspec.inspect.type_info(Finding).fields
    listed = {field.name: field.type.values for field in kinds if field.name in {"kind", "severity"}}
    assert all(phrases.known(f"found.{kind}") for kind in listed["kind"])
    assert all(phrases.known(f"severity.{severity}") for severity in listed["severity"])


def test_a_notebook_shows_findings_before_the_numbers_the_gravest_first():
    page = evidence_html(evidence(NOTE, LEAK, measures=(Measure(name="auc", value=0.5),)))
    assert page.index("tells.") < page.index("may be") < page.index("ROC-AUC")
    assert "<moved>" not in evidence_html(evidence(SHIFT))


def test_the_evidence_is_named_as_it_is_kept():
    kept = evidence(LEAK)
    assert attached(kept) == digest_of_value(kept)
    assert attached(msgspec.structs.replace(kept, champion=kept.bundle)) == digest_of_value(kept)
    other = msgspec.structs.replace(kept, champion=digest_of(b"other"))
    assert attached(other) == digest_of_value(other)


def test_numbers_say_how_they_were_made_and_leave_families_to_their_chapters():
    measures = (
        Measure(name="auc", value=0.9, lower=0.8, upper=0.95, rows=1200, method="DeLong"),
        Measure(name="fairness.sex.selection_ratio", value=0.7),
        Measure(name="calibration.slope", value=1.1, rows=1200),
    )
    chapter = numbers(evidence(measures=measures), phrases.phrases("en"))
    page = "".join(chapter.parts)
    assert 'title="DeLong; 1,200 rows"' in page
    assert "Calibration slope" in page
    assert "selection_ratio" not in page


def test_a_gap_that_is_only_a_note_is_not_among_what_was_not_found():
    likely = Finding(kind="group_gap", severity="note", code="unheard-of", text="'sex' differs.")
    page = text_of(findings(evidence(likely, checked=("group_gap", "unit")), phrases.phrases("en")))
    assert "not found: wrong units." in page
    assert page.count("gaps between groups") == 1


def test_a_baseline_of_one_answer_is_no_red_mark_by_recall_or_calibration():
    def beside(name, value, baseline):
        gap = value - baseline
        low, high = gap - 0.01, gap + 0.01
        return (
            Measure(name=name, value=value),
            Measure(name=f"baseline.{name}", value=baseline),
            Measure(name=f"{name} - baseline.{name}", value=gap, lower=low, upper=high, better=_BETTER[name]),
        )

    measures = (*beside("recall", 0.9, 1.0), *beside("ece", 0.05, 0.01), *beside("f1", 0.5, 0.8))
    chapter = numbers(evidence(measures=measures, details={"task": "classification"}), phrases.phrases("en"))
    page = "".join(chapter.parts)
    assert page.count('class="worse"') == 1
    assert page.count('title="the baseline has this for nothing"') == 2
    assert "Gray against the baseline" in chapter.about
    plain = numbers(evidence(measures=beside("f1", 0.5, 0.8)), phrases.phrases("en"))
    assert "Gray against the baseline" not in plain.about


def test_a_small_value_is_written_as_finely_as_its_interval():
    assert alike(-7.28e-5, -0.0262, 0.0261) == ("0.000", "−0.026 … 0.026")
    assert alike(0.002496, -0.001856, 0.006847) == ("0.0025", "−0.0019 … 0.0068")
    assert alike(7.28e-5, None, None) == ("7.28e−5", "")
    assert alike(None, None, None) == ("–", "")


UNUSUAL = Finding(
    kind="robustness",
    severity="stop",
    code="no_answer",
    text="Asked about more than the test rows (robustness), the model gave no answer: it ended. A request with such "
    "values fails as well; mend the model, or narrow what its signature accepts.",
    values={"part": "robustness", "why": "it ended"},
)


@pytest.mark.parametrize(
    ("outcomes", "kind", "said"),
    [
        (("pass", "pass"), "pass", "May go live: all 2 rules hold."),
        (("pass", "fail"), "fail", "Not to go live as it is: 1 of 2 rules do not hold."),
        (("not-enough-data", "pass"), "not-enough-data", "Not decided: 1 of 2 rules"),
    ],
)
def test_a_page_begins_with_whether_the_model_may_go_live_and_why_not(outcomes, kind, said):
    reasons = tuple(Reason(rule=f"auc >= 0.{place}", outcome=one, text="why") for place, one in enumerate(outcomes))
    verdict = Verdict(bundle=digest_of(b"bundle"), outcome=kind, reasons=reasons, policy=digest_of(b"policy"))
    page = summary(verdict, evidence(UNUSUAL, SHIFT), lambda reason: reason.text, phrases.phrases("en"))
    assert f'class="summary {kind}"' in page
    assert said in page
    assert page.count("why") == sum(one != "pass" for one in outcomes)
    assert page.index("it ended") < page.index("&lt;moved&gt;")


def test_the_gravest_findings_stand_in_the_head_three_at_most_and_the_badge_counts_the_same():
    found = evidence(*[SHIFT] * 4, UNUSUAL, NOTE)
    page = text_of(summary(None, found, lambda reason: reason.text, phrases.phrases("en")))
    assert page.count("Weakness under stress: Asked about") == 1
    assert page.count("Shift between training and test: ") == 2
    assert "And 2 more." in page
    assert "doubt: 1. Findings to look at before it goes live: 4." in page


@pytest.mark.parametrize(("outcome", "said"), [("pass", True), ("fail", False), ("not-enough-data", True)])
def test_where_rules_fail_the_head_does_not_say_that_nothing_stands_against_it(outcome, said):
    reason = Reason(rule="auc >= 0.9", outcome=outcome, text="why")
    verdict = Verdict(bundle=digest_of(b"bundle"), outcome=outcome, reasons=(reason,), policy=digest_of(b"policy"))
    page = summary(verdict, evidence(checked=("unit",)), lambda reason: reason.text, phrases.phrases("en"))
    assert ("stands against it" in page) == said


@pytest.mark.parametrize(
    ("lang", "line"),
    [("en", "a rule that small stress surely breaks"), ("zh", "轻微扰动下必然不再满足的规则")],
)
def test_stress_that_was_looked_for_and_not_found_claims_no_more_than_was_shown(lang, line):
    page = text_of(findings(evidence(checked=("robustness",)), phrases.phrases(lang)))
    assert line in page
    assert "weakness under stress" not in page


@pytest.mark.parametrize(("given", "line"), [("test", "of the test rows,"), ("given", "of the rows that were given,")])
def test_rows_of_a_finding_are_said_to_be_places_in_which_rows(given, line):
    shown = evidence(msgspec.structs.replace(SHIFT, rows=(1687, 706)), rows_from=given)
    page = text_of(findings(shown, phrases.phrases("en")))
    assert f"Rows 1687, 706 {line} counted from 0" in page


def test_inputs_are_written_as_they_were_sent():
    values = (2018.0, 2017.66, 12345.678, 1e-7, float("nan"), -3.5)
    assert [sent(value) for value in values] == ["2018", "2017.66", "12345.678", "1e-07", "–", "-3.5"]


def test_a_plot_that_is_asked_for_by_a_part_of_its_name_is_suggested():
    names = ["roc", "fairness-sex", "fairness-age", "explained-swarm", "explained-importance"]
    assert near("fairness", names) == ["fairness-sex", "fairness-age"]
    assert near("Swarm", names) == ["explained-swarm"]
    assert near("explained-importence", names)[0] == "explained-importance"
    assert near("shap", names) == ["explained-swarm", "explained-importance"]
    assert near("zzz", names) == []


def test_without_rules_the_page_says_that_nobody_judged():
    page = text_of(summary(None, evidence(checked=("unit",)), lambda reason: reason.text, phrases.phrases("en")))
    assert "Not judged" in page
    assert "stands against it" in page


def test_a_model_that_gives_no_answer_under_stress_is_said_in_both_languages():
    assert sentence(UNUSUAL, phrases.phrases("en")) == UNUSUAL.text
    said = sentence(UNUSUAL, phrases.phrases("zh"))
    assert "（稳健性）" in said
    assert "it ended" in said


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "wrong units: there are 40 test rows; 50 are needed."),
        ("zh", "单位错误：测试数据只有 40 行，至少需要 50 行。"),
    ],
)
def test_why_a_kind_was_not_looked_for_stands_beside_it(lang, line):
    note = {"code": "unlooked.rows", "text": "in English", "kinds": ["unit"], "count": 40, "least": 50}
    page = text_of(findings(evidence(checked=("rows",), details={"notes": [note]}), phrases.phrases(lang)))
    assert line in page


def test_large_numbers_in_sentences_are_written_out():
    assert f"{Readable(40663.7):.4g} {Readable(0.5):.4g} {Readable(-999.0):g}" == "40,664 0.5 −999"
    assert f"{Readable(2147483647.0):g} {Readable(1e20):g}" == "2,147,483,647 1e+20"
