"""No silent numbers: what is too large, empty or far too sure is left out or said, and never stored as a number."""

import math

import msgspec
import numpy as np
import pytest
from clean_data import clean_run

from golive.domain.evidence import Evidence, Measure
from golive.domain.judging import Declared
from golive.evaluation.checks.order import in_time
from golive.evaluation.explained.shuffled import shuffled
from golive.evaluation.groups.section import MOST_NAMED, fairness
from golive.evaluation.measured.calibration import calibration
from golive.evaluation.measured.comparison import Metric, measures_of
from golive.evaluation.pages.groups import groups
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.sections import with_found
from golive.evaluation.subject import Rows, Section, Subject

BARE = Evidence(
    bundle="sha256:" + "0" * 64, measured_at="2026-01-01T00:00:00+00:00", code="golive 0", kind="evaluation"
)


def with_extra(subject: Subject, **extra: np.ndarray) -> Subject:
    rows = Rows(columns=subject.test.columns, extra={**subject.test.extra, **extra}, truth=subject.test.truth)
    return msgspec.structs.replace(subject, test=rows)


def with_huge_truth(subject: Subject) -> Subject:
    truth = np.where(np.arange(subject.rows) % 5 == 0, 1e300, subject.test.truth)
    rows = Rows(columns=subject.test.columns, extra=subject.test.extra, truth=truth)
    return msgspec.structs.replace(subject, test=rows)


def test_a_measure_that_is_no_number_is_left_out_and_noted():
    section = Section(
        measures=(
            Measure(name="sound", value=1.0, lower=0.5, upper=math.inf),
            Measure(name="lost", value=math.nan),
            Measure(name="endless", value=math.inf),
        )
    )
    found = with_found(BARE, {"part": section})
    assert [(one.name, one.lower, one.upper) for one in found.measures] == [("sound", None, None)]
    (note,) = found.details["notes"]
    assert (note["code"], note["count"], note["metric"]) == ("overflowing", 2, "lost")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Evidence) == found


def test_the_note_on_measures_that_are_no_numbers_has_a_phrase_in_both_languages():
    for language in ("en", "zh"):
        assert "rmse" in phrases(language)("note.overflowing", count=2, metric="rmse")


@pytest.mark.parametrize(("value", "kept"), [(1e299, ["huge", "baseline.huge"]), (3.0, 3)])
def test_a_difference_that_is_rounded_away_is_no_measure(value, kept):
    metric = Metric(
        name="huge",
        values={"": value, "baseline": value},
        single=lambda _: None,
        paired=lambda _: (-2.0, -1.0),
        method="as given",
    )
    names = [one.name for one in measures_of(metric, 100)]
    assert (names if isinstance(kept, list) else len(names)) == kept


def test_groups_with_errors_too_large_for_a_number_are_not_compared_and_the_page_is_drawn():
    subject = with_huge_truth(clean_run(0, kind="regression", model="true", rows=800))
    section = fairness(subject)
    assert "fairness.sex.rmse_ratio" not in {one.name for one in section.measures}
    assert all(math.isfinite(one.value) for one in section.measures)
    stored = msgspec.json.decode(msgspec.json.encode(with_found(BARE, {"fairness": section})), type=Evidence)
    assert groups(stored, phrases("en")) is not None


def test_shuffling_is_not_told_where_losses_are_too_large_for_a_number():
    subject = clean_run(0, kind="regression", model="true", rows=800)
    assert shuffled(subject) is not None
    assert shuffled(with_huge_truth(subject)) is None


def test_many_small_groups_are_counted_rather_than_all_named():
    subject = clean_run(1, kind="binary", model="true", rows=800)
    people = np.array([f"p{place}" for place in range(subject.rows)], object)
    declared = msgspec.structs.replace(with_extra(subject, person=people), declared=Declared(sensitive=("person",)))
    small = next(one for one in fairness(declared).notes if one["code"] == "fairness_small")
    assert len(small["groups"]) == MOST_NAMED + 1
    assert small["groups"][-1].endswith(")")


def test_a_time_column_without_any_value_is_a_finding():
    subject = clean_run(1, kind="binary", model="true", rows=800)
    empty = with_extra(subject, day=np.full(subject.rows, None, object))
    assert [one.code for one in in_time(empty).findings] == ["time_empty"]
    assert in_time(subject).findings == ()


def test_a_model_that_is_far_too_sure_of_a_rare_class_is_found():
    rng = np.random.default_rng(0)
    subject = clean_run(1, kind="binary", model="true", rows=6000)
    odds = rng.normal(-4.6, 1.6, subject.rows)
    truth = (rng.random(subject.rows) < 1.0 / (1.0 + np.exp(-odds))).astype(np.int64)
    rows = Rows(columns=subject.test.columns, extra=subject.test.extra, truth=truth)

    def stated(times: float) -> Section:
        second = 1.0 / (1.0 + np.exp(-times * odds))
        answers = {**subject.answers, "": np.column_stack([1.0 - second, second])}
        return calibration(msgspec.structs.replace(subject, test=rows, answers=answers))

    assert stated(1.0).findings == ()
    (found,) = stated(3.0).findings
    assert found.kind == "calibration"
    assert float(found.values["error"]) < 0.05
