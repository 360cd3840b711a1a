"""A model of a table is made smaller on the command line, and the child goes through the gate like any other."""

import subprocess
import sys

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import golive


def run(home, *words):
    command = [sys.executable, "-m", "golive", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"GOLIVE_HOME": str(home), "PATH": "/usr/bin:/bin"}
    )


@pytest.mark.heavy
def test_a_network_is_made_smaller_and_judged(tmp_path):
    home = tmp_path / "home"
    rows, target = load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((40, 20), max_iter=400, random_state=0))
    model.fit(rows[:250], target[:250])
    parent = golive.package(model, sample=rows[:250], target=target[:250], name="cancer", home=str(home))
    rows[250:].assign(target=target[250:]).to_csv(tmp_path / "valid.csv", index=False)

    words = ["optimize", "cancer", "--data", str(tmp_path / "valid.csv"), "--only", "precision", "--max-loss", "0.02"]
    shown = run(home, *words, "--metric", "auc", "--prefer", "size")
    assert shown.returncode == 0, shown.stderr
    assert "as it is" in shown.stdout
    assert "float32" in shown.stdout
    assert f"parent {parent.digest.removeprefix('sha256:')[:12]}" in shown.stdout
    assert len(list((home / "reports").glob("cancer-*.optimization.svg"))) == 1

    child = golive.load("cancer:latest", home=str(home))
    assert child.bundle.manifest.lineage.parent == parent.digest
    evidence = golive.evaluate(child, rows[250:], target[250:])
    assert golive.gate(evidence, "auc >= 0.9").outcome == "pass"
