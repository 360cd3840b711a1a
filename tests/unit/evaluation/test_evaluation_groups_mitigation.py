"""Mitigation: what own thresholds and a reweighted retrain close, measured on rows that they were not chosen on."""

from functools import partial

import msgspec
import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.linear_model import LogisticRegression

from golive.domain.bundle import Decision
from golive.domain.digest import digest_of
from golive.domain.judging import Declared
from golive.domain.signature import Field, Signature
from golive.errors import DataError
from golive.evaluation.groups.membership import grouped
from golive.evaluation.groups.outcomes import outcomes_of
from golive.evaluation.groups.reweighting import columns_to_reweigh, reweighted_by, reweighting, training_groups
from golive.evaluation.groups.section import fairness
from golive.evaluation.groups.thresholds import group_thresholds
from golive.evaluation.subject import Rows, Subject
from golive.training.fit import train
from golive.training.frame import canonical
from golive.training.recipe import Candidate, Features, Recipe, SearchPlan, Split, Validation
from golive.training.reweigh import refitted


def people(rows, seed):
    """Draw rows in which group b deserves as much as group a, and has lower features all the same."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, rows)
    truth = rng.integers(0, 2, rows)
    x = np.stack([1.5 * truth - 1.2 * group + rng.standard_normal(rows), rng.standard_normal(rows)], axis=1)
    return x, truth, np.array(["a", "b"], dtype=object)[group]


def judged(seed=1, **declared):
    fit_x, fit_y, fit_group = people(4000, seed)
    x, truth, group = people(4000, seed + 1)
    model = LogisticRegression().fit(fit_x, fit_y)
    answers = model.predict_proba(x)
    subject = Subject(
        signature=Signature(
            inputs=(Field(name="x", dtype="float64"),), task="classification", target="y", classes=("no", "yes")
        ),
        decision=Decision(),
        test=Rows(columns={"x": x[:, 0]}, extra={"group": group}, truth=truth),
        kept=np.arange(len(truth)),
        answers={"": answers},
        predict=lambda columns: answers[: len(columns["x"])],
        training=Rows(columns={"x": fit_x[:, 0]}, extra={"group": fit_group}, truth=fit_y),
        declared=Declared(**{"sensitive": ("group",), **declared}),
    )
    return subject, model, (fit_x, fit_y, fit_group), x


@pytest.mark.parametrize("goal", ["selection", "tpr"])
def test_own_thresholds_give_every_group_the_rate_of_all_rows(goal):
    subject, *_ = judged()
    seen = outcomes_of(subject, 1)
    grouping = grouped("group", subject.test.extra["group"])
    chosen = group_thresholds(seen, grouping, 0.5, goal)
    counted = np.ones(subject.rows, dtype=bool) if goal == "selection" else seen.deserved
    after = seen.stated > chosen[grouping.codes]
    wanted = seen.selected[counted].mean()
    assert [after[counted & (grouping.codes == code)].mean() for code in (0, 1)] == pytest.approx(
        [wanted] * 2, abs=2e-3
    )
    assert chosen[1] < 0.5 < chosen[0]


def test_own_thresholds_move_the_groups_as_those_of_fairlearn_do():
    subject, model, (fit_x, fit_y, fit_group), x = judged()
    optimizer = ThresholdOptimizer(
        estimator=model, constraints="demographic_parity", prefit=True, predict_method="predict_proba"
    ).fit(fit_x, fit_y, sensitive_features=fit_group)
    group = subject.test.extra["group"]
    theirs = optimizer.predict(x, sensitive_features=group, random_state=0)
    gap = demographic_parity_difference(subject.test.truth, theirs, sensitive_features=group)
    ours = next(one for one in fairness(subject).details["thresholds"] if one["goal"] == "selection")
    assert gap < 0.05
    assert ours["selection_ratio"]["after"]["value"] > 0.93 > 0.7 > ours["selection_ratio"]["before"]["value"]
    assert theirs[group == "b"].mean() > (x[group == "b"] @ model.coef_[0] + model.intercept_ > 0).mean()


def test_groups_that_are_too_small_keep_the_threshold():
    subject, *_ = judged()
    column = subject.test.extra["group"].copy()
    column[:20] = "few"
    chosen = group_thresholds(outcomes_of(subject, 1), grouped("group", column), 0.5, "selection")
    assert chosen[2] == 0.5


def test_scores_of_two_values_still_give_thresholds_that_part_them_or_take_all():
    subject, *_ = judged()
    stated = np.where(subject.predicted[:, 1] > 0.5, 0.7, 0.2)
    tied = msgspec.structs.replace(subject, answers={"": np.stack([1 - stated, stated], axis=1)})
    for one in fairness(tied).details["thresholds"]:
        assert all(0.0 <= group["after"] <= 1.0 for group in one["groups"])


def test_one_group_alone_has_no_thresholds_of_its_own():
    subject, *_ = judged()
    rows = msgspec.structs.replace(subject.test, extra={"group": np.full(subject.rows, "a", dtype=object)})
    assert fairness(msgspec.structs.replace(subject, test=rows)).details["thresholds"] == []


def test_a_reweighted_retrain_is_priced_on_the_same_rows():
    subject, _, (fit_x, fit_y, fit_group), x = judged()
    assert columns_to_reweigh(subject) == ("group",)
    codes = training_groups(subject, "group")
    assert codes.tolist() == (fit_group == "b").astype(int).tolist()
    # A retrain that knows the group, so that the gap closes for certain.
    again = LogisticRegression().fit(np.column_stack([fit_x, codes]), fit_y)
    given = again.predict_proba(np.column_stack([x, subject.test.extra["group"] == "b"]))
    table = reweighting(subject, {"group": given}).details["tables"][0]
    assert (table["goal"], table["label"], table["rows"]) == ("reweighted", "group", subject.rows)
    assert table["selection_ratio"]["before"]["value"] < 0.75
    assert table["selection_ratio"]["after"]["lower"] > 0.9
    right = [(one.argmax(axis=1) == subject.test.truth).mean() for one in (subject.predicted, given)]
    assert table["accuracy"]["change"]["value"] == pytest.approx(right[1] - right[0])


def test_nothing_is_worth_a_retrain_without_a_gap_or_without_training_rows():
    subject, *_ = judged()
    even = msgspec.structs.replace(subject, answers={"": np.tile([0.2, 0.8], (subject.rows, 1))})
    assert columns_to_reweigh(even) == ()
    assert columns_to_reweigh(msgspec.structs.replace(subject, training=None)) == ()
    assert columns_to_reweigh(msgspec.structs.replace(subject, declared=Declared())) == ()


def test_a_trained_model_is_fitted_again_by_the_groups_of_its_training_rows():
    rng = np.random.default_rng(4)
    x, truth, group = people(2400, 4)
    frame = pd.DataFrame({"x": x[:, 0], "count": rng.integers(0, 9, 2400), "flag": rng.random(2400) < 0.5, "y": truth})
    recipe = Recipe(
        target="y",
        task="classification",
        features=Features(numbers=("x", "count"), categories=("flag",)),
        split=Split(test=0.5),
        candidates=(Candidate(model="logistic", grid={"C": (1.0,)}),),
        validation=Validation(folds=2),
        search=SearchPlan(jobs=1),
    )
    fitted = train(recipe, canonical(frame), data_digest=digest_of(b"rows"))

    def rows(raw, target):
        given = {name: raw[name].to_numpy() for name in raw.columns}
        return Rows(columns=given, extra={"group": group[raw.index]}, truth=target.astype(np.int64))

    subject = Subject(
        signature=fitted.signature,
        decision=Decision(),
        test=rows(fitted.test_raw, fitted.test_target),
        kept=np.arange(len(fitted.test_raw)),
        answers={"": fitted.predict(fitted.test_raw)},
        predict=fitted.predict,
        training=rows(fitted.train_raw, fitted.train_target),
        declared=Declared(sensitive=("group",)),
    )
    section = reweighted_by(partial(refitted, fitted))(subject)
    table = section.details["tables"][0]
    assert table["selection_ratio"]["after"]["value"] > table["selection_ratio"]["before"]["value"]
    assert section.notes == ()


def test_nothing_is_fitted_again_where_no_gap_is_worth_it():
    subject, *_ = judged()
    calls = []
    even = msgspec.structs.replace(subject, answers={"": np.tile([0.2, 0.8], (subject.rows, 1))})
    assert reweighted_by(calls.append)(even).details == {}
    assert calls == []


def test_a_model_that_cannot_be_fitted_again_is_a_note():
    subject, *_ = judged()

    def refused(groups):
        message = f"the model takes no weights of {len(groups)} rows"
        raise DataError(message)

    section = reweighted_by(refused)(subject)
    assert "4000 rows" in section.notes[0]["text"]
    assert [note["code"] for note in section.notes] == ["fairness_no_reweighting"]
    assert section.details == {}
