"""Calibration, thresholds, anomalies and rankings as parts of an evaluation."""

import msgspec
import numpy as np
import pytest
from clean_data import clean_run
from scipy.special import expit, logit
from sklearn.metrics import precision_score, recall_score

from golive.domain.judging import Costs, Declared
from golive.evaluation.measured.anomaly import anomaly
from golive.evaluation.measured.calibration import calibration
from golive.evaluation.measured.ranking import ranking
from golive.evaluation.measured.thresholds import thresholds
from golive.evaluation.pages.phrases import phrases
from golive.evaluation.subject import Rows

replace = msgspec.structs.replace


def subject(kind="binary", model="true", **declared):
    return replace(clean_run(4, kind=kind, model=model, rows=1500, training_rows=800), declared=Declared(**declared))


def answering(found, probabilities):
    return replace(found, answers={**found.answers, "": np.stack([1 - probabilities, probabilities], axis=1)})


def plain(section):
    return msgspec.json.decode(msgspec.json.encode(section))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["binary", "three"])
def test_probabilities_that_are_right_are_no_finding(seed, kind):
    found = calibration(clean_run(seed, kind=kind, model="true", training_rows=800))
    assert (found.findings, found.checked) == ((), ("calibration",))


@pytest.mark.parametrize("kind", ["binary", "three"])
def test_a_model_that_is_too_sure_is_found_and_told_in_both_languages(kind):
    clean = subject(kind)
    sharp = expit(2.5 * logit(np.clip(clean.predicted, 1e-9, 1 - 1e-9)))
    sharp /= sharp.sum(axis=1, keepdims=True)
    section = calibration(replace(clean, answers={**clean.answers, "": sharp}))
    (finding,) = section.findings
    assert (finding.kind, finding.severity) == ("calibration", "warn")
    assert finding.p < 0.001
    key = f"finding.calibration.{finding.code}"
    assert phrases("en")(key, **finding.values) == finding.text
    assert finding.values["error"] in phrases("zh")(key, **finding.values)
    slope = next(measure for measure in section.measures if measure.name == "calibration.slope")
    assert slope.upper < 1.0


def test_a_small_miscalibration_is_no_finding_however_many_rows_prove_it():
    rng = np.random.default_rng(0)
    stated = rng.uniform(0.1, 0.8, 60_000)
    truth = (rng.random(60_000) < stated + 0.02).astype(np.int64)
    clean = subject()
    found = calibration(replace(answering(clean, stated), test=Rows(columns={}, truth=truth)))
    assert found.details["p"] < 1e-6
    assert found.findings == ()


def test_customers_with_many_rows_make_the_test_milder():
    rng = np.random.default_rng(3)
    whose = np.repeat(np.arange(60), 25)
    stated = np.full(1500, 0.4)
    truth = (rng.random(60)[whose] < 0.4).astype(np.int64)
    clean = answering(subject(), stated)
    rows = Rows(columns={}, extra={"customer": whose.astype(float)}, truth=truth)
    alone = calibration(replace(clean, test=rows))
    together = calibration(replace(clean, test=rows, declared=Declared(group="customer")))
    assert together.details["p"] > alone.details["p"]
    assert together.findings == ()


def test_a_regression_and_improper_numbers_have_no_calibration():
    assert calibration(subject("regression")).checked == ()
    assert calibration(answering(subject(), np.full(1500, 1.4))).checked == ()


def test_the_cost_of_a_threshold_is_the_mean_of_what_its_decisions_cost():
    asked = subject(costs=Costs(false_positive=1.0, false_negative=8.0))
    details = plain(thresholds(asked))["details"]
    score, truth = asked.predicted[:, 1], asked.test.truth
    for place in range(0, len(details["threshold"]), 9):
        decided = score > details["threshold"][place]
        cost = np.mean((decided & (truth == 0)) + 8.0 * (~decided & (truth == 1)))
        assert details["cost"][place] == pytest.approx(cost)
        assert details["selected"][place] == pytest.approx(decided.mean())
        assert details["recall"][place] == pytest.approx(recall_score(truth, decided))
        if decided.any():
            assert details["precision"][place] == pytest.approx(precision_score(truth, decided))
        assert details["lower"][place] <= details["cost"][place] <= details["upper"][place] + 1e-12


