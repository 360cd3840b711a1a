"""What is said of a model's answers when it is packaged or imported, from there to every place that gives answers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner
from xgboost import XGBRegressor

import golive
from golive.cli.app import build_app
from golive.control.packing.truth import truth_of
from golive.control.project.read import project_of
from golive.domain.signature import Signature
from golive.errors import ProjectError, UsageError

LABELS = {0: "malignant", 1: "benign"}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home") / "state"


@pytest.fixture(scope="module")
def cancer():
    rows, truth = load_breast_cancer(return_X_y=True, as_frame=True)
    return rows.iloc[:, :5], truth


@pytest.fixture(scope="module")
def bundle(home, cancer):
    rows, truth = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, truth)
    made = golive.package(
        model, sample=rows, target=truth, name="cancer", home=str(home), threshold=0.3, labels=LABELS, top_k=2
    )
    return model, made


def test_answers_have_the_names_and_the_threshold_that_were_said(bundle, cancer):
    model, made = bundle
    expected = np.where(model.predict_proba(cancer[0])[:, 1] > 0.3, "benign", "malignant")
    assert made.predict(cancer[0]).tolist() == expected.tolist()
    assert (expected != np.where(model.predict(cancer[0]) == 1, "benign", "malignant")).any()


def test_evaluation_reads_the_classes_of_the_data_and_those_of_the_answers(bundle, cancer):
    _, made = bundle
    rows, truth = cancer
    right = (made.predict(rows) == truth.map(LABELS)).mean()
    for answers in (truth, truth.map(LABELS), truth == 1, truth.map({0: "0", 1: "1"})):
        assert golive.evaluate(made, rows, answers)["accuracy"] == pytest.approx(right)


def test_truth_in_neither_words_is_unknown():
    signature = Signature(
        inputs=(), task="classification", target="y", classes=("no", "yes"), known_as=("0", "1"), known_dtype="int64"
    )
    assert truth_of(signature, np.array(["yes", "0", "1.0", "maybe"], dtype=object)).tolist() == [1, 0, 1, -1]


def test_show_and_offline_answers_say_the_same(bundle, cancer, home, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(home))
    shown = CliRunner().invoke(build_app(), ["show", "cancer"])
    assert "malignant (in the data 0), benign (in the data 1)" in shown.stdout
    assert "benign where its probability is above 0.3; with the 2 most probable" in shown.stdout
    _, made = bundle
    rows = cancer[0].iloc[:40]
    rows.to_csv(tmp_path / "in.csv", index=False)
    words = ["predict", "cancer", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--columns", ""]
    assert CliRunner().invoke(build_app(), words).exit_code == 0
    told = pd.read_csv(tmp_path / "out.csv")
    assert list(told) == [
        "prediction",
        "probability_malignant",
        "probability_benign",
        "top_1",
        "top_1_probability",
        "top_2",
        "top_2_probability",
    ]
    assert told["prediction"].tolist() == made.predict(rows).tolist()
    assert told["top_1_probability"].tolist() == made.predict_proba(rows).max(axis=1).tolist()
    assert set(told["top_1"]) | set(told["top_2"]) == {"malignant", "benign"}


def test_a_script_that_was_exported_gives_the_same_columns(bundle, cancer, home, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(home))
    assert (
        CliRunner().invoke(build_app(), ["export", "cancer", "--to", "script", "-o", str(tmp_path / "s")]).exit_code
        == 0
    )
    cancer[0].iloc[:3].to_csv(tmp_path / "in.csv", index=False)
    archive = next((tmp_path / "s").glob("*.pyz"))
    words = [sys.executable, str(archive), str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.jsonl")]
    subprocess.run(words, check=True, capture_output=True)
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["top_1_probability"] == max(row["p_malignant"], row["p_benign"])
        assert {row["top_1"], row["top_2"]} == {"malignant", "benign"}


def test_a_target_in_logarithms_is_answered_in_the_unit_that_people_know(home):
    rows, target = load_diabetes(return_X_y=True, as_frame=True)
    model = Ridge().fit(rows, np.log1p(target))
    made = golive.package(
        model, sample=rows, target=target, name="progress", home=str(home), target_transform="log1p", unit="points"
    )
    np.testing.assert_allclose(made.predict(rows), np.expm1(model.predict(rows)), rtol=1e-12)
    assert made.bundle.signature.unit == "points"


def test_an_imported_model_takes_the_same_words(home, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(home))
    rows, target = load_diabetes(return_X_y=True, as_frame=True)
    model = XGBRegressor(n_estimators=5).fit(rows, np.sqrt(target))
    model.save_model(tmp_path / "model.json")
    rows.assign(target=target).to_csv(tmp_path / "rows.csv", index=False)
    words = ["import", str(tmp_path / "model.json"), "--name", "roots", "--sample", str(tmp_path / "rows.csv")]
    done = CliRunner().invoke(build_app(), [*words, "--target", "target", "--target-transform", "sqrt", "--unit", "kg"])
    assert done.exit_code == 0, done.output
    made = golive.load("roots", home=str(home))
    np.testing.assert_allclose(made.predict(rows), np.square(model.predict(rows)), rtol=1e-5)
    assert made.bundle.signature.unit == "kg"
    refused = CliRunner().invoke(build_app(), [*words, "--target", "target", "--label", "0=no"])
    assert "labels is for models that answer with classes" in " ".join(refused.output.split())


def test_a_word_that_nobody_knows_is_refused_by_name(home, cancer):
    with pytest.raises(TypeError, match="treshold"):
        golive.package(None, sample=cancer[0], target=cancer[1], name="x", home=str(home), treshold=0.3)
    rows, kinds = cancer[0].iloc[:, :1], np.arange(len(cancer[0])) % 3
    model = LogisticRegression().fit(rows, kinds)
    with pytest.raises(UsageError, match="between two classes"):
        golive.package(model, sample=rows, target=kinds, name="x", home=str(home), threshold=0.3)


PROJECT = "name: m\ndata: {file: rows.csv}\ntarget: y\ntask: %s\nanswers: {threshold: 0.3, labels: {0: stays, 1: goes}, top_k: 2}\n"


def test_golive_yaml_says_them_for_a_classification(tmp_path):
    (tmp_path / "rows.csv").write_text("x,y\n1,0\n")
    finish = project_of((PROJECT % "classification").encode(), folder=tmp_path).answers.finish
    assert (finish.threshold, dict(finish.labels), finish.top_k) == (0.3, {"0": "stays", "1": "goes"}, 2)


def test_golive_yaml_may_not_say_them_for_a_regression(tmp_path):
    (tmp_path / "rows.csv").write_text("x,y\n1,0\n")
    with pytest.raises(ProjectError, match="only a classification has labels to answer"):
        project_of((PROJECT % "regression").encode(), folder=tmp_path)
