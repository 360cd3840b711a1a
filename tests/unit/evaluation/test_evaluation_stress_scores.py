"""Scores, spellings and pictures under stress: values known beforehand, or from an independent library."""

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from golive.domain.judging import Picture
from golive.evaluation.stress.facts import Facts
from golive.evaluation.stress.family import level_name
from golive.evaluation.stress.pictures import picture_families
from golive.evaluation.stress.scores import Answered, known_metrics, ratio, score, worse
from golive.evaluation.stress.spelling import encoded, misspelt, never_seen, other_case, respelt, spaced
from golive.statistics.intervals import auc_difference_interval, delong, rmse_difference_interval


def classified(rows=400, classes=2, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    scores = np.eye(classes)[truth] * 1.5 + noise * rng.standard_normal((rows, classes))
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Answered(task="classification", truth=truth, answers=chances, threshold=0.4)


def regressed(rows=300, seed=0, noise=1.0):
    truth = np.random.default_rng(7).normal(5.0, 3.0, rows)
    predicted = truth + noise * np.random.default_rng(seed).standard_normal(rows)
    return Answered(task="regression", truth=truth, answers=predicted[:, None], threshold=0.5)


def test_metrics_of_two_classes_agree_with_the_oracle():
    rows = classified()
    chance, decided = rows.answers[:, 1], rows.answers[:, 1] > 0.4
    expected = {
        "accuracy": oracle.accuracy_score(rows.truth, decided),
        "balanced_accuracy": oracle.balanced_accuracy_score(rows.truth, decided),
        "precision": oracle.precision_score(rows.truth, decided),
        "recall": oracle.recall_score(rows.truth, decided),
        "f1": oracle.f1_score(rows.truth, decided),
        "auc": oracle.roc_auc_score(rows.truth, chance),
        "pr_auc": oracle.average_precision_score(rows.truth, chance),
        "log_loss": oracle.log_loss(rows.truth, rows.answers),
        "brier": oracle.brier_score_loss(rows.truth, chance),
    }
    assert {name: score(name, rows).value for name in expected} == pytest.approx(expected, abs=1e-12)
    assert known_metrics("classification", 2) == {*expected, "ece"}


def test_metrics_of_a_regression_agree_with_the_oracle():
    rows = regressed()
    predicted = rows.answers[:, 0]
    expected = {
        "rmse": oracle.root_mean_squared_error(rows.truth, predicted),
        "mse": oracle.mean_squared_error(rows.truth, predicted),
        "mae": oracle.mean_absolute_error(rows.truth, predicted),
        "r2": oracle.r2_score(rows.truth, predicted),
        "mape": oracle.mean_absolute_percentage_error(rows.truth, predicted),
        "median_absolute_error": oracle.median_absolute_error(rows.truth, predicted),
    }
    assert {name: score(name, rows).value for name in expected} == pytest.approx(expected, abs=1e-12)
    assert known_metrics("regression", 1) == set(expected)


@pytest.mark.parametrize(
    ("name", "rows"),
    [(name, regressed) for name in ("rmse", "mse", "mae", "r2", "mape")]
    + [
        (name, classified)
        for name in (
            "accuracy",
            "balanced_accuracy",
            "precision",
            "recall",
            "f1",
            "auc",
            "pr_auc",
            "log_loss",
            "brier",
        )
    ],
)
def test_an_influence_foretells_what_the_metric_is_with_some_rows_counted_twice(name, rows):
    whole = rows(rows=2000)
    measured = score(name, whole)
    assert abs(measured.influence.mean()) < 1e-9
    drawn = np.random.default_rng(5).integers(0, 2000, (60, 2000))
    again = [
        score(name, Answered(task=whole.task, truth=whole.truth[few], answers=whole.answers[few], threshold=0.4)).value
        for few in drawn
    ]
    foretold = measured.value + measured.influence[drawn].mean(axis=1)
    assert np.corrcoef(again, foretold)[0, 1] > 0.98
    assert np.std(again) == pytest.approx(np.std(foretold), rel=0.08)


def test_the_interval_of_a_drop_is_that_of_the_paired_difference():
    clean, stressed = classified(noise=1.0), classified(noise=2.0)
    drop, around = worse("auc", score("auc", stressed), score("auc", clean))
    areas, covariance = delong(clean.truth == 1, np.stack([clean.answers[:, 1], stressed.answers[:, 1]]))
    assert drop == pytest.approx(areas[0] - areas[1])
    assert around == pytest.approx(auc_difference_interval(areas, covariance), abs=2e-3)

    clean, stressed = regressed(seed=1), regressed(seed=2, noise=1.5)
    drop, around = worse("rmse", score("rmse", stressed), score("rmse", clean))
    errors = [rows.answers[:, 0] - rows.truth for rows in (stressed, clean)]
    assert around == pytest.approx(rmse_difference_interval(*errors))
    times, bounds = ratio(score("rmse", stressed), score("rmse", clean))
    assert times == pytest.approx(1.0 + drop / score("rmse", clean).value)
    assert bounds[0] < times < bounds[1]


def test_metrics_that_do_not_exist_are_no_numbers_and_have_no_interval():
    rows = classified()
    one = Answered(task="classification", truth=np.ones(400, dtype=int), answers=rows.answers, threshold=0.4)
    assert math.isnan(score("auc", one).value)
    assert math.isnan(worse("auc", score("auc", one), score("auc", rows))[0])
    empty = Answered(task="classification", truth=rows.truth[:0], answers=rows.answers[:0], threshold=0.4)
    assert math.isnan(score("accuracy", empty).value)
    exact = regressed(noise=0.0)
    assert math.isnan(ratio(score("rmse", regressed()), score("rmse", exact))[0])
    assert worse("rmse", score("rmse", exact), score("rmse", exact)) == (0.0, (0.0, 0.0))
    flat = Answered(task="regression", truth=np.ones(9), answers=np.ones((9, 1)), threshold=0.5)
    assert math.isnan(score("r2", flat).value)


@pytest.mark.parametrize("variant", range(12))
@pytest.mark.parametrize("text", ["blue", "Sveavägen 12", "x", "aa", "北京", "one two three four five six seven"])
def test_a_misspelt_text_is_another_one_of_nearly_the_same_length(text, variant):
    changed = misspelt(text, variant)
    assert changed != text
    assert abs(len(changed) - len(text)) <= 2


def test_texts_are_rewritten_as_careless_senders_do():
    assert {other_case("Blue", variant) for variant in range(4)} == {"BLUE", "blue"}
    assert other_case("BLUE", 0) == "blue"
    assert other_case("12", 0) == "12"
    assert {spaced("blue", variant) for variant in range(8)} == {"blue ", " blue", "blue\u00a0", "blue\t"}
    assert encoded("A1 b", 0) == "Ａ１ ｂ"
    assert encoded("Zürich", 1) == "ZÃ¼rich"
    assert encoded("blue", 1) == "\ufeffblue"
    assert never_seen({"never seen", "a"}) == "never seen before"


def test_only_the_rows_named_are_respelt_and_missing_texts_stay():
    column = np.array(["a", None, "b"], dtype=object)
    changed = respelt(column, np.array([0, 1]), spaced, np.zeros(3, dtype=np.int64))
    assert changed.tolist() == ["a ", None, "b"]
    assert column.tolist() == ["a", None, "b"]


def test_stresses_are_named_as_gate_rules_say_them():
    assert level_name("missing", "share", 0.1) == "missing_10"
    assert level_name("noise", "plain", 0.05) == "noise_0_05"
    assert level_name("noise", "plain", 1.0) == "noise_1"


def test_an_image_is_moved_covered_and_turned_as_said():
    image = np.zeros((1, 5, 5))
    image[0, 2, 2] = 1.0
    flat = image.reshape(1, -1)
    pixels = [Facts(name=f"p{place}", kind="number", nullable=False, sd=1.0, low=0.0, high=1.0) for place in range(25)]
    table = {f"p{place}": flat[:, place] for place in range(25)}
    families = {family.name: family for family in picture_families(Picture(height=5, width=5), pixels, table, seed=1)}

    def changed(name, strength):
        found = families[name].change(strength)
        return np.array([found[f"p{place}"][0] for place in range(25)]).reshape(5, 5)

    down, right = np.argwhere(changed("shift", 2.0) == 1.0)[0]
    assert {abs(down - 2), abs(right - 2)} == {0, 2}
    assert changed("occlusion", 0.25).min() == 0.0
    assert changed("contrast", 0.5).max() == pytest.approx(0.5 + 0.5 / 25)
    assert changed("rotation", 20.0)[2, 2] == pytest.approx(1.0)
    assert changed("rotation", 20.0).sum() == pytest.approx(1.0, abs=0.5)
    assert changed("image_noise", 0.2).min() == 0.0
    assert changed("brightness", 0.25).max() <= 1.0
