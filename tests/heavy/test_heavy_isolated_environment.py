"""A model that an old scikit-learn fitted is served by that scikit-learn, in an environment made for it."""

import json
import subprocess

import numpy as np
import pytest

from golive.adapters.runtimes.isolated.environments import interpreter, running_python
from golive.adapters.runtimes.isolated.runtime import IsolatedRuntime, environments_folder
from golive.errors import UnavailableError
from golive.packaging.isolated import Limits, Seen, SeenColumn, archive

OLD = ("joblib==1.4.2", "numpy==1.26.4", "scikit-learn==1.5.2", "scipy==1.13.1", "threadpoolctl==3.5.0")
FIT = """
import json, sys
import joblib, numpy, sklearn
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier
rows, species = load_iris(return_X_y=True)
model = KNeighborsClassifier(weights="distance").fit(rows, species)
joblib.dump(model, sys.argv[1])
print(json.dumps([sklearn.__version__, rows.tolist(), model.predict_proba(rows).tolist()]))
"""


@pytest.mark.heavy
def test_an_old_pickle_is_served_by_the_library_that_wrote_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path))
    try:
        python = interpreter(OLD, running_python(), environments_folder())
    except UnavailableError as error:
        pytest.skip(f"there is no package index here that has an old scikit-learn: {error.message}")
    assert python.is_relative_to(tmp_path)
    fitted = tmp_path / "model.joblib"
    done = subprocess.run([python, "-I", "-c", FIT, fitted], capture_output=True, check=True, text=True)
    version, rows, answers = json.loads(done.stdout)
    assert version == "1.5.2"
    content = archive(
        fitted.read_bytes(),
        Seen(
            container="array",
            dtype="float64",
            columns=tuple(SeenColumn(name=f"x{place}", kind="number", dtype="float64") for place in range(4)),
        ),
        python=running_python(),
        requirements=OLD,
        method="predict_proba",
        outputs=3,
        limits=Limits(),
    )
    made = (python.parents[1] / "whole").stat().st_mtime_ns
    session = IsolatedRuntime().start(content, threads=1)
    try:
        assert session.run(np.array(rows), np.empty((150, 0), np.int64)).tolist() == answers
    finally:
        session.close()
    assert (python.parents[1] / "whole").stat().st_mtime_ns == made


@pytest.mark.heavy
def test_versions_that_no_index_has_are_refused_with_what_pip_said(tmp_path):
    with pytest.raises(UnavailableError, match=r"could not be filled .*numpy==0\.0\.1.*see that the package index"):
        interpreter(("numpy==0.0.1",), running_python(), tmp_path)
    assert not list(tmp_path.glob("*/whole"))
