"""Numbers carry the interval that holds, or none and the reason."""

import numpy as np
import pytest

from golive.evaluation.measured.classification import classification_metrics, classified
from golive.evaluation.measured.comparison import Setting, measures_of
from golive.evaluation.measured.decided import Decisions, decided_metrics, rarest_units
from golive.evaluation.measured.regression import regression_metrics
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.pages.remarks import remark
from golive.statistics.intervals import f1_interval, mean_interval, wilson

SETTING = Setting(resamples=20)


def of_classes(truth, **stated):
    answers = {role.replace("model", ""): np.stack([1 - p, p], axis=1) for role, p in stated.items()}
    held = classified(truth, answers, dict.fromkeys(answers, 0.5), SETTING, frozenset(answers))
    return {made.name: made for metric in classification_metrics(held) for made in measures_of(metric, len(truth))}


def measured(truth, **decided):
    roles = {role.replace("model", ""): given for role, given in decided.items()}
    return decided_metrics(Decisions(truth, roles, int(truth.max()) + 1, SETTING))


def of_values(truth, **predicted):
    answers = {role.replace("model", ""): given for role, given in predicted.items()}
    return {
        made.name: made for metric in regression_metrics(truth, answers, SETTING) for made in measures_of(metric, 600)
    }


@pytest.fixture(scope="module")
def two():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 600)
    one, other = (1 / (1 + np.exp(-2 * (truth - 0.5 + rng.normal(size=600)))) for _ in range(2))
    return truth, one, other, of_classes(truth, model=one, champion=other)


def test_a_calibration_error_has_an_interval_but_its_difference_has_none_and_says_why(two):
    found = two[-1]
    assert found["ece"].lower < found["ece"].upper
    difference = found["ece - champion.ece"]
    assert difference.value == found["ece"].value - found["champion.ece"].value
    assert (difference.lower, difference.upper) == (None, None)
    assert "brier and log_loss are compared without that" in difference.note
    assert "compared" not in found["ece"].note
    assert found["brier - champion.brier"].upper is not None


def test_a_difference_of_accuracies_is_a_mean_of_rows(two):
    truth, one, other, found = two
    gained = (truth == (one > 0.5)).astype(float) - (truth == (other > 0.5))
    made = found["accuracy - champion.accuracy"]
    assert (made.lower, made.upper) == pytest.approx(mean_interval(gained))


def test_f1_of_two_classes_is_bounded_as_the_share_that_it_is(two):
    truth, one, _, found = two
    assert (found["f1"].lower, found["f1"].upper) == pytest.approx(f1_interval(truth == 1, one > 0.5))


def test_scores_of_a_perfect_model_are_bounded_by_the_rows_of_every_class_and_say_so():
    truth = np.repeat([0, 1], [90, 10])
    found = of_classes(truth, model=truth.astype(float))
    missed = np.hypot(1 - wilson(10, 10)[0], 1 - wilson(90, 90)[0]) / 2
    assert (found["balanced_accuracy"].lower, found["balanced_accuracy"].upper) == pytest.approx((1 - missed, 1.0))
    assert found["balanced_accuracy"].method == "Wilson by class, combined"
    assert (found["mcc"].lower, found["mcc"].upper) == pytest.approx(wilson(10, 10))
    assert found["mcc"].method == "Wilson on the rarest class"
    worst = of_classes(truth, model=1.0 - truth)["mcc"]
    assert (worst.lower, worst.upper) == pytest.approx((-1.0, -wilson(10, 10)[0]))


@pytest.mark.parametrize("rare", [10, 20])
def test_a_balanced_accuracy_is_held_95_times_of_100_though_often_every_rare_row_is_right(rare):
    rng, held, rows = np.random.default_rng(31), 0, rare + 2000
    for _ in range(300):
        truth = (rng.random(rows) < rare / rows).astype(np.int64)
        decided = np.where(rng.random(rows) < 0.9, truth, 1 - truth)
        lower, upper = measured(truth, model=decided)["balanced_accuracy"].single("")
        held += lower <= 0.9 <= upper
    assert 0.92 <= held / 300 <= 0.985


def test_a_mean_of_three_classes_is_as_unsure_as_the_class_of_ten_rows_that_has_no_error():
    truth = np.repeat([0, 1, 2], [1000, 1000, 10])
    decided = np.where(np.arange(2010) % 10 == 0, 1 - np.minimum(truth, 1), truth)
    decided[-10:] = 2
    least = (1 - wilson(10, 10)[0]) / 3
    found = measured(truth, model=decided)
    for name in ("balanced_accuracy", "precision", "recall"):
        lower, upper = found[name].single("")
        assert found[name].values[""] - lower == pytest.approx(least, rel=0.05)
        assert upper - found[name].values[""] < 0.02
    lower, upper = found["f1"].single("")
    assert found["f1"].values[""] - lower > least / 2


