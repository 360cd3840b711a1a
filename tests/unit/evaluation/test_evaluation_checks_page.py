"""The chapter about rows is drawn from the Evidence alone, in both languages."""

import re

import msgspec
import numpy as np
import pandas as pd
import pytest
from checked_rows import subject_of
from clean_data import clean_run

from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.evaluation.checks.section import checks as check
from golive.evaluation.pages.chapter import written
from golive.evaluation.pages.checks import checks
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.sections import with_found


def evidence_of(subject):
    bare = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="0.1.0")
    stored = msgspec.json.encode(with_found(bare, {"checks": check(subject)}))
    return msgspec.json.decode(stored, type=Evidence)


@pytest.mark.parametrize(
    ("lang", "title", "head"), [("en", "Rows", "Missing in training"), ("zh", "数据检查", "训练时缺失")]
)
def test_the_chapter_shows_every_column_and_the_error_over_time(lang, title, head):
    chapter = checks(evidence_of(clean_run(0, model="true")), phrases(lang))
    page = written(chapter)
    assert chapter.title == title
    assert head in page
    assert all(f"<td>{name}</td>" in page for name in ("age", "income", "city", "plan", "channel"))
    assert [drawn.plot.name for drawn in chapter.drawn] == ["checks-time"]
    assert page.count("<polyline") == 11
    assert "2025-01-01" in page
    assert "{" not in re.sub(r"<[^>]*>", "", page)


def test_without_training_rows_the_columns_stand_alone():
    whole = clean_run(1, model="true")
    page = written(checks(evidence_of(msgspec.structs.replace(whole, training=None)), phrases("en")))
    assert "Missing in training" not in page
    assert "The training rows are not at hand" in page
    assert "PSI" in page


def test_of_many_columns_the_most_different_are_shown_and_names_are_escaped():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({f"c{place}": rng.normal(size=200) for place in range(80)} | {"<b>": 1.0, "y": 0.5})
    frame["y"] = rng.normal(size=200)
    frame.loc[frame.index[100:], "<b>"] = np.nan
    parts = (np.arange(100), np.arange(100, 200))
    page = written(checks(evidence_of(subject_of(frame, "y", parts=parts)), phrases("en")))
    assert "21 more columns differ less." in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_an_evidence_without_checks_has_no_such_chapter():
    bare = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="0.1.0")
    assert checks(bare, phrases("en")) is None


def test_every_finding_says_the_same_in_the_report():
    frame = pd.DataFrame({"x": np.arange(300.0), "y": np.random.default_rng(1).normal(size=300)})
    frame["made"] = frame["y"] * 2.0
    for finding in check(subject_of(frame, "y")).findings:
        key = f"finding.{finding.kind}.{finding.code}"
        assert phrases("en")(key, **finding.values) == finding.text
        assert phrases("zh")(key, **finding.values) not in {finding.text, key}


@pytest.mark.parametrize(("lang", "limits"), [("en", "below 0.1 (numbers) or 0.02 (texts)"), ("zh", "0.02")])
def test_the_chapter_says_from_which_change_on_something_is_found(lang, limits):
    assert limits in checks(evidence_of(clean_run(1, model="true")), phrases(lang)).about
