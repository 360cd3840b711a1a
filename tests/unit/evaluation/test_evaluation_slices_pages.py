"""Chapters about slices and doubtful labels: drawn from the details alone, in both languages."""

import re

import msgspec
import numpy as np
import pytest
from clean_data import clean_run

from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.evaluation.pages.chapter import written
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.pages.slices import label_noise as label_page
from golive.evaluation.pages.slices import slices as slice_page
from golive.evaluation.sections import with_found
from golive.evaluation.slices.label_noise import label_noise
from golive.evaluation.slices.part import slices
from golive.evaluation.subject import Rows


def stored(seed, **more):
    """Give the evidence of a run with a planted slice, as it is read back from a store."""
    subject = clean_run(seed, rows=3000)
    planted = (subject.test.columns["plan"] == "plus") & (subject.test.columns["hours"] > 30)
    truth = subject.test.truth
    wrong = (1 - truth) if subject.signature.classes else truth + 40.0
    spoilt = Rows(columns=subject.test.columns, extra=subject.test.extra, truth=np.where(planted, wrong, truth))
    subject = msgspec.structs.replace(subject, test=spoilt, **more)
    empty = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="1")
    evidence = with_found(empty, {"slices": slices(subject), "label_noise": label_noise(subject)})
    return msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_chapter_shows_each_slice_with_its_interval_and_a_plot_with_words(seed):
    chapter = slice_page(stored(seed), phrases("en"))

    html = str(written(chapter))
    assert re.search("hours &gt; [0-9.]+ and plan = plus", html)
    assert "weak" in html
    assert "region = north" in html
    assert "95 % intervals" in chapter.drawn[0].plot.alt
    assert "<svg" in html


def test_a_chapter_lists_the_rows_whose_labels_are_doubtful():
    html = str(written(label_page(stored(1), phrases("en"))))

    assert html.count("<tr>") == 21
    assert "confident learning" in html
    assert "Labels doubted: " in html
    assert "If every label were right" in html


def test_targets_are_listed_with_their_distance():
    html = str(written(label_page(stored(0), phrases("zh"))))

    assert html.count("<tr>") == 21
    assert "稳健标准差" in html


def test_the_chinese_chapter_describes_slices_in_chinese():
    html = str(written(slice_page(stored(1), phrases("zh"))))

    assert re.search("hours &gt; [0-9.]+ 且 plan = plus", html)
    assert "薄弱" in html
    assert "Rows with" not in html


@pytest.mark.parametrize("seed", [0, 1])
def test_every_finding_says_the_same_in_the_report_as_in_the_evidence(seed):
    evidence = stored(seed)

    assert {finding.kind for finding in evidence.findings} >= {"weak_slice"}
    for finding in evidence.findings:
        key = f"finding.{finding.kind}.{finding.code}"
        assert phrases("en")(key, **finding.values) == finding.text
        assert phrases("zh")(key, **finding.values) != finding.text


def test_without_the_details_there_is_no_chapter():
    empty = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="1")

    assert slice_page(empty, phrases("en")) is None
    assert label_page(empty, phrases("en")) is None


def test_one_set_of_identical_rows_reads_as_well_as_many():
    details = {"conflicts": {"sets": 1, "conflicting": 1, "expected": 0.3}}
    bare = msgspec.structs.replace(stored(1), details={"label_noise": details})
    page = written(label_page(bare, phrases("en")))
    assert "identical inputs: 1; sets in which the answers differ: 1." in page
    assert "预计约有 0.3 组" in written(label_page(bare, phrases("zh")))