def test_two_models_that_are_both_right_about_the_few_rare_rows_may_yet_differ_on_them():
    truth = np.repeat([0, 1], [2000, 10])
    one, other = (np.where((truth == 0) & (np.arange(2010) % 20 < wrong), 1, truth) for wrong in (2, 3))
    lower, upper = measured(truth, model=one, champion=other)["balanced_accuracy"].paired("champion")
    assert lower < 0.0 < 0.025 < upper
    same = measured(truth, model=one, champion=one)["balanced_accuracy"].paired("champion")
    assert same == (0.0, 0.0)


@pytest.mark.parametrize("positive", range(3, 40))
def test_a_perfect_champion_is_not_a_constant_however_its_influence_is_rounded(positive):
    truth = np.repeat([0, 1], [7 * positive, positive])
    found = measured(truth, model=truth, champion=truth)
    for name, metric in found.items():
        lower, upper = metric.paired("champion")
        assert lower < 0.0 < upper, name
        assert metric.paired_methods["champion"] == "intervals of both numbers, combined"


def test_a_perfect_champions_area_is_as_unsure_as_that_of_a_perfect_model():
    truth = np.repeat([0, 1], [90, 10])
    found = of_classes(truth, model=truth.astype(float), champion=truth.astype(float))["auc - champion.auc"]
    assert (found.lower, found.upper) == pytest.approx((wilson(10, 10)[0] - 1, 1 - wilson(10, 10)[0]))


def test_the_rarest_class_is_the_one_in_the_fewest_groups():
    truth, groups = np.repeat([0, 1], [10, 200]), np.append(np.arange(10), np.repeat([10, 11], 100))
    assert (rarest_units(truth, None), rarest_units(truth, groups)) == (10, 2)


def test_a_gain_over_what_never_varies_is_as_sure_as_the_number_itself():
    truth = np.repeat([0, 1], [90, 10])
    found = of_classes(truth, model=truth.astype(float), baseline=np.full(100, 0.2))
    for name, fixed in (("auc", 0.5), ("balanced_accuracy", 0.5), ("mcc", 0.0)):
        alone, gain = found[name], found[f"{name} - baseline.{name}"]
        assert alone.lower < 1.0
        assert gain.method == alone.method
        assert (gain.lower, gain.upper) == pytest.approx((alone.lower - fixed, alone.upper - fixed))


def test_the_calibration_error_of_a_constant_is_how_far_one_share_may_be_from_it():
    truth, (lower, upper) = np.repeat([0, 1], [90, 10]), wilson(10, 100)
    near, far = (of_classes(truth, model=np.full(100, stated))["ece"] for stated in (0.12, 0.5))
    assert (near.lower, near.upper) == pytest.approx((0.0, 0.12 - lower))
    assert (far.lower, far.upper) == pytest.approx((0.5 - upper, 0.5 - lower))


def test_what_a_constant_explains_has_no_interval_but_the_gain_over_it_has():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=600)
    found = of_values(truth, model=truth + 0.2 * rng.normal(size=600), baseline=np.full(600, 0.1))
    constant, gain = found["baseline.r2"], found["r2 - baseline.r2"]
    assert (constant.lower, constant.upper) == (None, None)
    assert constant.note.startswith("an answer that never varies explains nothing")
    assert gain.lower < gain.value < gain.upper
    assert gain.note == found["r2"].note == ""


def test_methods_and_remarks_of_all_numbers_have_words_in_chinese(two):
    rng = np.random.default_rng(6)
    truth = rng.normal(size=600)
    perfect = two[0].astype(float)
    ended = of_classes(two[0], model=perfect, champion=two[1], baseline=np.full(600, 0.2))
    three = np.arange(600) % 3
    means = decided_metrics(Decisions(three, {"": three // 2, "champion": (three + 1) % 3}, 3, SETTING)).values()
    averaged = [made for metric in means for made in measures_of(metric, 600)]
    values = of_values(truth, model=truth + 0.1, baseline=np.zeros(600))
    numbers = [*two[-1].values(), *ended.values(), *averaged, *values.values()]
    say = phrases("zh")
    for text in {text for made in numbers for text in (made.method, made.note) if text}:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in remark(text, say)), text
