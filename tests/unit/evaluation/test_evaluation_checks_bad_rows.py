"""Rows that do not allow what is asked of them give a statement, never a crash."""

import msgspec
import numpy as np
import pandas as pd
import pytest
from checked_rows import parts_of, subject_of

from golive.domain.judging import Declared
from golive.evaluation.checks.leakage import power
from golive.evaluation.checks.section import checks
from golive.evaluation.moments import moments, written
from golive.evaluation.words.checks import WORDS


def frame_of(rows=400, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"x": rng.normal(size=rows), "word": rng.choice(["a", "b"], rows), "label": rng.choice(["no", "yes"], rows)}
    )


def codes(subject):
    return {(finding.kind, finding.code) for finding in checks(subject).findings}


def test_one_class_and_one_answer_for_all_rows_are_said():
    frame = frame_of()
    train, test = parts_of(len(frame))
    frame.loc[test, "label"] = "yes"
    subject = subject_of(frame, "label", parts=(train, test), predicted=np.tile([0.4, 0.6], (len(test), 1)))
    assert {("rows", "one_class"), ("rows", "constant_predictions"), ("shift", "classes")} == codes(subject)


def test_answers_that_are_no_probabilities_stop():
    frame = frame_of()
    _, test = parts_of(len(frame))
    answers = np.tile([0.4, 0.6], (len(test), 1))
    answers[3] = [-0.2, 1.2]
    (finding,) = checks(subject_of(frame, "label", predicted=answers)).findings
    assert (finding.code, finding.severity, finding.rows) == ("probabilities", "stop", (103,))
    assert "row 103" in finding.text


def test_columns_that_are_empty_constant_or_copied_are_said():
    frame = frame_of().assign(
        gone=lambda f: f["x"] + 1, same=lambda f: f["x"] * 2, nothing=np.nan, copy=lambda f: f["x"]
    )
    _, test = parts_of(len(frame))
    frame.loc[test, "gone"], frame.loc[test, "same"] = np.nan, 1.0
    found = {
        finding.columns[0]: finding.code
        for finding in checks(subject_of(frame, "label")).findings
        if finding.kind == "rows"
    }
    assert found == {
        "gone": "column_missing",
        "same": "column_constant",
        "nothing": "column_empty",
        "copy": "column_copy",
    }


def test_a_rare_value_that_happens_to_be_absent_is_no_finding():
    frame = frame_of().assign(rare=0.0)
    train, _ = parts_of(len(frame))
    frame.loc[train[:3], "rare"] = 1.0
    assert codes(subject_of(frame, "label")) == set()


@pytest.mark.parametrize("rows", [1, 2, 5, 40])
@pytest.mark.parametrize("target", ["label", "x"])
def test_few_rows_are_no_crash_and_no_claim(rows, target):
    frame = frame_of(200)
    subject = subject_of(frame, target, parts=(np.arange(20), np.arange(20, 20 + rows)))
    section = checks(subject)
    assert "leakage" not in section.checked or rows == 40
    assert {finding.code for finding in section.findings} <= {"one_class", "one_value"}


def test_numbers_near_the_end_of_what_floats_hold_are_no_crash():
    frame = frame_of().assign(huge=lambda f: f["x"] * 1e307, tiny=lambda f: f["x"] * 1e-310)
    details = checks(subject_of(frame, "label")).details
    assert msgspec.json.decode(msgspec.json.encode(details)) == details


def test_thousands_of_columns_and_a_thousand_classes_are_judged():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(120, 3_000)), columns=[f"c{place}" for place in range(3_000)])
    frame["label"] = rng.choice(["no", "yes"], 120)
    section = checks(subject_of(frame, "label"))
    assert section.findings == ()
    assert (len(section.details["columns"]), section.details["all_columns"]) == (60, 3_000)
    many = pd.DataFrame({"x": rng.normal(size=4000), "label": rng.integers(0, 1000, 4000)})
    assert "leakage" in checks(subject_of(many, "label")).checked


def test_many_columns_with_one_fault_are_summed_up():
    frame = frame_of(800)
    for place in range(30):
        frame[f"made {place}"] = (frame["label"] == "yes") * (1.0 + place)
    leaks = [finding for finding in checks(subject_of(frame, "label")).findings if finding.kind == "leakage"]
    assert len(leaks) == 13
    assert leaks[-1].values["count"] == 18


def test_a_time_column_that_is_absent_or_cannot_be_read_is_said():
    frame = frame_of().assign(when="soon")
    assert codes(subject_of(frame, "label", declared=Declared(time="day"))) == {("rows", "time_absent")}
    frame.loc[frame.index[:300], "when"] = "2026-01-31"
    (finding,) = checks(subject_of(frame, "label", declared=Declared(time="when"), extra=("when",))).findings
    assert (finding.code, finding.values["example"]) == ("time_unreadable", "soon")


def test_groups_of_one_row_are_said():
    frame = frame_of().assign(customer=[f"c{place}" for place in range(400)])
    subject = subject_of(frame, "label", declared=Declared(group="customer"), extra=("customer",))
    assert codes(subject) == {("rows", "single_groups")}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", "2026-01-31"),
        ("2026/1/31", "2026-01-31"),
        ("2026.01.31", "2026-01-31"),
        ("20260131", "2026-01-31"),
        ("2026年1月31日", "2026-01-31"),
        ("2026-01", "2026-01-01"),
        ("2026-01-31T13:05:00", "2026-01-31 13:05"),
        ("2026-01-31 13:05", "2026-01-31 13:05"),
        ("2026-01-31T13:05:00+08:00", "2026-01-31 05:05"),
    ],
)
def test_dates_are_read_as_people_write_them(text, day):
    found = moments(np.array([text], dtype=object))
    assert written(float(found.values[0]), number=False) == day
    assert found.unreadable == 0


def test_what_is_no_date_is_counted_and_missing_ones_are_not():
    found = moments(np.array(["2026-02-30", "soon", None, "17"], dtype=object))
    assert (found.unreadable, found.example) == (2, "2026-02-30")
    assert found.values[3] == 17.0


def test_the_power_of_a_column_is_what_it_tells_out_of_fold():
    rng = np.random.default_rng(1)
    x = rng.normal(size=3000)
    y = (x > 1.5).astype(float)
    assert power(x, y, classes=True) > 0.98
    assert power(rng.normal(size=3000), y, classes=True) < 0.05
    assert power(x, np.exp(x), classes=False) > 0.99
    assert power(x, x + rng.normal(size=3000), classes=False) < 0.6
    assert power(np.arange(3000.0), rng.integers(0, 2, 3000).astype(float), classes=True, text=True) <= 0.0
    outlier = rng.normal(size=(2, 3000))
    outlier[:, 0] = 1e6
    assert power(outlier[0], outlier[1], classes=False) < 0.99


def test_every_sentence_has_a_chinese_one_with_the_same_blanks():
    for key, (english, chinese) in WORDS.items():
        blanks = [
            {part.split("}")[0].split(":")[0].split("!")[0] for part in text.split("{")[1:]}
            for text in (english, chinese)
        ]
        assert blanks[0] == blanks[1], key
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese) or key == "checks.psi"
