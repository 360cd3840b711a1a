"""The worked examples that people learn from come out right through the public names."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import golive


def test_the_house_price_example_gives_125(tmp_path):
    """price = 100 + 0.5 * area - 10 * age, fitted on rows that follow it exactly."""
    rows = np.array([[50, 1], [80, 3], [100, 20], [120, 7], [200, 2], [65, 12]], dtype=float)
    model = LinearRegression().fit(rows, 100 + rows @ [0.5, -10])
    assert (model.coef_.round(9).tolist(), round(model.intercept_, 9)) == ([0.5, -10], 100)
    bundle = golive.package(model, sample=rows, target=model.predict(rows), name="price", home=str(tmp_path))
    assert bundle.predict([[150, 5]])[0] == pytest.approx(125, rel=1e-12)


def test_the_credit_example_gives_a_probability_of_1(tmp_path):
    """The sum is -5 + 0.2 * 30 + 0.3 * 50000 + 0.1 * 800 = 15081, and 1 / (1 + exp(-15081)) is 1.0 exactly."""
    model = LogisticRegression()
    model.classes_ = np.array([0, 1])
    model.coef_, model.intercept_, model.n_features_in_ = np.array([[0.2, 0.3, 0.1]]), np.array([-5.0]), 3
    rows = np.array([[30, 50_000, 800], [0, 0, 0], [20, 3, 1]], dtype=float)
    bundle = golive.package(model, sample=rows, target=[1, 0, 1], name="credit", home=str(tmp_path))
    first, second, _ = bundle.predict_proba(rows)[:, 1]
    assert first == 1.0
    assert second == pytest.approx(1 / (1 + np.exp(5)), rel=1e-15)
    assert bundle.predict(rows).tolist() == [1, 0, 1 if 0.2 * 20 + 0.9 + 0.1 > 5 else 0]
