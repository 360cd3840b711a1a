"""Contributions are those of the shap library, where both explain the same game."""

import numpy as np
import pandas as pd
import pytest

from golive.adapters.explainers.linear import LinearExplainer
from golive.adapters.explainers.tree import TreeExplainer
from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.inference.explaining.open import open_explainer
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.packaging.build import assemble
from golive.packaging.explaining import explaining_files

pytestmark = pytest.mark.heavy
shap = pytest.importorskip("shap", reason="the library shap is not installed")

ROWS, COLUMNS, EXPLAINED = 800, 8, 25


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, COLUMNS)).astype(np.float32).astype(np.float64))
    frame.columns = [f"x{place}" for place in range(COLUMNS)]
    value = frame["x0"] * frame["x1"] + np.sin(2 * frame["x2"]) + frame["x3"] + 0.1 * rng.normal(size=ROWS)
    return frame, value.to_numpy()


def explained(model, frame, output=None):
    """Give golive's explanation of the first rows, and the background rows as a table."""
    converted = SklearnFramework().convert(model, frame, target="y")
    road = open_road(assemble("m", converted), converted.graph, OnnxRuntime())
    columns = columns_of(road.signature, {name: frame[name].to_numpy() for name in frame})
    files = explaining_files(road, converted.graph, columns, (TreeExplainer(), LinearExplainer()), rows=100)
    explainer = open_explainer(road, files)
    told = explainer.explain({name: column[:EXPLAINED] for name, column in columns.items()}, output=output)
    return told, pd.DataFrame(explainer.background)[list(frame.columns)]


def models():
    ensemble = pytest.importorskip("sklearn.ensemble")
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    boosted = {"n_estimators": 50, "num_leaves": 15, "verbose": -1, "n_jobs": 1}
    return {
        "lightgbm": lightgbm.LGBMRegressor(**boosted),
        "lightgbm classes": lightgbm.LGBMClassifier(**boosted),
        "xgboost": xgboost.XGBRegressor(n_estimators=40, max_depth=4, n_jobs=1),
        "xgboost classes": xgboost.XGBClassifier(n_estimators=40, max_depth=4, n_jobs=1),
        "gradient boosting": ensemble.GradientBoostingRegressor(n_estimators=40),
        "gradient boosting classes": ensemble.GradientBoostingClassifier(n_estimators=40),
        "forest": ensemble.RandomForestRegressor(n_estimators=20, max_depth=8),
        "forest classes": ensemble.RandomForestClassifier(n_estimators=20, max_depth=8),
    }


@pytest.mark.parametrize("name", list(models()))
def test_trees_are_explained_as_by_tree_shap(name, table):
    frame, value = table
    model = models()[name].fit(frame, (value > 0).astype(int) if "classes" in name else value)
    told, background = explained(model, frame)
    assert told.method == "tree"
    theirs = shap.TreeExplainer(model, data=background, feature_perturbation="interventional")
    expected = np.asarray(theirs.shap_values(frame[:EXPLAINED], check_additivity=False))
    expected = expected[..., 1] if expected.ndim == 3 else expected
    # XGBoost adds in float32, in its own order.
    assert told.contributions == pytest.approx(expected, abs=1e-5 if "xgboost" in name else 1e-6)


@pytest.mark.parametrize("of", ["value", "classes"])
def test_linear_models_are_explained_as_by_linear_shap(of, table):
    linear = pytest.importorskip("sklearn.linear_model")
    frame, value = table
    model = linear.Ridge() if of == "value" else linear.LogisticRegression()
    model.fit(frame, value if of == "value" else (value > 0).astype(int))
    told, background = explained(model, frame)
    assert told.method == "linear"
    masker = shap.maskers.Independent(background, max_samples=len(background))
    expected = shap.LinearExplainer(model, masker).shap_values(frame[:EXPLAINED])
    assert told.contributions == pytest.approx(np.asarray(expected), abs=1e-6)


def test_any_other_model_is_explained_as_by_exact_shap(table):
    neighbors = pytest.importorskip("sklearn.svm")
    frame, value = table
    frame = frame[["x0", "x1", "x2", "x3"]]
    model = neighbors.SVR().fit(frame, value)
    told, background = explained(model, frame)
    assert told.method == "permutation"
    masker = shap.maskers.Independent(background, max_samples=len(background))
    expected = shap.explainers.Exact(model.predict, masker)(frame[:EXPLAINED]).values
    assert told.contributions == pytest.approx(expected, abs=1e-6)
