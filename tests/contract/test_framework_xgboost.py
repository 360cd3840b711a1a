"""XGBoost models keep what the port promises, within the tolerance that their conversion declares."""

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from golive import plugins
from golive.testing import check_framework

xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed; the extra golive[gbdt] brings it")


@pytest.fixture(scope="module")
def cancer() -> tuple[pd.DataFrame, pd.Series]:
    return load_breast_cancer(as_frame=True, return_X_y=True)


def test_a_classifier_answers_alike_through_the_whole_road(cancer):
    rows, benign = cancer
    model = xgboost.XGBClassifier(n_estimators=30, n_jobs=1).fit(rows, benign)
    check_framework(plugins.load("frameworks", "sklearn"), model, rows, plugins.load("runtimes", "onnxruntime"))


def test_a_regressor_answers_alike_through_the_whole_road():
    rows, progress = load_diabetes(as_frame=True, return_X_y=True)
    model = xgboost.XGBRegressor(n_estimators=30, n_jobs=1).fit(rows, progress)
    check_framework(plugins.load("frameworks", "sklearn"), model, rows, plugins.load("runtimes", "onnxruntime"))
