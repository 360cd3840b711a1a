"""Every estimator and every preparation: the graph gives the original's answers, on real and on hostile rows."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

pytestmark = pytest.mark.filterwarnings("ignore::Warning")

numbers = make_column_selector(dtype_include="number")
texts = make_column_selector(dtype_exclude="number")


def onehot(**options):
    return OneHotEncoder(**{"handle_unknown": "ignore", "sparse_output": False, **options})


def prepared(*number_steps, encoder=None):
    """Numbers: median, then the given steps. Categories: filled, then encoded."""
    filled = SimpleImputer(strategy="constant", fill_value="none", missing_values=None)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), *number_steps), numbers),
            ("categories", make_pipeline(filled, encoder or onehot()), texts),
        ]
    )


REGRESSORS = {
    "linear": LinearRegression(),
    "ridge": Ridge(),
    "ridge_cv": RidgeCV(),
    "lasso": Lasso(alpha=50.0),
    "elastic_net": ElasticNet(),
    "sgd": SGDRegressor(max_iter=20, eta0=1e-4, random_state=0),
    "poisson": PoissonRegressor(max_iter=50),
    "linear_svr": LinearSVR(max_iter=50, C=100.0),
    "svr": SVR(C=1e4),
    "svr_poly": SVR(kernel="poly", degree=2, coef0=1.0),
    "decision_tree": DecisionTreeRegressor(max_depth=9, random_state=0),
    "random_forest": RandomForestRegressor(20, random_state=0),
    "extra_trees": ExtraTreesRegressor(20, max_depth=10, random_state=0),
    "gradient_boosting": GradientBoostingRegressor(n_estimators=40, random_state=0),
    "hist_gradient_boosting": HistGradientBoostingRegressor(max_iter=10, random_state=0),
    "hist_poisson": HistGradientBoostingRegressor(loss="poisson", max_iter=8, max_leaf_nodes=15, random_state=0),
    "mlp": TransformedTargetRegressor(
        MLPRegressor(hidden_layer_sizes=(16, 8), max_iter=30, random_state=0), transformer=StandardScaler()
    ),
    "dummy": DummyRegressor(),
    "voting": VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=4))], weights=[2, 1]),
    "stacking": StackingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=4))], RidgeCV(), cv=2),
    "log_target": TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    "log_of_scaled": TransformedTargetRegressor(
        TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), func=np.log1p, inverse_func=np.expm1
    ),
    "partial_least_squares": PLSRegression(4),
    "ransac": RANSACRegressor(Ridge(), min_samples=0.5, random_state=0),
    "lightgbm": LGBMRegressor(n_estimators=40, verbose=-1, n_jobs=1),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_gives_the_same_price_in_the_graph(name, homes, prove):
    rows, price = homes
    model = make_pipeline(prepared(StandardScaler()), REGRESSORS[name]).fit(rows[:700], price[:700])
    converted = prove(model, rows[:700], rows[700:1100], within=1e-9 if name in {"svr", "svr_poly", "mlp"} else 1e-12)
    assert converted.signature.task == "regression"


CLASSIFIERS = {
    "logistic": LogisticRegression(max_iter=500),
    "sgd": SGDClassifier(loss="log_loss", random_state=0),
    "decision_tree": DecisionTreeClassifier(max_depth=8, random_state=0),
    "random_forest": RandomForestClassifier(20, random_state=0),
    "shallow_forest": RandomForestClassifier(30, max_depth=6, random_state=0),
    "extra_trees": ExtraTreesClassifier(20, max_depth=10, random_state=0),
    "gradient_boosting": GradientBoostingClassifier(n_estimators=30, random_state=0),
    "exponential_boosting": GradientBoostingClassifier(loss="exponential", n_estimators=15, random_state=0),
    "hist_gradient_boosting": HistGradientBoostingClassifier(max_iter=8, random_state=0),
    "svc_calibrated": CalibratedClassifierCV(SVC(), method="sigmoid", ensemble=False),
    "nu_svc_calibrated": CalibratedClassifierCV(NuSVC(nu=0.2), ensemble=False, cv=3),
    "svc_sigmoid_calibrated": CalibratedClassifierCV(SVC(kernel="sigmoid", gamma=0.01), ensemble=False, cv=3),
    "svc_linear_calibrated": CalibratedClassifierCV(SVC(kernel="linear"), ensemble=False, cv=3),
    "svc_poly_calibrated": CalibratedClassifierCV(SVC(kernel="poly"), ensemble=False, cv=3),
    "linear_svc_calibrated": CalibratedClassifierCV(LinearSVC(), cv=3),
    "ridge_calibrated": CalibratedClassifierCV(RidgeClassifier(), method="isotonic", cv=3),
    "forest_sigmoid": CalibratedClassifierCV(RandomForestClassifier(10, max_depth=6, random_state=0), cv=3),
    "forest_isotonic": CalibratedClassifierCV(
        RandomForestClassifier(10, max_depth=6, random_state=0), method="isotonic", cv=3
    ),
    "temperature": CalibratedClassifierCV(LogisticRegression(max_iter=500), method="temperature", cv=3),
    "temperature_of_forest": CalibratedClassifierCV(
        RandomForestClassifier(10, max_depth=6, random_state=0), method="temperature", cv=3
    ),
    "mlp": MLPClassifier(hidden_layer_sizes=(16,), max_iter=30, random_state=0),
    "mlp_tanh": MLPClassifier(hidden_layer_sizes=(8, 8), activation="tanh", max_iter=30, random_state=0),
    "mlp_logistic": MLPClassifier(hidden_layer_sizes=(8,), activation="logistic", max_iter=30, random_state=0),
    "gaussian_bayes": GaussianNB(var_smoothing=1e-3),
    "lda": LinearDiscriminantAnalysis(),
    "qda": QuadraticDiscriminantAnalysis(solver="svd", reg_param=0.1),
    "multinomial_bayes": make_pipeline(MinMaxScaler(clip=True), MultinomialNB()),
    "stacking": StackingClassifier(
        [("a", LogisticRegression(max_iter=500)), ("b", DecisionTreeClassifier(max_depth=4, random_state=0))], cv=2
    ),
    "dummy": DummyClassifier(),
    "voting": VotingClassifier(
        [("a", LogisticRegression(max_iter=500)), ("b", RandomForestClassifier(10, max_depth=5, random_state=0))],
        voting="soft",
        weights=[1, 3],
    ),
    "one_against_the_rest": OneVsRestClassifier(DecisionTreeClassifier(max_depth=5, random_state=0)),
    "search": GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=2),
    "lightgbm": LGBMClassifier(n_estimators=30, verbose=-1, n_jobs=1),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_of_two_classes_gives_the_same_probabilities_in_the_graph(name, credit, prove):
    rows, status = credit
    model = make_pipeline(prepared(StandardScaler()), CLASSIFIERS[name]).fit(rows[:700], status[:700])
    converted = prove(model, rows[:700], rows[700:1100])
    assert converted.signature.classes == ("bad", "good")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_of_several_classes_gives_the_same_probabilities_in_the_graph(name, iris, prove):
    if name == "exponential_boosting":
        model = GradientBoostingClassifier(n_estimators=15, init="zero", random_state=0)
    else:
        model = CLASSIFIERS[name]
    rows, kind = iris
    converted = prove(model.fit(rows[:110], kind[:110]), rows[:110], rows[110:])
    assert converted.signature.class_dtype == "int64"


PREPARATIONS = {
    "standard": prepared(StandardScaler()),
    "minmax_clip": prepared(MinMaxScaler(clip=True)),
    "robust": prepared(RobustScaler()),
    "max_abs": prepared(MaxAbsScaler()),
    "yeo_johnson": prepared(PowerTransformer()),
    "quantile_uniform": prepared(QuantileTransformer(n_quantiles=100)),
    "quantile_normal": prepared(QuantileTransformer(n_quantiles=100, output_distribution="normal")),
    "bins": prepared(KBinsDiscretizer(n_bins=4, encode="ordinal")),
    "bins_onehot": prepared(KBinsDiscretizer(n_bins=4, encode="onehot-dense", strategy="uniform")),
    "polynomial": prepared(StandardScaler(), PolynomialFeatures(2, interaction_only=True, include_bias=False)),
    "cubes": prepared(MinMaxScaler(), PolynomialFeatures(3)),
    "binarizer": prepared(Binarizer(threshold=3.0)),
    "normalizer": prepared(Normalizer()),
    "numpy_function": prepared(FunctionTransformer(np.log1p), StandardScaler()),
    "own_function": prepared(FunctionTransformer(lambda x: np.where(x > 50, np.sqrt(np.abs(x)), np.clip(x, 0, 9) * 2))),
    "ordinal": prepared(StandardScaler(), encoder=OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
    "target": prepared(StandardScaler(), encoder=TargetEncoder(random_state=0)),
    "infrequent": prepared(StandardScaler(), encoder=onehot(handle_unknown="infrequent_if_exist", min_frequency=0.1)),
    "drop_first": prepared(StandardScaler(), encoder=onehot(drop="first")),
    "sparse": prepared(StandardScaler(), encoder=OneHotEncoder(handle_unknown="ignore")),
    "encoded_then_scaled": prepared(StandardScaler(), encoder=make_pipeline(onehot(), StandardScaler())),
    "indicator": ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="mean", add_indicator=True), StandardScaler()), numbers),
            ("categories", onehot(), texts),
        ]
    ),
    "frequent": ColumnTransformer(
        [
            ("numbers", SimpleImputer(strategy="most_frequent"), ["Age", "Income"]),
            (
                "categories",
                make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), onehot()),
                ["Job", "Home"],
            ),
            ("out", "drop", ["Time"]),
        ],
        transformer_weights={"numbers": 0.5},
    ),
    "remainder": ColumnTransformer(
        [("categories", onehot(), texts), ("debt", SimpleImputer(), ["Debt", "Assets", "Income"])],
        remainder="passthrough",
    ),
    "union": ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(), FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])),
                numbers,
            )
        ]
    ),
    "numbers_as_categories": ColumnTransformer(
        [
            ("time", onehot(), ["Time", "Seniority"]),
            ("income", make_pipeline(SimpleImputer(), StandardScaler()), ["Income"]),
        ]
    ),
}


@pytest.mark.parametrize("name", PREPARATIONS)
@pytest.mark.parametrize("last", ["logistic", "decision_tree"])
def test_a_preparation_lands_every_row_on_the_same_side(name, last, credit, prove):
    rows, status = credit
    model = make_pipeline(PREPARATIONS[name], CLASSIFIERS[last]).fit(rows[:700], status[:700])
    prove(model, rows[:700], rows[700:1100])


SELECTIONS = {
    "variance": VarianceThreshold(0.01),
    "k_best": SelectKBest(f_classif, k=6),
    "from_model": SelectFromModel(DecisionTreeClassifier(random_state=0)),
    "components": PCA(n_components=5),
    "whitened": PCA(n_components=4, whiten=True),
    "incremental_components": IncrementalPCA(n_components=4, whiten=True),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_selection_after_the_preparation_keeps_the_same_columns(name, credit, prove):
    rows, status = credit
    model = make_pipeline(prepared(StandardScaler()), SELECTIONS[name], LogisticRegression(max_iter=500))
    prove(model.fit(rows[:700], status[:700]), rows[:700], rows[700:1100])


def test_a_whole_regression_recipe_with_selection_and_log_target_is_exact(ames, prove):
    rows, price = ames
    inner = make_pipeline(prepared(RobustScaler()), SelectKBest(f_regression, k=40), Ridge())
    model = TransformedTargetRegressor(inner, func=np.log, inverse_func=np.exp).fit(rows[:700], price[:700])
    prove(model, rows[:700], rows[700:1100])


@pytest.mark.parametrize("name", ["logistic", "random_forest", "svc_calibrated", "hist_gradient_boosting"])
def test_a_model_of_thirty_numbers_without_any_preparation_is_exact(name, cancer, prove):
    rows, benign = cancer
    model = make_pipeline(StandardScaler(), CLASSIFIERS[name]).fit(rows[:400], benign[:400])
    converted = prove(model, rows[:400], rows[400:])
    assert len(converted.preparation.numbers) == 30
