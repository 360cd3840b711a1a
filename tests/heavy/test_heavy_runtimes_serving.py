"""A bundle that another runtime than ONNX Runtime is to run is served by ``golive serve`` like any other."""

import os
import re
import shutil
import subprocess
import sys

import httpx
import pytest
from other_runtime_bundle import rewritten
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

import golive

pytestmark = pytest.mark.heavy


@pytest.fixture
def served(tmp_path):
    """Give a function that serves a bundle of a state folder and gives its address."""
    running = []

    def serve(home, digest):
        command = [
            sys.executable,
            "-m",
            "golive",
            "serve",
            digest,
            "--port",
            "0",
            "--admin-port",
            "0",
            "--workers",
            "1",
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "stderr.txt").open("wb"),
            text=True,
            cwd=tmp_path,
            env={**os.environ, "GOLIVE_HOME": str(home)},
        )
        running.append(process)
        said = process.stdout.readline()
        found = re.search(r"serving at (\S+)", said)
        assert found, (tmp_path / "stderr.txt").read_text()
        return found.group(1)

    yield serve
    for process in running:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def served_alike(served, model, runtime, tmp_path):
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    home = tmp_path / "home"
    parent = golive.package(model.fit(rows, kinds), sample=rows, target=kinds, name="flowers", home=str(home))
    url = served(home, rewritten(parent, runtime))
    sent = [{str(name): float(value) for name, value in row.items()} for row in rows.to_dict("records")]
    for few in (sent[:1], sent[:5], sent):
        answered = httpx.post(f"{url}/v1/models/flowers:predict", json={"instances": few}, timeout=30.0)
        assert answered.status_code == 200, answered.text
        assert answered.json()["predictions"] == parent.predict(rows[: len(few)]).tolist()


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler (cc)")
def test_compiled_trees_are_served(served, tmp_path):
    served_alike(served, RandomForestClassifier(20, random_state=0), "compiled", tmp_path)


def test_openvino_is_served(served, tmp_path):
    pytest.importorskip("openvino", reason="openvino is not installed; pip install 'golive[openvino]' brings it")
    served_alike(served, MLPClassifier((20,), max_iter=2000, random_state=0), "openvino", tmp_path)
