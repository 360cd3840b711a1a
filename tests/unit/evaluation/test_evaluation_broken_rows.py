"""Rows whose values mean something else are left out of the search for weak slices, but for what training holds too."""

import msgspec
import numpy as np
import pytest
from clean_data import clean_run

from golive.domain.bundle import Decision
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.domain.signature import Field, Signature
from golive.evaluation.checks.broken import broken
from golive.evaluation.checks.section import checks
from golive.evaluation.sections import with_sections
from golive.evaluation.slices.part import slices
from golive.evaluation.subject import Rows, Section, Subject

ROWS = 3000
EVIDENCE = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="1")


def hours(rows, changed):
    return msgspec.structs.replace(rows, columns={**rows.columns, "hours": changed})


def coded(rows, share, seed):
    """Give -1 for the hours of some rows, and which rows these are."""
    chosen = np.random.default_rng(seed).random(len(rows.truth)) < share
    return hours(rows, np.where(chosen, -1.0, rows.columns["hours"] + 1.0)), chosen


def wrong(rows, places):
    return msgspec.structs.replace(rows, truth=np.where(places, 1 - rows.truth, rows.truth))


def codes_at(in_training, in_test):
    """Draw a run of which some hours are -1, where the model is always wrong in the test rows."""
    run = clean_run(1, rows=ROWS, training_rows=ROWS)
    training, _ = coded(run.training, in_training, 5)
    test, chosen = coded(run.test, in_test, 6)
    return msgspec.structs.replace(run, training=training, test=wrong(test, chosen))


def mixed(share, *, training=0.0):
    """Draw a run of which some hours are in thousandths, where the model is always wrong."""
    run = clean_run(1, rows=ROWS, training_rows=ROWS)

    def moved(rows, part, seed):
        chosen = (np.random.default_rng(seed).random(ROWS) < part) & (rows.columns["hours"] > 0)
        return hours(rows, np.where(chosen, 1000.0, 1.0) * rows.columns["hours"]), chosen

    test, chosen = moved(run.test, share, 7)
    changed = msgspec.structs.replace(run, training=moved(run.training, training, 8)[0], test=wrong(test, chosen))
    return changed, chosen


def plain(columns, training, **limits):
    """Make a subject of number columns whose answers are drawn by chance."""
    rows = len(next(iter(columns.values())))
    drawn = np.random.default_rng(1).normal(size=rows)
    fields = tuple(Field(name=name, dtype="float64", **limits) for name in columns)
    return Subject(
        signature=Signature(inputs=fields, task="regression", target="y"),
        decision=Decision(),
        test=Rows(columns=columns, truth=drawn),
        kept=np.arange(rows),
        answers={"": np.zeros((rows, 1))},
        predict=lambda table: np.zeros((len(next(iter(table.values()))), 1)),
        training=None if training is None else Rows(columns=training, truth=drawn),
    )


def test_a_code_that_training_has_too_was_learned_so_errors_on_it_are_a_weak_slice():
    subject = codes_at(0.3, 0.3)
    assert "hidden_missing" in {one.kind for one in checks(subject).findings if one.columns == ("hours",)}

    found = slices(subject)

    assert [one.columns for one in found.findings] == [("hours",)]
    assert (subject.test.columns["hours"][list(found.findings[0].rows)] == -1.0).all()
    assert found.checked == ("weak_slice",)
    assert not found.notes


@pytest.mark.parametrize("in_training", [0.0, 0.002])
def test_a_code_that_training_hardly_has_is_told_once(in_training):
    found = slices(codes_at(in_training, 0.15))

    assert found.findings == ()
    assert found.checked == ("weak_slice",)
    assert [(note["code"], note["columns"]) for note in found.notes] == [("slices.broken", ["hours"])]


@pytest.mark.parametrize(("lowest", "left_out"), [(0.0, ["x"]), (-999.0, []), (None, [])])
def test_without_training_rows_the_range_of_the_signature_says_what_training_had(lowest, left_out):
    rng = np.random.default_rng(0)
    column = np.where(rng.random(1000) < 0.1, -999.0, rng.uniform(0.0, 9.0, 1000))
    limits = {} if lowest is None else {"minimum": lowest, "maximum": 9.0}

    assert list(broken(plain({"x": column}, None, **limits))) == left_out


def test_two_units_that_training_has_too_are_searched():
    assert [set(broken(mixed(0.15, training=part)[0])) for part in (0.0, 0.15)] == [{"hours"}, set()]


def test_codes_of_many_columns_are_all_left_out_though_twelve_are_told():
    rng = np.random.default_rng(0)
    training = {f"x{place}": rng.normal(size=1000) for place in range(30)}
    test = {name: np.where(rng.random(1000) < 0.03, -999.0, rng.normal(size=1000)) for name in training}
    subject = plain(test, training)

    assert len([one for one in checks(subject).findings if one.kind == "hidden_missing"]) == 13
    rows = broken(subject)
    assert set(rows) == set(test)
    assert all((rows[name] == (test[name] == -999.0)).all() for name in test)


def test_the_rows_that_a_weak_slice_lists_are_none_of_those_left_out():
    subject, spoilt = mixed(0.15)
    planted = (subject.test.columns["plan"] == "plus") & ~spoilt
    found = slices(msgspec.structs.replace(subject, test=wrong(subject.test, planted)))

    assert found.findings[0].values["slice"] == "plan = plus"
    assert spoilt[subject.test.columns["plan"] == "plus"][:20].any()
    assert not spoilt[list(found.findings[0].rows)].any()


def test_where_more_than_a_fifth_is_left_out_nothing_found_among_the_others_is_no_answer():
    subject, _ = mixed(0.3)
    found = slices(subject)

    assert found.findings == ()
    assert found.checked == ()
    assert [(note["code"], note["kinds"]) for note in found.notes] == [("slices.many_broken", ["weak_slice"])]
    assert not any(measure.name == "slices.weak" for measure in found.measures)


def test_a_weak_slice_among_the_few_rows_left_is_told():
    subject, _ = mixed(0.3)
    found = slices(msgspec.structs.replace(subject, test=wrong(subject.test, subject.test.columns["plan"] == "plus")))

    assert found.findings[0].values["slice"] == "plan = plus"


def test_what_the_checks_found_is_told_to_the_parts_after_them_and_not_looked_for_again():
    subject, _ = mixed(0.15)
    told = []

    def later(given):
        told.append(given.spoilt)
        return slices(given)

    evidence = with_sections(EVIDENCE, subject, {"before": later, "checks": checks, "after": later})

    assert told == [None, checks(subject).spoilt]
    assert len(told[1]) == 1
    assert evidence.details["before"] == evidence.details["after"]
    assert not broken(msgspec.structs.replace(subject, spoilt=()))


def test_a_run_without_spoilt_values_says_so_to_the_parts_after_the_checks():
    section = checks(clean_run(1, rows=800, training_rows=800))

    assert section.spoilt == ()
    assert Section().spoilt is None
