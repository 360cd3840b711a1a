"""Files that run code and have no graph are served as they are, straight from import, in a process of their own."""

import subprocess

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import golive
from golive.adapters.runtimes.isolated.environments import interpreter, resolved, running_python
from golive.errors import DataError, NotConvertibleError, UnavailableError, UsageError

pytestmark = pytest.mark.heavy
IRIS, SPECIES = load_iris(as_frame=True, return_X_y=True)


@pytest.fixture
def neighbors(tmp_path):
    joblib.dump(KNeighborsClassifier().fit(IRIS, SPECIES), tmp_path / "neighbors.joblib")
    return tmp_path / "neighbors.joblib"


def test_a_refused_conversion_names_the_way_that_works(neighbors, tmp_path):
    wanted = {"name": "n", "sample": IRIS.assign(species=SPECIES), "target": "species", "home": str(tmp_path / "home")}
    with pytest.raises(NotConvertibleError, match=r"in a process of its own: --isolated$"):
        golive.import_model(neighbors, trust=True, **wanted)
    with pytest.raises(UsageError, match="repeat with --trust"):
        golive.import_model(neighbors, isolated=True, **wanted)
    bundle = golive.import_model(neighbors, isolated=True, trust=True, **wanted)
    original = joblib.load(neighbors)
    assert (bundle.predict_proba(IRIS) == original.predict_proba(IRIS)).all()
    assert bundle.bundle.manifest.runtime == "isolated"
    assert bundle.bundle.manifest.lineage.parameters == {"holds": "code"}
    bundle.road.session.close()


def test_texts_that_are_missing_reach_the_model_as_in_training(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"town": rng.choice(["ulm", "bonn", None], 80), "area": rng.normal(size=80)})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["town"]), (SimpleImputer(), ["area"])),
        KNeighborsRegressor(),
    ).fit(rows, rows["area"] * 2)
    joblib.dump(model, tmp_path / "homes.pkl.gz")
    sample = tmp_path / "homes.csv"
    rows.assign(price=rows["area"] * 2).to_csv(sample, index=False)
    bundle = golive.import_model(
        tmp_path / "homes.pkl.gz",
        name="homes",
        sample=sample,
        target="price",
        trust=True,
        isolated=True,
        home=str(tmp_path),
    )
    assert bundle.predict(rows).tolist() == model.predict(rows).tolist()
    bundle.road.session.close()


def test_a_file_of_an_old_library_is_served_by_that_library(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path / "home"))
    listed = tmp_path / "requirements.txt"
    listed.write_text("scikit-learn==1.5.2\nnumpy==1.26.4\n", "utf-8")
    try:
        exact = resolved(("scikit-learn==1.5.2", "numpy==1.26.4", "joblib", "numpy", "pandas"))
        python = interpreter(exact, running_python(), tmp_path / "home" / "cache" / "environments")
    except (DataError, UnavailableError) as error:
        pytest.skip(f"there is no package index here that has an old scikit-learn: {error.message}")
    fit = (
        "import sys, joblib\nfrom sklearn.datasets import load_iris\nfrom sklearn.neighbors import KNeighborsClassifier\n"
        "joblib.dump(KNeighborsClassifier().fit(*load_iris(return_X_y=True, as_frame=True)), sys.argv[1])"
    )
    subprocess.run([python, "-I", "-c", fit, tmp_path / "old.joblib"], check=True)
    bundle = golive.import_model(
        tmp_path / "old.joblib",
        name="old",
        sample=IRIS.assign(species=SPECIES),
        target="species",
        trust=True,
        isolated=True,
        requirements=listed,
    )
    environment = bundle.bundle.manifest.lineage.environment
    assert environment["scikit-learn"] == environment["scikit-learn of the file"] == "1.5.2"
    assert (bundle.predict(IRIS) == KNeighborsClassifier().fit(IRIS, SPECIES).predict(IRIS)).all()
    bundle.road.session.close()
