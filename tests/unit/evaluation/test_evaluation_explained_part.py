"""Explained: shares, shuffled columns, dependence and single rows of models whose ways are known."""

import json

import msgspec
import numpy as np
import pytest

from golive.domain.bundle import Decision
from golive.domain.evidence import Evidence
from golive.domain.explanation import Explained
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError
from golive.evaluation.explained.part import explained
from golive.evaluation.pages.chapter import written
from golive.evaluation.pages.drawing import svg
from golive.evaluation.pages.explained import explained as page
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.subject import Rows, Subject

ROWS = 300
WEIGHTS = np.array([3.0, -1.0, 0.0])


class Linear:
    """Explains ``3 a - b`` by its weights, from a background of zeros."""

    method = "linear"
    effort = 3

    def __init__(self, *, classes=0, sampled=False):
        self.classes = classes
        self.sampled = sampled
        self.asked = []
        if sampled:
            self.method, self.effort = "permutation", 0

    def explain(self, columns, *, output=None, evaluations=None):
        matrix = np.column_stack([columns[name] for name in ("a", "b")])
        found = np.column_stack([matrix * WEIGHTS[:2], np.zeros(len(matrix))])
        self.asked.append((len(matrix), evaluations))
        return Explained(
            method=self.method,
            scale="log_odds" if self.classes else "value",
            outputs=np.full(len(matrix), int(self.classes > 0)),
            given=found.sum(axis=1, keepdims=True),
            base=np.zeros(len(matrix)),
            answers=found.sum(axis=1),
            contributions=found,
            error=0.0,
            background_rows=1,
            spread=np.full(found.shape, 0.25) if self.sampled else None,
        )


def value(columns):
    return 3.0 * columns["a"] - columns["b"]


def stated(columns):
    second = 1.0 / (1.0 + np.exp(-value(columns)))
    return np.column_stack([1.0 - second, second])


def subject_of(*, classes=(), explainer=None, rows=ROWS):
    rng = np.random.default_rng(0)
    columns = {
        "a": rng.normal(size=rows),
        "b": rng.normal(size=rows),
        "kind of": np.array(["x", "y", None], dtype=object)[rng.integers(0, 3, rows)],
    }
    predict = stated if classes else (lambda table: value(table)[:, None])
    truth = (
        (rng.random(rows) < stated(columns)[:, 1]).astype(np.int64)
        if classes
        else value(columns) + rng.normal(size=rows)
    )
    return Subject(
        signature=Signature(
            inputs=(
                Field(name="a", dtype="float64"),
                Field(name="b", dtype="float64"),
                Field(name="kind of", dtype="string", nullable=True),
            ),
            task="classification" if classes else "regression",
            target="y",
            classes=classes,
        ),
        decision=Decision(),
        test=Rows(columns=columns, truth=truth),
        kept=np.arange(rows) + 1000,
        answers={"": predict(columns)},
        predict=predict,
        explainer=explainer,
    )


@pytest.fixture
def of_values():
    return explained(subject_of(explainer=Linear()))


def evidence_of(section):
    return Evidence(
        bundle="sha256:" + "0" * 64,
        kind="evaluation",
        measured_at="2026-01-01T00:00:00Z",
        code="1",
        details={"explained": section.details},
    )


def test_shares_are_those_of_the_weights(of_values):
    shares = {measure.name: measure for measure in of_values.measures}
    assert set(shares) == {"importance.a", "importance.b", "importance.kind_of"}
    assert shares["importance.a"].value == pytest.approx(0.75, abs=0.03)
    assert shares["importance.a"].lower < shares["importance.a"].value < shares["importance.a"].upper
    assert shares["importance.kind_of"].value == 0.0
    assert of_values.findings == ()


def test_details_are_plain_and_the_same_each_time(of_values):
    again = explained(subject_of(explainer=Linear()))
    assert json.dumps(of_values.details, allow_nan=False) == json.dumps(again.details)
    assert msgspec.json.encode(of_values.measures) == msgspec.json.encode(again.measures)


def test_shuffling_hurts_in_the_order_of_the_weights(of_values):
    held = of_values.details["shuffled"]
    assert held["names"] == ["a", "b", "kind of"]
    assert held["lower"][0] > held["upper"][1] > held["upper"][2] == 0.0


def test_dependence_is_the_line_that_the_model_is(of_values):
    curves = {curve["name"]: curve for curve in of_values.details["dependence"]}
    slope = np.polyfit(curves["a"]["at"], curves["a"]["mean"], 1)[0]
    assert slope == pytest.approx(3.0)
    assert curves["kind of"]["is_text"]
    assert set(curves["kind of"]["at"]) == {"x", "y"}
    assert len(set(np.round(curves["kind of"]["mean"], 9))) == 1


def test_single_rows_are_named_by_their_place_in_the_table(of_values):
    subject = subject_of(explainer=Linear())
    errors = np.abs(subject.predicted[:, 0] - subject.test.truth)
    told = {row["kind"]: row for row in of_values.details["told"]}
    assert told["worst"]["row"] == 1000 + int(errors.argmax())
    assert told["best"]["row"] == 1000 + int(errors.argmin())
    assert told["worst"]["base"] + sum(told["worst"]["contributions"]) == pytest.approx(told["worst"]["answer"])


