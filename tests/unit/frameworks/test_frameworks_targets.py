"""Targets: what the target was transformed by is undone in the graph, exactly as the original undoes it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.frameworks.targets import transformer_of
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import NotConvertibleError, UsageError
from golive.inference.road import open_road
from golive.packaging.build import assemble
from golive.packaging.finish import Finish, finished, finished_original

TRANSFORMS = {
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "standard": StandardScaler(),
    "min_max": MinMaxScaler(),
    "max_abs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "box_cox": PowerTransformer("box-cox"),
    "box_cox_unscaled": PowerTransformer("box-cox", standardize=False),
    "yeo_johnson": PowerTransformer(),
    "yeo_johnson_unscaled": PowerTransformer(standardize=False),
    "chain": make_pipeline(PowerTransformer(), MinMaxScaler()),
    "function": FunctionTransformer(np.cbrt, inverse_func=lambda values: values**3, check_inverse=False),
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    return rows, np.exp(rows["a"] / 2 + rows["b"] / 10 + 3).to_numpy()[:, None]


def fitted(transform, target):
    return transformer_of(transform) if isinstance(transform, str) else transform.fit(target)


def opened(converted):
    return open_road(assemble("m", converted), converted.graph, OnnxRuntime())


def farther(rows):
    """The rows, and others on either side of what the target was."""
    return pd.concat([rows, rows * 3, rows * -4, rows * 0.0], ignore_index=True)


def assert_close(answers, expected):
    assert np.isnan(answers).tolist() == np.isnan(expected).tolist()
    known = ~np.isnan(expected)
    assert (np.abs(answers - expected)[known] <= 1e-12 * np.maximum(1.0, np.abs(expected[known]))).all()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_model_of_a_transformed_target_answers_on_the_scale_that_people_know(name, table):
    rows, target = table
    transformer = fitted(TRANSFORMS[name], target)
    model, framework = Ridge().fit(rows, transformer.transform(target)[:, 0]), SklearnFramework()
    finish = Finish(target_transform=TRANSFORMS[name], unit="EUR")
    converted = finished(framework.convert(model, rows, target="price"), finish)
    original = finished_original(lambda asked: framework.predict(model, pd.DataFrame(asked)), finish)
    many = farther(rows)
    answers = opened(converted).columns({column: many[column].to_numpy() for column in many})
    assert_close(answers, original(dict(many)))
    assert_close(answers, transformer.inverse_transform(model.predict(many)[:, None]))
    assert converted.signature.unit == "EUR"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name, one in TRANSFORMS.items() if not isinstance(one, str)])
def test_a_transformed_target_regressor_answers_like_its_original(name, table):
    rows, target = table
    model = TransformedTargetRegressor(Ridge(), transformer=TRANSFORMS[name], check_inverse=False)
    model.fit(rows, target[:, 0])
    many = farther(rows)
    road = opened(SklearnFramework().convert(model, rows, target="price"))
    assert_close(road.columns(dict(many))[:, 0], model.predict(many))


@pytest.mark.parametrize(("power", "standardize"), [(0.0, False), (2.0, False), (0.0, True)])
@pytest.mark.parametrize("method", ["box-cox", "yeo-johnson"])
def test_the_limits_of_a_power_have_their_own_form(method, power, standardize, table):
    rows, target = table
    transformer = PowerTransformer(method, standardize=standardize).fit(target)
    transformer.lambdas_ = np.array([power])
    framework, model = SklearnFramework(), Ridge().fit(rows, rows["a"])
    converted = finished(framework.convert(model, rows, target="y"), Finish(target_transform=transformer))
    expected = transformer.inverse_transform(model.predict(rows)[:, None])
    assert_close(opened(converted).columns(dict(rows)), expected)


def test_a_way_back_that_has_no_exact_form_is_refused_by_name(table):
    rows, target = table
    quantiles = QuantileTransformer(n_quantiles=50).fit(target)
    converted = SklearnFramework().convert(Ridge().fit(rows, target[:, 0]), rows, target="y")
    with pytest.raises(NotConvertibleError, match=r"QuantileTransformer .* has no exact way back to the target"):
        finished(converted, Finish(target_transform=quantiles))


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        ("exp", "'exp', but one of 'log', 'log1p', 'sqrt' is needed"),
        (np.log, "is needed, or a fitted transformer of scikit-learn"),
        (StandardScaler().fit(np.ones((3, 2))), "was fitted on 2 columns, but a target is one"),
        (StandardScaler(), "is a StandardScaler that was not fitted"),
        (make_pipeline(StandardScaler()), "is a Pipeline that was not fitted"),
    ],
)
def test_what_is_no_transformation_of_a_target_is_refused(transform, words):
    with pytest.raises(UsageError, match=words):
        transformer_of(transform)
