"""Bins behind a curve: rows of training lie on the edges to the bit, and fall into the same bins."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, PolynomialFeatures, PowerTransformer, QuantileTransformer

from golive.adapters.frameworks.graph import Block, Rise
from golive.adapters.frameworks.pull_back import pulled_back

CURVES = {
    "yeo_johnson": PowerTransformer(),
    "box_cox": PowerTransformer("box-cox", standardize=False),
    "levels": QuantileTransformer(n_quantiles=50),
    "normal": QuantileTransformer(n_quantiles=50, output_distribution="normal"),
}


@pytest.fixture(scope="module")
def patients():
    """442 patients, four numbers above zero, one value."""
    rows, value = load_diabetes(return_X_y=True, as_frame=True)
    return rows[["age", "bmi", "bp", "s5"]] * 20 + 5, value


@pytest.mark.filterwarnings("ignore:Bins whose width")
@pytest.mark.parametrize("name", CURVES)
def test_rows_on_the_edges_of_bins_behind_a_curve_fall_into_the_same_bins(name, patients, prove):
    rows, value = patients
    model = make_pipeline(CURVES[name], KBinsDiscretizer(5), PolynomialFeatures(2), Ridge()).fit(rows, value)
    converted = prove(model, rows, rows)
    assert min(len(edges) for edges in converted.thresholds.values()) >= 4


def test_an_edge_is_told_as_the_least_double_that_reaches_it():
    rise = Rise(Block("N", 2), lambda table: table**3)
    first, second = pulled_back(rise, [np.array([-8.0, 27.0]), np.array([2.0])])
    assert first.tolist() == [-2.0, 3.0]
    assert second[0] ** 3 >= 2.0 > np.nextafter(second[0], 0.0) ** 3


def test_edges_that_a_curve_never_reaches_or_is_always_above_are_infinite():
    rise = Rise(Block("N", 1), np.tanh)
    assert pulled_back(rise, [np.array([-1.5, 1.5])])[0].tolist() == [-np.inf, np.inf]


def test_a_curve_is_only_asked_where_it_is_defined():
    asked = []

    def curve(table):
        asked.append(float(table.min()))
        return np.log(table)

    [found] = pulled_back(Rise(Block("N", 1), curve, lowest=5e-324), [np.array([0.0])])
    assert found.tolist() == [1.0]
    assert min(asked) > 0
