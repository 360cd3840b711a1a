"""From a notebook to a live model and back, with real processes: deploy, ask, a second version, roll back."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import golive
from golive.control.running.processes import stop
from golive.errors import InvalidRowError, RequestError, UnavailableError


@pytest.fixture
def home(tmp_path: Path):
    yield tmp_path
    stop(tmp_path, timeout_s=20)


def test_a_model_goes_live_from_a_notebook_and_is_rolled_back(home):
    rows, species = load_iris(return_X_y=True, as_frame=True)
    models = [LogisticRegression(C=0.01).fit(rows, species), DecisionTreeClassifier(random_state=0).fit(rows, species)]
    bundles = [golive.package(model, sample=rows, target=species, name="iris", home=str(home)) for model in models]
    lives = []
    for bundle in bundles:
        verdict = golive.gate(golive.evaluate(bundle, rows, species), "accuracy >= 0.7")
        lives.append(golive.deploy("iris", bundle, verdict=verdict, port=0, admin_port=0))
    first, live = lives
    assert live.url == first.url
    tree = models[1].predict(rows).tolist()
    assert live.predict(rows) == bundles[1].predict(rows).tolist() == tree
    assert live.predict(rows.to_numpy()) == live.predict(rows.to_dict("records")) == tree
    [line] = live.status().lines
    assert (line.name, line.version, line.live, line.bundle) == ("iris", 2, True, bundles[1].digest)

    live.rollback(reason="the tree is too sure")
    assert live.predict(rows) == models[0].predict(rows).tolist()
    [line] = golive.status(home=str(home)).lines
    assert line.version == 1

    with pytest.raises(RequestError, match=r"the input .sepal width \(cm\). is missing"):
        live.predict([{"sepal length (cm)": 1.0}])
    with pytest.raises(InvalidRowError, match="is inf, but a finite number is needed"):
        live.predict(np.full((1, 4), np.inf))
    stop(home, timeout_s=20)
    with pytest.raises(UnavailableError, match="no server answers at http"):
        live.predict(rows)
