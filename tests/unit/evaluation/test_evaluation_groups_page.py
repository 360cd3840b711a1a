"""The chapter on fairness: drawn from the details alone, in both languages, with every name from data escaped."""

import re

import msgspec
import numpy as np
import pytest

from golive.domain.bundle import Decision
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.domain.judging import Costs, Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.groups import found
from golive.evaluation.groups.reweighting import reweighting
from golive.evaluation.groups.section import fairness
from golive.evaluation.pages.chapter import written
from golive.evaluation.pages.drawing import svg
from golive.evaluation.pages.groups import groups
from golive.evaluation.pages.phrases import listed, phrases, table
from golive.evaluation.sections import with_found
from golive.evaluation.subject import Rows, Subject
from golive.evaluation.words.groups import WORDS


def subject_of(truth, answers, classes, **declared):
    rng = np.random.default_rng(2)
    rows = len(truth)
    names = np.array(["<b>", "女"], dtype=object)
    codes = rng.integers(0, 2, rows)
    if classes:
        answers = np.clip(answers + np.where(codes, -0.3, 0.0)[:, None] * np.array([-1.0, 1.0]), 0.0, 1.0)
    else:
        answers = answers + codes[:, None]
    return Subject(
        signature=Signature(
            inputs=(Field(name="age", dtype="float64"),),
            task="classification" if classes else "regression",
            target="y",
            classes=classes,
        ),
        decision=Decision(),
        test=Rows(columns={"age": rng.integers(18, 80, rows).astype(float)}, extra={"sex": names[codes]}, truth=truth),
        kept=np.arange(rows),
        answers={"": answers},
        predict=lambda _: answers,
        declared=Declared(sensitive=("sex", "age", "gone"), **declared),
    )


def classified():
    rng = np.random.default_rng(1)
    score = rng.random(1200)
    truth = (rng.random(1200) < score).astype(np.int64)
    return subject_of(truth, np.stack([1 - score, score], axis=1), ("no", "yes"), costs=Costs(false_negative=2))


def regressed():
    rng = np.random.default_rng(1)
    truth = rng.standard_normal(1200)
    return subject_of(truth, (truth + 0.3 * rng.standard_normal(1200))[:, None], ())


def evidence_of(subject):
    sections = {"fairness": fairness(subject)}
    if subject.signature.classes:
        sections["reweighting"] = reweighting(subject, {"sex": subject.predicted[::-1]})
    bare = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="", code="")
    # As it is kept: the page knows nothing but what was written.
    return msgspec.json.decode(msgspec.json.encode(with_found(bare, sections)), type=Evidence)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("make", [classified, regressed])
def test_the_chapter_is_drawn_from_stored_details_alone(make, language):
    say = phrases(language)
    chapter = groups(evidence_of(make()), say)
    page = written(chapter)
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert len({drawn.plot.name for drawn in chapter.drawn}) == len(chapter.drawn)
    assert all(drawn.plot.alt and drawn.caption for drawn in chapter.drawn)
    assert not re.search(r"\b(nan|None|inf)\b", re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))
    if language == "zh":
        assert "公平性" in page


def test_gaps_four_fifths_and_the_price_of_mitigations_are_on_the_page():
    page = written(groups(evidence_of(classified()), phrases("en")))
    for text in ("below four fifths", "Own thresholds, equal selection", "Reweighted retrain", "not a recommendation"):
        assert text in page


def test_the_model_that_reads_the_column_and_stand_ins_are_named():
    page = written(groups(evidence_of(classified()), phrases("en")))
    assert "The model reads age itself" in page
    assert "The model reads sex itself" not in page


@pytest.mark.parametrize("make", [classified, regressed])
def test_every_finding_and_note_has_the_same_english_sentence_on_the_page(make):
    evidence, say = evidence_of(make()), phrases("en")
    assert {finding.code for finding in evidence.findings} >= {"absent_sensitive"}
    assert len(evidence.findings) > 1
    for finding in evidence.findings:
        assert say(f"finding.{finding.kind}.{finding.code}", **finding.values) == finding.text
    for note in evidence.details["notes"]:
        numbers = {key: value for key, value in note.items() if key not in {"code", "text"}}
        said = say(f"note.{note['code']}", **listed(say, numbers))
        assert said.rstrip(".").lower() == note["text"].lower()


def test_the_sentences_of_findings_are_kept_once_in_two_places():
    for code, text in (("ratio", found.RATIO), ("likely", found.LIKELY), ("tpr", found.TPR), ("error", found.ERROR)):
        assert table()[f"finding.group_gap.{code}"][0] == text


def test_every_phrase_has_the_same_blanks_in_both_languages():
    for key, (english, chinese) in WORDS.items():
        blanks = [sorted(re.findall(r"\{(\w+)", text)) for text in (english, chinese)]
        assert blanks[0] == blanks[1], key
        assert english
        assert chinese


def test_evidence_without_declared_columns_has_no_such_chapter():
    bare = Evidence(bundle=digest_of(b"bundle"), kind="evaluation", measured_at="", code="")
    assert groups(bare, phrases("en")) is None


def test_an_assumed_favorable_answer_is_said_where_the_chapter_begins_and_a_declared_one_is_not():
    assumed, declared = classified(), classified()
    declared = msgspec.structs.replace(
        declared, declared=msgspec.structs.replace(declared.declared, favorable="yes", sensitive=("sex",))
    )
    assert "so “yes” is assumed" in groups(evidence_of(assumed), phrases("en")).about
    assert "因此假定为“yes”" in groups(evidence_of(assumed), phrases("zh")).about
    assert "assumed" not in groups(evidence_of(declared), phrases("en")).about
    codes = [{note["code"] for note in evidence_of(one).details["notes"]} for one in (assumed, declared)]
    assert ["fairness_favorable" in those for those in codes] == [True, False]


def test_a_likely_gap_says_the_same_sentence_in_the_evidence_and_on_the_page():
    values = {
        "label": "afam",
        "favorable": "yes",
        "least": "no",
        "most": "yes",
        "least_value": 0.04,
        "most_value": 0.11,
        "value": 0.335,
        "lower": 0.152,
        "upper": 0.757,
    }
    assert phrases("en")("finding.group_gap.likely", **values) == found.LIKELY.format(**values)
    assert "20 张表" in phrases("zh")("finding.group_gap.likely", **values)


def test_small_groups_are_gray_dots_under_one_caption_and_keep_their_names_whole():
    subject = classified()
    sex = subject.test.extra["sex"].copy()
    sex[:7] = "18 to 28 and more"
    few = msgspec.structs.replace(subject, test=msgspec.structs.replace(subject.test, extra={"sex": sex}))
    for one, captioned in ((few, True), (subject, False)):
        drawn = groups(evidence_of(one), phrases("en")).drawn[0]
        assert ("Gray: few rows" in drawn.about) == captioned
        assert ("var(--muted)" in svg(drawn.plot).partition("matplotlib.axis")[0]) or not captioned
        assert "(few rows" not in svg(drawn.plot)


def test_chinese_pages_join_crossed_groups_the_chinese_way():
    page = written(groups(evidence_of(classified()), phrases("zh")))
    assert "sex、age" in page
    assert "女、" in page
    assert " × " not in page
