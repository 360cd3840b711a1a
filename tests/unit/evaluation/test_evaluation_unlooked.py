"""Why a kind of finding was not looked for: the reason that is told is the one that is true."""

import msgspec
import numpy as np
import pytest
from clean_data import clean_run

from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.domain.policy import Policy
from golive.errors import UnavailableError
from golive.evaluation.pages.findings import note_text
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.sections import SECTIONS, with_sections

EVIDENCE = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="1")


@pytest.fixture(scope="module")
def run():
    drawn = clean_run(1, rows=400, training_rows=400)

    def predict(columns):
        # The true function has logarithms, which a stress may ask for below 0.
        with np.errstate(invalid="ignore"):
            return drawn.predict(columns)

    return msgspec.structs.replace(drawn, predict=predict)


def breaks(_):
    message = "the model's process ended"
    raise UnavailableError(message)


def why(subject, kind, **parts):
    """Give the codes of the reasons, having seen that each reads as it does in English and differently in Chinese."""
    evidence = with_sections(EVIDENCE, subject, parts)
    assert kind not in evidence.checked
    notes = evidence.notes_on(kind)
    for note in notes:
        english, chinese = (note_text(note, phrases(language)) for language in ("en", "zh"))
        assert english.rstrip(".").casefold() == note["text"].rstrip(".").casefold()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    return [note["code"] for note in notes]


def with_rules(subject, *rules):
    return msgspec.structs.replace(subject, policy=Policy(rules=rules))


@pytest.mark.parametrize("rules", [(), ("accuracy >= 0.1",)])
def test_a_stress_that_breaks_the_model_is_not_blamed_on_the_rules(run, rules):
    assert why(with_rules(run, *rules), "robustness", robustness=breaks) == ["unlooked.no_answer"]


@pytest.mark.parametrize(
    ("part", "kind"), [("recalibration", "calibration"), ("checks", "unit"), ("slices", "weak_slice")]
)
def test_what_a_part_was_to_look_for_when_the_model_broke_has_that_reason(run, part, kind):
    assert why(run, kind, **{part: breaks}) == ["unlooked.no_answer"]


def test_a_rule_that_is_followed_but_does_not_hold_without_stress_is_the_reason(run):
    subject = with_rules(run, "accuracy > 0.9999")
    assert why(subject, "robustness", robustness=SECTIONS["robustness"]) == ["unlooked.fails_already"]


def test_a_policy_without_a_rule_about_a_metric_is_the_reason(run):
    subject = with_rules(run, "size_mb <= 20")
    assert why(subject, "robustness", robustness=SECTIONS["robustness"]) == ["unlooked.no_rule"]


def test_a_model_that_reads_nothing_cannot_be_stressed(run):
    bare = msgspec.structs.replace(run, signature=msgspec.structs.replace(run.signature, inputs=()))
    subject = with_rules(bare, "accuracy >= 0.1")
    assert why(subject, "robustness", robustness=SECTIONS["robustness"]) == ["unlooked.no_small_stress"]


def test_a_regression_and_answers_that_are_no_probabilities_have_their_reasons(run):
    part = SECTIONS["recalibration"]
    tripled = {role: given * 3.0 for role, given in run.answers.items()}

    assert why(clean_run(0, rows=400), "calibration", recalibration=part) == ["unlooked.no_probabilities"]
    assert why(msgspec.structs.replace(run, answers=tripled), "calibration", recalibration=part) == [
        "unlooked.few_outcomes"
    ]


def test_what_was_looked_for_has_no_reason(run):
    subject = with_rules(run, "accuracy >= 0.1")
    evidence = with_sections(EVIDENCE, subject, {"robustness": SECTIONS["robustness"]})

    assert "robustness" in evidence.checked
    assert evidence.why_unlooked("robustness") == []