def test_a_dear_miss_asks_for_a_lower_threshold_and_saves_on_rows_it_was_not_chosen_on():
    asked = subject(costs=Costs(false_positive=1.0, false_negative=8.0))
    section = thresholds(asked)
    best = section.measures[0]
    assert best.name == "cost.best_threshold"
    # A miss that costs eight times as much is worth a decision above a probability of one in nine.
    assert 0.03 < best.value < 0.25
    saving = section.details["saving"]
    assert 0.0 < saving["lower"] < saving["value"] < saving["upper"]


def test_at_even_costs_a_right_model_has_nothing_to_save():
    saving = thresholds(subject()).details["saving"]
    assert saving["value"] < 0.002
    assert saving["lower"] < 0.0


@pytest.mark.parametrize("kind", ["regression", "three"])
def test_only_two_classes_have_a_threshold(kind):
    assert thresholds(subject(kind)).details == {}


def test_precision_and_recall_within_a_budget_are_those_of_the_highest_scores():
    asked = replace(subject(), declared=Declared(kind="anomaly", budget=0.1))
    found = {measure.name: measure for measure in anomaly(asked).measures}
    order = np.argsort(-asked.predicted[:, 1], kind="stable")[:150]
    hits = asked.test.truth[order].sum()
    assert found["precision_at_budget"].value == pytest.approx(hits / 150)
    assert found["recall_at_budget"].value == pytest.approx(hits / asked.test.truth.sum())
    assert found["precision_at_budget - baseline.precision_at_budget"].lower > 0
    assert found["baseline.precision_at_budget"].value == pytest.approx(asked.test.truth.mean())
    assert found["alert_rate"].value == pytest.approx((asked.predicted[:, 1] > asked.decision.threshold).mean())


def test_anomalies_that_cannot_be_measured_are_said():
    several = replace(subject("three"), declared=Declared(kind="anomaly"))
    assert [note["code"] for note in anomaly(several).notes] == ["anomaly_two_classes"]
    clean = subject()
    none = replace(clean, declared=Declared(kind="anomaly"), test=replace(clean.test, truth=np.zeros(1500, np.int64)))
    assert [note["code"] for note in anomaly(none).notes] == ["anomaly_none"]


def test_a_ranking_is_measured_within_groups_with_intervals_over_groups():
    asked = replace(subject(), declared=Declared(kind="ranking", group="day", top=5))
    section = ranking(asked)
    found = {measure.name: measure for measure in section.measures}
    for name in ("ndcg", "map", "mrr", "pair_accuracy"):
        assert found[name].lower < found[name].value < found[name].upper
        assert found[f"{name} - baseline.{name}"].lower > 0
        assert found[name].rows <= section.details["groups"]
    assert found["baseline.pair_accuracy"].value == 0.5


@pytest.mark.parametrize("group", ["", "nowhere"])
def test_a_ranking_without_groups_is_said(group):
    declared = Declared(kind="ranking", group=group)
    assert [note["code"] for note in ranking(replace(subject(), declared=declared)).notes] == ["ranking_no_group"]


def test_a_ranking_of_negative_relevances_is_said():
    asked = replace(subject("regression"), declared=Declared(kind="ranking", group="day"))
    asked = replace(asked, test=replace(asked.test, truth=asked.test.truth - asked.test.truth.mean()))
    assert [note["code"] for note in ranking(asked).notes] == ["ranking_negative"]


@pytest.mark.parametrize("part", [calibration, thresholds, anomaly, ranking])
def test_a_part_gives_the_same_section_again_and_only_json(part):
    kinds = {anomaly: "anomaly", ranking: "ranking"}
    asked = replace(subject(), declared=Declared(kind=kinds.get(part, ""), group="day" if part is ranking else ""))
    one, two = part(asked), part(asked)
    assert msgspec.json.encode(one) == msgspec.json.encode(two)
    assert one.measures
