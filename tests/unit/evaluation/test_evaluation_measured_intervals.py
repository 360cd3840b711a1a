"""Numbers carry the interval that holds, or none and the reason."""

import numpy as np
import pytest

from golive.evaluation.measured.classification import classification_metrics, classified
from golive.evaluation.measured.comparison import Setting, measures_of
from golive.evaluation.measured.regression import regression_metrics
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.pages.remarks import remark
from golive.statistics.intervals import f1_interval, mean_interval, wilson

SETTING = Setting(resamples=20)


def of_classes(truth, **stated):
    answers = {role.replace("model", ""): np.stack([1 - p, p], axis=1) for role, p in stated.items()}
    held = classified(truth, answers, dict.fromkeys(answers, 0.5), SETTING, frozenset(answers))
    return {made.name: made for metric in classification_metrics(held) for made in measures_of(metric, len(truth))}


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


def test_scores_of_a_perfect_model_are_bounded_by_the_rows_of_the_rarest_class():
    truth = np.repeat([0, 1], [90, 10])
    found = of_classes(truth, model=truth.astype(float))
    for name in ("balanced_accuracy", "mcc"):
        assert (found[name].lower, found[name].upper) == pytest.approx(wilson(10, 10))
    worst = of_classes(truth, model=1.0 - truth)["mcc"]
    assert (worst.lower, worst.upper) == pytest.approx((-1.0, -wilson(10, 10)[0]))


def test_a_gain_over_what_never_varies_is_as_sure_as_the_number_itself():
    truth = np.repeat([0, 1], [90, 10])
    found = of_classes(truth, model=truth.astype(float), baseline=np.full(100, 0.2))
    for name, fixed in (("auc", 0.5), ("balanced_accuracy", 0.5), ("mcc", 0.0)):
        alone, gain = found[name], found[f"{name} - baseline.{name}"]
        assert alone.lower < 1.0
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
    numbers = [*two[-1].values(), *of_values(truth, model=truth + 0.1, baseline=np.zeros(600)).values()]
    say = phrases("zh")
    for text in {text for made in numbers for text in (made.method, made.note) if text}:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in remark(text, say)), text
