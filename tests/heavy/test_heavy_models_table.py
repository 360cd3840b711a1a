"""Every kind of model is tried again on few rows: what comes of it is what docs/models.md says."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[2]
PARTS = 2
LIMIT_S = 1500
NEEDS = {"CatBoost": "catboost", "PyTorch": "torch", "Keras": "keras"}


@pytest.fixture(scope="module")
def tried():
    """Try all kinds, in two processes of their own: the libraries' threads do not like each other in one."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.models", "quick", str(part), str(PARTS)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in range(PARTS)
    ]
    told = [process.communicate(timeout=LIMIT_S) for process in running]
    for process, (_, said) in zip(running, told, strict=True):
        assert process.returncode == 0, said[-5000:]
    kinds = [kind for out, _ in told for kind in json.loads(out.splitlines()[-1])]
    return {(kind["framework"], kind["name"]): kind for kind in kinds}


def committed():
    return json.loads((ROOT / "benchmarks" / "results" / "models.json").read_text("utf-8"))["kinds"]


@pytest.mark.parametrize("framework", sorted({kind["framework"] for kind in committed()}))
def test_what_comes_of_every_kind_is_what_the_page_says(framework, tried):
    if framework in NEEDS and find_spec(NEEDS[framework]) is None:
        pytest.skip(f"{NEEDS[framework]} is not installed; the extra [heavy] brings it")
    different = {}
    for kind in [kind for kind in committed() if kind["framework"] == framework]:
        again = tried[framework, kind["name"]]
        said, found = (
            {word: one.get(word, 0) for word in ("outcome", "tolerance", "flipped")} for one in (kind, again)
        )
        if said != found:
            different[kind["name"]] = (said, found, again.get("reason", ""))
    assert different == {}


def test_the_page_names_every_kind_that_there_is(tried):
    assert set(tried) <= {(kind["framework"], kind["name"]) for kind in committed()}


def test_no_decision_differs_from_the_library_s_own(tried):
    differing = {name: kind["differing"] for name, kind in tried.items() if kind.get("differing")}
    assert differing == {}
