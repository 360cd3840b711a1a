"""Evaluation of any bundle on any rows: files and frames, training rows, declared columns, another bundle beside it."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from typer.testing import CliRunner

import golive
from golive.cli.app import build_app
from golive.control.judging.evaluate import evaluate as evaluate_stage
from golive.control.packing.package import package as package_stage
from golive.control.project.read import read_project
from golive.control.rooms import open_rooms
from golive.control.train import train as train_stage
from golive.domain.digest import digest_of
from golive.domain.metric import FAMILIES
from golive.errors import DataError, PolicyError, UsageError
from golive.evaluation.subject import Section
from golive.training.curve import learning_curve
from golive.training.fit import train
from golive.training.recipe import Candidate, Features, Recipe

COLUMNS = ["income", "age"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("home") / "state")


@pytest.fixture(scope="module")
def loans() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"income": rng.normal(30, 8, 800), "age": rng.integers(18, 80, 800).astype(float)})
    frame["sex"] = rng.choice(["f", "m"], 800)
    chance = 1 / (1 + np.exp(-(frame["income"] - 30) / 4))
    return frame.assign(
        paid=np.where(rng.random(800) < chance, "yes", "no"), amount=3 * frame["income"] + rng.normal(0, 1, 800)
    )


@pytest.fixture(scope="module")
def payer(home, loans):
    train_rows = loans.iloc[:400]
    model = LogisticRegression().fit(train_rows[COLUMNS], train_rows["paid"])
    return golive.package(model, sample=train_rows[COLUMNS], target=train_rows["paid"], name="payer", home=home)


@pytest.fixture(scope="module")
def amount(home, loans):
    train_rows = loans.iloc[:400]
    model = LinearRegression().fit(train_rows[COLUMNS], train_rows["amount"])
    return golive.package(model, sample=train_rows[COLUMNS], target=train_rows["amount"], name="amount", home=home)


def test_a_frame_may_hold_columns_that_only_the_evaluation_reads(payer, loans):
    test = loans.iloc[400:]
    found = golive.evaluate(
        payer, test, test["paid"], sensitive=["sex"], training=(loans.iloc[:400], loans["paid"][:400])
    )
    assert found.evidence.rows == 400
    assert found["auc"] > 0.8
    assert found.evidence.details["latency"]["batch"][0] == 1


def test_two_bundles_are_compared_on_the_same_rows(payer, loans, home):
    train_rows, test = loans.iloc[:400], loans.iloc[400:]
    poor = LogisticRegression().fit(train_rows[["age"]], train_rows["paid"])
    worse = golive.package(poor, sample=train_rows[["age"]], target=train_rows["paid"], name="worse", home=home)
    found = golive.evaluate(payer, test, test["paid"], against=worse).evidence
    assert found.champion == worse.digest
    assert found.find("auc - champion.auc").lower > 0.1


def test_a_bundle_of_another_question_is_no_champion(payer, amount, loans):
    with pytest.raises(UsageError, match="the same question"):
        golive.evaluate(payer, loans, loans["paid"], against=amount)


@pytest.mark.parametrize("said", [{"sensitve": ["sex"]}, {"costs": {"false_negative": -1}}, {"kind": "other"}])
def test_a_word_that_no_evaluation_has_is_refused(payer, loans, said):
    with pytest.raises(UsageError, match="what is declared"):
        golive.evaluate(payer, loans, loans["paid"], **said)


def test_a_truth_that_is_no_number_is_counted_and_left_out(amount, loans):
    truth = loans["amount"].astype(object)
    truth.iloc[:7] = "not known"
    found = golive.evaluate(amount, loans, truth).evidence
    assert found.find("unusable_truths").value == 7
    assert found.rows == 793


def test_rows_that_the_signature_refuses_are_counted_and_left_out(amount, loans):
    rows = loans.copy()
    rows.loc[rows.index[:9], "income"] = np.nan
    found = golive.evaluate(amount, rows, rows["amount"]).evidence
    assert found.find("refused_rows").value == 9
    assert found.rows == 791
    assert any(note["code"] == "refused_rows" for note in found.details["notes"])


def test_one_known_answer_for_each_row_is_asked_for(payer, loans):
    with pytest.raises(DataError, match="one for each row"):
        golive.evaluate(payer, loans, loans["paid"][:-1])


def test_a_file_is_judged_with_its_training_rows_and_against_another_bundle(payer, loans, home, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", home)
    loans.iloc[400:].drop(columns="amount").to_csv(tmp_path / "test.csv", index=False)
    loans.iloc[:400].drop(columns="amount").to_csv(tmp_path / "train.csv", index=False)
    asked = ["evaluate", "payer", "--data", str(tmp_path / "test.csv"), "--training", str(tmp_path / "train.csv")]
    run = CliRunner().invoke(build_app(debug=False), [*asked, "--sensitive", "sex", "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["rows"] == 400
    assert {"name", "value"} <= set(told["measures"][0])
    refused = CliRunner().invoke(
        build_app(debug=False), ["evaluate", "payer", "--training", str(tmp_path / "train.csv")]
    )
    assert refused.exit_code == 2


@pytest.mark.usefixtures("amount")
def test_a_gate_may_ask_for_a_comparison_and_writes_a_summary(payer, loans, home, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", home)
    golive.evaluate(payer, loans, loans["paid"])
    page = tmp_path / "summary.md"
    page.write_text("# Build\n", "utf-8")
    rule = ["--rule", "auc.lower >= 0.7", "--rule", "accuracy >= 0.99"]
    assert CliRunner().invoke(build_app(debug=False), ["gate", "payer", *rule, "--summary", str(page)]).exit_code == 3
    written = page.read_text("utf-8")
    assert written.startswith("# Build\n\n### ❌ payer: fail")
    assert "`accuracy >= 0.99`" in written
    assert CliRunner().invoke(build_app(debug=False), ["gate", "payer", *rule, "--against", "amount"]).exit_code == 3


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("accuraccy >= 0.5", "'accuracy'"),
        ("rmse <= 1", "does not measure"),
        ("auc - champion.aucc >= 0", "'champion.aucc'"),
        ("size_mb.upper <= 1", "no interval"),
        ("fairness.sex.selection >= 0.8", "'fairness.sex.selection_ratio'"),
        ("robustness.missing_11.auc_drop <= 1", "never measured; did you mean 'robustness.missing_1"),
        ("class.maybe.recall >= 0.5", "never measured"),
        ("auc - baseline.auc.lower >= 0", "has a bound of one side"),
    ],
)
def test_a_rule_that_nothing_can_answer_is_refused_with_what_it_may_mean(payer, loans, home, monkeypatch, rule, said):
    monkeypatch.setenv("GOLIVE_HOME", home)
    found = golive.evaluate(payer, loans, loans["paid"])
    with pytest.raises(PolicyError, match=said):
        golive.gate(found, rule)
    assert CliRunner().invoke(build_app(debug=False), ["gate", "payer", "--rule", rule]).exit_code == 2


def test_every_measure_of_an_evaluation_may_stand_in_a_rule(payer, amount, loans):
    for bundle, target in ((payer, "paid"), (amount, "amount")):
        evidence = golive.evaluate(bundle, loans, loans[target], sensitive=["sex"])
        names = [one.name for one in evidence.evidence.measures if one.name.split(".")[0] in FAMILIES]
        assert {name.split(".")[0] for name in names} >= {"fairness", "robustness"}
        verdict = golive.gate(evidence, *(f"{name} <= 1e9" for name in names))
        assert verdict.outcome == "pass"


def test_words_of_a_notebook_that_do_not_fit_are_refused_with_a_sentence(payer, loans):
    found = golive.evaluate(payer, loans, loans["paid"], sensitive="sex")
    assert "fairness.sex.selection_ratio" in {measure.name for measure in found.evidence.measures}
    with pytest.raises(PolicyError, match="one text after another"):
        golive.gate(found, ["auc >= 0.5"])
    with pytest.raises(UsageError, match="pair"):
        golive.evaluate(payer, loans, loans["paid"], training=loans)
    with pytest.raises(UsageError, match="no row 9"):
        payer.explain(loans[:2]).plot(9)


def test_answers_whose_index_is_of_other_rows_are_not_matched_by_position(payer, loans):
    with pytest.raises(DataError, match="different indexes"):
        golive.evaluate(payer, loans, loans["paid"].sample(frac=1.0, random_state=1))
    assert golive.evaluate(payer, loans, loans["paid"].to_numpy()).evidence.rows == len(loans)


def test_rows_that_somebody_chose_have_a_report_of_their_own(payer, loans, home, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", home)
    loans.drop(columns="amount").to_csv(tmp_path / "some.csv", index=False)
    run = CliRunner().invoke(build_app(debug=False), ["evaluate", "payer", "--data", str(tmp_path / "some.csv")])
    assert "-on-" in run.stdout.replace("\n", "")


def test_more_rows_help_a_model_that_has_few(loans):
    recipe = Recipe(
        target="paid",
        task="classification",
        features=Features(numbers=("income", "age")),
        candidates=(Candidate(model="logistic"),),
    )
    fitted = train(recipe, loans[[*COLUMNS, "paid"]], data_digest=digest_of(b"loans"))
    curve = learning_curve(fitted)
    assert curve["rows"] == [80, 160, 320, 640]
    assert curve["test"]["mean"][-1] < curve["test"]["mean"][0]
    assert all(
        low <= mean <= high
        for low, mean, high in zip(curve["test"]["lower"], curve["test"]["mean"], curve["test"]["upper"], strict=True)
    )
    assert Section(details=curve)


def test_rows_that_changed_since_the_model_was_made_are_not_mixed_with_others(loans, tmp_path):
    loans.drop(columns="amount").to_csv(tmp_path / "loans.csv", index=False)
    said = {
        "name": "payer",
        "data": {"file": "loans.csv"},
        "target": "paid",
        "task": "classification",
        "features": {"numbers": COLUMNS, "drop": ["sex"]},
        "candidates": [{"model": "logistic"}],
        "evaluation": {"sensitive": ["sex"], "learning_curve": False},
    }
    (tmp_path / "golive.yaml").write_text(json.dumps(said), "utf-8")
    project, rooms = read_project(tmp_path), open_rooms(tmp_path)
    trained = train_stage(project, tmp_path, rooms, say=lambda _: None, on_progress=lambda *_: None)
    bundle = package_stage(project, trained, rooms, say=lambda _: None)
    loans.drop(columns="amount").sample(frac=1.0, random_state=1).to_csv(tmp_path / "loans.csv", index=False)
    with pytest.raises(DataError, match="was changed while"):
        evaluate_stage(project, trained, bundle, rooms, say=lambda _: None)
