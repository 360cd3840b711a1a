"""Pipelines of scikit-learn as they appear in practice, on real tables with texts and missing values."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
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
from sklearn.svm import SVC, LinearSVC

from benchmarks.models.fitting import fitted
from benchmarks.models.trial import Kind


def _pipeline(name: str, on: str, make: Callable[[], Any], most: int = 2000) -> Kind:
    return Kind(framework="scikit-learn", group="pipeline", name=name, on=on, make=fitted(make), most=most)


def columns(encoder: Any, *numbers: Any) -> Any:
    """Impute and treat numbers; impute and encode texts."""
    texts = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), encoder)
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), *numbers), make_column_selector(dtype_include=np.number)),
        (texts, make_column_selector(dtype_include=object)),
    )


def _one_hot() -> Any:
    return OneHotEncoder(handle_unknown="ignore")


def _ordinal() -> Any:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def _logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def _scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


PIPELINES = [
    _pipeline(
        "ColumnTransformer (impute, scale, one-hot), LogisticRegression",
        "credit",
        lambda: make_pipeline(columns(_one_hot(), StandardScaler()), _logistic()),
    ),
    _pipeline(
        "ColumnTransformer (impute, scale, one-hot), Ridge",
        "houses",
        lambda: make_pipeline(columns(_one_hot(), StandardScaler()), Ridge()),
        1000,
    ),
    _pipeline(
        "ColumnTransformer (impute, ordinal), RandomForestRegressor",
        "houses",
        lambda: make_pipeline(columns(_ordinal()), RandomForestRegressor(50, random_state=0)),
        1000,
    ),
    _pipeline(
        "ColumnTransformer (impute, one-hot), RandomForestClassifier",
        "credit",
        lambda: make_pipeline(columns(_one_hot()), RandomForestClassifier(50, random_state=0)),
    ),
    _pipeline(
        "OrdinalEncoder, HistGradientBoostingClassifier with categories",
        "credit",
        lambda: make_pipeline(
            make_column_transformer(
                (_ordinal(), make_column_selector(dtype_include=object)),
                remainder="passthrough",
                verbose_feature_names_out=False,
            ).set_output(transform="pandas"),
            HistGradientBoostingClassifier(max_iter=50, categorical_features=["Home", "Marital", "Records", "Job"]),
        ),
    ),
    _pipeline(
        "HistGradientBoostingRegressor, missing values, ordinal texts",
        "houses",
        lambda: make_pipeline(
            make_column_transformer((_ordinal(), make_column_selector(dtype_include=object)), remainder="passthrough"),
            HistGradientBoostingRegressor(max_iter=50),
        ),
        1000,
    ),
    _pipeline(
        "TargetEncoder, HistGradientBoostingClassifier",
        "credit",
        lambda: make_pipeline(columns(TargetEncoder(random_state=0)), HistGradientBoostingClassifier(max_iter=50)),
    ),
    _pipeline(
        "KBinsDiscretizer, one-hot, LogisticRegression",
        "credit",
        lambda: make_pipeline(columns(_one_hot(), KBinsDiscretizer(5)), _logistic()),
    ),
    _pipeline(
        "PowerTransformer, SplineTransformer, Ridge",
        "diabetes",
        lambda: make_pipeline(PowerTransformer(), SplineTransformer(n_knots=5), Ridge()),
    ),
    _pipeline(
        "QuantileTransformer, PCA, SVC with probabilities",
        "breast cancer",
        lambda: make_pipeline(
            QuantileTransformer(n_quantiles=100),
            PCA(8),
            CalibratedClassifierCV(SVC(), method="sigmoid", ensemble=False),
        ),
    ),
    _pipeline("PolynomialFeatures, Ridge", "diabetes", lambda: make_pipeline(PolynomialFeatures(2), _scaled(Ridge()))),
    _pipeline("SelectKBest, LogisticRegression", "wine", lambda: make_pipeline(SelectKBest(k=6), _scaled(_logistic()))),
    _pipeline(
        "CalibratedClassifierCV (isotonic), LinearSVC",
        "breast cancer",
        lambda: _scaled(CalibratedClassifierCV(LinearSVC(), method="isotonic")),
    ),
    _pipeline(
        "StackingClassifier (forest, SVC, linear)",
        "wine",
        lambda: _scaled(
            StackingClassifier(
                [
                    ("forest", RandomForestClassifier(20, random_state=0)),
                    ("kernel", SVC()),
                    ("linear", _logistic()),
                ]
            )
        ),
    ),
    _pipeline(
        "VotingClassifier (soft: forest, boosting, linear)",
        "breast cancer",
        lambda: _scaled(
            VotingClassifier(
                [
                    ("forest", RandomForestClassifier(20, random_state=0)),
                    ("boosting", HistGradientBoostingClassifier(max_iter=20)),
                    ("linear", _logistic()),
                ],
                voting="soft",
            )
        ),
    ),
    _pipeline(
        "GridSearchCV over a pipeline",
        "breast cancer",
        lambda: GridSearchCV(_scaled(_logistic()), {"logisticregression__C": [0.1, 1.0]}, cv=3),
    ),
    _pipeline(
        "TransformedTargetRegressor (log), Ridge",
        "houses",
        lambda: TransformedTargetRegressor(
            make_pipeline(columns(_one_hot(), StandardScaler()), Ridge()), func=np.log1p, inverse_func=np.expm1
        ),
        1000,
    ),
    _pipeline("StandardScaler, MLPClassifier", "digits", lambda: _scaled(MLPClassifier((64,), random_state=0))),
    _pipeline("RandomForestClassifier", "digits", lambda: RandomForestClassifier(50, random_state=0)),
    _pipeline(
        "StandardScaler, GaussianProcessRegressor",
        "diabetes",
        lambda: _scaled(GaussianProcessRegressor(RBF(5.0) + WhiteKernel(), random_state=0)),
    ),
    _pipeline(
        "OneHotEncoder with handle_unknown='error', Ridge",
        "houses",
        lambda: make_pipeline(columns(OneHotEncoder(), StandardScaler()), Ridge()),
        1000,
    ),
    _pipeline("StandardScaler, SVC", "digits", lambda: _scaled(SVC())),
    _pipeline("StandardScaler, KNeighborsClassifier", "wine", lambda: _scaled(KNeighborsClassifier())),
    _pipeline("StandardScaler, RidgeClassifier", "wine", lambda: _scaled(RidgeClassifier())),
    _pipeline("StandardScaler, IsolationForest", "breast cancer", lambda: _scaled(IsolationForest(random_state=0))),
    _pipeline(
        "TfidfVectorizer, LogisticRegression",
        "reviews",
        lambda: make_pipeline(make_column_transformer((TfidfVectorizer(), "review")), _logistic()),
    ),
    _pipeline(
        "TfidfVectorizer, MultinomialNB",
        "reviews",
        lambda: make_pipeline(
            make_column_transformer((TfidfVectorizer(ngram_range=(1, 2)), "review")), MultinomialNB()
        ),
    ),
    _pipeline(
        "TfidfVectorizer, TruncatedSVD, LogisticRegression",
        "reviews",
        lambda: make_pipeline(
            make_column_transformer((TfidfVectorizer(min_df=5), "review")),
            TruncatedSVD(20, random_state=0),
            _logistic(),
        ),
    ),
]
"""Each is fitted on the rows of its table."""