def test_of_two_classes_the_borderline_row_is_nearest_to_the_threshold():
    subject = subject_of(classes=("no", "yes"), explainer=Linear(classes=2))
    told = {row["kind"]: row for row in explained(subject).details["told"]}
    nearest = int(np.abs(subject.predicted[:, 1] - 0.5).argmin())
    assert told["borderline"]["row"] == 1000 + nearest
    assert told["borderline"]["output"] == "yes"


def test_a_sampling_explainer_gets_a_bound():
    explainer = Linear(sampled=True)
    section = explained(subject_of(explainer=explainer))
    assert explainer.asked[0] == (100, 2_000)
    assert section.details["spread"] == 0.25


def test_without_an_explainer_what_can_be_asked_is_asked():
    section = explained(subject_of())
    assert section.measures == ()
    assert set(section.details) == {"shuffled", "dependence"}
    assert [curve["name"] for curve in section.details["dependence"]] == ["a", "b", "kind of"]


def test_values_that_are_refused_beside_others_leave_out_their_curve_and_say_so():
    subject = subject_of(explainer=Linear())
    given = {(a, b) for a, b in zip(subject.test.columns["a"], subject.test.columns["b"], strict=True)}

    def choosy(table):
        if not set(zip(table["a"], table["b"], strict=True)) <= given:
            message = "a and b do not fit"
            raise InvalidRowError(message)
        return value(table)[:, None]

    section = explained(msgspec.structs.replace(subject, predict=choosy))
    assert [curve["name"] for curve in section.details["dependence"]] == ["kind of"]
    assert "shuffled" not in section.details
    assert [told["columns"] for told in section.notes] == ["a, b"]
    assert {measure.name for measure in section.measures} >= {"importance.a", "importance.b"}


def test_few_rows_and_no_explainer_are_not_drawn():
    section = explained(subject_of(rows=20))
    assert page(evidence_of(section), phrases("en")) is None


@pytest.mark.parametrize(
    ("subject", "lang"),
    [
        (subject_of(explainer=Linear()), "en"),
        (subject_of(explainer=Linear(sampled=True), rows=12), "zh"),
        (subject_of(), "en"),
        (subject_of(classes=("no", "yes"), explainer=Linear(classes=2)), "zh"),
    ],
    ids=["values", "sampled, few rows", "no explainer", "classes"],
)
def test_the_chapter_is_written_in_both_languages(subject, lang):
    evidence = msgspec.json.decode(msgspec.json.encode(evidence_of(explained(subject))), type=Evidence)
    chapter = page(evidence, phrases(lang))
    assert chapter is not None
    text = written(chapter)
    assert len(text) < 400_000
    assert all(drawn.plot.alt for drawn in chapter.drawn)
    assert len({drawn.plot.name for drawn in chapter.drawn}) == len(chapter.drawn)
    assert ("模型依据什么作答" if lang == "zh" else "What the model goes by") in text


def test_columns_are_listed_by_their_share(of_values):
    names = of_values.details["names"]
    assert names == sorted(names, key=lambda name: -of_values.details["share"][names.index(name)])


def of_days(days):
    """Give a subject whose answer is the number of days since the first of 2020."""
    start = np.datetime64("2020-01-01")
    column = np.array([str(start + int(day)) for day in days], dtype=object)

    def predict(table):
        return np.array([[float((np.datetime64(day) - start).astype(int))] for day in table["day"].tolist()])

    return Subject(
        signature=Signature(
            inputs=(Field(name="day", dtype="string", format="date"),), task="regression", target="y", classes=()
        ),
        decision=Decision(),
        test=Rows(columns={"day": column}, truth=days.astype(np.float64)),
        kept=np.arange(len(days)),
        answers={"": predict({"day": column})},
        predict=predict,
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_dates_are_drawn_along_time(lang):
    section = explained(of_days(np.random.default_rng(0).integers(0, 900, ROWS)))
    (curve,) = section.details["dependence"]
    assert curve["is_date"]
    assert not curve["is_text"]
    assert np.polyfit(np.array(curve["at"]) / 86_400, curve["mean"], 1)[0] == pytest.approx(1.0)
    (drawn,) = page(evidence_of(section), phrases(lang)).drawn
    assert ">2021-01<" in svg(drawn.plot)


def test_dates_that_no_calendar_holds_are_drawn_as_texts():
    subject = of_days(np.arange(ROWS) % 3)
    columns = {"day": np.array([f"day {day[-1]}" for day in subject.test.columns["day"]], dtype=object)}
    odd = msgspec.structs.replace(
        subject,
        test=Rows(columns=columns, truth=subject.test.truth),
        predict=lambda table: np.zeros((len(table["day"]), 1)),
    )
    (curve,) = explained(odd).details["dependence"]
    assert curve["is_text"]
    assert set(curve["at"]) == {"day 1", "day 2", "day 3"}


class Refusing(Linear):
    """Explains nothing, as its model takes no row that is mixed of two."""

    def explain(self, columns, *, output=None, evaluations=None):
        message = "the model refuses the request (no neighbors); send other values."
        raise InvalidRowError(message)


def test_a_model_that_refuses_mixed_rows_is_not_explained_and_says_so():
    found = explained(subject_of(explainer=Refusing()))
    told = next(note for note in found.notes if note["code"] == "explained_refused")
    assert "no neighbors" in told["text"]
    assert "no neighbors" in phrases("zh")("note.explained_refused", why=told["why"])
    assert "shuffled" in found.details
    assert found.measures == ()
